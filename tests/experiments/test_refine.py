"""What stands beside the weights is learnt again as it was learnt."""

import json

import numpy as np
import pytest

from ahernet_tf import files
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.exemplars import read_exemplars
from experiments import refine
from tests.inference.trained import TIMES, moments_of, write_trained

NAMES = ("second_look.npz", "durations.json", "exemplars.npz")


@pytest.fixture
def trained(tmp_path):
    workdir = write_trained(tmp_path)
    run = {"data": str(tmp_path / "data"), "seed": 0}
    files.write_json(workdir / "run.json", run)
    return workdir


def test_refine_learns_the_same_anew(trained):
    before = {name: (trained / name).read_bytes() for name in NAMES[:2]}
    exemplars = read_exemplars(trained)
    for name in NAMES:
        (trained / name).unlink()
    refine.refine(trained)
    assert before == {name: (trained / name).read_bytes() for name in before}
    again = read_exemplars(trained)
    assert again.labels.tolist() == exemplars.labels.tolist()
    np.testing.assert_allclose(again.pooled, exemplars.pooled, rtol=1e-4, atol=1e-5)


def test_data_of_other_classes_are_refused_and_nothing_is_lost(trained):
    path = trained.parent / "data" / "dataset.json"
    content = json.loads(path.read_text())
    content["moments"]["classes"].reverse()
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="other target classes than"):
        refine.refine(trained)
    assert all((trained / name).exists() for name in NAMES)


def test_an_imported_network_takes_classes_once_its_data_are_named(trained):
    for name in ("run.json", "exemplars.npz"):
        (trained / name).unlink()
    with pytest.raises(ValueError, match="W: was trained elsewhere; --data says"):
        refine.refine(trained)
    refine.refine(trained, trained.parent / "data")
    more = Localizer.load(trained).add_classes(moments_of("fly"), time_model=TIMES)
    assert more.class_names == ("wave", "jump", "fly")


def test_what_is_left_out_is_told(trained, capsys):
    path = trained.parent / "data" / "annotations.json"
    content = json.loads(path.read_text())
    content["database"]["b1"]["annotations"][0]["label"] = "run!"
    path.write_text(json.dumps(content))
    refine.refine(trained)
    assert "annotations.json: 1 bad videos left out (b1)" in capsys.readouterr().err
