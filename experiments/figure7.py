"""Figure 7: when actions happen in two videos: annotated, AherNet's, a baseline's.

    python -m experiments.figure7 --workdir W

Reads the detections of the runs in W (see experiments.table2) and writes
W/figure7.png, .pdf, .json and .csv. Of each system and video as many of the best
detections are drawn as the video has instances, without those that overlap a better
one at tIoU 0.5. By default the two videos are a
typical and a good one of AherNet: at the median and at nine tenths of the test videos
with several instances, ordered by the share of them found at tIoU 0.5.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
from absl import flags

from ahernet_tf import evaluation, program
from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.evaluation.detection_matching import temporal_iou
from ahernet_tf.visualization.timeline import Track, VideoTracks, draw_timelines

from .paper import columns, figures, significance

NAME = "figure7"
TIOU = 0.5


def best_detections(found: pd.DataFrame, video: Video) -> pd.DataFrame:
    """Returns the best detections of a video, as many as it has instances.

    Those that overlap a better one by more than `TIOU` are left out.
    """
    name = evaluation.result_video_id(video.id)
    own = found[found["video"].astype(str) == name]
    own = own.sort_values("score", ascending=False, kind="stable")
    start, end = own["start_sec"].to_numpy(), own["end_sec"].to_numpy()
    kept: list[int] = []
    for place in range(len(own)):
        tiou = temporal_iou(start[kept], end[kept], start[place], end[place])
        if len(kept) < len(video.instances) and not (tiou > TIOU).any():
            kept.append(place)
    return own.iloc[kept]


def share_found(best: pd.DataFrame, video: Video) -> float:
    """Returns the share of a video's instances that its best detections find."""
    labels = best["label"].astype(str).to_numpy()
    start, end = best["start_sec"].to_numpy(), best["end_sec"].to_numpy()
    found = 0
    for instance in video.instances:
        tiou = temporal_iou(start, end, instance.start_sec, instance.end_sec)
        found += bool(((tiou >= TIOU) & (labels == instance.label)).any())
    return found / len(video.instances)


def choose(videos: Sequence[Video], found: pd.DataFrame) -> list[Video]:
    """Returns a typical and a good video of a system, with several instances."""
    several = [video for video in videos if len(video.instances) > 1]
    scored = sorted(
        several if len(several) > 1 else videos,
        key=lambda v: (share_found(best_detections(found, v), v), v.id),
    )
    places = {len(scored) // 2, min(len(scored) - 1, round(0.9 * len(scored)))}
    return [scored[place] for place in sorted(places)]


def tracks(
    video: Video, systems: dict[str, pd.DataFrame]
) -> tuple[list[Track], list[dict[str, Any]]]:
    """Lays out a video: for each of its classes a track a system, then other classes.

    Returns:
        The tracks, and what they show, a row an instance or detection.
    """
    classes = list(dict.fromkeys(i.label for i in video.instances))
    rows, numbers = [], []
    truth = {
        label: [(i.start_sec, i.end_sec) for i in video.instances if i.label == label]
        for label in classes
    }
    for label, segments in truth.items():
        for start, end in segments:
            numbers.append(_number(video, "ground truth", label, start, end, None))
    best = {name: best_detections(found, video) for name, found in systems.items()}
    for name, frame in best.items():
        for d in frame.itertuples():
            numbers.append(
                _number(video, name, str(d.label), d.start_sec, d.end_sec, d.score)
            )
    for label in classes:
        for name, frame in best.items():
            own = frame[frame["label"].astype(str) == label]
            segments = list(zip(own["start_sec"], own["end_sec"]))
            title = name if len(classes) == 1 else f"{label}: {name}"
            rows.append(Track(title, segments, truth=truth[label]))
    for name, frame in best.items():
        other = frame[~frame["label"].astype(str).isin(classes)]
        if len(other):
            segments = list(zip(other["start_sec"], other["end_sec"]))
            rows.append(Track(f"{name}, other class", segments))
    return rows, numbers


def _number(
    video: Video, who: str, label: str, start: float, end: float, score: float | None
) -> dict[str, Any]:
    return {
        "video": video.id,
        "system": who,
        "label": label,
        "start_sec": float(start),
        "end_sec": float(end),
        "score": None if score is None else float(score),
    }


def run(
    workdir: pathlib.Path,
    baseline: str = "AherNet-",
    names: Sequence[str] = (),
    seed: int | None = None,
    data: str | None = None,
) -> list[str]:
    """Draws the timelines and writes what they show.

    Args:
        workdir: Holds the runs; gets the figure.
        baseline: The system beside AherNet.
        names: Ids of test videos; none: a typical and a good one.
        seed: Of the runs; None: the lowest that both systems have.
        data: Where the data set lies; None: where the runs were trained.

    Returns:
        The ids of the videos drawn.

    Raises:
        ValueError: There are no such runs or videos.
    """
    runs = {name: figures.system_runs(workdir, name) for name in ("AherNet", baseline)}
    common = sorted(set.intersection(*(set(of_system) for of_system in runs.values())))
    if not common or (seed is not None and seed not in common):
        raise ValueError(
            f"{workdir}: expected runs of AherNet and {baseline} of "
            f"{'one seed' if seed is None else f'seed {seed}'}; both have {common}."
        )
    seed = common[0] if seed is None else seed
    dataset = figures.load_data(runs["AherNet"][seed], data)
    test = dataset.test()
    systems = {
        name: evaluation.load_predictions(of_system[seed] / significance.PREDICTIONS)
        for name, of_system in runs.items()
    }
    by_name = {video.id: video for video in test.videos if video.instances}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ValueError(f"--videos: no annotated test videos: {', '.join(unknown)}.")
    videos = [by_name[name] for name in names] or choose(
        list(by_name.values()), systems["AherNet"]
    )
    timelines, numbers = [], []
    for video in videos:
        rows, shown = tracks(video, systems)
        labels = ", ".join(dict.fromkeys(i.label for i in video.instances))
        title = f"{columns.title(dataset.name)}, {video.id}: {labels}"
        timelines.append(VideoTracks(video.duration_sec, rows, title))
        numbers += shown
    for kind in figures.FORMATS:
        draw_timelines(workdir / f"{NAME}.{kind}", timelines, dpi=150)
    content = {"setting": dataset.name, "seed": seed, "baseline": baseline}
    content["videos"] = [video.id for video in videos]
    figures.write_numbers(workdir, NAME, content, numbers)
    return content["videos"]


def define_flags() -> None:
    """Defines the program's flags."""
    figures.define_flags()
    flags.DEFINE_string("baseline", "AherNet-", "The system beside AherNet.")
    flags.DEFINE_list("videos", [], "Ids of test videos; default: chosen by AherNet.")
    flags.DEFINE_integer("seed", None, "Seed of the runs; default: the lowest.")


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    for workdir in figures.workdirs(pathlib.Path(values.workdir), values.data):
        drawn = run(workdir, values.baseline, values.videos, values.seed, values.data)
        print(f"Videos {', '.join(drawn)}: {figures.written(workdir, NAME)}")


if __name__ == "__main__":
    program.start(define_flags, main, needs=["matplotlib"])
