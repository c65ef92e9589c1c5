"""AherNet in TensorFlow 2: localising actions in time, learnt from action moments.

The names below are imported when they are first asked for, so that importing this
package does not import TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ahernet_tf.config import Config, preset
    from ahernet_tf.data.dataset import Dataset
    from ahernet_tf.data.features.time_model import TimeModel
    from ahernet_tf.inference.localizer import Localizer
    from ahernet_tf.models.ahernet import AherNet

__version__ = "0.1.0"

_MODULE_OF = {
    "AherNet": "models.ahernet",
    "Config": "config",
    "Dataset": "data.dataset",
    "Localizer": "inference.localizer",
    "TimeModel": "data.features.time_model",
    "preset": "config",
}
__all__ = [
    "AherNet",
    "Config",
    "Dataset",
    "Localizer",
    "TimeModel",
    "__version__",
    "preset",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
