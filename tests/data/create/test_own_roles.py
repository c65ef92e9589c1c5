import pathlib

import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.create.own_inputs import OwnInputs
from ahernet_tf.data.create.own_roles import OwnRoles

HERE = pathlib.Path("sets/mine")


def video(name, subset, *labels):
    rows = [Instance(float(n), n + 1.0, label) for n, label in enumerate(labels)]
    return Video(name, subset, 9.0, tuple(rows))


def roles(*videos, moments=(), moments_of=None, **inputs):
    paths = {"segments": pathlib.Path("s.csv"), "features": pathlib.Path("features")}
    paths["moments"] = moments_of
    return OwnRoles(OwnInputs(**paths, **inputs), {"fps": 5.0}, HERE, videos, moments)


def test_every_class_gets_its_role():
    made = roles(
        video("a", "training", "run", "wave", "sit"),
        video("t", "test", "wave", "run"),
        target_classes=("wave",),
        ignored_classes=("sit",),
    )
    assert list(made.faults()) == []
    content = made.content("mine")
    assert content["untrimmed"] == {
        "annotations": "annotations.json",
        "subset": "training",
        "classes": ["run"],
        "features": {"path": "../../features", "fps": 5.0},
    }
    assert content["moments"]["classes"] == ["wave"]
    assert content["test"]["classes"] == content["oracle"]["classes"] == ["wave"]
    assert content["ignored_classes"] == ["sit"]


def test_spellings_and_classes_in_no_role_are_faults():
    made = roles(
        video("a", "training", "run"),
        video("t", "test", "Wave", "fly"),
        moments=[video("m", "training", "wave")],
        moments_of=pathlib.Path("clips"),
    )
    first, second = made.faults()
    assert "'Wave' in the table, 'wave' among the folders of clips" in first
    assert "test videos have actions of ['fly']" in second


def test_listed_classes_are_of_the_table():
    made = roles(
        video("a", "training", "run", "wave"),
        target_classes=("Wave",),
        ignored_classes=("hop",),
    )
    first, second = made.faults()
    assert "'Wave' in --target_classes, 'wave' in the table" in first
    assert "--ignored_classes: no action is of ['hop']" in second


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("wave",), "none is left with annotations"),
        (("run",), r"no training video has an action of \['wave'\]"),
    ],
)
def test_classes_that_make_no_data_set_are_refused(labels, message):
    made = roles(video("a", "training", *labels), target_classes=("wave",))
    with pytest.raises(ValueError, match=message):
        made.content("mine")
