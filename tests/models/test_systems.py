"""The systems of the paper, and the fused schedule."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.config import LossConfig, SynthesisConfig, TrainingConfig
from ahernet_tf.models import systems
from ahernet_tf.models.systems import SYSTEMS
from ahernet_tf.synthesis.neighbourhood import cut_out, neighbourhood
from ahernet_tf.training import losses_of_steps
from ahernet_tf.training.algorithm import Algorithm
from tests.models import tiny

LOSSES = dataclasses.replace(
    configuration.release().loss, foreground_tiou=0.5, anchor_cls_norm="mean"
)
#: Layers that a whole iteration of each system moves.
MOVES = {
    "AherNet0": {"backbone", "target_classifier"},
    "AherNet-": {"backbone", "target_classifier", "head"},
    "AherNetM": {"backbone", "target_classifier", "head", "weight_transfer"},
    "AherNetA-": {
        "backbone",
        "target_classifier",
        "source_classifier",
        "head",
        "weight_transfer",
    },
    "AherNet": {
        "backbone",
        "target_classifier",
        "source_classifier",
        "head",
        "weight_transfer",
        "synthetic_moments",
        "discriminator",
    },
    "AherNet*": {"backbone", "target_classifier", "head", "weight_transfer"},
}
_LOCALIZATION = {"backbone", "head", "weight_transfer"}
PRETRAINING_MOVES = {
    "AherNet-": {"backbone", "head"},
    "AherNetA-": _LOCALIZATION | {"source_classifier", "synthetic_moments"},
    "AherNet": _LOCALIZATION | {"source_classifier"},
    "AherNet*": _LOCALIZATION | {"target_classifier"},
}
LAYERS = sorted(set().union(*MOVES.values()))


def batches(mode="single"):
    untrimmed, foreground, moments = tiny.batches(mode)
    untrimmed = untrimmed | {"chosen": tf.constant([1, 0, 0])}
    return {"untrimmed": untrimmed, "foreground": foreground, "moments": moments}


def made(system="AherNet", mode="single", **options):
    mode = "whole" if system == "AherNetM" else mode
    model = tiny.network(0, synthesis=SynthesisConfig(mode=mode))
    config = TrainingConfig(system=system, **options)
    algorithm = Algorithm(model, LOSSES, config)
    algorithm.set_learning_rates(localization=1e-2, generators=1e-2, adversarial=1e-2)
    return algorithm


def weights(algorithm):
    return {
        (layer, index): variable.numpy()
        for layer in LAYERS
        for index, variable in enumerate(getattr(algorithm.model, layer).weights)
    }


def moved(before, after):
    return {key[0] for key in before if (before[key] != after[key]).any()}


@pytest.mark.parametrize("schedule", ["alternating", "fused"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_iteration_moves_what_the_system_learns(system, schedule):
    algorithm = made(system, schedule=schedule)
    before = weights(algorithm)
    streams = algorithm.streams("train")
    losses = tiny.iterate(algorithm, **{name: batches()[name] for name in streams})
    assert moved(before, weights(algorithm)) == MOVES[system]
    assert all(np.isfinite(loss.numpy()) for loss in losses.values())


@pytest.mark.parametrize("schedule", ["alternating", "fused"])
def test_iteration_with_the_forms_of_the_paper_moves_the_same(schedule):
    paper = dataclasses.replace(LossConfig(), foreground_tiou=0.5)
    network = dataclasses.replace(tiny.NETWORK, proposal_classifier=False)
    model = tiny.network(0, network=network)
    algorithm = Algorithm(model, paper, TrainingConfig(schedule=schedule))
    algorithm.set_learning_rates(localization=1e-2, generators=1e-2, adversarial=1e-2)
    before = weights(algorithm)
    losses = tiny.iterate(algorithm, **batches())
    assert moved(before, weights(algorithm)) == MOVES["AherNet"]
    assert losses["untrimmed/proposal"].numpy() == 0
    assert losses["untrimmed/localization"].numpy() > 0
    assert all(np.isfinite(loss.numpy()) for loss in losses.values())


@pytest.mark.parametrize("system", PRETRAINING_MOVES)
def test_pretraining_moves_what_untrimmed_videos_teach(system):
    algorithm = made(system)
    before = weights(algorithm)
    streams = algorithm.streams("pretrain")
    tiny.iterate(algorithm, "pretrain", **{name: batches()[name] for name in streams})
    assert moved(before, weights(algorithm)) == PRETRAINING_MOVES[system]


@pytest.mark.parametrize("name", systems.NAMES)
def test_every_system_configures_the_preset(name):
    config = systems.configure(configuration.small(), name)
    assert config.training.system == name.partition("/")[0]
    if "/" in name:
        transfer = (
            f"{config.network.transfer_layers}-{config.network.transfer_activation}"
        )
        assert transfer == name.partition("/")[2]
    assert (config.synthesis.mode == "whole") == (name == "AherNetM")


def test_unknown_system_is_refused():
    with pytest.raises(ValueError, match="AherNetX"):
        systems.configure(configuration.small(), "AherNetX")


def test_oracle_teaches_the_target_classifier():
    algorithm = made("AherNet*")
    (objective,) = algorithm.objectives["foreground"]
    wanted = {id(v) for v in algorithm.model.target_classifier.trainable_variables}
    assert {id(v) for v in objective.variables} == wanted


# Contexts beside an instance


def test_instance_that_overlaps_another_has_no_background_there():
    segments = tf.constant([[[10.0, 20.0], [5, 12]]])
    sides = neighbourhood(segments, tf.constant([[True, True]]), tf.constant([0]), 32)
    np.testing.assert_allclose(sides.before, [[10, 10]])
    np.testing.assert_allclose(sides.after, [[20, 25]])


def test_context_loss_is_the_error_on_both_sides():
    algorithm = made("AherNetA-")
    untrimmed = batches()["untrimmed"]
    found = losses_of_steps.contexts(algorithm.forward_pass(untrimmed=untrimmed))
    model = algorithm.model
    features = untrimmed["features"].numpy()
    bounds = {"start": [(8.2, 15), (0, 4)], "end": [(26.5, 32), (12, 16)]}
    bounds["start"][0] = (15 - 11.5 / 2, 15)
    bounds["end"][0] = (26.5, 32)
    instances = [(15, 26.5), (4, 12)]
    total = 0.0
    for side in ("start", "end"):
        errors = []
        for row, (instance, limits) in enumerate(zip(instances, bounds[side])):
            sequence = tf.constant(features[row : row + 1])
            moment = cut_out(
                sequence, tf.constant([instance], tf.float32), tiny.MOMENT_STEPS
            )
            generator = getattr(model.synthetic_moments, f"{side}_generator")
            generated = generator(moment)
            real = cut_out(
                sequence, tf.constant([limits], tf.float32), generated.shape[1]
            )
            errors.append(np.mean(np.square(generated - real)))
        np.testing.assert_allclose(found[side], np.mean(errors), rtol=1e-5)
        total += np.mean(errors)
    np.testing.assert_allclose(found["context"], total, rtol=1e-5)


def test_config_of_a_system_survives_its_file(tmp_path):
    config = systems.configure(configuration.small(), "AherNet*")
    configuration.save(config, tmp_path / "config.json")
    assert configuration.load(tmp_path / "config.json") == config
    assert dataclasses.asdict(config)["training"]["system"] == "AherNet*"
