import base64
import json
import re
import sys

import numpy as np
import pytest

from data_tools import inspect
from tests import programs
from tests.data.tiny import TinyData

PNG = b"\x89PNG\r\n"


@pytest.fixture
def directory(tmp_path):
    return TinyData().write(tmp_path / "d")


def test_the_text_says_what_there_is(directory):
    text = inspect.lines(inspect.run(directory).summary)
    assert text[0] == "tiny: 3 channels"
    assert (
        "untrimmed: 4 videos, 4 actions of 2 classes, 1 videos without actions" in text
    )
    assert "  videos last 20 s, 99 clips; fps 10.00 (4)" in text
    assert any(
        line.startswith("  actions take 76.8 to 204.8 steps") for line in text
    ), text
    assert text[-1] == "training and test share nothing"
    assert "0 videos or files are faulty" in text


def test_sequences_of_one_length_may_be_transposed(tmp_path):
    tiny = TinyData()
    for features in (tiny.untrimmed_features, tiny.moment_features):
        for video, values in features.items():
            features[video] = np.resize(values, (99, 3))
    text = inspect.lines(inspect.run(tiny.write(tmp_path / "d")).summary)
    assert text[1] == (
        "  every sequence is [99, 3]: if that is [channels, clips], say --transposed "
        "to make_dataset"
    )


@pytest.mark.parametrize("name", ["page.png", "page.html"])
def test_the_page_has_the_plots(directory, tmp_path, name):
    pytest.importorskip("matplotlib")
    inspect.run(directory, plots=str(tmp_path / name))
    content = (tmp_path / name).read_bytes()
    if name.endswith(".html"):
        assert b"actions of 2 classes" in content
        content = base64.b64decode(re.search(rb"base64,([^']+)'", content)[1])
    assert content.startswith(PNG)
    width = int.from_bytes(content[16:20], "big")
    assert width == 1650


def test_the_page_can_be_drawn_of_next_to_nothing(tmp_path):
    pytest.importorskip("matplotlib")
    tiny = TinyData()
    for name in ("test", "oracle"):
        del tiny.roles[name]
    for name in ("a2", "b1", "b2"):
        del tiny.untrimmed[name]
    directory = tiny.write(tmp_path / "d")
    inspect.run(directory, values=False, plots=str(tmp_path / "p.png"))
    assert (tmp_path / "p.png").read_bytes().startswith(PNG)


def test_other_endings_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match=r"page\.pdf: expected .*\.png or \.html"):
        inspect.run(tmp_path / "none", plots="page.pdf")


def test_matplotlib_is_named_where_it_is_missing(directory, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "data_tools.inspect_plots", raising=False)
    with pytest.raises(ValueError, match="Plots need matplotlib"):
        inspect.run(directory, plots="page.png")


def test_findings_make_a_data_set_unsound(tmp_path):
    tiny = TinyData()
    assert inspect.is_sound(inspect.run(tiny.write(tmp_path / "a")).summary)
    tiny.moment_features["c1_m1"][2, 0] = np.nan
    summary = inspect.run(tiny.write(tmp_path / "b")).summary
    assert not inspect.is_sound(summary)
    text = inspect.lines(summary)
    assert "1 videos or files are faulty" in text
    assert any("video 'c1_m1': nan in the features" in line for line in text)


def test_the_program_writes_json_and_tells_by_its_status(tmp_path, directory):
    arguments = [directory, f"--json={tmp_path}/facts.json"]

    def call(*more):
        return programs.run("data_tools.inspect", *arguments, *more)

    short = "--set=data.minimum_foreground_clips=90"
    result = call("--set=data.minimum_moment_clips=10", short)
    assert result.returncode == 0, result.stderr
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["roles"]["moments"]["shorter_than_minimum"] == 2
    assert facts["roles"]["test"]["shorter_than_minimum"] > 0
    of_test = result.stdout.partition("\ntest: ")[2].partition("\noracle: ")[0]
    assert "no anchor can" in of_test
    assert "never drawn" not in of_test
    assert f"Written: {tmp_path}/facts.json" in result.stdout
    np.savez(directory / "moments.npz", a2_m0=np.zeros((9, 3), np.float32))
    result = call()
    assert result.returncode == 2
    assert "moments.npz: video 'c1_m1': has no features" in result.stdout
