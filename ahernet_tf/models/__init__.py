"""Models composed of the layers."""

from typing import TYPE_CHECKING

from ahernet_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from ahernet_tf.models.ahernet import AherNet, Predictions

__all__ = ["AherNet", "Predictions"]
__getattr__, __dir__ = lazy_names(
    __name__, {"AherNet": "ahernet", "Predictions": "ahernet"}
)
