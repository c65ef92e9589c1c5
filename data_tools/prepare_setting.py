r"""Makes the data set of one of the paper's settings of public files and features.

    python -m data_tools.prepare_setting --setting th14_to_anet_fg \
        --annotations annotations --features thumos14=features/thumos \
        --features activitynet=features/anet --out data/th14_to_anet_fg

Settings: anet_un_to_anet_am, th14_to_anet_fg, anet_to_k600 (docs/SETTINGS.md).

`--annotations` are the public annotation files, or directories of them, under any
names; which were taken is printed. `--features` are stores of clip features (any form
of docs/DATA.md): one for all data sets, or `activitynet=`, `thumos14=`, `kinetics600=`
before the path. `--layout` says how they were made, as far as features.json does not,
such as `--layout preset=tsp` or `--layout kinetics600.fps=25`; where neither says so,
clips are the paper's: 16 frames, one every 8.

Prints the published numbers of videos and instances beside those found, and why they
differ. Videos without features are left out; missing_features.tsv lists them. The
directory gets dataset.json, annotation and class files, and setting.json: the numbers,
and the options with which `experiments.train` trains the setting.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import command, program, settings
from ahernet_tf import config as configuration
from ahernet_tf.data.annotations.activitynet import write_annotations
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.files import check_directory, write_json, write_text
from ahernet_tf.settings import Count, Part

if TYPE_CHECKING:
    from ahernet_tf.data.create.setting_content import SettingContent

DESCRIPTION = "setting.json"
MISSING = "missing_features.tsv"


def run(
    name: str,
    annotations: Sequence[str | pathlib.Path],
    features: Sequence[str],
    out: str | pathlib.Path,
    layout: Sequence[str] = (),
    skip_bad: bool = False,
    preset: str = settings.PRESETS[0],
) -> dict[str, Any]:
    """Makes the data set of a setting, checks it and says what it holds.

    Args:
        name: Name of the setting.
        annotations: Public annotation files, or directories of them.
        features: Paths of feature stores, each after `DATASET=` or for all data sets.
        out: Directory to write: new, empty, or made by this program before.
        layout: `key=value` or `DATASET.key=value`, fields of a `features` entry.
        skip_bad: Leave faulty videos to the `--skip_bad` of the training.
        preset: `paper` or `release`, which the training is to start from.

    Returns:
        What setting.json holds.

    Raises:
        ValueError: Something is missing or contradicts itself; nothing was written.
    """
    from ahernet_tf.data.create.public_annotations import PublicAnnotations
    from ahernet_tf.data.create.setting_content import make_content, open_all_features
    from ahernet_tf.data.create.setting_report import SettingReport
    from ahernet_tf.data.dataset import Dataset

    out, setting = pathlib.Path(out), settings.setting(name)
    check_directory(out)
    _check_out(out)
    files = PublicAnnotations(annotations)
    subsets = {count: files.subset(count) for count in setting.counts()}
    opened = open_all_features(setting, features, layout)
    content = make_content(setting, files, subsets, opened)
    report = SettingReport.of(content, MISSING)
    description = report.description()
    print("\n".join(report.lines()))

    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the directory, so that relative paths are the same there.
    made = pathlib.Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _write(made, out.resolve().name, content, description)
        data = setting.configured(configuration.preset(preset)).data
        dataset = Dataset.load(made, data, skip_bad, "shape", packed=False)
        out.mkdir(exist_ok=True)
        for path in sorted(made.iterdir(), key=lambda p: p.name == "dataset.json"):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    print("\n".join(dataset.report.lines()))
    train, data = command.start_of("experiments.train"), shlex.quote(str(out))
    print(f"Written to {out}.")
    program.note("To train, localise and score:")
    program.note(
        f"{train} --data {data} --workdir W --setting {name} --preset {preset}"
    )
    return description


# What is written --------------------------------------------------------------------


def _write(
    directory: pathlib.Path,
    name: str,
    content: SettingContent,
    description: dict[str, Any],
) -> None:
    """Writes all files of the data set."""
    by_file: dict[str, list[Video]] = {}
    for count, videos in content.present.items():
        by_file.setdefault(_annotation_file(count), []).extend(videos)
    for file, videos in by_file.items():
        write_annotations(directory / file, videos, f"setting {content.setting.name}")
    missing = [("dataset", "subset", "video", "why"), *content.missing]
    write_text(directory / MISSING, "\n".join(map("\t".join, missing)) + "\n")
    for kind, names in content.classes.items():
        write_text(directory / f"{kind}_classes.txt", "\n".join(names) + "\n")
    write_json(directory / DESCRIPTION, description)
    labels = {i.label for v in content.present.values() for x in v for i in x.instances}
    used = {name for names in content.classes.values() for name in names}
    roles = {
        role: _role(directory, role, part, content)
        for role, part in content.setting.roles().items()
    }
    extra = {"ignored_classes": sorted(labels - used)}
    write_json(directory / "dataset.json", {"name": name, **roles, **extra})


def _role(
    directory: pathlib.Path, role: str, part: Part, content: SettingContent
) -> dict[str, Any]:
    """Returns the entry of a role in dataset.json."""
    spec = dict(content.features[part.count.dataset].spec)
    paths = spec["path"]
    if isinstance(paths, str):
        spec["path"] = _relative(paths, directory)
    else:
        spec["path"] = [_relative(path, directory) for path in paths]
    cut = role == "moments" and not part.count.trimmed
    return {
        **({"from": "untrimmed annotations"} if cut else {}),
        "annotations": _annotation_file(part.count),
        "subset": part.count.subset,
        "classes": list(content.classes[part.classes]),
        "features": spec,
    }


def _annotation_file(count: Count) -> str:
    return f"{count.dataset}{'_moments' if count.trimmed else ''}.json"


def _relative(path: str, directory: pathlib.Path) -> str:
    """Returns a path as seen from a directory."""
    return os.path.relpath(pathlib.Path(path).resolve(), directory.resolve())


def _check_out(out: pathlib.Path) -> None:
    """Refuses a directory that holds something else."""
    mine = out.is_dir() and (not any(out.iterdir()) or (out / DESCRIPTION).exists())
    if out.exists() and not mine:
        raise ValueError(
            f"{out}: expected a new or empty directory, or one that this program made"
        )


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    run(
        values.setting,
        values.annotations,
        values.features,
        values.out,
        values.layout,
        values.skip_bad,
        values.preset,
    )


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_enum("setting", None, list(settings.SETTINGS), "Which setting.")
    flags.DEFINE_enum(
        "preset",
        settings.PRESETS[0],
        settings.PRESETS,
        "What the training is to start from: the paper, or the 2020 release.",
    )
    flags.DEFINE_multi_string(
        "annotations",
        None,
        "Public annotation file, or a directory of such files. Repeatable.",
    )
    flags.DEFINE_multi_string(
        "features",
        None,
        "Feature file or directory, or DATASET=PATH with a data set of "
        f"{', '.join(settings.TITLES)}. Repeatable.",
    )
    flags.DEFINE_multi_string(
        "layout",
        [],
        "key=value or DATASET.key=value: how features were made and are named (preset, "
        "format, template, clip_frames, stride_frames, fps, resampled, covers, ...; "
        "docs/DATA.md). Repeatable.",
    )
    flags.DEFINE_string("out", None, "Directory to write.")
    flags.DEFINE_bool(
        "skip_bad",
        False,
        "Go on though videos are faulty; training then needs its --skip_bad, too.",
    )
    flags.mark_flags_as_required(["setting", "annotations", "features", "out"])


if __name__ == "__main__":
    program.start(define_flags, main)
