"""What stores say of themselves and of videos."""

import pytest

from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.time_model import VideoInfo
from tests.data.features.test_opening import described


def test_the_description_tells_of_each_video(tmp_path):
    described(tmp_path, videos={"a": {"fps": 25.0, "frames": 50, "duration_sec": 2}})
    store = open_store(tmp_path, {})
    assert store.info("v_a") == VideoInfo(25.0, 50, 2)
    assert store.info("b") is None


def test_the_description_gives_the_rate_by_frames_and_duration(tmp_path):
    described(tmp_path, videos={"a": {"frames": 50, "duration_sec": 2}})
    assert open_store(tmp_path, {}).info("a").fps == 25.0


def test_fields_of_the_description_that_nothing_reads_are_named(tmp_path):
    described(tmp_path, stride=8)
    with pytest.raises(ValueError, match=r"'stride'\]: no such field"):
        open_store(tmp_path, {})


@pytest.mark.parametrize("value", ["25", 0, -1, float("nan"), float("inf"), [25]])
def test_a_described_rate_that_is_no_number_is_named(tmp_path, value):
    described(tmp_path, videos={"a": {"fps": value}})
    with pytest.raises(ValueError, match=r"features\.json: video 'a': fps of "):
        open_store(tmp_path, {}).info("a")


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ({"videos": [1]}, "videos: expected an object, received [1]"),
        ({"fps": "25"}, "fps: expected a number, received '25'"),
        ({"stride_frames": True}, "stride_frames: expected a number, received True"),
    ],
)
def test_fields_of_another_kind_are_named(tmp_path, field, what):
    described(tmp_path, **field)
    with pytest.raises(ValueError, match="features") as error:
        open_store(tmp_path, {})
    assert str(error.value).endswith(what)
