"""Convolutions with batch normalisation, and pools, of the published networks."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.p3d.clip_format import check_fusion

BATCH_NORM_EPSILON = 1e-5  # the one of the published Caffe and PyTorch weights


def _convolve(x, kernel, strides):
    """Convolves x [batch, *space, in] with kernel [*window, in, out], evenly padded."""
    window = kernel.shape[:-2]
    convolution = tf.nn.conv3d if len(window) == 3 else tf.nn.conv2d
    padding = "SAME"  # the same as even padding, but for strided windows
    is_strided = any(s > 1 and k > 1 for k, s in zip(window, strides))
    # In bfloat16, oneDNN computes a part of the kernel's gradient wrongly where the
    # window is longer than the clip and TensorFlow is left to pad.
    is_long = len(window) == 3 and window[0] > (x.shape[1] or 0)
    if is_strided or (is_long and x.dtype == tf.bfloat16):
        padding = "VALID"
        x = tf.pad(x, [[0, 0], *([k // 2, k // 2] for k in window), [0, 0]])
    return convolution(x, kernel, (1, *strides, 1), padding)


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class ConvBatchNorm(tf.keras.layers.Layer):
    """Computes BN(conv(x)): a convolution without bias and its normalisation.

    The border is padded by (kernel - 1) // 2 zeros on both sides, as Caffe and PyTorch
    do; TensorFlow's "same" would pad a strided convolution unevenly. A kernel that is
    one frame long is applied to a clip's frames as to so many images, which TensorFlow
    computes much faster than the equal convolution of a volume.

    Args:
        filters: Output channels.
        kernel_size: (time, height, width) for clips or (height, width) for images, odd
            numbers.
        strides: As kernel_size; the stride over time is 1.
        momentum: Share of the old moving statistics kept in a training step.

    Attributes:
        kernel: [*kernel_size, in_channels, filters].
        batch_norm: The Keras layer.
    """

    def __init__(self, filters, kernel_size, strides=None, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        self.filters = int(filters)
        self.kernel_size = tuple(int(k) for k in kernel_size)
        rank = len(self.kernel_size)
        self.strides = tuple(int(s) for s in strides or (1,) * rank)
        self.momentum = float(momentum)
        if (
            rank not in (2, 3)
            or len(self.strides) != rank
            or any(k % 2 == 0 for k in self.kernel_size)
            or (rank == 3 and self.strides[0] != 1)
        ):
            raise ValueError(
                "Expected kernel_size of 2 or 3 odd numbers and as many strides, the "
                f"one over time 1, received {kernel_size} and {strides}."
            )
        self.batch_norm = tf.keras.layers.BatchNormalization(
            epsilon=BATCH_NORM_EPSILON,
            momentum=self.momentum,
            dtype=self.dtype_policy,
            name="batch_norm",
        )

    def build(self, input_shape):
        """Builds the kernel and the normalisation."""
        free = (None,) * (len(self.kernel_size) + 1)
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, input_shape[-1], self.filters),
            initializer="he_normal",
            name="kernel",
        )
        self.batch_norm.build((*free, self.filters))
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Returns BN(conv(inputs)), [batch, ..., filters].

        Args:
            inputs: [batch, time, height, width, channels] or
                [batch, height, width, channels].
            training: Normalise by the batch instead of by the moving statistics.
        """
        return self.batch_norm(self._convolve(inputs), training=training)

    def _convolve(self, x):
        kernel = tf.cast(self.kernel, x.dtype)
        if len(self.kernel_size) == 2 or self.kernel_size[0] > 1:
            return _convolve(x, kernel, self.strides)
        sizes, static = tf.shape(x), x.shape
        x = tf.reshape(x, tf.concat([[-1], sizes[2:]], 0))
        x = tf.ensure_shape(x, (None, *static[2:]))
        x = _convolve(x, kernel[0], self.strides[1:])
        x = tf.reshape(x, tf.concat([sizes[:2], tf.shape(x)[1:]], 0))
        return tf.ensure_shape(x, (*static[:2], None, None, self.filters))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "momentum": self.momentum,
        }


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class P3DMaxPool(tf.keras.layers.Layer):
    """Computes a maximum over windows of a non-negative tensor, as each flavour does.

    "caffe" rounds the number of windows up and lets the last ones hang over the end;
    "torch" pads one pixel on every side of the image for windows of 3, and rounds
    down. Zeros stand for the padding, which is exact after a ReLU. The maximum is taken
    over time first and then over every frame as over an image: TensorFlow computes two
    such maxima several times faster than the equal one of a volume.

    Args:
        pool_size: (time, height, width) of a window.
        strides: (time, height, width).
        fusion: "caffe" or "torch".
    """

    def __init__(self, pool_size, strides, fusion="caffe", **kwargs):
        super().__init__(**kwargs)
        self.pool_size = tuple(int(k) for k in pool_size)
        self.strides = tuple(int(s) for s in strides)
        self.fusion = check_fusion(fusion)

    def call(self, inputs):
        """Returns the pooled [batch, time, height, width, channels]."""
        batch, time, height, width, channels = tf.unstack(tf.shape(inputs))
        x = tf.reshape(inputs, [batch, time, height * width, channels])
        x = self._pool_images(x, (0, None))
        time = tf.shape(x)[1]
        x = tf.reshape(x, [batch * time, height, width, channels])
        x = self._pool_images(x, (1, 2))
        x = tf.reshape(x, tf.concat([[batch, time], tf.shape(x)[1:]], 0))
        return tf.ensure_shape(x, (inputs.shape[0], None, None, None, inputs.shape[-1]))

    def _pool_images(self, x, axes):
        """Pools [batch, rows, columns, channels], which are these axes of the clip."""
        window, strides, border = [1, 1], [1, 1], [[0, 0], [0, 0]]
        for i, axis in enumerate(axes):
            if axis is not None:
                window[i], strides[i] = self.pool_size[axis], self.strides[axis]
                border[i] = self._border(window[i], strides[i])
        if window == strides == [1, 1]:
            return x
        padding = "VALID"
        if self.fusion == "caffe" and max(strides) <= 2 and window == strides:
            padding = "SAME"  # which is the same, and copies nothing
        elif any(map(any, border)):
            x = tf.pad(x, [[0, 0], *border, [0, 0]])
        return tf.nn.max_pool2d(x, window, strides, padding)

    def _border(self, window, stride):
        if self.fusion == "caffe":
            # One spare row at the end and rounding down is rounding up, for stride 2.
            return [0, stride - 1]
        return [(window - 1) // 2] * 2

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "fusion": self.fusion,
        }
