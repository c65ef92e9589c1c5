"""Tells whether new features mean what a trained network learnt from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from absl import logging

from ahernet_tf.data.features.extractors import extractor_differences
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.feature_writer import describe_features
from ahernet_tf.p3d.weights import read_p3d_metadata, weights_fingerprint

_SETTINGS = ("clip_frames", "stride_frames", "fps")


def feature_differences(
    trained: Mapping[str, Any],
    weights: str | os.PathLike,
    options: ExtractionOptions,
    trained_name: str,
) -> list[str]:
    """Lists in what new features would differ from those of a training.

    What is not known of the training's features is not compared. Where their network
    is not known, a warning says so.

    Args:
        trained: `extraction` of the trained network's description.
        weights: Weight file that would make the new features.
        options: How clips would be cut.
        trained_name: What the warning calls the trained network.

    Returns:
        Texts "what: then, now".

    Raises:
        ValueError: The weight file is unreadable.
    """
    extractor = trained.get("extractor")
    fingerprint = "" if extractor is None else weights_fingerprint(weights)
    described = describe_features(read_p3d_metadata(weights), options, fingerprint)
    found = []
    if extractor is None:
        logging.warning(
            "%s does not say which P3D weights its features came from; those of %s "
            "must be the same.",
            trained_name,
            weights,
        )
    else:
        found += extractor_differences(extractor, described["extractor"])
    if trained.get("stride_frames"):  # else they cover whole videos
        found += [
            f"{key}: {trained[key]}, {described.get(key)}"
            for key in _SETTINGS
            if trained[key] != described.get(key)
        ]
    return found
