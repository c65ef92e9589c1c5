"""What the program computes on, and how it holds memory."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # nothing public knows

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of glibc's malloc.h
_GIVE_BACK_EVERY_SEC = 2.0


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
    does with oneDNN, what is large outside of tensors goes back to the system at once,
    and what else is free every two seconds: compiling the step of an iteration leaves
    holes all over the heap. All together are 0.2 to 0.3 GB of training at the paper's
    size. For programs, before the first operation. MALLOC_ARENA_MAX and
    MALLOC_MMAP_THRESHOLD_ in the environment win.
    """
    library = _glibc()
    if library is None:
        return
    if "MALLOC_ARENA_MAX" not in os.environ:
        library.mallopt(_ARENA_MAX, 1)
    if has_onednn():
        if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
            library.mallopt(_MMAP_THRESHOLD, 1 << 20)
        threading.Thread(target=_keep_giving_back, args=(library,), daemon=True).start()


def give_back_memory() -> None:
    """Gives the memory that is free back to the system."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _keep_giving_back(library: ctypes.CDLL) -> None:
    while True:
        library.malloc_trim(0)
        time.sleep(_GIVE_BACK_EVERY_SEC)


def _glibc() -> ctypes.CDLL | None:
    """Returns the C library, if it is glibc."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") else None
