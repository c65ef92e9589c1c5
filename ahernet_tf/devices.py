"""What the program computes on, and how it holds memory."""

from __future__ import annotations

import ctypes
import os
import sys

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # nothing public knows

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of glibc's malloc.h


def has_gpu() -> bool:
    """Returns whether TensorFlow computes on a GPU.

    A GPU takes its work in order and runs behind the host that hands it out: what
    makes the host wait for a number leaves it idle.
    """
    return bool(tf.config.list_logical_devices("GPU"))


def has_onednn() -> bool:
    """Returns whether TensorFlow multiplies matrices on processors with oneDNN.

    It does by default where the processor has instructions for neural networks
    (AVX512-VNNI, AVX512-BF16, AMX); else with Eigen.
    """
    return _pywrap_util_port.IsMklEnabled()


def hold_less_memory() -> None:
    """Asks the C library to hold less memory that is free.

    glibc gives threads heaps of their own, and none can use what is free in another;
    here all share one. Where TensorFlow keeps tensors in an allocator of its own, as it
    does with oneDNN, what is large outside of tensors goes back to the system at once.
    Both together are 0.1 to 0.2 GB of training at the paper's size. For programs,
    before the first operation. MALLOC_ARENA_MAX and MALLOC_MMAP_THRESHOLD_ in the
    environment win.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in every C library
    if mallopt and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_ARENA_MAX, 1)
    if mallopt and has_onednn() and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt(_MMAP_THRESHOLD, 1 << 20)
