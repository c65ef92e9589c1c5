"""AherNet: the layers composed, one forward path for each kind of input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.config import NetworkConfig, SynthesisConfig, from_dict
from ahernet_tf.layers import (
    Backbone,
    Discriminator,
    FeatureStandardization,
    PyramidHead,
    SegmentClassifier,
    SyntheticMoments,
    WeightTransfer,
    classify_cells,
)


class Predictions(NamedTuple):
    """What the network says of a batch of sequences.

    Anchors and cells of all levels stand in one axis: level, cell, ratio.

    Attributes:
        offsets: `[batch, anchors, 2]`, coded centre and length (Eq. 5).
        overlap: `[batch, anchors]`, predicted tIoU in 0..1.
        class_logits: `[batch, cells, classes]`, or None: of proposals alone.
        proposal_logits: `[batch, anchors, 2]`, background and action; None where the
            network has no `proposal_classifier`.
    """

    offsets: tf.Tensor
    overlap: tf.Tensor
    class_logits: tf.Tensor | None
    proposal_logits: tf.Tensor | None = None


_Part = TypeVar("_Part", NetworkConfig, SynthesisConfig)


def _part(given: _Part | Mapping[str, Any], kind: type[_Part]) -> _Part:
    """Returns a part of the configuration; a saved model has it as a dictionary."""
    if isinstance(given, Mapping):
        return from_dict(dict(given), kind)
    return given


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class AherNet(tf.keras.Model):
    """Localises actions whose classes were learnt from moments alone (section 3).

    Called on features it predicts the anchors of the target classes. Training uses the
    paths below: `segment_logits` for moments and foreground segments, `predict` paths
    through `anchor_classifier` for untrimmed videos and synthetic moments.

    Args:
        feature_channels: Channels of the clip features.
        source_classes: Number of classes with temporal annotations.
        target_classes: Number of classes with moments only.
        network: Sizes; a `NetworkConfig` or its dictionary.
        synthesis: Composition of synthetic moments; likewise.
        **kwargs: Of the Keras model (`name`, `dtype`).
    """

    def __init__(
        self,
        feature_channels: int,
        source_classes: int,
        target_classes: int,
        network: NetworkConfig | Mapping[str, Any] = NetworkConfig(),  # noqa: B008
        synthesis: SynthesisConfig | Mapping[str, Any] = SynthesisConfig(),  # noqa: B008
        **kwargs,
    ):
        # Without autocast: each layer casts its own input; before standardisation,
        # features may be large numbers with small differences.
        super().__init__(autocast=False, **kwargs)
        network = _part(network, NetworkConfig)
        synthesis = _part(synthesis, SynthesisConfig)
        self.feature_channels = feature_channels
        self.source_classes = source_classes
        self.target_classes = target_classes
        self.network = network
        self.synthesis = synthesis
        levels, ratios = len(network.level_channels), len(network.anchor_ratios)
        dtype = self.dtype_policy
        self.standardization = FeatureStandardization(
            name="standardization", dtype="float32"
        )
        self.backbone = Backbone(
            network.base_channels, network.level_channels, name="backbone", dtype=dtype
        )
        self.head = PyramidHead(
            levels, ratios, network.proposal_classifier, name="head", dtype=dtype
        )
        # The small affine maps between classifiers stay in full precision.
        self.source_classifier = SegmentClassifier(
            source_classes, name="source_classifier", dtype="float32"
        )
        self.target_classifier = SegmentClassifier(
            target_classes, name="target_classifier", dtype="float32"
        )
        self.weight_transfer = WeightTransfer(
            levels,
            network.transfer_layers,
            network.transfer_activation,
            name="weight_transfer",
            dtype="float32",
        )
        self.synthetic_moments = SyntheticMoments(
            network.untrimmed_steps,
            synthesis.mode,
            synthesis.legacy_synthetic_gt,
            network.generator_channels,
            network.generator_activation,
            name="synthetic_moments",
            dtype=dtype,
        )
        self.discriminator = Discriminator(
            levels, ratios, name="discriminator", dtype=dtype
        )

    def build(self, input_shape=None) -> None:
        """Builds every layer; the arguments of the constructor give all shapes.

        Args:
            input_shape: `(None, steps, channels)`. `export` wants to have seen it,
                here or by a first call; nothing else needs it.
        """
        network, channels = self.network, self.feature_channels
        moments = (None, network.moment_steps, channels)
        cells = anchor_grid.cells_per_level(
            network.untrimmed_steps, len(network.level_channels)
        )
        maps = [(None, *shape) for shape in zip(cells, network.level_channels)]
        self.standardization.build((None, None, channels))
        self.backbone.build((None, None, channels))
        self.head.build(maps)
        self.source_classifier.build(maps)
        self.target_classifier.build(maps)
        kernels = [(width, self.target_classes) for width in network.level_channels]
        self.weight_transfer.build((kernels, [(self.target_classes,)] * len(kernels)))
        self.synthetic_moments.build(moments)
        self.discriminator.build(maps)
        shape = input_shape or (None, network.untrimmed_steps, channels)
        tf.keras.layers.Layer.build(self, shape)

    def anchors(self) -> np.ndarray:
        """Returns the anchors of an untrimmed sequence, `[anchors, 2]`, in steps."""
        network = self.network
        return anchor_grid.grid(
            network.untrimmed_steps, len(network.level_channels), network.anchor_ratios
        )

    def segment_logits(
        self, maps: Sequence[tf.Tensor], classifier: SegmentClassifier
    ) -> tf.Tensor:
        """Classifies moments or foreground segments from their maps (Eq. 4).

        Args:
            maps: One map `[batch, cells, channels]` a level.
            classifier: `target_classifier` for moments, `source_classifier` for
                foreground segments.

        Returns:
            `[levels, batch, classes]`.
        """
        return classifier([tf.cast(level_map, tf.float32) for level_map in maps])

    def anchor_classifier(
        self, classifier: SegmentClassifier
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Transfers a segment classifier to anchors: U = f(V) (Eq. 1).

        Args:
            classifier: `source_classifier` or `target_classifier`.

        Returns:
            Kernels `[channels, classes]` and biases `[classes]`, one a level.
        """
        return self.weight_transfer(classifier.weights_by_level())

    def predict_anchors(
        self,
        maps: Sequence[tf.Tensor],
        anchor_classifier: tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]] | None,
    ) -> Predictions:
        """Predicts every anchor of untrimmed videos or synthetic moments.

        Args:
            maps: One map `[batch, cells, channels]` a level.
            anchor_classifier: As `anchor_classifier` returns it; None classifies
                nothing.

        Returns:
            Predictions in float32.
        """
        outputs = {
            name: tf.cast(output, tf.float32)
            for name, output in self.head(maps).items()
        }
        class_logits = None
        if anchor_classifier is not None:
            logits = classify_cells(maps, *anchor_classifier)
            class_logits = tf.cast(logits, tf.float32)
        return Predictions(**outputs, class_logits=class_logits)

    def call(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts the anchors of untrimmed videos for the target classes.

        Args:
            features: `[batch, steps, channels]`, as the feature store holds them.

        Returns:
            The fields of `Predictions` by name, without those that are None.
        """
        maps = self.backbone(self.standardization(features))
        anchor_classifier = self.anchor_classifier(self.target_classifier)
        predictions = self.predict_anchors(maps, anchor_classifier)._asdict()
        return {name: part for name, part in predictions.items() if part is not None}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            "feature_channels": self.feature_channels,
            "source_classes": self.source_classes,
            "target_classes": self.target_classes,
            "network": dataclasses.asdict(self.network),
            "synthesis": dataclasses.asdict(self.synthesis),
        }
