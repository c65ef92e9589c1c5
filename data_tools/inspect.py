"""Looks a data set over before training: what it holds, and what is odd about it.

    python -m data_tools.inspect my_data --plots page.html --json facts.json

Prints for each role videos, actions, classes, durations, frame rates; which actions are
too short to be drawn, and which no anchor of the network can match at a tIoU of 0.5 or
0.8; features that are missing, short, constant or not finite; frame rates and durations
that contradict each other; and what training and test share: videos, people, moments
cut out of test videos, identical features. Last, without training, what the preset
`auto` chooses for this data, a line per option with its reason. All features are read,
in parallel; with --novalues only their sizes are looked at. Exit status 2 says that
something is wrong.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program
from ahernet_tf.config import Config
from ahernet_tf.files import write_json

if TYPE_CHECKING:
    from ahernet_tf.data.inspection import Inspection

_NAMED = 5  # videos named in a line


def run(
    directory: str | pathlib.Path,
    config: Config | None = None,
    values: bool = True,
    json_file: str | None = None,
    plots: str | None = None,
) -> Inspection:
    """Looks a data set over and writes what is asked for.

    Args:
        directory: Where dataset.json lies.
        config: Configuration that training would get; by default the paper's.
        values: Read all features; else only their sizes.
        json_file: Where to write everything as JSON.
        plots: Where to write the page of plots, .png or .html.

    Raises:
        DataError: The data set cannot be read at all.
        ValueError: The ending of `plots` is unknown, or matplotlib is not installed.
    """
    from ahernet_tf.data.inspection import inspect

    if plots is not None and pathlib.Path(plots).suffix not in (".png", ".html"):
        raise ValueError(f"{plots}: expected a name that ends in .png or .html")
    if plots is not None:
        from .inspect_plots import write_page
    found = inspect(directory, config or configuration.paper(), values)
    if json_file is not None:
        write_json(json_file, found.summary)
    if plots is not None:
        write_page(plots, found, lines(found.summary))
    return found


def lines(summary: dict[str, Any]) -> list[str]:
    """Returns the summary as lines of text."""
    text = [f"{summary['name']}: {summary['channels']} channels"]
    if summary["clips_of_all"] is not None:
        text.append(
            f"  every sequence is [{summary['clips_of_all']}, {summary['channels']}]: "
            "if that is [channels, clips], say --transposed to make_dataset"
        )
    for name, role in summary["roles"].items():
        text += ["", *_role_lines(name, role)]
    text += ["", *_finding_lines(summary)]
    return text


def is_sound(summary: dict[str, Any]) -> bool:
    """Tells whether nothing was found that needs an action."""
    constant = any(role["constant_features"] for role in summary["roles"].values())
    return not (summary["problems"] or constant or any(summary["overlap"].values()))


def _role_lines(name: str, role: dict[str, Any]) -> list[str]:
    classes = role["classes"]
    text = [
        f"{name}: {role['videos']} videos, {role['actions']} actions of "
        f"{len(classes)} classes, {role['background_videos']} videos without actions",
        f"  videos last {_span(role['duration_sec'], 's')}, "
        f"{_span(role['clips'], 'clips')}; fps {_counts(role['fps'])}",
    ]
    if role["actions"]:
        text.append(
            f"  actions last {_span(role['action_sec'], 's')}, "
            f"{_span(role['actions_a_video'], 'a video')}"
        )
    if role["action_steps"]:
        parts = [
            f"tIoU {threshold}: {count} ({100 * count / role['actions']:.1f}%)"
            for threshold, count in role["no_anchor_reaches"].items()
        ]
        text.append(
            f"  actions take {_span(role['action_steps'], 'steps')}; no anchor can "
            f"reach {', '.join(parts)}"
        )
    if role["shorter_than_minimum"] and name != "test":  # nothing is drawn of those
        text.append(
            f"  {role['shorter_than_minimum']} actions have fewer than "
            f"{role['minimum_clips']} clips and are never drawn on their own"
        )
    ordered = sorted(classes, key=lambda c: classes[c]["actions"])
    ends = [f"{c} {classes[c]['actions']}" for c in (ordered[0], ordered[-1])]
    text.append(f"  rarest and most frequent class: {', '.join(ends)} actions")
    if role["mean_of_features"]:
        mean, deviation = role["mean_of_features"], role["deviation_of_features"]
        text.append(
            f"  features of a video: mean {mean['50']:.3g}, deviation "
            f"{deviation['50']:.3g} (medians)"
        )
    for what, videos in (
        ("features cover over 10% more or less than", "covered_other_than_duration"),
        ("all clips are the same in", "constant_features"),
    ):
        if role[videos]:
            text.append(f"  {what} {len(role[videos])} videos: {_some(role[videos])}")
    return text


def _finding_lines(summary: dict[str, Any]) -> list[str]:
    problems = summary["problems"]
    text = [f"{len(problems)} videos or files are faulty"]
    for problem in problems[:20]:
        video = f"video '{problem['video']}': " if problem["video"] else ""
        text.append(f"  {problem['file']}: {video}{problem['what']}")
    if len(problems) > 20:
        text.append(f"  and {len(problems) - 20} more")
    text += [f"{what}: {count}" for what, count in summary["counts"].items()]
    overlap = summary["overlap"]
    for key, what in (
        ("same_id", "training videos are test videos, too"),
        (
            "same_person_or_source_video",
            "training videos share a person or a source video with the test",
        ),
    ):
        if overlap[key]:
            text.append(f"{len(overlap[key])} {what}: {_some(overlap[key])}")
    if overlap["same_features"]:
        pairs = [f"{one} = {other}" for one, other in overlap["same_features"]]
        text.append(f"{len(pairs)} training videos have a test video's features: ")
        text[-1] += _some(pairs)
    if not any(overlap.values()):
        text.append("training and test share nothing")
    return text


def _span(quantiles: dict[str, float], unit: str) -> str:
    """Says from where to where numbers reach."""
    low, middle, high = (f"{quantiles[q]:.4g}" for q in ("0", "50", "100"))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit} ({middle})"


def _counts(values: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in values.items())


def _some(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def main(values: flags.FlagValues, directory: str) -> int:
    """Runs the program."""
    choices: list[str] = []
    if values.preset == configuration.AUTO:
        from ahernet_tf.auto.configuration import configure_for

        automatic = configure_for(
            directory, values.budget_minutes, values.set, skip_bad=True
        )
        config, choices = automatic.config, automatic.lines()
    else:
        config = configuration.with_overrides(
            configuration.preset(values.preset), values.set
        )
    found = run(directory, config, values.values, values.json, values.plots)
    print("\n".join([*lines(found.summary), "", *choices]).rstrip())
    for path in filter(None, (values.json, values.plots)):
        print(f"Written: {path}")
    return 0 if is_sound(found.summary) else 2


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "preset",
        configuration.AUTO,
        "Configuration of the training; its steps, anchors and minimum lengths count. "
        f"{configuration.AUTO}, whose choices are shown, "
        f"{', '.join(configuration.PRESETS)}, or a config.json.",
    )
    flags.DEFINE_float(
        "budget_minutes",
        configuration.BUDGET_MINUTES,
        "What a training may take, for auto.",
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of the configuration, part.option=value. Repeatable."
    )
    flags.DEFINE_bool("values", True, "Read all features, not only their sizes.")
    flags.DEFINE_string("json", None, "Where to write everything as JSON.")
    flags.DEFINE_string("plots", None, "Where to write a page of plots: .png or .html.")


if __name__ == "__main__":
    program.start(define_flags, main, arguments=["DIR"])
