"""The table that the quickstart prints."""

from experiments import quickstart


def test_systems_stand_below_chance_in_fractions_made_percent():
    scores = {
        "AherNet": {"average_map": 0.346, "map_at_tiou": {"0.50": 0.7}, "auc": 57.0},
        "chance": {"average_map": 0.001, "map_at_tiou": {"0.50": 0.01}, "auc": 9.5},
    }
    header, chance, network = quickstart.table(scores).splitlines()
    assert header.split() == ["average", "mAP", "mAP@0.5", "AUC"]
    assert chance.split() == ["chance", "0.1%", "1.0%", "9.5%"]
    assert network.split() == ["AherNet", "34.6%", "70.0%", "57.0%"]
