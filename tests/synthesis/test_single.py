"""One moment per sequence, against a plain loop over the rows."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.synthesis.composition import compose
from ahernet_tf.synthesis.layouts import PARTS
from ahernet_tf.synthesis.single import layout as single_layout
from tests.layers import plain
from tests.layers.every_layer import normal

ALL = list(itertools.product(range(1, 21), range(0, 21), (True, False)))


def single(draws, steps, legacy=False):
    ratio, position, inside_start = zip(*draws)
    draws_of_rows = {
        "length_ratio": tf.constant(ratio, tf.int32),
        "position": tf.constant(position, tf.int32),
        "inside_start": tf.constant(inside_start),
    }
    return single_layout(draws_of_rows, steps, legacy)


@pytest.mark.parametrize("steps", [512, 60])
def test_single_sequences_follow_a_plain_loop_for_all_ratios_and_positions(steps):
    rows = len(ALL)
    moments, starts, ends = (normal(rows, n, 1, seed=n) for n in (16, 8, 8))
    ends += 10  # so that no part passes for another
    moments -= 10
    for legacy in (False, True):
        layout = single(ALL, steps, legacy)
        found = compose(
            tf.constant(starts), tf.constant(ends), tf.constant(moments), layout
        ).numpy()
        assert layout.segment_mask.numpy().all()
        for row, draw in enumerate(ALL):
            expected, true, recorded = plain.single_sequence(
                moments[row], starts[row], ends[row], steps, *draw
            )
            np.testing.assert_allclose(found[row], expected, atol=2e-4, err_msg=draw)
            segment = layout.segments[row, 0].numpy().tolist()
            assert segment == list(recorded if legacy else true), draw


def test_moment_of_the_paper_by_hand():
    # 0.7 of 512 steps: 358, contexts 77 and 77. The start context is split after
    # floor(0.3 * 77 * 0.5) = 11 steps; the end context ends the moment 77 later.
    layout = single([(14, 10, True), (14, 10, False)], 512)
    assert layout.segments.numpy().tolist() == [[[11, 369]], [[88, 446]]]
    slip = single([(14, 10, True), (14, 10, False)], 512, legacy=True)
    assert slip.segments.numpy().tolist() == [[[11, 369]], [[88, 369]]]


def test_parts_of_a_sequence_in_their_order():
    layout = single([(10, 10, True), (10, 10, False)], 20)
    names = [[PARTS[part][0] for part in row] for row in layout.part.numpy()]
    # 10 steps of moment, 5 of each context, cut after floor(0.5 * 5 * 0.5) = 1.
    assert "".join(names[0]) == "s" + "m" * 10 + "ssss" + "eeeee"
    assert "".join(names[1]) == "sssss" + "e" + "m" * 10 + "eeee"
