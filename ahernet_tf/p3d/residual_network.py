"""The Pseudo-3D residual network as a Keras model: a clip in, 2048 numbers out."""

from __future__ import annotations

import tensorflow as tf

from ahernet_tf.p3d.blocks import BLOCK_KINDS, ImageBottleneck, P3DBottleneck
from ahernet_tf.p3d.clip_format import check_fusion
from ahernet_tf.p3d.convolution_layers import ConvBatchNorm, P3DMaxPool

P3D_199_DEPTHS = (3, 8, 36, 3)
STAGES = ("res2", "res3", "res4", "res5")


@tf.keras.utils.register_keras_serializable(package="ahernet_tf")
class P3D(tf.keras.Model):
    """Computes the features and class logits of video clips.

    With the default arguments this is P3D-199: 202 convolutions and 65,672,640
    trainable numbers, the classifier aside. Input is a normalised clip
    [batch, 16, 160, 160, 3] (see `ClipNormalization`); other sizes work too: clips are
    halved five times in space and four times in time, and "torch", which rounds down,
    needs at least 16 frames.

    ======  ==============================================  ======================
    stage   operation                                       time, height, width, ch.
    ======  ==============================================  ======================
    stem    1x7x7 stride (1,2,2), BN, ReLU                  16, 80, 80, 64
    pool1   max 2x3x3, stride 2                             8, 40, 40, 64
    res2    3 blocks; then max 2x1x1, stride (2,1,1)        4, 40, 40, 256
    res3    8 blocks, first (1,2,2); then the same pool     2, 20, 20, 512
    res4    36 blocks, first (1,2,2); then the same pool    1, 10, 10, 1024
    res5    3 two-dimensional blocks, first stride 2        5, 5, 2048
    mean    over everything that is left                    2048
    ======  ==============================================  ======================

    The blocks of res2, res3 and res4 are of kind A, B, C, A, ... in one running count.

    Args:
        depths: Blocks of res2, res3, res4 and res5.
        fusion: "caffe" (the authors' network) or "torch" (the PyTorch port). The two
            are different networks: weights of one give wrong numbers in the other.
        classes: Outputs of the classifier; None leaves it and `logits` away.
        in_channels: 3 for RGB (or BGR) images, 2 for optical flow.
        base_channels: Channels of the stem; features have 32 times as many.
        dropout: Share of the features dropped before the classifier in training.
        momentum: Of the batch normalisations.

    `call` returns a dict of float32 tensors:
        features: [batch, 32 * base_channels], the global average after res5.
        logits: [batch, classes], unless `classes` is None.

    Source: the P3D paper, section 4; the clip features of section 4.1 of the AherNet
    paper.
    """

    def __init__(
        self,
        depths=P3D_199_DEPTHS,
        fusion="caffe",
        classes=None,
        in_channels=3,
        base_channels=64,
        dropout=0.5,
        momentum=0.9,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.depths = tuple(int(depth) for depth in depths)
        if len(self.depths) != 4 or min(self.depths) < 1:
            raise ValueError(
                f"Expected depths of 4 numbers of at least 1, received {depths}."
            )
        self.fusion = check_fusion(fusion)
        self.classes = None if classes is None else int(classes)
        self.in_channels = int(in_channels)
        self.base_channels = int(base_channels)
        self.dropout_rate = float(dropout)
        self.momentum = float(momentum)
        for name, value, least in (
            ("classes", 1 if classes is None else self.classes, 1),
            ("in_channels", self.in_channels, 1),
            ("base_channels", self.base_channels, 1),
        ):
            if value < least:
                raise ValueError(f"Expected {name} of at least {least}, got {value}.")

        shared = {"momentum": self.momentum, "dtype": self.dtype_policy}
        self.stem = ConvBatchNorm(
            self.base_channels, (1, 7, 7), (1, 2, 2), name="stem", **shared
        )
        self.pool1 = self._pool("pool1", (2, 3, 3), (2, 2, 2))
        self.pool2 = self._pool("pool2", (2, 1, 1), (2, 1, 1))
        self.pool3 = self._pool("pool3", (2, 1, 1), (2, 1, 1))
        self.pool4 = self._pool("pool4", (2, 1, 1), (2, 1, 1))
        self.res2 = self._p3d_stage(0, shared)
        self.res3 = self._p3d_stage(1, shared)
        self.res4 = self._p3d_stage(2, shared)
        self.res5 = tuple(
            ImageBottleneck(
                8 * self.base_channels,
                strides=(2, 2) if i == 0 else (1, 1),
                project_shortcut=i == 0,
                name=f"res5_{i}",
                **shared,
            )
            for i in range(self.depths[3])
        )
        self.dropout = tf.keras.layers.Dropout(
            self.dropout_rate, dtype=self.dtype_policy, name="dropout"
        )
        self.classifier = None
        if self.classes is not None:
            self.classifier = tf.keras.layers.Dense(
                self.classes, dtype=self.dtype_policy, name="classifier"
            )

    def _pool(self, name, pool_size, strides):
        return P3DMaxPool(
            pool_size, strides, self.fusion, dtype=self.dtype_policy, name=name
        )

    def _p3d_stage(self, stage, shared):
        blocks_before = sum(self.depths[:stage])
        return tuple(
            P3DBottleneck(
                self.base_channels * 2**stage,
                kind=BLOCK_KINDS[(blocks_before + i) % len(BLOCK_KINDS)],
                fusion=self.fusion,
                strides=(1, 2, 2) if i == 0 and stage > 0 else (1, 1, 1),
                project_shortcut=i == 0,
                name=f"{STAGES[stage]}_{i}",
                **shared,
            )
            for i in range(self.depths[stage])
        )

    @property
    def feature_dim(self) -> int:
        """Length of a clip's feature."""
        return 32 * self.base_channels

    def build(self, input_shape):
        """Builds every layer.

        Raises:
            ValueError: The input is no [batch, time, height, width, in_channels], or
                "torch" is given fewer than 16 frames.
        """
        shape = tuple(input_shape)
        if len(shape) != 5 or shape[-1] != self.in_channels:
            raise ValueError(
                f"Expected clips [batch, time, height, width, {self.in_channels}], "
                f"received {shape}."
            )
        if self.fusion == "torch" and shape[1] is not None and shape[1] < 16:
            raise ValueError(
                f'fusion="torch" needs clips of at least 16 frames, received {shape}.'
            )
        self.stem.build(shape)
        channels = self.base_channels
        for stage, blocks in enumerate((self.res2, self.res3, self.res4, self.res5)):
            free = (None,) * (3 if stage == 3 else 4)
            for block in blocks:
                block.build((*free, channels))
                channels = 4 * self.base_channels * 2**stage
        if self.classifier is not None:
            self.classifier.build((None, self.feature_dim))
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Returns {"features": [batch, dim], "logits": [batch, classes]} in float32.

        Args:
            inputs: Normalised clips [batch, time, height, width, in_channels].
            training: Normalise by the batch and drop features. Leave it False to
                extract features: batch normalisation is then frozen.
        """
        x = tf.cast(inputs, self.compute_dtype)
        x = self.pool1(tf.nn.relu(self.stem(x, training=training)))
        for blocks, pool in (
            (self.res2, self.pool2),
            (self.res3, self.pool3),
            (self.res4, self.pool4),
        ):
            for block in blocks:
                x = block(x, training=training)
            x = pool(x)
        # One time step is left of 16 frames; more are treated as so many images.
        sizes = tf.shape(x)
        x = tf.reshape(
            x, tf.concat([[sizes[0] * sizes[1]], sizes[2:4], [x.shape[-1]]], 0)
        )
        for block in self.res5:
            x = block(x, training=training)
        x = tf.reduce_mean(tf.cast(x, tf.float32), axis=[1, 2])
        features = tf.reduce_mean(
            tf.reshape(x, [sizes[0], sizes[1], self.feature_dim]), axis=1
        )
        outputs = {"features": features}
        if self.classifier is not None:
            kept = self.dropout(features, training=training)
            outputs["logits"] = tf.cast(self.classifier(kept), tf.float32)
        return outputs

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.name,
            "depths": self.depths,
            "fusion": self.fusion,
            "classes": self.classes,
            "in_channels": self.in_channels,
            "base_channels": self.base_channels,
            "dropout": self.dropout_rate,
            "momentum": self.momentum,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Returns the network that `get_config` describes."""
        del custom_objects  # every layer inside is made by the constructor
        return cls(**config)


def convolution_units(network: P3D) -> dict[str, ConvBatchNorm]:
    """Returns every convolution with its normalisation under a stable name.

    The names are "stem" and "<stage>/<block>/<part>", for instance
    "res3/0/temporal", with the parts reduce, spatial, temporal, expand, shortcut.

    Args:
        network: The network; it need not be built.
    """
    units = {"stem": network.stem}
    for stage in STAGES:
        for i, block in enumerate(getattr(network, stage)):
            for part in ("reduce", "spatial", "temporal", "expand", "shortcut"):
                unit = getattr(block, part, None)
                if unit is not None:
                    units[f"{stage}/{i}/{part}"] = unit
    return units


def named_variables(network: P3D) -> dict:
    """Returns every variable of a built network under a stable name.

    The names are those of `convolution_units` with /kernel, /gamma, /beta,
    /moving_mean or /moving_variance, and classifier/kernel and classifier/bias. They
    depend on no version of Keras.
    """
    variables = {}
    for name, unit in convolution_units(network).items():
        variables[f"{name}/kernel"] = unit.kernel
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            variables[f"{name}/{part}"] = getattr(unit.batch_norm, part)
    if network.classifier is not None:
        variables["classifier/kernel"] = network.classifier.kernel
        variables["classifier/bias"] = network.classifier.bias
    return variables


def freeze_batch_norm(network: P3D) -> P3D:
    """Freezes every batch normalisation, for fine-tuning with small batches.

    Scale, shift and statistics then keep their values and the statistics are used in
    training too. Returns the network.
    """
    for unit in convolution_units(network).values():
        unit.batch_norm.trainable = False
    return network
