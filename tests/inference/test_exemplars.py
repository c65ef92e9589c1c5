"""What is kept of every class beside a trained network."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.inference import exemplars
from ahernet_tf.inference.exemplars import (
    Exemplars,
    evenly,
    pooled_maps,
    read_exemplars,
    told_as,
    write_exemplars,
)
from tests.inference.trained import write_trained
from tests.models import tiny


def test_maps_are_pooled_as_segment_classifiers_do():
    model = tiny.network()
    sequences = tiny.features(19, tiny.MOMENT_STEPS, tiny.CHANNELS)
    pooled = pooled_maps(model, iter(sequences.numpy()))
    kernels, biases = model.target_classifier.weights_by_level()
    ends = np.cumsum([len(kernel) for kernel in kernels])[:-1]
    logits = [
        part @ kernel.numpy() + bias.numpy()
        for part, kernel, bias in zip(np.split(pooled, ends, axis=1), kernels, biases)
    ]
    maps = model.backbone(model.standardization(sequences))
    expected = model.segment_logits(maps, model.target_classifier)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    assert pooled_maps(model, []).shape == (0, sum(tiny.NETWORK.level_channels))


def test_exemplars_are_told_by_the_classifiers_of_all_levels():
    model = tiny.network()
    kernels, biases = model.target_classifier.weights_by_level()
    sizes = [len(kernel) for kernel in kernels]
    pooled = 9 * np.random.default_rng(0).normal(size=(40, sum(sizes)))
    parts = np.split(pooled, np.cumsum(sizes)[:-1], axis=1)
    likelihood = sum(
        tf.nn.log_softmax(part @ kernel.numpy().astype(float) + bias.numpy())
        for part, kernel, bias in zip(parts, kernels, biases)
    )
    classes = [f"class {number}" for number in range(len(biases[0]))]
    expected = [classes[number] for number in likelihood.numpy().argmax(axis=1)]
    own = Exemplars(pooled.astype(np.float32), np.full(40, ""))
    assert told_as(model, own, classes).tolist() == expected
    assert len(set(expected)) > 1


def test_few_of_many_are_evenly_chosen():
    assert evenly("abc", 5) == ["a", "b", "c"]
    assert evenly(range(11), 3) == [0, 5, 10]


def test_every_class_keeps_a_few(monkeypatch):
    monkeypatch.setattr(exemplars, "PER_CLASS", 2)
    own = Exemplars(np.arange(7)[:, np.newaxis], np.array(list("aabbbbb")))
    thin = own.thinned()
    assert thin.labels.tolist() == list("aabb")
    assert thin.pooled[:, 0].tolist() == [0, 1, 2, 6]
    assert own.of_classes(["a"]).plus(thin).labels.tolist() == list("aaaabb")


def test_training_data_give_exemplars_of_the_target_classes(tmp_path):
    workdir = write_trained(tmp_path)
    kept = read_exemplars(workdir)
    assert sorted(kept.labels.tolist()) == ["jump"] * 3 + ["wave"] * 2
    assert kept.pooled.shape == (5, sum(tiny.NETWORK.level_channels))


def test_oracle_keeps_its_instances(tmp_path):
    kept = read_exemplars(write_trained(tmp_path, "AherNet*"))
    assert sorted(set(kept.labels.tolist())) == ["jump", "wave"]


def test_files_are_read_or_named(tmp_path):
    assert read_exemplars(tmp_path) is None
    own = Exemplars(np.ones((2, 3), np.float32), np.array(["a", "b c"]))
    write_exemplars(tmp_path, own)
    for one, other in zip(read_exemplars(tmp_path), own):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "exemplars.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"exemplars\.npz"):
        read_exemplars(tmp_path)
