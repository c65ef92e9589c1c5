"""What the program computes on."""

from __future__ import annotations

import functools
import logging

import tensorflow as tf

_LOG = logging.getLogger(__name__)


def has_gpu() -> bool:
    """Returns whether TensorFlow computes on a GPU.

    A GPU takes its work in order and runs behind the host that hands it out: what
    makes the host wait for a number leaves it idle.
    """
    return bool(tf.config.list_logical_devices("GPU"))


@functools.cache
def has_onednn() -> bool:
    """Returns whether TensorFlow multiplies matrices on processors with oneDNN.

    It does by default where the processor has instructions for neural networks
    (AVX512-VNNI, AVX512-BF16, AMX); else with Eigen. Nothing public tells: where the
    private name is gone, the answer is no, which is safe and slower.
    """
    try:
        from tensorflow.python.util import _pywrap_util_port

        return bool(_pywrap_util_port.IsMklEnabled())
    except (ImportError, AttributeError) as error:
        _LOG.warning("Cannot tell whether oneDNN multiplies (%s); assumed not.", error)
        return False
