"""Threads that decode videos into clips."""

import pytest

av = pytest.importorskip("av")
from ahernet_tf.p3d.clip_decoding import (  # noqa: E402
    ExtractionOptions,
    read_clips,
)
from tests.p3d.test_extraction import FORMAT  # noqa: E402
from tests.p3d.videos import counting, write_video  # noqa: E402


def test_too_short_a_part_counts_as_broken(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    write_video(path, counting(30, 32, 48))
    assert list(read_clips(path, FORMAT, ExtractionOptions()))[-1].frames == 30
    monkeypatch.setattr(
        "ahernet_tf.p3d.video.stated_duration", lambda *_: 30 / 25 * 2.0
    )
    with pytest.raises(ValueError, match=r"a\.mp4: 1\.20 s could .*2\.40 s"):
        list(read_clips(path, FORMAT, ExtractionOptions()))
    tolerant = ExtractionOptions(min_decoded=0.4)
    assert list(read_clips(path, FORMAT, tolerant))[-1].frames == 30


def test_options_are_checked():
    for wrong in ({"batch_size": 0}, {"fps": 0.0}, {"min_decoded": 2.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ExtractionOptions(**wrong)
