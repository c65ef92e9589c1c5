"""The benchmarks run, and count and divide what they say."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.inference import suppression
from ahernet_tf.models.checkpoint import Description
from ahernet_tf.models.systems import SYSTEMS
from ahernet_tf.training.algorithm import Algorithm
from experiments.benchmarks import (
    evaluation,
    inference,
    memory,
    nms,
    p3d_memory,
    pipeline,
    rates,
    setting_costs,
    train_step,
    waiting,
)
from experiments.benchmarks.arithmetic import Arithmetic, convolution
from tests import programs
from tests.graphs import needed_by

TINY = [
    "network.untrimmed_steps=32",
    "network.moment_steps=16",
    "network.base_channels=8,8",
    "network.level_channels=8,8,8",
    "network.generator_channels=8",
    "training.batch_size=2",
]


def tiny(*options):
    return configuration.with_overrides(configuration.paper(), [*TINY, *options])


@pytest.mark.parametrize(("steps", "stride"), [(8, 1), (8, 2), (7, 2), (1, 2), (1, 1)])
def test_products_of_a_convolution_are_counted_one_by_one(steps, stride):
    # All ones: an output is the number of products that it sums.
    outputs = tf.nn.conv1d(tf.ones([2, steps, 5]), tf.ones([3, 5, 4]), stride, "SAME")
    assert convolution(2, steps, 5, 4, stride) == 2 * tf.reduce_sum(outputs).numpy()


def test_costs_of_the_settings_are_operations_and_clips_divided_by_rates():
    rows = {
        (row["setting"], row["features"]): row
        for row in setting_costs.compute("paper", gpu_tflops=50, processor_gflops=200)
    }
    row = rows["th14_to_anet_fg", "p3d"]
    counts = Arithmetic(configuration.paper(), 2048, 20, 200, 16)
    system = SYSTEMS["AherNet"]
    flop = 95_000 * counts.iteration(system.pretrain).total
    flop += 15_000 * counts.iteration(system.train).total
    assert row["gpu_hours"] == pytest.approx(flop / 50e12 / 3600)
    assert row["processor_hours"] == pytest.approx(250 * row["gpu_hours"])
    seconds = (315 + 155.6) * 3600
    assert row["clips"] == pytest.approx((seconds * 27.7 + 11.6 * 3600 * 29.2) / 8)
    assert row["gigabytes"] == pytest.approx(row["clips"] * 4096 / 1e9)
    resized = rows["anet_un_to_anet_am", "cuhk_tsn"]
    assert resized["clips"] == 100 * (9_649 + 4_728)
    text = setting_costs.describe([row])
    assert "| `th14_to_anet_fg` | `p3d` | 2048 | 6.0 | 24.7 |" in text


def test_full_size_is_about_20_gflop_a_sequence():
    counts = Arithmetic(configuration.paper(), 2048, 200, 600, 1)
    products = counts.backbone(512)
    assert products[0] == 2 * (3 * 512 - 2) * 2048 * 2048
    assert products[1] == products[0] / 2
    assert len(products) == 10
    assert counts.inference().total == pytest.approx(20e9, rel=0.02)
    widths = [256, 256, 512, 512, 1024, 1024, 2048, 2048]
    expected = 2 * 2 * 600 * sum(width**2 + 1 for width in widths)
    assert counts.transfer(600) == expected


def products_of(function):
    """Adds up the products and convolutions that a traced function really runs."""
    graph, flop = function.graph, 0
    results = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    for operation in needed_by(results):
        if operation.type == "MatMul":
            rows, columns = operation.outputs[0].shape
            first = operation.inputs[0].shape
            inner = first[0] if operation.get_attr("transpose_a") else first[1]
            flop += 2 * rows * columns * inner
        elif operation.type.startswith("Conv2D"):
            place = {"Conv2D": 0, "Conv2DBackpropInput": 2}.get(operation.type)
            if operation.type == "Conv2DBackpropFilter":
                sequence, kernel = operation.inputs[2], operation.outputs[0]
            else:
                kernel = operation.inputs[1]
                sequence = operation.inputs[2] if place else operation.outputs[0]
            batch, _, steps, _ = sequence.shape
            flop += 2 * batch * steps * np.prod(kernel.shape)
    return flop


STEPS = ("moments", "foreground", "untrimmed", "generators", "synthetic")


@pytest.mark.parametrize(
    ("steps", "split"),
    [
        *(((step,), "per_loss") for step in STEPS),
        (("discriminators", "adversarial"), "per_loss"),
        ("all", "joint"),
        ("all", "fused"),
    ],
)
def test_counted_arithmetic_is_what_an_iteration_runs(steps, split):
    if split == "fused":
        config = tiny("training.schedule=fused")
    else:
        config = tiny(f"training.optimizer_split={split}")
    sizes = (64, 5, 7)
    model = Description(sizes[0], tuple("abcde"), tuple("fghijkl")).build(config)
    algorithm = Algorithm(model, config.loss, config.training)
    steps = algorithm.steps("train") if steps == "all" else steps
    batches = train_step.random_batches(config, *sizes)
    step = tf.function(functools.partial(algorithm.take, steps), autograph=False)
    counted = Arithmetic(config, *sizes, 2).iteration(steps).total
    # The graph's convolutions multiply the zeros of the padding as well.
    found = products_of(step.get_concrete_function(**batches))
    assert counted <= found < 1.12 * counted


def test_fused_and_joint_save_what_is_said():
    fused, joint = "training.schedule=fused", "training.optimizer_split=joint"

    def counts(*options):
        config = configuration.with_overrides(configuration.paper(), list(options))
        return Arithmetic(config, 2048, 200, 600, 16)

    def total(*options):
        return counts(*options).iteration(SYSTEMS["AherNet"].train).total

    first, *others = counts().backbone(512)
    maps, (hidden, output) = first + sum(others), counts().generators()
    head, cells = counts().head(), counts().anchor_classifier(600)
    # Seven forward passes through the maps are three: of the five that differ in the
    # weights alone, one untrimmed and one synthetic remain. Generators and networks
    # share the gradients that lead to the synthetic maps, one per loss.
    forward = 4 * maps + 3 * (hidden + output) + head + cells
    forward += counts().transfer(600) + counts().head(1)
    backward = 2 * sum(others) + head + cells
    assert total() - total(fused) == pytest.approx(forward + backward)
    # Untrimmed, synthetic and generators go backwards through the maps once, not twice.
    network = 2 * maps - first
    generators = maps + output + hidden + output
    assert total() - total(joint) == pytest.approx(2 * network + generators)
    assert total() == pytest.approx(6.53e12, rel=0.001)
    assert total() / total(fused, joint) == pytest.approx(1.98, rel=0.01)


def test_unknown_steps_are_refused():
    with pytest.raises(ValueError, match="contexts"):
        Arithmetic(tiny(), 8, 2, 2, 2).iteration(("contexts",))


def test_train_step():
    config = tiny("training.system=AherNet*")
    report = train_step.measure(config, 16, 3, 4, iterations=1, matmul_sizes=(64,))
    assert report["efficiency"] == pytest.approx(
        report["flop"]["total"] / report["iteration_s"] / report["matmul_flop_per_s"]
    )
    assert report["peak_memory_bytes"] > 1e8
    phases = report["phases"]
    assert [*phases] == ["foreground", "untrimmed"]
    parts = sum(phase["flop"]["total"] for phase in phases.values())
    assert parts == report["flop"]["total"]
    assert "whole iteration" in train_step.describe(report)


def test_train_step_program(tmp_path):
    out = tmp_path / "train_step.json"
    arguments = [f"--set={option}" for option in TINY]
    arguments += ["--channels=16", "--source_classes=3", "--target_classes=4"]
    arguments += ["--iterations=1", "--matmul_sizes=64", "--nophases", f"--json={out}"]
    arguments += ["--schedule=fused", "--batch=3"]
    done = programs.run("experiments.benchmarks.train_step", *arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    wanted = {"iteration_s", "phases", "flop", "matmul_flop_per_s", "efficiency"}
    assert wanted | {"peak_memory_bytes"} <= report.keys()


def test_inference(tmp_path):
    report = inference.measure(
        tiny(),
        tmp_path / "data",
        (1, 2),
        videos=3,
        channels=16,
        classes=4,
        clips=20,
        rounds=1,
        matmul_sizes=(64,),
    )
    assert report["flop"] == Arithmetic(tiny(), 16, 1, 4, 3).inference().total
    for part in report["batches"]:
        assert part["efficiency"] == pytest.approx(
            report["flop"]
            * part["videos_per_sec"]
            / report["videos"]
            / report["matmul_flop_per_s"]
        )
    assert report["detections_per_video"] > 0
    assert "videos/s" in inference.describe(report)


@pytest.mark.parametrize("nms_tiou", [0.3, 0.9])
def test_suppression_equals_the_loop(nms_tiou):
    config = tiny(f"inference.nms_tiou={nms_tiou}", "inference.candidates=80").inference
    report = nms.measure(config, videos=3, instances=2, rounds=1)
    assert report["times_faster"] == pytest.approx(
        report["loop_ms_per_video"] / report["ours_ms_per_video"]
    )


def test_suppression_that_differs_is_an_error(monkeypatch):
    monkeypatch.setattr(suppression, "suppress", lambda segments, *_: np.arange(3))
    with pytest.raises(RuntimeError, match="Video 0"):
        nms.measure(tiny().inference, videos=1, instances=2, rounds=1)


def test_pipeline(tmp_path):
    pytest.importorskip("h5py")
    rates = pipeline.measure(tmp_path, videos=2, rounds=1, clips=20, channels=4)
    assert list(rates) == ["csv", "npy", "npz", "hdf5", "packed"]
    for found in rates.values():
        assert found["one_thread"] > 0
        assert found["stream"] > 0


def test_waiting(tmp_path):
    report = waiting.measure(tiny(), tmp_path / "data", videos=2, iterations=2)
    assert 0 < report["waiting_share"] <= report["waiting_share_largest"] < 1


def test_memory(tmp_path):
    options = [*TINY, "synthesis.moments_per_class=2"]
    (found,) = memory.measure(
        [12],
        (2, 3),
        "packed",
        tmp_path,
        tiny(),
        ["--preset=small", "--system=AherNet*", *(f"--set={o}" for o in options)],
        iterations=1,
    )
    assert found["moments"] == 12
    assert found["each_once"]
    assert found["peak_mib"] > 100


def test_evaluation():
    report = evaluation.run(videos=6, per_video=10, classes=3, loop_videos=4, seed=0)
    assert report["whole"]["predictions"] == 60
    assert report["part"]["largest_difference"] < 1e-6


def test_p3d_memory():
    pytest.importorskip("av")
    (found,) = p3d_memory.measure([1 / 30], unit_sec=1.0)
    assert found["frames"] == 60 - 60 % 8
    assert found["features"] == (found["frames"] - 16) // 8 + 1
    assert found["peak_mib"] > 100


def test_fastest_size_is_the_rate():
    products = rates.MatrixProducts((32, 64), least_sec=0.01)
    products.measure()
    assert products.best().wall == max(products.flop_per_sec().values())
