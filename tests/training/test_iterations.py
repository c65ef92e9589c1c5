"""The record of iterations: each is read once, when the next is under way."""

import math

import pytest
import tensorflow as tf

from ahernet_tf.training.distribution import Workers
from ahernet_tf.training.iterations import (
    Iteration,
    IterationRecord,
    NonFiniteLossError,
)
from ahernet_tf.training.logs import NoLog, ProgressBar


class Seen(NoLog):
    def __init__(self):
        self.lines = []

    def write(self, iteration, phase, values):
        self.lines.append((iteration, phase, values))


def iteration(number, loss):
    losses, rates = {"a/total": tf.constant(loss)}, {"localization": 0.5}
    videos = [tf.constant(["v1", "v2"])]
    return Iteration(number, "train", losses, rates, videos, Workers())


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def record(seen):
    return IterationRecord(seen, ProgressBar(2, 0, [], False))


def test_an_iteration_is_logged_once_when_the_next_comes_or_is_asked_for(record, seen):
    record.add(iteration(0, 2.5))
    assert not seen.lines
    record.add(iteration(1, 1.5))
    values = {"a/total": 2.5, "learning_rate/localization": 0.5}
    assert seen.lines == [(0, "train", values)]
    record.read()
    record.read()
    assert [line[0] for line in seen.lines] == [0, 1]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_named_with_the_videos(record, seen, loss):
    record.add(iteration(7, loss))
    with pytest.raises(NonFiniteLossError, match=r"Iteration 7 \(train\).*v1, v2"):
        record.read()
    assert not seen.lines
