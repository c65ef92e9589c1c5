"""What the program computes on."""

from __future__ import annotations

import tensorflow as tf


def has_gpu() -> bool:
    """Returns whether TensorFlow computes on a GPU.

    A GPU takes its work in order and runs behind the host that hands it out: what
    makes the host wait for a number leaves it idle.
    """
    return bool(tf.config.list_logical_devices("GPU"))
