"""The losses of the steps of Algorithm 1, pure functions of a forward pass."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import tensorflow as tf

from ahernet_tf import losses, replicas
from ahernet_tf.anchors import offset_coding, target_matching
from ahernet_tf.config import LossConfig
from ahernet_tf.layers import SegmentClassifier
from ahernet_tf.models import AherNet, Predictions
from ahernet_tf.synthesis.neighbourhood import cut_out, neighbourhood

Batch = Mapping[str, tf.Tensor]
Losses = dict[str, tf.Tensor]
Maps = tuple[tf.Tensor, ...]
Classifier = tuple[list[tf.Tensor], list[tf.Tensor]]


@dataclasses.dataclass
class ForwardPass:
    """Maps and targets of batches at the network's present weights.

    Each is computed once, when a loss first asks for it. A step that begins after an
    update needs a forward pass of its own.

    Attributes:
        model: A built network.
        annotated_classifier: Segment classifier of the classes with temporal
            annotations.
        config: Weights, thresholds and forms of the losses.
        untrimmed: Batch, standardised when the forward pass is made; as are the
            others, see `Algorithm.take`. What no loss asks for may be left out.
        foreground: Of foreground segments.
        moments: With the random draw of the synthesis.
    """

    model: AherNet
    annotated_classifier: SegmentClassifier
    config: LossConfig
    untrimmed: Batch = dataclasses.field(default_factory=dict)
    foreground: Batch = dataclasses.field(default_factory=dict)
    moments: Batch = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Standardises the features, and the context if a batch holds one."""
        for stream in ("untrimmed", "foreground", "moments"):
            batch = dict(getattr(self, stream))
            parts = [part for part in ("features", "context") if part in batch]
            batch |= {part: self.model.standardization(batch[part]) for part in parts}
            setattr(self, stream, batch)

    @functools.cached_property
    def untrimmed_maps(self) -> Maps:
        """Maps of the untrimmed videos."""
        return self.model.backbone(self.untrimmed["features"])

    @functools.cached_property
    def synthetic_maps(self) -> Maps:
        """Maps of the moments surrounded by context."""
        moments = self.moments
        sequences = self.model.synthetic_moments(moments["features"], moments)
        return self.model.backbone(sequences)

    @functools.cached_property
    def untrimmed_targets(self) -> target_matching.Targets:
        """Anchors matched with the instances of the untrimmed videos."""
        names = ("segments", "segment_mask", "segment_labels")
        return self._matched(*(self.untrimmed[name] for name in names))

    @functools.cached_property
    def synthetic_targets(self) -> target_matching.Targets:
        """Anchors matched with where the moments lie."""
        layout = self.model.synthetic_moments.layout(self.moments)
        labels = self.moments["label"][:, tf.newaxis]
        labels = tf.broadcast_to(labels, tf.shape(layout.segment_mask))
        return self._matched(layout.segments, layout.segment_mask, labels)

    def _matched(
        self, segments: tf.Tensor, mask: tf.Tensor, labels: tf.Tensor
    ) -> target_matching.Targets:
        return target_matching.match(
            tf.constant(self.model.anchors()),
            segments,
            mask,
            labels,
            steps=self.model.network.untrimmed_steps,
            foreground_tiou=self.config.foreground_tiou,
            background_tiou=self.config.background_tiou,
        )

    @functools.cached_property
    def background_masks(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Which anchors are real and which are generated background."""
        return losses.adversarial_masks(
            self.untrimmed_targets.background,
            self.synthetic_targets.background,
            self.config,
        )


def moments(forward: ForwardPass) -> Losses:
    """Classifies the moments from their pooled maps (Eq. 4)."""
    classifier = forward.model.target_classifier
    return _segment_losses(forward, forward.moments, classifier)


def foreground(forward: ForwardPass) -> Losses:
    """Classifies foreground segments from their pooled maps (Eq. 4)."""
    classifier = forward.annotated_classifier
    return _segment_losses(forward, forward.foreground, classifier)


def untrimmed(forward: ForwardPass) -> Losses:
    """Localises and classifies in untrimmed videos (Eq. 4-7)."""
    batch = forward.untrimmed
    return _anchor_losses(
        forward,
        forward.untrimmed_maps,
        forward.annotated_classifier,
        forward.untrimmed_targets,
        batch["segment_labels"][:, 0],
        tf.reduce_any(batch["segment_mask"], axis=-1),
    )


def synthetic(forward: ForwardPass) -> Losses:
    """Localises and classifies in synthetic moments (Eq. 4-7)."""
    labels = forward.moments["label"]
    return _anchor_losses(
        forward,
        forward.synthetic_maps,
        forward.model.target_classifier,
        forward.synthetic_targets,
        labels,
        tf.ones_like(labels, tf.bool),
    )


def discriminators(forward: ForwardPass) -> Losses:
    """Tells real from generated background (Eq. 8)."""
    discriminator = forward.model.discriminator
    real, fake = losses.discriminator_losses(
        discriminator([tf.stop_gradient(m) for m in forward.untrimmed_maps]),
        discriminator([tf.stop_gradient(m) for m in forward.synthetic_maps]),
        *forward.background_masks,
        forward.config,
    )
    return {"real": real, "fake": fake, "discriminator": real + fake}


def adversarial(forward: ForwardPass) -> Losses:
    """Asks that generated background pass for real (Eq. 8)."""
    logits = forward.model.discriminator(forward.synthetic_maps)
    _, fake_mask = forward.background_masks
    return {"adversarial": losses.generator_loss(logits, fake_mask, forward.config)}


def proposals(forward: ForwardPass) -> Losses:
    """Localises whatever the class in untrimmed videos (AherNet-)."""
    predictions = forward.model.predict_anchors(forward.untrimmed_maps, None)
    return _localization_losses(forward, predictions, forward.untrimmed_targets)


def contexts(forward: ForwardPass) -> Losses:
    """Regresses the background beside an instance (AherNetA-).

    From the features of the instance that the batch chose in each video, the
    generators are to make what lies before and after it: half as long as the instance
    on either side, cut off at the sequence's ends and where another instance begins. A
    side without at least one step of background is left out.
    """
    batch, generators = forward.untrimmed, forward.model.synthetic_moments
    network = forward.model.network
    sides = neighbourhood(
        batch["segments"],
        batch["segment_mask"],
        batch["chosen"],
        network.untrimmed_steps,
    )
    features = batch["features"]
    instances = cut_out(features, sides.instance, network.moment_steps)
    named = {}
    for name, generator, bounds in (
        ("start", generators.start_generator, sides.before),
        ("end", generators.end_generator, sides.after),
    ):
        generated = tf.cast(generator(instances), tf.float32)
        real = cut_out(features, bounds, generated.shape[1])
        error = tf.reduce_mean(tf.square(generated - real), axis=[1, 2])
        is_there = bounds[:, 1] - bounds[:, 0] >= 1.0
        named[name] = losses.masked_mean(error, is_there)
    return named | {"context": named["start"] + named["end"]}


def _segment_losses(
    forward: ForwardPass, batch: Batch, classifier: SegmentClassifier
) -> Losses:
    maps = forward.model.backbone(batch["features"])
    logits = forward.model.segment_logits(maps, classifier)
    right = tf.argmax(logits, axis=-1) == tf.cast(batch["label"], tf.int64)
    return {
        "segment_classification": losses.segment_classification_loss(
            logits, batch["label"], forward.config
        ),
        "accuracy": replicas.mean(tf.cast(right, tf.float32)),
    }


def _anchor_losses(
    forward: ForwardPass,
    maps: Maps,
    classifier: SegmentClassifier,
    targets: target_matching.Targets,
    video_labels: tf.Tensor,
    has_label: tf.Tensor,
) -> Losses:
    """Computes the losses of anchors (Eq. 4-7).

    Args:
        forward: Whose maps they are.
        maps: One map `[batch, cells, channels]` per level.
        classifier: Of the classes that labels index; it is transferred.
        targets: Of the anchors.
        video_labels: `[batch]` int32.
        has_label: `[batch]` bool, whether the video has an instance at all.

    Returns:
        `proposal`, `offset`, `overlap`, their sum `localization`,
        `anchor_classification`, `total`; `accuracy` of the cells against their video's
        label.
    """
    anchor_classifier = forward.model.anchor_classifier(classifier)
    predictions = forward.model.predict_anchors(maps, anchor_classifier)
    predicted = tf.argmax(predictions.class_logits, axis=-1)
    labels = tf.cast(video_labels[:, tf.newaxis], tf.int64)
    right = tf.cast(predicted == labels, tf.float32)
    cell_has_label = tf.broadcast_to(has_label[:, tf.newaxis], tf.shape(right))
    named = _localization_losses(forward, predictions, targets)
    classification = losses.anchor_classification_loss(
        predictions.class_logits, video_labels, has_label, targets, forward.config
    )
    return named | {
        "anchor_classification": classification,
        "total": named["localization"] + classification,
        "accuracy": losses.masked_mean(right, cell_has_label),
    }


def _localization_losses(
    forward: ForwardPass, predictions: Predictions, targets: target_matching.Targets
) -> Losses:
    """Computes the losses of anchors whatever their class (Eq. 5-7)."""
    config = forward.config
    proposal, chosen = losses.proposal_loss(
        predictions.proposal_logits, targets, config
    )
    offsets, wanted = predictions.offsets, targets.offsets
    if config.offset_loss == "decoded":
        # Only foreground counts; what background says may be too large to decode.
        offsets = tf.where(targets.foreground[..., tf.newaxis], offsets, 0.0)
        offsets = offset_coding.decode(offsets, tf.constant(forward.model.anchors()))
        wanted = targets.segments
    offset = losses.offset_loss(offsets, wanted, targets.foreground, chosen)
    overlap = losses.overlap_loss(predictions.overlap, targets, config)
    return {
        "proposal": proposal,
        "offset": offset,
        "overlap": overlap,
        "localization": proposal + offset + overlap,
    }
