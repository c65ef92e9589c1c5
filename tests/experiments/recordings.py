"""Writes recordings like those of the 2020 release, from the float64 reference.

Whatever the sizes, weights and inputs: `experiments.parity` must pass on them.
"""

import json

import numpy as np
import tensorflow as tf

from tests.reference import OPTIMISERS, Reference

RATIOS = (1.0, 1.26, 1.587)
RATE = 1e-4
HEADS = (
    ("localisation", "conv_loc", 2),
    ("proposal_logits", "conv_cls", 2),
    ("iou", "conv_iou", 1),
)


def write_recording(
    directory,
    seed=0,
    batch=4,
    channels=12,
    base=(10, 8),
    levels=(4, 4, 6, 6, 8, 8, 10, 10),
    hidden=6,
    classes=(5, 4),
    steps=256,
    videos=2,
):
    """Writes all files of a recording.

    Args:
        directory: Where to.
        seed: Of weights and inputs.
        batch: Rows of the training batches.
        channels: Of the features.
        base: Channels of the base convolutions.
        levels: Channels of the levels.
        hidden: Hidden channels of the generators.
        classes: Numbers of moment and of untrimmed classes.
        steps: Of untrimmed sequences; moments have half as many.
        videos: Rows of the inference.
    """
    numbers = np.random.default_rng(seed)
    weights = random_weights(numbers, channels, base, levels, hidden, classes)
    inputs = random_inputs(numbers, batch, channels, classes, steps)
    reference = Reference(weights, steps, RATIOS)
    files = {
        "weights": weights,
        "inputs": inputs,
        "anchors": anchors(reference),
        "encode": encode(reference, inputs),
        "context": context(reference, inputs),
        "inference": inference(reference, numbers, videos, channels, steps),
        "resample": resample(numbers),
    }
    feeds = batch_of(inputs)
    for branch in ("moment", "foreground", "untrimmed", "synthetic"):
        files[f"forward_{branch}"] = forward(reference, branch, feeds)
    files["losses"] = losses(reference, feeds)
    files["gradients"], lists = gradients(reference, feeds)
    files["trajectory"] = trajectory(reference, feeds)
    files["trajectory_weights"] = {n: v.numpy() for n, v in reference.w.items()}
    for name, arrays in files.items():
        np.savez(directory / f"{name}.npz", **{k: single(v) for k, v in arrays.items()})
    (directory / "gradients_var_lists.json").write_text(json.dumps(lists))


def single(array):
    """Returns an array in single precision, as the release computes."""
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def random_weights(numbers, channels, base, levels, hidden, classes):
    weights = {}

    def add(scope, *shape, identity=False):
        start = np.eye(shape[0]) if identity else 0
        spread = 0.05 if identity else np.sqrt(2 / np.prod(shape[:-1]))
        kernel = start + numbers.normal(scale=spread, size=shape)
        weights[f"{scope}/weights"] = single(kernel)
        weights[f"{scope}/biases"] = single(numbers.normal(scale=0.1, size=shape[-1]))

    add("aher/g_conv1", 3, channels, base[0])
    add("aher/g_conv2", 3, *base)
    for i, (inside, outside) in enumerate(zip((base[1], *levels), levels), 1):
        add(f"aher/g_conv_a{i}", 3, inside, outside)
    for i, width in enumerate(levels, 1):
        for _, name, size in HEADS:
            add(f"aher/conv_a{i}_box/{name}", 3, width, len(RATIOS) * size)
        for name, count in zip(("conv_action_anchor", "conv_action_anet"), classes):
            add(f"aher/conv_a{i}_box/{name}", width, count)
        for n, size in enumerate((width, width, 1, 1), 1):
            add(f"aher/conv_a{i}_box/fully{n}", size, size, identity=True)
        add(f"conv_a{i}_adv/d_conv_adv", 3, width, len(RATIOS))
    for side in ("s", "e"):
        add(f"g_conv_{side}1", 3, channels, hidden)
        add(f"g_conv_{side}2", 3, hidden, channels)
    return weights


def random_inputs(numbers, batch, channels, classes, steps):
    segments = np.full((batch, 5, 2), -1.0)
    for row in range(batch):
        count = numbers.integers(1, 4)
        bounds = np.sort(numbers.uniform(0, steps, 2 * count))
        segments[row, :count] = bounds.reshape(count, 2)
    # An instance that an anchor of level 5 overlaps by more than 0.8.
    segments[0, 0] = [steps / 4 + 1, steps / 2 - 1.5]
    moment_classes, untrimmed_classes = classes

    def features(time):
        return single(np.abs(numbers.normal(size=(batch, time, channels))))

    return {
        "feature": features(steps),
        "feature_fore": features(steps),
        "feature_seg": features(steps // 2),
        "temporal_gt": single(segments),
        "label": numbers.integers(untrimmed_classes, size=batch).astype(np.int32),
        "label_fore": numbers.integers(untrimmed_classes, size=batch).astype(np.int32),
        "label_seg": numbers.integers(moment_classes, size=batch).astype(np.int32),
        "ratio_seg": numbers.integers(14, 20, size=batch).astype(np.int32),
        "position_seg": numbers.integers(1, 20, size=batch).astype(np.int32),
        "ratio2": numbers.integers(1, 10, size=batch).astype(np.int32),
        "position2": numbers.integers(1, 20, size=batch).astype(np.int32),
    }


def batch_of(inputs):
    """Returns the inputs under the reference's names."""
    return {
        "untrimmed": inputs["feature"],
        "segments": inputs["temporal_gt"],
        "labels": inputs["label"],
        "foreground": inputs["feature_fore"],
        "foreground_labels": inputs["label_fore"],
        "moments": inputs["feature_seg"],
        "moment_labels": inputs["label_seg"],
        "ratio": inputs["ratio_seg"],
        "position": inputs["position_seg"],
        "ratio2": inputs["ratio2"],
        "position2": inputs["position2"],
    }


def by_level(reference, values, per_cell):
    """Splits the axis of all anchors (or cells) into the levels."""
    cells, start = (reference.steps - 3) // 2 + 1, 0
    for _ in range(reference.levels):
        cells = -(-cells // 2)
        if start == values.shape[1]:
            return
        part = values[:, start : start + cells * per_cell]
        yield part.reshape(len(values), cells, per_cell, *values.shape[2:])
        start += cells * per_cell


def anchors(reference):
    levels = by_level(reference, reference.anchors[np.newaxis], reference.ratios)
    arrays = {}
    for i, level in enumerate(levels, 1):
        arrays[f"y{i}"], arrays[f"t{i}"] = level[0, :, :1, 0], level[0, 0, :, 1]
    return arrays


def encode(reference, inputs):
    _, synthetic = reference.synthesis(
        inputs["feature_seg"], inputs["ratio_seg"], inputs["position_seg"]
    )
    _, case2 = reference.synthesis(
        inputs["feature_seg"], inputs["ratio2"], inputs["position2"]
    )
    arrays = {}
    for case, boxes, labels in (
        ("untrimmed", inputs["temporal_gt"], inputs["label"]),
        ("synthetic", synthetic, inputs["label_seg"]),
        ("synthetic_case2", case2, inputs["label_seg"]),
    ):
        arrays[f"{case}/boxes"], arrays[f"{case}/labels"] = single(boxes), labels
        tiou, owner = reference.match(boxes)
        # What matches nothing is coded against the box [0, 1].
        owner[tiou == 0] = [0.5, 1.0]
        coded = reference.offsets_to(owner, np.ones(tiou.shape, bool))
        levels = (by_level(reference, v, reference.ratios) for v in (tiou, coded))
        for i, (scores, offsets) in enumerate(zip(*levels), 1):
            arrays[f"{case}/gscores{i}"] = scores
            arrays[f"{case}/giou{i}"] = np.where(scores > 0, scores, -1)
            arrays[f"{case}/glocalisations{i}"] = offsets
            arrays[f"{case}/gclasses{i}"] = np.repeat(
                labels[:, np.newaxis, np.newaxis], scores.shape[1], 1
            )
    return arrays


def context(reference, inputs):
    arrays = {}
    for prefix, case in (("", "_seg"), ("case2_", "2")):
        draw = inputs[f"ratio{case}"], inputs[f"position{case}"]
        sequences, segments = reference.synthesis(inputs["feature_seg"], *draw)
        arrays[f"{prefix}feature"], arrays[f"{prefix}gt"] = sequences.numpy(), segments
        arrays[f"{prefix}ratio"], arrays[f"{prefix}position"] = draw
    return arrays


def forward(reference, branch, feeds):
    is_target = branch in ("moment", "synthetic")
    classifier = "conv_action_anchor" if is_target else "conv_action_anet"
    if branch == "synthetic":
        sequences, _ = reference.synthesis(
            feeds["moments"], feeds["ratio"], feeds["position"]
        )
    else:
        sequences = feeds["moments" if branch == "moment" else branch]
    maps, arrays = reference.maps(sequences), {}
    cells = reference.cell_logits(maps, classifier).numpy()
    pooled = reference.pooled_logits(maps, classifier)
    start = 0
    for i, level_map in enumerate(maps, 1):
        batch, count = level_map.shape[:2]
        arrays[f"end_point{i}"] = level_map.numpy()
        if branch in ("moment", "foreground"):
            arrays[f"logits{i}"] = pooled[i - 1].numpy()[:, np.newaxis, np.newaxis]
        else:
            arrays[f"logits{i}"] = cells[:, start : start + count, np.newaxis]
        start += count
        for name, scope, size in HEADS:
            outputs = reference.affine(level_map, f"aher/conv_a{i}_box/{scope}")
            outputs = outputs.numpy().reshape(batch, count, len(RATIOS), size)
            is_overlap = name == "iou"
            arrays[f"{name}{i}"] = 1 / (1 + np.exp(-outputs)) if is_overlap else outputs
    return arrays


def losses(reference, feeds):
    cases = [("moment", ""), ("foreground", ""), ("untrimmed", "")]
    cases += [(b, c) for b in ("synthetic", "adversarial") for c in ("", "2")]
    return {
        f"{branch}{'_case2' if case else ''}/{name}": np.float64(loss)
        for branch, case in cases
        for name, loss in reference.losses(branch, feeds, case).items()
    }


def gradients(reference, feeds):
    arrays, lists = {}, {}
    for optimiser in OPTIMISERS:
        _, found = reference.gradients(optimiser, feeds)
        lists[optimiser] = {"var_list": list(found), "no_gradient": []}
        arrays |= {f"{optimiser}/{name}": value for name, value in found.items()}
    return arrays, lists


def trajectory(reference, feeds):
    kept = {"5_dis": {"d_loss": "loss_dis"}}
    kept |= {step: {"g_loss": "loss_gen"} for step in ("6_gen1", "7_gen2")}
    arrays = {}
    for _ in range(3):
        for step, found in reference.iterate(feeds, RATE).items():
            for name, value in found.items():
                name = kept[step].get(name) if step in kept else name
                if name:
                    arrays.setdefault(f"sync/{step}/{name}", []).append(float(value))
    for name, branch in (
        ("ki_cls", "moment"),
        ("fore_cls", "foreground"),
        ("untrim", "untrimmed"),
        ("seg", "synthetic"),
    ):
        found = reference.losses(branch, feeds)
        arrays |= {f"sync/after/{name}/{k}": float(v) for k, v in found.items()}
    return arrays


def inference(reference, numbers, videos, channels, steps):
    features = single(np.abs(numbers.normal(size=(videos, steps, channels))))
    durations = single(numbers.uniform(20, 200, videos))
    arrays = {"feature": features, "duration": durations}
    maps = reference.maps(features)
    offsets = reference.head(maps, "conv_loc", 2).numpy()
    centre = reference.anchors[:, 0] + 0.1 * reference.anchors[:, 1] * offsets[..., 0]
    width = reference.anchors[:, 1] * np.exp(0.1 * offsets[..., 1])
    segments = np.stack([centre - width / 2, centre + width / 2], -1).clip(0, steps)
    action = tf.nn.softmax(reference.head(maps, "conv_cls", 2)).numpy()[..., 1]
    overlap = tf.sigmoid(reference.head(maps, "conv_iou", 1)).numpy()[..., 0]
    cells = tf.nn.softmax(reference.cell_logits(maps, "conv_action_anchor")).numpy()
    for item in range(videos):
        arrays[f"{item}/rawscore"] = cells[item]
        arrays[f"{item}/argmaxid"] = cells[item].argmax(-1)
        for flag, score in (("True", action[item]), ("False", overlap[item])):
            kept = suppressed(segments[item], score)
            of_cell = cells[item][np.array(kept) // reference.ratios]
            name = f"cls_flag_{flag}/{item}"
            arrays[f"{name}/rscores"] = score[kept][np.newaxis]
            in_sec = segments[item][kept] / steps * durations[item]
            arrays[f"{name}/rbboxes"] = np.column_stack(
                [in_sec, of_cell.argmax(-1), of_cell.max(-1)]
            )[np.newaxis]
            arrays[f"{name}/label"] = cells[item].mean(0).argmax()
            arrays[f"{name}/avescore"] = cells[item].mean(0)
    return arrays


def suppressed(segments, score):
    """Returns the best 100 after greedy suppression at tIoU 0.9."""
    kept = []
    for k in np.argsort(-score, kind="stable"):
        start, end = segments[k]
        for other in kept:
            low, high = segments[other]
            shared = max(0.0, min(end, high) - max(start, low))
            union = end - start + high - low - shared
            if union > 0 and shared / union > 0.9:
                break
        else:
            kept.append(k)
    return kept[:100]


def resample(numbers):
    arrays = {}
    for j, (count, duration) in enumerate([(1, 3.0), (3, 7.5), (70, 44.0)]):
        features = numbers.normal(size=(count, 3))
        frames = 8 * count + 5
        stride = 8 / (frames / duration)
        arrays |= {f"{j}/feature": features.astype(np.float32), f"{j}/count": count}
        arrays |= {f"{j}/duration": np.float32(duration), f"{j}/frames": frames}
        for steps in (64, 20):
            rows = resampled(features.astype(np.float32), stride, steps)
            arrays[f"{j}/{steps}/mean"] = rows.mean(1)
            arrays[f"{j}/{steps}/max"] = rows.max(1)
    return arrays


def resampled(features, stride, steps):
    """Returns the three samples of every step, `[steps, 3, channels]`."""
    count, rows = len(features), []
    centres = (np.arange(count) + 0.5) * stride
    for k in range(steps):
        low = max((1 / steps * k) * count * stride, centres[0] + 1e-4)
        high = min((1 / steps * (k + 1)) * count * stride, centres[-1] - 1e-4)
        times = np.array([low, (low + high) / 2, high])
        row = [np.interp(times, centres, c) for c in features.T.astype(float)]
        outside = count > 1 and (high < centres[0] or low > centres[-1])
        rows.append(np.zeros((3, features.shape[1])) if outside else np.transpose(row))
    return np.array(rows)
