"""Compares anchors, matching, synthesis, forward passes, inference, resampling."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.anchors import offset_coding
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.candidates import rank_anchors
from ahernet_tf.inference.suppression import suppress
from ahernet_tf.models import Predictions

from .comparison import VALUE, Comparison
from .recording import Recording


def compare_anchors(recording: Recording) -> Iterator[Comparison]:
    """Compares the anchor grid."""
    ratios, recorded = recording.model.network.anchor_ratios, recording.file("anchors")
    cells = recording.cells()
    strides = anchor_grid.strides(len(cells))
    for i, (count, stride) in enumerate(zip(cells, strides), 1):
        centres, lengths = anchor_grid.level_anchors(count, stride, ratios)
        yield Comparison(f"anchors/y{i}", centres[:, None], recorded[f"y{i}"], VALUE)
        yield Comparison(f"anchors/t{i}", lengths, recorded[f"t{i}"], VALUE)


def compare_matching(recording: Recording) -> Iterator[Comparison]:
    """Compares the targets of all anchors, with the release's sentinels put in."""
    recorded = recording.file("encode")
    anchors = tf.constant(recording.model.anchors())
    ratios = len(recording.model.network.anchor_ratios)
    unit_box = offset_coding.encode(tf.constant([0.5, 1.0]), anchors).numpy()
    for case in sorted({name.split("/")[0] for name in recorded}):
        boxes, labels = recorded[f"{case}/boxes"], recorded[f"{case}/labels"]
        batch = recording.untrimmed_batch(boxes, labels)
        forward = recording.algorithm.forward_pass(untrimmed=batch)
        targets = forward.untrimmed_targets
        matched, tiou = targets.matched.numpy(), targets.tiou.numpy()
        offsets = np.where(matched[..., None], targets.offsets.numpy(), unit_box)
        levels = zip(
            recording.by_level(tiou, ratios), recording.by_level(offsets, ratios)
        )
        for i, (level_tiou, level_offsets) in enumerate(levels, 1):
            cells = level_tiou.shape[1]
            ours = {
                "gclasses": np.repeat(labels[:, None, None], cells, axis=1),
                "glocalisations": level_offsets,
                "gscores": level_tiou,
                "giou": np.where(level_tiou > 0, level_tiou, -1.0),
            }
            for name, values in ours.items():
                key = f"{case}/{name}{i}"
                yield Comparison(f"encode/{key}", values, recorded[key], VALUE)


def compare_context(recording: Recording) -> Iterator[Comparison]:
    """Compares the synthetic sequences and their recorded segments."""
    recorded, layer = recording.file("context"), recording.model.synthetic_moments
    for prefix, case2 in (("", False), ("case2_", True)):
        moments = recording.moments(case2)
        features = layer(moments["features"], moments).numpy()
        segments = layer.layout(moments).segments.numpy()
        for name, values in (("feature", features), ("gt", segments)):
            key = prefix + name
            yield Comparison(f"context/{key}", values, recorded[key], VALUE)


def compare_forward(recording: Recording) -> Iterator[Comparison]:
    """Compares the four forward passes."""
    model = recording.model
    untrimmed, foreground = recording.untrimmed(), recording.foreground()
    moments, forward = recording.moments(), recording.forward_pass()
    target, source = model.target_classifier, model.source_classifier
    passes = {
        "moment": (model.backbone(moments["features"]), target),
        "foreground": (model.backbone(foreground["features"]), source),
        "untrimmed": (model.backbone(untrimmed["features"]), source),
        "synthetic": (forward.synthetic_maps, target),
    }
    ratios = len(model.network.anchor_ratios)
    for branch, (maps, classifier) in passes.items():
        recorded = recording.file(f"forward_{branch}")
        pooled = model.segment_logits(maps, classifier).numpy()
        kernels, biases = model.anchor_classifier(classifier)
        for i, level_map in enumerate(maps, 1):
            outputs = model.head.levels[i - 1](level_map)
            if branch in ("moment", "foreground"):
                logits = pooled[i - 1][:, None, None]
            else:
                logits = (level_map @ kernels[i - 1] + biases[i - 1]).numpy()
                logits = logits[:, :, None]
            per_anchor = (*level_map.shape[:2], ratios, -1)
            ours = {
                "logits": logits,
                "localisation": outputs["offsets"].numpy().reshape(per_anchor),
                "proposal_logits": outputs["proposal_logits"]
                .numpy()
                .reshape(per_anchor),
                "iou": outputs["overlap"].numpy().reshape(per_anchor),
                "end_point": level_map.numpy(),
            }
            for name, values in ours.items():
                key = f"{name}{i}"
                yield Comparison(
                    f"forward_{branch}/{key}", values, recorded[key], VALUE
                )


def compare_inference(recording: Recording) -> Iterator[Comparison]:
    """Compares the detections, by both scores that the release ranks with."""
    recorded, model = recording.file("inference"), recording.model
    predictions = Predictions(**model(tf.constant(recorded["feature"])))
    probability = tf.nn.softmax(predictions.class_logits).numpy()
    steps, ratios = model.network.untrimmed_steps, len(model.network.anchor_ratios)
    anchors = tf.constant(recording.model.anchors())
    for item, duration in enumerate(recorded["duration"]):
        ours = {
            f"{item}/rawscore": probability[item],
            f"{item}/argmaxid": probability[item].argmax(axis=-1),
        }
        for flag, score in (("True", "action"), ("False", "overlap")):
            config = dataclasses.replace(
                recording.config.inference, proposal_score=score
            )
            batch = rank_anchors(predictions, anchors, steps, config)
            segments, rank, _, label = (part.numpy()[item] for part in batch[:4])
            kept = suppress(segments, rank, config, config.detections)
            cells = probability[item][kept // ratios]
            columns = [
                segments[kept] / steps * duration,
                cells.argmax(axis=-1),
                cells.max(axis=-1),
            ]
            prefix = f"cls_flag_{flag}/{item}"
            ours[f"{prefix}/rscores"] = rank[kept][np.newaxis]
            ours[f"{prefix}/rbboxes"] = np.column_stack(columns)[np.newaxis]
            ours[f"{prefix}/label"] = label[0]
            ours[f"{prefix}/avescore"] = probability[item].mean(axis=0)
        for key, values in ours.items():
            yield Comparison(f"inference/{key}", values, recorded[key], VALUE)


def compare_resampling(recording: Recording) -> Iterator[Comparison]:
    """Compares resampled sequences."""
    recorded = recording.file("resample")
    legacy = recording.config.data.legacy_clip_centres
    time_model = TimeModel(clip_frames=16, stride_frames=8, legacy=legacy)
    for key, values in recorded.items():
        sequence, *rest = key.split("/")
        if len(rest) != 2:
            continue
        steps, pooling = rest
        features = recorded[f"{sequence}/feature"]
        fps = float(recorded[f"{sequence}/frames"] / recorded[f"{sequence}/duration"])
        ours = resample(
            features,
            time_model.centres_sec(len(features), fps),
            time_model.covered_sec(len(features), fps),
            int(steps),
            pooling,
        )
        yield Comparison(f"resample/{key}", ours, values, VALUE)
