"""Rules for size and training: what they choose of which facts, and why."""

import dataclasses

import pytest

from ahernet_tf.auto import training_rules as rules
from ahernet_tf.auto.choices import Budget
from tests.auto.example import LONG, PLENTY, SHORT, changed, chosen, even, values


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


def test_the_narrowest_network_is_not_said_to_be_borne_by_few_samples():
    few = chosen(rules.width, changed(channels=32, instances=9, moments=9))
    reason = few["network.base_channels"].reason
    assert reason == "32 channels, 18 instances and moments: few, so 128, the " + (
        "narrowest there is"
    )


def test_iterations_follow_the_samples():
    found = values(rules.iterations, changed(moments=6400))
    assert found == {
        "training.iterations": 1000,
        "training.pretrain_iterations": 250,
    }
    few = values(rules.iterations, changed(instances=100, moments=100))
    assert few["training.iterations"] == rules.LEAST_ITERATIONS
    fewest = chosen(rules.iterations, changed(instances=9, moments=10))
    reason = fewest["training.iterations"].reason
    assert reason == "640 times each of 10 samples"


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
    reason = chosen(rules.decay, SHORT, training__iterations=2)["training.ema_decay"]
    assert "no average of the weights: 2 iterations are too few" in reason.reason


def test_videos_shown_often_are_cropped():
    def crop_min(facts, **options):
        iterations = {"training__pretrain_iterations": 100, "training__iterations": 400}
        return chosen(rules.crops, facts, **iterations, **options)["data.crop_min"]

    few = crop_min(changed(videos=40))
    assert few.value == 0.4
    assert "each of 40 videos is shown 200 times" in few.reason
    many = crop_min(changed(videos=200))
    assert many.value == 1.0
    assert many.reason == "each of 200 videos is shown 40 times"
    # Forty hours are many windows.
    hours = changed(videos=40, sequence_sec=even(3600, 3600))
    windows = crop_min(hours, data__window_sec=360)
    assert windows.value == 1.0
    assert "each of 400 windows is shown 20 times" in windows.reason
    # Videos shorter than a window are one each.
    short = changed(videos=40, sequence_sec=even(10, 10))
    assert crop_min(short, data__window_sec=360).value == 0.4
