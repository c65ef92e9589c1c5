"""Matrices that appear whole or not at all."""

import numpy as np
import pytest

from ahernet_tf.p3d.npy_rows import NpyRowWriter


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_rows_become_an_ordinary_npy_file(tmp_path, dtype, rows):
    values = np.random.default_rng(0).normal(size=(rows, 5))
    writer = NpyRowWriter(tmp_path / "a.npy", 5, dtype)
    for row in values:
        writer.write(row)
    assert not (tmp_path / "a.npy").exists()
    writer.close()
    got = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, values.astype(dtype))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), got)


def test_discarded_rows_leave_nothing(tmp_path):
    writer = NpyRowWriter(tmp_path / "a.npy", 2, "float32")
    writer.write([1, 2])
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_values_that_do_not_fit_are_refused(tmp_path):
    writer = NpyRowWriter(tmp_path / "a.npy", 2, "float16")
    with pytest.raises(ValueError, match="fit into float16"):
        writer.write([1.0, 1e6])
    with pytest.raises(ValueError, match="Expected 2 numbers"):
        writer.write([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="fit into float16"):
        writer.write([1.0, np.nan])
    writer.discard()
