"""Rules for inference: what they choose of which facts, and why."""

import pytest

from ahernet_tf.auto import inference_rules as rules
from tests.auto.example import SHORT, changed, values


@pytest.mark.parametrize(
    ("overlapping", "sigma", "tiou"), [(0, 0.3, 0.5), (0.2, 0.6, 0.7)]
)
def test_suppression_spares_what_may_overlap(overlapping, sigma, tiou):
    assert values(rules.suppression, changed(overlapping=overlapping)) == {
        "inference.soft_nms_sigma": sigma,
        "inference.nms_tiou": tiou,
    }


def test_duration_prior_is_off_where_moments_are_of_one_length():
    option = "inference.duration_prior"
    assert values(rules.durations, SHORT)[option] == 1.75
    assert values(rules.durations, changed(moment_spread=0.01))[option] == 0


def test_second_look_needs_two_moments_of_each_class():
    option = "inference.second_look"
    assert values(rules.second_look, SHORT)[option] is True
    assert values(rules.second_look, changed(fewest_moments=1))[option] is False
