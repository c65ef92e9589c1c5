"""From clip features to detections."""
