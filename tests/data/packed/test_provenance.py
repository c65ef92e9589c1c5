import numpy as np

from ahernet_tf.data.packed.provenance import changes, fingerprint, provenance


def test_a_directory_changes_with_its_names_sizes_and_description(tmp_path):
    (tmp_path / "run").mkdir()
    np.save(tmp_path / "run" / "a.npy", np.zeros(3))
    np.save(tmp_path / "b.npy", np.zeros(3))
    found = [fingerprint(tmp_path)]
    (tmp_path / ".hidden").touch()
    assert fingerprint(tmp_path) == found[0]
    (tmp_path / "run" / "a.npy").rename(tmp_path / "run" / "d.npy")
    found.append(fingerprint(tmp_path))
    np.save(tmp_path / "b.npy", np.zeros(4))
    found.append(fingerprint(tmp_path))
    for weights in ("1a", "2b"):
        (tmp_path / "features.json").write_text(f'{{"extractor": "{weights}"}}')
        found.append(fingerprint(tmp_path))
    assert len(set(found)) == len(found)


def test_a_file_changes_with_its_size_and_both_ends(tmp_path):
    path, found = tmp_path / "f.npz", []
    for data in (b"", b"a" + bytes(3 << 20), bytes(3 << 20) + b"a", bytes(3 << 20)):
        path.write_bytes(data)
        found.append(fingerprint(path))
    assert len(set(found)) == 4
    assert fingerprint(tmp_path / "nothing") is None


def test_what_is_gone_has_not_changed(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    np.save(tmp_path / "f.npy", np.zeros(3))
    content = {"untrimmed": {"classes": ["run"]}, "name": "x"}
    before = provenance(tmp_path, content, ["a.json"], ["f.npy"])
    renamed = provenance(tmp_path, {**content, "name": "y"}, ["a.json"], ["f.npy"])
    assert changes(before, renamed) == []
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "f.npy").unlink()
    assert changes(before, provenance(tmp_path, {}, ["a.json"], ["f.npy"])) == [
        "a.json has changed"
    ]
    now = provenance(tmp_path, {"moments": {}}, [], [])
    assert changes(before, now) == [
        "dataset.json: 'moments' has changed",
        "dataset.json: 'untrimmed' has changed",
    ]
