"""Where every step of a synthetic sequence comes from.

A synthetic sequence is read from a bank: for every row of the batch the start context,
the end context and the moment, one after the other in time. A layout says for each step
of the sequence which part it belongs to and how far into that part it lies.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

PARTS = ("start", "end", "moment")
START, END, MOMENT = range(3)


class Layout(NamedTuple):
    """Where every step of the synthetic sequences comes from.

    Attributes:
        row: `[batch, steps]` int32, row of the batch whose parts are read.
        part: `[batch, steps]` int32, index into `PARTS`.
        offset: `[batch, steps]` int32, steps since the part began.
        length: `[batch, steps]` int32, steps that the part takes up in all.
        segments: `[batch, max_segments, 2]`, where the moments lie, steps.
        segment_mask: `[batch, max_segments]` bool.
    """

    row: tf.Tensor
    part: tf.Tensor
    offset: tf.Tensor
    length: tf.Tensor
    segments: tf.Tensor
    segment_mask: tf.Tensor
