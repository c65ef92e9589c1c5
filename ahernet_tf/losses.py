"""The losses of AherNet, one pure function per term (Eq. 4-8).

Wherever a mean runs over an empty set, it is 0. Inputs may be of a lower precision;
every loss is computed in float32.

"The batch" is the whole batch, over all replicas of `tf.distribute`. A replica of
several gets its own rows' part of each loss; the parts sum up to the loss, and their
gradients to its gradient.
"""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf import replicas
from ahernet_tf.anchors.target_matching import Targets
from ahernet_tf.config import LossConfig


def masked_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `values` where `mask` holds; 0 where it never does."""
    mask = tf.cast(mask, values.dtype)
    counted = replicas.total(tf.reduce_sum(mask))
    return tf.math.divide_no_nan(tf.reduce_sum(values * mask), counted)


def smooth_l1(difference: tf.Tensor) -> tf.Tensor:
    """Computes 0.5 d^2 for |d| < 1, |d| - 0.5 beyond, elementwise (Eq. 6)."""
    size = tf.abs(difference)
    return tf.where(size < 1.0, 0.5 * tf.square(difference), size - 0.5)


def segment_classification_loss(
    logits: tf.Tensor, labels: tf.Tensor, config: LossConfig
) -> tf.Tensor:
    """Computes the softmax cross-entropy of pooled maps (Eq. 4).

    Args:
        logits: `[levels, batch, classes]`.
        labels: `[batch]` int32.
        config: Uses `classification_weight` and `segment_cls_norm`.

    Returns:
        Scalar: the mean over levels and batch (`"mean"`), divided by the batch size
        once more as in the 2020 release (`"mean_by_batch"`), times the weight.
    """
    logits = tf.cast(logits, tf.float32)
    labels = tf.broadcast_to(labels[tf.newaxis], tf.shape(logits)[:2])
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    loss = config.classification_weight * replicas.mean(cross_entropy)
    if config.segment_cls_norm == "mean":
        return loss
    return loss / tf.cast(replicas.batch_size(tf.shape(logits)[1]), tf.float32)


def anchor_classification_loss(
    logits: tf.Tensor,
    video_labels: tf.Tensor,
    has_label: tf.Tensor,
    targets: Targets,
    config: LossConfig,
) -> tf.Tensor:
    """Computes the softmax cross-entropy of the cells (Eq. 4, per anchor).

    With `anchor_cls="all_cells"` every cell bears its video's label; a video without
    any instance takes no part. With `"foreground"` only cells that hold a foreground
    anchor count, with the label of the instance that their best anchor matched.

    Args:
        logits: `[batch, cells, classes]`.
        video_labels: `[batch]` int32.
        has_label: `[batch]` bool, whether the video has an instance at all.
        targets: Of the anchors, `cells * ratios` a row.
        config: Uses `anchor_cls`, `anchor_cls_norm`, `classification_weight`.

    Returns:
        Scalar: the sum over all cells divided by the batch size (`"sum"`) or the mean
        over the cells that count (`"mean"`), times the weight.
    """
    logits = tf.cast(logits, tf.float32)
    batch, cells = tf.unstack(tf.shape(logits)[:2])
    if config.anchor_cls == "all_cells":
        labels = tf.broadcast_to(video_labels[:, tf.newaxis], [batch, cells])
        counts = tf.broadcast_to(has_label[:, tf.newaxis], [batch, cells])
    else:
        tiou = tf.reshape(targets.tiou, [batch, cells, -1])
        best = tf.argmax(tiou, axis=-1, output_type=tf.int32)
        labels = tf.gather(
            tf.reshape(targets.labels, [batch, cells, -1]), best, batch_dims=2
        )
        foreground = tf.reshape(targets.foreground, [batch, cells, -1])
        counts = tf.reduce_any(foreground, axis=-1)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if config.anchor_cls_norm == "mean":
        return config.classification_weight * masked_mean(cross_entropy, counts)
    total = tf.reduce_sum(cross_entropy * tf.cast(counts, tf.float32))
    batch = tf.cast(replicas.batch_size(batch), tf.float32)
    return config.classification_weight * total / batch


def mine_background(
    background_probability: tf.Tensor, targets: Targets, config: LossConfig
) -> tf.Tensor:
    """Chooses the background anchors that look least like background.

    Over the whole batch at once, k = negative_ratio * foreground count + batch size,
    never more than there are; anchors strictly below the k-th lowest probability stay.

    Args:
        background_probability: `[batch, anchors]`.
        targets: Of the anchors.
        config: Uses `negative_ratio`.

    Returns:
        `[batch, anchors]` bool.
    """
    background = targets.background
    # Counts are floating point: a GPU leaves small integers to the host.
    available = tf.reduce_sum(tf.cast(background, tf.float32))
    foreground = tf.reduce_sum(tf.cast(targets.foreground, tf.float32))
    available, foreground = replicas.total((available, foreground))
    batch = tf.cast(replicas.batch_size(tf.shape(background)[0]), tf.float32)
    wanted = tf.floor(config.negative_ratio * foreground) + batch
    last = tf.maximum(tf.minimum(wanted, available) - 1.0, 0.0)
    probability = tf.where(background, background_probability, 2.0)
    ascending = tf.sort(tf.reshape(replicas.gather(probability), [-1]))
    threshold = tf.gather(ascending, tf.cast(last, tf.int64))
    return tf.stop_gradient(background & (probability < threshold))


def proposal_loss(
    logits: tf.Tensor | None, targets: Targets, config: LossConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the two-class cross-entropy on foreground and mined background.

    The paper has no such term: there the overlap tells action from background.

    Args:
        logits: `[batch, anchors, 2]`, background and action; None where the network
            has no proposal classifier: the loss is 0 and nothing is mined.
        targets: Of the anchors.
        config: Uses `proposal_weight`, `negative_ratio`.

    Returns:
        The scalar loss and the mask `[batch, anchors]` of the chosen anchors.
    """
    if logits is None:
        return tf.zeros([]), targets.foreground
    logits = tf.cast(logits, tf.float32)
    hard = mine_background(tf.nn.softmax(logits)[..., 0], targets, config)
    chosen = targets.foreground | hard
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(targets.foreground, tf.int32), logits
    )
    return config.proposal_weight * masked_mean(cross_entropy, chosen), chosen


def offset_loss(
    predicted: tf.Tensor, wanted: tf.Tensor, foreground: tf.Tensor, chosen: tf.Tensor
) -> tf.Tensor:
    """Computes the smooth L1 loss of foreground anchors (Eq. 6).

    Args:
        predicted: `[batch, anchors, 2]`, offsets, or decoded centre and length.
        wanted: `[batch, anchors, 2]`, of the same kind.
        foreground: `[batch, anchors]` bool.
        chosen: `[batch, anchors]` bool, anchors of the proposal loss.

    Returns:
        Scalar: the sum over foreground anchors divided by the number of chosen ones.
    """
    distance = tf.reduce_sum(smooth_l1(predicted - wanted), axis=-1)
    total = tf.reduce_sum(distance * tf.cast(foreground, distance.dtype))
    count = replicas.total(tf.reduce_sum(tf.cast(chosen, distance.dtype)))
    return tf.math.divide_no_nan(total, count)


def overlap_loss(
    predicted: tf.Tensor, targets: Targets, config: LossConfig
) -> tf.Tensor:
    """Computes the squared error of the predicted tIoU (Eq. 7).

    Args:
        predicted: `[batch, anchors]`, between 0 and 1.
        targets: Of the anchors.
        config: Uses `overlap_weight` and `overlap_anchors`.

    Returns:
        Scalar: the mean over all anchors (`"all"`), those of pure background with a
        tIoU of 0, or over those that overlap a segment (`"matched"`), times the weight.
    """
    error = tf.square(tf.cast(predicted, tf.float32) - targets.tiou)
    if config.overlap_anchors == "all":
        return config.overlap_weight * replicas.mean(error)
    return config.overlap_weight * masked_mean(error, targets.matched)


def adversarial_masks(
    real_background: tf.Tensor, fake_background: tf.Tensor, config: LossConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns which anchors count as real and which as fake background (Eq. 8).

    Args:
        real_background: `[batch, anchors]` bool, of the untrimmed videos.
        fake_background: `[batch, anchors]` bool, of the synthetic moments.
        config: Uses `adv_mask`; `"joint"` asks for background in both paired rows.

    Returns:
        Two masks `[batch, anchors]` bool.
    """
    if config.adv_mask == "joint":
        both = real_background & fake_background
        return both, both
    return real_background, fake_background


def discriminator_losses(
    real_logits: tf.Tensor,
    fake_logits: tf.Tensor,
    real_mask: tf.Tensor,
    fake_mask: tf.Tensor,
    config: LossConfig,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the binary cross-entropies on real as 1 and on fake as 0 (Eq. 8).

    Args:
        real_logits: `[batch, anchors]`, on maps of untrimmed videos.
        fake_logits: `[batch, anchors]`, on maps of synthetic moments.
        real_mask: `[batch, anchors]` bool.
        fake_mask: `[batch, anchors]` bool.
        config: Uses `adversarial_weight`.

    Returns:
        The weighted losses on real and on fake; the discriminator's is their sum.
    """
    real = _binary_cross_entropy(real_logits, 1.0)
    fake = _binary_cross_entropy(fake_logits, 0.0)
    weight = config.adversarial_weight
    return weight * masked_mean(real, real_mask), weight * masked_mean(fake, fake_mask)


def generator_loss(
    fake_logits: tf.Tensor, fake_mask: tf.Tensor, config: LossConfig
) -> tf.Tensor:
    """Computes the non-saturating generator loss, fake taken as 1 (Eq. 8).

    Args:
        fake_logits: `[batch, anchors]`, on maps of synthetic moments.
        fake_mask: `[batch, anchors]` bool.
        config: Uses `adversarial_weight`.

    Returns:
        Scalar.
    """
    fake = _binary_cross_entropy(fake_logits, 1.0)
    return config.adversarial_weight * masked_mean(fake, fake_mask)


def _binary_cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    logits = tf.cast(logits, tf.float32)
    return tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.fill(tf.shape(logits), label), logits=logits
    )
