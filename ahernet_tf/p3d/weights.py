"""Weight files of P3D networks: one `.npz` of named arrays with a JSON header.

The file depends on no version of Keras: `named_variables` gives the names, and the
array `metadata` holds a JSON text that says which network it is, above all its
flavour. `save_p3d` writes it, `load_p3d` gives the network back.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence

import numpy as np

from ahernet_tf.data.features.array_files import read_npz
from ahernet_tf.files import naming, whole_file
from ahernet_tf.p3d.clip_format import ClipFormat, check_fusion
from ahernet_tf.p3d.residual_network import P3D, named_variables

_FORMAT = "ahernet_tf.p3d/1"
_HEADER = "metadata"
_MOST_BLOCKS = 1000  # of a stage
_NAMED = 10  # so many faulty arrays are named in a message


@dataclasses.dataclass(frozen=True)
class P3DMetadata:
    """Describes the network of a weight file.

    Attributes:
        fusion: the flavour the weights were trained in, "caffe" or "torch".
        depths: blocks of the four stages.
        classes: outputs of the classifier, or None without one.
        in_channels: 3 for images, 2 for optical flow.
        base_channels: channels of the stem, 64 in P3D-199.
        clip_format: length, resize and crop of the clips the network was trained on.
        class_names: names in the order of the logits, or None where unknown.
        source: where the weights come from, in words.
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
            ValueError: the text is not such a header.
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
        metadata: the description.
        **overrides: constructor arguments of `P3D` to replace or add.
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
        arrays: name -> array.
        metadata: the network they should fit.
        where: the file, for the error.
        labels: what the error calls an array, where that is not its name.

    Raises:
        ValueError: arrays are missing, left over, of another shape or not finite; the
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


def write_arrays(path: str | os.PathLike, arrays, metadata: P3DMetadata) -> None:
    """Writes a weight file, whole or not at all.

    Args:
        path: the file to write.
        arrays: name -> array, exactly those of `array_shapes`.
        metadata: the network.

    Raises:
        ValueError: the arrays do not fit the metadata.
    """
    check_arrays(arrays, metadata, str(path))
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    arrays[_HEADER] = np.array(metadata.to_json())
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def save_p3d(
    network: P3D,
    path: str | os.PathLike,
    clip_format: ClipFormat | None = None,
    class_names: Sequence[str] | None = None,
    source: str = "",
) -> None:
    """Writes a network's weights to a file that `load_p3d` reads.

    Args:
        network: a built network.
        path: the file, by habit `.npz`.
        clip_format: the clips it was trained on; the published 16x160x160 by default.
        class_names: names of the classes in the order of the logits.
        source: where the weights come from, in words.
    """
    arrays = {name: v.numpy() for name, v in named_variables(network).items()}
    metadata = describe_network(network, clip_format, class_names, source)
    write_arrays(path, arrays, metadata)


def read_arrays(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], P3DMetadata]:
    """Reads a weight file and checks it.

    Returns:
        The arrays by name and the network's description.

    Raises:
        ValueError: the file is no P3D weight file, or its arrays do not fit.
    """
    metadata = read_p3d_metadata(path)
    arrays = read_npz(path)
    del arrays[_HEADER]
    with naming(os.fspath(path)):
        check_arrays(arrays, metadata, os.fspath(path))
    return arrays, metadata


def read_p3d_metadata(path: str | os.PathLike) -> P3DMetadata:
    """Reads which network a weight file holds, without its arrays.

    Raises:
        ValueError: the file is missing or is no P3D weight file.
    """
    try:
        header = str(read_npz(path, [_HEADER])[_HEADER])
    except ValueError as error:
        raise ValueError(
            f"{error} Expected weights of a P3D network; those of other programs "
            "become such a file with `python -m data_tools.convert_p3d`."
        ) from error
    with naming(f"{path}: no P3D weight file"):
        return P3DMetadata.from_json(header)


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def weights_fingerprint(path: str | os.PathLike) -> str:
    """Returns a SHA-256 of all in a weight file that its features depend on.

    These are the arrays, without the classifier. Files that differ in their header
    only, having been converted twice, have one fingerprint.

    Raises:
        ValueError: the file is no P3D weight file, or its arrays do not fit.
    """
    arrays, _ = read_arrays(path)
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if not name.startswith("classifier/"):
            array = np.ascontiguousarray(arrays[name], "<f4")
            digest.update(f"{name} {array.shape} ".encode())
            digest.update(array)
    return digest.hexdigest()


def load_p3d(
    path: str | os.PathLike,
    fusion: str | None = None,
    classes: int | None = None,
    dtype=None,
    **overrides,
) -> P3D:
    """Reads a weight file and gives its network back.

    Args:
        path: a file of `save_p3d` or of `data_tools.convert_p3d`.
        fusion: the flavour the caller relies on; None takes the file's.
        classes: give the network a fresh classifier of so many classes, for
            fine-tuning; None keeps the file's.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        **overrides: further constructor arguments of `P3D`, `dropout` for instance.

    Returns:
        The built network with the file's weights.

    Raises:
        ValueError: no such file, another flavour, or arrays that do not fit.
    """
    arrays, metadata = read_arrays(path)
    if fusion is not None and check_fusion(fusion) != metadata.fusion:
        raise ValueError(
            f"{path}: the weights are of fusion {metadata.fusion!r}, not {fusion!r}."
        )
    if classes is not None:
        overrides["classes"] = classes
    if dtype is not None:
        overrides["dtype"] = dtype
    network = network_of(metadata, **overrides)
    for name, variable in named_variables(network).items():
        if classes is None or not name.startswith("classifier/"):
            variable.assign(arrays[name])
    return network
