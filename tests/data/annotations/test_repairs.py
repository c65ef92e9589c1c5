import pytest

from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.repairs import another_unit, mended


@pytest.mark.parametrize(
    ("segment", "fault"),
    [
        ((-3.0, 4.0), "segment starts at -3.0 s, before the video"),
        ((21.0, 25.0), "segment starts at 21.0 s, the video lasts 20.0 s"),
        ((15.0, 21.0), "segment ends at 21.0 s, the video lasts 20.0 s"),
        ((5.0, 4.0), "segment starts at 5.0 s, after its end at 4.0 s"),
        ((5.0, 5.0), "segment starts and ends at 5.0 s, and has no length"),
    ],
)
def test_strictly_a_time_outside_is_a_fault(segment, fault):
    instances, counts, faults = mended(
        [(*segment, "x")], 20.0, ReadOptions(strict=True)
    )
    assert (instances, dict(counts), faults) == ([], {}, [(0, fault)])


def test_strictly_a_slight_overshoot_is_clamped_all_the_same():
    instances, counts, faults = mended(
        [(18.0, 20.15, "x")], 20.0, ReadOptions(strict=True)
    )
    assert [(i.start_sec, i.end_sec) for i in instances] == [(18.0, 20.0)]
    assert (sum(counts.values()), faults) == (1, [])


@pytest.mark.parametrize(
    ("ends", "unit"),
    [
        ([(75, 60), (600, 60), (60, 100)], "frames"),
        ([(2500, 20), (7000, 20)], "milliseconds"),
        ([(600, 60)], "frames"),
        ([(300, 60), (200, 60), (10, 60), (5, 60)], "frames"),
    ],
)
def test_times_of_which_most_are_outside_are_in_another_unit(ends, unit):
    said = another_unit(ends, None)
    assert f"are they {unit}, or the durations wrong? (for {unit} give --times" in said
    assert f"of {len(ends)} segments lie outside their videos" in said
    assert "--times is seconds" in another_unit(ends, "seconds")


def test_times_a_little_outside_are_no_frames():
    said = another_unit([(30, 20), (25, 20)], None)
    assert "are the durations wrong? (those of features follow from clip_frames" in said


@pytest.mark.parametrize("duration", [20, float("inf")])
def test_times_within_the_first_second_are_parts_of_the_video(duration):
    ends = [(0.2, duration), (0.9, duration), (1.0, duration)]
    assert "all 3 segments end within the first second" in another_unit(ends, None)
    assert another_unit(ends, "seconds") is None
    assert another_unit([*ends, (1.1, duration)], None) is None


def test_segments_that_nearly_repeat_others_are_counted():
    segments = [(1, 5, "x"), (1.1, 5.1, "x"), (1.1, 5.1, "y"), (5, 9, "x")]
    _, counts, _ = mended(segments, 20.0, ReadOptions())
    assert list(counts.values()) == [1]
    assert "two annotators" in next(iter(counts))


@pytest.mark.parametrize(
    "ends",
    [
        [],
        [(30, 20)],
        [(30, 20), (5, 20), (40, 20), (6, 20)],
        [(20.1, 20)] * 9,
        [(90, 20), *[(9, 20)] * 4],
    ],
)
def test_a_few_times_outside_are_no_other_unit(ends):
    assert another_unit(ends, None) is None


def test_strictly_a_few_times_far_outside_are_faults_of_their_own():
    assert another_unit([(600, 60), (5, 60)], None) is not None
    assert another_unit([(600, 60), (5, 60)], None, strict=True) is None
