"""Models composed of the layers."""

from ahernet_tf.models.ahernet import AherNet, Predictions

__all__ = ["AherNet", "Predictions"]
