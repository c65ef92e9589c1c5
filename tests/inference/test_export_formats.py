"""Exported localizers, served by a process that does not have this library."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ahernet_tf.inference.export_formats import FORMATS, SIDECAR, export_localizer
from ahernet_tf.inference.localizer_graph import GraphOptions
from experiments import export_localizer as program
from tests.inference.test_localizer import NAMES, clips_of, localizer_of
from tests.inference.test_localizer_graph import TIMES, assert_equal, refined
from tests.models import tiny

SERVER = """
import json, pathlib, sys
import numpy as np

def saved_model(path):
    import tensorflow as tf
    loaded = tf.saved_model.load(path)
    localize = loaded.signatures["serving_default"]
    return lambda **given: localize(**{n: tf.constant(v) for n, v in given.items()})

def tflite(path):
    import tensorflow as tf
    return tf.lite.Interpreter(path).get_signature_runner()

def onnx(path):
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return lambda **given: dict(zip(names, session.run(names, given)))

for folder in map(pathlib.Path, sys.argv[1:]):
    about = json.loads((folder / "localizer.json").read_text())
    localize = globals()[about["format"]](str(folder / about["file"]))
    for features in sorted(folder.parent.glob("*.npy")):
        found = localize(features=np.load(features), fps=np.array(25, np.float32))
        found = {name: np.asarray(part) for name, part in found.items()}
        assert set(found) == set(about["outputs"])
        np.savez(folder / (features.stem + ".npz"), **found)
assert not any(name.startswith("ahernet") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """What all formats find, and the localizer."""
    place = tmp_path_factory.mktemp("served")
    localizer = refined(soft_nms_sigma=0.3)
    for kind in FORMATS:
        export_localizer(localizer, place / kind, kind, GraphOptions(TIMES, 20.0))
    for clips in (40, 150):
        np.save(place / f"{clips}.npy", clips_of(clips))
    folders = [str(place / kind) for kind in FORMATS]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", SERVER, *folders],
        check=True,
        cwd=place,
        env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return place, localizer


@pytest.mark.parametrize("kind", FORMATS)
def test_a_process_without_the_library_finds_the_same(served, kind):
    place, localizer = served
    for clips in (40, 150):
        expected = localizer.localize(
            clips_of(clips), time_model=TIMES, fps=25.0, window_sec=20.0
        )
        with np.load(place / kind / f"{clips}.npz") as found:
            assert_equal(found, expected)


def test_the_sidecar_says_what_the_numbers_mean(served):
    about = json.loads((served[0] / "tflite" / SIDECAR).read_text())
    assert about["classes"] == list(NAMES)
    assert about["time_model"]["stride_frames"] == 8
    assert about["window_sec"] == 20.0
    given, found = about["inputs"], about["outputs"]
    assert set(given) == {"features", "fps"}
    assert given["features"]["shape"] == ["clips", tiny.CHANNELS]
    assert found["segments_sec"]["shape"] == ["detections", 2]
    assert found["scores"]["shape"] == found["labels"]["shape"] == ["detections"]
    kinds = [part["type"] for part in (*given.values(), *found.values())]
    assert kinds == ["float32"] * 4 + ["int32"]


def test_what_cannot_be_written_is_refused(tmp_path):
    localizer, options = localizer_of(), GraphOptions(TIMES)
    with pytest.raises(ValueError, match="received 'pb'"):
        export_localizer(localizer, tmp_path / "out", "pb", options)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="new or empty directory"):
        export_localizer(localizer, tmp_path, "saved_model", options)


def test_the_program_offers_every_format():
    assert program.FORMATS == FORMATS
