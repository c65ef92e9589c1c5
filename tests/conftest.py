"""What every test may use: where the recorded numbers and real data lie."""

import os
import pathlib

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def shared_path(relative: str) -> pathlib.Path:
    """Returns a path in the shared data directory; skips the test where it is absent.

    The directory is `$AHERNET_SHARED`, or `shared` beside the repository.
    """
    root = os.environ.get("AHERNET_SHARED")
    root = pathlib.Path(root) if root else REPOSITORY.parent / "shared"
    path = root / relative
    if not path.exists():
        pytest.skip(f"needs the shared data: {relative}")
    return path
