import json

import numpy as np
import pytest

from ahernet_tf.data.create.own_layout import complete_layout, layout_of_moments

KNOWN = {"clip_frames": 16, "stride_frames": 8}


def describe(path, **description):
    path.mkdir(exist_ok=True)
    np.save(path / "a.npy", np.zeros((3, 2), np.float32))
    (path / "features.json").write_text(json.dumps(description))
    return path


def test_what_features_say_is_not_asked_for(tmp_path):
    features = describe(tmp_path / "f", **KNOWN, fps=25.0)
    layout = complete_layout({}, features, [], False, None)
    assert layout == {**KNOWN, "fps": 25.0}


def test_rates_of_single_videos_will_do(tmp_path):
    videos = {"a": {"fps": 25.0}}
    features = describe(tmp_path / "f", **KNOWN, videos=videos)
    assert complete_layout({}, features, [], False, None) == KNOWN
    folder = describe(tmp_path / "run", **KNOWN)
    with pytest.raises(ValueError, match="fps is not known: give --fps, or --videos"):
        complete_layout({}, features, [folder], False, None)
    assert complete_layout({}, features, [folder], True, None) == KNOWN


@pytest.mark.parametrize(("answer", "value"), [("25", 25.0), ("29.97", 29.97)])
def test_an_answer_becomes_a_number(tmp_path, answer, value):
    features = describe(tmp_path / "f", **KNOWN)
    layout = complete_layout({}, features, [], False, lambda _: answer)
    assert layout["fps"] == value
    with pytest.raises(ValueError, match="fps: expected a number, received 'many'"):
        complete_layout({}, features, [], False, lambda _: "many")


def test_resized_features_need_no_timing(tmp_path):
    layout = complete_layout({"covers": "duration"}, tmp_path, [], False, None)
    assert layout == {"covers": "duration"}


def test_moments_share_the_timing_but_not_the_template(tmp_path):
    layout = {**KNOWN, "fps": 25.0, "template": "v_{video}", "parts": ["rgb", "flow"]}
    folder = describe(tmp_path / "run", **KNOWN)
    assert layout_of_moments(layout, [folder]) == {**KNOWN, "fps": 25.0}


def test_an_array_is_that_of_npz_files_alone(tmp_path):
    folder = tmp_path / "dive"
    folder.mkdir()
    np.save(folder / "1.npy", np.zeros((3, 2), np.float32))
    for layout in ({"array": "rgb"}, {"parts": ["array:rgb", "array:flow"]}):
        assert layout_of_moments({**KNOWN, **layout}, [folder]) == KNOWN
    (folder / "1.npy").unlink()
    np.savez(folder / "1.npz", rgb=np.zeros((3, 2)), flow=np.zeros((3, 2)))
    assert layout_of_moments({"array": "rgb"}, [folder]) == {"array": "rgb"}
