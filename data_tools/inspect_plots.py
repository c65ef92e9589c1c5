"""The page of plots of a data set; needs matplotlib."""

from __future__ import annotations

import base64
import html
import io
import pathlib
from collections.abc import Sequence

import numpy as np

try:
    import matplotlib
    import matplotlib.ticker
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
except ImportError as error:
    raise ValueError("Plots need matplotlib: pip install matplotlib") from error

from ahernet_tf.data.inspection import THRESHOLDS, Inspection
from ahernet_tf.files import whole_file, write_text

_COLOURS = {
    "untrimmed": "#1b6ca8",
    "moments": "#c8553d",
    "test": "#588b5b",
    "oracle": "#8a6fb0",
}
_CLASSES = 25  # bars in the plot of classes
_DPI = 110


def write_page(
    path: str | pathlib.Path, found: Inspection, text: Sequence[str]
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: A name that ends in .png (the plots) or .html (plots and text).
        found: What to plot.
        text: Lines of the summary.
    """
    path = pathlib.Path(path)
    picture = io.BytesIO()
    figure = draw(found)
    FigureCanvasAgg(figure)
    figure.savefig(picture, format="png", dpi=_DPI)
    if path.suffix == ".png":
        with whole_file(path) as temporary:
            temporary.write_bytes(picture.getvalue())
        return
    name = html.escape(found.summary["name"])
    data = base64.b64encode(picture.getvalue()).decode()
    write_text(
        path,
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>{name}"
        "</title><style>body{font-family:sans-serif;max-width:80em;margin:2em auto}"
        "img{width:100%}pre{white-space:pre-wrap}</style></head><body>\n"
        f"<h1>{name}</h1>\n<img alt='Plots' src='data:image/png;base64,{data}'>\n"
        f"<pre>{html.escape(chr(10).join(text))}</pre>\n</body></html>\n",
    )


def draw(found: Inspection) -> Figure:
    """Draws all plots into one figure."""
    with matplotlib.rc_context(
        {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
    ):
        figure = Figure(figsize=(15, 12.5), layout="constrained")
        figure.legend(
            handles=[
                Patch(
                    color=_colour(name),
                    label=f"{name}: {len(facts.durations_sec)} videos, "
                    f"{len(facts.lengths_sec)} actions",
                )
                for name, facts in found.roles.items()
            ],
            title=found.summary["name"],
            title_fontsize=14,
            loc="outside upper center",
            ncols=len(found.roles),
            frameon=False,
            fontsize=10,
        )
        axes = figure.subplots(3, 3)
        _classes(axes[0, 0], found)
        _histogram(axes[0, 1], found, "durations_sec", "Length of a video (s)")
        _histogram(axes[0, 2], found, "clips", "Clips of a video")
        _histogram(axes[1, 0], found, "lengths_sec", "Length of an action (s)")
        _lengths(axes[1, 1], found)
        _reach(axes[1, 2], found)
        _actions_a_video(axes[2, 0], found)
        _coverage(axes[2, 1], found)
        _values(axes[2, 2], found)
    return figure


def _colour(role: str) -> str:
    return _COLOURS.get(role, "#777777")


def _classes(axes: Axes, found: Inspection) -> None:
    """Bars of the actions of each class; of many classes the ends."""
    bars = [
        (count, label, role)
        for role in ("untrimmed", "moments")
        for label, count in found.roles[role].per_class.items()
    ]
    bars.sort()
    title = "Actions of a class in training"
    if len(bars) > _CLASSES:
        half = _CLASSES // 2
        title += f" (rarest and most frequent {half} of {len(bars)})"
        bars = bars[:half] + bars[-half:]
    place = np.arange(len(bars))
    axes.barh(place, [b[0] for b in bars], color=[_colour(b[2]) for b in bars])
    axes.set_yticks(place, [b[1][:28] for b in bars], fontsize=7)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6, integer=True))
    axes.set_title(title)


def _histogram(axes: Axes, found: Inspection, field: str, title: str) -> None:
    """Histograms of a positive number in each role, as parts of the role."""
    values = {name: getattr(facts, field) for name, facts in found.roles.items()}
    values = {name: v[v > 0] for name, v in values.items() if (v > 0).any()}
    together = np.concatenate([np.zeros(0), *values.values()])
    if len(together):
        low, high = together.min(), together.max()
        count = 2.5 * np.sqrt(min(len(numbers) for numbers in values.values()))
        count = int(np.clip(count, 10, 40))
        bins = np.geomspace(low, max(high, low * 1.1), count + 1)
        for name, numbers in values.items():
            weights = np.full(len(numbers), 100 / len(numbers))
            axes.hist(
                numbers,
                bins,
                weights=weights,
                histtype="step",
                linewidth=1.6,
                color=_colour(name),
            )
        _logarithmic(axes)
    axes.set_title(title)
    axes.set_ylabel("% of the role")


def _logarithmic(axes: Axes) -> None:
    """Makes the horizontal axis logarithmic, with plain numbers."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    subs = (1, 2, 5) if high < 1000 * low else (1,)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _lengths(axes: Axes, found: Inspection) -> None:
    """Histograms of the actions' lengths beside the lengths of the anchors."""
    _histogram(
        axes, found, "lengths_steps", "Length of an action (steps); grey: anchors"
    )
    for length in found.anchor_lengths:
        axes.axvline(length, color="#bbbbbb", linewidth=0.7, zorder=0)


def _reach(axes: Axes, found: Inspection) -> None:
    """The part of the actions that some anchor matches at each tIoU."""
    for name, facts in found.roles.items():
        if len(facts.best_tiou):
            ordered = np.sort(facts.best_tiou)
            part = 100 * (1 - np.arange(len(ordered)) / len(ordered))
            axes.plot(ordered, part, color=_colour(name))
    for threshold in THRESHOLDS:
        axes.axvline(threshold, color="#bbbbbb", linewidth=0.8, linestyle="--")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 102)
    axes.set_title("Actions that an anchor can match")
    axes.set_xlabel("tIoU of the best anchor")
    axes.set_ylabel("% of the actions, at least")


def _actions_a_video(axes: Axes, found: Inspection) -> None:
    """How many actions videos have."""
    for name, facts in found.roles.items():
        if name == "moments" or not len(facts.clips):
            continue
        counts = np.bincount(facts.owners, minlength=len(facts.clips))
        counts = np.bincount(np.minimum(counts, 30))
        axes.plot(
            np.arange(len(counts)),
            100 * counts / counts.sum(),
            marker="o",
            markersize=3,
            color=_colour(name),
        )
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(8, integer=True))
    axes.set_title("Actions in a video (30: or more)")
    axes.set_ylabel("% of the role")


def _coverage(axes: Axes, found: Inspection) -> None:
    """What the features cover against the length of the video."""
    for name, facts in found.roles.items():
        ratio = facts.covered_sec / facts.durations_sec
        axes.plot(
            facts.durations_sec,
            ratio,
            linestyle="",
            marker=".",
            markersize=3,
            alpha=0.5,
            color=_colour(name),
        )
    for edge in (0.9, 1.1):
        axes.axhline(edge, color="#bbbbbb", linewidth=0.8, linestyle="--")
    _logarithmic(axes)
    axes.set_title("Covered by the features / length of the video")
    axes.set_xlabel("length of the video (s)")


def _values(axes: Axes, found: Inspection) -> None:
    """Mean and deviation of the features of each video."""
    for name, facts in found.roles.items():
        axes.plot(
            facts.values[:, 0],
            facts.values[:, 1],
            linestyle="",
            marker=".",
            markersize=3,
            alpha=0.5,
            color=_colour(name),
        )
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6))
    axes.set_title("Feature values of a video")
    axes.set_xlabel("mean")
    axes.set_ylabel("standard deviation")
