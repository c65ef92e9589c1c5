import numpy as np
import pytest

from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.features.time_model import TimeModel, VideoInfo

CLIPS_16_8 = TimeModel(clip_frames=16, stride_frames=8)


def test_true_centres_lie_in_the_middle_of_the_frames_seen():
    # Clip 0 saw frames 0-15 at 8 fps: 0-2 s; clip 2 saw frames 16-31: 2-4 s.
    np.testing.assert_allclose(CLIPS_16_8.centres_sec(3, fps=8.0), [1.0, 2.0, 3.0])
    assert CLIPS_16_8.covered_sec(3, fps=8.0) == 4.0


def test_legacy_takes_each_clip_for_its_stride():
    legacy = TimeModel(clip_frames=16, stride_frames=8, legacy=True)
    np.testing.assert_allclose(legacy.centres_sec(3, fps=8.0), [0.5, 1.5, 2.5])
    assert legacy.covered_sec(3, fps=8.0) == 3.0


def test_both_agree_where_clip_and_stride_are_equal():
    for fps in (15.0, 29.97):
        true, legacy = (TimeModel(16, 16, legacy=legacy) for legacy in (False, True))
        np.testing.assert_allclose(
            true.centres_sec(7, fps), legacy.centres_sec(7, fps), rtol=1e-15
        )
        assert true.covered_sec(7, fps) == pytest.approx(legacy.covered_sec(7, fps))


def test_resized_features_cover_the_duration():
    model = TimeModel(covers="duration")
    np.testing.assert_allclose(
        model.centres_sec(4, duration_sec=8.0), [1.0, 3.0, 5.0, 7.0]
    )
    assert model.covered_sec(4, duration_sec=8.0) == 8.0
    assert model.fps_of(Video("v", "", 8.0)) is None


def test_the_rate_of_a_video_counts_before_the_rate_of_all():
    video = Video("v", "", 10.0, fps=25.0)
    assert CLIPS_16_8.fps_of(video) == 25.0
    assert CLIPS_16_8.fps_of(Video("v", "", 10.0, frames=240)) == 24.0
    assert CLIPS_16_8.fps_of(Video("v", "", 10.0), VideoInfo(fps=29.97)) == 29.97
    assert TimeModel(16, 8, fps=15.0).fps_of(Video("v", "", 10.0)) == 15.0


@pytest.mark.parametrize(
    ("video", "model", "info", "match"),
    [
        (Video("v", "", 9.0, fps=29.97), TimeModel(8, 4, fps=30.0), None, "29.97.*30"),
        (Video("v", "", 9.0, frames=225), TimeModel(8, 4, fps=30.0), None, "25.*30"),
        (Video("v", "", 9.0, fps=25.0), CLIPS_16_8, VideoInfo(fps=24.0), "25.*24"),
        (Video("v", "", 9.0), CLIPS_16_8, None, "no fps"),
    ],
)
def test_refuses_contradicting_or_absent_rates(video, model, info, match):
    with pytest.raises(ValueError, match=match):
        model.fps_of(video, info)


def test_a_rounded_duration_is_no_contradiction():
    video = Video("v", "", 100.5, frames=3000)  # 29.85 by its rounded duration
    assert TimeModel(8, 4, fps=30.0).fps_of(video) == pytest.approx(29.85, abs=0.01)


def test_resampled_videos_have_the_rate_of_the_store():
    model = TimeModel(16, 16, fps=15.0, resampled=True)
    assert model.fps_of(Video("v", "", 9.0, fps=29.97)) == 15.0


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({"stride_frames": 8}, "clip_frames"),
        ({"clip_frames": 16, "stride_frames": 0}, "stride_frames"),
        ({"clip_frames": 16, "stride_frames": 2.5}, "stride_frames"),
        ({"clip_frames": 16, "stride_frames": 8, "fps": 0}, "fps of 0"),
        ({"clip_frames": 16, "stride_frames": 8, "covers": "half"}, "covers"),
        ({"clip_frames": 16, "stride_frames": 8, "resampled": True}, "resampled"),
    ],
)
def test_refuses_a_declaration_that_makes_no_sense(spec, match):
    with pytest.raises(ValueError, match=match):
        TimeModel.from_spec(spec)
