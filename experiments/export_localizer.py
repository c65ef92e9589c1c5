"""Writes a trained network as a file that programs without this library can serve.

    python -m experiments.export_localizer --checkpoint W --format tflite --out DIR

DIR gets the network (saved_model/, localizer.tflite or localizer.onnx) and
localizer.json, which says what it takes, what it gives and the names of the classes.
The features of one video's clips go in; segments in seconds, scores and labels come
out, the same as of the Localizer: resampling, windows, second look, duration prior and
suppression are part of it.
"""

from __future__ import annotations

import pathlib
from typing import Any

from absl import flags

from ahernet_tf import extras, files, program

from . import checkpoint_flags

FORMATS = ("saved_model", "tflite", "onnx")


def define_flags() -> None:
    """Defines the program's flags."""
    checkpoint_flags.define_checkpoint()
    flags.DEFINE_enum(
        "format",
        "saved_model",
        FORMATS,
        "For TensorFlow and its servers, for phones (TensorFlow Lite), or for ONNX "
        "(needs tf2onnx).",
    )
    flags.DEFINE_string("out", None, "New or empty directory.", required=True)
    checkpoint_flags.define_classes()
    like = "of the features; default: as in training."
    flags.DEFINE_integer("clip_frames", None, f"Frames that a clip saw, {like}", 1)
    flags.DEFINE_integer("stride_frames", None, f"Frames between clips, {like}", 1)
    flags.DEFINE_bool(
        "whole_video",
        False,
        "The clips of a video cover it evenly, however many they are; its duration is "
        "then asked for in place of its frame rate.",
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of inference, such as inference.nms_tiou=0.3. Repeatable."
    )
    flags.DEFINE_float(
        "window_sec",
        None,
        "Cut videos longer than this into windows. Default: as configured; 0: never.",
    )
    flags.DEFINE_float("window_overlap", 0.5, "Part of a window the next one repeats.")
    flags.DEFINE_float("min_score", 0.0, "Leave out detections that score less.")
    flags.DEFINE_integer(
        "max_detections",
        None,
        "Keep so many detections a video. Default: as configured.",
    )


def time_model(values: flags.FlagValues, known: dict[str, Any], legacy: bool) -> Any:
    """Returns when the clips of the features happen.

    Raises:
        ValueError: It is neither given nor known from training.
    """
    from ahernet_tf.data.features.time_model import TimeModel

    spec: dict[str, Any] = {}
    for name in ("clip_frames", "stride_frames"):
        spec[name] = getattr(values, name) or known.get(name)
    if values.whole_video or known.get("clip_frames") == 0:
        return TimeModel.from_spec({"covers": "duration"}, legacy)
    if not all(spec.values()):
        raise ValueError(
            f"{values.checkpoint} does not say when its clips happen: give "
            "--clip_frames and --stride_frames, or --whole_video."
        )
    return TimeModel.from_spec({**spec, "fps": known.get("fps")}, legacy)


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    from ahernet_tf import config as configuration
    from ahernet_tf.inference import Localizer
    from ahernet_tf.inference.export_formats import SIDECAR, export_localizer
    from ahernet_tf.inference.localizer_graph import GraphOptions
    from ahernet_tf.inference.trained_network import find_model
    from ahernet_tf.models.checkpoint import load_description

    if values.format == "onnx":
        extras.require("tf2onnx", "--format=onnx")
    files.check_directory(values.out)
    directory, checkpoint = find_model(values.checkpoint)
    description, config = load_description(directory)
    known = description.extraction or {}
    options = GraphOptions(
        time_model(values, known, config.data.legacy_clip_centres),
        values.window_sec,
        values.window_overlap,
        values.min_score,
        values.max_detections,
    )
    config = configuration.with_overrides(config, list(values.set))
    localizer = Localizer.load(
        directory,
        checkpoint=checkpoint,
        inference=config.inference,
        classes=values.classes,
    )
    extractor = known.get("extractor")
    path = export_localizer(localizer, values.out, values.format, options, extractor)
    print(f"Wrote {path}; {pathlib.Path(values.out) / SIDECAR} says how to use it.")


if __name__ == "__main__":
    program.start(define_flags, main)
