"""Our heads, anchors and losses on a transformer encoder of your own.

    python examples/heads_on_a_transformer.py

Any network that gives one map `[batch, cells, channels]` per level, each half as long
as the one before, can bear them: here a small transformer and strided pooling. It
learns to localise actions in made-up features, whatever their class.
"""

import numpy as np
import tensorflow as tf

from ahernet_tf import losses
from ahernet_tf.anchors import grid, offset_coding, target_matching
from ahernet_tf.anchors import segments as segment_ops
from ahernet_tf.config import LossConfig
from ahernet_tf.layers import PyramidHead

CHANNELS, STEPS, LEVELS, RATIOS = 8, 64, 3, (1.0, 1.5)
LOSSES = LossConfig(foreground_tiou=0.5, background_tiou=0.3)


def encoder(width: int = 32) -> tf.keras.Model:
    """A transformer of one block; maps of 1 / 2, 1 / 4, ... of the steps."""
    keras = tf.keras.layers
    features = tf.keras.Input([STEPS, CHANNELS])
    x = keras.Conv1D(width, 3, padding="same", activation="relu")(features)
    attended = keras.MultiHeadAttention(num_heads=4, key_dim=8)(x, x)
    x = keras.LayerNormalization()(x + attended)
    x = keras.LayerNormalization()(x + keras.Dense(width, activation="relu")(x))
    maps = []
    cells = grid.cells_per_level(STEPS, LEVELS)
    for count in cells:
        while x.shape[1] > count:
            x = keras.Conv1D(width, 3, strides=2, padding="same", activation="relu")(x)
        maps.append(x)
    return tf.keras.Model(features, PyramidHead(LEVELS, len(RATIOS))(maps))


def made_up(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns features, and the one action `[count, 1, 2]` of each, in steps."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, STEPS, CHANNELS)).astype(np.float32)
    length = random.integers(12, 30, size=count)
    start = random.integers(0, STEPS - length)
    for row, (first, steps) in enumerate(zip(start, length)):
        features[row, first : first + steps, :3] += 2
    segments = np.stack([start, start + length], axis=-1)[:, np.newaxis]
    return features, segments.astype(np.float32)


def main(iterations: int = 80) -> float:
    """Trains; returns the mean tIoU of the best anchor with the action."""
    tf.keras.utils.set_random_seed(0)
    model, anchors = encoder(), tf.constant(grid.grid(STEPS, LEVELS, RATIOS))
    optimizer = tf.keras.optimizers.Adam(2e-3)

    @tf.function
    def step(features: tf.Tensor, segments: tf.Tensor) -> tf.Tensor:
        ones = tf.ones(tf.shape(segments)[:2], tf.int32)
        targets = target_matching.match(
            anchors,
            segments,
            ones > 0,
            ones,
            steps=STEPS,
            foreground_tiou=LOSSES.foreground_tiou,
            background_tiou=LOSSES.background_tiou,
        )
        with tf.GradientTape() as tape:
            found = model(features, training=True)
            loss = losses.overlap_loss(found["overlap"], targets, LOSSES)
            own = targets.foreground
            loss += losses.offset_loss(found["offsets"], targets.offsets, own, own)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    features, segments = made_up(1024)
    for iteration in range(iterations):
        rows = np.arange(iteration * 32, iteration * 32 + 32) % len(features)
        step(tf.constant(features[rows]), tf.constant(segments[rows]))

    features, segments = made_up(64, seed=1)
    found = model(features)
    decoded = segment_ops.to_start_end(offset_coding.decode(found["offsets"], anchors))
    best = tf.argmax(found["overlap"], axis=-1)
    chosen = tf.gather(decoded, best, batch_dims=1)[:, tf.newaxis]
    tiou = float(tf.reduce_mean(segment_ops.pairwise_tiou(chosen, segments)))
    print(f"The likeliest anchor overlaps the action by {tiou:.0%} on average.")
    return tiou


if __name__ == "__main__":
    main()
