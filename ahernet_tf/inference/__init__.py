"""From clip features to detections."""

from ahernet_tf.inference.detections import Detection
from ahernet_tf.inference.localizer import Localizer

__all__ = ["Detection", "Localizer"]
