from ahernet_tf.data.annotations.companion_files import read_classes
from tests.data.annotations.reading import actions, faults, form_of, read, write

ELEMENTS = "abc_E_000007_000015_A_0001_0003 1\nabc_E_000007_000015_A_0004_0005 0\n"
EVENT = {
    "event": 4,
    "timestamps": [[7.5, 15.25]],
    "segments": {"A_0001_0003": {"timestamps": [[1.25, 2.0], [2.0, 3.5]]}},
}
CLASSES = "Clabel: 0; set: 1; Glabel: 1; (VT) a; full\nClabel: 1; set: 1; b\n"


def test_finegym_gives_its_events(tmp_path):
    event = {"event": 4, "timestamps": [[7.5, 15.25]], "segments": {"A_1_2": {}}}
    path = write(tmp_path / "g.json", {"abc": {"E_000007_000015": event}})
    assert form_of(path) == "finegym"
    assert actions(read(path)[0]) == {"abc": [(7.5, 15.25, "event 4")]}
    names = ("vault", "floor", "beam", "bars")
    assert actions(read(path, classes=names)[0]) == {"abc": [(7.5, 15.25, "bars")]}


def test_a_list_of_elements_has_whole_seconds(tmp_path):
    path = write(tmp_path / "gym99_val_element.txt", ELEMENTS)
    assert form_of(path) == "finegym_elements"
    videos, counts = read(path)
    expected = [(8, 10, "element 1"), (11, 12, "element 0")]
    assert actions(videos) == {"abc": expected}
    assert videos["abc"].subset == "validation"
    assert counts["elements in whole seconds, as their names say"] == 2


def test_the_events_beside_a_list_have_the_exact_times(tmp_path):
    write(tmp_path / "gym99_train_element_v1.1.txt", ELEMENTS)
    write(tmp_path / "events.json", {"abc": {"E_000007_000015": EVENT}})
    classes = read_classes(write(tmp_path / "categories.txt", CLASSES))
    assert classes == ("(VT) a; full", "b")
    videos, _ = read(tmp_path, classes=classes)
    assert actions(videos) == {"abc": [(8.75, 11, "b"), (11, 12, "(VT) a; full")]}
    assert videos["abc"].subset == "training"


def test_lists_of_different_classes_are_refused(tmp_path):
    write(tmp_path / "gym99_train_element.txt", ELEMENTS)
    write(tmp_path / "gym288_train_element.txt", ELEMENTS)
    assert "lists of gym288 and gym99" in faults(tmp_path)[1][0]


def test_a_line_that_is_no_element_is_named(tmp_path):
    path = write(tmp_path / "gym99_train_element.txt", f"{ELEMENTS}abc 3\n")
    assert "line 3: expected <video>_E_..." in faults(path)[1][0]
