import warnings

import numpy as np
import pytest

from ahernet_tf.evaluation import evaluate_proposals
from tests.evaluation.frames import found, truth


def test_perfect_single_proposal_per_video_has_full_recall():
    instances = truth(("v", 0, 10, "x"), ("w", 5, 9, "y"))
    proposals = found(("v", 0, 10, "x", 0.9), ("w", 5, 9, "x", 0.9))
    result = evaluate_proposals(instances, proposals, [0.5, 0.95])
    assert result.ar_at_an.tolist() == [1.0] * 100
    assert result.auc == pytest.approx(99.0)  # from 1 to 100, divided by 100


def test_recall_at_n_counts_the_n_best_scored():
    instances = truth(("v", 0, 10, "x"))
    rows = [("v", 100 + i, 110 + i, "x", 1 - i / 1000) for i in range(100)]
    rows[3] = ("v", 0, 6, "x", rows[3][4])  # rank 4 reaches 0.6
    rows[7] = ("v", 0, 10, "x", rows[7][4])  # rank 8 reaches all
    result = evaluate_proposals(instances, found(*rows[::-1]), [0.5, 0.8])
    assert [result.ar_at(n) for n in (1, 3, 4, 7, 8, 100)] == [0, 0, 0.5, 0.5, 1, 1]
    np.testing.assert_allclose(result.proposals_per_video, np.arange(1, 101))


def test_two_instances_of_one_video_may_share_a_proposal():
    instances = truth(("v", 0, 10, "x"), ("v", 0, 9, "x"))
    result = evaluate_proposals(instances, found(("v", 0, 10, "x", 0.9)), [0.8])
    assert result.ar_at(1) == 1.0


def test_labels_are_ignored():
    instances = truth(("v", 0, 10, "x"))
    proposals = found(("v", 0, 10, "unknown", 0.9)).drop(columns="label")
    assert evaluate_proposals(instances, proposals, [0.8]).ar_at(1) == 1.0


def test_equal_scores_are_ranked_in_file_order():
    instances = truth(("v", 0, 10, "x"))
    rows = [("v", 100 + i, 110 + i, "x", 0.5) for i in range(100)]
    rows[49] = ("v", 0, 10, "x", 0.5)
    result = evaluate_proposals(instances, found(*rows), [0.5])
    assert (result.ar_at(49), result.ar_at(50)) == (0.0, 1.0)


def test_proposals_of_unknown_videos_count_in_the_ratio():
    instances = truth(("v", 0, 10, "x"))
    rows = [("v", 100 + i, 110 + i, "x", 0.9 - i / 1000) for i in range(100)]
    rows[60] = ("v", 0, 10, "x", rows[60][4])
    alone = evaluate_proposals(instances, found(*rows), [0.5])
    unknown = [("u", 0, 10, "x", 0.9)] * 100
    result = evaluate_proposals(instances, found(*rows, *unknown), [0.5])
    assert alone.ar_at(100) == 1.0
    assert result.ar_at(100) == 0.0  # only 50 of v's 100 are kept
    assert result.counts["proposals_of_unknown_videos"] == 100
    assert result.counts["unknown_videos"] == 1


def test_video_without_proposals_lowers_recall_and_is_counted():
    instances = truth(("v", 0, 10, "x"), ("w", 0, 10, "x"))
    result = evaluate_proposals(instances, found(("v", 0, 10, "x", 0.9)), [0.5])
    assert result.ar_at(100) == 0.5
    assert result.counts["videos_without_proposals"] == 1


def test_interleaved_videos_keep_their_own_instances():
    instances = truth(("v", 0, 10, "x"), ("w", 0, 3, "x"), ("v", 20, 30, "x"))
    proposals = found(("w", 20, 30, "x", 0.9), ("v", 0, 10, "x", 0.8))
    assert evaluate_proposals(instances, proposals, [0.5]).ar_at(100) == 1 / 3


def test_no_proposals_give_zero_and_a_warning():
    with pytest.warns(UserWarning, match="recall is 0"):
        result = evaluate_proposals(truth(("v", 0, 10, "x")), found(), [0.5])
    assert result.auc == 0.0
    assert result.ar_at(100) == 0.0


def test_number_off_the_curve_is_refused():
    result = evaluate_proposals(
        truth(("v", 0, 10, "x")), found(("v", 0, 10, "x", 1.0)), [0.5]
    )
    with pytest.raises(ValueError, match="received 1000"):
        result.ar_at(1000)


def test_unsound_proposal_is_named():
    with pytest.raises(ValueError, match="predictions: video 'v'"):
        evaluate_proposals(
            truth(("v", 0, 10, "x")), found(("v", 9, 1, "x", 1.0)), [0.5]
        )


def test_area_is_of_trapezoids():
    """Recall rises from 0 to 1 between 3 and 4 proposals: half a unit there."""
    instances = truth(("v", 0, 10, "x"))
    rows = [("v", 100 + i, 110 + i, "x", 1 - i / 1000) for i in range(100)]
    rows[3] = ("v", 0, 10, "x", rows[3][4])
    result = evaluate_proposals(instances, found(*rows), [0.5])
    assert result.auc == pytest.approx(96.5)
    assert result.area_under(result.ar_at_an) == result.auc
    assert result.area_under(np.ones(100)) == pytest.approx(99.0)


def test_points_are_shares_of_all_that_is_kept():
    """Two videos with 150 and 50 proposals: all are kept, 100 a video on average."""
    rows = [("v", 100 + i, 110 + i, "x", 1 - i / 1000) for i in range(150)]
    rows += [("w", 100 + i, 110 + i, "x", 1 - i / 1000) for i in range(50)]
    rows[149] = ("v", 0, 10, "x", rows[149][4])
    instances = truth(("v", 0, 10, "x"), ("w", 0, 10, "x"))
    result = evaluate_proposals(instances, found(*rows), [0.5])
    assert (result.ar_at(99), result.ar_at(100)) == (0.0, 0.5)
    several = evaluate_proposals(instances, found(*rows), [0.4, 0.5])
    assert several.video_recall[:, -1].tolist() == [1.0, 0.0]
    assert result.video_recall[:, -1].tolist() == [1.0, 0.0]
    assert result.video_instances.tolist() == [1, 1]


def test_each_instance_has_the_rank_of_its_own_proposal():
    rows = [("v", 100 + i, 110 + i, "x", 1 - i / 1000) for i in range(100)]
    rows[2] = ("v", 0, 10, "x", rows[2][4])
    rows[5] = ("v", 20, 30, "x", rows[5][4])
    instances = truth(("v", 20, 30, "x"), ("v", 0, 10, "x"), ("v", 50, 60, "x"))
    result = evaluate_proposals(instances, found(*rows), [0.5])
    recall = [3 * result.ar_at(n) for n in (2, 3, 5, 6, 100)]
    assert recall == pytest.approx([0, 1, 1, 2, 2])


@pytest.mark.parametrize("row", [("v", 9, 1, "x"), ("v", 0, np.nan, "x")])
def test_unsound_ground_truth_is_named(row):
    with pytest.raises(ValueError, match="ground truth: video 'v'"):
        evaluate_proposals(truth(row), found(("v", 0, 1, "x", 1.0)), [0.5])
    with pytest.raises(ValueError, match="with an instance, received none"):
        evaluate_proposals(truth(), found(("v", 0, 1, "x", 1.0)), [0.5])


def test_what_was_given_is_counted():
    instances = truth(("v", 0, 10, "x"), ("w", 0, 10, "x"), ("w", 20, 30, "x"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # those of the first video are enough
        result = evaluate_proposals(instances, found(("v", 0, 10, "x", 0.9)), [0.5])
    assert result.counts == {
        "ground_truth_videos": 2,
        "ground_truth_instances": 3,
        "proposals": 1,
        "proposals_of_unknown_videos": 0,
        "unknown_videos": 0,
        "videos_without_proposals": 1,
    }
