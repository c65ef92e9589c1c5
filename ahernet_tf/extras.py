"""Packages that only some users need, and the command that installs each."""

from __future__ import annotations

import importlib.util

#: Package, as it is imported -> the extra of this library that installs it.
EXTRA_OF = {
    "apache_beam": "beam",
    "av": "video",
    "h5py": "hdf5",
    "matplotlib": "plots",
    "sklearn": "plots",
    "tensorflow_addons": "addons",
    "tf2onnx": "onnx",
    "torch": "torch-convert",
}


class MissingExtraError(ValueError, ImportError):
    """A package that this work needs is not installed."""


def require(package: str, what: str = "") -> None:
    """Checks that a package of an extra is installed.

    Args:
        package: One of `EXTRA_OF`.
        what: What needs it, such as a file; begins the message.

    Raises:
        MissingExtraError: It is not; names the command that installs it.
    """
    if importlib.util.find_spec(package) is None:
        raise MissingExtraError(
            f"{what + ': ' if what else ''}needs the package {package}, which is not "
            f"installed: pip install 'ahernet_tf[{EXTRA_OF[package]}]'"
        )
