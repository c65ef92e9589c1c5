import ctypes
import sys
import threading

import pytest

from ahernet_tf.acceleration import devices

ARENA_MAX, MMAP_THRESHOLD = -8, -3


class Library:
    """A C library that notes what it is told."""

    def __init__(self, is_glibc=True):
        self.told = {}
        self.gave_back = threading.Semaphore(0)
        if is_glibc:
            self.mallopt = self.told.__setitem__
            self.malloc_trim = lambda pad: self.gave_back.release()


@pytest.mark.parametrize(
    ("onednn", "environment", "told"),
    [
        (True, [], {ARENA_MAX: 1, MMAP_THRESHOLD: 1 << 20}),
        # Tensors lie in the C library's memory then.
        (False, [], {ARENA_MAX: 1}),
        (True, ["MALLOC_ARENA_MAX"], {MMAP_THRESHOLD: 1 << 20}),
        (True, ["MALLOC_MMAP_THRESHOLD_"], {ARENA_MAX: 1}),
    ],
)
def test_the_c_library_is_told_what_the_environment_leaves_open(
    monkeypatch, onednn, environment, told
):
    for name in ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    for name in environment:
        monkeypatch.setenv(name, "4")
    library = Library()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(devices, "has_onednn", lambda: onednn)
    monkeypatch.setattr(devices, "_GIVE_BACK_EVERY_SEC", 0.01)
    devices.hold_less_memory()
    assert library.told == told
    for _ in range(2):
        assert library.gave_back.acquire(timeout=10 if onednn else 0.1) == onednn


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_another_c_library_is_left_alone(monkeypatch, platform):
    library = Library(is_glibc=platform != "linux")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    devices.hold_less_memory()
    assert not library.told
