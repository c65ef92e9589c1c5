"""Compares losses, gradients, and three iterations of training."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np

from ahernet_tf.models import release_names as release
from ahernet_tf.training import losses_of_steps
from ahernet_tf.training.algorithm import STEPS

from . import comparison, names
from .comparison import Comparison, Tolerance
from .recording import Recording

LEARNING_RATE = 1e-4


def compare_losses(recording: Recording) -> Iterator[Comparison]:
    """Compares every loss at the recorded weights."""
    recorded, forward = recording.file("losses"), recording.forward_pass()
    branches = {
        "moment": (losses_of_steps.moments(forward), names.SEGMENT),
        "foreground": (losses_of_steps.foreground(forward), names.SEGMENT),
        "untrimmed": (losses_of_steps.untrimmed(forward), names.LOCALIZATION),
    }
    for suffix, case2 in (("", False), ("_case2", True)):
        forward = recording.forward_pass(case2)
        synthetic = losses_of_steps.synthetic(forward)
        branches[f"synthetic{suffix}"] = (synthetic, names.LOCALIZATION)
        adversarial = losses_of_steps.discriminators(forward)
        adversarial |= losses_of_steps.adversarial(forward)
        branches[f"adversarial{suffix}"] = (adversarial, names.ADVERSARIAL)
    for branch, (values, theirs) in branches.items():
        for name, ours in theirs.items():
            key = f"{branch}/{name}"
            tolerance = loss_tolerance(recording, branch, name, comparison.VALUE)
            value = values[ours].numpy()
            yield Comparison(f"losses/{key}", value, recorded[key], tolerance)


def loss_tolerance(
    recording: Recording, branch: str, name: str, tolerance: Tolerance
) -> Tolerance:
    """Lets an accuracy differ by one cell."""
    if name != "acc_cls":
        return tolerance
    cells, batch = recording.cells(), len(recording.inputs["label"])
    is_segment = branch in ("moment", "foreground", "moments")
    count = batch * (len(cells) if is_segment else sum(cells))
    return Tolerance(absolute=1.001 / count)


def compare_gradients(recording: Recording) -> Iterator[Comparison]:
    """Compares every gradient of the ten optimisers."""
    recorded = recording.file("gradients")
    path = recording.directory / "gradients_var_lists.json"
    if not path.exists():
        raise ValueError(f"{path}: no such file; a recording needs it.")
    lists = json.loads(path.read_text())
    for optimizer, gradients in own_gradients(recording).items():
        without = lists[optimizer]["no_gradient"]
        wanted = [n for n in lists[optimizer]["var_list"] if n not in without]
        for name in sorted(set(wanted) | set(gradients)):
            key = f"{optimizer}/{name}"
            if name not in gradients or key not in recorded:
                # A variable that only one of the two moves: shapes differ, so it fails.
                ours = gradients.get(name, np.zeros(0))
                theirs = recorded.get(key, np.zeros(1))
            else:
                ours, theirs = gradients[name], recorded[key]
                ours = ours.reshape(theirs.shape) if ours.size == theirs.size else ours
            yield Comparison(
                f"gradients/{key}",
                ours,
                theirs,
                gradient_tolerance(recording, optimizer, name),
            )


def own_gradients(recording: Recording) -> dict[str, dict[str, np.ndarray]]:
    """Computes our gradients by the release's names of optimiser and variable."""
    algorithm = recording.algorithm
    variables = release.variables_by_release_name(recording.model)
    release_names = {id(variable): name for name, variable in variables.items()}
    optimizers = {ours: theirs for theirs, ours in names.OPTIMIZERS.items()}
    found: dict[str, dict[str, np.ndarray]] = {}
    for step, objectives in algorithm.objectives.items():
        _, gradients = algorithm.gradients(step, recording.forward_pass())
        for objective in objectives:
            found[optimizers[(step, *objective.losses)]] = {
                release_names[id(variable)]: value.numpy()
                for variable, value in zip(
                    objective.variables, gradients[objective.losses]
                )
            }
    return found


def gradient_tolerance(recording: Recording, optimizer: str, name: str) -> Tolerance:
    """Returns what float32 allows a gradient."""
    bias = re.search(r"conv_a(\d+)_box/fully[234]/biases", name)
    if optimizer == "untrim_cls" and bias:
        cells = recording.cells()[int(bias[1]) - 1]
        return comparison.transfer_bias_gradient(cells)
    if optimizer.startswith("bone_") and re.search(r"g_conv[12]/", name):
        return comparison.POOLED_GRADIENT
    return comparison.GRADIENT


def compare_trajectory(recording: Recording) -> Iterator[Comparison]:
    """Compares the losses of three iterations and the weights after them.

    The iterations run eagerly: for three, compiling takes longer than it saves.
    """
    recorded, algorithm = recording.file("trajectory"), recording.algorithm
    rate = LEARNING_RATE
    algorithm.set_learning_rates(localization=rate, generators=rate, adversarial=rate)
    iterations = len(next(v for v in recorded.values() if v.ndim))
    steps, batches = algorithm.steps("train"), recording.batches()
    history = [algorithm.take(steps, **batches) for _ in range(iterations)]
    forward = recording.forward_pass()
    after = {step: STEPS[step].losses(forward) for step, _ in names.AFTER.values()}
    for key, values in recorded.items():
        _, *path, name = key.split("/")
        if path[0] == "after":
            step, theirs = names.AFTER[path[1]]
            ours = after[step][theirs[name]].numpy()
        else:
            step, theirs = names.STEPS[path[0]]
            path = f"{step}/{theirs[name]}"
            ours = np.array([losses[path].numpy() for losses in history])
        tolerance = loss_tolerance(recording, step, name, comparison.TRAJECTORY)
        yield Comparison(f"trajectory/{key}", ours, values, tolerance)
    weights = recording.file("trajectory_weights")
    for name, variable in release.variables_by_release_name(recording.model).items():
        is_transfer_bias = re.search(r"fully\d/biases", name)
        yield Comparison(
            f"trajectory_weights/{name}",
            variable.numpy().reshape(weights[name].shape),
            weights[name],
            comparison.TRANSFER_BIAS if is_transfer_bias else comparison.WEIGHT,
            recording.weights[name],
        )
    recording.reset()
