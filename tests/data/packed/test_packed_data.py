import json
import shutil

import numpy as np
import pytest

from ahernet_tf.data.checks import DataError
from ahernet_tf.data.packed.packed_data import place_of, require_fit, verify
from tests.data.packed.test_packing import load


def edit_json(name, change):
    def edit(directory):
        content = json.loads((directory / name).read_text())
        change(content)
        (directory / name).write_text(json.dumps(content))

    return edit


def other_features(directory):
    with np.load(directory / "moments.npz") as file:
        arrays = dict(file)
    arrays["c1_m1"] = arrays["c1_m1"] + 1
    np.savez_compressed(directory / "moments.npz", **arrays)


CHANGES = {
    "annotations.json has changed": edit_json(
        "annotations.json", lambda c: c["database"]["a1"].update(duration=19.5)
    ),
    "moments.npz has changed": other_features,
    "dataset.json: 'moments' has changed": edit_json(
        "dataset.json", lambda c: c["moments"]["classes"].reverse()
    ),
}


@pytest.mark.parametrize("line", CHANGES)
def test_another_data_set_than_was_packed_is_refused(copy, line):
    CHANGES[line](copy)
    with pytest.raises(DataError, match="do not fit any more") as error:
        load(copy)
    assert line in str(error.value)
    assert "data_tools.pack" in str(error.value)
    load(copy, packed=False)


def test_a_packed_data_set_elsewhere_is_named(directory, tmp_path):
    shutil.copytree(directory / "packed", tmp_path / "elsewhere")
    dataset = load(directory, packed=tmp_path / "elsewhere")
    store = dataset.roles["moments"].sequences.store
    assert store.path == tmp_path / "elsewhere" / "moments"
    with pytest.raises(DataError, match="nowhere: no packed data set"):
        load(directory, packed=tmp_path / "nowhere")


def test_what_an_earlier_version_packed_is_refused(tmp_path):
    old = tmp_path / "packed"
    old.mkdir()
    for name in ("plan.json", "records.json"):
        (old / name).write_text('{"version": 1}')
    for place in (tmp_path, old):
        with pytest.raises(DataError, match=r"earlier version\. Pack again \("):
            place_of(place, True)
    assert place_of(tmp_path, False).directory == tmp_path


def test_another_version_is_refused(copy):
    edit_json("packed/packed.json", lambda c: c.update(version=3))(copy)
    with pytest.raises(DataError, match=r"packed\.json: .*another version\. Pack aga"):
        load(copy)


@pytest.mark.parametrize(
    "name",
    [
        "dataset.json",
        "annotations/moments.json",
        "moments/features.json",
        "moments/00001.csv",
    ],
)
def test_every_small_file_is_compared_when_it_is_opened(copy, name):
    path = copy / "packed" / name
    path.write_bytes(path.read_bytes().replace(b"a1_m4", b"a1_m5") + b" ")
    with pytest.raises(DataError, match=f"{name}: is missing, or not as packed"):
        load(copy)
    path.unlink()
    with pytest.raises(DataError, match=f"{name}: is missing, or not as packed"):
        require_fit(copy / "packed", None)


def test_all_that_is_damaged_is_named(copy):
    place = copy / "packed"
    assert verify(place) == 7 + 5
    for name, byte in (("untrimmed/00000.npy", 200), ("moments/00001.npy", -1)):
        data = bytearray((place / name).read_bytes())
        data[byte] ^= 1
        (place / name).write_bytes(data)
    (place / "moments" / "00000.npy").write_bytes(b"")
    with pytest.raises(DataError) as error:
        verify(place)
    lines = str(error.value).splitlines()
    assert "untrimmed/00000.npy: video " in lines[0]
    assert "moments/00000.npy: expected" in lines[1]
    assert len(lines) == 3
