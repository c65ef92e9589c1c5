"""Rules for what the data decide: what they choose of which facts, and why."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.auto import data_rules as rules
from ahernet_tf.config import Config
from tests.auto.example import LONG, SHORT, changed, chosen, even, values


def test_steps_say_what_the_short_instances_span():
    choice = chosen(rules.steps, changed(instance_share=even(0.01, 0.11)))
    reason = choice["network.untrimmed_steps"].reason
    assert "span 10 steps or more" in reason


def test_windows_make_instances_of_long_recordings_span_enough_steps():
    assert values(rules.steps, SHORT)["data.window_sec"] == 0
    hour = even(3000, 4000)
    share = {"sequence_sec": hour, "instance_share": even(0.0005, 0.003)}
    short = chosen(rules.steps, changed(instance_sec=even(2, 12), **share))
    # The shortest tenth, 3 s, spans 8 of 512 steps.
    assert short["data.window_sec"].value == 192
    assert "of windows they span more" in short["data.window_sec"].reason
    # Long instances fit into a window twice.
    mixed = changed(instance_sec=(1.0,) * 11 + (200.0,) * 10, **share)
    assert values(rules.steps, mixed)["data.window_sec"] == 400


def test_lengths_count_in_windows_where_there_are_some():
    hours = changed(
        sequence_sec=even(3600, 3600),
        instance_sec=even(20, 20),
        moment_sec=even(20, 20),
        instances_per_video=even(90, 90),
        instance_share=even(1 / 180, 1 / 180),
    )
    # A window of 40 s holds one instance that fills half of it.
    windows = {"data__window_sec": 40}
    full = dataclasses.replace(hours, background=0.0)
    assert values(rules.synthesis, full, **windows)["synthesis.mode"] == "single"
    single = values(rules.lengths, hours, synthesis__mode="single", **windows)
    assert set(single.values()) == {10}
    whole = values(rules.anchors, hours)["loss.foreground_tiou"]
    assert values(rules.anchors, hours, **windows)["loss.foreground_tiou"] > whole


@pytest.mark.parametrize("several", [0.0, 0.8])
def test_labels_are_those_of_the_matched_instances(several):
    choice = chosen(rules.labels, changed(several_classes=several))["loss.anchor_cls"]
    assert choice.value == "foreground"
    assert ("80% of the videos" in choice.reason) == bool(several)


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
        (LONG, "transplanted"),
        (SHORT, "transplanted"),
        (changed(background=0.02), "tiled"),
        (dataclasses.replace(LONG, background=0.02), "single"),
        (
            dataclasses.replace(LONG, background=0.02, instances_per_video=even(3, 9)),
            "tiled",
        ),
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
    assert "about 100% of the source instances, laid anywhere, have" in choice.reason


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
        "even so only about 0% of the source instances, laid anywhere, have an anchor"
    )


def test_lengths_of_laid_moments_are_seconds_over_seconds():
    facts = changed(moment_sec=even(2, 2), sequence_sec=even(20, 20))
    np.testing.assert_allclose(rules._moment_shares(facts, Config()), 0.1)
