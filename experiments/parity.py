"""Recomputes every number of a recording of the 2020 release and compares.

    python -m experiments.parity --golden DIR

Builds the network of DIR from its own weights, imports them by the release's variable
names, recomputes each recorded array (anchors, matching, forward passes, synthesis,
losses, gradients, three iterations of training, inference, resampling) and prints a
line an array. The exit status is 1 if any array differs by more than its arithmetic
allows. Nothing here depends on one recording: any directory of the same kind will do.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import app, flags

from ahernet_tf import anchors as anchor_grid
from ahernet_tf.config import (
    InferenceConfig,
    LossConfig,
    SynthesisConfig,
    TrainingConfig,
)
from ahernet_tf.data.resampling import resample
from ahernet_tf.data.time_model import TimeModel
from ahernet_tf.inference import detections as detection
from ahernet_tf.models import AherNet, Predictions, release
from ahernet_tf.training.algorithm import Algorithm

LEARNING_RATE = 1e-4
#: The release's optimisers: our row and loss.
OPTIMIZERS = {
    "ki_cls": ("moments", "segment_classification"),
    "fore_cls": ("foreground", "segment_classification"),
    "untrim_prop": ("untrimmed", "localization"),
    "untrim_cls": ("untrimmed", "anchor_classification"),
    "seg_prop": ("generators", "localization"),
    "seg_cls": ("generators", "anchor_classification"),
    "dis": ("discriminators", "discriminator"),
    "gen_adv": ("adversarial", "adversarial"),
    "bone_prop": ("synthetic", "localization"),
    "bone_cls": ("synthetic", "anchor_classification"),
}
#: The release's names of losses: ours.
LOCALIZATION = {
    "Total_loss": "total",
    "Prop_loss": "localization",
    "loss_prop": "proposal",
    "loss_loc": "offset",
    "loss_iou": "overlap",
    "loss_cls": "anchor_classification",
    "acc_cls": "accuracy",
}
SEGMENT = {"loss_cls": "segment_classification", "acc_cls": "accuracy"}
#: The steps of a recorded trajectory: our row and its losses.
STEPS = {
    "1_ki_cls": ("moments", SEGMENT),
    "2_fore_cls": ("foreground", SEGMENT),
    "3_untrim": ("untrimmed", LOCALIZATION),
    "4_seg_gen": ("generators", LOCALIZATION),
    "5_dis": ("discriminators", {"loss_dis": "discriminator"}),
    "6_gen1": ("adversarial_1", {"loss_gen": "adversarial"}),
    "7_gen2": ("adversarial_2", {"loss_gen": "adversarial"}),
    "8_bone": ("synthetic", LOCALIZATION),
}
AFTER = {
    "ki_cls": ("moments", SEGMENT),
    "fore_cls": ("foreground", SEGMENT),
    "untrim": ("untrimmed", LOCALIZATION),
    "seg": ("synthetic", LOCALIZATION),
}


class Tolerance(NamedTuple):
    """How far an array may be off: absolutely, or relative to its largest entry."""

    relative: float = 0.0
    absolute: float = 0.0
    change: float = 0.0


VALUE = Tolerance(relative=1e-5)
GRADIENT = Tolerance(relative=2e-5)
TRAJECTORY = Tolerance(relative=2e-5)
# Cancel to rounding noise, which Adam then magnifies.
TRANSFER_BIAS_GRADIENT = Tolerance(absolute=3e-5)
TRANSFER_BIAS = Tolerance(absolute=5e-4)
# Behind a max-pooling with a near tie in the synthetic sequence.
POOLED_GRADIENT = Tolerance(relative=3e-3)
# Adam divides by the size of a gradient, so the noise of small ones counts in full:
# weights are judged by the norm of their error against the norm of what training
# changed.
WEIGHT = Tolerance(change=2e-3)


class Comparison(NamedTuple):
    """One recorded array beside ours."""

    name: str
    ours: np.ndarray
    recorded: np.ndarray
    tolerance: Tolerance
    start: np.ndarray | None = None  # the array before training

    def errors(self) -> tuple[float, float]:
        """Returns the worst absolute and the worst relative difference."""
        if self.ours.shape != self.recorded.shape:
            return np.inf, np.inf
        ours, recorded = self.ours.astype(np.float64), self.recorded.astype(np.float64)
        absolute = float(np.max(np.abs(ours - recorded), initial=0.0))
        scale = float(np.max(np.abs(recorded), initial=0.0))
        return absolute, absolute / scale if scale else absolute

    def passes(self) -> bool:
        """Tells whether the difference is within the tolerance; NaN never is."""
        absolute, relative = self.errors()
        if self.tolerance.change and np.isfinite(absolute):
            changed = np.linalg.norm(self.recorded - self.start)
            error = np.linalg.norm(self.ours - self.recorded)
            return bool(error <= self.tolerance.change * changed)
        return bool(
            absolute <= self.tolerance.absolute or relative <= self.tolerance.relative
        )

    def line(self) -> str:
        """Returns the printed line."""
        absolute, relative = self.errors()
        kind = next(k for k, v in self.tolerance._asdict().items() if v)
        allowed = f"{kind} {getattr(self.tolerance, kind):.0e}"
        verdict = "pass" if self.passes() else "FAIL"
        return f"{verdict}  {absolute:9.2e}  {relative:9.2e}  {allowed:15}  {self.name}"


class Recording:
    """A recording's files, and the network and batches they describe."""

    def __init__(self, directory: str | pathlib.Path):
        """Reads the arrays of a directory and builds its network.

        Raises:
            ValueError: A file or an array is absent.
        """
        self.directory = pathlib.Path(directory)
        self.weights = self.file("weights")
        self.inputs = self.file("inputs")
        sizes, network = release.network_of(self.weights)
        first = self.file("anchors")["t1"].astype(np.float64) / anchor_grid.FIRST_STRIDE
        network = network.__class__(
            **network.__dict__
            | {
                "anchor_ratios": tuple(np.round(first, 6).tolist()),
                "untrimmed_steps": self.inputs["feature"].shape[1],
                "moment_steps": self.inputs["feature_seg"].shape[1],
            }
        )
        self.model = AherNet(
            **sizes,
            network=network,
            synthesis=SynthesisConfig(legacy_synthetic_gt=True),
        )
        self.model.build()
        self.algorithm = Algorithm(self.model, LossConfig(), TrainingConfig())
        self.reset()

    def reset(self) -> None:
        """Puts the recorded weights into the network."""
        release.import_arrays(self.model, self.weights)

    def file(self, name: str) -> dict[str, np.ndarray]:
        """Reads all arrays of a file of the recording."""
        path = self.directory / f"{name}.npz"
        if not path.exists():
            raise ValueError(f"{path}: no such file; a recording needs it.")
        with np.load(path) as arrays:
            return dict(arrays)

    def untrimmed(self) -> dict[str, tf.Tensor]:
        """Returns the batch of untrimmed videos."""
        segments = self.inputs["temporal_gt"]
        return self.untrimmed_batch(segments, self.inputs["label"])

    def untrimmed_batch(self, segments, labels) -> dict[str, tf.Tensor]:
        """Returns the untrimmed features with segments padded by -1."""
        return {
            "features": tf.constant(self.inputs["feature"]),
            "segments": tf.constant(segments),
            "segment_mask": tf.constant(segments[..., 0] >= 0),
            "segment_labels": tf.constant(
                np.repeat(labels[:, np.newaxis], segments.shape[1], 1).astype(np.int32)
            ),
        }

    def foreground(self) -> dict[str, tf.Tensor]:
        """Returns the batch of foreground segments."""
        return {
            "features": tf.constant(self.inputs["feature_fore"]),
            "label": tf.constant(self.inputs["label_fore"].astype(np.int32)),
        }

    def moments(self, case2: bool = False) -> dict[str, tf.Tensor]:
        """Returns the batch of moments with either recorded draw."""
        ratio, position = (
            ("ratio2", "position2") if case2 else ("ratio_seg", "position_seg")
        )
        count = len(self.inputs["feature_seg"])
        return {
            "features": tf.constant(self.inputs["feature_seg"]),
            "label": tf.constant(self.inputs["label_seg"].astype(np.int32)),
            "length_ratio": tf.constant(self.inputs[ratio].astype(np.int32)),
            "position": tf.constant(self.inputs[position].astype(np.int32)),
            "inside_start": tf.constant(np.arange(count) % 2 == 0),
        }

    def by_level(self, values: np.ndarray, ratios: int) -> Iterator[np.ndarray]:
        """Splits an axis of all anchors (or cells) into the levels."""
        network = self.model.network
        cells = anchor_grid.cells_per_level(
            network.untrimmed_steps, len(network.level_channels)
        )
        batch = len(values)
        start = 0
        for count in cells:
            part = values[:, start : start + count * ratios]
            yield part.reshape(batch, count, ratios, *values.shape[2:])
            start += count * ratios


def compare_anchors(recording: Recording) -> Iterator[Comparison]:
    """Compares the anchor grid."""
    network, recorded = recording.model.network, recording.file("anchors")
    levels = len(network.level_channels)
    cells = anchor_grid.cells_per_level(network.untrimmed_steps, levels)
    for i, count in enumerate(cells, 1):
        stride = anchor_grid.strides(levels)[i - 1]
        centres, lengths = anchor_grid.level_anchors(
            count, stride, network.anchor_ratios
        )
        yield Comparison(f"anchors/y{i}", centres[:, None], recorded[f"y{i}"], VALUE)
        yield Comparison(f"anchors/t{i}", lengths, recorded[f"t{i}"], VALUE)


def compare_matching(recording: Recording) -> Iterator[Comparison]:
    """Compares the targets of all anchors, with the release's sentinels put in."""
    recorded = recording.file("encode")
    anchors = recording.algorithm.losses.anchors
    unit_box = anchor_grid.encode(tf.constant([0.5, 1.0]), anchors).numpy()
    for case in sorted({name.split("/")[0] for name in recorded}):
        boxes, labels = recorded[f"{case}/boxes"], recorded[f"{case}/labels"]
        batch = recording.untrimmed_batch(boxes, labels)
        targets = recording.algorithm.losses.targets(
            batch["segments"], batch["segment_mask"], batch["segment_labels"]
        )
        matched = targets.matched.numpy()
        tiou = targets.tiou.numpy()
        offsets = np.where(matched[..., None], targets.offsets.numpy(), unit_box)
        ratios = len(recording.model.network.anchor_ratios)
        for i, (level_tiou, level_offsets) in enumerate(
            zip(recording.by_level(tiou, ratios), recording.by_level(offsets, ratios)),
            1,
        ):
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
    model, algorithm = recording.model, recording.algorithm
    untrimmed, foreground = recording.untrimmed(), recording.foreground()
    moments = recording.moments()
    passes = {
        "moment": (model.backbone(moments["features"]), model.target_classifier),
        "foreground": (model.backbone(foreground["features"]), model.source_classifier),
        "untrimmed": (model.backbone(untrimmed["features"]), model.source_classifier),
        "synthetic": (
            algorithm.losses.synthetic_maps(moments),
            model.target_classifier,
        ),
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
            batch, cells = level_map.shape[:2]
            ours = {
                "logits": logits,
                "localisation": outputs["offsets"].numpy(),
                "proposal_logits": outputs["proposal_logits"].numpy(),
                "iou": outputs["overlap"].numpy(),
                "end_point": level_map.numpy(),
            }
            for name, values in ours.items():
                if name in ("localisation", "proposal_logits", "iou"):
                    values = values.reshape(batch, cells, ratios, -1)
                key = f"{name}{i}"
                yield Comparison(
                    f"forward_{branch}/{key}", values, recorded[key], VALUE
                )


def adversarial_inputs(recording: Recording, case2: bool = False):
    """Returns real maps, fake maps and both masks."""
    untrimmed, moments = recording.untrimmed(), recording.moments(case2)
    algorithm = recording.algorithm
    return (
        recording.model.backbone(untrimmed["features"]),
        algorithm.losses.synthetic_maps(moments),
        *algorithm.losses.background_masks(untrimmed, moments),
    )


def compare_losses(recording: Recording) -> Iterator[Comparison]:
    """Compares every loss at the recorded weights."""
    recorded, algorithm = recording.file("losses"), recording.algorithm
    rows = {
        "moment": (algorithm.losses.moments(recording.moments()), SEGMENT),
        "foreground": (algorithm.losses.foreground(recording.foreground()), SEGMENT),
        "untrimmed": (algorithm.losses.untrimmed(recording.untrimmed()), LOCALIZATION),
    }
    for suffix, case2 in (("", False), ("_case2", True)):
        moments = recording.moments(case2)
        rows[f"synthetic{suffix}"] = (algorithm.losses.synthetic(moments), LOCALIZATION)
        real, fake, real_mask, fake_mask = adversarial_inputs(recording, case2)
        adversarial = algorithm.losses.discriminators(real, fake, real_mask, fake_mask)
        adversarial |= algorithm.losses.adversarial(fake, fake_mask)
        names = {
            "d_loss_real": "real",
            "d_loss_fake": "fake",
            "d_loss": "discriminator",
            "g_loss": "adversarial",
        }
        rows[f"adversarial{suffix}"] = (adversarial, names)
    for branch, (values, names) in rows.items():
        for theirs, ours in names.items():
            key = f"{branch}/{theirs}"
            tolerance = loss_tolerance(recording, branch, theirs, VALUE)
            yield Comparison(
                f"losses/{key}", values[ours].numpy(), recorded[key], tolerance
            )


def loss_tolerance(
    recording: Recording, branch: str, name: str, tolerance: Tolerance
) -> Tolerance:
    """Lets an accuracy differ by one cell."""
    if name != "acc_cls":
        return tolerance
    network, batch = recording.model.network, len(recording.inputs["label"])
    levels = len(network.level_channels)
    cells = sum(anchor_grid.cells_per_level(network.untrimmed_steps, levels))
    is_segment = branch in ("moment", "foreground", "moments")
    count = batch * (levels if is_segment else cells)
    return Tolerance(absolute=1.001 / count)


def compare_gradients(recording: Recording) -> Iterator[Comparison]:
    """Compares every gradient of the ten optimisers."""
    recorded, algorithm = recording.file("gradients"), recording.algorithm
    path = recording.directory / "gradients_var_lists.json"
    lists = json.loads(path.read_text())
    release_names = {
        id(variable): name
        for name, variable in release.variables_by_release_name(recording.model).items()
    }
    real, fake, real_mask, fake_mask = adversarial_inputs(recording)
    moments = recording.moments()
    loss_fns = {
        "moments": lambda: algorithm.losses.moments(moments),
        "foreground": lambda: algorithm.losses.foreground(recording.foreground()),
        "untrimmed": lambda: algorithm.losses.untrimmed(recording.untrimmed()),
        "generators": lambda: algorithm.losses.synthetic(moments),
        "discriminators": lambda: algorithm.losses.discriminators(
            real, fake, real_mask, fake_mask
        ),
        "adversarial": lambda: algorithm.losses.adversarial(
            algorithm.losses.synthetic_maps(moments), fake_mask
        ),
        "synthetic": lambda: algorithm.losses.synthetic(moments),
    }
    found: dict[str, dict[str, np.ndarray]] = {}
    for row, loss_fn in loss_fns.items():
        objectives = algorithm.rows[row]
        _, gradients = algorithm.gradients(row, loss_fn)
        for objective, gradient in zip(objectives, gradients):
            optimizer = next(
                k for k, v in OPTIMIZERS.items() if v == (row, objective.loss)
            )
            found[optimizer] = {
                release_names[id(variable)]: value.numpy()
                for variable, value in zip(objective.variables, gradient)
            }
    for optimizer, gradients in found.items():
        without = lists[optimizer]["no_gradient"]
        wanted = [n for n in lists[optimizer]["var_list"] if n not in without]
        for name in sorted(set(wanted) | set(gradients)):
            key = f"{optimizer}/{name}"
            if name not in gradients or key not in recorded:
                # A variable that only one of the two moves: shapes differ, so it fails.
                ours = gradients.get(name, np.zeros(0))
                theirs = recorded.get(key, np.zeros(1))
            else:
                ours, theirs = gradients[name], recorded[key]
                ours = ours.reshape(theirs.shape) if ours.size == theirs.size else ours
            yield Comparison(
                f"gradients/{key}", ours, theirs, gradient_tolerance(optimizer, name)
            )


def gradient_tolerance(optimizer: str, name: str) -> Tolerance:
    """Returns what float32 allows a gradient."""
    if optimizer == "untrim_cls" and re.search(r"fully[34]/biases", name):
        return TRANSFER_BIAS_GRADIENT
    if optimizer.startswith("bone_") and re.search(r"g_conv[12]/", name):
        return POOLED_GRADIENT
    return GRADIENT


def compare_trajectory(recording: Recording) -> Iterator[Comparison]:
    """Compares the losses of three iterations and the weights after them."""
    recorded, algorithm = recording.file("trajectory"), recording.algorithm
    algorithm.set_learning_rates(LEARNING_RATE, LEARNING_RATE, LEARNING_RATE)
    untrimmed, foreground = recording.untrimmed(), recording.foreground()
    moments = recording.moments()
    step = tf.function(algorithm.train_step)
    iterations = len(next(v for v in recorded.values() if v.ndim))
    history = [step(untrimmed, foreground, moments) for _ in range(iterations)]
    for key, values in recorded.items():
        _, *path, name = key.split("/")
        if path[0] == "after":
            continue
        row, names = STEPS[path[0]]
        ours = np.array([losses[f"{row}/{names[name]}"].numpy() for losses in history])
        tolerance = loss_tolerance(recording, row, name, TRAJECTORY)
        yield Comparison(f"trajectory/{key}", ours, values, tolerance)
    after = {
        "moments": algorithm.losses.moments(moments),
        "foreground": algorithm.losses.foreground(foreground),
        "untrimmed": algorithm.losses.untrimmed(untrimmed),
        "synthetic": algorithm.losses.synthetic(moments),
    }
    for key, values in recorded.items():
        _, *path, name = key.split("/")
        if path[0] == "after":
            row, names = AFTER[path[1]]
            ours = after[row][names[name]].numpy()
            tolerance = loss_tolerance(recording, row, name, TRAJECTORY)
            yield Comparison(f"trajectory/{key}", ours, values, tolerance)
    weights = recording.file("trajectory_weights")
    for name, variable in release.variables_by_release_name(recording.model).items():
        is_transfer_bias = re.search(r"fully\d/biases", name)
        yield Comparison(
            f"trajectory_weights/{name}",
            variable.numpy().reshape(weights[name].shape),
            weights[name],
            TRANSFER_BIAS if is_transfer_bias else WEIGHT,
            recording.weights[name],
        )
    recording.reset()


def compare_inference(recording: Recording) -> Iterator[Comparison]:
    """Compares the detections, by both scores that the release ranks with."""
    recorded, model = recording.file("inference"), recording.model
    predictions = Predictions(**model(tf.constant(recorded["feature"])))
    probability = tf.nn.softmax(predictions.class_logits).numpy()
    steps, ratios = model.network.untrimmed_steps, len(model.network.anchor_ratios)
    for item, duration in enumerate(recorded["duration"]):
        ours = {
            "rawscore": probability[item],
            "argmaxid": probability[item].argmax(axis=-1),
        }
        for name, values in ours.items():
            key = f"{item}/{name}"
            yield Comparison(f"inference/{key}", values, recorded[key], VALUE)
        for flag, score in (("True", "action"), ("False", "overlap")):
            prefix = f"cls_flag_{flag}/{item}"
            config = InferenceConfig(ranking="video", proposal_score=score)
            batch = detection.candidates(
                predictions, recording.algorithm.losses.anchors, steps, config
            )
            segments, rank, _, label = (part.numpy()[item] for part in batch)
            kept = detection.suppress(segments, rank, config, config.detections)
            cells = probability[item][kept // ratios]
            boxes = np.column_stack(
                [
                    segments[kept] / steps * duration,
                    cells.argmax(axis=-1),
                    cells.max(axis=-1),
                ]
            )
            ours = {
                "rscores": rank[kept][np.newaxis],
                "rbboxes": boxes[np.newaxis],
                "label": label[0],
                "avescore": probability[item].mean(axis=0),
            }
            for name, values in ours.items():
                key = f"{prefix}/{name}"
                yield Comparison(f"inference/{key}", values, recorded[key], VALUE)


def compare_resampling(recording: Recording) -> Iterator[Comparison]:
    """Compares resampled sequences."""
    recorded = recording.file("resample")
    time_model = TimeModel(clip_frames=16, stride_frames=8, legacy=True)
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


PARTS = (
    compare_anchors,
    compare_matching,
    compare_context,
    compare_forward,
    compare_losses,
    compare_gradients,
    compare_trajectory,
    compare_inference,
    compare_resampling,
)


def run(directory: str | pathlib.Path, verbose: bool = True) -> list[Comparison]:
    """Compares everything that a recording holds.

    Args:
        directory: The recording.
        verbose: Whether to print a line an array.

    Returns:
        All comparisons.
    """
    recording = Recording(directory)
    comparisons = []
    if verbose:
        print("verdict absolute  relative   allowed          array")
    for part in PARTS:
        for comparison in part(recording):
            comparisons.append(comparison)
            if verbose:
                print(comparison.line())
    return comparisons


def main(argv: list[str]) -> int:
    """Runs the program."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected argument '{argv[1]}'.")
    comparisons = run(flags.FLAGS.golden)
    failed = [comparison for comparison in comparisons if not comparison.passes()]
    print(f"{len(comparisons)} arrays compared, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    flags.DEFINE_string("golden", None, "Directory of a recording.", required=True)
    app.run(main)
