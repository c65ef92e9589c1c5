"""What each row of an iteration minimises: its losses from a batch (Eq. 3-8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from ahernet_tf import losses, replicas
from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.anchors import target_matching as matching
from ahernet_tf.config import LossConfig
from ahernet_tf.layers import SegmentClassifier
from ahernet_tf.models import AherNet, Predictions
from ahernet_tf.synthesis.layouts import (
    cut_out,
    generated_steps,
    most_context_steps,
    neighbourhood,
)

Batch = Mapping[str, tf.Tensor]
Losses = dict[str, tf.Tensor]
EndOfStage = Callable[..., tf.Tensor]


class RowLosses:
    """Computes the losses of every row of Algorithm 1.

    Args:
        model: A built network.
        config: Weights, thresholds and forms of the losses.
        annotated_classifier: Segment classifier of the classes with temporal
            annotations; by default that of the source classes.
    """

    def __init__(
        self,
        model: AherNet,
        config: LossConfig,
        annotated_classifier: SegmentClassifier | None = None,
    ):
        self.model = model
        self.config = config
        self.annotated_classifier = annotated_classifier or model.source_classifier
        self.anchors = tf.constant(model.anchors())

    def moments(self, moments: Batch) -> Losses:
        """Classifies the moments from their pooled maps (row `moments`)."""
        return self._segment_losses(moments, self.model.target_classifier)

    def foreground(self, foreground: Batch) -> Losses:
        """Classifies foreground segments from their pooled maps (`foreground`)."""
        return self._segment_losses(foreground, self.annotated_classifier)

    def _segment_losses(self, batch: Batch, classifier: SegmentClassifier) -> Losses:
        logits = self.model.segment_logits(
            self.model.backbone(batch["features"]), classifier
        )
        right = tf.argmax(logits, axis=-1) == tf.cast(batch["label"], tf.int64)
        return {
            "segment_classification": losses.segment_classification_loss(
                logits, batch["label"], self.config
            ),
            "accuracy": replicas.mean(tf.cast(right, tf.float32)),
        }

    def untrimmed(
        self, untrimmed: Batch, maps: Sequence[tf.Tensor] | None = None
    ) -> Losses:
        """Localises in untrimmed videos (row `untrimmed`).

        Args:
            untrimmed: The batch.
            maps: Of the batch, where they are known.
        """
        return self.localization(
            self.model.backbone(untrimmed["features"]) if maps is None else maps,
            self.model.anchor_classifier(self.annotated_classifier),
            self._targets_of(untrimmed),
            untrimmed["segment_labels"][:, 0],
            tf.reduce_any(untrimmed["segment_mask"], axis=-1),
        )

    def proposals(self, untrimmed: Batch, maps: Sequence[tf.Tensor]) -> Losses:
        """Localises whatever the class in untrimmed videos (row `proposals`)."""
        predictions = self.model.predict_anchors(maps, None)
        return self._proposal_losses(predictions, self._targets_of(untrimmed))

    def contexts(self, untrimmed: Batch) -> Losses:
        """Regresses the background beside an instance (row `contexts`).

        From the features of the instance that the batch chose in each video, the
        generators are to make what lies before and after it: half as long as the
        instance on either side, cut off at the sequence's ends and where another
        instance begins. A side without at least one step of background is left out.
        """
        generators = self.model.synthetic_moments
        steps = self.model.network.moment_steps
        sides = neighbourhood(
            untrimmed["segments"],
            untrimmed["segment_mask"],
            untrimmed["chosen"],
            self.model.network.untrimmed_steps,
        )
        features = untrimmed["features"]
        moments = cut_out(features, sides.instance, steps)
        named = {}
        for name, generator, bounds in (
            ("start", generators.start_generator, sides.before),
            ("end", generators.end_generator, sides.after),
        ):
            generated = tf.cast(generator(moments), tf.float32)
            real = cut_out(features, bounds, generated.shape[1])
            error = tf.reduce_mean(tf.square(generated - real), axis=[1, 2])
            is_there = bounds[:, 1] - bounds[:, 0] >= 1.0
            named[name] = losses.masked_mean(error, is_there)
        return named | {"context": named["start"] + named["end"]}

    def synthetic(
        self,
        moments: Batch,
        maps: Sequence[tf.Tensor] | None = None,
        anchor_classifier: tuple | None = None,
    ) -> Losses:
        """Localises in synthetic moments (rows `generators` and `synthetic`).

        Args:
            moments: The batch.
            maps: Of the synthetic moments, where they are known.
            anchor_classifier: Of the target classes, where it is known.
        """
        target = self.model.target_classifier
        return self.localization(
            self.synthetic_maps(moments) if maps is None else maps,
            anchor_classifier or self.model.anchor_classifier(target),
            self.synthetic_targets(moments),
            moments["label"],
            tf.ones_like(moments["label"], tf.bool),
        )

    def localization(
        self,
        maps: Sequence[tf.Tensor],
        anchor_classifier: tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]],
        targets: matching.Targets,
        video_labels: tf.Tensor,
        has_label: tf.Tensor,
    ) -> Losses:
        """Computes the losses of anchors (Eq. 3, 5-7).

        Args:
            maps: One map `[batch, cells, channels]` a level.
            anchor_classifier: Kernels and biases of the classes that labels index.
            targets: Of the anchors.
            video_labels: `[batch]` int32.
            has_label: `[batch]` bool, whether the video has an instance at all.

        Returns:
            `proposal`, `offset`, `overlap`, their sum `localization`,
            `anchor_classification`, `total`; `accuracy` of the cells against their
            video's label.
        """
        predictions = self.model.predict_anchors(maps, anchor_classifier)
        named = self._proposal_losses(predictions, targets)
        classification = losses.anchor_classification_loss(
            predictions.class_logits, video_labels, has_label, targets, self.config
        )
        predicted = tf.argmax(predictions.class_logits, axis=-1)
        labels = tf.cast(video_labels[:, tf.newaxis], tf.int64)
        right = tf.cast(predicted == labels, tf.float32)
        cell_has_label = tf.broadcast_to(has_label[:, tf.newaxis], tf.shape(right))
        return named | {
            "anchor_classification": classification,
            "total": named["localization"] + classification,
            "accuracy": losses.masked_mean(right, cell_has_label),
        }

    def _proposal_losses(
        self, predictions: Predictions, targets: matching.Targets
    ) -> Losses:
        """Computes the losses of anchors whatever their class (Eq. 5-7)."""
        config = self.config
        proposal, chosen = losses.proposal_loss(
            predictions.proposal_logits, targets, config
        )
        offsets, wanted = predictions.offsets, targets.offsets
        if config.offset_loss == "decoded":
            # Only foreground counts; what background says may be too large to decode.
            offsets = tf.where(targets.foreground[..., tf.newaxis], offsets, 0.0)
            offsets = anchor_grid.decode(offsets, self.anchors)
            wanted = targets.segments
        offset = losses.offset_loss(offsets, wanted, targets.foreground, chosen)
        overlap = losses.overlap_loss(predictions.overlap, targets, config)
        return {
            "proposal": proposal,
            "offset": offset,
            "overlap": overlap,
            "localization": proposal + offset + overlap,
        }

    def discriminators(
        self,
        real_maps: Sequence[tf.Tensor],
        fake_maps: Sequence[tf.Tensor],
        real_mask: tf.Tensor,
        fake_mask: tf.Tensor,
    ) -> Losses:
        """Tells real from generated background (row `discriminators`, Eq. 8)."""
        real, fake = losses.discriminator_losses(
            self.model.discriminator(real_maps),
            self.model.discriminator(fake_maps),
            real_mask,
            fake_mask,
            self.config,
        )
        return {"real": real, "fake": fake, "discriminator": real + fake}

    def adversarial(
        self, fake_maps: Sequence[tf.Tensor], fake_mask: tf.Tensor
    ) -> Losses:
        """Asks that generated background pass for real (row `adversarial`, Eq. 8)."""
        logits = self.model.discriminator(fake_maps)
        return {"adversarial": losses.generator_loss(logits, fake_mask, self.config)}

    def standardized(self, batch: Batch) -> Batch:
        """Returns the batch with standardised features, and context if it holds one."""
        parts = {part for part in ("features", "context") if part in batch}
        standardized = {part: self.model.standardization(batch[part]) for part in parts}
        return dict(batch) | standardized

    def maps(
        self,
        features: tf.Tensor,
        end_of_stage: EndOfStage | None = None,
        gradient_steps: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, ...]:
        """Returns the maps of sequences.

        Args:
            features: `[batch, steps, channels]`, standardised.
            end_of_stage: As `Stages.end`.
            gradient_steps: As of the backbone.
        """
        backbone = self.model.backbone
        if not end_of_stage:
            return backbone(features, gradient_steps)
        layers = (backbone, self.model.synthetic_moments)
        hidden = end_of_stage(backbone.base_map(features, gradient_steps), *layers)
        maps = []
        for level in backbone.levels:
            hidden = end_of_stage(level(hidden), *layers)
            maps.append(hidden)
        return tuple(maps)

    def synthetic_maps(
        self, moments: Batch, end_of_stage: EndOfStage | None = None
    ) -> tuple[tf.Tensor, ...]:
        """Returns the maps of moments surrounded by generated context.

        Args:
            moments: Standardised batch.
            end_of_stage: As `Stages.end`.
        """
        generators, generated = self.model.synthetic_moments, None
        if generators.mode == "single":
            # What the moments show was not generated: it needs no gradient.
            layout = generators.layout(moments)
            shortest = self.model.synthesis.length_ratio_min
            most = most_context_steps(shortest, generators.steps)
            generated = generated_steps(layout, most)
        start, end = generators.contexts(moments["features"], moments)
        if end_of_stage:
            start = end_of_stage(start, generators.start_generator)
            end = end_of_stage(end, generators.end_generator)
        sequences = generators.surround(moments["features"], moments, start, end)
        return self.maps(sequences, end_of_stage, generated)

    def synthetic_targets(self, moments: Batch) -> matching.Targets:
        """Matches the anchors with where the moments lie."""
        layout = self.model.synthetic_moments.layout(moments)
        labels = tf.broadcast_to(
            moments["label"][:, tf.newaxis], tf.shape(layout.segment_mask)
        )
        return self.targets(layout.segments, layout.segment_mask, labels)

    def _targets_of(self, untrimmed: Batch) -> matching.Targets:
        """Matches the anchors with the instances of untrimmed videos."""
        names = ("segments", "segment_mask", "segment_labels")
        return self.targets(*(untrimmed[name] for name in names))

    def targets(
        self, segments: tf.Tensor, mask: tf.Tensor, labels: tf.Tensor
    ) -> matching.Targets:
        """Matches the anchors with segments by the configured thresholds."""
        return matching.match(
            self.anchors,
            segments,
            mask,
            labels,
            steps=self.model.network.untrimmed_steps,
            foreground_tiou=self.config.foreground_tiou,
            background_tiou=self.config.background_tiou,
        )

    def background_masks(
        self, untrimmed: Batch, moments: Batch
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns which anchors are real and which generated background."""
        real = self._targets_of(untrimmed)
        fake = self.synthetic_targets(moments)
        return losses.adversarial_masks(real.background, fake.background, self.config)
