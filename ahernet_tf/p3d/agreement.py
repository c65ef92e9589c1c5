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


def require_agreement(
    trained: Mapping[str, Any],
    channels: int,
    weights: str | os.PathLike,
    options: ExtractionOptions,
    trained_name: str,
    other_features: bool = False,
) -> None:
    """Refuses weights whose features a trained network cannot take.

    Args:
        trained: As of `feature_differences`, as are weights, options and name.
        channels: That the network takes.
        weights: Weight file that would make the new features.
        options: How clips would be cut.
        trained_name: What messages call the trained network.
        other_features: Let features of other weights or settings pass.

    Raises:
        ValueError: Names what differs.
    """
    metadata = read_p3d_metadata(weights)
    if metadata.in_channels != 3:
        raise ValueError(
            f"{weights}: takes {metadata.in_channels} channels; video files give "
            "the 3 of RGB images."
        )
    if metadata.feature_dim != channels:
        raise ValueError(
            f"{weights} gives features of {metadata.feature_dim} channels, but "
            f"{trained_name} was trained on {channels}."
        )
    differences = feature_differences(trained, weights, options, trained_name)
    if differences and not other_features:
        raise ValueError(
            f"{weights} does not give the features that {trained_name} was trained "
            f"on (then, now): {'; '.join(differences)}. Use the weights and settings "
            "of the training's features, or --other_features to go on regardless."
        )


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
