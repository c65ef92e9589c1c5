"""Our generator and discriminator in a GAN of your own.

    python examples/generator_in_a_gan.py

`ContextGenerator` makes the context of a moment from the moment (Eq. 2),
`Discriminator` tells real from generated context, an anchor at a time (Eq. 8), from
whatever maps it is given: here those of one convolution. Around them stands a plain
Keras model with two optimizers. The data are made up: real context has a level of its
own in every channel, which the generator never sees.
"""

import numpy as np
import tensorflow as tf

from ahernet_tf.layers import ContextGenerator, Discriminator

CHANNELS, STEPS = 8, 32
LEVELS = np.linspace(-2, 2, CHANNELS)


class ContextGan(tf.keras.Model):
    """Learns to generate the context that follows a moment."""

    def __init__(self):
        super().__init__()
        self.generator = ContextGenerator(channels=64, activation="linear")
        maps = tf.keras.layers.Conv1D(32, 3, padding="same", activation="relu")
        contexts = tf.keras.Input([STEPS // 2, CHANNELS])
        self.discriminator = tf.keras.Model(
            contexts, Discriminator(levels=1, ratios=1)([maps(contexts)])
        )
        self.entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        self.players = [tf.keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2)]
        self.generator.build((None, STEPS, CHANNELS))

    def call(self, moments: tf.Tensor) -> tf.Tensor:
        """Returns the context of moments, `[batch, time / 2, channels]`."""
        return self.generator(moments)

    def train_step(self, data: tuple) -> dict:
        """Lets the discriminator play, then the generator."""
        moments, contexts = data
        with tf.GradientTape() as tape:
            real = self.discriminator(contexts)
            fake = self.discriminator(self.generator(moments))
            loss = self.entropy(tf.ones_like(real), real)
            loss += self.entropy(tf.zeros_like(fake), fake)
        self._update(0, tape, loss, self.discriminator)
        with tf.GradientTape() as tape:
            fake = self.discriminator(self.generator(moments))
            fooled = self.entropy(tf.ones_like(fake), fake)
        self._update(1, tape, fooled, self.generator)
        return {"discriminator": loss, "generator": fooled}

    def _update(self, player: int, tape: tf.GradientTape, loss: tf.Tensor, layer):
        variables = layer.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.players[player].apply_gradients(zip(gradients, variables))


def made_up(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns moments, and contexts as they are in real videos."""
    random = np.random.default_rng(seed)
    moments = random.normal(size=(count, STEPS, CHANNELS))
    contexts = LEVELS + 0.5 * random.normal(size=(count, STEPS // 2, CHANNELS))
    return moments.astype(np.float32), contexts.astype(np.float32)


def main(epochs: int = 30) -> tuple[float, float]:
    """Plays; returns how far generated levels are from real ones, before and after."""
    tf.keras.utils.set_random_seed(0)
    gan = ContextGan()
    gan.compile(jit_compile=False)
    moments, contexts = made_up(256)

    def distance() -> float:
        generated = gan(moments).numpy().mean(axis=(0, 1))
        return float(np.abs(generated - contexts.mean(axis=(0, 1))).mean())

    before = distance()
    gan.fit(moments, contexts, batch_size=32, epochs=epochs, verbose=0)
    after = distance()
    print(f"Generated context is off by {before:.2f} before, by {after:.2f} after.")
    return before, after


if __name__ == "__main__":
    main()
