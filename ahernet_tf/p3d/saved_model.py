"""Exports a P3D network as a SavedModel that takes plain RGB clips."""

from __future__ import annotations

import os

import tensorflow as tf

from ahernet_tf.p3d.preprocessing import ClipNormalization
from ahernet_tf.p3d.residual_network import P3D


def export_p3d(network: P3D, path: str | os.PathLike) -> None:
    """Writes a SavedModel with one signature, `serving_default`.

    The signature's input `clips` is float32 [batch, time, height, width, channels]
    with free batch, time, height and width. Networks of three channels take RGB values
    of 0 to 255 and normalise them; networks of flow take what they were trained on.
    Its outputs are float32 `features` [batch, dim] and, with a classifier, `logits`
    [batch, classes].

    Args:
        network: A built network.
        path: The folder to write.
    """
    normalization = None
    if network.in_channels == 3:
        normalization = ClipNormalization(network.fusion, dtype=network.dtype_policy)
    shape = (None, None, None, None, network.in_channels)

    module = tf.Module()
    # The variables alone, not the model: Keras would trace and write every layer.
    module.held = tuple(
        v if isinstance(v, tf.Variable) else v.value for v in network.variables
    )

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="clips")])
    def serve(clips):
        x = clips if normalization is None else normalization(clips)
        return network(x, training=False)

    module.serve = serve
    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
