"""AherNet in TensorFlow 2: localising actions in time, learnt from action moments.

The names below are imported when they are first asked for: importing this package does
not import TensorFlow.
"""

from typing import TYPE_CHECKING

from ahernet_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from ahernet_tf.config import Config, preset
    from ahernet_tf.data.dataset import Dataset
    from ahernet_tf.data.features.time_model import TimeModel
    from ahernet_tf.inference.localizer import Localizer
    from ahernet_tf.models.ahernet import AherNet

__version__ = "0.1.0"
__all__ = [
    "AherNet",
    "Config",
    "Dataset",
    "Localizer",
    "TimeModel",
    "__version__",
    "preset",
]
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AherNet": "models.ahernet",
        "Config": "config",
        "Dataset": "data.dataset",
        "Localizer": "inference.localizer",
        "TimeModel": "data.features.time_model",
        "preset": "config",
    },
)
