"""Generated context, and moments surrounded by it (Eq. 2)."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution
from ahernet_tf.layers.shapes import channels_of, check_counts, check_sequences
from ahernet_tf.synthesis import MODES
from ahernet_tf.synthesis.composition import compose
from ahernet_tf.synthesis.layouts import Layout


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class ContextGenerator(tf.keras.layers.Layer):
    """Generates context from a moment: two convolutions, the second of stride 2.

    Args:
        channels: Of the hidden layer.
        activation: Of the output; `linear` for features that may be negative.
        **kwargs: Of the base layer (`name`, `dtype`).
    """

    def __init__(self, channels: int = 1024, activation: str = "relu", **kwargs):
        super().__init__(**kwargs)
        check_counts(channels=channels)
        self.channels = channels
        self.activation = activation

    def build(self, input_shape) -> None:
        """Builds both convolutions for moments `[batch, time, channels]`."""
        self.hidden = TemporalConvolution(
            self.channels,
            activation="relu",
            name=f"{self.name}_hidden",
            dtype=self.dtype_policy,
        )
        self.output_layer = TemporalConvolution(
            channels_of(input_shape),
            stride=2,
            activation=self.activation,
            name=f"{self.name}_output",
            dtype=self.dtype_policy,
        )
        self.hidden.build(input_shape)
        self.output_layer.build((*input_shape[:-1], self.channels))
        super().build(input_shape)

    def call(self, moments: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, time, channels]` to `[batch, ceil(time / 2), channels]`."""
        return self.output_layer(self.hidden(moments))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "channels": self.channels,
            "activation": self.activation,
        }


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class SyntheticMoments(tf.keras.layers.Layer):
    """Surrounds action moments with generated context (section 3.3).

    Args:
        steps: Length of the synthetic sequences.
        mode: Way to surround the moments, one of `synthesis.MODES`.
        legacy_synthetic_gt: See `synthesis.single`.
        channels: Hidden channels of the generators.
        activation: Of the generators' output.
        **kwargs: Of the base layer (`name`, `dtype`).

    Raises:
        ValueError: The mode has no such name.
    """

    def __init__(
        self,
        steps: int = 512,
        mode: str = "single",
        legacy_synthetic_gt: bool = False,
        channels: int = 1024,
        activation: str = "relu",
        **kwargs,
    ):
        # Without autocast: a draw in a lower precision would move the moments.
        super().__init__(autocast=False, **kwargs)
        if mode not in MODES:
            raise ValueError(f"Expected a mode of {list(MODES)}, received {mode}.")
        check_counts(steps=steps)
        self.steps = steps
        self.mode = mode
        self.legacy_synthetic_gt = legacy_synthetic_gt
        self.channels = channels
        self.activation = activation
        self.start_generator = ContextGenerator(
            channels, activation, name="start", dtype=self.dtype_policy
        )
        self.end_generator = ContextGenerator(
            channels, activation, name="end", dtype=self.dtype_policy
        )

    def build(self, input_shape) -> None:
        """Builds the generators for moments `[batch, time, channels]`."""
        self.channels_of_moments = channels_of(input_shape)
        self.start_generator.build(input_shape)
        self.end_generator.build(input_shape)
        super().build(input_shape)

    def layout(self, draw: Mapping[str, tf.Tensor]) -> Layout:
        """Returns where each step comes from; see the files of `synthesis`.

        Args:
            draw: The batch: the `label` of each moment and what the mode drew; see its
                `draw`.
        """
        return MODES[self.mode].layout(draw, self.steps, self.legacy_synthetic_gt)

    def call(self, moments: tf.Tensor, draw: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Generates contexts and composes the sequences.

        Args:
            moments: `[batch, time, channels]`.
            draw: See `layout`.

        Returns:
            `[batch, steps, channels]`.
        """
        moments = check_sequences(moments, self.channels_of_moments)
        moments = tf.cast(moments, self.compute_dtype)
        if MODES[self.mode].uses_generators:
            start, end = self.start_generator(moments), self.end_generator(moments)
        else:
            end = moments[:, :0]
            start = tf.cast(draw.get("context", end), self.compute_dtype)
        return compose(start, end, moments, self.layout(draw))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return super().get_config() | {
            "steps": self.steps,
            "mode": self.mode,
            "legacy_synthetic_gt": self.legacy_synthetic_gt,
            "channels": self.channels,
            "activation": self.activation,
        }
