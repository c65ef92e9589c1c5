"""Damaged data, results, weights, videos end in a result or in a named ValueError."""

import gzip
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest

from ahernet_tf.data.annotations.activitynet import read_annotations
from ahernet_tf.data.features.array_files import read_npz
from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.torch_files import load_torch
from ahernet_tf.evaluation.results import load_predictions
from tests.faults.mutations import read_damaged

VALUES = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
SHORT, LONG = 60, 700


def from_directory(path):
    store = open_store(path.parent, {"format": path.suffix[1:]})
    assert store.shape(path.stem) is not None
    return store.read(path.stem)


def from_file(path):
    spec = {"dim": 6} if path.suffix == ".tfrecord" else {}
    store = open_store(path, spec)
    for video in set("abc") & set(store.ids()):
        store.shape(video)
        store.read(video)


def an_npz(save, arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def an_npy():
    file = io.BytesIO()
    np.save(file, VALUES)
    return file.getvalue()


def a_csv():
    lines = [",".join(f"f{n}" for n in range(6))]
    lines += [",".join(f"{value:.6g}" for value in row) for row in VALUES]
    return "\n".join(lines).encode()


def an_hdf5():
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        content["a"] = VALUES
        chunks = {"chunks": (8, 6), "compression": "gzip", "shuffle": True}
        content.create_dataset("b", data=VALUES, **chunks)
        content["c"] = h5py.SoftLink("/b")
        content["text"] = "what it is"
    return file.getvalue()


def a_tfrecord(folder):
    from tests.data.features.test_tfrecord_store import write_tfrecord

    write_tfrecord(folder / "sound.tfrecord", {"a": VALUES, "b": VALUES + 1})
    return (folder / "sound.tfrecord").read_bytes()


def a_weight_file(folder):
    from ahernet_tf.p3d import P3D, save_p3d

    network = P3D((1, 1, 1, 1), base_channels=1)
    network.build((None, 16, 32, 32, 3))
    save_p3d(network, folder / "sound.npz")
    return (folder / "sound.npz").read_bytes()


def weights(path):
    from ahernet_tf.p3d.weights import read_arrays

    read_arrays(path)


def weights_of_pytorch(folder):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(40, 6)}, folder / "sound.pt")
    return (folder / "sound.pt").read_bytes()


def frames(path):
    from ahernet_tf.p3d.clip_format import ClipFormat
    from ahernet_tf.p3d.video import VideoReader

    with VideoReader(path, ClipFormat(16, 36, 48, 32)) as reader:
        for _ in reader.read():
            pass


def a_video(folder, suffix):
    pytest.importorskip("av")
    from tests.p3d.videos import counting, write_video

    path = folder / f"sound{suffix}"
    write_video(path, counting(20, 32, 32), "mpeg4", options={"g": "5"})
    return path.read_bytes()


def annotations():
    found = [{"segment": [n, n + 1.5], "label": "ab"[n % 2]} for n in range(9)]
    video = {"duration": 30.0, "fps": 25.0, "subset": "test", "annotations": found}
    return {"database": {"x": video, "y": video}}


def results():
    found = [{"segment": [n, n + 2], "label": "a", "score": n / 9} for n in range(9)]
    return {"results": {"x": found, "y": found}}


def as_json(content, compress=bytes):
    return compress(json.dumps(content).encode())


def described(path):
    (path.parent / "a.npy").write_bytes(an_npy())
    open_store(path.parent, {}).info("a")


def a_description():
    videos = {"a": {"fps": 25.0, "frames": 50, "duration_sec": 2}}
    return json.dumps({"format": "npy", "clip_frames": 16, "videos": videos}).encode()


CASES = {
    "a.npy": (lambda _: an_npy(), from_directory),
    "a.csv": (lambda _: a_csv(), from_directory),
    "a.npz": (lambda _: an_npz(np.savez, {"x": VALUES}), from_directory),
    "f.npz": (lambda _: an_npz(np.savez, {"a": VALUES, "b": VALUES}), from_file),
    "z.npz": (lambda _: an_npz(np.savez_compressed, {"a": VALUES}), from_file),
    "f.h5": (lambda _: an_hdf5(), from_file),
    "f.tfrecord": (a_tfrecord, from_file),
    "weights.npz": (a_weight_file, weights),
    "v.mp4": (lambda folder: a_video(folder, ".mp4"), frames),
    "v.mkv": (lambda folder: a_video(folder, ".mkv"), frames),
    "v.ts": (lambda folder: a_video(folder, ".ts"), frames),
    "features.json": (lambda _: a_description(), described),
    "a.json": (lambda _: as_json(annotations()), read_annotations),
    "a.json.gz": (lambda _: as_json(annotations(), gzip.compress), read_annotations),
    "r.json": (lambda _: as_json(results()), load_predictions),
    "r.json.gz": (lambda _: as_json(results(), gzip.compress), load_predictions),
    "weights.pt": (weights_of_pytorch, load_torch),
}


def check(tmp_path, name, seed, count):
    make, read = CASES[name]
    (tmp_path / "sound").mkdir()
    (tmp_path / "damaged").mkdir()
    data = make(tmp_path / "sound")
    readable, messages = read_damaged(
        tmp_path / "damaged" / name, data, read, seed, count
    )
    assert readable + len(messages) == count
    assert messages  # else nothing was damaged


@pytest.mark.parametrize("name", CASES)
def test_damage_ends_in_a_result_or_in_an_error_that_names_the_file(tmp_path, name):
    check(tmp_path, name, 0, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", CASES)
def test_much_damage_ends_in_a_result_or_in_an_error(tmp_path, name, seed):
    check(tmp_path, name, seed, LONG)


def npy_of_shape(shape, numbers=b""):
    file = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + numbers


@pytest.mark.parametrize(
    "shape", [(1 << 40, 8), (1 << 20, 1 << 20), (1 << 62, 1 << 62), (-1, 8), (2, -8)]
)
@pytest.mark.parametrize("form", ["npy", "npz", "npz directory"])
def test_a_claimed_shape_allocates_nothing(tmp_path, shape, form):
    data = npy_of_shape(shape, bytes(64))
    if form == "npy":
        (tmp_path / "a.npy").write_bytes(data)
    else:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("a.npy", data)
    store = open_store(tmp_path / "a.npz" if form == "npz" else tmp_path, {})
    with pytest.raises(ValueError, match=r"a\.np.: video 'a': .*(cut short|is no npy)"):
        store.read("a")


def test_a_member_inflates_to_what_it_declares_at_most(tmp_path):
    declared, inflated = 1000, 1 << 28
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = deflate.compress(npy_of_shape((inflated // 32, 8)))
    for _ in range(inflated >> 20):
        data += deflate.compress(bytes(1 << 20))
    data += deflate.flush()
    sizes = struct.pack("<III", 0, len(data), declared)
    local = b"PK\3\4" + struct.pack("<HHHI", 20, 0, 8, 0) + sizes
    local += struct.pack("<HH", 5, 0) + b"a.npy" + data
    central = b"PK\1\2" + struct.pack("<HHHHI", 20, 20, 0, 8, 0) + sizes
    central += struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0) + b"a.npy"
    places = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    path = tmp_path / "a.npz"
    path.write_bytes(local + central + b"PK\5\6" + places)

    def read(path):
        for look in (
            lambda: open_store(path, {}).read("a"),
            lambda: open_store(tmp_path, {}).read("a"),
            lambda: read_npz(path),
        ):
            with pytest.raises(ValueError, match=r"a\.npz: .*damaged"):
                look()

    before = path.read_bytes()
    read_damaged(path, before, read, 0, 0)


def test_a_network_of_a_million_blocks_is_not_listed(tmp_path):
    from ahernet_tf.p3d.weights import read_p3d_metadata

    data = a_weight_file(tmp_path)
    with np.load(io.BytesIO(data)) as arrays:
        header = json.loads(str(arrays["metadata"]))
    header["depths"] = [1 << 30] * 4
    np.savez(tmp_path / "w.npz", metadata=np.array(json.dumps(header)))
    with pytest.raises(ValueError, match=r"w\.npz: .*no such network"):
        read_p3d_metadata(tmp_path / "w.npz")
