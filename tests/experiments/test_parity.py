"""The judge of parity: it passes what is right and fails what is not.

Beside the recording of the release, if there is one, it judges a recording that an
independent float64 rendering wrote of a network of other sizes, weights and inputs.
"""

import copy
import json
import pathlib
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import losses
from ahernet_tf.anchors import target_matching as matching
from ahernet_tf.layers import convolution
from ahernet_tf.training.adam import Adam
from ahernet_tf.training.algorithm import Algorithm
from experiments.parity import __main__ as program
from experiments.parity import comparison, judgement, network, training
from experiments.parity import recording as recordings
from experiments.parity.comparison import Comparison
from experiments.parity.recording import Recording
from tests.conftest import shared_path
from tests.experiments.recordings import write_recording

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A recording of another network: the directory."""
    directory = tmp_path_factory.mktemp("recording")
    write_recording(directory, seed=1, batch=3)
    return directory


@pytest.fixture(scope="module")
def recording(written):
    return Recording(written)


def failures(recording, *parts):
    compared = list(judgement.compare(recording, parts))
    assert compared
    return {found.name for found in compared if not found.passes()}


# Passing


def test_recording_of_the_release_passes():
    golden = str(shared_path("golden/narrow"))
    run = subprocess.run(
        [sys.executable, "-m", "experiments.parity", "--golden", golden],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "951 arrays compared, 0 failed"


def test_recording_of_another_network_passes(recording):
    found = judgement.judge(recording, verbose=False)
    assert [c.line() for c in found if not c.passes()] == []
    # All that was recorded was compared, except what it was computed from.
    compared = {c.name for c in found}
    left = {name for name, _ in recording.all_arrays()} - compared
    assert {name.split("/")[0] for name in left} == {
        *("inputs", "weights", "context", "encode", "inference", "resample")
    }
    left = {name for name in left if not name.startswith(("inputs/", "weights/"))}
    assert {name.split("/")[-1].removeprefix("case2_") for name in left} == {
        *("boxes", "labels", "ratio", "position", "feature"),
        *("duration", "frames", "count"),
    }


def test_judging_it_once_more_gives_the_same(recording):
    assert failures(recording, training.compare_trajectory) == set()


# What was recorded wrongly

SOME_ARRAYS = {
    network.compare_anchors: ["anchors/t3", "anchors/y1"],
    network.compare_matching: [
        "encode/untrimmed/glocalisations2",
        "encode/synthetic/giou4",
        "encode/synthetic_case2/gclasses8",
    ],
    network.compare_context: ["context/feature", "context/case2_gt"],
    network.compare_forward: [
        "forward_foreground/end_point8",
        "forward_moment/logits8",
        "forward_synthetic/iou1",
        "forward_untrimmed/proposal_logits5",
    ],
    training.compare_losses: ["losses/adversarial/g_loss", "losses/moment/loss_cls"],
    training.compare_gradients: [
        "gradients/untrim_cls/aher/conv_a3_box/fully1/weights",
        "gradients/gen_adv/g_conv_e2/biases",
    ],
    training.compare_trajectory: [
        "trajectory/sync/5_dis/loss_dis",
        "trajectory/sync/after/seg/loss_iou",
        "trajectory_weights/conv_a1_adv/d_conv_adv/weights",
    ],
    network.compare_inference: [
        "inference/0/argmaxid",
        "inference/1/rawscore",
        "inference/cls_flag_False/0/rbboxes",
        "inference/cls_flag_True/1/rscores",
    ],
    network.compare_resampling: ["resample/2/64/max"],
}


def altered(recording, directory, names, change):
    """Returns a recording with some arrays changed, in a directory of its own."""
    shutil.copytree(
        recording.directory,
        directory,
        copy_function=shutil.copyfile,
        dirs_exist_ok=True,
    )
    for name in names:
        file, key = name.split("/", 1)
        with np.load(directory / f"{file}.npz") as arrays:
            arrays = dict(arrays)
        arrays[key] = change(np.array(arrays[key]))
        np.savez(directory / f"{file}.npz", **arrays)
    other = copy.copy(recording)
    other.directory = directory
    return other


def one_number_higher(array):
    """Raises the largest number by a thousandth, or a whole one by 1."""
    index = np.unravel_index(np.abs(array).argmax(), array.shape)
    array[index] += 1 if array.dtype.kind == "i" else 1e-3 * array[index]
    return array


@pytest.mark.parametrize("part", SOME_ARRAYS, ids=lambda part: part.__name__)
def test_changed_numbers_fail_and_nothing_else(recording, tmp_path, part):
    other = altered(recording, tmp_path, SOME_ARRAYS[part], one_number_higher)
    assert failures(other, part) == set(SOME_ARRAYS[part])


def test_one_changed_number_of_the_release_fails(tmp_path):
    name = "encode/untrimmed/gscores5"
    golden = Recording(shared_path("golden/narrow"))
    assert failures(golden, network.compare_matching) == set()
    other = altered(golden, tmp_path, [name], one_number_higher)
    assert failures(other, network.compare_matching) == {name}


def test_recorded_nan_fails(recording, tmp_path):
    def nan(array):
        array.flat[0] = np.nan
        return array

    other = altered(recording, tmp_path, ["forward_moment/iou2"], nan)
    assert failures(other, network.compare_forward) == {"forward_moment/iou2"}


def test_other_shape_fails(recording, tmp_path):
    other = altered(recording, tmp_path, ["anchors/y1"], lambda array: array[:-1])
    assert failures(other, network.compare_anchors) == {"anchors/y1"}


def test_absent_array_and_file_are_named(recording, tmp_path):
    other = altered(recording, tmp_path, [], None)
    with np.load(tmp_path / "context.npz") as arrays:
        feature = arrays["feature"]
    np.savez(tmp_path / "context.npz", feature=feature)
    with pytest.raises(ValueError, match=r"context\.npz: holds no array 'gt'"):
        failures(other, network.compare_context)
    (tmp_path / "encode.npz").unlink()
    with pytest.raises(ValueError, match=r"encode\.npz: no such file"):
        failures(other, network.compare_matching)


def test_array_that_nothing_recomputes_fails(recording, tmp_path):
    judged = {name for name, _ in recording.all_arrays()}
    other = altered(recording, tmp_path, [], None)
    with np.load(tmp_path / "losses.npz") as arrays:
        arrays = dict(arrays)
    np.savez(tmp_path / "losses.npz", **arrays, **{"moment/new": 1.0})
    unjudged = list(judgement.unjudged(other, judged))
    assert [found.name for found in unjudged] == ["losses/moment/new"]
    assert not unjudged[0].passes()


def test_variable_moved_by_one_side_alone_fails(recording, tmp_path):
    other = altered(recording, tmp_path, [], None)
    path = tmp_path / "gradients_var_lists.json"
    lists = json.loads(path.read_text())
    lists["fore_cls"]["var_list"].append("aher/g_conv1/weights")
    path.write_text(json.dumps(lists))
    found = failures(other, training.compare_gradients)
    assert found == {"gradients/fore_cls/aher/g_conv1/weights"}


@pytest.mark.parametrize(("ours", "status"), [(1.0, 0), (2.0, 1), (np.nan, 1)])
def test_exit_status_tells_whether_all_passed(monkeypatch, ours, status):
    found = Comparison("x", np.array(ours), np.array(1.0), comparison.VALUE)
    monkeypatch.setattr(judgement, "judge", lambda recording: [found])
    monkeypatch.setattr(recordings, "Recording", lambda directory: None)
    assert program.main(types.SimpleNamespace(golden="anywhere", json=None)) == status


def test_directory_without_a_recording_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"weights.npz: no such file"):
        program.main(types.SimpleNamespace(golden=tmp_path, json=None))


# What we compute wrongly


def test_nan_of_ours_fails(recording, monkeypatch):
    monkeypatch.setattr(
        losses, "smooth_l1", lambda difference: tf.fill(tf.shape(difference), np.nan)
    )
    found = failures(recording, training.compare_losses)
    assert "losses/untrimmed/loss_loc" in found
    assert "losses/untrimmed/loss_prop" not in found


def test_padding_on_the_other_side_fails(recording, monkeypatch):
    def shifted(inputs, kernel, bias, stride=1, relu=False, gradient_steps=None):
        outputs = original(inputs[:, ::-1], kernel[::-1], bias, stride, relu)
        return outputs[:, ::-1]  # pads even sequences left instead of right

    original = convolution.temporal_convolution
    monkeypatch.setattr(convolution, "temporal_convolution", shifted)
    found = failures(recording, network.compare_forward)
    assert "forward_untrimmed/end_point2" in found


@pytest.mark.parametrize("change", ["1e-7", "inside"])
def test_other_epsilon_of_adam_fails(recording, monkeypatch, change):
    original = Adam.apply_gradients

    def changed(self, pairs):
        epsilon = 1e-7
        if change == "inside":
            # Inside the correction it would count as epsilon * sqrt(1 - beta_2^t).
            epsilon = self.epsilon * np.sqrt(1 - self._powers[1].numpy())
        with monkeypatch.context() as context:
            context.setattr(self, "epsilon", epsilon)
            original(self, pairs)

    monkeypatch.setattr(Adam, "apply_gradients", changed)
    found = failures(recording, training.compare_trajectory)
    assert any("trajectory_weights/" in name for name in found)


def test_separate_adversarial_masks_fail(recording, monkeypatch):
    monkeypatch.setattr(
        losses, "adversarial_masks", lambda real, fake, config: (real, fake)
    )
    found = failures(recording, training.compare_losses)
    assert found == {
        f"losses/adversarial{case}/{name}"
        for case in ("", "_case2")
        for name in ("d_loss_real", "d_loss_fake", "d_loss", "g_loss")
    }


def test_mining_of_another_count_fails(recording, monkeypatch):
    def one_more(probability, targets, config):
        mask = original(probability, targets, config)
        left = tf.where(targets.background & ~mask, probability, 2.0)
        return mask | (left == tf.reduce_min(left))

    original = losses.mine_background
    monkeypatch.setattr(losses, "mine_background", one_more)
    found = failures(recording, training.compare_losses)
    assert "losses/untrimmed/loss_prop" in found
    assert "losses/untrimmed/loss_iou" not in found


def test_unclipped_anchors_fail(recording, monkeypatch):
    monkeypatch.setattr(
        matching.segment_ops, "clip", lambda segments, low, high: segments
    )
    assert "encode/untrimmed/gscores8" in failures(recording, network.compare_matching)


def test_true_synthetic_segments_fail(recording, monkeypatch):
    monkeypatch.setattr(recording.model.synthetic_moments, "legacy_synthetic_gt", False)
    found = failures(recording, network.compare_context)
    assert found == {"context/gt", "context/case2_gt"}


def test_another_order_of_the_steps_fails(recording, monkeypatch):
    class ForegroundFirst(Algorithm):
        """Takes the step `foreground` before the backbone has moved."""

        def steps(self, phase):
            others = [name for name in super().steps(phase) if name != "foreground"]
            return ("foreground", *others)

    other = ForegroundFirst(
        recording.model, recording.algorithm.loss_config, recording.algorithm.config
    )
    monkeypatch.setattr(recording, "algorithm", other)
    found = failures(recording, training.compare_trajectory)
    assert "trajectory/sync/2_fore_cls/loss_cls" in found
