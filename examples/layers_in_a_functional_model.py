"""The layers in a functional Keras model: moments teach the classes, anchors find them.

    python examples/layers_in_a_functional_model.py

Two inputs share a backbone. Trimmed moments train a segment classifier (Eq. 4); its
weights, transferred (Eq. 1), classify every cell of untrimmed sequences. The model is
compiled, trained with `fit`, saved and loaded as any other. The data are made up: a
class is a channel that is high while it lasts.
"""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from ahernet_tf.layers import (
    AnchorClassifier,
    Backbone,
    PyramidHead,
    SegmentClassifier,
    WeightTransfer,
)

CHANNELS, CLASSES, STEPS = 16, 4, 128
LEVELS = (32, 32, 32)


def build() -> tf.keras.Model:
    """Composes the model; its outputs are named."""
    backbone = Backbone((32, 32), LEVELS, name="backbone")
    classifier = SegmentClassifier(CLASSES, name="segment_classifier")
    moments = tf.keras.Input([STEPS // 2, CHANNELS], name="moments")
    videos = tf.keras.Input([STEPS, CHANNELS], name="videos")
    by_level = classifier(backbone(moments))  # [levels, batch, classes]
    video_maps = backbone(videos)
    anchor_classifier = AnchorClassifier(classifier, WeightTransfer(len(LEVELS)))
    outputs = {
        "moment": tf.keras.layers.Lambda(
            lambda logits: tf.reduce_mean(logits, axis=0), output_shape=(CLASSES,)
        )(by_level),
        "cells": anchor_classifier(video_maps),
        **PyramidHead(len(LEVELS), name="head")(video_maps),
    }
    return tf.keras.Model({"moments": moments, "videos": videos}, outputs)


def made_up(count: int, seed: int = 0) -> tuple[dict, np.ndarray]:
    """Returns moments and videos whose first half shows the same class."""
    random = np.random.default_rng(seed)
    labels = random.integers(CLASSES, size=count)
    moments = random.normal(size=(count, STEPS // 2, CHANNELS)).astype(np.float32)
    videos = random.normal(size=(count, STEPS, CHANNELS)).astype(np.float32)
    for row, label in enumerate(labels):
        moments[row, :, label] += 3
        videos[row, : STEPS // 2, label] += 3
    return {"moments": moments, "videos": videos}, labels


def main(epochs: int = 3) -> float:
    """Trains on labels of moments alone; returns how many cells are classified well."""
    tf.keras.utils.set_random_seed(0)
    model = build()
    inputs, labels = made_up(256)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    training = tf.keras.Model(model.inputs, model.output["moment"])
    training.compile(tf.keras.optimizers.Adam(3e-3), loss)
    training.fit(inputs, labels, batch_size=32, epochs=epochs, verbose=0)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "weights.weights.h5"
        model.save_weights(path)
        model = build()
        model.load_weights(path)
    inputs, labels = made_up(64, seed=1)
    cells = model.predict(inputs, verbose=0)["cells"].argmax(axis=-1)
    finest = cells[:, : cells.shape[1] // 4]  # well inside the first half of level 1
    right = float((finest == labels[:, np.newaxis]).mean())
    print(f"{right:.0%} of the cells inside the actions bear the right class.")
    return right


if __name__ == "__main__":
    main()
