"""A recording on disk: its arrays, and the network and batches they describe."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.models import AherNet
from ahernet_tf.models import release_names as release
from ahernet_tf.training import optimizers
from ahernet_tf.training.algorithm import Algorithm
from ahernet_tf.training.losses_of_steps import ForwardPass


class Arrays(dict):
    """The arrays of a file; asking for an absent one names file and array."""

    def __init__(self, path: pathlib.Path):
        """Reads all arrays of an npz file.

        Raises:
            ValueError: There is no such file.
        """
        if not path.exists():
            raise ValueError(f"{path}: no such file; a recording needs it.")
        with np.load(path) as arrays:
            super().__init__(arrays)
        self.path = path

    def __missing__(self, key: str) -> np.ndarray:
        raise ValueError(f"{self.path}: holds no array '{key}'.")


class Recording:
    """A recording's files, and the network and batches they describe.

    Attributes:
        weights: Arrays by the release's variable names.
        inputs: What the batches hold.
        config: The preset `release`, but for the sizes of the network.
        model: The network of the recorded sizes, with the recorded weights.
        algorithm: Its training, with the release's options.
    """

    def __init__(self, directory: str | pathlib.Path):
        """Reads the arrays of a directory and builds its network.

        Raises:
            ValueError: A file or an array is absent.
        """
        self.directory = pathlib.Path(directory)
        self.weights = self.file("weights")
        self.inputs = self.file("inputs")
        lengths = self.file("anchors")["t1"].astype(np.float64)
        ratios = np.round(lengths / anchor_grid.FIRST_STRIDE, 6)
        sizes, network = release.network_of(self.weights)
        network = dataclasses.replace(
            network,
            anchor_ratios=tuple(ratios.tolist()),
            untrimmed_steps=self.inputs["feature"].shape[1],
            moment_steps=self.inputs["feature_seg"].shape[1],
        )
        self.config = configuration.release()
        synthesis = self.config.synthesis
        self.model = AherNet(**sizes, network=network, synthesis=synthesis)
        self.model.build()
        self.algorithm = Algorithm(self.model, self.config.loss, self.config.training)
        self.reset()

    def reset(self) -> None:
        """Puts the recorded weights into the network; training starts anew."""
        release.import_arrays(self.model, self.weights)
        for objectives in self.algorithm.objectives.values():
            for objective in objectives:
                optimizers.reset(objective.optimizer, objective.variables)

    def file(self, name: str) -> Arrays:
        """Reads all arrays of a file of the recording."""
        return Arrays(self.directory / f"{name}.npz")

    def all_arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields every array by file and name."""
        for path in sorted(self.directory.glob("*.npz")):
            for name, values in Arrays(path).items():
                yield f"{path.stem}/{name}", values

    def untrimmed(self) -> dict[str, tf.Tensor]:
        """Returns the batch of untrimmed videos."""
        return self.untrimmed_batch(self.inputs["temporal_gt"], self.inputs["label"])

    def untrimmed_batch(
        self, segments: np.ndarray, labels: np.ndarray
    ) -> dict[str, tf.Tensor]:
        """Returns the untrimmed features with other segments, padded by -1."""
        labels = np.repeat(labels[:, np.newaxis], segments.shape[1], 1)
        return {
            "features": tf.constant(self.inputs["feature"]),
            "segments": tf.constant(segments),
            "segment_mask": tf.constant(segments[..., 0] >= 0),
            "segment_labels": tf.constant(labels.astype(np.int32)),
        }

    def foreground(self) -> dict[str, tf.Tensor]:
        """Returns the batch of foreground segments."""
        return {
            "features": tf.constant(self.inputs["feature_fore"]),
            "label": tf.constant(self.inputs["label_fore"].astype(np.int32)),
        }

    def moments(self, case2: bool = False) -> dict[str, tf.Tensor]:
        """Returns the batch of moments with either recorded draw."""
        names = ("ratio2", "position2") if case2 else ("ratio_seg", "position_seg")
        ratio, position = (self.inputs[name].astype(np.int32) for name in names)
        return {
            "features": tf.constant(self.inputs["feature_seg"]),
            "label": tf.constant(self.inputs["label_seg"].astype(np.int32)),
            "length_ratio": tf.constant(ratio),
            "position": tf.constant(position),
            "inside_start": tf.constant(np.arange(len(ratio)) % 2 == 0),
        }

    def batches(self, case2: bool = False) -> dict[str, dict[str, tf.Tensor]]:
        """Returns the batch of every stream, the moments with either recorded draw."""
        return {
            "untrimmed": self.untrimmed(),
            "foreground": self.foreground(),
            "moments": self.moments(case2),
        }

    def forward_pass(self, case2: bool = False) -> ForwardPass:
        """Returns the forward pass of all batches at the present weights."""
        return self.algorithm.forward_pass(**self.batches(case2))

    def cells(self) -> list[int]:
        """Returns the cells of each level."""
        network = self.model.network
        return anchor_grid.cells_per_level(
            network.untrimmed_steps, len(network.level_channels)
        )

    def by_level(self, values: np.ndarray, ratios: int) -> Iterator[np.ndarray]:
        """Splits an axis of all anchors (or cells) into the levels."""
        start = 0
        for count in self.cells():
            part = values[:, start : start + count * ratios]
            yield part.reshape(len(values), count, ratios, *values.shape[2:])
            start += count * ratios
