"""From clip features to detections."""

from ahernet_tf.inference.localizer import Detection, Localizer

__all__ = ["Detection", "Localizer"]
