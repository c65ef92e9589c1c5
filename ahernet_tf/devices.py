"""What the program computes on."""

from __future__ import annotations

import ctypes
import os
import sys

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # nothing public knows

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


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


def use_one_heap() -> None:
    """Lets all threads of this process share a heap, where the C library lets them.

    glibc gives threads heaps of their own, and none can use what is free in another:
    0.1 GB in training at the paper's size. For programs, before the first operation;
    the environment variable MALLOC_ARENA_MAX wins.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in every libc
        if mallopt:
            mallopt(_ARENA_MAX, 1)
