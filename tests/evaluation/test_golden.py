"""The exact numbers of the official evaluators."""

import json

import numpy as np
import pytest

from ahernet_tf.evaluation import (
    PROTOCOLS,
    evaluate_detections,
    evaluate_proposals,
    load_ground_truth,
    load_predictions,
)
from tests.conftest import shared_path


@pytest.fixture(params=["anet", "thumos"])
def recorded(request):
    """Returns ground truth, predictions and the official results."""
    results = json.loads(
        shared_path(f"golden/eval/{request.param}_results.json").read_text()
    )
    truth_path = shared_path("golden/eval/" + results["ground_truth"])
    found_path = shared_path("golden/eval/" + results["predictions"])
    truth = load_ground_truth(truth_path, results["subset"])
    return truth, load_predictions(found_path), results


def stated(where, results):
    """Returns the thresholds that the protocol, or the recorded file states."""
    if where == "file":
        return results["tiou_thresholds"]
    return PROTOCOLS["anet_v1.3"].tiou_thresholds


@pytest.mark.parametrize("thresholds", ["protocol", "file"])
def test_detection_is_exactly_the_official(recorded, thresholds):
    truth, found, results = recorded
    official = results["detection"]
    result = evaluate_detections(truth, found, stated(thresholds, results))
    np.testing.assert_allclose(result.map_at_tiou, official["mAP"], rtol=0, atol=1e-9)
    assert result.average_map == pytest.approx(official["average_mAP"], rel=0, abs=1e-9)
    assert list(result.ap_per_class) == list(official["AP_per_class"])
    np.testing.assert_allclose(
        np.array(list(result.ap_per_class.values())),
        np.array(list(official["AP_per_class"].values())),
        rtol=0,
        atol=1e-9,
    )
    assert result.counts["ground_truth_instances"] == official["n_ground_truth"]
    assert result.counts["predictions_used"] == official["n_predictions_used"]
    assert result.counts["classes"] == official["n_classes"]


@pytest.mark.parametrize("thresholds", ["protocol", "file"])
def test_proposal_is_exactly_the_official(recorded, thresholds):
    truth, found, results = recorded
    official = results["proposal"]
    result = evaluate_proposals(truth, found, stated(thresholds, results))
    assert result.auc == pytest.approx(official["AUC"], rel=0, abs=1e-9)
    for number in (1, 10, 100):
        expected = official[f"AR@{number}"]
        assert result.ar_at(number) == pytest.approx(expected, rel=0, abs=1e-9)
    for array, key in (
        (result.ar_at_an, "average_recall"),
        (result.proposals_per_video, "proposals_per_video"),
        (result.recall, "recall"),
    ):
        np.testing.assert_allclose(array, official[key], rtol=0, atol=1e-9)
    assert result.counts["proposals"] == official["n_proposals_in_file"]
