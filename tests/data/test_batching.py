import functools

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data import batching
from ahernet_tf.data.batching import endless_batches, finite_batches

SIGNATURE = {
    "features": tf.TensorSpec((2, 3), tf.float32),
    "number": tf.TensorSpec((), tf.int32),
    "name": tf.TensorSpec((), tf.string),
}


def sample(number):
    values = np.full((2, 3), number, np.float64)
    return {"features": values, "number": number, "name": f"video {number}"}


def read(batches, count):
    return list(batches.take(count).as_numpy_iterator())


def test_batches_hold_their_samples_in_order():
    found = read(endless_batches(sample, SIGNATURE, 4, first=2, stride=3), 2)
    assert [batch["number"].tolist() for batch in found] == [
        [8, 9, 10, 11],
        [20, 21, 22, 23],
    ]
    assert found[0]["name"][1] == b"video 9"
    np.testing.assert_array_equal(found[1]["features"][2], np.full((2, 3), 22.0))
    assert found[0]["features"].dtype == np.float32


def test_the_last_of_finite_batches_holds_the_rest():
    found = read(finite_batches(sample, SIGNATURE, 4, 6), 9)
    assert [batch["number"].tolist() for batch in found] == [[0, 1, 2, 3], [4, 5]]


def test_a_batch_stays_as_it_is_while_others_are_made():
    batches = iter(endless_batches(sample, SIGNATURE, 4))
    held = [next(batches)["features"] for _ in range(8)]
    for number, tensor in enumerate(held):
        expected = np.arange(4 * number, 4 * number + 4, dtype=np.float32)
        np.testing.assert_array_equal(tensor[:, 1, 2], expected)


def test_a_sample_may_write_into_its_batch():
    def write(number, out):
        out[...] = number

    def written(number):
        return sample(number) | {"features": functools.partial(write, number)}

    found = read(endless_batches(written, SIGNATURE, 4), 2)
    for batch, other in zip(found, read(endless_batches(sample, SIGNATURE, 4), 2)):
        np.testing.assert_array_equal(batch["features"], other["features"])


def test_memory_of_a_batch_serves_again_when_nothing_uses_it():
    memory = batching._Memory()
    gone, held = (memory.empty((3, 4), np.float32) for _ in range(2))
    place = gone.ctypes.data
    assert place % 64 == 0
    del gone
    again = memory.empty((4, 3), np.float32)
    assert again.ctypes.data == place
    assert held.ctypes.data != place
    row = again[1:].view(np.int32)
    del again  # a view of a batch holds its memory as well
    assert memory.empty((3, 4), np.float32).ctypes.data != place
    del row
    assert memory.empty((3, 4), np.float32).ctypes.data == place


def test_batches_that_are_held_keep_their_values():
    def sample(number):
        return {"x": np.full(64, number, np.float32)}

    signature = {"x": tf.TensorSpec([64], tf.float32)}
    batches = list(endless_batches(sample, signature, 2).take(6))
    firsts = [float(batch["x"][0, 0]) for batch in batches]
    assert firsts == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_an_error_of_a_sample_reaches_the_reader():
    def faulty(number):
        raise ValueError(f"sample {number} is damaged")

    with pytest.raises(tf.errors.OpError, match=r"sample \d is damaged"):
        read(endless_batches(faulty, SIGNATURE, 4), 1)
