"""What is opened as which store."""

import json

import numpy as np
import pytest

from ahernet_tf.data.features import opening
from ahernet_tf.data.features.directory_stores import DirectoryStore
from ahernet_tf.data.features.opening import StoreFormat, open_store

FORMS = ["npz", "npz compressed", "npy", "csv"]

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


def store_of(tmp_path, form, arrays, **savez):
    """Writes arrays in one of the forms and opens them."""
    tmp_path.mkdir(exist_ok=True)
    if form in ("npz", "npz compressed"):
        save = np.savez if form == "npz" else np.savez_compressed
        save(tmp_path / "f.npz", **arrays)
        return open_store(tmp_path / "f.npz", {})
    directory = tmp_path / form
    directory.mkdir()
    for name, array in arrays.items():
        if form == "npy":
            np.save(directory / f"{name}.npy", array)
        else:
            header = ",".join(f"f{n}" for n in range(array.shape[1]))
            np.savetxt(directory / f"{name}.csv", array, "%.17g", ",", header=header)
    return open_store(directory, {})


@pytest.mark.parametrize("form", FORMS)
def test_reads_what_was_written(tmp_path, form):
    store = store_of(tmp_path, form, {"a": VALUES, "v_b": VALUES[:2]})
    assert sorted(store.ids()) == ["a", "v_b"]
    assert len(store) == 2
    for name in ("a", "v_a"):
        assert name in store
        assert store.shape(name) == (4, 3)
        np.testing.assert_array_equal(store.read(name), VALUES)
    for name in ("b", "v_b"):
        assert store.shape(name) == (2, 3)
        np.testing.assert_array_equal(store.read(name), VALUES[:2])
    assert "c" not in store


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda p: p / "none.npz", "does not exist"),
        (lambda p: (p / "x.npz").write_text("hello") and p / "x.npz", "no npz"),
        (lambda p: (p / "x.h6").write_text("hello") and p / "x.h6", "format"),
        (lambda p: p, "found .'nothing'."),
        (lambda p: (p / "a.h5").write_text("x") and p, "a file holds many videos"),
        (lambda p: (p / "data.mdb").write_text("x") and p, "save the arrays as npy"),
    ],
)
def test_what_is_no_store_is_refused(tmp_path, make, match):
    with pytest.raises(ValueError, match=match):
        open_store(make(tmp_path), {})


def described(tmp_path, **description):
    np.save(tmp_path / "a.npy", VALUES)
    text = json.dumps({"format": "npy", "dim": 3, "clip_frames": 16, **description})
    (tmp_path / "features.json").write_text(text)


def test_an_equal_declaration_is_accepted_and_another_refused(tmp_path):
    described(tmp_path)
    assert open_store(tmp_path, {"clip_frames": 16}).description["dim"] == 3
    with pytest.raises(ValueError, match=r"features.json: clip_frames is 16.*8"):
        open_store(tmp_path, {"clip_frames": 8})


def test_a_format_is_one_class_and_one_record(tmp_path, monkeypatch):
    class LineStore(DirectoryStore):
        """A directory with a file per video: a channel per line."""

        endings = (".lines",)

        def _read_file(self, path):
            lines = path.read_text().split()
            return np.array([line.split("|") for line in lines], np.float32).T

    made_up = StoreFormat(LineStore.endings, directory=LineStore)
    monkeypatch.setitem(opening.FORMATS, "lines", made_up)
    for label in ("run", "sit"):
        (tmp_path / label).mkdir()
        (tmp_path / label / f"{label}_1.lines").write_text("1|2|3\n4|5|6\n")
    for path in (tmp_path / "run", tmp_path):
        store = open_store(path, {})
        np.testing.assert_array_equal(store.read("run_1"), [[1, 4], [2, 5], [3, 6]])
        assert store.shape("run_1") == (3, 2)
    (tmp_path / "sit" / "sit_1.lines").write_text("1|2|x\n")
    with pytest.raises(ValueError, match=r"sit_1\.lines: video 'sit_1': .*'x'"):
        open_store(tmp_path, {}).read("sit_1")


def test_two_formats_in_one_directory_are_asked_about(tmp_path):
    for name in "abcd":
        np.save(tmp_path / f"{name}.npy", VALUES)
    np.savez(tmp_path / "a.npz", VALUES)
    assert len(open_store(tmp_path, {})) == 4
    np.savez(tmp_path / "b.npz", VALUES)
    with pytest.raises(ValueError, match=r"4 npy and 2 npz files; .*--format"):
        open_store(tmp_path, {})
    assert len(open_store(tmp_path, {"format": "npz"})) == 2


def test_folders_beside_a_few_files_are_the_store(tmp_path):
    (tmp_path / "labels.csv").write_text("a,run\n")
    for label in ("run", "sit"):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / f"{label}.npy", VALUES)
    assert sorted(open_store(tmp_path, {}).ids()) == ["run", "sit"]


def test_a_format_that_a_description_makes_up_is_said_to_be_there(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2), np.float32))
    (tmp_path / "features.json").write_text('{"format": "nppy"}')
    with pytest.raises(ValueError, match=r"features\.json: nppy stores"):
        open_store(tmp_path, {})
