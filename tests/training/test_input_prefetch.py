import numpy as np
import tensorflow as tf

from ahernet_tf.acceleration import devices
from ahernet_tf.training.input_prefetch import joined, on_device


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


def test_streams_come_together_and_one_ahead():
    taken = []

    def number(value):
        taken.append(int(value))
        return value

    def stream(factor):
        numbers = tf.data.Dataset.range(4)
        return numbers.map(lambda n: factor * tf.numpy_function(number, [n], n.dtype))

    iterator = iter(joined({"moments": stream(1), "untrimmed": stream(10)}))
    first = next(iterator)
    assert {name: int(value) for name, value in first.items()} == {
        "moments": 0,
        "untrimmed": 0,
    }
    assert [int(batch["untrimmed"]) for batch in iterator] == [10, 20, 30]


def test_without_a_gpu_batches_pass_as_they_are(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    made = list(batches(3, []))
    assert all(a is b for a, b in zip(on_device(iter(made)), made, strict=True))


def test_on_a_gpu_all_batches_in_order_and_one_is_fetched_ahead(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    taken = []
    for number, batch in enumerate(on_device(batches(3, taken))):
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

    found = on_device(broken())
    next(found)
    with np.testing.assert_raises_regex(ValueError, "broken file"):
        next(found)
