"""Generated context, and the composition of synthetic moments (Eq. 2)."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from ahernet_tf.layers.convolution import TemporalConvolution
from ahernet_tf.synthesis.layouts import (
    Layout,
    single_layout,
    tiled_layout,
    transplanted_layout,
    whole_layout,
)

MODES = ("single", "tiled", "transplanted", "whole")


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
        self.channels = channels
        self.activation = activation

    def build(self, input_shape) -> None:
        """Builds both convolutions for moments `[batch, time, channels]`."""
        self.hidden = TemporalConvolution(
            self.channels, activation="relu", name="hidden", dtype=self.dtype_policy
        )
        self.output_layer = TemporalConvolution(
            input_shape[-1],
            stride=2,
            activation=self.activation,
            name="output",
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


def compose(
    start: tf.Tensor, end: tf.Tensor, moments: tf.Tensor, layout: Layout
) -> tf.Tensor:
    """Composes synthetic sequences: every part resized in time to its place.

    Resizing is TensorFlow 1's bilinear form without corner alignment: step k of a part
    of `length` steps reads the source at k * size / length, the upper neighbour
    clamped to the last step.

    Args:
        start: Generated start contexts, `[batch, context_steps, channels]`.
        end: Generated end contexts, likewise.
        moments: `[batch, moment_steps, channels]`.
        layout: Where every step comes from.

    Returns:
        `[batch, steps, channels]`; differentiable in the contexts and the moments.
    """
    contexts = tf.concat([start, end], axis=1)
    sizes = [start.shape[1], end.shape[1], moments.shape[1]]
    size = tf.gather(tf.constant(sizes, tf.int32), layout.part)
    scale = tf.cast(size, tf.float32) / tf.cast(layout.length, tf.float32)
    source = tf.cast(layout.offset, tf.float32) * scale
    lower = tf.minimum(tf.cast(tf.floor(source), tf.int32), size - 1)
    upper = tf.minimum(lower + 1, size - 1)
    weight = tf.cast(source - tf.floor(source), moments.dtype)[..., tf.newaxis]
    # All contexts lie before all moments.
    firsts = [0, sizes[0], tf.shape(contexts)[0] * contexts.shape[1]]
    periods = tf.constant([contexts.shape[1], contexts.shape[1], sizes[2]], tf.int32)
    first = layout.row * tf.gather(periods, layout.part)
    first += tf.gather(tf.stack(firsts), layout.part)
    channels = moments.shape[-1]
    return _between(
        tf.reshape(contexts, [-1, channels]),
        tf.reshape(moments, [-1, channels]),
        first + lower,
        first + upper,
        weight,
    )


def _between(
    contexts: tf.Tensor,
    moments: tf.Tensor,
    lower: tf.Tensor,
    upper: tf.Tensor,
    weight: tf.Tensor,
) -> tf.Tensor:
    """Interpolates between rows of contexts and moments, laid below each other.

    TensorFlow's own gradient would lay those of the lower and the upper rows below each
    other, and not be able to leave the moments out.

    Args:
        contexts: `[count, channels]`.
        moments: Likewise.
        lower: `[batch, steps]` int32, numbers of rows.
        upper: Likewise.
        weight: `[batch, steps, 1]`, of the upper row.

    Returns:
        `[batch, steps, channels]`; differentiable in contexts and moments.
    """
    counts = tf.shape(contexts)[0], tf.shape(moments)[0]

    @tf.custom_gradient
    def interpolate(contexts, moments):
        rows = tf.concat([contexts, moments], axis=0)
        low, high = tf.gather(rows, lower), tf.gather(rows, upper)

        def gradient(upstream):
            def of_rows(begin: tf.Tensor | int, count: tf.Tensor) -> tf.Tensor:
                """Sums up what reaches the rows from `begin` on."""

                def sums(values: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
                    # Numbers below 0 are left out.
                    numbers = tf.where(numbers < begin + count, numbers - begin, -1)
                    return tf.math.unsorted_segment_sum(values, numbers, count)

                of_high = upstream * weight
                high_sums = sums(of_high, upper)
                with tf.control_dependencies([high_sums]):  # one at a time in memory
                    of_low = upstream - of_high
                return high_sums + sums(of_low, lower)

            return of_rows(0, counts[0]), of_rows(counts[0], counts[1])

        return low + (high - low) * weight, gradient

    return interpolate(contexts, moments)


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class SyntheticMoments(tf.keras.layers.Layer):
    """Surrounds action moments with generated context (section 3.3).

    Args:
        steps: Length of the synthetic sequences.
        mode: `single`, `tiled`, `transplanted` (amid real background) or `whole` (no
            context).
        legacy_synthetic_gt: See `single_layout`.
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
            raise ValueError(f"Expected a mode of {MODES}, received {mode}.")
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
        self.start_generator.build(input_shape)
        self.end_generator.build(input_shape)
        super().build(input_shape)

    def layout(self, draw: Mapping[str, tf.Tensor]) -> Layout:
        """Returns where each step comes from; see `single_layout`, `tiled_layout`.

        Args:
            draw: The random draw that travels in the batch: `length_ratio`,
                `position`, `inside_start`; or `segments`, `segment_mask`,
                `source_row`, and for "transplanted" `context_step` and `context`; or
                nothing but the `label` of each moment. Or the `layout` itself.
        """
        if "layout" in draw:
            return draw["layout"]
        if self.mode == "whole":
            return whole_layout(tf.shape(draw["label"])[0], self.steps)
        if self.mode == "single":
            return single_layout(
                draw["length_ratio"],
                draw["position"],
                draw["inside_start"],
                self.steps,
                self.legacy_synthetic_gt,
            )
        tiles = (draw["segments"], draw["segment_mask"], draw["source_row"])
        if self.mode == "transplanted":
            return transplanted_layout(*tiles, draw["context_step"], self.steps)
        return tiled_layout(*tiles, self.steps)

    def call(self, moments: tf.Tensor, draw: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Generates contexts and composes the sequences.

        Args:
            moments: `[batch, time, channels]`.
            draw: See `layout`.

        Returns:
            `[batch, steps, channels]`.
        """
        return self.surround(moments, draw, *self.contexts(moments, draw))

    def contexts(
        self, moments: tf.Tensor, draw: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the start and the end contexts, generated or of the draw.

        Args:
            moments: As in `call`.
            draw: Likewise.

        Returns:
            Two of `[batch, context_steps, channels]`; without steps, where there are
            none.
        """
        moments = tf.cast(moments, self.compute_dtype)
        if self.mode in ("transplanted", "whole"):
            nothing = moments[:, :0]
            return tf.cast(draw.get("context", nothing), self.compute_dtype), nothing
        return self.start_generator(moments), self.end_generator(moments)

    def surround(
        self,
        moments: tf.Tensor,
        draw: Mapping[str, tf.Tensor],
        start: tf.Tensor,
        end: tf.Tensor,
    ) -> tf.Tensor:
        """Composes the sequences, as `call` does.

        Args:
            moments: As in `call`.
            draw: Likewise.
            start: As `contexts` returns it.
            end: Likewise.
        """
        moments = tf.cast(moments, self.compute_dtype)
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
