"""Feature sequences are read once: checked, and what they are like is kept."""

import numpy as np
import pytest

from ahernet_tf.data.features.opening import open_features
from ahernet_tf.data.sequence_scanner import SequenceScanner
from tests.data.test_inspection import look


def test_each_sequence_is_read_once(tmp_path, monkeypatch):
    from ahernet_tf.data.features.container_stores import NpzStore

    read, calls = NpzStore.read, []

    def counted(self, video):
        calls.append((self.path.name, video))
        return read(self, video)

    monkeypatch.setattr(NpzStore, "read", counted)
    look(tmp_path)
    assert len(calls) == len(set(calls)) == 7 + 5


def test_facts_are_those_of_the_values(tmp_path):
    values = {
        "still": np.full((4, 3), 2.5, np.float32),
        "same": np.full((4, 3), 2.5, np.float32),
        "moving": np.arange(12, dtype=np.float32).reshape(4, 3),
    }
    np.savez(tmp_path / "f.npz", **values, empty=np.zeros((0, 3), np.float32))
    store = open_features(tmp_path, {"path": "f.npz", "format": "npz"})
    scanner = SequenceScanner()
    found = scanner.check([(store, name) for name in (*values, "empty")], True)
    assert [one.shape for one in found.values()] == [(4, 3)] * 3 + [None]
    still, same, moving = (scanner._facts[store, name] for name in values)
    assert still == same
    assert (still.clips, still.mean, still.deviation, still.constant) == (
        4,
        2.5,
        0,
        True,
    )
    assert not moving.constant
    assert (moving.mean, moving.deviation) == pytest.approx((5.5, np.arange(12).std()))
    assert moving.digest != still.digest
    assert (store, "empty") not in scanner._facts
