"""A data set knows which network its features came from."""

import json
import shutil

import numpy as np
import pytest

from ahernet_tf.config import Config
from ahernet_tf.data.dataset import DataError, Dataset
from tests.data.packed.test_packing import packed
from tests.data.test_pipelines import CONFIG
from tests.data.tiny import CHANNELS, FEATURES, TinyData

EXTRACTOR = {"network": "P3D", "fusion": "caffe", "policy": "float32", "weights": "1a"}


def write(directory, **extractors):
    """Writes the tiny data with a directory of npy files for each npz.

    Args:
        directory: where.
        **extractors: name of a directory -> what its features.json says, or None.
    """
    data = TinyData()
    for role in data.roles.values():
        role["features"]["path"] = role["features"]["path"].removesuffix(".npz")
    data.write(directory)
    for name, sequences in (
        ("untrimmed", data.untrimmed_features),
        ("moments", data.moment_features),
    ):
        folder = directory / name
        folder.mkdir()
        for video, values in sequences.items():
            np.save(folder / f"{video}.npy", values)
        described = {"format": "npy", "dim": CHANNELS, **FEATURES}
        if extractors.get(name) is not None:
            described["extractor"] = extractors[name]
        (folder / "features.json").write_text(json.dumps(described))
    return directory


def extractor(directory):
    return Dataset.load(directory, Config().data).extractor


def test_the_data_set_has_the_extractor_of_its_features(tmp_path):
    assert extractor(TinyData().write(tmp_path / "npz")) is None
    assert extractor(write(tmp_path / "silent")) is None
    one = write(tmp_path / "one", moments=EXTRACTOR)
    assert extractor(one) == EXTRACTOR
    rounded = {**EXTRACTOR, "policy": "mixed_bfloat16"}
    both = write(tmp_path / "both", untrimmed=EXTRACTOR, moments=rounded)
    assert extractor(both) == EXTRACTOR


def test_features_of_two_networks_are_refused(tmp_path):
    other = {**EXTRACTOR, "weights": "2b"}
    directory = write(tmp_path / "d", untrimmed=EXTRACTOR, moments=other)
    with pytest.raises(
        DataError, match=r"untrimmed and moments .* networks: weights: 1a, 2b"
    ):
        extractor(directory)


def test_packed_features_carry_it_and_notice_another(tmp_path):
    directory = write(tmp_path / "d", untrimmed=EXTRACTOR, moments=EXTRACTOR)
    packed(directory)
    alone = shutil.move(directory / "packed", tmp_path / "records")
    for place, records in ((directory, alone), (alone, True)):
        loaded = Dataset.load(place, CONFIG.data, packed=records)
        assert loaded.roles["untrimmed"].sequences.store.packed
        assert loaded.extractor == EXTRACTOR
    path = directory / "moments" / "features.json"
    path.write_text(path.read_text().replace("1a", "2b"))  # of the same size
    with pytest.raises(DataError, match="moments has changed"):
        Dataset.load(directory, CONFIG.data, packed=alone)
