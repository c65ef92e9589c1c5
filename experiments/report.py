r"""Makes a page to look at results with: one file, for any browser, without a network.

    python -m experiments.report --predictions results.json --data DIR --out page.html
    python -m experiments.report --predictions a.json --predictions b.json \
        --ground_truth annotations.json --out page.html

The page shows scores with intervals, AP by class, confused classes, kinds of errors,
and every video with its annotations and detections on a timeline, worst first. Several
results stand side by side. Without ground truth it shows detections alone. With
--videos a video plays beside its timeline; the page then links to the files.
"""

from __future__ import annotations

import functools
import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence

from absl import flags
from tqdm import tqdm

from ahernet_tf import evaluation, files, program
from ahernet_tf.visualization.page.html_page import (
    MOST_RESULTS,
    TOP,
    PageOptions,
    Resampling,
    write_page,
)

from . import ground_truth_flags
from .ground_truth_flags import GroundTruth

SAMPLES = 1000


def make_report(
    out: str | pathlib.Path,
    predictions: Mapping[str, str | pathlib.Path],
    ground_truth: GroundTruth | None = None,
    title: str = "Results",
    notes: Mapping[str, str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    top: int = TOP,
    videos: str | pathlib.Path | None = None,
    progress: bool = True,
) -> list[str]:
    """Writes the page of results files.

    Args:
        out: The page.
        predictions: Results files by name, at most `MOST_RESULTS`.
        ground_truth: What they are scored against; None for a page without scores.
        title: Above the page.
        notes: What the page says of its origin, besides files and protocol.
        samples: Resamples of the videos for intervals; 0: none.
        seed: Seed of the resampling.
        top: Detections of a video that are shown; 0: all.
        videos: Directory of video files; None for none.
        progress: Whether to show bars.

    Returns:
        What ground truth and predictions do not have in common, a sentence each.

    Raises:
        ValueError: A file is unreadable or faulty; nothing is written.
    """
    notes = dict(notes or {})
    truth, excluded = None, ()
    thresholds = evaluation.PROTOCOLS["custom"].tiou_thresholds
    if ground_truth is not None:
        protocol = ground_truth.protocol
        truth, excluded = ground_truth.load(), protocol.excluded_videos
        thresholds = protocol.tiou_thresholds
        notes["Protocol"] = f"{protocol.name}: {protocol.description}"
        steps = truth.attrs["info"]["steps"]
        notes["Scored videos"] = " → ".join(f"{n} {what}" for what, n in steps)
    found, said = {}, []
    for name, path in predictions.items():
        found[name] = evaluation.load_predictions(path, excluded_videos=excluded)
        notes[f"Detections of {name}" if len(predictions) > 1 else "Detections"] = (
            f"{path}: {len(found[name])}"
        )
        if truth is not None:
            differ = evaluation.mismatches(truth, found[name])
            said += [f"{name}: {line}" for line in differ]
    if said:
        notes["Warning"] = " ".join(said)
    bar = functools.partial(tqdm, desc="bootstrap", leave=False, disable=not progress)
    videos = None if videos is None else pathlib.Path(videos)
    options = PageOptions(
        title, thresholds, notes, Resampling(samples, seed, bar), top, videos
    )
    write_page(out, found, truth, options)
    return said


def named(predictions: Sequence[str]) -> dict[str, str]:
    """Reads the `--predictions` flags, `FILE` or `NAME=FILE`.

    A file without a name is called what sets it apart from the others.

    Raises:
        ValueError: A name is there twice, or there are too many.
    """
    if len(predictions) > MOST_RESULTS:
        raise ValueError(
            f"--predictions: expected at most {MOST_RESULTS}, "
            f"received {len(predictions)}."
        )
    plain = [
        pathlib.Path(text.removesuffix(".gz").removesuffix(".json"))
        for text in predictions
    ]
    found: dict[str, str] = {}
    for text, path in zip(predictions, plain):
        alike = [other for other in plain if other.name == path.name]
        given, equals, file = text.partition("=")
        if equals and not pathlib.Path(text).exists():
            name = given
        else:
            name, file = _what_differs(path, alike), text
        if name in found:
            raise ValueError(f"--predictions: {name!r} is there twice.")
        found[name] = file
    return found


def _what_differs(path: pathlib.Path, alike: Sequence[pathlib.Path]) -> str:
    """Names a file by the part of its path that sets it apart from files alike."""
    if len(alike) == 1:
        return path.name
    parts = [other.parts for other in alike]
    begin = len(os.path.commonprefix(parts))
    end = len(os.path.commonprefix([own[begin:][::-1] for own in parts]))
    return "/".join(path.parts[begin : len(path.parts) - end]) or path.name


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_multi_string(
        "predictions",
        None,
        "Results file in ActivityNet JSON (.json or .json.gz), or NAME=FILE. "
        "Repeatable; of two, the page shows the difference.",
        required=True,
    )
    flags.DEFINE_string("out", None, "The page, an .html file.", required=True)
    ground_truth_flags.define_flags()
    flags.DEFINE_string(
        "videos",
        None,
        "Directory of video files, named as the videos are; they are linked to.",
    )
    flags.DEFINE_string("title", "Results", "Title of the page.")
    flags.DEFINE_integer(
        "top",
        TOP,
        "Show so many detections of a video, the best; 0: all. Scores are of all.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "bootstrap",
        SAMPLES,
        "Resamples of the videos for 95% intervals of the scores; 0: none.",
        lower_bound=0,
    )
    flags.DEFINE_integer("seed", 0, "Seed of the resampling.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    warnings.showwarning = lambda message, *_, **__: program.warn(message)
    files.check_output(values.out, (".html",))
    predictions = named(values.predictions)
    asked = ground_truth_flags.read(values)
    origin = values.data or values.ground_truth
    said = make_report(
        values.out,
        predictions,
        asked,
        values.title,
        {"Ground truth": origin} if origin else None,
        values.bootstrap,
        values.seed,
        values.top,
        values.videos,
        progress=not values.quiet,
    )
    for line in said:
        program.warn(line)
    print(f"{values.out}: open it in a browser.")


if __name__ == "__main__":
    program.start(define_flags, main)
