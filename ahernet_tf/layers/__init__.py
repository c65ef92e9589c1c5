"""The Keras layers of AherNet; each can be used alone in any Keras model."""

from ahernet_tf.layers.anchor_classifier import AnchorClassifier, classify_cells
from ahernet_tf.layers.backbone import Backbone
from ahernet_tf.layers.convolution import TemporalConvolution
from ahernet_tf.layers.discriminator import Discriminator
from ahernet_tf.layers.generators import ContextGenerator, SyntheticMoments
from ahernet_tf.layers.heads import AnchorHead, PyramidHead
from ahernet_tf.layers.standardization import FeatureStandardization
from ahernet_tf.layers.weight_transfer import (
    SegmentClassifier,
    TransferFunction,
    WeightTransfer,
)

__all__ = [
    "AnchorClassifier",
    "AnchorHead",
    "Backbone",
    "ContextGenerator",
    "Discriminator",
    "FeatureStandardization",
    "PyramidHead",
    "SegmentClassifier",
    "SyntheticMoments",
    "TemporalConvolution",
    "TransferFunction",
    "WeightTransfer",
    "classify_cells",
]
