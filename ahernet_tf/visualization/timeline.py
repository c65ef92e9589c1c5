"""Draws when actions happen in a video: one horizontal track per class."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence

from ahernet_tf import files

DETECTION_COLOUR = (0.12, 0.38, 0.70)
TRUTH_COLOUR = (0.85, 0.45, 0.10)
FORMATS = ("pdf", "png", "svg")
_FAINTEST = 0.04  # opacity of a score of 0
_WIDTH_INCHES = 10.0
_TRACK_INCHES = 0.34
_AXIS_INCHES = 1.0  # title, numbers and name of the time axis
_LEGEND_INCHES = 0.3
_LONGEST_LABEL = 32
_NARROWEST = 1 / 500  # of the axis: what is shorter would not be seen


@dataclasses.dataclass(frozen=True)
class Track:
    """What is drawn at one height.

    Attributes:
        label: Name of the track, a class for instance.
        segments: `[start, end]` of what was detected, seconds.
        scores: Score of each; None draws all alike.
        truth: `[start, end]` of what is annotated, seconds, drawn beneath; None where
            there are no annotations.
    """

    label: str
    segments: Sequence[tuple[float, float]] = ()
    scores: Sequence[float] | None = None
    truth: Sequence[tuple[float, float]] | None = None

    def __post_init__(self):
        if self.scores is not None and len(self.scores) != len(self.segments):
            raise ValueError(
                f"Track {self.label!r}: {len(self.scores)} scores for "
                f"{len(self.segments)} segments."
            )
        for start, end in [*self.segments, *(self.truth or ())]:
            if not (math.isfinite(start) and math.isfinite(end) and start <= end):
                raise ValueError(
                    f"Track {self.label!r}: no segment in seconds: {start} to {end}."
                )


@dataclasses.dataclass(frozen=True)
class VideoTracks:
    """The tracks of one video.

    Attributes:
        duration_sec: Its length.
        tracks: The tracks, from top to bottom.
        title: Above the picture; None for none.
    """

    duration_sec: float
    tracks: Sequence[Track]
    title: str | None = None

    def __post_init__(self):
        if not (math.isfinite(self.duration_sec) and self.duration_sec > 0):
            raise ValueError(f"Expected a duration above 0, got {self.duration_sec}.")
        if not self.tracks:
            raise ValueError("There is no track to draw.")


def draw_timeline(
    path: str | os.PathLike,
    duration_sec: float,
    tracks: Sequence[Track],
    *,
    title: str | None = None,
    highest_score: float | None = None,
    dpi: int = 120,
) -> None:
    """Draws one video's detections and annotations; see `draw_timelines`.

    Args:
        path: A `.png`, `.pdf` or `.svg` file; its directory is made.
        duration_sec: Length of the video.
        tracks: The tracks, from top to bottom.
        title: Above the picture; None for none.
        highest_score: The score that is fully opaque; by default the highest given.
        dpi: Pixels an inch, for `.png`.

    Raises:
        ValueError: The duration is not above 0, there is no track, or the file's suffix
            is unknown.
        ImportError: Matplotlib is not installed.
    """
    try:
        timeline = VideoTracks(duration_sec, tracks, title)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    draw_timelines(path, [timeline], highest_score=highest_score, dpi=dpi)


def draw_timelines(
    path: str | os.PathLike,
    timelines: Sequence[VideoTracks],
    *,
    highest_score: float | None = None,
    dpi: int = 120,
) -> None:
    """Draws videos beneath one another, whole or not at all.

    A detection is the more opaque the higher its score; where two overlap the higher
    one lies on top and nothing adds up.

    Args:
        path: A `.png`, `.pdf` or `.svg` file; its directory is made.
        timelines: The videos, each with a time axis of its own.
        highest_score: The score that is fully opaque; by default the highest given.
        dpi: Pixels an inch, for `.png`.

    Raises:
        ValueError: There is no video, or the file's suffix is unknown.
        ImportError: Matplotlib is not installed.
    """
    kind = os.path.splitext(path)[1].lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"{path}: expected a suffix of {FORMATS}, received {kind!r}.")
    if not timelines:
        raise ValueError(f"{path}: there is no video to draw.")
    # Neither pyplot nor its global state: pictures may be drawn in any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tracks = [track for timeline in timelines for track in timeline.tracks]
    heights = [
        _TRACK_INCHES * len(timeline.tracks) + _AXIS_INCHES for timeline in timelines
    ]
    figure = Figure(
        figsize=(_WIDTH_INCHES, sum(heights) + _LEGEND_INCHES), layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(timelines), height_ratios=heights, squeeze=False)
    with_truth = any(track.truth is not None for track in tracks)
    if highest_score is None:
        highest_score = max(
            (s for track in tracks for s in track.scores or ()), default=0.0
        )
    for axes, timeline in zip(panels[:, 0], timelines):
        for place, track in enumerate(timeline.tracks):
            _draw_track(
                axes, place, track, timeline.duration_sec, highest_score, with_truth
            )
        _finish_axes(axes, timeline.tracks, timeline.duration_sec, timeline.title)
    _add_legend(figure, tracks, highest_score, with_truth)
    metadata = {"CreationDate": None} if kind == "pdf" else {}
    with files.whole_file(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=metadata)


def _draw_track(
    axes, place, track: Track, duration_sec, highest_score, with_truth
) -> None:
    """Draws the bars of one track around the height `place`."""
    top, height = (place - 0.38, 0.5) if with_truth else (place - 0.36, 0.72)
    scores = track.scores or [highest_score] * len(track.segments)
    lowest_first = sorted(range(len(track.segments)), key=lambda i: scores[i])
    axes.broken_barh(
        [_bar(*track.segments[i], duration_sec) for i in lowest_first],
        (top, height),
        facecolors=[
            _on_white(DETECTION_COLOUR, _opacity(scores[i], highest_score))
            for i in lowest_first
        ],
        edgecolors="white",
        linewidth=0.5,
        zorder=2,
    )
    if track.truth:
        axes.broken_barh(
            [_bar(start, end, duration_sec) for start, end in track.truth],
            (place + 0.17, 0.2),
            facecolors=TRUTH_COLOUR,
            linewidth=0,
            zorder=2,
        )


def _bar(start: float, end: float, duration_sec: float) -> tuple[float, float]:
    """Returns (left, width) of a bar that can be seen and lies inside the video."""
    width = max(end - start, _NARROWEST * duration_sec)
    left = min(max(0.0, start), duration_sec - width)
    if left < 0:
        return 0.0, duration_sec
    return left, min(width, duration_sec - left)


def _opacity(score: float, highest_score: float) -> float:
    """Returns the opacity of a score, from `_FAINTEST` to 1."""
    share = score / highest_score if highest_score > 0 else 1.0
    return _FAINTEST + (1 - _FAINTEST) * min(1.0, max(0.0, share))


def _on_white(colour, opacity: float) -> tuple[float, ...]:
    """Returns the colour that an opacity gives before white."""
    return tuple(1 - opacity * (1 - channel) for channel in colour)


def _finish_axes(axes, tracks, duration_sec: float, title: str | None) -> None:
    """Labels time and tracks and takes away what carries no information."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, duration_sec)
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    labels = [_shortened(track.label) for track in tracks]
    axes.set_yticks(range(len(tracks)), labels, parse_math=False)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for place in range(len(tracks)):
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color="0.955", linewidth=0, zorder=0)
    axes.grid(axis="x", color="0.85", linewidth=0.6, zorder=1)
    axes.set_axisbelow(True)
    if duration_sec >= 120:
        steps = [1, 1.5, 2, 3, 6, 10]
        axes.xaxis.set_major_locator(MaxNLocator(10, steps=steps, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda sec, _: _clock(sec)))
        axes.set_xlabel("time (h:min:s)" if duration_sec >= 3600 else "time (min:s)")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
        axes.set_xlabel("time (s)")
    if title:
        font = {"fontsize": "medium", "fontweight": "bold"}
        axes.set_title(title, loc="left", parse_math=False, **font)


def _add_legend(figure, tracks, highest_score: float, with_truth: bool) -> None:
    """Explains colours and opacity in one line beneath the picture."""
    from matplotlib.patches import Patch

    handles = []
    if any(track.scores for track in tracks) and highest_score > 0:
        for share in (0.1, 0.5, 1.0):
            score = share * highest_score
            colour = _on_white(DETECTION_COLOUR, _opacity(score, highest_score))
            handles.append(Patch(color=colour, label=f"score {score:.2g}"))
    else:
        handles.append(Patch(color=DETECTION_COLOUR, label="detection"))
    if with_truth:
        handles.append(Patch(color=TRUTH_COLOUR, label="annotation"))
    figure.legend(
        handles=handles,
        loc="outside lower right",
        ncols=len(handles),
        frameon=False,
        fontsize="small",
        handlelength=1.4,
    )


def _shortened(label: str) -> str:
    """Returns a label that leaves room for the tracks."""
    if len(label) <= _LONGEST_LABEL:
        return label
    return label[: _LONGEST_LABEL - 1].rstrip() + "…"


def _clock(sec: float) -> str:
    """Returns seconds as minutes:seconds or hours:minutes:seconds."""
    minutes, seconds = divmod(round(sec), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
