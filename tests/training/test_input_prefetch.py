import numpy as np
import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.training import input_prefetch as feeding
from ahernet_tf.training.input_prefetch import fed


def batches(count, taken, first=0):
    for number in range(first, count):
        taken.append(number)
        yield {
            "moments": {
                "features": tf.fill([2, 3], float(number)),
                "label": tf.constant([number, number]),
                "video": tf.constant(["a", "b"]),
            }
        }


class Feed:
    """Makes batches, by a clock that only making and computing them move on."""

    def __init__(self, monkeypatch, making=(), computing=100.0):
        self.now, self.making, self.computing = 0.0, dict(enumerate(making)), computing
        self.taken, self.made = [], []
        monkeypatch.setattr(feeding.time, "monotonic", lambda: self.now)

    def make(self, first, ahead):
        self.made.append((first, ahead))
        for batch in batches(6, self.taken, first):
            self.now += self.making.get(self.taken[-1], 0.0)
            yield batch

    def run(self, count=6):
        found = []
        for batch in fed(self.make, count):
            found.append(int(batch["moments"]["label"][0]))
            self.now += self.computing
        return found


def test_batches_are_made_when_asked_for_while_making_them_is_short(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    feed = Feed(monkeypatch, making=[0.9] * 6)
    assert feed.run() == [0, 1, 2, 3, 4, 5]
    assert feed.made == [(0, False)]


def test_from_the_first_long_wait_on_they_are_made_ahead(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    feed = Feed(monkeypatch, making=[0.9, 0.9, 1.1])
    assert feed.run() == [0, 1, 2, 3, 4, 5]
    assert feed.made == [(0, False), (3, True)]


def test_no_more_than_are_asked_for(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    feed = Feed(monkeypatch)
    assert feed.run(count=4) == feed.taken == [0, 1, 2, 3]


def test_on_a_gpu_all_batches_in_order_and_one_is_fetched_ahead(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    taken = []
    for number, batch in enumerate(fed(lambda *_: batches(3, taken), 3)):
        np.testing.assert_array_equal(batch["moments"]["features"], number)
        assert batch["moments"]["label"].numpy().tolist() == [number, number]
        assert batch["moments"]["video"].numpy().tolist() == [b"a", b"b"]
        assert len(taken) >= number + 1
    assert taken == [0, 1, 2]


def test_an_error_of_the_pipeline_arrives(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)

    def broken():
        yield from batches(1, [])
        raise ValueError("broken file")

    found = fed(lambda *_: broken(), 2)
    next(found)
    with np.testing.assert_raises_regex(ValueError, "broken file"):
        next(found)
