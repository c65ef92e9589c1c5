"""Algorithm 1: which step moves what, in which order, by which step."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.config import LossConfig, SynthesisConfig, TrainingConfig
from ahernet_tf.models import systems
from ahernet_tf.models.systems import System
from ahernet_tf.training import losses_of_steps, optimizers
from ahernet_tf.training.adam import Adam
from ahernet_tf.training.algorithm import STEPS, STREAMS, Algorithm, Step
from tests.models import tiny

LOSSES = dataclasses.replace(
    configuration.release().loss, foreground_tiou=0.5, anchor_cls_norm="mean"
)
TRAINING = TrainingConfig(generator_updates=2)
RATE = 1e-2
#: What each step may move, by layer.
MOVES = {
    "moments": {"backbone", "target_classifier"},
    "foreground": {"source_classifier"},
    "untrimmed": {"backbone", "head", "weight_transfer"},
    "generators": {"synthetic_moments"},
    "discriminators": {"discriminator"},
    "adversarial": {"synthetic_moments"},
    "synthetic": {"backbone", "head"},
}
#: What each objective of a step may move, by layer.
OBJECTIVES = {
    ("moments", "segment_classification"): {"backbone", "target_classifier"},
    ("foreground", "segment_classification"): {"source_classifier"},
    ("untrimmed", "localization"): {"backbone", "head"},
    ("untrimmed", "anchor_classification"): {"backbone", "weight_transfer"},
    ("generators", "localization"): {"synthetic_moments"},
    ("generators", "anchor_classification"): {"synthetic_moments"},
    ("discriminators", "discriminator"): {"discriminator"},
    ("adversarial", "adversarial"): {"synthetic_moments"},
    ("synthetic", "localization"): {"backbone", "head"},
    ("synthetic", "anchor_classification"): {"backbone"},
}
LAYERS = (*set().union(*MOVES.values()), "standardization")


def algorithm(synthesis="single", losses=LOSSES, seed=0, **options):
    """Returns the training of a tiny network, rates set."""
    model = tiny.network(seed, synthesis=SynthesisConfig(mode=synthesis))
    training = dataclasses.replace(TRAINING, **options)
    made = Algorithm(model, losses, training)
    made.set_learning_rates(localization=RATE, generators=RATE, adversarial=RATE)
    return made


def state(made):
    """Returns all weights by layer, and all optimizer state by step and loss."""
    weights = {
        (layer, index): variable.numpy()
        for layer in LAYERS
        for index, variable in enumerate(getattr(made.model, layer).weights)
    }
    slots = {
        (step, objective.losses, index): variable.numpy()
        for step, objectives in made.objectives.items()
        for objective in objectives
        for index, variable in enumerate(optimizers.variables_of(objective.optimizer))
    }
    return weights, slots


def changed(before, after):
    """Returns the keys of what differs in any bit."""
    return {key for key in before if before[key].tobytes() != after[key].tobytes()}


def forward(made, synthesis="single"):
    """Returns a forward pass of all batches."""
    return made.forward_pass(**by_stream(synthesis))


def by_stream(synthesis="single", seed=0):
    return dict(zip(STREAMS, tiny.batches(synthesis, seed)))


# What a step moves


@pytest.mark.parametrize("split", ["per_loss", "joint"])
@pytest.mark.parametrize("synthesis", ["single", "tiled"])
@pytest.mark.parametrize("step", MOVES)
def test_step_changes_exactly_its_own_variables(step, synthesis, split):
    made = algorithm(synthesis, optimizer_split=split)
    weights, slots = state(made)
    made.minimize(step, forward(made, synthesis))
    weights_after, slots_after = state(made)
    own = {
        (layer, index)
        for layer in MOVES[step]
        for index in range(len(getattr(made.model, layer).weights))
    }
    assert changed(weights, weights_after) == own
    assert {key[0] for key in changed(slots, slots_after)} == {step}


@pytest.mark.parametrize(("step", "loss"), OBJECTIVES)
def test_objective_holds_exactly_its_own_variables(step, loss):
    made = algorithm()
    found = {o.losses: {id(v) for v in o.variables} for o in made.objectives[step]}
    expected = {
        id(v)
        for layer in OBJECTIVES[step, loss]
        for v in getattr(made.model, layer).trainable_variables
    }
    assert found[(loss,)] == expected


def test_no_two_objectives_share_an_optimizer():
    objectives = [o for step in algorithm().objectives.values() for o in step]
    assert len({id(o.optimizer) for o in objectives}) == len(objectives) == 10


def test_joint_steps_share_one_optimizer_over_all_their_variables():
    joint = algorithm(optimizer_split="joint").objectives
    split = algorithm().objectives
    assert sum(map(len, joint.values())) == 7
    for step, layers in MOVES.items():
        (objective,) = joint[step]
        assert len(objective.variables) == len({id(v) for v in objective.variables})
        shapes = [v.shape for o in split[step] for v in o.variables]
        assert {v.shape for v in objective.variables} == set(shapes), layers
        assert objective.losses == sum((o.losses for o in split[step]), ())


def test_variable_that_no_gradient_reaches_is_refused(monkeypatch):
    unreached = STEPS["foreground"]._replace(losses=losses_of_steps.moments)
    monkeypatch.setitem(STEPS, "foreground", unreached)
    made = algorithm()
    with pytest.raises(ValueError, match=r"'foreground'.*reach 6 of its variables"):
        made.minimize("foreground", forward(made))


def test_settings_of_the_optimizers():
    made = algorithm(beta_1=0.8, adversarial_beta_1=0.4, beta_2=0.9, epsilon=1e-6)
    made.set_learning_rates(localization=1.0, generators=2.0, adversarial=3.0)
    rates = {"generators": 2.0, "discriminators": 3.0, "adversarial": 3.0}
    for step, objectives in made.objectives.items():
        for objective in objectives:
            optimizer = objective.optimizer
            is_adversarial = step in ("discriminators", "adversarial")
            assert optimizer.beta_1 == (0.4 if is_adversarial else 0.8)
            assert (optimizer.beta_2, optimizer.epsilon) == (0.9, 1e-6)
            assert optimizer.learning_rate.numpy() == rates.get(step, 1.0)


# How far


def by_hand(made, step):
    """Takes a step with Adams of its own; returns the weights after it."""
    objectives = made.objectives[step]
    with tf.GradientTape(persistent=True) as tape:
        losses = STEPS[step].losses(forward(made))
        sums = [sum(losses[n] for n in objective.losses) for objective in objectives]
    taken = []
    for objective, loss in zip(objectives, sums):
        variables = [
            v if isinstance(v, tf.Variable) else v.value for v in objective.variables
        ]
        taken.append((tape.gradient(loss, variables), variables))
    for gradients, variables in taken:
        adam = Adam(objectives[0].optimizer.beta_1, TRAINING.beta_2, TRAINING.epsilon)
        adam.build(variables)
        adam.learning_rate = RATE
        adam.apply_gradients(zip(gradients, variables))
    return state(made)[0]


@pytest.mark.parametrize("split", ["per_loss", "joint"])
@pytest.mark.parametrize("step", ["untrimmed", "generators", "synthetic"])
def test_step_of_two_losses(step, split):
    made, other = (algorithm(optimizer_split=split) for _ in range(2))
    made.minimize(step, forward(made))
    expected = by_hand(other, step)
    for key, weights in state(made)[0].items():
        np.testing.assert_allclose(weights, expected[key], atol=1e-6, err_msg=key)


def test_joint_and_split_steps_differ():
    ends = []
    for split in ("per_loss", "joint"):
        made = algorithm(optimizer_split=split)
        made.minimize("untrimmed", forward(made))
        ends.append(state(made)[0])
    assert {key[0] for key in changed(*ends)} == {"backbone"}


# A whole iteration


class Recorded(Algorithm):
    """Notes each step as it is taken: what it moved and what it logged."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.history = []

    def minimize(self, name, forward):
        before, _ = state(self)
        named = super().minimize(name, forward)
        after, _ = state(self)
        moved = {key[0] for key in changed(before, after)}
        self.history.append((name, moved, named))
        return named


ORDER = ["moments", "foreground", "untrimmed", "generators", "discriminators"]


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_steps_come_in_the_order_of_the_paper(updates):
    training = dataclasses.replace(TRAINING, generator_updates=updates)
    made = Recorded(tiny.network(), LOSSES, training)
    made.set_learning_rates(localization=RATE, generators=RATE, adversarial=RATE)
    losses = tiny.iterate(made, **by_stream())
    assert [step for step, _, _ in made.history] == [
        *ORDER,
        *["adversarial"] * updates,
        "synthetic",
    ]
    for step, moved, _ in made.history:
        assert moved == MOVES[step]
    runs = [f"adversarial_{run}/adversarial" for run in range(1, updates + 1)]
    assert [name for name in losses if name.startswith("adversarial_")] == runs
    (objective,) = made.objectives["adversarial"]
    power = objective.optimizer.variables[0].numpy()  # beta_1 to the power of steps + 1
    np.testing.assert_allclose(power, 0.5 ** (updates + 1))


def test_iteration_is_its_steps_one_after_the_other():
    made, other = algorithm(), algorithm()
    named = tiny.iterate(made, **by_stream())
    expected = {}
    for step, run in (
        *((step, "") for step in ORDER),
        ("adversarial", "_1"),
        ("adversarial", "_2"),
        ("synthetic", ""),
    ):
        found = other.minimize(step, forward(other))
        expected |= {f"{step}{run}/{name}": loss for name, loss in found.items()}
    assert set(named) == set(expected)
    for name, loss in expected.items():
        np.testing.assert_allclose(named[name], loss, rtol=1e-5, err_msg=name)
    found = state(made)[0]
    for key, weights in state(other)[0].items():
        np.testing.assert_allclose(found[key], weights, atol=1e-5, err_msg=key)


def test_logged_losses_are_those_before_the_update():
    made = algorithm()

    def losses():
        return {n: v.numpy() for n, v in STEPS["moments"].losses(forward(made)).items()}

    before = losses()
    named = made.minimize("moments", forward(made))
    assert {name: value.numpy() for name, value in named.items()} == before
    assert losses()["segment_classification"] != before["segment_classification"]


def test_pretraining_moves_what_untrimmed_videos_teach():
    made = algorithm()
    before, slots = state(made)
    losses = tiny.iterate(made, "pretrain", **by_stream())
    after, slots_after = state(made)
    assert {key[0] for key in changed(before, after)} == {
        *("backbone", "head", "weight_transfer", "source_classifier")
    }
    steps = {key[0] for key in changed(slots, slots_after)}
    assert steps == {"foreground", "untrimmed"}
    assert {name.split("/")[0] for name in losses} == steps


def test_compiled_iterations_are_the_eager_ones():
    made, compiled = algorithm("tiled"), algorithm("tiled")
    step = tf.function(functools.partial(tiny.iterate, compiled), autograph=False)
    for seed in range(2):
        batches = by_stream("tiled", seed)
        expected = tiny.iterate(made, **batches)
        for name, loss in step(**batches).items():
            np.testing.assert_allclose(loss, expected[name], rtol=1e-3, atol=1e-5)
    # Adam makes a whole step of a gradient that is rounding noise.
    eager, graph = state(made)[0], state(compiled)[0]
    errors = [np.abs(eager[key] - graph[key]).mean() for key in eager]
    assert np.mean(errors) < 1e-5
    assert step.experimental_get_tracing_count() == 1


def test_iteration_with_nothing_annotated_stays_finite():
    made = algorithm(losses=LossConfig(adv_mask="separate", anchor_cls="foreground"))
    batches = by_stream()
    mask = batches["untrimmed"]["segment_mask"]
    batches["untrimmed"]["segment_mask"] = tf.zeros_like(mask)
    losses = tiny.iterate(made, **batches)
    assert all(np.isfinite(loss) for loss in losses.values())
    assert all(np.isfinite(weights).all() for weights in state(made)[0].values())


def test_standardised_features_are_what_is_trained_on():
    made, raw = algorithm(), algorithm()
    raw.model.standardization.set_statistics(np.full(6, 3.0), np.full(6, 0.5))
    batches = by_stream()
    shifted = {
        stream: dict(batch, features=batch["features"] * 0.5 + 3.0)
        for stream, batch in batches.items()
    }
    expected = tiny.iterate(made, **batches)
    for name, loss in tiny.iterate(raw, **shifted).items():
        np.testing.assert_allclose(loss, expected[name], rtol=2e-3, atol=1e-4)


def test_batch_that_a_step_reads_may_not_be_left_out():
    batches = by_stream()
    del batches["foreground"]
    with pytest.raises(ValueError, match="'foreground'"):
        tiny.iterate(algorithm(), **batches)


# What is new


@pytest.mark.parametrize("schedule", ["alternating", "fused"])
def test_made_up_step_and_system_are_one_function_and_two_records(
    monkeypatch, schedule
):
    def shrinkage(forward):
        kernel = tf.convert_to_tensor(forward.model.backbone.base[0].kernel)
        bias = tf.convert_to_tensor(forward.model.backbone.base[0].bias)
        size = tf.reduce_sum(tf.square(kernel)) + tf.reduce_sum(tf.square(bias))
        return {"size": size}

    monkeypatch.setitem(
        STEPS,
        "shrinkage",
        Step(("moments",), shrinkage, lambda to: {"size": (to.backbone.base[0],)}),
    )
    monkeypatch.setitem(
        systems.SYSTEMS, "Shrinking", System((), ("moments", "shrinkage"))
    )
    made = algorithm(system="Shrinking", schedule=schedule)
    assert made.streams("train") == ("moments",)
    moments = {"moments": by_stream()["moments"]}
    sizes = [tiny.iterate(made, **moments)["shrinkage/size"].numpy() for _ in range(3)]
    assert sizes[0] > sizes[1] > sizes[2]
