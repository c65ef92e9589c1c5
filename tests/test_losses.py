"""Every loss term by hand or against NumPy, each of its options, and empty sets."""

import dataclasses

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ahernet_tf import losses
from ahernet_tf.anchors.target_matching import Targets
from ahernet_tf.config import LossConfig

quick = hypothesis.settings(max_examples=25, deadline=None)
CONFIG = LossConfig()


def targets(tiou, labels=None, low=0.3, high=0.8):
    """Targets of anchors with these overlaps, thresholds applied."""
    tiou = np.asarray(tiou, np.float32)
    labels = np.zeros(tiou.shape) if labels is None else np.asarray(labels)
    return Targets(
        tiou=tf.constant(tiou),
        offsets=tf.zeros([*tiou.shape, 2]),
        segments=tf.zeros([*tiou.shape, 2]),
        labels=tf.constant(labels.astype(np.int32)),
        matched=tf.constant(tiou > 0),
        foreground=tf.constant(tiou > high),
        background=tf.constant(tiou < low),
    )


def cross_entropy(logits, label):
    """Softmax cross-entropy of one vector, in float64."""
    logits = np.asarray(logits, np.float64)
    return float(np.log(np.exp(logits - logits.max()).sum()) + logits.max()) - float(
        logits[label]
    )


def normal(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)


# Means and smooth L1


def test_masked_mean_runs_over_the_mask_alone():
    mask = tf.constant([True, False, True])
    close(losses.masked_mean(tf.constant([1.0, 100.0, 4.0]), mask), 2.5)


def test_masked_mean_of_nothing_is_zero_with_zero_gradient():
    values = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        mean = losses.masked_mean(values, tf.constant([False, False]))
    assert mean.numpy() == 0
    assert tape.gradient(mean, values).numpy().tolist() == [0, 0]


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        *((0, 0), (0.5, 0.125), (-0.5, 0.125), (0.96, 0.4608), (1, 0.5), (-1, 0.5)),
        *((1.125, 0.625), (2, 1.5), (-2, 1.5), (3, 2.5), (-3, 2.5)),
    ],
)
def test_smooth_l1_by_hand(difference, expected):
    close(losses.smooth_l1(tf.constant(float(difference))), expected)


# Segment classification


def test_segment_classification_by_hand():
    # Uniform over 4 classes on both levels: ln 4, times 2.
    loss = losses.segment_classification_loss(
        tf.zeros([2, 3, 4]), tf.constant([0, 1, 3]), CONFIG
    )
    close(loss, 2 * np.log(4))


@pytest.mark.parametrize(("norm", "divisor"), [("mean", 1), ("mean_by_batch", 5)])
def test_segment_classification_is_the_mean_over_levels_and_rows(norm, divisor):
    logits, labels = normal([8, 5, 7], 0), np.array([0, 6, 2, 2, 5])
    expected = np.mean(
        [
            cross_entropy(logits[level, row], labels[row])
            for level in range(8)
            for row in range(5)
        ]
    )
    config = LossConfig(classification_weight=3.0, segment_cls_norm=norm)
    loss = losses.segment_classification_loss(
        tf.constant(logits), tf.constant(labels), config
    )
    close(loss, 3 * expected / divisor)


# Anchor classification


LABELS = np.array([2, 0, 1])
HAS_LABEL = np.array([True, False, True])
# Two anchors a cell. Row 0 holds instances of two classes, row 1 none at all.
CELL_TARGETS = targets(
    [[0.9, 0.1, 0.81, 0.85, 0.5, 0.0], [0] * 6, [0.2, 0.7, 0.0, 0.0, 0.82, 0.9]],
    [[2, 2, 1, 3, 2, 0], [0] * 6, [1, 1, 0, 0, 3, 1]],
)


def anchor_classification(logits, **options):
    return losses.anchor_classification_loss(
        tf.constant(logits),
        tf.constant(LABELS),
        tf.constant(HAS_LABEL),
        CELL_TARGETS,
        dataclasses.replace(CONFIG, **options),
    )


@pytest.mark.parametrize("norm", ["sum", "mean"])
def test_all_cells_bear_the_label_of_their_video(norm):
    logits = normal([3, 3, 4], 1)
    entropies = [
        cross_entropy(logits[row, cell], LABELS[row])
        for row in (0, 2)  # a video without instances takes no part
        for cell in range(3)
    ]
    expected = 2 * (np.sum(entropies) / 3 if norm == "sum" else np.mean(entropies))
    loss = anchor_classification(logits, anchor_cls="all_cells", anchor_cls_norm=norm)
    close(loss, expected)


@pytest.mark.parametrize("norm", ["sum", "mean"])
def test_foreground_cells_bear_the_label_of_their_best_match(norm):
    logits = normal([3, 3, 4], 2)
    # The second cell of row 0 matches class 3 better than class 1; the last cell of
    # row 2 class 1 better than class 3. No other cell but the first is foreground.
    entropies = [
        cross_entropy(logits[row, cell], label)
        for row, cell, label in [(0, 0, 2), (0, 1, 3), (2, 2, 1)]
    ]
    expected = 2 * (np.sum(entropies) / 3 if norm == "sum" else np.mean(entropies))
    loss = anchor_classification(logits, anchor_cls="foreground", anchor_cls_norm=norm)
    close(loss, expected)


@pytest.mark.parametrize("kind", ["all_cells", "foreground"])
@pytest.mark.parametrize("norm", ["sum", "mean"])
def test_videos_without_annotation_classify_nothing(kind, norm):
    logits = tf.Variable(normal([3, 3, 4], 3))
    with tf.GradientTape() as tape:
        loss = losses.anchor_classification_loss(
            logits,
            tf.constant([0, 0, 0]),
            tf.constant([False] * 3),
            targets(np.zeros([3, 6])),
            LossConfig(anchor_cls=kind, anchor_cls_norm=norm),
        )
    assert loss.numpy() == 0
    assert not tape.gradient(loss, logits).numpy().any()


# Mining and the proposal loss


def mined(probability, tiou, ratio=1.0):
    mask = losses.mine_background(
        tf.constant(np.asarray(probability, np.float32)),
        targets(tiou),
        LossConfig(negative_ratio=ratio),
    )
    return mask.numpy().astype(int).tolist()


def test_mining_keeps_what_looks_least_like_background():
    # One foreground, batch of 1: k = 2. Second lowest of the background is 0.3; only
    # what lies below it stays. The foreground's 0.0 and the ignored 0.1 do not count.
    assert mined([[0.0, 0.1, 0.5, 0.2, 0.3]], [[0.9, 0.5, 0.1, 0.1, 0.0]]) == [
        [0, 0, 0, 1, 0]
    ]


def test_mining_runs_over_the_whole_batch_at_once():
    # No foreground, batch of 2: k = 2, both candidates in row 1.
    assert mined([[0.7, 0.9], [0.1, 0.2]], np.zeros([2, 2])) == [[0, 0], [1, 0]]


def test_mining_with_a_ratio_of_three():
    # k = 3 + 1: the fourth lowest is the threshold.
    assert mined([[0.5, 0.4, 0.3, 0.2, 0.1]], [[0.9, 0, 0, 0, 0]], 3.0) == [
        [0, 0, 1, 1, 1]
    ]


def test_mining_never_wants_more_than_there_are():
    # k = 3 + 1 but two background anchors: the second lowest is the threshold.
    assert mined([[0.5, 0.5, 0.5, 0.4, 0.3]], [[0.9, 0.9, 0.9, 0, 0]]) == [
        [0, 0, 0, 0, 1]
    ]


def test_mining_drops_ties_at_the_threshold():
    # k = 3: the third lowest is 0.2, as is the second; one remains.
    assert mined([[0.5, 0.1, 0.2, 0.2, 0.6]] * 1, [[0.9, 0, 0, 0, 0]], 2.0) == [
        [0, 1, 0, 0, 0]
    ]


def test_mining_without_background_chooses_nothing():
    assert mined([[0.5, 0.5]], [[0.9, 0.5]]) == [[0, 0]]


@quick
@hypothesis.given(st.data())
def test_mining_follows_a_plain_loop(data):
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 8)))
    numbers = np.random.default_rng(data.draw(st.integers(0, 999)))
    probability = numbers.integers(0, 9, shape).astype(np.float32) / 8
    tiou = numbers.choice([0.0, 0.2, 0.5, 0.9], shape)
    ratio = data.draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    background = [p for p, t in zip(probability.ravel(), tiou.ravel()) if t < 0.3]
    k = min(int(ratio * (tiou > 0.8).sum()) + shape[0], len(background))
    threshold = sorted(background)[k - 1] if background else -1.0
    expected = (tiou < 0.3) & (probability < threshold)
    assert mined(probability, tiou, ratio) == expected.astype(int).tolist()


def test_proposal_loss_by_hand():
    tiou = [[0.9, 0.5, 0.1, 0.0, 0.2]]
    logits = np.array([[[0, 2], [9, 9], [0, 1], [3, 0], [1, 0]]], np.float32)
    # Background probabilities 0.27, 0.95, 0.73: k = 2, so the first alone is kept.
    loss, chosen = losses.proposal_loss(tf.constant(logits), targets(tiou), CONFIG)
    assert chosen.numpy().tolist() == [[True, False, True, False, False]]
    expected = (cross_entropy([0, 2], 1) + cross_entropy([0, 1], 0)) / 2
    close(loss, 2 * expected)


def test_without_a_proposal_classifier_foreground_alone_is_chosen():
    wanted = targets([[0.9, 0.5, 0.1, 0.0, 0.85]])
    loss, chosen = losses.proposal_loss(None, wanted, CONFIG)
    assert loss.numpy() == 0
    assert chosen.numpy().tolist() == [[True, False, False, False, True]]


def test_mining_carries_no_gradient():
    logits = tf.Variable(normal([2, 6, 2], 4))
    tiou = [[0.9, 0, 0, 0, 0, 0], [0, 0.1, 0.5, 0, 0.9, 0]]
    with tf.GradientTape() as tape:
        loss, chosen = losses.proposal_loss(logits, targets(tiou), CONFIG)
    gradient = tape.gradient(loss, logits).numpy()
    np.testing.assert_array_equal(np.abs(gradient).sum(-1) > 0, chosen.numpy())
    # Softmax minus target, spread over the chosen anchors: nothing else contributes.
    probability = tf.nn.softmax(logits).numpy()
    target = np.stack([np.asarray(tiou) < 0.8, np.asarray(tiou) > 0.8], -1)
    expected = 2 * (probability - target) / chosen.numpy().sum()
    close(gradient[chosen], expected[chosen])


# Offsets and overlap


def test_offset_loss_by_hand():
    predicted = tf.constant([[[0.5, 0.0], [9.0, 9.0], [3.0, -1.0]]])
    wanted = tf.constant([[[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]])
    foreground = tf.constant([[True, False, True]])
    chosen = tf.constant([[True, True, True]])
    # (0.125 + 0) + (2.5 + 1.5), over the three anchors of the proposal loss.
    loss = losses.offset_loss(predicted, wanted, foreground, chosen)
    close(loss, (0.125 + 4.0) / 3)


def test_offset_loss_without_foreground_is_zero():
    nothing = tf.constant([[False, False]])
    ones = tf.ones([1, 2, 2])
    assert losses.offset_loss(ones, -ones, nothing, ~nothing).numpy() == 0
    assert losses.offset_loss(ones, -ones, nothing, nothing).numpy() == 0


MATCHED = LossConfig(overlap_anchors="matched")


def test_overlap_loss_by_hand():
    predicted = tf.constant([[0.5, 0.9, 0.25]])
    wanted = targets([[0.75, 0.0, 0.25]])
    # Background is taught an overlap of 0, or takes no part.
    loss = losses.overlap_loss(predicted, wanted, CONFIG)
    close(loss, 25 * (0.25**2 + 0.9**2 + 0) / 3)
    close(losses.overlap_loss(predicted, wanted, MATCHED), 25 * (0.25**2 + 0) / 2)


def test_overlap_loss_of_matched_anchors_without_any_overlap_is_zero():
    loss = losses.overlap_loss(tf.ones([2, 3]), targets(np.zeros([2, 3])), MATCHED)
    assert loss.numpy() == 0


# Adversarial losses


REAL = np.array([[True, True, False], [False, True, True]])
FAKE = np.array([[True, False, True], [False, True, False]])


def test_joint_mask_asks_for_background_in_both_paired_rows():
    config = LossConfig(adv_mask="joint")
    both = losses.adversarial_masks(tf.constant(REAL), tf.constant(FAKE), config)
    for mask in both:
        np.testing.assert_array_equal(mask, REAL & FAKE)


def test_separate_masks_are_each_sides_own_background():
    real, fake = losses.adversarial_masks(
        tf.constant(REAL), tf.constant(FAKE), LossConfig(adv_mask="separate")
    )
    np.testing.assert_array_equal(real, REAL)
    np.testing.assert_array_equal(fake, FAKE)


def test_adversarial_losses_follow_numpy():
    real, fake = normal([2, 3], 5), normal([2, 3], 6)
    tensors = [tf.constant(part) for part in (real, fake, REAL, FAKE)]
    on_real, on_fake = losses.discriminator_losses(*tensors, CONFIG)
    generator = losses.generator_loss(tensors[1], tensors[3], CONFIG)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x.astype(np.float64)))

    close(on_real, 0.1 * np.mean(-np.log(sigmoid(real[REAL]))))
    close(on_fake, 0.1 * np.mean(-np.log(1 - sigmoid(fake[FAKE]))))
    close(generator, 0.1 * np.mean(-np.log(sigmoid(fake[FAKE]))))


def test_undecided_discriminator_pays_ln_2_on_each_side():
    zeros, everywhere = tf.zeros([2, 3]), tf.ones([2, 3], tf.bool)
    on_real, on_fake = losses.discriminator_losses(
        zeros, zeros, everywhere, everywhere, LossConfig(adversarial_weight=1.0)
    )
    close(on_real, np.log(2))
    close(on_fake, np.log(2))


def test_adversarial_losses_without_background_are_zero():
    ones, nowhere = tf.ones([2, 3]), tf.zeros([2, 3], tf.bool)
    found = losses.discriminator_losses(ones, ones, nowhere, nowhere, CONFIG)
    found += (losses.generator_loss(ones, nowhere, CONFIG),)
    assert [loss.numpy() for loss in found] == [0, 0, 0]


def test_confident_logits_stay_finite():
    far = tf.constant([[200.0, -200.0, 0.0]])
    everywhere = tf.ones([1, 3], tf.bool)
    on_real, on_fake = losses.discriminator_losses(
        far, far, everywhere, everywhere, LossConfig(adversarial_weight=1.0)
    )
    close(on_real, (200 + np.log(2)) / 3)
    close(on_fake, (200 + np.log(2)) / 3)


# Precision and compilation


def every_loss(dtype, tiou):
    """Returns all losses from inputs of a type."""
    matched = targets(tiou)
    labels, has_label = tf.constant([1, 0]), tf.constant([True, True])
    logits, proposals = normal([2, 2, 2, 3], 7), normal([2, 4, 2], 8)
    overlap, scores = np.abs(np.tanh(normal([2, 4], 9))), normal([2, 4], 10)
    logits, proposals, overlap, scores = (
        tf.cast(part, dtype) for part in (logits, proposals, overlap, scores)
    )
    proposal, _ = losses.proposal_loss(proposals, matched, CONFIG)
    return {
        "segment": losses.segment_classification_loss(logits[:, :, 0], labels, CONFIG),
        "anchor": losses.anchor_classification_loss(
            logits[0], labels, has_label, matched, LossConfig(anchor_cls="foreground")
        ),
        "proposal": proposal,
        "overlap": losses.overlap_loss(overlap, matched, CONFIG),
        "generator": losses.generator_loss(scores, matched.background, CONFIG),
    }


MIXED_TIOU = [[0.9, 0.1, 0.0, 0.5], [0.0, 0.2, 0.85, 0.25]]


def test_losses_of_bfloat16_inputs_are_float32():
    exact = every_loss(tf.float32, MIXED_TIOU)
    for name, loss in every_loss(tf.bfloat16, MIXED_TIOU).items():
        assert loss.dtype == tf.float32, name
        np.testing.assert_allclose(loss, exact[name], rtol=0.05, err_msg=name)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_losses_are_the_eager_ones(jit_compile):
    compiled = tf.function(
        lambda: every_loss(tf.float32, MIXED_TIOU), jit_compile=jit_compile
    )
    for name, loss in compiled().items():
        np.testing.assert_allclose(
            loss, every_loss(tf.float32, MIXED_TIOU)[name], rtol=1e-5, err_msg=name
        )
