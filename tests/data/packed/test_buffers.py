import gc

import numpy as np
import tensorflow as tf

from ahernet_tf.data.packed.buffers import BufferPool


def test_memory_is_used_again_when_it_is_let_go():
    pool = BufferPool()
    one, two = pool.array((4, 3), np.float32), pool.array((4, 3), np.float32)
    one[:], two[:] = 1, 2
    assert len(pool) == 2
    place = one.ctypes.data
    del one
    three = pool.array((3, 4), np.float32)
    assert three.ctypes.data == place
    assert len(pool) == 2
    np.testing.assert_array_equal(two, np.full((4, 3), 2))


def test_a_view_keeps_the_memory():
    pool = BufferPool()
    row = pool.array((4, 3), np.float32)[2]
    row[:] = 7
    pool.array((4, 3), np.float32)[:] = 0
    np.testing.assert_array_equal(row, [7, 7, 7])
    assert len(pool) == 2


def test_a_larger_array_gets_memory_of_its_own():
    pool = BufferPool()
    pool.array((2,), np.float32)
    assert pool.array((1000,), np.float32).shape == (1000,)
    assert len(pool) == 2
    assert pool.array((2,), np.float32).ctypes.data % 64 == 0


def test_a_tensor_keeps_the_memory_that_it_was_made_of():
    pool = BufferPool()

    def compute(value):
        array = pool.array((64, 64), np.float32)
        array[:] = value
        return array

    def numbers(values):
        dataset = tf.data.Dataset.from_tensor_slices(values)
        return dataset.map(lambda v: tf.numpy_function(compute, [v], tf.float32))

    held = list(numbers(np.arange(5, dtype=np.float32)))
    for value, tensor in enumerate(held):
        np.testing.assert_array_equal(tensor, np.full((64, 64), value))
    arrays = [tensor.numpy() for tensor in held[:2]]
    del held, tensor
    gc.collect()
    for tensor in numbers(np.full(50, 9, np.float32)):
        assert tensor[0, 0] == 9
    for value, array in enumerate(arrays):
        np.testing.assert_array_equal(array, np.full((64, 64), value))
    assert len(pool) < 40  # of 55: given back with a delay, and used again
