import pytest

from ahernet_tf.evaluation import analyse_errors
from ahernet_tf.evaluation.verdicts import KINDS
from tests.evaluation.frames import found, truth

INSTANCES = truth(("v", 0, 10, "x"), ("v", 20, 40, "y"), ("w", 0, 50, "x"))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (("v", 0, 9, "x", 0.1), "duplicate"),
        (("v", 20, 40, "x", 0.1), "wrong label"),
        (("v", 0, 10, "y", 0.1), "wrong label"),
        (("v", 0, 3, "x", 0.1), "bad localisation"),
        (("v", 20, 26, "x", 0.1), "bad localisation"),  # of another label
        (("v", 50, 60, "x", 0.1), "background"),
        (("v", 9.5, 15, "x", 0.1), "background"),  # tIoU 0.5 / 15
        (("w", 60, 70, "y", 0.1), "background"),
    ],
)
def test_kind_of_false_positive(row, kind):
    result = analyse_errors(INSTANCES, found(("v", 0, 10, "x", 0.9), row))
    assert result.true_positives == 1
    assert result.false_positives == dict.fromkeys(KINDS[1:], 0) | {kind: 1}


def test_instance_reached_only_below_the_threshold_is_no_duplicate():
    result = analyse_errors(INSTANCES, found(("v", 0, 4, "x", 0.9)))
    assert result.false_positives["bad localisation"] == 1


def test_only_the_best_scored_are_analysed_unless_all_are_asked_for():
    rows = [("v", 50 + i, 60 + i, "y", 0.9 - i / 100) for i in range(15)]
    few = analyse_errors(INSTANCES, found(*rows), per_instance=10)
    every = analyse_errors(INSTANCES, found(*rows), per_instance=None)
    assert (few.predictions, every.predictions) == (10, 15)
    assert every.false_positives["background"] == 15
    of_two_instances = found(*(("v", 50 + i, 60 + i, "x", 0.5) for i in range(30)))
    assert analyse_errors(INSTANCES, of_two_instances).predictions == 20


def test_misses_are_binned_by_length_over_duration():
    instances = INSTANCES.assign(duration_sec=[50.0, 50.0, 50.0])  # 0.2, 0.4, 1.0
    result = analyse_errors(instances, found(("v", 20, 40, "y", 0.9)))
    assert result.misses == {
        "XS": (1, 1),
        "S": (0, 1),
        "M": (0, 0),
        "L": (0, 0),
        "XL": (1, 1),
        "unknown": (0, 0),
    }


def test_instance_longer_than_its_video_is_extra_long():
    instances = INSTANCES.assign(duration_sec=[9.0, 50.0, 50.0])
    result = analyse_errors(instances, found(("v", 20, 40, "y", 0.9)))
    assert result.misses["XL"] == (2, 2)


def test_without_durations_the_length_is_unknown():
    result = analyse_errors(INSTANCES, found(("v", 20, 40, "y", 0.9)))
    assert result.misses["unknown"] == (2, 3)


def test_misses_are_binned_by_length_in_fifths():
    lengths = [1, 2, 3, 4, 50]
    instances = truth(
        *(("v", 100 * i, 100 * i + n, "x") for i, n in enumerate(lengths))
    )
    result = analyse_errors(instances, found(("v", 400, 450, "x", 0.9)))
    assert result.misses_by_length == {
        "up to 1.8 s": (1, 1),
        "1.8 to 2.6 s": (1, 1),
        "2.6 to 3.4 s": (1, 1),
        "3.4 to 13 s": (1, 1),
        "over 13 s": (0, 1),
    }
    alike = truth(("v", 0, 5, "x"), ("v", 10, 15, "x"))
    result = analyse_errors(alike, found(("v", 0, 5, "x", 0.9)))
    assert result.misses_by_length == {"all": (1, 2)}


def test_confusions_count_what_predictions_reach():
    rows = [
        ("v", 0, 10, "x", 0.9),
        ("v", 0, 9, "x", 0.8),  # a duplicate reaches its own class
        ("v", 20, 40, "x", 0.7),
        ("v", 50, 60, "x", 0.6),
        ("w", 0, 50, "y", 0.5),
    ]
    result = analyse_errors(INSTANCES, found(*rows))
    assert sorted(result.confusions, key=str) == [
        ("x", "x", 2),
        ("x", "y", 1),
        ("x", None, 1),
        ("y", "x", 1),
    ]
    assert result.confusions[0] == ("x", "x", 2)


def test_background_threshold_must_lie_below_the_other():
    with pytest.raises(ValueError, match="background tIoU"):
        analyse_errors(INSTANCES, found(("v", 0, 1, "x", 1.0)), 0.5, 0.5)


def test_kinds_are_counted_where_nothing_was_predicted():
    result = analyse_errors(INSTANCES, found())
    assert result.false_positives == dict.fromkeys(KINDS[1:], 0)


def test_ends_of_bins_are_in_the_lower_one():
    lengths = [2, 2.1, 4, 4.1, 6, 6.1, 8, 8.1]
    instances = truth(*((f"v{i}", 0, n, "x") for i, n in enumerate(lengths)))
    instances = instances.assign(duration_sec=10.0)
    missed = analyse_errors(instances, found(("v0", 8, 9, "x", 0.9))).misses
    assert [missed[name] for name in ("XS", "S", "M", "L", "XL")] == [
        *((1, 1), (2, 2), (2, 2), (2, 2), (1, 1))
    ]


def test_half_an_overlap_is_a_match_and_a_tenth_is_no_background():
    below = analyse_errors(INSTANCES, found(("v", 0, 4.9, "x", 0.9)))
    assert (below.tiou_threshold, below.true_positives) == (0.5, 0)
    assert below.false_positives["bad localisation"] == 1
    assert analyse_errors(INSTANCES, found(("v", 0, 5, "x", 0.9))).true_positives == 1
    on_background = analyse_errors(INSTANCES, found(("v", 0, 0.99, "x", 0.9)))
    assert on_background.false_positives["background"] == 1
    near = analyse_errors(INSTANCES, found(("v", 0, 1.01, "x", 0.9)))
    assert near.false_positives["bad localisation"] == 1


def test_confusions_that_are_as_frequent_stay_in_the_order_of_the_labels():
    names = [f"{number:02}" for number in range(30)]
    instances = truth(
        *(("v", 10 * n, 10 * n + 5, name) for n, name in enumerate(names))
    )
    rows = (("v", 10 * n, 10 * n + 5, name, 0.5) for n, name in enumerate(names))
    twice = ("v", 270, 275, "27", 0.5)
    counted = analyse_errors(instances, found(*rows, twice)).confusions
    assert [label for label, _, _ in counted] == ["27", *names[:27], *names[28:]]
