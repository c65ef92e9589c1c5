import json

import pytest

from ahernet_tf.data.annotations.activitynet_classes import (
    SOURCE_87,
    SPORTS_CATEGORY,
    TARGET_113,
)
from ahernet_tf.data.create import class_splits as splits
from tests.conftest import shared_path

NODES = [
    {"nodeId": 0, "nodeName": "Root", "parentId": None},
    {"nodeId": 1, "nodeName": SPORTS_CATEGORY, "parentId": 0},
    {"nodeId": 2, "nodeName": "Ball games ", "parentId": 1},
    {"nodeId": 3, "nodeName": "Cricket", "parentId": 2},
    {"nodeId": 4, "nodeName": "Household", "parentId": 0},
    {"nodeId": 5, "nodeName": "Mopping", "parentId": 4},
]


@pytest.mark.parametrize(
    "taxonomy", [NODES, {str(n["nodeId"]): n for n in NODES}], ids=["list", "object"]
)
def test_taxonomy_gives_all_categories_above_a_leaf(taxonomy):
    assert splits.categories_of_taxonomy(taxonomy) == {
        "Cricket": ("Ball games", SPORTS_CATEGORY, "Root"),
        "Mopping": ("Household", "Root"),
    }


def test_taxonomy_of_the_file_decides_where_it_places_all_classes():
    split = splits.split_activitynet(["Mopping", "Cricket"], NODES)
    assert (split.source, split.target) == (("Cricket",), ("Mopping",))
    assert split.origin.startswith("taxonomy of the file")


def test_supplied_list_decides_otherwise_and_says_so():
    for taxonomy, why in ((None, "has no taxonomy"), (NODES, "lacks 1 of the classes")):
        split = splits.split_activitynet(["Ballet", "Cricket"], taxonomy)
        assert (split.source, split.target) == (("Cricket",), ("Ballet",))
        assert split.origin.startswith("supplied list")
        assert why in split.origin


def test_classes_of_another_data_set_are_refused():
    with pytest.raises(ValueError, match="has no class 'Juggling'"):
        splits.split_activitynet(["Ballet", "Cricket", "Juggling"])


def test_circular_taxonomy_is_refused():
    nodes = [
        {"nodeId": 1, "nodeName": "a", "parentId": 2},
        {"nodeId": 2, "nodeName": "b", "parentId": 1},
        {"nodeId": 3, "nodeName": "c", "parentId": 1},
    ]
    with pytest.raises(ValueError, match="a circle above 'c'"):
        splits.categories_of_taxonomy(nodes)


def test_node_without_parent_field_is_refused():
    with pytest.raises(ValueError, match="received"):
        splits.categories_of_taxonomy([{"nodeId": 1, "nodeName": "a"}])


def test_category_at_any_level_selects_its_classes():
    categories = splits.categories_of_taxonomy(NODES)
    split = splits.split_by_category(
        ["Cricket", "Mopping"], categories, ["Ball games"], "here"
    )
    assert split.source == ("Cricket",)
    assert split.origin == "here: classes under 'Ball games'"


@pytest.mark.parametrize(
    ("classes", "wanted", "message"),
    [
        (["Cricket", "Chess"], ["Ball games"], "no category for 'Chess'"),
        (["Cricket", "Mopping"], ["Music"], "no class of the data lies under 'Music'"),
        (["Cricket", "Mopping"], ["Root"], "2 source and 0 target classes"),
    ],
)
def test_impossible_category_split_is_refused(classes, wanted, message):
    categories = splits.categories_of_taxonomy(NODES)
    with pytest.raises(ValueError, match=message):
        splits.split_by_category(classes, categories, wanted, "here")


def test_listed_classes_become_source_classes():
    split = splits.split_by_list(["a", "b", "c"], ["c"], "list")
    assert (split.source, split.target) == (("c",), ("a", "b"))
    with pytest.raises(ValueError, match="has no class 'd'"):
        splits.split_by_list(["a", "b"], ["d"], "list")


def test_random_split_depends_on_seed_and_not_on_order():
    classes = [f"c{i}" for i in range(30)]
    split = splits.split_at_random(classes, 10, seed=3)
    assert split == splits.split_at_random(classes[::-1], 10, seed=3)
    assert split.source != splits.split_at_random(classes, 10, seed=4).source
    assert len(split.source) == 10
    assert set(split.source) | set(split.target) == set(classes)
    assert not set(split.source) & set(split.target)
    for count in (0, 30):
        with pytest.raises(ValueError, match="1 to 29"):
            splits.split_at_random(classes, count, seed=0)


def test_table_of_categories(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("class,top,note\na,x,\nb,y,z\n")
    assert splits.categories_of_table(path) == {"a": ("x",), "b": ("y", "z")}
    assert splits.categories_of_table(path, ["top"])["b"] == ("y",)
    with pytest.raises(ValueError, match="has no column 'group'"):
        splits.categories_of_table(path, ["group"])
    path.write_text("class,top\na,x\na,y\n")
    with pytest.raises(ValueError, match="'a' is there twice"):
        splits.categories_of_table(path)


def test_supplied_list_is_the_reconstruction_and_covers_activitynet():
    assert (len(SOURCE_87), len(TARGET_113)) == (87, 113)
    table = shared_path("data/annotations/split_87_113_reconstructed.csv")
    categories = splits.categories_of_table(table, ["top_level"])
    split = splits.split_by_category(
        SOURCE_87 + TARGET_113, categories, ["Sports/Exercise/and Recreation"], "table"
    )
    assert set(split.source) == set(SOURCE_87)
    names = shared_path("data/annotations/activitynet_category_name.txt")
    assert set(names.read_text().splitlines()) == set(SOURCE_87 + TARGET_113)


def test_supplied_list_agrees_with_the_older_public_tree_where_that_has_a_class():
    tree = shared_path("data/annotations/activitynet_taxonomy_v1.0.json")
    categories = splits.categories_of_taxonomy(json.loads(tree.read_text())["taxonomy"])
    common = set(SOURCE_87 + TARGET_113) & set(categories)
    assert len(common) > 100
    for name in common:
        assert (SPORTS_CATEGORY in categories[name]) == (name in SOURCE_87)


def test_a_listed_class_that_is_spelt_otherwise_is_named_with_its_neighbour():
    with pytest.raises(ValueError, match="'Run' listed, 'run' in the data"):
        splits.split_by_list(["run", "sit"], ["Run"], "list")


def test_categories_may_be_in_any_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("class;Top Level\nrun;sport\ncook;home\n".encode("utf-16"))
    expected = {"run": ("sport",), "cook": ("home",)}
    assert splits.categories_of_table(path) == expected
    assert splits.categories_of_table(path, ["Top Level"]) == expected
    path.write_text("class,top\nrun,sport,extra\n")
    with pytest.raises(ValueError, match="line 2: expected 2 cells"):
        splits.categories_of_table(path)
