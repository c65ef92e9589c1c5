"""What video files and features say of the length and rate of videos."""

import numpy as np
import pytest

from ahernet_tf.data.create.video_facts import FactsOfFeatures, read_video_files
from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.time_model import TimeModel

MODEL = TimeModel(clip_frames=16, stride_frames=8, fps=8.0)


def test_headers_tell_length_and_rate_of_videos(tmp_path):
    pytest.importorskip("av")
    from tests.p3d.videos import counting, write_video

    write_video(tmp_path / "a.mp4", counting(20), fps=10)
    late = [5000 + 100 * i for i in range(20)]
    write_video(tmp_path / "b.mkv", counting(20), fps=10, times=late)
    (tmp_path / "._a.mp4").write_bytes(b"a Macintosh's")
    (tmp_path / "notes.txt").write_text("")
    facts = read_video_files(tmp_path)
    assert facts.keys() == {"a", "b"}
    for fact in facts.values():
        assert fact.duration_sec == pytest.approx(2.0, abs=0.11)
        assert fact.fps == pytest.approx(10.0, rel=0.01)
    (tmp_path / "c.avi").write_bytes(b"broken" * 99)
    with pytest.raises(ValueError, match=r"c\.avi: .*Invalid data"):
        read_video_files(tmp_path)


def test_only_videos_that_are_asked_for_are_read(tmp_path):
    np.save(tmp_path / "v_a.npy", np.zeros((3, 2), np.float32))
    (tmp_path / "b.npy").write_bytes(b"nonsense")
    facts = FactsOfFeatures(open_store(tmp_path, {}), MODEL)
    assert facts["a"].duration_sec == facts["v_a"].duration_sec == (2 * 8 + 16) / 8
    assert facts.faults == {}
    assert facts.get("c") is None
    assert facts.get("b") is None
    assert "no npy array" in facts.faults["b"]
    assert "no features" in facts.faults["c"]
