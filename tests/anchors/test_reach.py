import numpy as np
import pytest

from ahernet_tf.anchors.reach import best_anchor_tiou
from ahernet_tf.config import small


@pytest.mark.parametrize(
    ("segment", "tiou"),
    [
        ((64, 96), 1.0),  # the level of stride 32 has this cell
        ((0, 4), 1.0),
        ((0, 512), 511 / 512),  # anchors end at the last step
        ((64, 65), 0.25),  # a step in an anchor of 4
        ((300, 300.5), 0.125),
        ((62, 66), 1 / 3),  # between two cells, or 4 of the 12.0 ... of the larger
    ],
)
def test_the_best_anchor_of_a_segment(segment, tiou):
    found = best_anchor_tiou(np.array([segment]), small().network)
    if segment == (62, 66):
        grid = np.array([[60, 64], [64, 68], [56, 64], [64, 72]], float)
        overlap = np.minimum(grid[:, 1], 66) - np.maximum(grid[:, 0], 62)
        least = (overlap / (4 + np.diff(grid)[:, 0] - overlap)).max()
        assert found[0] >= least
        assert found[0] < 0.5
    else:
        assert found[0] == pytest.approx(tiou, rel=1e-6)


def test_each_segment_has_its_own_best_however_many_there_are():
    few = np.array([(64, 96), (64, 65), (0, 512), (300, 300.5), (511, 530)])
    network = small().network
    expected = best_anchor_tiou(few, network)
    np.testing.assert_allclose(expected, [1.0, 0.25, 511 / 512, 0.125, 0.0])
    many = best_anchor_tiou(np.tile(few, (1000, 1)), network)
    np.testing.assert_array_equal(many, np.tile(expected, 1000))
