"""Turns RGB images of 0..255 into what each flavour's weights were trained on."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.p3d.clip_format import check_fusion

CAFFE_MEAN_BGR = (104.0, 117.0, 123.0)
TORCH_MEAN_RGB = (0.485, 0.456, 0.406)
TORCH_DEVIATION_RGB = (0.229, 0.224, 0.225)


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class ClipNormalization(tf.keras.layers.Layer):
    """Computes the network's input from RGB values of 0 to 255.

    "caffe": channels in the order B, G, R, minus (104, 117, 123), no division.
    "torch": RGB divided by 255, minus (.485, .456, .406), divided by
    (.229, .224, .225).

    Input [..., 3] of any numeric type, uint8 for instance; output [..., 3] in the
    layer's compute type.

    Args:
        fusion: "caffe" or "torch", the network's own.
    """

    def __init__(self, fusion="caffe", **kwargs):
        # Without it Keras would round whole numbers to bfloat16 before the division.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.fusion = check_fusion(fusion)

    def call(self, inputs):
        """Returns the normalised values, [..., 3].

        Raises:
            ValueError: The last axis is not 3 long.
        """
        if inputs.shape[-1] != 3:
            raise ValueError(
                f"Expected RGB images [..., 3], received {tuple(inputs.shape)}. "
                "Optical flow has no such normalisation: give it to the network as "
                "its weights were trained on it."
            )
        x = tf.cast(inputs, tf.float32)
        if self.fusion == "caffe":
            x = tf.reverse(x, [-1]) - tf.constant(CAFFE_MEAN_BGR)
        else:
            x = (x / 255.0 - tf.constant(TORCH_MEAN_RGB)) / tf.constant(
                TORCH_DEVIATION_RGB
            )
        return tf.cast(x, self.compute_dtype)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "fusion": self.fusion}
