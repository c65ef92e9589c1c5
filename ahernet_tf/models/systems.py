"""The systems that the paper compares: which rows of Algorithm 1 each trains with.

| system    | what it is                                                               |
|-----------|--------------------------------------------------------------------------|
| AherNet0  | a classifier of moments; its scores over time are cut at several levels  |
| AherNet-  | proposals learnt on untrimmed videos, classified by the classifier of    |
|           | moments; no weight transfer                                              |
| AherNetM  | the whole network, on moments alone: each is an instance without context |
| AherNetA- | no adversarial rows: the generators learn to regress the real background |
|           | beside a foreground segment, and are fixed then                          |
| AherNet   | the whole method                                                         |
| AherNet*  | the oracle: the untrimmed videos of the target classes, annotated        |

Source: paper section 4.3.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from ahernet_tf.config import SYSTEMS, Config

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
#: The streams that each row reads.
STREAMS = {
    "contexts": ("untrimmed",),
    "proposals": ("untrimmed",),
    "moments": ("moments",),
    "foreground": ("foreground",),
    "untrimmed": ("untrimmed",),
    "generators": ("moments",),
    "discriminators": ("untrimmed", "moments"),
    "adversarial": ("untrimmed", "moments"),
    "synthetic": ("moments",),
    "whole_moments": ("moments",),
}


class System(NamedTuple):
    """How a system is trained.

    Attributes:
        pretrain: Rows of an iteration of pre-training; none: there is none.
        train: Rows of an iteration after it.
        oracle: Whether the annotated videos are those of the target classes.
    """

    pretrain: tuple[str, ...]
    train: tuple[str, ...]
    oracle: bool = False

    def rows(self, phase: str) -> tuple[str, ...]:
        """Returns the rows of a phase, `pretrain` or `train`."""
        return self.pretrain if phase == "pretrain" else self.train

    def streams(self, phase: str) -> tuple[str, ...]:
        """Returns the streams that the rows of a phase read."""
        wanted = {stream for row in self.rows(phase) for stream in STREAMS[row]}
        return tuple(s for s in ("untrimmed", "foreground", "moments") if s in wanted)

    @property
    def localizes_source(self) -> bool:
        """Whether it learns to localise the source classes too."""
        return "untrimmed" in self.train and not self.oracle


_GENERATORS = ("contexts", "generators", "discriminators", "adversarial")
_LOCALIZATION = ("foreground", "untrimmed")
_OF = {
    "AherNet0": System((), ("moments",)),
    "AherNet-": System(("proposals",), ("moments", "proposals")),
    "AherNetM": System((), ("moments", "whole_moments")),
    "AherNetA-": System(
        (*_LOCALIZATION, "contexts"), ("moments", *_LOCALIZATION, "synthetic")
    ),
    "AherNet": System(
        _LOCALIZATION,
        (
            "moments",
            *_LOCALIZATION,
            "generators",
            "discriminators",
            "adversarial",
            "synthetic",
        ),
    ),
    "AherNet*": System(_LOCALIZATION, _LOCALIZATION, oracle=True),
}


def system(name: str, synthesis_mode: str = "single") -> System:
    """Returns how the named system is trained.

    Args:
        name: One of `config.SYSTEMS`.
        synthesis_mode: Where it makes no use of generators, their rows fall away.
    """
    own = _OF[name]
    if synthesis_mode in ("transplanted", "whole"):
        left = [tuple(r for r in rows if r not in _GENERATORS) for rows in own[:2]]
        own = own._replace(pretrain=left[0], train=left[1])
    return own


def configure(config: Config, name: str) -> Config:
    """Turns a configuration into that of a system.

    Args:
        config: Any configuration.
        name: One of `NAMES`; `AherNet/1-relu` is AherNet with a weight transfer of one
            layer and a ReLU.

    Raises:
        ValueError: No system has this name.
    """
    if name not in NAMES:
        raise ValueError(f"Expected a system of {NAMES}, received '{name}'.")
    name, _, transfer = name.partition("/")
    if transfer:
        layers, activation = transfer.split("-")
        network = dataclasses.replace(
            config.network, transfer_layers=int(layers), transfer_activation=activation
        )
        config = dataclasses.replace(config, network=network)
    if name == "AherNetM":
        synthesis = dataclasses.replace(config.synthesis, mode="whole")
        config = dataclasses.replace(config, synthesis=synthesis)
    training = dataclasses.replace(config.training, system=name)
    return dataclasses.replace(config, training=training)
