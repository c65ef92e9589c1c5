r"""Parts the classes of annotation files into source and target classes.

    python -m data_tools.make_split --annotations activitynet.json --by activitynet \
        --out data/anet_un_to_anet_am --preset tsp --features features/tsp

`--by activitynet` is the paper's first setting: the 87 classes under "Sports,
Exercise, and Recreation" have temporal annotations, the other 113 moments only. The
taxonomy of the annotation file decides if it is there, else a supplied list (inferred
from the public taxonomy); the program prints which. `--by category` takes the classes
under `--source_categories` of a table or the taxonomy, `--by list` those of a file,
`--by random` so many at random. `--by files` takes the classes of `--annotations` for
source classes and those of a second file for target classes:

    python -m data_tools.make_split --by files --out data/anet_to_k600 \
        --annotations activitynet.json --features features/anet \
        --moments k600_training.json --moments_features features/k600 \
        --test k600_validation.json --test_features features/k600_untrimmed \
        --clip_frames 16 --stride_frames 8

Writes source_classes.txt, target_classes.txt and split.json (where the split comes
from) into `--out`; with `--features` also dataset.json. Its moments are cut out of the
training videos of the target classes, unless the second file holds trimmed clips.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from ahernet_tf import program
from ahernet_tf.data.annotations.companion_files import read_classes
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create import class_splits as splits
from ahernet_tf.data.create.split_roles import PARTS, RoleFiles, dataset_json
from ahernet_tf.files import check_directory, read_json, write_text

from . import layout_flags

METHODS = ("activitynet", "category", "list", "random", "files")


def run(
    files: RoleFiles,
    by: str,
    out: str | pathlib.Path,
    skip_bad: bool = False,
    **how: Any,
) -> splits.ClassSplit:
    """Parts the classes, writes the lists and prints what was done.

    Args:
        files: The annotation files; with features dataset.json is written, too.
        by: One of `METHODS`.
        out: Directory to write into.
        skip_bad: Leave out faulty videos instead of raising.
        **how: What the method needs; see `choose`.

    Returns:
        The split.

    Raises:
        ValueError: Files cannot be read, or the split is impossible.
    """
    _check_method(files, by)
    out = pathlib.Path(out)
    check_directory(out)
    videos, reports = files.read(skip_bad)
    if by == "files":
        paths = [files.annotations[part] for part in ("untrimmed", "moments")]
        split = splits.split_by_files(
            {str(path): _classes(videos[path]) for path in paths}
        )
    else:
        annotations = files.annotations["untrimmed"]
        split = choose(by, annotations, _classes(videos[annotations]), **how)
    origin = {
        "origin": split.origin,
        "annotations": {part: p.name for part, p in files.annotations.items()},
    }
    written = {
        "source_classes.txt": "\n".join(split.source) + "\n",
        "target_classes.txt": "\n".join(split.target) + "\n",
        "split.json": json.dumps(origin, indent=1) + "\n",
    }
    if files.features:
        content = dataset_json(split, files, videos, out)
        written["dataset.json"] = json.dumps(content, indent=1) + "\n"
    for name, text in written.items():
        write_text(out / name, text)
    lines = [
        f"Split by {split.origin}",
        *_counts(split, files, videos),
        *(line for report in reports for line in report.lines()),
        f"Written to {out}: {', '.join(written)}",
    ]
    print("\n".join(lines))
    return split


def _check_method(files: RoleFiles, by: str) -> None:
    """Refuses files that a method has no use for.

    Raises:
        ValueError: Says what to give.
    """
    if by not in METHODS:
        raise ValueError(f"Expected by one of {METHODS}, received '{by}'.")
    several = len({*files.annotations, *files.features}) > 1
    if by == "files" and "moments" not in files.annotations:
        raise ValueError("--by files needs --moments.")
    if by != "files" and several:
        raise ValueError("--moments and --test need --by files.")


def choose(
    by: str,
    annotations: pathlib.Path,
    classes: Sequence[str],
    category_table: str | pathlib.Path | None = None,
    source_categories: Sequence[str] = (),
    source_list: str | pathlib.Path | None = None,
    source_count: int | None = None,
    seed: int = 0,
) -> splits.ClassSplit:
    """Parts the classes of one file.

    Args:
        by: One of `METHODS`, but not `files`.
        annotations: Annotation JSON, for its taxonomy.
        classes: The classes.
        category_table: For `category`; None: the file's taxonomy.
        source_categories: For `category`.
        source_list: For `list`.
        source_count: For `random`.
        seed: For `random`.

    Raises:
        ValueError: The split is impossible.
    """
    if by == "activitynet":
        return splits.split_activitynet(classes, _taxonomy(annotations))
    if by == "random":
        if source_count is None:
            raise ValueError("--by random needs --source_count.")
        return splits.split_at_random(classes, source_count, seed)
    if by == "list":
        if source_list is None:
            raise ValueError("--by list needs --source_list.")
        names = read_classes(source_list)
        return splits.split_by_list(classes, names, f"list {source_list}")
    table = category_table and splits.categories_of_table(category_table)
    taxonomy = None if table else _taxonomy(annotations)
    if table is None and taxonomy is None:
        raise ValueError(f"{annotations}: no taxonomy; give --category_table.")
    origin = str(category_table) if table else f"taxonomy of {annotations.name}"
    categories = table or splits.categories_of_taxonomy(taxonomy)
    if not source_categories:
        raise ValueError("--by category needs --source_categories.")
    return splits.split_by_category(classes, categories, source_categories, origin)


def _classes(videos: Mapping[str, Video]) -> list[str]:
    return sorted({i.label for v in videos.values() for i in v.instances})


def _counts(
    split: splits.ClassSplit,
    files: RoleFiles,
    videos: Mapping[pathlib.Path, Mapping[str, Video]],
) -> list[str]:
    """Returns a line each for source and target classes with their videos."""
    lines = []
    for name, classes, part in (
        ("source", split.source, "untrimmed"),
        ("target", split.target, "moments"),
    ):
        known = set(classes)
        counts = []
        for subset, file in (
            (files.training_subset, files.annotations_of(part)),
            (files.test_subset, files.annotations_of("test")),
        ):
            members = [
                sum(i.label in known for i in v.instances)
                for v in videos[file].values()
                if v.subset == subset
            ]
            with_any = sum(n > 0 for n in members)
            if subset:
                counts.append(f"{subset} {with_any} videos, {sum(members)} segments")
        lines.append(f"{len(classes)} {name} classes: {'; '.join(counts)}")
    return lines


def _taxonomy(annotations: pathlib.Path) -> Any:
    """Returns the taxonomy of an annotation file, or None."""
    return read_json(annotations).get("taxonomy")


def main(values: flags.FlagValues) -> None:
    """Reads the flags and writes the split."""
    annotations = (values.annotations, values.moments, values.test)
    features = (values.features, values.moments_features, values.test_features)
    layout = layout_flags.layout_of(values, ["covered_durations"])
    run(
        RoleFiles(
            {p: pathlib.Path(a) for p, a in zip(PARTS, annotations) if a},
            {part: path for part, path in zip(PARTS, features) if path},
            layout,
            values.training_subset,
            values.test_subset,
        ),
        values.by,
        values.out,
        values.skip_bad,
        category_table=values.category_table,
        source_categories=values.source_categories,
        source_list=values.source_list,
        source_count=values.source_count,
        seed=values.seed,
    )


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "annotations",
        None,
        "Annotation JSON, as data_tools.convert_annotations writes it.",
    )
    flags.DEFINE_string(
        "moments", None, "With --by files: annotation JSON of the moments."
    )
    flags.DEFINE_string(
        "test",
        None,
        "With --by files: annotation JSON of the test videos. Unset: --moments.",
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
    flags.DEFINE_string(
        "moments_features", None, "Features of --moments. Unset: --features."
    )
    flags.DEFINE_string(
        "test_features", None, "Features of --test. Unset: --moments_features."
    )
    layout_flags.define_layout()
    flags.DEFINE_string(
        "covered_durations",
        None,
        "Table of what resized features cover: BSN's video_info_new.csv, or its JSON.",
    )
    flags.DEFINE_string(
        "training_subset", "training", "Subset of the untrimmed videos and moments."
    )
    flags.DEFINE_string(
        "test_subset", "validation", "Subset to test on; empty: there is no test."
    )
    flags.DEFINE_bool("skip_bad", False, "Leave out faulty videos instead of failing.")
    flags.mark_flags_as_required(["annotations", "by", "out"])


if __name__ == "__main__":
    program.start(define_flags, main)
