"""The study of new classes, on networks that nobody trained."""

import pandas as pd
import pytest

from ahernet_tf.data.dataset import Dataset
from ahernet_tf.inference import Localizer, scoring
from ahernet_tf.inference.trained_network import TrainedNetwork
from experiments import new_classes_study
from experiments.new_classes_study import (
    ALL,
    ALWAYS,
    drawn_moments,
    means_of,
    scores_of,
    study,
    without_classes,
)
from tests.data.tiny import TinyData
from tests.inference.trained import BOTH_LOOKS, config_of, write_network

CONFIG = config_of(**BOTH_LOOKS)


@pytest.fixture
def data(tmp_path):
    content = TinyData()
    content.untrimmed["t2"]["annotations"].append(
        {"segment": [10, 14], "label": "wave"}
    )
    return content.write(tmp_path / "data")


def test_classes_that_are_left_out_play_no_role(data, tmp_path):
    whole = Dataset.load(data, CONFIG.data)
    rest = Dataset.load(without_classes(data, ["wave"], tmp_path / "rest"), CONFIG.data)
    assert rest.target_classes == ("jump",)
    assert rest.source_classes == whole.source_classes
    assert {i.label for v in rest.test().videos for i in v.instances} == {"jump"}
    moments = rest.role("moments").videos
    assert {i.label for v in moments for i in v.instances} == {"jump"}
    assert len(moments) < len(whole.role("moments").videos)


def test_fewer_moments_are_among_more(data):
    dataset = Dataset.load(data, CONFIG.data)

    def drawn(shots, draw=0):
        moments = drawn_moments(dataset, "jump", shots, draw, 8)
        return [moment.sequence.tobytes() for moment in moments]

    assert drawn("1") == drawn(ALL)[:1]
    assert len(drawn(ALL)) == 3
    assert {drawn("1", draw)[0] for draw in range(9)} == set(drawn(ALL))


def test_a_row_per_measurement(data, tmp_path, monkeypatch):
    def trained(own, workdir, config, seed):
        return TrainedNetwork.load(write_network(own, workdir, config))

    def scores_of(network, dataset, gone):
        return 10.0 * len(network.description.target_classes), float(len(gone))

    monkeypatch.setattr(new_classes_study, "trained", trained)
    monkeypatch.setattr(new_classes_study, "scores_of", scores_of)
    workdir = tmp_path / "S"
    workdir.mkdir()
    frame = study(data, workdir, CONFIG, [1], ["1", ALL], 2)
    assert frame["shots"].tolist() == [ALWAYS, "1", "1", ALL]
    assert set(frame["old_before"]) == {10.0}
    assert set(frame["old"]) == {20.0}
    assert set(frame["new"]) == {1.0}
    assert (frame["seconds"].dropna() > 0).all()
    assert len(pd.read_csv(workdir / "new_classes.csv")) == 4
    with pytest.raises(ValueError, match="holdouts below 2"):
        study(data, workdir, CONFIG, [2], ["1"], 1)


def test_old_and_new_classes_are_scored_apart(data, tmp_path):
    network = TrainedNetwork.load(write_network(data, tmp_path / "W", CONFIG))
    dataset = Dataset.load(data, CONFIG.data)
    old, new = scores_of(network, dataset, ["wave"])
    found = scoring.localize_role(Localizer.of(network), dataset.test())
    average = scoring.score(dataset.test(), found)["ap_per_class"]
    assert (old, new) == (100 * average["jump"], 100 * average["wave"])


def test_means_are_over_draws():
    row = {"holdout": 2, "shots": "5", "old_before": 20.0, "old": 19.0}
    frame = pd.DataFrame(
        [
            row | {"new": 10.0, "seconds": 1.0, "memory_mb": 500},
            row | {"new": 14.0, "seconds": 2.0, "memory_mb": 510},
        ]
    )
    last = means_of(frame).splitlines()[-1]
    assert last == "| 2 | 5 | 20.0 | 19.0 | 12.0 ± 2.0 | 1.5 | 505 |"
