"""Says which network a weight file holds, and which arrays that network has."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import numpy as np

from ahernet_tf.p3d.clip_format import ClipFormat, check_fusion
from ahernet_tf.p3d.residual_network import P3D

_FORMAT = "ahernet_tf.p3d/1"
_MOST_BLOCKS = 1000  # of a stage
_NAMED = 10  # so many faulty arrays are named in a message


@dataclasses.dataclass(frozen=True)
class P3DMetadata:
    """Describes the network of a weight file.

    Attributes:
        fusion: The flavour the weights were trained in, "caffe" or "torch".
        depths: Blocks of the four stages.
        classes: Outputs of the classifier, or None without one.
        in_channels: 3 for images, 2 for optical flow.
        base_channels: Channels of the stem, 64 in P3D-199.
        clip_format: Length, resize and crop of the clips the network was trained on.
        class_names: Names in the order of the logits, or None where unknown.
        source: Where the weights come from, in words.
    """

    fusion: str
    depths: tuple[int, int, int, int]
    classes: int | None = None
    in_channels: int = 3
    base_channels: int = 64
    clip_format: ClipFormat = dataclasses.field(default_factory=ClipFormat)
    class_names: tuple[str, ...] | None = None
    source: str = ""

    def __post_init__(self):
        check_fusion(self.fusion)
        sizes = [self.in_channels, self.base_channels, *self.depths]
        sizes += [] if self.classes is None else [self.classes]
        whole = all(isinstance(n, int) and n > 0 for n in sizes)
        if not whole or len(self.depths) != 4 or max(self.depths) > _MOST_BLOCKS:
            raise ValueError(f"no such network: {sizes} channels, blocks and classes.")
        if self.class_names is not None and len(self.class_names) != self.classes:
            raise ValueError(
                f"{len(self.class_names)} class names for {self.classes} classes."
            )

    @property
    def feature_dim(self) -> int:
        """Length of a clip's feature."""
        return 32 * self.base_channels

    def to_json(self) -> str:
        """Returns the header's JSON text."""
        return json.dumps({"format": _FORMAT, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> P3DMetadata:
        """Returns what `to_json` wrote.

        Raises:
            ValueError: The text is not such a header.
        """
        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.pop("format", None) != _FORMAT:
            raise ValueError(f"the header is not of the form {_FORMAT!r}")
        try:
            fields["clip_format"] = ClipFormat(**fields["clip_format"])
            fields["depths"] = tuple(fields["depths"])
            if fields["class_names"] is not None:
                fields["class_names"] = tuple(fields["class_names"])
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the header lacks or misnames a field: {error}") from None


def describe_network(
    network: P3D,
    clip_format: ClipFormat | None = None,
    class_names: Sequence[str] | None = None,
    source: str = "",
) -> P3DMetadata:
    """Returns the metadata of a network's weight file."""
    return P3DMetadata(
        fusion=network.fusion,
        depths=network.depths,
        classes=network.classes,
        in_channels=network.in_channels,
        base_channels=network.base_channels,
        clip_format=clip_format or ClipFormat(),
        class_names=None if class_names is None else tuple(class_names),
        source=source,
    )


def network_of(metadata: P3DMetadata, **overrides) -> P3D:
    """Returns an untrained, built network of the described form.

    Args:
        metadata: The description.
        **overrides: Constructor arguments of `P3D` to replace or add.
    """
    arguments = {
        "depths": metadata.depths,
        "fusion": metadata.fusion,
        "classes": metadata.classes,
        "in_channels": metadata.in_channels,
        "base_channels": metadata.base_channels,
        **overrides,
    }
    network = P3D(**arguments)
    size = metadata.clip_format
    network.build(
        (None, size.clip_frames, size.crop_size, size.crop_size, metadata.in_channels)
    )
    return network


def array_shapes(metadata: P3DMetadata) -> dict[str, tuple[int, ...]]:
    """Returns the name and shape of every array of the described weight file."""
    shapes = {}

    def add_unit(name, kernel):
        shapes[f"{name}/kernel"] = kernel
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{name}/{part}"] = kernel[-1:]

    base = metadata.base_channels
    add_unit("stem", (1, 7, 7, metadata.in_channels, base))
    entering = base
    for stage, depth in enumerate(metadata.depths):
        middle = base * 2**stage
        time = () if stage == 3 else (1,)
        for i in range(depth):
            block = f"res{stage + 2}/{i}"
            add_unit(f"{block}/reduce", (*time, 1, 1, entering, middle))
            add_unit(f"{block}/spatial", (*time, 3, 3, middle, middle))
            if stage < 3:
                add_unit(f"{block}/temporal", (3, 1, 1, middle, middle))
            add_unit(f"{block}/expand", (*time, 1, 1, middle, 4 * middle))
            if i == 0:
                add_unit(f"{block}/shortcut", (*time, 1, 1, entering, 4 * middle))
            entering = 4 * middle
    if metadata.classes is not None:
        shapes["classifier/kernel"] = (metadata.feature_dim, metadata.classes)
        shapes["classifier/bias"] = (metadata.classes,)
    return shapes


def check_arrays(arrays, metadata: P3DMetadata, where: str, labels=None) -> None:
    """Checks that the arrays are exactly the described network's.

    Args:
        arrays: Name -> array.
        metadata: The network they should fit.
        where: The file, for the error.
        labels: What the error calls an array, where that is not its name.

    Raises:
        ValueError: Arrays are missing, left over, of another shape or not finite; the
            message names the first of them.
    """
    shapes = array_shapes(metadata)
    labels = labels or {}
    problems = []
    for name in sorted(shapes.keys() | arrays.keys()):
        label = labels.get(name, name)
        if name not in arrays:
            problems.append(f"missing {label}")
        elif name not in shapes:
            problems.append(f"unused {label}")
        elif tuple(arrays[name].shape) != shapes[name]:
            problems.append(
                f"{label} has shape {tuple(arrays[name].shape)} in TensorFlow's order "
                f"of axes, expected {shapes[name]}"
            )
        elif not np.all(np.isfinite(arrays[name])):
            problems.append(f"{label} holds NaN or infinite values")
    if problems:
        raise ValueError(f"{where}: {listed(problems)}.")


def listed(problems: Sequence[str]) -> str:
    """Returns the first of many problems, and how many more there are."""
    more = len(problems) - _NAMED
    return "; ".join([*problems[:_NAMED], *([f"and {more} more"] if more > 0 else [])])
