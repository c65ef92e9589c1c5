r"""Parts the classes of an annotation file into source and target classes.

    python -m data_tools.make_split --annotations activitynet.json --by activitynet \
        --out data/anet_un_to_anet_am \
        --features features/tsp --clip_frames 16 --stride_frames 16 --fps 15 --resampled

`--by activitynet` is the paper's first setting: the 87 classes under "Sports,
Exercise, and Recreation" have temporal annotations, the other 113 moments only. The
taxonomy of the annotation file decides if it is there, else a supplied list (inferred
from the public taxonomy); the program prints which. `--by category` takes the classes
under `--source_categories` of a table or the taxonomy, `--by list` those of a file,
`--by random` so many at random.

Writes source_classes.txt, target_classes.txt and split.json (where the split comes
from) into `--out`; with `--features` also dataset.json, whose moments are cut from the
training videos of the target classes.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import app, flags

from ahernet_tf.data import splits
from ahernet_tf.data.annotation_formats import read_classes
from ahernet_tf.data.annotations import Video, parse_annotations
from ahernet_tf.data.time_model import TimeModel
from ahernet_tf.files import write_text

METHODS = ("activitynet", "category", "list", "random")


def run(
    annotations: str | pathlib.Path,
    by: str,
    out: str | pathlib.Path,
    category_table: str | pathlib.Path | None = None,
    source_categories: Sequence[str] = (),
    source_list: str | pathlib.Path | None = None,
    source_count: int | None = None,
    seed: int = 0,
    features: dict[str, Any] | None = None,
    training_subset: str = "training",
    test_subset: str = "validation",
) -> splits.ClassSplit:
    """Parts the classes, writes the lists and prints what was done.

    Args:
        annotations: Annotation JSON.
        by: One of `METHODS`.
        out: Directory to write into.
        category_table: For `category`; None: the file's taxonomy.
        source_categories: For `category`.
        source_list: For `list`.
        source_count: For `random`.
        seed: For `random`.
        features: The `features` entry of dataset.json with a `path` as seen from
            here; None: no dataset.json.
        training_subset: Subset of the untrimmed videos, moments and oracle.
        test_subset: Subset of the test videos.

    Returns:
        The split.

    Raises:
        ValueError: Files cannot be read, or the split is impossible.
    """
    annotations, out = pathlib.Path(annotations), pathlib.Path(out)
    videos, report = parse_annotations(annotations)
    report.require_clean(skip_bad=True)
    classes = sorted({i.label for v in videos.values() for i in v.instances})
    if by == "activitynet":
        split = splits.split_activitynet(classes, _taxonomy(annotations))
    elif by == "category":
        table = category_table and splits.categories_of_table(category_table)
        taxonomy = None if table else _taxonomy(annotations)
        if table is None and taxonomy is None:
            raise ValueError(f"{annotations}: no taxonomy; give --category_table.")
        origin = str(category_table) if table else f"taxonomy of {annotations.name}"
        categories = table or splits.categories_of_taxonomy(taxonomy)
        if not source_categories:
            raise ValueError("--by category needs --source_categories.")
        split = splits.split_by_category(classes, categories, source_categories, origin)
    elif by == "list":
        if source_list is None:
            raise ValueError("--by list needs --source_list.")
        names = read_classes(source_list)
        split = splits.split_by_list(classes, names, f"list {source_list}")
    elif by == "random":
        if source_count is None:
            raise ValueError("--by random needs --source_count.")
        split = splits.split_at_random(classes, source_count, seed)
    else:
        raise ValueError(f"Expected by one of {METHODS}, received '{by}'.")

    files = {
        "source_classes.txt": "\n".join(split.source) + "\n",
        "target_classes.txt": "\n".join(split.target) + "\n",
        "split.json": json.dumps(
            {"origin": split.origin, "annotations": annotations.name}, indent=1
        )
        + "\n",
    }
    if features is not None:
        content = dataset_json(
            split, annotations, features, out, training_subset, test_subset
        )
        files["dataset.json"] = json.dumps(content, indent=1) + "\n"
    for name, text in files.items():
        write_text(out / name, text)
    lines = [
        f"Split by {split.origin}",
        *_counts(split, videos, training_subset, test_subset),
        *report.lines(),
        f"Written to {out}: {', '.join(files)}",
    ]
    print("\n".join(lines))
    return split


def dataset_json(
    split: splits.ClassSplit,
    annotations: pathlib.Path,
    features: dict[str, Any],
    directory: pathlib.Path,
    training_subset: str,
    test_subset: str,
) -> dict[str, Any]:
    """Returns a dataset.json of one annotation file and one feature store.

    Raises:
        ValueError: The features do not exist or their time model makes no sense.
    """
    if not pathlib.Path(features["path"]).exists():
        raise ValueError(f"{features['path']}: does not exist.")
    TimeModel.from_spec(features)
    spec = {**features, "path": _relative(features["path"], directory)}

    def role(subset: str, classes: Sequence[str]) -> dict[str, Any]:
        return {
            "annotations": _relative(annotations, directory),
            "subset": subset,
            "classes": list(classes),
            "features": spec,
        }

    return {
        "name": directory.resolve().name,
        "untrimmed": role(training_subset, split.source),
        "moments": {
            "from": "untrimmed annotations",
            "classes": list(split.target),
        },
        "test": role(test_subset, split.target),
        "oracle": role(training_subset, split.target),
    }


def _counts(
    split: splits.ClassSplit, videos: dict[str, Video], training: str, test: str
) -> list[str]:
    """Returns a line each for source and target classes with their videos."""
    lines = []
    for name, classes in (("source", split.source), ("target", split.target)):
        known = set(classes)
        counts = []
        for subset in (training, test):
            members = [
                sum(i.label in known for i in v.instances)
                for v in videos.values()
                if v.subset == subset
            ]
            with_any = sum(n > 0 for n in members)
            counts.append(f"{subset} {with_any} videos, {sum(members)} segments")
        lines.append(f"{len(classes)} {name} classes: {'; '.join(counts)}")
    return lines


def _taxonomy(annotations: pathlib.Path) -> Any:
    """Returns the taxonomy of an annotation file, or None."""
    return json.loads(annotations.read_text("utf-8")).get("taxonomy")


def _relative(path: str | pathlib.Path, directory: pathlib.Path) -> str:
    """Returns a path as seen from a directory."""
    return os.path.relpath(pathlib.Path(path).resolve(), directory.resolve())


def main(argv: list[str]) -> None:
    """Reads the flags and writes the split."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    values = flags.FLAGS
    features = None
    if values.features is not None:
        features = {"path": values.features, "format": values.format}
        features |= {"clip_frames": values.clip_frames, "fps": values.fps}
        features |= {"stride_frames": values.stride_frames}
        features |= {"covers": values.covers, "resampled": values.resampled or None}
        features = {k: v for k, v in features.items() if v is not None}
    try:
        run(
            values.annotations,
            values.by,
            values.out,
            category_table=values.category_table,
            source_categories=values.source_categories,
            source_list=values.source_list,
            source_count=values.source_count,
            seed=values.seed,
            features=features,
            training_subset=values.training_subset,
            test_subset=values.test_subset,
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f"make_split: {error}") from error


def _define_flags() -> None:
    flags.DEFINE_string(
        "annotations",
        None,
        "Annotation JSON, as data_tools.convert_annotations writes it.",
    )
    flags.DEFINE_enum("by", None, METHODS, "How classes are chosen; see above.")
    flags.DEFINE_string("out", None, "Directory to write into.")
    flags.DEFINE_string(
        "category_table",
        None,
        "With --by category: CSV with a column 'class' and columns of categories. "
        "Unset: the taxonomy of the annotation file.",
    )
    flags.DEFINE_multi_string(
        "source_categories",
        [],
        "With --by category: category of the source classes; repeat for several.",
    )
    flags.DEFINE_string(
        "source_list", None, "With --by list: file with the source classes, one a line."
    )
    flags.DEFINE_integer(
        "source_count", None, "With --by random: number of source classes."
    )
    flags.DEFINE_integer("seed", 0, "With --by random: decides the draw.")
    flags.DEFINE_string(
        "features", None, "Feature file or directory; dataset.json is written if given."
    )
    flags.DEFINE_string("format", None, "Format of the features; unset: guessed.")
    flags.DEFINE_integer("clip_frames", None, "Frames a clip saw.")
    flags.DEFINE_integer("stride_frames", None, "Frames clip to clip.")
    flags.DEFINE_float(
        "fps", None, "Frames a second of every video; unset: as the annotations say."
    )
    flags.DEFINE_enum(
        "covers",
        "clips",
        ["clips", "duration"],
        "What a sequence spans: its clips, or (resized features) the whole video.",
    )
    flags.DEFINE_bool(
        "resampled", False, "Videos were converted to --fps before the extraction."
    )
    flags.DEFINE_string(
        "training_subset", "training", "Subset of the untrimmed videos and moments."
    )
    flags.DEFINE_string("test_subset", "validation", "Subset to test on.")
    flags.mark_flags_as_required(["annotations", "by", "out"])


if __name__ == "__main__":
    _define_flags()
    app.run(main)
