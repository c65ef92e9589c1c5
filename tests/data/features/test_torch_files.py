"""Files that PyTorch saved, and those that it did not."""

import re
import sys
import types
import zipfile

import pytest

from ahernet_tf.data.features.torch_files import load_torch


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("p3d.caffemodel", b"\n\x0cp3d_resnet", "a Caffe model"),
        ("p3d.h5", b"\x89HDF\r\n\x1a\n", "HDF5, as Keras saves it"),
        ("p3d.safetensors", (20).to_bytes(8, "little") + b'{"a": 1}', "safetensors"),
        ("p3d.pkl", b"\x80\x04\x95", "a pickle of another program"),
        ("p3d.npy", b"\x93NUMPY\x01\x00", "an npy array"),
        ("p3d.txt", b"hello", "it begins with b'hello'"),
    ],
)
def test_files_of_other_programs_are_told_apart_without_pytorch(
    tmp_path, monkeypatch, name, start, kind
):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / name).write_bytes(start)
    message = rf"this is no PyTorch file \({re.escape(kind)}\)"
    with pytest.raises(ValueError, match=message):
        load_torch(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(ValueError, match=r"PyTorch is needed .*torch>=2\.10"):
        load_torch(tmp_path / "a.pth")


def test_a_pytorch_that_runs_code_is_refused(tmp_path, monkeypatch):
    old = types.SimpleNamespace(__version__="2.9.1+cpu")
    monkeypatch.setitem(sys.modules, "torch", old)
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(ValueError, match=r"PyTorch 2\.9\.1\+cpu can be made to run"):
        load_torch(tmp_path / "a.pth")
