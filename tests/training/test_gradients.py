"""Gradients of every step: beside finite differences, and however they are computed."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.config import SynthesisConfig, TrainingConfig
from ahernet_tf.models import systems
from ahernet_tf.training.algorithm import STEPS, STREAMS, Algorithm
from tests import programs
from tests.models import tiny

SYSTEM_OF = {
    step: next(
        name
        for name, system in systems.SYSTEMS.items()
        if step in (*system.pretrain, *system.train)
    )
    for step in STEPS
}
LOSSES = dataclasses.replace(configuration.paper().loss, foreground_tiou=0.4)
STEP, DIRECTIONS = 1e-6, 3


def batches():
    """Returns a batch of each stream, for all steps."""
    found = dict(zip(STREAMS, tiny.batches()))
    found["untrimmed"]["chosen"] = tf.constant([1, 0, 0])
    return found


def algorithm(system, losses=LOSSES):
    """Returns the training of a tiny network as a system has it."""
    mode = systems.system(system).synthesis_mode or "single"
    model = tiny.network(synthesis=SynthesisConfig(mode=mode))
    return Algorithm(model, losses, TrainingConfig(system=system))


def gradients(made, step, streams):
    """Returns a step's losses, their sum per objective, and its gradients, in order."""
    losses, found = made.gradients(step, made.forward_pass(**streams))
    sums = [tf.add_n([losses[name] for name in names]) for names in found]
    return losses, sums, list(found.values())


def plain(variable):
    return variable if isinstance(variable, tf.Variable) else variable.value


class DoubleGraph(NamedTuple):
    """A traced function in float64 whose variables are inputs.

    Attributes:
        session: Computes it.
        reads: Names of the inputs that stand for a variable, by its `id`.
        inputs: Values of the other inputs, by name.
        outputs: Names of the outputs, in the order of the traced function.
    """

    session: tf.compat.v1.Session
    reads: dict[int, list[str]]
    inputs: dict[str, np.ndarray]
    outputs: list[str]

    def __call__(self, values):
        """Returns all outputs, variables having the values given by their `id`."""
        feed = {
            name: values[key] for key, names in self.reads.items() for name in names
        }
        return self.session.run(self.outputs, feed | self.inputs)


def in_float64(function, arguments, variables):
    """Traces a function and turns all its float32 into float64.

    The products, their order and the gradients are those of the traced function; only
    the rounding is another one.
    """
    tensors = tf.nest.flatten(arguments)
    concrete = tf.function(function, autograph=False).get_concrete_function(arguments)
    graph = concrete.graph
    handles = {id(v.handle): id(v) for v in variables}
    captured = {
        inner.op.name: handles.get(id(outer), outer) for outer, inner in graph.captures
    }
    definition = graph.as_graph_def()
    reads = {}
    for node in definition.node:
        if node.op == "ReadVariableOp":
            key = captured[node.input[0].partition(":")[0]]
            if isinstance(key, int):
                reads.setdefault(key, []).append(f"{node.name}:0")
            else:
                raise ValueError(f"{node.name} reads a variable that is not given.")
            node.op = "Placeholder"
            del node.input[:]
    functions = [node for f in definition.library.function for node in f.node_def]
    for argument in (
        argument
        for f in definition.library.function
        for argument in (*f.signature.input_arg, *f.signature.output_arg)
    ):
        if argument.type == tf.float32.as_datatype_enum:
            argument.type = tf.float64.as_datatype_enum
    for node in (*definition.node, *functions):
        _double(node)
    inputs = {
        inner.name: np.asarray(
            value, np.float64 if value.dtype == tf.float32 else value.numpy().dtype
        )
        for inner, value in zip(graph.inputs, tensors)
    }
    outputs = [tensor.name for tensor in graph.outputs]
    with tf.Graph().as_default() as double:
        tf.import_graph_def(definition, name="")
    session = tf.compat.v1.Session(graph=double)
    return DoubleGraph(session, reads, inputs, outputs)


def _double(node):
    single, double = tf.float32.as_datatype_enum, tf.float64.as_datatype_enum
    for attribute in node.attr.values():
        if attribute.type == single:
            attribute.type = double
        for index, kind in enumerate(attribute.list.type):
            if kind == single:
                attribute.list.type[index] = double
        if attribute.HasField("tensor") and attribute.tensor.dtype == single:
            values = tf.make_ndarray(attribute.tensor).astype(np.float64)
            attribute.tensor.CopyFrom(tf.make_tensor_proto(values))
    node.attr.pop("_output_shapes", None)


@pytest.mark.parametrize("step", STEPS)
def test_gradients_are_finite_differences(step):
    made = algorithm(SYSTEM_OF[step])
    variables = [plain(v) for v in made.model.variables]
    streams = {name: batches()[name] for name in STEPS[step].streams}

    def function(streams):
        _, sums, found = gradients(made, step, streams)
        return sums, found

    compute = in_float64(function, streams, variables)
    values = {id(v): np.asarray(v.numpy(), np.float64) for v in variables}
    values = {key: value for key, value in values.items() if key in compute.reads}
    objectives = made.objectives[step]
    at_values = compute(values)
    gradient = iter(at_values[len(objectives) :])
    random = np.random.default_rng(0)
    for number, objective in enumerate(objectives):
        moved = [id(plain(v)) for v in objective.variables]
        own = {key: next(gradient) for key in moved}
        assert at_values[number] > 0
        for _ in range(DIRECTIONS):
            direction = {key: random.normal(size=own[key].shape) for key in moved}
            sides = [
                compute(
                    values
                    | {key: values[key] + side * STEP * direction[key] for key in moved}
                )[number]
                for side in (1, -1)
            ]
            difference = (sides[0] - sides[1]) / (2 * STEP)
            expected = sum((own[key] * direction[key]).sum() for key in moved)
            assert abs(expected) > 1e-4
            np.testing.assert_allclose(difference, expected, rtol=1e-5)


def compare_with_eager(steps, jit_compile):
    """Compares gradients of a compiled function with those of eager execution."""
    made, streams = algorithm("AherNet"), batches()

    def function(streams):
        return {step: gradients(made, step, streams) for step in steps}

    eager = function(streams)
    compiled = tf.function(function, autograph=False, jit_compile=jit_compile)
    found = compiled(streams)
    for step in steps:
        expected = eager[step]
        close = functools.partial(np.testing.assert_allclose, err_msg=step)
        for name, loss in expected[0].items():
            close(found[step][0][name], loss, rtol=1e-5, atol=1e-6)
        pairs = zip(tf.nest.flatten(expected[2]), tf.nest.flatten(found[step][2]))
        for ours, theirs in pairs:
            scale = np.abs(ours).max()
            close(theirs, ours, rtol=0, atol=2e-5 * scale + 1e-7)


def test_eager_and_graph_agree():
    compare_with_eager(tuple(algorithm("AherNet").steps("train")), None)


def test_eager_and_xla_agree():
    """In a process of its own: where determinism is on, XLA refuses max-pooling."""
    # XLA takes long to compile; one step per kind of forward pass.
    program = (
        "from tests.training.test_gradients import compare_with_eager as compare\n"
        "compare(('untrimmed', 'adversarial'), True)"
    )
    result = programs.python(program)
    assert result.returncode == 0, result.stderr
