"""Weight files of P3D networks: one `.npz` of named arrays with a JSON header.

The file depends on no version of Keras: `named_variables` gives the names, and the
array `metadata` holds a JSON text that says which network it is, above all its
flavour. `save_p3d` writes it, `load_p3d` gives the network back.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np

from ahernet_tf.data.features.array_files import read_npz
from ahernet_tf.files import naming, whole_file
from ahernet_tf.p3d.clip_format import ClipFormat, check_fusion
from ahernet_tf.p3d.network_metadata import (
    P3DMetadata,
    check_arrays,
    describe_network,
    network_of,
)
from ahernet_tf.p3d.residual_network import P3D, named_variables

_HEADER = "metadata"


def write_arrays(path: str | os.PathLike, arrays, metadata: P3DMetadata) -> None:
    """Writes a weight file, whole or not at all.

    Args:
        path: The file to write.
        arrays: Name -> array, exactly those of `array_shapes`.
        metadata: The network.

    Raises:
        ValueError: The arrays do not fit the metadata.
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
        network: A built network.
        path: The file, by habit `.npz`.
        clip_format: The clips it was trained on; the published 16x160x160 by default.
        class_names: Names of the classes in the order of the logits.
        source: Where the weights come from, in words.
    """
    arrays = {name: v.numpy() for name, v in named_variables(network).items()}
    metadata = describe_network(network, clip_format, class_names, source)
    write_arrays(path, arrays, metadata)


def read_arrays(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], P3DMetadata]:
    """Reads a weight file and checks it.

    Returns:
        The arrays by name and the network's description.

    Raises:
        ValueError: The file is no P3D weight file, or its arrays do not fit.
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
        ValueError: The file is missing or is no P3D weight file.
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
        ValueError: The file is no P3D weight file, or its arrays do not fit.
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
        path: A file of `save_p3d` or of `data_tools.convert_p3d`.
        fusion: The flavour the caller relies on; None takes the file's.
        classes: Give the network a fresh classifier of so many classes, for
            fine-tuning; None keeps the file's.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        **overrides: Further constructor arguments of `P3D`, `dropout` for instance.

    Returns:
        The built network with the file's weights.

    Raises:
        ValueError: No such file, another flavour, or arrays that do not fit.
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
