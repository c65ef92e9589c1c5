"""The layers of the Pseudo-3D residual network.

A 3x3x3 convolution is replaced by S, a 1x3x3 convolution over space, and T, a 3x1x1
convolution over time. Blocks A, B and C combine them one after the other, side by
side, and both. Two published networks differ in where the ReLU stands (`fusion`).

Source: Qiu, Yao and Mei, "Learning Spatio-Temporal Representation with Pseudo-3D
Residual Networks", ICCV 2017, section 3.2, figure 3.
"""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.p3d.clip_format import check_fusion

BATCH_NORM_EPSILON = 1e-5  # the one of the published Caffe and PyTorch weights
BLOCK_KINDS = "ABC"


def combine_spatial_temporal(kind: str, fusion: str, x, spatial, temporal):
    """Computes what a Pseudo-3D block makes of x with its S and T.

    With s = relu(S x):

    ===== ============================ ====================
    kind  caffe                        torch
    ===== ============================ ====================
    A     relu(T s)                    relu(T s)
    B     relu(s + T x)                s + relu(T x)
    C     relu(0.5 s + 0.5 T s)        s + relu(T s)
    ===== ============================ ====================

    Args:
        kind: "A", "B" or "C".
        fusion: "caffe", the authors' network, or "torch", its PyTorch port.
        x: input of S and, in a B block, of T, [batch, time, height, width, channels].
        spatial: S with its batch normalisation, a function of one tensor.
        temporal: T with its batch normalisation, a function of one tensor.

    Returns:
        Non-negative tensor of the shape of x.
    """
    s = tf.nn.relu(spatial(x))
    t = temporal(x if kind == "B" else s)
    if kind == "A":
        return tf.nn.relu(t)
    if fusion == "torch":
        return s + tf.nn.relu(t)
    if kind == "B":
        return tf.nn.relu(s + t)
    return tf.nn.relu(0.5 * s + 0.5 * t)


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
        filters: output channels.
        kernel_size: (time, height, width) for clips or (height, width) for images, odd
            numbers.
        strides: as kernel_size; the stride over time is 1.
        momentum: share of the old moving statistics kept in a training step.

    Attributes:
        kernel: [*kernel_size, in_channels, filters].
        batch_norm: the Keras layer.
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
            training: normalise by the batch instead of by the moving statistics.
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


class _Bottleneck(tf.keras.layers.Layer):
    """Holds what both bottlenecks share: reduce, a middle, expand, a shortcut.

    The block computes relu(expand(middle(relu(reduce x))) + shortcut), the shortcut
    being x itself unless `project_shortcut`.
    """

    rank = 3

    def __init__(
        self, channels, strides=None, project_shortcut=False, momentum=0.9, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels = int(channels)
        self.strides = tuple(int(s) for s in strides or (1,) * self.rank)
        self.project_shortcut = bool(project_shortcut)
        self.momentum = float(momentum)
        one = (1,) * self.rank
        self.reduce = self._unit("reduce", self.channels, one, self.strides)
        self.expand = self._unit("expand", 4 * self.channels, one)
        self.shortcut = (
            self._unit("shortcut", 4 * self.channels, one, self.strides)
            if self.project_shortcut
            else None
        )

    def _unit(self, name, filters, kernel_size, strides=None):
        return ConvBatchNorm(
            filters,
            kernel_size,
            strides,
            momentum=self.momentum,
            dtype=self.dtype_policy,
            name=name,
        )

    def _middle_units(self):
        raise NotImplementedError

    def _middle(self, x, training):
        raise NotImplementedError

    def build(self, input_shape):
        """Builds every convolution of the block."""
        in_channels = input_shape[-1]
        if not self.project_shortcut and in_channels != 4 * self.channels:
            raise ValueError(
                f"{self.name}: without project_shortcut the input needs "
                f"{4 * self.channels} channels, received {in_channels}."
            )
        free = (None,) * (self.rank + 1)
        self.reduce.build((*free, in_channels))
        for unit in self._middle_units():
            unit.build((*free, self.channels))
        self.expand.build((*free, self.channels))
        if self.shortcut is not None:
            self.shortcut.build((*free, in_channels))
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Returns the block's output, [batch, ..., 4 * channels]."""
        x = tf.nn.relu(self.reduce(inputs, training=training))
        x = self.expand(self._middle(x, training), training=training)
        shortcut = inputs
        if self.shortcut is not None:
            shortcut = self.shortcut(inputs, training=training)
        return tf.nn.relu(x + shortcut)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "strides": self.strides,
            "project_shortcut": self.project_shortcut,
            "momentum": self.momentum,
        }


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class P3DBottleneck(_Bottleneck):
    """Computes one residual Pseudo-3D block: 1x1x1, S and T combined, 1x1x1, shortcut.

    Input [batch, time, height, width, in_channels]; output the same with 4 * channels,
    divided by the strides (rounded up).

    Args:
        channels: channels between the two 1x1x1 convolutions.
        kind: "A", "B" or "C"; see `combine_spatial_temporal`.
        fusion: "caffe" or "torch".
        strides: (time, height, width) of the first convolution and the shortcut.
        project_shortcut: give the shortcut a convolution; needed where the number of
            channels or the size changes.
        momentum: of the batch normalisations.

    Source: the P3D paper, figure 3.
    """

    def __init__(self, channels, kind="A", fusion="caffe", **kwargs):
        super().__init__(channels, **kwargs)
        if kind not in tuple(BLOCK_KINDS):
            raise ValueError(f'Expected kind "A", "B" or "C", received {kind!r}.')
        self.kind = kind
        self.fusion = check_fusion(fusion)
        self.spatial = self._unit("spatial", self.channels, (1, 3, 3))
        self.temporal = self._unit("temporal", self.channels, (3, 1, 1))

    def _middle_units(self):
        return self.spatial, self.temporal

    def _middle(self, x, training):
        return combine_spatial_temporal(
            self.kind,
            self.fusion,
            x,
            lambda y: self.spatial(y, training=training),
            lambda y: self.temporal(y, training=training),
        )

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "kind": self.kind, "fusion": self.fusion}


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class ImageBottleneck(_Bottleneck):
    """Computes one two-dimensional residual block: 1x1, 3x3, 1x1, shortcut.

    Input [batch, height, width, in_channels]; output the same with 4 * channels,
    divided by the strides (rounded up).

    Args:
        channels: channels between the two 1x1 convolutions.
        strides: (height, width) of the first convolution and the shortcut.
        project_shortcut: give the shortcut a convolution.
        momentum: of the batch normalisations.

    Source: the last stage of the P3D network, where one time step is left.
    """

    rank = 2

    def __init__(self, channels, **kwargs):
        super().__init__(channels, **kwargs)
        self.spatial = self._unit("spatial", self.channels, (3, 3))

    def _middle_units(self):
        return (self.spatial,)

    def _middle(self, x, training):
        return tf.nn.relu(self.spatial(x, training=training))


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
