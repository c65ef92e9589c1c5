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
from ahernet_tf.p3d.convolution_layers import ConvBatchNorm

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
        x: Input of S and, in a B block, of T, [batch, time, height, width, channels].
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
        channels: Channels between the two 1x1x1 convolutions.
        kind: "A", "B" or "C"; see `combine_spatial_temporal`.
        fusion: "caffe" or "torch".
        strides: (time, height, width) of the first convolution and the shortcut.
        project_shortcut: Give the shortcut a convolution; needed where the number of
            channels or the size changes.
        momentum: Of the batch normalisations.

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
        channels: Channels between the two 1x1 convolutions.
        strides: (height, width) of the first convolution and the shortcut.
        project_shortcut: Give the shortcut a convolution.
        momentum: Of the batch normalisations.

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
