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


def test_half_of_an_odd_clip_is_no_whole_frame():
    model = TimeModel(clip_frames=5, stride_frames=3)
    np.testing.assert_allclose(model.centres_sec(2, fps=2.0), [1.25, 2.75])
    legacy = TimeModel(clip_frames=5, stride_frames=3, legacy=True)
    np.testing.assert_allclose(legacy.centres_sec(2, fps=2.0), [0.75, 2.25])
    assert model.covered_sec(2, fps=2.0) == 4.0


def test_time_from_clip_to_clip():
    assert CLIPS_16_8.interval_sec(7, fps=4.0) == 2.0
    assert TimeModel(16, 8, fps=2.0).interval_sec(7) == 4.0
    assert TimeModel(covers="duration").interval_sec(4, duration_sec=8.0) == 2.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clip_frames": 16, "stride_frames": -8}, "stride_frames: .*got -8"),
        ({"clip_frames": 16}, "stride_frames: .*got 0"),
        ({}, "clip_frames: .*got 0"),
        ({"stride_frames": 8}, "clip_frames"),
        ({"clip_frames": 16, "stride_frames": 8.0}, "whole number"),
        ({"covers": "video"}, "'clips' or 'duration', got 'video'"),
        ({"covers": "duration", "clip_frames": -1}, "clip_frames"),
        ({"covers": "duration", "resampled": True}, "resampled: needs the fps"),
        *(
            ({"clip_frames": 16, "stride_frames": 8, "fps": fps}, "fps of")
            for fps in (0, -1.0, 1e6, float("nan"), float("inf"), "25", True)
        ),
    ],
)
def test_models_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        TimeModel(**values)


def test_forms_that_need_no_lengths_have_none():
    assert TimeModel(covers="duration").stride_frames == 0
    assert TimeModel(stride_frames=8, legacy=True).covered_sec(3, 8.0) == 3.0


def test_given_rates_may_differ_from_the_models_by_rounding_only():
    model = TimeModel(16, 8, fps=25.0)
    for fps, clips in ((None, 5), (25.0, 5), (25.2, 500), (25.6, 8), (26.15, 5)):
        model.check_fps(fps, clips)
    for fps, clips in ((50.0, 5), (26.2, 5), (24.0, 500)):
        with pytest.raises(ValueError, match="contradicts the 25 of the time model"):
            model.check_fps(fps, clips)
    TimeModel(16, 8).check_fps(50.0)
    TimeModel(covers="duration", fps=25.0).check_fps(50.0)


def test_rates_of_a_call_count_before_the_models():
    model = TimeModel(16, 8, fps=2.0)
    assert model.covered_sec(1) == 8.0
    assert model.covered_sec(1, fps=4.0) == 4.0
    assert model.centres_sec(1).tolist() == [4.0]
    assert model.centres_sec(1, fps=4.0).tolist() == [2.0]


def test_what_is_not_given_is_named():
    whole = TimeModel(covers="duration")
    for compute in ("centres_sec", "covered_sec", "interval_sec"):
        with pytest.raises(ValueError, match="needs fps, received none"):
            getattr(CLIPS_16_8, compute)(3)
        with pytest.raises(ValueError, match="needs duration_sec, received none"):
            getattr(whole, compute)(3)


def test_declarations_are_taken_over():
    spec = {"clip_frames": 16, "stride_frames": 8}
    assert TimeModel.from_spec(spec) == CLIPS_16_8
    assert TimeModel.from_spec(spec, legacy=True).legacy
    frames = {"clip_frames": 1, "stride_frames": 1}
    assert TimeModel.from_spec(frames) == TimeModel(1, 1)
    more = TimeModel.from_spec({**spec, "fps": 15, "resampled": True})
    assert more == TimeModel(16, 8, fps=15.0, resampled=True)
    assert isinstance(more.fps, float)
    whole = TimeModel.from_spec({"covers": "duration"})
    assert whole == TimeModel(covers="duration")
    whole = TimeModel.from_spec({"covers": "duration", "clip_frames": 16})
    assert whole.clip_frames == 16
    for value in (True, "16", 0):
        with pytest.raises(ValueError, match="clip_frames: expected a whole number"):
            TimeModel.from_spec({**spec, "clip_frames": value})
    for fps in ("25", -1, [25]):
        with pytest.raises(ValueError, match="fps of"):
            TimeModel.from_spec({**spec, "fps": fps})


@pytest.mark.parametrize(
    ("frames", "seconds", "fits"),
    [
        (30, 1.0, True),  # 30 fps
        (30, 1.05, True),  # 28.6: a frame and a half of 30 may be missing
        (30, 1.07, False),  # 28.0
        (30000, 1009.0, True),  # 29.73: rounded
        (30000, 1012.0, False),  # 29.64
    ],
)
def test_how_far_a_measured_rate_may_be_off(frames, seconds, fits):
    model = TimeModel(8, 4, fps=30.0)
    video = Video("v", "", seconds, frames=frames)
    if fits:
        assert model.fps_of(video) == frames / seconds
    else:
        with pytest.raises(ValueError, match="contradicts"):
            model.fps_of(video)


def test_two_stated_rates_may_differ_by_rounding_only():
    model = TimeModel(8, 4, fps=30.0)
    assert model.fps_of(Video("v", "", 9.0, fps=30.01)) == 30.01
    with pytest.raises(ValueError, match="contradicts"):
        model.fps_of(Video("v", "", 9.0, fps=30.02))
    # The annotation is taken at its word about its own frames and duration.
    assert model.fps_of(Video("v", "", 9.0, fps=30.0, frames=100)) == 30.0
