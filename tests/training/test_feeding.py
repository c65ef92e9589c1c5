import numpy as np
import tensorflow as tf

from ahernet_tf import devices
from ahernet_tf.training.feeding import on_device_ahead


def batches(count, taken):
    for number in range(count):
        taken.append(number)
        yield {
            "moments": {
                "features": tf.fill([2, 3], float(number)),
                "label": tf.constant([number, number]),
                "video": tf.constant(["a", "b"]),
            }
        }


def test_all_batches_in_order_and_one_is_fetched_ahead(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    taken = []
    for number, batch in enumerate(on_device_ahead(batches(3, taken))):
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

    found = on_device_ahead(broken())
    next(found)
    with np.testing.assert_raises_regex(ValueError, "broken file"):
        next(found)


def test_without_a_gpu_nothing_is_fetched_ahead(monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    taken = []
    next(on_device_ahead(batches(3, taken)))
    assert taken == [0]
