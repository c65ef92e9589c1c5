"""The losses of every step, put together by hand from the tested terms."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf import losses
from ahernet_tf.anchors import offset_coding
from ahernet_tf.config import SynthesisConfig
from ahernet_tf.training import losses_of_steps
from ahernet_tf.training.losses_of_steps import ForwardPass
from tests.models import tiny

CONFIG = dataclasses.replace(configuration.release().loss, foreground_tiou=0.5)


@pytest.fixture(scope="module")
def model():
    return tiny.network()


def forward(model, batches, **options):
    """Returns a forward pass of the given batches, by stream."""
    config = dataclasses.replace(CONFIG, **options)
    return ForwardPass(model, model.source_classifier, config, **batches)


def untrimmed_losses(model, untrimmed, **options):
    return losses_of_steps.untrimmed(
        forward(model, {"untrimmed": untrimmed}, **options)
    )


def by_stream(synthesis="single"):
    return dict(zip(("untrimmed", "foreground", "moments"), tiny.batches(synthesis)))


def with_segments(untrimmed, segments, labels):
    """Returns a batch with one segment a row."""
    return untrimmed | {
        "segments": tf.constant(segments, tf.float32)[:, tf.newaxis],
        "segment_mask": tf.ones([len(segments), 1], tf.bool),
        "segment_labels": tf.constant(labels)[:, tf.newaxis],
    }


@pytest.mark.parametrize("step", ["moments", "foreground"])
def test_segments_are_classified_by_the_classifier_of_their_stream(model, step):
    batches = by_stream()
    classifier = (
        model.target_classifier if step == "moments" else model.source_classifier
    )
    logits = classifier(model.backbone(batches[step]["features"]))
    labels = batches[step]["label"]
    found = getattr(losses_of_steps, step)(forward(model, batches))
    expected = losses.segment_classification_loss(logits, labels, CONFIG)
    np.testing.assert_allclose(found["segment_classification"], expected, rtol=1e-6)
    right = np.argmax(logits, -1) == labels.numpy()
    np.testing.assert_allclose(found["accuracy"], right.mean(), rtol=1e-6)


def test_localization_is_the_sum_of_three_losses_and_total_of_all(model):
    found = untrimmed_losses(model, tiny.batches()[0])
    parts = sum(found[name].numpy() for name in ("proposal", "offset", "overlap"))
    np.testing.assert_allclose(found["localization"], parts, rtol=1e-6)
    total = parts + found["anchor_classification"].numpy()
    np.testing.assert_allclose(found["total"], total, rtol=1e-6)
    assert all(loss.numpy() > 0 for loss in found.values())


def test_decoded_offsets_are_compared_in_steps(model):
    untrimmed = tiny.batches()[0]
    decoding = forward(model, {"untrimmed": untrimmed}, offset_loss="decoded")
    targets = decoding.untrimmed_targets
    foreground = targets.foreground.numpy()
    assert foreground.any()
    outputs = model.head(model.backbone(untrimmed["features"]))
    _, chosen = losses.proposal_loss(outputs["proposal_logits"], targets, CONFIG)
    decoded = offset_coding.decode(outputs["offsets"], tf.constant(model.anchors()))
    decoded = decoded.numpy()
    distance = np.abs(decoded - targets.segments.numpy())[foreground]
    smooth = np.where(distance < 1, 0.5 * distance**2, distance - 0.5)
    expected = smooth.sum() / chosen.numpy().sum()
    found = losses_of_steps.untrimmed(decoding)["offset"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert abs(found - untrimmed_losses(model, untrimmed)["offset"]) > 1e-3


def test_offsets_too_large_to_decode_do_no_harm_on_background(model):
    model = tiny.network()
    bias = model.head.levels[2].biases[1]  # the offsets of the coarsest level
    bias.assign(tf.fill(bias.shape, 5000.0))
    untrimmed = with_segments(tiny.batches()[0], [[4, 12]] * 3, [0, 1, 2])
    with tf.GradientTape() as tape:
        loss = untrimmed_losses(model, untrimmed, offset_loss="decoded")["offset"]
    gradient = tape.gradient(loss, model.backbone.trainable_variables[0])
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_anchors_of_several_classes_are_labelled_by_their_own_match(model):
    # Row 0 holds class 1 in [3.5, 8.2] and class 2 in [15, 26.5]; with the option
    # for all cells it is class 1 throughout, with the other each cell its match.
    untrimmed = tiny.batches()[0]
    found = untrimmed_losses(
        model, untrimmed, anchor_cls="foreground", anchor_cls_norm="mean"
    )
    targets = forward(model, {"untrimmed": untrimmed}).untrimmed_targets
    predictions = model.predict_anchors(
        model.backbone(untrimmed["features"]),
        model.anchor_classifier(model.source_classifier),
    )
    tiou = targets.tiou.numpy().reshape(3, -1, 2)
    labels = targets.labels.numpy().reshape(3, -1, 2)
    log_probability = tf.nn.log_softmax(predictions.class_logits).numpy()
    entropies, classes = [], set()
    for row, cell in zip(*np.nonzero(tiou.max(-1) > 0.5)):
        label = labels[row, cell, tiou[row, cell].argmax()]
        entropies.append(-log_probability[row, cell, label])
        classes.add((int(row), int(label)))
    assert {(0, 1), (0, 2)} <= classes
    np.testing.assert_allclose(
        found["anchor_classification"], 2 * np.mean(entropies), rtol=1e-5
    )


def test_videos_without_annotation_give_background_and_nothing_else(model):
    untrimmed = tiny.batches()[0]
    untrimmed |= {"segment_mask": tf.zeros_like(untrimmed["segment_mask"])}
    for options in ({}, {"anchor_cls": "foreground", "offset_loss": "decoded"}):
        found = untrimmed_losses(model, untrimmed, **options)
        assert found["proposal"] > 0
        for name in ("offset", "overlap", "anchor_classification", "accuracy"):
            assert found[name].numpy() == 0, name


@pytest.mark.parametrize("mode", ["single", "tiled"])
def test_synthetic_losses_are_those_of_videos_that_hold_the_moments_there(mode):
    model = tiny.network(synthesis=SynthesisConfig(mode=mode))
    moments = tiny.batches(mode)[2]
    layout = model.synthetic_moments.layout(moments)
    labels = tf.broadcast_to(moments["label"][:, tf.newaxis], layout.segments.shape[:2])
    untrimmed = {
        "features": model.synthetic_moments(moments["features"], moments),
        "segments": layout.segments,
        "segment_mask": layout.segment_mask,
        "segment_labels": labels,
    }
    as_video = ForwardPass(model, model.target_classifier, CONFIG, untrimmed=untrimmed)
    expected = losses_of_steps.untrimmed(as_video)
    synthetic = forward(model, {"moments": moments})
    found = losses_of_steps.synthetic(synthetic)
    for name, loss in expected.items():
        np.testing.assert_allclose(found[name], loss, rtol=1e-6, err_msg=name)
    targets = synthetic.synthetic_targets
    assert targets.matched.numpy().any(axis=1).all()
    owners = targets.labels.numpy()[targets.matched.numpy()]
    assert set(owners.tolist()) == set(moments["label"].numpy().tolist())


@pytest.mark.parametrize("kind", ["joint", "separate"])
def test_background_masks_follow_the_option(model, kind):
    both_streams = forward(model, by_stream(), adv_mask=kind)
    real, fake = both_streams.background_masks
    own_real = both_streams.untrimmed_targets.background.numpy()
    own_fake = both_streams.synthetic_targets.background.numpy()
    assert own_real[2].all()  # no annotation: all of it is background
    both = own_real & own_fake
    np.testing.assert_array_equal(real, both if kind == "joint" else own_real)
    np.testing.assert_array_equal(fake, both if kind == "joint" else own_fake)


def test_features_are_standardised_once():
    model = tiny.network()
    model.standardization.set_statistics(np.full(6, 2.0), np.full(6, 4.0))
    batch = {"features": tf.fill([1, 4, 6], 10.0), "label": tf.constant([0])}
    found = forward(model, {"moments": batch}).moments
    assert found["features"].numpy().max() == found["features"].numpy().min() == 2.0
    assert found["label"] is batch["label"]


def test_maps_are_computed_once(model, monkeypatch):
    calls = []
    backbone = type(model.backbone)
    call = backbone.call
    monkeypatch.setattr(
        backbone, "call", lambda self, x: calls.append(1) or call(self, x)
    )
    shared = forward(model, by_stream())
    losses_of_steps.untrimmed(shared)
    losses_of_steps.discriminators(shared)
    losses_of_steps.adversarial(shared)
    assert len(calls) == 2
