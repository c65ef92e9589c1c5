"""Writes a localizer as a file that programs without this library can serve."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import tensorflow as tf

import ahernet_tf
from ahernet_tf import extras, files
from ahernet_tf.inference.localizer import Localizer
from ahernet_tf.inference.localizer_graph import GraphOptions, LocalizerGraph

#: Beside the exported network: what it takes, what it gives, what its numbers mean.
SIDECAR = "localizer.json"
_FILES = {
    "saved_model": "saved_model",
    "tflite": "localizer.tflite",
    "onnx": "localizer.onnx",
}
FORMATS = tuple(_FILES)
_ONNX_OPSET = 17


def export_localizer(
    localizer: Localizer,
    directory: str | os.PathLike,
    kind: str,
    options: GraphOptions,
    extractor: dict[str, Any] | None = None,
) -> pathlib.Path:
    """Writes a localizer, from clip features to detections, and what it means.

    Args:
        localizer: Of a system that has anchors.
        directory: New or empty; gets the network and `localizer.json`.
        kind: One of `FORMATS`.
        options: What is laid down.
        extractor: What made the features of the training; None where it is not known.

    Returns:
        The path of the network.

    Raises:
        ValueError: The format is unknown or cannot hold this localizer, or the
            directory is not empty.
        MissingExtraError: ONNX is asked for, and tf2onnx is not installed.
    """
    if kind not in FORMATS:
        raise ValueError(f"Expected a format of {FORMATS}, received {kind!r}.")
    precision = localizer.config.training.precision
    if kind != "saved_model" and precision == "bfloat16":
        raise ValueError(f"{kind} has no operations in {precision}; saved_model has.")
    if kind == "onnx":
        extras.require("tf2onnx", "ONNX")
    graph = LocalizerGraph(localizer, options, fade_in_loop=kind == "onnx")
    with files.new_directory(directory) as made:
        path = made / _FILES[kind]
        if kind == "saved_model":
            tf.saved_model.save(graph, os.fspath(path), signatures=graph.localize)
        elif kind == "tflite":
            path.write_bytes(_as_tflite(graph))
        else:
            path.write_bytes(_as_onnx(graph))
        files.write_json(
            made / SIDECAR, description_of(graph, localizer, options, kind, extractor)
        )
    return pathlib.Path(directory) / _FILES[kind]


def description_of(
    graph: LocalizerGraph,
    localizer: Localizer,
    options: GraphOptions,
    kind: str,
    extractor: dict[str, Any] | None,
) -> dict[str, Any]:
    """Describes an exported localizer, for whoever serves it."""
    times = options.time_model
    second = {
        "fps": "frames a second of the video whose clips these are",
        "duration_sec": "length of the video",
    }[graph.second_input]
    return {
        "made_by": f"ahernet_tf {ahernet_tf.__version__}",
        "format": kind,
        "file": _FILES[kind],
        "inputs": {
            "features": {
                "shape": ["clips", localizer.model.feature_channels],
                "type": "float32",
                "means": "features of the clips of one video, in order",
            },
            graph.second_input: {"shape": [], "type": "float32", "means": second},
        },
        "outputs": {
            "segments_sec": {
                "shape": ["detections", 2],
                "type": "float32",
                "means": "start and end in the video",
            },
            "scores": {
                "shape": ["detections"],
                "type": "float32",
                "means": "0 to 1, highest first; overlapping ones are suppressed",
            },
            "labels": {
                "shape": ["detections"],
                "type": "int32",
                "means": "place in classes",
            },
        },
        "classes": list(localizer.class_names),
        "time_model": {
            "covers": times.covers,
            "clip_frames": times.clip_frames,
            "stride_frames": times.stride_frames,
            "fps": times.fps,
            "legacy": times.legacy,
        },
        "window_sec": graph.window_sec,
        "window_overlap": options.window_overlap,
        "min_score": options.min_score,
        "extractor": extractor,
    }


def _as_tflite(graph: LocalizerGraph) -> bytes:
    """Converts a graph to TensorFlow Lite, built-in operations only."""
    function = graph.localize.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], graph)
    try:
        return converter.convert()
    except Exception as error:
        raise ValueError(
            f"TensorFlow Lite cannot hold this localizer: {files.shortened(error)}"
        ) from error


def _as_onnx(graph: LocalizerGraph) -> bytes:
    """Converts a graph to ONNX."""
    import tf2onnx

    function = graph.localize
    model, _ = tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=_ONNX_OPSET
    )
    return model.SerializeToString()
