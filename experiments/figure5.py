"""Figure 5: features of foreground, synthetic and real background of AherNet.

    python -m experiments.figure5 --workdir W

Takes up to 500 anchors each of foreground and synthetic background from 200 moments
with generated context, and of real background from test videos, of every run of
AherNet in W (see experiments.table2): the features of their cells on one level of the
pyramid. Draws the first 256 principal components in two dimensions by t-SNE, for one
run, and tells how well a classifier tells synthetic from real background, for every
run and level: an RBF support vector machine on the same components, cross-validated
over moments and videos. 0.5 is ideal: they cannot be told apart. The accuracy of
foreground against real background stands beside it: what can be told apart at all.
Writes W/figure5.png, .pdf, .json and .csv.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tqdm
from absl import flags

from ahernet_tf import program

from .paper import columns, figures
from .paper.table_rows import summary

if TYPE_CHECKING:
    from .paper.anchor_features import Sample

NAME = "figure5"
ANCHORS, MOMENTS, COMPONENTS = 500, 200, 256
_FOLDS = 5
_FEWEST = 20  # anchors of a kind, for an accuracy to mean anything


def draw_sample(
    level: dict[str, Sample], anchors: int, seed: int
) -> dict[str, Sample] | None:
    """Draws equally many anchors of each kind; None where there are too few."""
    from .paper.anchor_features import KINDS, Sample

    count = min(anchors, *(len(level[kind].features) for kind in KINDS))
    if count < _FEWEST:
        return None
    random = np.random.default_rng(seed)
    drawn = {}
    for kind in KINDS:
        part = level[kind]
        rows = random.permutation(len(part.features))[:count]
        drawn[kind] = Sample(part.features[rows], part.groups[rows])
    return drawn


def accuracy(a: Sample, b: Sample, seed: int) -> float | None:
    """Measures how well a classifier tells two kinds of anchors apart.

    Anchors of one video, or of the same moments, are never in training and test both.

    Returns:
        The share of right answers on what was not trained on, mean over folds; None
        where one kind comes from too few videos or moments.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    values = np.concatenate([a.features, b.features])
    label = np.repeat([0, 1], [len(a.features), len(b.features)])
    groups = np.concatenate([a.groups, b.groups + a.groups.max() + 1])
    folds = min(_FOLDS, len(np.unique(a.groups)), len(np.unique(b.groups)))
    if folds < 2:
        return None
    components = min(COMPONENTS, values.shape[1], len(values) // 2 - 1)
    classifier = make_pipeline(
        StandardScaler(), PCA(components, random_state=seed), SVC()
    )
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_score(classifier, values, label, groups=groups, cv=parts)
    return float(scores.mean())


def embed(sample: dict[str, Sample], seed: int) -> np.ndarray:
    """Projects principal components into the plane by t-SNE.

    Returns:
        `[anchors, 2]`, the kinds one after the other.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    from .paper.anchor_features import KINDS

    values = np.concatenate([sample[kind].features for kind in KINDS])
    components = min(COMPONENTS, values.shape[1], len(values) - 1)
    values = PCA(components, random_state=seed).fit_transform(values)
    perplexity = min(30.0, len(values) / 4)
    embedding = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    with threadpool_limits(1):  # several threads on a busy machine wait for each other
        return embedding.fit_transform(values)


def draw(points: np.ndarray, title: str) -> Any:
    """Draws the anchors of each kind."""
    from .paper.anchor_features import FOREGROUND, KINDS, REAL, SYNTHETIC

    looks = {
        FOREGROUND: (figures.ORANGE, "^"),
        SYNTHETIC: (figures.BLUE, "o"),
        REAL: (figures.GREEN, "x"),
    }
    figure, axes = figures.new_figure(6.0, 5.2)
    for kind, part in zip(KINDS, np.split(points, len(KINDS))):
        colour, marker = looks[kind]
        axes.scatter(
            *part.T, s=14, color=colour, marker=marker, linewidth=0.8, alpha=0.7
        )
        axes.scatter([], [], s=30, color=colour, marker=marker, label=kind)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize="medium")
    figure.legend(loc="outside lower center", ncols=len(KINDS), frameon=False)
    return figure


def _accuracies(sample: Mapping[str, Sample], seed: int) -> dict[str, Any]:
    """Says how well real background is told from what is generated, and from actions.

    Args:
        sample: Anchors of each kind, as many of one as of another.
        seed: Of the classifiers.
    """
    from .paper.anchor_features import FOREGROUND, REAL, SYNTHETIC

    return {
        "anchors": len(sample[REAL].features),
        "synthetic_vs_real": accuracy(sample[SYNTHETIC], sample[REAL], seed),
        "foreground_vs_real": accuracy(sample[FOREGROUND], sample[REAL], seed),
    }


def run(
    workdir: pathlib.Path,
    data: str | None = None,
    level: int | None = None,
    seed: int | None = None,
    anchors: int = ANCHORS,
    moments: int = MOMENTS,
    progress: bool = True,
) -> dict[str, Any]:
    """Draws the figure and writes its numbers.

    Args:
        workdir: Holds the runs; gets the figure.
        data: Where the data set lies; None: where the runs were trained.
        level: That is drawn, from 1; None: the one with the most anchors of the
            rarest kind, of equal ones the finest.
        seed: Of the run that is drawn; None: the lowest.
        anchors: Of each kind, at most.
        moments: That get generated context.
        progress: Whether to show a bar.

    Returns:
        What figure5.json holds beside its rows.

    Raises:
        ValueError: There are no such runs, or too few anchors of a kind.
    """
    from ahernet_tf.models.checkpoint import load_model

    from .paper import anchor_features
    from .paper.anchor_features import REAL

    runs = figures.system_runs(workdir, "AherNet")
    if seed is not None and seed not in runs:
        raise ValueError(f"{workdir}: no run of AherNet with seed {seed}: {list(runs)}")
    seed = min(runs) if seed is None else seed
    rows, of_drawn = [], {}
    for run_seed, place in tqdm.tqdm(runs.items(), desc="runs", disable=not progress):
        model, _, config = load_model(place)
        dataset = figures.load_data(place, data)
        found = anchor_features.collect(model, config, dataset, moments, run_seed)
        for number, part in enumerate(found, 1):
            sample = draw_sample(part, anchors, run_seed)
            if sample is None:
                continue
            told = _accuracies(sample, run_seed)
            rows.append({"seed": run_seed, "level": number, **told})
            if run_seed == seed:
                of_drawn[number] = sample
    if not of_drawn or (level is not None and level not in of_drawn):
        raise ValueError(
            f"{runs[seed]}: fewer than {_FEWEST} anchors of some kind on "
            f"{'every level' if level is None else f'level {level}'}; levels with "
            f"enough: {list(of_drawn)}."
        )
    if level is None:
        level = max(of_drawn, key=lambda n: (len(of_drawn[n][REAL].features), -n))
    shown = [row for row in rows if row["level"] == level]
    measured = {
        key: summary([row[key] for row in shown if row[key] is not None])
        for key in ("synthetic_vs_real", "foreground_vs_real")
    }
    content = {
        "setting": dataset.name,
        "drawn_seed": seed,
        "drawn_level": level,
        "accuracy": measured,
    }
    mean = measured["synthetic_vs_real"]["mean"]
    told = "" if mean is None else f", synthetic told from real {100 * mean:.0f}%"
    name = columns.title(dataset.name)
    title = f"{name}: AherNet, level {level}{told} (50% is ideal)"
    figures.save(draw(embed(of_drawn[level], seed), title), workdir, NAME)
    figures.write_numbers(workdir, NAME, content, rows)
    return content


def define_flags() -> None:
    """Defines the program's flags."""
    figures.define_flags()
    flags.DEFINE_integer(
        "level",
        None,
        "Level of the pyramid that is drawn, from 1; default: the one with the most "
        "anchors of the rarest kind.",
    )
    flags.DEFINE_integer("seed", None, "Seed of the run drawn; default: the lowest.")
    flags.DEFINE_integer("anchors", ANCHORS, "Anchors of each kind, at most.")
    flags.DEFINE_integer("moments", MOMENTS, "Moments that get generated context.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    for workdir in figures.workdirs(pathlib.Path(values.workdir), values.data):
        content = run(
            workdir,
            values.data,
            values.level,
            values.seed,
            values.anchors,
            values.moments,
        )
        for key, result in content["accuracy"].items():
            if result["mean"] is not None:
                print(f"{key.replace('_', ' ')}: accuracy {result['mean']:.3f}")
        print(f"Level {content['drawn_level']}: {figures.written(workdir, NAME)}")


if __name__ == "__main__":
    program.start(define_flags, main, needs=["matplotlib", "sklearn"])
