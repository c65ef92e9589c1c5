"""Reads what PyTorch saved: tensors, never code."""

from __future__ import annotations

import contextlib
import os
import zipfile
from typing import Any

OLDEST_SAFE = (2, 10)  # earlier versions' `weights_only` has published holes
_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickled number
_DAMAGED = (zipfile.BadZipFile, NotImplementedError)  # what opening archives ends in
_OTHERS = {
    b"\x89HDF\r\n\x1a\n": "HDF5, as Keras saves it",
    b"\x93NUMPY": "an npy array",
    b"\x80": "a pickle of another program",
}


def require_torch() -> None:
    """Makes sure that PyTorch is there and reads tensors safely.

    Raises:
        ValueError: It is not installed, or too old.
    """
    wanted = "torch>=" + ".".join(map(str, OLDEST_SAFE))
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"PyTorch is needed to read such files, and is not installed: pip install "
            f"'{wanted}', or save the arrays as npy or npz elsewhere"
        ) from error
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < OLDEST_SAFE:
        raise ValueError(
            f"PyTorch {torch.__version__} can be made to run code by a file: pip "
            f"install '{wanted}'"
        )


def require_torch_file(path: str | os.PathLike) -> None:
    """Makes sure by its first bytes that PyTorch saved a file.

    Raises:
        ValueError: Something else did; the message says what, where that can be seen.
    """
    with open(path, "rb") as file:
        start = file.read(64)
    if start.startswith(_LEGACY_START):
        return
    if start.startswith(b"PK"):
        with contextlib.suppress(*_DAMAGED), zipfile.ZipFile(path) as archive:
            if any(name.endswith("data.pkl") for name in archive.namelist()):
                return
        kind = "a zip archive of something else, or a damaged one"
    else:
        kinds = [kind for begin, kind in _OTHERS.items() if start.startswith(begin)]
        if start[8:9] == b"{":
            kinds = ["safetensors"]
        if os.fspath(path).endswith(".caffemodel"):
            kinds = ["a Caffe model"]
        kind = kinds[0] if kinds else f"it begins with {start[:8]!r}"
    raise ValueError(
        f"this is no PyTorch file ({kind}); save the arrays under their names as .npz "
        "with the program that wrote it"
    )


def load_torch(path: str | os.PathLike) -> Any:
    """Loads tensors that PyTorch saved, on the processor; no code is run.

    Raises:
        ValueError: PyTorch did not save the file, is not installed, or refuses it.
        Exception: Whatever PyTorch raises at a damaged file.
    """
    require_torch_file(path)
    require_torch()
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(f"holds no plain tensor ({error})") from error
