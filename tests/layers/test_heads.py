"""Heads and discriminators: values, and the order of anchors."""

import numpy as np
import pytest

from ahernet_tf.layers import AnchorHead, PyramidHead
from tests.layers import plain
from tests.layers.every_layer import maps, normal


def randomize(layer):
    for seed, variable in enumerate(layer.weights):
        variable.assign(normal(*variable.shape, seed=seed))


def test_head_is_three_convolutions():
    head, level_map = AnchorHead(2, proposal_classifier=True), normal(2, 5, 3)
    head(level_map)
    randomize(head)
    outputs = head(level_map)
    proposal, offset, overlap = (
        np.array([plain.convolution(row, k.numpy(), b.numpy()) for row in level_map])
        for k, b in zip(head.kernels, head.biases)
    )
    assert (proposal.shape, offset.shape, overlap.shape) == (
        (2, 5, 4),
        (2, 5, 4),
        (2, 5, 2),
    )
    # Cell by cell, ratio by ratio, and the two numbers of an anchor side by side.
    for name, expected in (("proposal_logits", proposal), ("offsets", offset)):
        found = outputs[name].numpy().reshape(2, 5, 2, 2)
        for ratio in range(2):
            np.testing.assert_allclose(
                found[:, :, ratio], expected[..., 2 * ratio : 2 * ratio + 2], atol=1e-5
            )
    np.testing.assert_allclose(
        outputs["overlap"].numpy().reshape(2, 5, 2),
        1 / (1 + np.exp(-overlap)),
        atol=1e-5,
    )


def test_head_without_proposal_classifier_predicts_offsets_and_overlap_alone():
    head = AnchorHead(2)
    outputs = head(normal(2, 5, 3))
    assert set(outputs) == {"offsets", "overlap"}
    assert [kernel.shape[-1] for kernel in head.kernels] == [4, 2]


@pytest.mark.parametrize("sizes", [{"levels": 0}, {"ratios": 0}, {"levels": 2.0}])
def test_sizes_that_make_no_sense_are_refused(sizes):
    with pytest.raises(ValueError, match=f"Expected {next(iter(sizes))}, a whole"):
        PyramidHead(**sizes)


def test_pyramid_joins_the_levels_in_order():
    pyramid = PyramidHead(2, 3, proposal_classifier=True)
    pyramid(maps())
    randomize(pyramid)
    joined = pyramid(maps())
    parts = [head(level_map) for head, level_map in zip(pyramid.levels, maps())]
    for name, values in joined.items():
        first = parts[0][name].shape[1]
        assert values.shape[1] == (6 + 3) * 3
        np.testing.assert_array_equal(values[:, :first], parts[0][name])
        np.testing.assert_array_equal(values[:, first:], parts[1][name])
