"""AherNet in TensorFlow 2: localising actions in time, learnt from action moments."""

__version__ = "0.1.0"
