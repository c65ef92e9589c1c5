import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib import image

from ahernet_tf.visualization.timeline import (
    DETECTION_COLOUR,
    Track,
    VideoTracks,
    draw_timeline,
    draw_timelines,
)

BLUE = np.array(DETECTION_COLOUR)


def blue_columns(path, colour=BLUE):
    """Returns where along the picture (0 to 1) pixels of a colour lie."""
    pixels = image.imread(path)[..., :3]
    matches = (np.abs(pixels - colour) < 0.02).all(axis=-1)
    # The legend's patch lies in the lowest part.
    return np.flatnonzero(matches[: int(0.7 * len(pixels))].any(axis=0))


def test_a_detection_lies_where_it_happens(tmp_path):
    path = tmp_path / "pictures" / "one.png"
    spans = []
    for start, end in ((0.0, 10.0), (0.0, 5.0), (5.0, 10.0)):
        draw_timeline(path, 10.0, [Track("run", [(start, end)], [0.4])])
        columns = blue_columns(path)
        spans.append((columns[0], columns[-1]))
    (left, right), (_, middle_end), (middle_begin, _) = spans
    assert right - left > 500
    assert middle_end == pytest.approx((left + right) / 2, abs=3)
    assert middle_begin == pytest.approx((left + right) / 2, abs=3)
    assert [p.name for p in path.parent.iterdir()] == ["one.png"]


def test_a_lower_score_is_fainter_and_lies_beneath(tmp_path):
    path = tmp_path / "two.png"
    for segments, scores in (
        ([(0, 10), (4, 6)], [0.1, 0.8]),
        ([(4, 6), (0, 10)], [0.8, 0.1]),
    ):
        draw_timeline(path, 10.0, [Track("run", segments, scores)])
        top = blue_columns(path)
        opacity = 0.04 + 0.96 / 8
        beneath = blue_columns(path, 1 - opacity * (1 - BLUE))
        assert len(top)
        assert beneath[0] < top[0]
        assert top[-1] < beneath[-1]
        assert (beneath[-1] - beneath[0]) / (top[-1] - top[0]) == pytest.approx(
            5, rel=0.05
        )


def test_very_short_detections_and_those_beyond_the_end_are_seen(tmp_path):
    for number, segment in enumerate([(5, 5.0001), (9.9999, 10), (12, 13)]):
        path = tmp_path / f"{number}.png"
        draw_timeline(path, 10.0, [Track("blink", [segment])])
        assert len(blue_columns(path)) >= 1


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_few_and_many_rows(tmp_path, count, suffix):
    rows = [
        Track(f"{i} $_{{$" + 80 * "x", [(i, i + 2)], [0.5], []) for i in range(count)
    ]
    path = tmp_path / f"many{suffix}"
    draw_timeline(path, 5000.0, rows, title="a $broken{ $video_name")
    start = path.read_bytes()[:5]
    assert start.startswith({".png": b"\x89PNG", ".pdf": b"%PDF"}.get(suffix, b"<?xml"))
    if suffix == ".png":
        height = image.imread(path).shape[0]
        assert height > 1000 if count == 40 else height < 300


def test_annotations_have_their_own_bars(tmp_path):
    path = tmp_path / "truth.png"
    draw_timeline(path, 10.0, [Track("run", [], None, [(2.0, 4.0)])])
    assert len(blue_columns(path, np.array((0.85, 0.45, 0.10)))) > 100


def test_bad_input_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="suffix"):
        draw_timeline(tmp_path / "a.bmp", 1.0, [Track("x")])
    with pytest.raises(ValueError, match="duration"):
        draw_timeline(tmp_path / "a.png", 0.0, [Track("x")])
    with pytest.raises(ValueError, match="no track"):
        draw_timeline(tmp_path / "a.png", 1.0, [])
    with pytest.raises(ValueError, match="2 scores for 1 segments"):
        Track("x", [(0, 1)], [1, 2])
    with pytest.raises(ValueError, match="no segment"):
        Track("x", [(2, 1)])
    assert not list(tmp_path.iterdir())


def test_videos_stand_beneath_one_another_with_time_axes_of_their_own(tmp_path):
    path = tmp_path / "two.png"
    videos = [VideoTracks(10.0, [Track("run", [(5.0, 10.0)])], "short")]
    draw_timelines(path, videos)
    one = image.imread(path)
    draw_timelines(path, [*videos, VideoTracks(100.0, [Track("run", [(5.0, 10.0)])])])
    both = image.imread(path)
    assert both.shape[1] == one.shape[1]
    assert both.shape[0] > 1.5 * one.shape[0]
    blue = (np.abs(both[..., :3] - BLUE) < 0.02).all(axis=-1)
    above, below = np.split(blue[: int(0.85 * len(blue))], [len(blue) // 2])
    widths = [np.ptp(np.flatnonzero(part.any(axis=0))) for part in (above, below)]
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.1)
    with pytest.raises(ValueError, match="no video"):
        draw_timelines(path, [])
