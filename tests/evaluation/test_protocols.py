import gzip
import json

import numpy as np
import pytest

from ahernet_tf.evaluation import PROTOCOLS, read_names, tiou_range


def test_protocols_have_the_published_thresholds():
    tenths = np.linspace(0.5, 0.95, 10).tolist()
    assert list(PROTOCOLS["anet_v1.3"].tiou_thresholds) == tenths
    assert list(PROTOCOLS["k600"].tiou_thresholds) == tenths
    assert (
        list(PROTOCOLS["thumos14"].tiou_thresholds) == np.linspace(0.3, 0.7, 5).tolist()
    )
    assert PROTOCOLS["thumos14"].subset == "test"
    assert PROTOCOLS["anet_v1.3"].subset == PROTOCOLS["k600"].subset == "validation"


def test_range_includes_its_end():
    assert tiou_range(0.5, 0.2, 0.9) == pytest.approx((0.5, 0.7, 0.9))
    assert tiou_range(0.5, 0.2, 0.8) == pytest.approx((0.5, 0.7))
    assert tiou_range(0.5, 0.1, 0.5) == (0.5,)
    assert tiou_range(0.5, 0.5, 1.0) == (0.5, 1.0)
    assert tiou_range(0.1, 0.1, 0.7)[-1] == 0.7


@pytest.mark.parametrize(
    "bad", [(0, 0.1, 1), (0.9, 0.1, 0.5), (0.5, 0, 0.9), (1, 1, 2)]
)
def test_unusable_range_is_refused(bad):
    with pytest.raises(ValueError, match="received"):
        tiou_range(*bad)


def test_names_from_text_and_json(tmp_path):
    text = tmp_path / "classes.txt"
    text.write_text("Long jump\n\n  Pole vault \n")
    listed = tmp_path / "classes.json"
    listed.write_text(json.dumps(["Long jump", "Pole vault"]))
    assert read_names(text) == read_names(listed) == ["Long jump", "Pole vault"]


def test_names_from_empty_or_absent_file_are_refused(tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "number.json").write_text("3")
    for name, message in (
        ("empty.txt", "names nothing"),
        ("number.json", "list of names"),
        ("absent.txt", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=message):
            read_names(tmp_path / name)


def test_thumos_is_evaluated_without_what_is_faulty():
    def video(label):
        return {"subset": "test", "annotations": [{"segment": [0, 1], "label": label}]}

    names = ("0000270", "0001496", "0000004", "0000006")
    videos = {f"video_test_{name}": video("Diving") for name in names}
    videos["video_test_0000006"] = video("Ambiguous")
    protocol = PROTOCOLS["thumos14"]
    truth = protocol.load_ground_truth({"database": videos})
    assert truth["video"].tolist() == ["video_test_0000004"]
    with pytest.raises(ValueError, match="with one of 1 classes"):
        protocol.load_ground_truth({"database": videos}, ["Shotput"])


def test_own_ground_truth_is_taken_whole():
    protocol = PROTOCOLS["custom"]
    assert protocol.subset is None
    assert protocol.tiou_thresholds == PROTOCOLS["anet_v1.3"].tiou_thresholds
    assert protocol.ignored_labels == protocol.excluded_videos == ()


def test_tabulated_names_and_compressed_ones_are_read(tmp_path):
    keyed = tmp_path / "classes.json.gz"
    keyed.write_bytes(gzip.compress(json.dumps({"a b": 1, "c": 2}).encode()))
    assert read_names(keyed) == ["a b", "c"]
    marked = tmp_path / "classes.txt"
    marked.write_bytes(b"\xef\xbb\xbfa b\nc\n")
    assert read_names(marked) == ["a b", "c"]
