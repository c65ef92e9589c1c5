"""Algorithm 1: which row moves what, in which order, by which step."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.config import LossConfig, SynthesisConfig, TrainingConfig
from ahernet_tf.training import optimizers
from ahernet_tf.training.adam import Adam
from ahernet_tf.training.algorithm import Algorithm
from tests.models import tiny

LOSSES = dataclasses.replace(
    configuration.release().loss, foreground_tiou=0.5, anchor_cls_norm="mean"
)
TRAINING = TrainingConfig(generator_updates=2)
RATE = 1e-2
#: What each row may move, by layer.
MOVES = {
    "moments": {"backbone", "target_classifier"},
    "foreground": {"source_classifier"},
    "untrimmed": {"backbone", "head", "weight_transfer"},
    "generators": {"synthetic_moments"},
    "discriminators": {"discriminator"},
    "adversarial": {"synthetic_moments"},
    "synthetic": {"backbone", "head"},
}
#: What each objective of a row may move, by layer.
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
    made.set_learning_rates(RATE, RATE, RATE)
    return made


def state(made):
    """Returns all weights by layer, and all optimizer state by row and loss."""
    weights = {
        (layer, index): variable.numpy()
        for layer in LAYERS
        for index, variable in enumerate(getattr(made.model, layer).weights)
    }
    slots = {
        (row, objective.loss, index): variable.numpy()
        for row, objectives in made.rows.items()
        for objective in objectives
        for index, variable in enumerate(optimizers.variables_of(objective.optimizer))
    }
    return weights, slots


def changed(before, after):
    """Returns the keys of what differs in any bit."""
    return {key for key in before if before[key].tobytes() != after[key].tobytes()}


def row_loss(made, row, synthesis="single"):
    """Returns what computes the losses of a row."""
    untrimmed, foreground, moments = tiny.batches(synthesis)
    losses = made.losses
    real = made.model.backbone(untrimmed["features"])
    fake = losses.synthetic_maps(moments)
    masks = losses.background_masks(untrimmed, moments)
    return {
        "moments": lambda: losses.moments(moments),
        "foreground": lambda: losses.foreground(foreground),
        "untrimmed": lambda: losses.untrimmed(untrimmed),
        "generators": lambda: losses.synthetic(moments),
        "discriminators": lambda: losses.discriminators(real, fake, *masks),
        "adversarial": lambda: losses.adversarial(
            losses.synthetic_maps(moments), masks[1]
        ),
        "synthetic": lambda: losses.synthetic(moments),
    }[row]


# What a row moves


@pytest.mark.parametrize("split", ["per_loss", "joint"])
@pytest.mark.parametrize("synthesis", ["single", "tiled"])
@pytest.mark.parametrize("row", MOVES)
def test_row_changes_exactly_its_own_variables(row, synthesis, split):
    made = algorithm(synthesis, optimizer_split=split)
    loss = row_loss(made, row, synthesis)
    weights, slots = state(made)
    made.minimize(row, loss)
    weights_after, slots_after = state(made)
    moved = changed(weights, weights_after)
    own = {
        (layer, index)
        for layer in MOVES[row]
        for index in range(len(getattr(made.model, layer).weights))
    }
    assert moved == own
    assert {key[0] for key in changed(slots, slots_after)} == {row}


@pytest.mark.parametrize(("row", "loss"), OBJECTIVES)
def test_objective_holds_exactly_its_own_variables(row, loss):
    made = algorithm()
    found = {o.loss: {id(v) for v in o.variables} for o in made.rows[row]}[loss]
    expected = {
        id(v)
        for layer in OBJECTIVES[row, loss]
        for v in getattr(made.model, layer).trainable_variables
    }
    assert found == expected


def test_no_two_objectives_share_an_optimizer():
    objectives = [o for row in algorithm().rows.values() for o in row]
    assert len({id(o.optimizer) for o in objectives}) == len(objectives) == 10


def test_joint_rows_share_one_optimizer_over_all_their_variables():
    joint = algorithm(optimizer_split="joint").rows
    split = algorithm().rows
    assert sum(map(len, joint.values())) == 7
    for row, layers in MOVES.items():
        (objective,) = joint[row]
        assert len(objective.variables) == len({id(v) for v in objective.variables})
        shapes = [v.shape for o in split[row] for v in o.variables]
        assert {v.shape for v in objective.variables} == set(shapes), layers
        both = "total" if len(split[row]) == 2 else split[row][0].loss
        assert objective.loss == both


def test_variable_that_no_gradient_reaches_is_refused():
    made = algorithm()
    with pytest.raises(ValueError, match=r"'foreground'.*reach 6 of its variables"):
        made.minimize("foreground", row_loss(made, "moments"))


def test_settings_of_the_optimizers():
    made = algorithm(beta_1=0.8, adversarial_beta_1=0.4, beta_2=0.9, epsilon=1e-6)
    made.set_learning_rates(localization=1.0, generators=2.0, adversarial=3.0)
    rates = {"generators": 2.0, "discriminators": 3.0, "adversarial": 3.0}
    for row, objectives in made.rows.items():
        for objective in objectives:
            optimizer = objective.optimizer
            is_adversarial = row in ("discriminators", "adversarial")
            assert optimizer.beta_1 == (0.4 if is_adversarial else 0.8)
            assert (optimizer.beta_2, optimizer.epsilon) == (0.9, 1e-6)
            assert optimizer.learning_rate.numpy() == rates.get(row, 1.0)


# How far


def by_hand(made, row, loss_fn):
    """Takes a row's step with Adams of its own; returns the weights after it."""
    objectives = made.rows[row]
    with tf.GradientTape(persistent=True) as tape:
        losses = loss_fn()
    steps = []
    for objective in objectives:
        variables = [
            v if isinstance(v, tf.Variable) else v.value for v in (objective.variables)
        ]
        steps.append((tape.gradient(losses[objective.loss], variables), variables))
    for gradients, variables in steps:
        adam = Adam(objectives[0].optimizer.beta_1, TRAINING.beta_2, TRAINING.epsilon)
        adam.build(variables)
        adam.learning_rate = RATE
        adam.apply_gradients(zip(gradients, variables))
    return state(made)[0]


@pytest.mark.parametrize("split", ["per_loss", "joint"])
@pytest.mark.parametrize("row", ["untrimmed", "generators", "synthetic"])
def test_step_of_a_row_of_two_losses(row, split):
    made, other = (algorithm(optimizer_split=split) for _ in range(2))
    made.minimize(row, row_loss(made, row))
    expected = by_hand(other, row, row_loss(other, row))
    for key, weights in state(made)[0].items():
        np.testing.assert_allclose(weights, expected[key], atol=1e-6, err_msg=key)


def test_joint_and_split_steps_differ():
    ends = []
    for split in ("per_loss", "joint"):
        made = algorithm(optimizer_split=split)
        made.minimize("untrimmed", row_loss(made, "untrimmed"))
        ends.append(state(made)[0])
    assert {key[0] for key in changed(*ends)} == {"backbone"}


# A whole iteration


class Recorded(Algorithm):
    """Notes each row as it is taken: what it moved and what it logged."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.history = []

    def minimize(self, row, loss_fn):
        before, _ = state(self)
        named = super().minimize(row, loss_fn)
        after, _ = state(self)
        moved = {key[0] for key in changed(before, after)}
        self.history.append((row, moved, named))
        return named


ORDER = ["moments", "foreground", "untrimmed", "generators", "discriminators"]


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_rows_come_in_the_order_of_the_paper(updates):
    training = dataclasses.replace(TRAINING, generator_updates=updates)
    made = Recorded(tiny.network(), LOSSES, training)
    made.set_learning_rates(RATE, RATE, RATE)
    losses = made.train_step(*tiny.batches())
    assert [row for row, _, _ in made.history] == [
        *ORDER,
        *["adversarial"] * updates,
        "synthetic",
    ]
    for row, moved, _ in made.history:
        # The first adversarial run takes the discriminators' row inside itself.
        nested = {"discriminator"} if row == "adversarial" else set()
        assert MOVES[row] <= moved <= MOVES[row] | nested
    runs = [f"adversarial_{run}/adversarial" for run in range(1, updates + 1)]
    assert [name for name in losses if name.startswith("adversarial_")] == runs
    (objective,) = made.rows["adversarial"]
    steps = objective.optimizer.variables[0].numpy()  # beta_1 to the power of steps + 1
    np.testing.assert_allclose(steps, 0.5 ** (updates + 1))


def test_iteration_is_its_rows_one_after_the_other():
    made, other = algorithm(), algorithm()
    untrimmed, foreground, moments = tiny.batches()
    named = made.train_step(untrimmed, foreground, moments)
    losses = other.losses
    expected = {}

    def take(row, loss_fn, run=""):
        found = other.minimize(row, loss_fn)
        expected.update({f"{row}{run}/{k}": v for k, v in found.items()})

    take("moments", lambda: losses.moments(moments))
    take("foreground", lambda: losses.foreground(foreground))
    take("untrimmed", lambda: losses.untrimmed(untrimmed))
    take("generators", lambda: losses.synthetic(moments))
    real = other.model.backbone(untrimmed["features"])
    masks = losses.background_masks(untrimmed, moments)
    fake = losses.synthetic_maps(moments)
    take("discriminators", lambda: losses.discriminators(real, fake, *masks))
    for run in ("_1", "_2"):
        take(
            "adversarial",
            lambda: losses.adversarial(losses.synthetic_maps(moments), masks[1]),
            run,
        )
    take("synthetic", lambda: losses.synthetic(moments))
    assert set(named) == set(expected)
    for name, loss in expected.items():
        np.testing.assert_allclose(named[name], loss, rtol=1e-5, err_msg=name)
    found = state(made)[0]
    for key, weights in state(other)[0].items():
        np.testing.assert_allclose(found[key], weights, atol=1e-5, err_msg=key)


def test_logged_losses_are_those_before_the_update():
    made = algorithm()
    loss = row_loss(made, "moments")
    before = {name: value.numpy() for name, value in loss().items()}
    named = made.minimize("moments", loss)
    assert {name: value.numpy() for name, value in named.items()} == before
    assert loss()["segment_classification"] != before["segment_classification"]


def test_pretraining_moves_what_untrimmed_videos_teach():
    made = algorithm()
    before, slots = state(made)
    losses = made.pretrain_step(*tiny.batches()[:2])
    after, slots_after = state(made)
    assert {key[0] for key in changed(before, after)} == {
        *("backbone", "head", "weight_transfer", "source_classifier")
    }
    rows = {key[0] for key in changed(slots, slots_after)}
    assert rows == {"foreground", "untrimmed"}
    assert {name.split("/")[0] for name in losses} == rows


def test_compiled_iterations_are_the_eager_ones():
    made, compiled = algorithm("tiled"), algorithm("tiled")
    step = tf.function(compiled.train_step, autograph=False)
    for seed in range(2):
        batches = tiny.batches("tiled", seed)
        expected = made.train_step(*batches)
        for name, loss in step(*batches).items():
            np.testing.assert_allclose(loss, expected[name], rtol=1e-3, atol=1e-5)
    # Adam makes a whole step of a gradient that is rounding noise.
    eager, graph = state(made)[0], state(compiled)[0]
    errors = [np.abs(eager[key] - graph[key]).mean() for key in eager]
    assert np.mean(errors) < 1e-5
    assert step.experimental_get_tracing_count() == 1


def test_iteration_with_nothing_annotated_stays_finite():
    made = algorithm(losses=LossConfig(adv_mask="separate", anchor_cls="foreground"))
    untrimmed, foreground, moments = tiny.batches()
    untrimmed["segment_mask"] = tf.zeros_like(untrimmed["segment_mask"])
    losses = made.train_step(untrimmed, foreground, moments)
    assert all(np.isfinite(loss) for loss in losses.values())
    assert all(np.isfinite(weights).all() for weights in state(made)[0].values())


def test_standardised_features_are_what_is_trained_on():
    made, raw = algorithm(), algorithm()
    raw.model.standardization.set_statistics(np.full(6, 3.0), np.full(6, 0.5))
    batches = tiny.batches()
    shifted = [dict(b, features=b["features"] * 0.5 + 3.0) for b in batches]
    expected = made.train_step(*batches)
    for name, loss in raw.train_step(*shifted).items():
        np.testing.assert_allclose(loss, expected[name], rtol=2e-3, atol=1e-4)
