"""Every rule: what it chooses of which facts, and why it says so."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.auto import rules
from ahernet_tf.auto.rules import Budget
from ahernet_tf.config import Config
from tests.auto.example import FAST_MACHINE, LONG, SHORT, changed, even

PLENTY = Budget(minutes=60, gflops=FAST_MACHINE)


def chosen(rule, facts, budget=PLENTY, **options):
    """Returns what a rule chooses, values and reasons by option."""
    start = {"network.proposal_classifier": True}
    start |= {name.replace("__", "."): value for name, value in options.items()}
    config = configuration.with_values(Config(), start)
    return {choice.option: choice for choice in rule(facts, budget, config)}


def values(*arguments, **options):
    return {name: c.value for name, c in chosen(*arguments, **options).items()}


def test_every_choice_is_of_an_option_and_says_why():
    for facts in (SHORT, LONG, changed(gap_sec=(), background=0.0)):
        for rule in rules.RULES:
            for choice in rule(facts, PLENTY, Config()):
                Config().option(choice.option)
                assert len(choice.reason) > 10
                assert choice.line().startswith(choice.option + " ")


def test_line_of_a_choice():
    choice = rules.Choice("network.base_channels", (128, 64), "why")
    assert choice.line() == "network.base_channels 128,64: why"
    assert rules.Choice("data.standardize", True, "why").line() == (
        "data.standardize true: why"
    )
    assert rules.Choice("loss.foreground_tiou", 0.5, "why").line() == (
        "loss.foreground_tiou 0.5: why"
    )


def test_steps_say_what_the_short_instances_span():
    choice = chosen(rules.steps, changed(instance_share=even(0.01, 0.11)))
    reason = choice["network.untrimmed_steps"].reason
    assert "span 10 steps or more" in reason


@pytest.mark.parametrize("several", [0.0, 0.8])
def test_labels_are_those_of_the_matched_instances(several):
    choice = chosen(rules.labels, changed(several_classes=several))["loss.anchor_cls"]
    assert choice.value == "foreground"
    assert ("80% of the videos" in choice.reason) == bool(several)


def test_proposals_are_told_from_background():
    assert values(rules.proposals, SHORT) == {
        "network.proposal_classifier": True,
        "inference.proposal_score": "product",
        "loss.overlap_anchors": "matched",
    }


def test_without_proposal_classifier_the_overlap_ranks_and_learns_background():
    found = values(rules.proposals, SHORT, network__proposal_classifier=False)
    assert found == {"network.proposal_classifier": True}


def test_offsets_are_relative_to_the_anchor():
    choice = chosen(rules.offsets, changed(instance_share=even(0.0, 0.5)))
    assert choice["loss.offset_loss"].value == "encoded"
    assert "by a factor of 9" in choice["loss.offset_loss"].reason


def test_schedule_is_fused_with_what_goes_with_it():
    assert values(rules.schedule, SHORT) == {
        "training.schedule": "fused",
        "training.optimizer_split": "joint",
        "loss.anchor_cls_norm": "mean",
    }


@pytest.mark.parametrize(
    ("lowest", "ratio", "standardize"),
    [(-0.1, 2.0, True), (0.0, 2.0, False), (0.0, 50.0, True)],
)
def test_signed_or_unequal_channels_are_standardized(lowest, ratio, standardize):
    facts = changed(lowest_feature=lowest, channel_ratio=ratio)
    assert values(rules.features, facts)["data.standardize"] is standardize


def test_generators_may_be_negative_where_features_are():
    def activation(facts, **options):
        option = "network.generator_activation"
        return values(rules.features, facts, **options)[option]

    assert activation(SHORT) == "linear"
    assert activation(LONG) == "relu"
    assert activation(LONG, data__standardize=True) == "linear"


def test_clip_minimums_keep_nearly_all_and_never_exceed_the_release_s():
    assert values(rules.clips, SHORT) == {
        "data.minimum_foreground_clips": 3,
        "data.minimum_moment_clips": 2,
        "data.edge": "clamp",
        "data.max_segments": 64,
    }
    found = values(rules.clips, LONG)
    assert found["data.minimum_foreground_clips"] == 32
    assert found["data.minimum_moment_clips"] == 8
    none = values(rules.clips, changed(moment_clips_of_each_class=0))
    assert none["data.minimum_moment_clips"] == 1


def test_all_instances_of_the_fullest_video_are_used():
    found = values(rules.clips, changed(instances_per_video=even(1, 128)))
    assert found["data.max_segments"] == 128


@pytest.mark.parametrize(
    ("facts", "mode"),
    [
        (LONG, "single"),
        (dataclasses.replace(LONG, instances_per_video=even(3, 9)), "transplanted"),
        (SHORT, "transplanted"),
        (changed(background=0.02), "tiled"),
        (changed(gap_sec=()), "tiled"),
    ],
)
def test_synthetic_sequences_look_like_the_videos(facts, mode):
    assert values(rules.synthesis, facts)["synthesis.mode"] == mode


def test_single_moments_are_as_long_as_source_instances():
    facts = dataclasses.replace(LONG, instance_share=even(0.2, 0.8))
    assert values(rules.lengths, facts, synthesis__mode="single") == {
        "synthesis.length_ratio_min": 5,
        "synthesis.length_ratio_max": 15,
    }
    whole = dataclasses.replace(LONG, instance_share=even(1, 1))
    found = values(rules.lengths, whole, synthesis__mode="single")
    assert set(found.values()) == {19}


def test_tiled_moments_have_the_gaps_of_the_source_or_of_their_own_length():
    assert values(rules.lengths, SHORT, synthesis__mode="tiled") == {
        "synthesis.context_length": "source"
    }
    facts = changed(gap_sec=(), moment_sec=even(1, 3))
    assert values(rules.lengths, facts, synthesis__mode="tiled") == {
        "synthesis.context_min_sec": 0.5,
        "synthesis.context_max_sec": 2.0,
    }


def test_transplanted_moments_need_no_lengths():
    assert not values(rules.lengths, SHORT, synthesis__mode="transplanted")


def test_width_follows_channels_and_samples():
    def width(facts, budget=PLENTY):
        return values(rules.width, facts, budget)["network.base_channels"][0]

    assert width(SHORT) == 128
    assert width(LONG) == 512
    assert width(dataclasses.replace(LONG, channels=400)) == 256
    assert width(dataclasses.replace(LONG, instances=300, moments=200)) == 128
    assert width(dataclasses.replace(LONG, moments=390_000)) == 2048


def test_width_is_what_the_budget_holds():
    small = chosen(rules.width, LONG, Budget(10, 200))["network.base_channels"]
    assert small.value == (128, 128)
    assert "bear 512, 10 minutes hold 128" in small.reason


def test_wider_networks_learn_more_slowly():
    option = "training.localization_learning_rate"
    assert values(rules.width, SHORT)[option] == 1e-3
    assert values(rules.width, LONG)[option] == 2.5e-4
    many = dataclasses.replace(LONG, moments=390_000)
    assert values(rules.width, many)[option] == 1e-4


def test_anchor_threshold_reaches_nearly_all_source_instances():
    short = changed(instance_share=even(0.007, 0.05))
    choice = chosen(rules.anchors, short)["loss.foreground_tiou"]
    assert choice.value == 0.5
    assert "at 0.8 only" in choice.reason
    assert "source instances" in choice.reason
    longer = changed(instance_share=even(0.1, 0.8))
    assert values(rules.anchors, longer)["loss.foreground_tiou"] == 0.55
    # All instances of one length that an anchor has, wherever they lie: strides of 4.
    exact = changed(instance_share=even(1, 1))
    choice = chosen(rules.anchors, exact)["loss.foreground_tiou"]
    assert choice.value == 0.8
    assert "100% of the source instances have an anchor" in choice.reason


def test_anchor_threshold_reaches_moments_where_they_are_laid_at_their_length():
    facts = changed(instance_share=even(1, 1), moment_sec=even(0.5, 0.5))
    reached = chosen(rules.anchors, facts, synthesis__mode="single")
    assert reached["loss.foreground_tiou"].value == 0.8
    laid = chosen(rules.anchors, facts, synthesis__mode="transplanted")
    assert laid["loss.foreground_tiou"].value == 0.5
    assert "moments, at their real lengths," in laid["loss.foreground_tiou"].reason


def test_instances_too_short_for_any_anchor_are_told():
    facts = changed(instance_share=even(0.001, 0.002))
    choice = chosen(rules.anchors, facts, synthesis__mode="single")
    assert choice["loss.foreground_tiou"].value == 0.5
    assert choice["loss.foreground_tiou"].reason == (
        "even so only 0% of the source instances have an anchor"
    )


def test_iterations_follow_the_samples():
    found = values(rules.iterations, changed(moments=6400))
    assert found == {
        "training.iterations": 1000,
        "training.pretrain_iterations": 250,
    }
    few = values(rules.iterations, changed(instances=100, moments=100))
    assert few["training.iterations"] == rules.LEAST_ITERATIONS


def test_iterations_are_what_the_budget_holds():
    facts = changed(moments=6400)
    choice = chosen(rules.iterations, facts, Budget(10, 50))["training.iterations"]
    twice = chosen(rules.iterations, facts, Budget(20, 50))["training.iterations"]
    assert choice.value < 1000
    assert twice.value == pytest.approx(2 * choice.value, rel=0.01)
    assert f"10 minutes hold {choice.value} of 1000 iterations" in choice.reason
    minutes = float(choice.reason.rpartition("--budget_minutes=")[2].split()[0])
    assert values(rules.iterations, facts, Budget(minutes + 1, 50)) == (
        values(rules.iterations, facts, PLENTY)
    )


def test_rate_falls_once_and_the_last_eighth_is_averaged():
    assert values(rules.decay, SHORT, training__iterations=400) == {
        "training.decay_every": 250,
        "training.decay_times": 1,
        "training.ema_decay": 0.98,
    }
    assert values(rules.decay, SHORT, training__iterations=2) == {
        "training.decay_every": 1,
        "training.decay_times": 1,
        "training.ema_decay": 0.0,
    }


@pytest.mark.parametrize(
    ("overlapping", "sigma", "tiou"), [(0, 0.3, 0.5), (0.2, 0.6, 0.7)]
)
def test_suppression_spares_what_may_overlap(overlapping, sigma, tiou):
    assert values(rules.suppression, changed(overlapping=overlapping)) == {
        "inference.soft_nms_sigma": sigma,
        "inference.nms_tiou": tiou,
    }


def test_lengths_of_laid_moments_are_seconds_over_seconds():
    facts = changed(moment_sec=even(2, 2), sequence_sec=even(20, 20))
    np.testing.assert_allclose(rules._moment_shares(facts), 0.1)
