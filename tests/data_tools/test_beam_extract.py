"""Extraction with Apache Beam's direct runner writes what one machine writes."""

import json

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("apache_beam")

from ahernet_tf.p3d.video_features import extract_videos
from data_tools import beam_extract
from tests.data_tools.test_extract_features import videos, weights  # noqa: F401


def beam_run(folder, weights, out):  # noqa: F811
    return beam_extract.run(
        str(folder),
        weights,
        out,
        videos_per_part=2,
        beam_options=("--runner=DirectRunner",),
        progress=False,
    )


def test_the_files_are_those_of_one_machine(tmp_path, videos, weights):  # noqa: F811
    one, many = tmp_path / "one", tmp_path / "many"
    expected = extract_videos(str(videos), weights, str(one))
    assert beam_run(videos, weights, many) == expected
    assert {p.name for p in many.rglob("*")} == {p.name for p in one.rglob("*")}
    for name in ("features.json", "failures.json"):
        found = json.loads((many / name).read_text())
        assert found == json.loads((one / name).read_text())
    for path in one.glob("*.npy"):
        np.testing.assert_allclose(np.load(many / path.name), np.load(path), rtol=2e-3)


def test_what_is_complete_is_not_done_again(tmp_path, videos, weights):  # noqa: F811
    out = tmp_path / "out"
    extract_videos(str(videos), weights, str(out))
    (out / "b.npy").unlink()
    times = {p.name: p.stat().st_mtime_ns for p in out.glob("*.npy")}
    report = beam_run(videos, weights, out)
    assert (report.extracted, report.skipped, list(report.failures)) == (1, 2, ["d"])
    assert np.load(out / "b.npy").shape == (2, 64)
    assert times == {name: (out / name).stat().st_mtime_ns for name in times}
