"""The systems that the paper compares: which steps of Algorithm 1 each takes.

| system    | what it is                                                               |
|-----------|--------------------------------------------------------------------------|
| AherNet0  | a classifier of moments; its scores over time are cut at several levels  |
| AherNet-  | proposals learnt on untrimmed videos, classified by the classifier of    |
|           | moments; no weight transfer                                              |
| AherNetM  | the whole network, on moments alone: each is an instance without context |
| AherNetA- | no adversarial steps: the generators learn to regress the real           |
|           | background beside a foreground segment, and are fixed then               |
| AherNet   | the whole method                                                         |
| AherNet*  | the oracle: the untrimmed videos of the target classes, annotated        |

Source: paper section 4.3.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

from ahernet_tf.config import Config


class System(NamedTuple):
    """How a system is trained, and how it localises.

    Attributes:
        pretrain: Steps of an iteration of pre-training, by their names in
            `training.algorithm.STEPS`; none: there is no pre-training.
        train: Steps of an iteration after it.
        oracle: Whether the annotated videos are those of the target classes.
        synthesis_mode: Way to surround a moment that the system always has; None: the
            configuration's.
        localizes_by: What becomes detections: anchors with a class of their own,
            proposals classified by the classifier of moments, or runs of classified
            snippets.
    """

    pretrain: tuple[str, ...]
    train: tuple[str, ...]
    oracle: bool = False
    synthesis_mode: str | None = None
    localizes_by: Literal["anchors", "proposals", "snippets"] = "anchors"

    @property
    def localizes_source(self) -> bool:
        """Whether it learns to localise the source classes too."""
        return "untrimmed" in self.train and not self.oracle

    @property
    def takes_classes(self) -> bool:
        """Whether it can be taught classes when it is trained already.

        It is where a transfer makes anchor classifiers of the segment classifiers of
        any class.
        """
        return self.localizes_by == "anchors"


SYSTEMS = {
    "AherNet0": System((), ("moments",), localizes_by="snippets"),
    "AherNet-": System(
        ("proposals",), ("moments", "proposals"), localizes_by="proposals"
    ),
    "AherNetM": System((), ("moments", "whole_moments"), synthesis_mode="whole"),
    "AherNetA-": System(
        ("foreground", "untrimmed", "contexts"),
        ("moments", "foreground", "untrimmed", "synthetic"),
    ),
    "AherNet": System(
        ("foreground", "untrimmed"),
        (
            "moments",
            "foreground",
            "untrimmed",
            "generators",
            "discriminators",
            "adversarial",
            "synthetic",
        ),
    ),
    "AherNet*": System(
        ("foreground", "untrimmed"), ("foreground", "untrimmed"), oracle=True
    ),
}

#: The weight transfers of Table 1, written layers-activation.
TRANSFERS = (
    "1-none",
    "1-relu",
    "1-leaky_relu",
    "1-elu",
    "2-leaky_relu",
    "2-elu",
    "3-elu",
)
#: Every name that `configure` takes.
NAMES = (*SYSTEMS, *(f"AherNet/{transfer}" for transfer in TRANSFERS))


def system(name: str) -> System:
    """Returns the record of a system.

    Raises:
        ValueError: No system has this name.
    """
    if name not in SYSTEMS:
        raise ValueError(f"Expected a system of {list(SYSTEMS)}, received '{name}'.")
    return SYSTEMS[name]


def configure(config: Config, name: str) -> Config:
    """Turns a configuration into that of a system.

    Args:
        config: Any configuration.
        name: One of `NAMES`; `AherNet/1-relu` is AherNet with a weight transfer of one
            layer and a ReLU.

    Raises:
        ValueError: No system or transfer has this name.
    """
    name, _, transfer = name.partition("/")
    mode = system(name).synthesis_mode
    if transfer:
        if transfer not in TRANSFERS:
            raise ValueError(f"Expected a system of {NAMES}, received a '{transfer}'.")
        layers, activation = transfer.split("-")
        network = dataclasses.replace(
            config.network, transfer_layers=int(layers), transfer_activation=activation
        )
        config = dataclasses.replace(config, network=network)
    if mode:
        synthesis = dataclasses.replace(config.synthesis, mode=mode)
        config = dataclasses.replace(config, synthesis=synthesis)
    training = dataclasses.replace(config.training, system=name)
    return dataclasses.replace(config, training=training)
