"""Counts the floating-point operations that training and inference must do.

Only matrix products and convolutions count, two operations a multiply-add, from the
layer shapes. A layer `y = W x` has three products of the same size: the forward one,
the gradient of its input and the gradient of its weights. A pass is charged with those
that its losses and the variables they move ask for, and no others: no gradient of the
features, none of the weights that a step leaves alone. Products with the zeros of the
padding are no work that must be done and are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from ahernet_tf.anchors import grid as anchor_grid
from ahernet_tf.config import Config, NetworkConfig

KERNEL = 3
#: For each step the maps that it needs, and which parts each loss moves; "top" is what
#: computes the loss from the maps.
_STEPS = {
    "moments": ("moments", {"segment": {"backbone", "top"}}),
    "foreground": ("foreground", {"segment": {"top"}}),
    "untrimmed": (
        "untrimmed",
        {"localization": {"backbone", "top"}, "cells": {"backbone", "transfer"}},
    ),
    "generators": (
        "synthetic",
        {"localization": {"generators"}, "cells": {"generators"}},
    ),
    "discriminators": ("both", {"discriminator": {"top"}}),
    "adversarial": ("synthetic", {"adversarial": {"generators"}}),
    "synthetic": (
        "synthetic",
        {"localization": {"backbone", "top"}, "cells": {"backbone"}},
    ),
}


@dataclasses.dataclass(frozen=True)
class OperationCount:
    """Operations by kind."""

    forward: float = 0.0
    input_gradient: float = 0.0
    weight_gradient: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.forward + self.input_gradient + self.weight_gradient

    def __add__(self, other: OperationCount) -> OperationCount:
        return OperationCount(
            self.forward + other.forward,
            self.input_gradient + other.input_gradient,
            self.weight_gradient + other.weight_gradient,
        )

    def to_dict(self) -> dict[str, float]:
        """Returns the kinds and the total by name."""
        return dataclasses.asdict(self) | {"total": self.total}


def convolution(
    batch: int, steps: int, channels: int, filters: int, stride: int = 1
) -> float:
    """Counts one product of a convolution of width 3 with `same` padding.

    Args:
        batch: Sequences.
        steps: Of the input.
        channels: Of the input.
        filters: Of the output.
        stride: Step between outputs.
    """
    steps_out = -(-steps // stride)
    before = max((steps_out - 1) * stride + KERNEL - steps, 0) // 2
    first = [stride * step - before for step in range(steps_out)]
    pairs = sum(0 <= f + tap < steps for f in first for tap in range(KERNEL))
    return 2.0 * batch * pairs * channels * filters


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """The products of a network's parts at one batch size.

    Attributes:
        config: Sizes, optimizers and schedule.
        channels: Of the features.
        source_classes: With temporal annotations.
        target_classes: With moments only.
        batch: Samples of a stream.
    """

    config: Config
    channels: int
    source_classes: int
    target_classes: int
    batch: int

    @property
    def network(self) -> NetworkConfig:
        """Sizes of the network."""
        return self.config.network

    def backbone(self, steps: int) -> list[float]:
        """Returns the product of each convolution of the backbone, first to last."""
        products, channels = [], self.channels
        for filters in self.network.base_channels:
            products.append(convolution(self.batch, steps, channels, filters))
            channels = filters
        steps = (steps - 3) // 2 + 1
        for filters in self.network.level_channels:
            products.append(convolution(self.batch, steps, channels, filters, 2))
            channels, steps = filters, -(-steps // 2)
        return products

    def generators(self) -> tuple[float, float]:
        """Returns the product of both generators' hidden and output convolutions."""
        steps, hidden = self.network.moment_steps, self.network.generator_channels
        first = convolution(self.batch, steps, self.channels, hidden)
        second = convolution(self.batch, steps, hidden, self.channels, 2)
        return 2 * first, 2 * second

    def head(self, outputs: int | None = None) -> float:
        """Counts a product of the heads (with one output, of the discriminators)."""
        if outputs is None:  # two offsets, the overlap, two logits of a proposal
            outputs = 5 if self.network.proposal_classifier else 3
        filters = outputs * len(self.network.anchor_ratios)
        return sum(
            convolution(self.batch, cells, channels, filters)
            for cells, channels in self._levels()
        )

    def anchor_classifier(self, classes: int) -> float:
        """Counts a product of the classifier of all cells."""
        return sum(
            2.0 * self.batch * cells * channels * classes
            for cells, channels in self._levels()
        )

    def segment_classifier(self, classes: int) -> float:
        """Counts a product of the classifier of the averaged maps."""
        widths = self.network.level_channels
        return sum(2.0 * self.batch * channels * classes for channels in widths)

    def transfer_layer(self, classes: int) -> float:
        """Counts a product of one layer of the weight transfer, biases' included."""
        widths = self.network.level_channels
        return sum(2.0 * classes * (channels**2 + 1) for channels in widths)

    def _levels(self) -> Iterable[tuple[int, int]]:
        widths = self.network.level_channels
        cells = anchor_grid.cells_per_level(self.network.untrimmed_steps, len(widths))
        return zip(cells, widths)

    def inference(self) -> OperationCount:
        """Counts a batch at inference; the transfer is done before, once."""
        return OperationCount(
            sum(self.backbone(self.network.untrimmed_steps))
            + self.head()
            + self.anchor_classifier(self.target_classes)
        )

    def transfer(self, classes: int) -> float:
        """Counts the transfer of all classes."""
        return self.network.transfer_layers * self.transfer_layer(classes)

    def iteration(self, steps: Sequence[str]) -> OperationCount:
        """Counts the steps of one iteration as the configured schedule takes them.

        Args:
            steps: Of Algorithm 1, in order.

        Raises:
            ValueError: A step is not known here.
        """
        if unknown := [step for step in steps if step not in _STEPS]:
            raise ValueError(f"The arithmetic of steps {unknown} is not known.")
        training = self.config.training
        is_fused = training.schedule == "fused"
        total, known = OperationCount(), set()
        backward: dict[tuple, set[str]] = {}
        for step in steps:
            stream, lines = _STEPS[step]
            lines = {(loss,): moved for loss, moved in lines.items()}
            if training.optimizer_split == "joint":
                lines = {sum(lines, ()): set().union(*lines.values())}
            repeats = step == "adversarial" and not is_fused
            for run in range(training.generator_updates if repeats else 1):
                parts = self._forward(step)
                total += OperationCount(
                    sum(parts[name] for name in parts.keys() - known)
                )
                if is_fused:
                    known |= parts.keys()
                for losses, moved in lines.items():
                    # At one point, two steps with the same maps and loss share a pass.
                    point = stream if is_fused else (step, run)
                    backward.setdefault((point, stream, losses), set()).update(moved)
        for (_, stream, losses), moved in backward.items():
            total += self._backward(stream, losses, moved)
        return total

    def _classes(self, stream: str) -> tuple[str, int]:
        """Returns the name and number of the classes that label a stream."""
        is_oracle = self.config.training.system == "AherNet*"
        if stream in ("untrimmed", "foreground") and not is_oracle:
            return "source", self.source_classes
        return "target", self.target_classes

    def _forward(self, step: str) -> dict[str, float]:
        """Returns the forward products of a step; what is equal has one name."""
        network, (stream, lines) = self.network, _STEPS[step]
        streams = ("untrimmed", "synthetic") if stream == "both" else (stream,)
        parts = {}
        for each in streams:
            is_short = each == "moments"
            steps = network.moment_steps if is_short else network.untrimmed_steps
            parts[f"{each} maps"] = sum(self.backbone(steps))
            if each == "synthetic":
                parts["synthetic maps"] += sum(self.generators())
            if step in ("discriminators", "adversarial"):
                parts[f"{each} discriminator"] = self.head(1)
        name, classes = self._classes(stream)
        if "segment" in lines:
            parts[f"{stream} segments"] = self.segment_classifier(classes)
        if "localization" in lines:
            parts[f"{stream} head"] = self.head()
            parts[f"{stream} cells"] = self.anchor_classifier(classes)
            parts[f"transfer {name}"] = self.transfer(classes)
        return parts

    def _backward(
        self, stream: str, losses: Sequence[str], moved: set[str]
    ) -> OperationCount:
        """Counts a backward pass from losses to the parts that they move."""
        count = OperationCount()
        is_upstream = bool(moved & {"backbone", "generators"})
        _, classes = self._classes(stream)
        for loss in losses:
            size = {
                "segment": self.segment_classifier(classes),
                "localization": self.head(),
                "cells": self.anchor_classifier(classes),
                "discriminator": 2 * self.head(1),
                "adversarial": self.head(1),
            }[loss]
            part = "transfer" if loss == "cells" else "top"
            count += OperationCount(0, is_upstream * size, (part in moved) * size)
        if "transfer" in moved:
            layer, layers = self.transfer_layer(classes), self.network.transfer_layers
            count += OperationCount(0, max(layers - 1, 0) * layer, layers * layer)
        is_short = stream == "moments"
        steps = self.network.moment_steps if is_short else self.network.untrimmed_steps
        first, *others = self.backbone(steps)
        if is_upstream:
            count += OperationCount(0, sum(others), 0)
        if "backbone" in moved:
            count += OperationCount(0, 0, first + sum(others))
        if "generators" in moved:
            hidden, output = self.generators()
            count += OperationCount(0, first + output, hidden + output)
        return count
