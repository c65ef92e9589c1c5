"""Computes what the paper's settings need: gigabytes of features, hours of training.

    python -m experiments.benchmarks.setting_costs

Nothing is measured: the operations of all iterations are counted and divided by rates
that experiments.benchmarks.train_step measured; `--gpu_tflops` and
`--processor_gflops` are those of another machine. The tables are those of
docs/SETTINGS.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import program, settings
from ahernet_tf.data.features.feature_sets import FEATURE_SETS
from ahernet_tf.models.systems import SYSTEMS

from . import preset_flags
from .arithmetic import Arithmetic

#: One H200 with TF32, and two cores with AVX512 in float32: docs/PERFORMANCE.md.
GPU_TFLOPS = 65.3
PROCESSOR_GFLOPS = 285.0
_FLOAT16 = 2  # bytes of a number, as features are packed


@dataclasses.dataclass(frozen=True)
class Footage:
    """How much there is to extract features of.

    Attributes:
        hours: Length of all videos.
        fps: Their frames a second, on average.
    """

    hours: float
    fps: float


# Source: BSN's video_info_new.csv of ActivityNet; count / fps of THUMOS14's table; 10 s
# of each of 390,000 clips; the last annotated second of each Kinetics-600 validation
# video, which is the least that they last. 30 frames a second are assumed of Kinetics.
FOOTAGE = {
    settings.ACTIVITYNET_TRAINING: Footage(315.0, 27.7),
    settings.ACTIVITYNET_VALIDATION: Footage(155.6, 27.7),
    settings.THUMOS14_VALIDATION: Footage(11.6, 29.2),
    settings.KINETICS600_TRAINING: Footage(1083.0, 30.0),
    settings.KINETICS600_VALIDATION: Footage(162.8, 30.0),
}
#: Sets that there are, or that a published program makes, of all videos of a setting.
SETS = {
    "anet_un_to_anet_am": ("p3d", "cuhk_tsn", "tsp", "anet_i3d", "anet_c3d"),
    "th14_to_anet_fg": ("p3d", "tsp"),
    "anet_to_k600": ("p3d", "tsp"),
}


def clips_of(setting: settings.Setting, features: str) -> float:
    """Counts the clips of all videos of a setting.

    Args:
        setting: One of the paper's.
        features: A name of `FEATURE_SETS`; sets resized to a length have that many
            clips per video.
    """
    spec = FEATURE_SETS[features].spec
    if "length" in spec:
        return spec["length"] * sum(map(_videos, setting.counts()))
    frames = sum(
        3600 * FOOTAGE[count].hours * spec.get("fps", FOOTAGE[count].fps)
        for count in setting.counts()
    )
    return frames / spec["stride_frames"]


def _videos(count: settings.Count) -> int:
    """Returns how many videos of a subset there are in public files."""
    return count.known[0][0] if count.known else count.paper_videos


def tera_operations(setting: settings.Setting, preset: str, channels: int) -> float:
    """Counts the operations of a whole training of AherNet, in TFLOP."""
    config = setting.configured(configuration.preset(preset))
    counts = Arithmetic(
        config,
        channels,
        setting.source_classes,
        setting.target_classes,
        config.training.batch_size,
    )
    system = SYSTEMS["AherNet"]
    before = counts.iteration(system.pretrain).total
    after = counts.iteration(system.train).total
    training = config.training
    return (training.pretrain_iterations * before + training.iterations * after) / 1e12


def compute(
    preset: str, gpu_tflops: float, processor_gflops: float
) -> Iterator[dict[str, Any]]:
    """Yields a row per setting and set of features.

    Args:
        preset: `paper` or `release`.
        gpu_tflops: Rate of training on a GPU, TFLOP/s.
        processor_gflops: The same on processors, GFLOP/s.
    """
    for name, sets in SETS.items():
        setting = settings.setting(name)
        for features in sets:
            channels = FEATURE_SETS[features].spec["dim"]
            clips = clips_of(setting, features)
            work = tera_operations(setting, preset, channels)
            yield {
                "setting": name,
                "features": features,
                "channels": channels,
                "clips": clips,
                "gigabytes": clips * channels * _FLOAT16 / 1e9,
                "tflop": work,
                "gpu_hours": work / gpu_tflops / 3600,
                "processor_hours": work / (processor_gflops / 1000) / 3600,
            }


def describe(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown."""
    lines = [
        "| setting | features | channels | million clips | GB, float16 "
        "| hours, one GPU | hours, processors |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| `{row['setting']}` | `{row['features']}` | {row['channels']} "
            f"| {row['clips'] / 1e6:.1f} | {row['gigabytes']:.1f} "
            f"| {row['gpu_hours']:.1f} | {row['processor_hours']:.0f} |"
        )
    return "\n".join(lines)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    rates = (values.gpu_tflops, values.processor_gflops)
    rows = list(compute(values.preset, *rates))
    report = {"preset": values.preset, "rates": rates, "rows": rows}
    preset_flags.finish(values, report, describe(rows))


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_enum(
        "preset", settings.PRESETS[0], settings.PRESETS, "What the settings start from."
    )
    flags.DEFINE_float("gpu_tflops", GPU_TFLOPS, "Rate on a GPU, TFLOP/s.", 1e-3)
    flags.DEFINE_float(
        "processor_gflops", PROCESSOR_GFLOPS, "Rate on processors, GFLOP/s.", 1e-3
    )
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")


if __name__ == "__main__":
    program.start(define_flags, main)
