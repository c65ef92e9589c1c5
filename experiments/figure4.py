"""Figure 4: how often the class of a proposal is right, level by level.

    python -m experiments.figure4 --workdir W

Takes all proposals of the runs of AherNet in W (see experiments.table2) on the test
videos: every anchor with its offsets, before non-maximum suppression, so that no score
chooses among them. The same proposals are classified by AherNet's anchor classifier
and by AherNet-, its run of the same seed. The right class is that of the instance
which the proposal overlaps most; proposals with a tIoU below 0.5 have none and do not
count. Writes W/figure4.png, .pdf, .json and .csv.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tqdm
from absl import flags

from ahernet_tf import program
from ahernet_tf.data.roles import Role
from ahernet_tf.evaluation.detection_matching import temporal_iou

from .paper import columns, figures
from .paper.table_rows import summary

if TYPE_CHECKING:
    import tensorflow as tf

    from ahernet_tf.config import Config
    from ahernet_tf.models import AherNet

NAME = "figure4"
SYSTEMS = ("AherNet", "AherNet-")
TIOU = 0.5
_COLOURS = {"AherNet": figures.BLUE, "AherNet-": figures.ORANGE}


def right_class(
    proposals: np.ndarray, segments: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Returns the class of the instance that each proposal overlaps most.

    Args:
        proposals: `[proposals, 2]`, `[start, end]` in any unit.
        segments: `[instances, 2]`, in the same.
        labels: `[instances]`, classes from 0.

    Returns:
        `[proposals]`; -1 where the tIoU is below `TIOU`.
    """
    if not len(segments):
        return np.full(len(proposals), -1)
    pairs = np.broadcast_arrays(
        *proposals.T[:, :, np.newaxis], *segments.T[:, np.newaxis, :]
    )
    tiou = temporal_iou(*pairs)
    best = tiou.argmax(axis=1)
    return np.where(tiou.max(axis=1) >= TIOU, labels[best], -1)


def _classifier(ahernet: AherNet, other: AherNet, config: Config) -> Callable:
    """Returns what finds proposals `[batch, anchors, 2]`, and each network's classes.

    Args:
        ahernet: Its proposals are classified; its own classes are those of the cells.
        other: Classifies what lies in each proposal.
        config: Of the first.
    """
    import tensorflow as tf

    from ahernet_tf.inference.baselines import proposal_logits
    from ahernet_tf.inference.candidates import rank_anchors

    steps, ratios = ahernet.network.untrimmed_steps, len(ahernet.network.anchor_ratios)
    anchors = tf.constant(ahernet.anchors())
    anchor_classifier = ahernet.anchor_classifier(ahernet.target_classifier)
    segment_classifier = other.target_classifier.weights_by_level()

    @tf.function(autograph=False, reduce_retracing=True)
    def classify(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        maps = ahernet.backbone(ahernet.standardization(features))
        predictions = ahernet.predict_anchors(maps, anchor_classifier)
        proposals = rank_anchors(predictions, anchors, steps, config.inference).segments
        own = tf.repeat(tf.argmax(predictions.class_logits, axis=-1), ratios, axis=1)
        maps = other.backbone(other.standardization(features))
        logits = proposal_logits(maps, proposals, segment_classifier, steps)
        return proposals, own, tf.argmax(logits, axis=-1)

    return classify


def count_right(
    runs: Mapping[str, pathlib.Path], role: Role
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Counts the proposals of each level, and how many each system classifies right.

    Args:
        runs: Work directory of each of `SYSTEMS`.
        role: The test videos.

    Returns:
        Proposals that have a right class `[levels]`, and by system the right ones
        `[levels]`.

    Raises:
        ValueError: The two networks are not of the same form.
    """
    from ahernet_tf.anchors import grid as anchor_grid
    from ahernet_tf.data import pipelines
    from ahernet_tf.models.checkpoint import load_description, load_model

    models = {system: load_model(run)[0] for system, run in runs.items()}
    ahernet, other = (models[system] for system in SYSTEMS)
    if ahernet.network != other.network:
        raise ValueError(f"Networks of different forms: {', '.join(map(str, runs))}.")
    config = load_description(runs["AherNet"])[1]
    network, steps = ahernet.network, ahernet.network.untrimmed_steps
    classify = _classifier(ahernet, other, config)
    ratios, levels = len(network.anchor_ratios), len(network.level_channels)
    cells = anchor_grid.cells_per_level(steps, levels)
    level_of = np.repeat(np.arange(levels), np.array(cells) * ratios)

    index = {name: number for number, name in enumerate(role.classes)}
    videos = {video.id: video for video in role.videos}
    total = np.zeros(levels, int)
    right = {system: np.zeros(levels, int) for system in SYSTEMS}
    for batch in pipelines.evaluation_batches(role, config, 8):
        found = (part.numpy() for part in classify(batch["features"]))
        for name, proposals, *predicted in zip(batch["video"].numpy(), *found):
            segments, names = role.segments(videos[name.decode()], steps)
            labels = np.array([index[label] for label in names], int)
            wanted = right_class(proposals, segments, labels)
            total += np.bincount(level_of[wanted >= 0], minlength=levels)
            for system, classes in zip(SYSTEMS, predicted):
                hits = (wanted >= 0) & (classes == wanted)
                right[system] += np.bincount(level_of[hits], minlength=levels)
    return total, right


def draw(rows: Sequence[Mapping[str, Any]], chance: float, title: str) -> Any:
    """Draws accuracy over levels, mean and standard deviation over seeds."""
    figure, axes = figures.new_figure(6.4, 4.0)
    levels = sorted({row["level"] for row in rows})
    for number, system in enumerate(SYSTEMS):
        of_system = {row["level"]: row for row in rows if row["system"] == system}
        shown = [n for n in levels if of_system[n]["mean"] is not None]
        mean, std = (
            [100 * (of_system[n][key] or 0.0) for n in shown] for key in ("mean", "std")
        )
        places = np.array(shown) + (-0.05, 0.05)[number]
        axes.errorbar(
            places,
            mean,
            std,
            fmt=("o-", "s--")[number],
            color=_COLOURS[system],
            capsize=3,
            label=system,
        )
    axes.axhline(100 * chance, color=figures.GREY, linestyle=":", label="chance")
    counts = {row["level"]: row["proposals"] for row in rows}
    axes.set_xticks(levels, [f"{n}\n{counts[n]:,}" for n in levels])
    axes.set_xlim(min(levels) - 0.5, max(levels) + 0.5)
    axes.set_ylim(0, 102)
    axes.set_xlabel("anchor layer, from short to long; proposals of all seeds beneath")
    axes.set_ylabel("classification accuracy (%)")
    axes.set_title(title, loc="left")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def run(
    workdir: pathlib.Path, data: str | None = None, progress: bool = True
) -> dict[str, Any]:
    """Measures the accuracies, draws the figure, writes its numbers.

    Args:
        workdir: Holds the runs; gets the figure.
        data: Where the data set lies; None: where the runs were trained.
        progress: Whether to show a bar.

    Returns:
        What figure4.json holds beside its rows.

    Raises:
        ValueError: There are no runs of both systems with a common seed, or no
            proposal has a right class.
    """
    found = {system: figures.system_runs(workdir, system) for system in SYSTEMS}
    seeds = sorted(set.intersection(*(set(runs) for runs in found.values())))
    if not seeds:
        raise ValueError(f"{workdir}: AherNet and AherNet- have no seed in common.")
    dataset = figures.load_data(found["AherNet"][seeds[0]], data)
    role = dataset.test()
    totals, rights = [], []
    for seed in tqdm.tqdm(seeds, desc="runs", disable=not progress):
        total, right = count_right({s: found[s][seed] for s in SYSTEMS}, role)
        totals.append(total)
        rights.append(right)
    if not np.sum(totals, axis=1).all():
        raise ValueError(f"{workdir}: no proposal reaches tIoU {TIOU}.")
    rows, everything = [], {}
    for system in SYSTEMS:
        hits = np.array([right[system] for right in rights])  # [seeds, levels]
        of_all = hits.sum(axis=1) / np.sum(totals, axis=1)
        everything[system] = summary(of_all.tolist())
        for level, counts in enumerate(np.transpose(totals)):
            there = counts > 0
            row = {"system": system, "level": level + 1, "proposals": int(counts.sum())}
            accuracies = hits[there, level] / counts[there]
            rows.append(row | summary(accuracies.tolist()))
    content = {
        "setting": dataset.name,
        "seeds": seeds,
        "tiou": TIOU,
        "accuracy_of_all": everything,
    }
    content["chance"] = 1 / len(role.classes)
    title = figures.seeds_of(columns.title(dataset.name), seeds)
    figures.save(draw(rows, content["chance"], title), workdir, NAME)
    figures.write_numbers(workdir, NAME, content, rows)
    return content


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    for workdir in figures.workdirs(pathlib.Path(values.workdir), values.data):
        content = run(workdir, values.data)
        for system, result in content["accuracy_of_all"].items():
            print(f"{system}: {100 * result['mean']:.1f}% of all proposals")
        print(figures.written(workdir, NAME))


if __name__ == "__main__":
    program.start(figures.define_flags, main, needs=["matplotlib"])
