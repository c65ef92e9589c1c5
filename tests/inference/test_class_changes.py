"""Classes that join, leave or change their names after training."""

import json

import numpy as np
import pytest

from ahernet_tf.inference import Localizer
from ahernet_tf.inference.refinement import SECOND_LOOK
from ahernet_tf.inference.trained_network import TrainedNetwork
from ahernet_tf.training.work_directory import EXEMPLARS
from tests.inference.trained import TIMES, clips_of, moments_of, write_trained

VIDEO = clips_of(60, seed=5)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def localizer(workdir):
    return Localizer.load(workdir)


@pytest.fixture(scope="module")
def more(localizer):
    return localizer.add_classes(moments_of("fly", "dive"), time_model=TIMES)


def found_by(localizer, clips=VIDEO):
    return localizer.localize(clips, time_model=TIMES)


def test_old_and_new_classes_are_localized(more):
    assert more.class_names == ("wave", "jump", "fly", "dive")
    clips = clips_of(60, seed=9)
    clips[20:32] += 4.0  # as the moments of dive are
    found = found_by(more, clips)
    assert {item.label for item in found} <= set(more.class_names)
    assert "dive" in {item.label for item in found}


def test_without_them_detections_are_those_of_before(localizer, more, tmp_path):
    before = found_by(localizer)
    assert before
    assert {item.label for item in before} <= {"wave", "jump"}
    more.save(tmp_path / "W2")
    assert found_by(more.remove_classes(["fly", "dive"])) == before
    assert found_by(Localizer.load(tmp_path / "W2", classes="old")) == before
    assert found_by(Localizer.load(tmp_path / "W2")) == found_by(more) != before


def test_classes_of_another_call_join_too(more):
    again = more.add_classes(moments_of("fly2", "spin"), time_model=TIMES)
    assert again.class_names[2:] == ("fly", "dive", "fly2", "spin")
    assert found_by(again.remove_classes(["spin", "fly2"])) == found_by(more)


def test_source_classes_stay(more, tmp_path):
    more.save(tmp_path / "W2")
    found = found_by(Localizer.load(tmp_path / "W2", classes="source"))
    assert {item.label for item in found} == {"run", "sit"}


def test_every_part_knows_the_new_classes(localizer, more):
    before, after = localizer._whole(), more._whole()
    assert after.description.added_classes == ("fly", "dive")
    assert after.second_look.classes == (*before.second_look.classes, "fly", "dive")
    counts = dict(zip(*np.unique(after.exemplars.labels, return_counts=True)))
    assert counts == {"wave": 2, "jump": 3, "fly": 3, "dive": 3}
    mean, _ = after.durations["fly"]
    # Clips of 4 frames, one every 2: 6, 7 and 8 of them last 1.4, 1.6 and 1.8 s.
    assert mean == pytest.approx(np.log([1.4, 1.6, 1.8]).mean())
    for name, own in before.durations.items():
        assert after.durations[name] == own


def test_renamed_classes_find_the_same(more):
    renamed = more.rename_classes({"wave": "greet", "fly": "soar"})
    assert renamed.class_names == ("greet", "jump", "soar", "dive")
    names = {"wave": "greet", "fly": "soar"}
    for one, other in zip(found_by(more), found_by(renamed), strict=True):
        assert other.label == names.get(one.label, one.label)
        assert (other.start_sec, other.end_sec, other.score) == (
            one.start_sec,
            one.end_sec,
            one.score,
        )
    assert renamed.remove_classes(["soar"]).class_names == ("greet", "jump", "dive")
    assert renamed._whole().description.added_classes == ("soar", "dive")
    swapped = more.rename_classes({"wave": "jump", "jump": "wave"})
    assert swapped.class_names == ("jump", "wave", "fly", "dive")


def test_moments_of_a_class_cut_to_one_length_tell_no_duration(localizer):
    moments = {"fly": [clips_of(6, seed) for seed in range(4)]}
    more = localizer.add_classes(moments, time_model=TIMES)
    assert "fly" not in more._whole().durations


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        ({}, "at least one new class"),
        ({"wave": [clips_of(5)]}, "has a class 'wave' already"),
        ({"run": [clips_of(5)]}, "has a class 'run' already"),
        ({"Wave": [clips_of(5)]}, "nearly alike: 'Wave' is new, 'wave' is there"),
        ({"a b": [clips_of(5)], "a_b": [clips_of(5)]}, "nearly alike: 'a_b'"),
        ({"": [clips_of(5)]}, "an empty one"),
        ({"fly": []}, "'fly' has no moment"),
        ({"fly": [clips_of(5)[:, :2]]}, r"'fly', moment 1: .*features \[clips, 3\]"),
        ({"fly": [clips_of(5), np.full((5, 3), np.nan)]}, "'fly', moment 2: .*NaN or"),
        ({"fly": clips_of(5)}, "'fly': expected a list of moments.* ndarray alone"),
        ({"fly": 5}, "'fly': expected a list of moments.* int alone"),
        ({5: [clips_of(5)]}, "names of classes, received 5"),
        ({" fly ": [clips_of(5)]}, "' fly ' begins or ends with a blank"),
    ],
)
def test_what_cannot_be_taught_is_refused(localizer, moments, message):
    with pytest.raises(ValueError, match=message):
        localizer.add_classes(moments, time_model=TIMES)


def test_a_localizer_of_source_classes_stays_one(workdir):
    source = Localizer.load(workdir, classes="source")
    with pytest.raises(ValueError, match="finds source classes; new ones are target"):
        source.add_classes(moments_of("fly"), time_model=TIMES)
    assert source.remove_classes("wave").class_names == ("run", "sit")
    assert source.rename_classes({"run": "dash"}).class_names == ("dash", "sit")
    assert Localizer.load(workdir).remove_classes("wave").class_names == ("jump",)


def test_names_that_are_not_there_are_refused(more):
    with pytest.raises(ValueError, match="'run' is no target class"):
        more.remove_classes(["run"])
    with pytest.raises(ValueError, match="a target class to be left"):
        more.remove_classes(more.class_names)
    with pytest.raises(ValueError, match="no class 'swim'"):
        more.rename_classes({"swim": "dive"})
    with pytest.raises(ValueError, match="has a class 'sit' already"):
        more.rename_classes({"wave": "sit"})
    with pytest.raises(ValueError, match="'swim' is there twice"):
        more.rename_classes({"wave": "swim", "jump": "swim"})


def test_systems_without_a_transfer_take_no_classes(tmp_path):
    workdir = write_trained(tmp_path, "AherNet-")
    assert not (workdir / EXEMPLARS).exists()
    with pytest.raises(ValueError, match="AherNet- has no weight transfer"):
        Localizer.load(workdir).add_classes(moments_of("fly"), time_model=TIMES)


def test_what_earlier_versions_did_not_keep_is_named(tmp_path):
    workdir = write_trained(tmp_path)
    (workdir / EXEMPLARS).unlink()
    with pytest.raises(ValueError, match=r"no exemplars.*ahernet refine"):
        Localizer.load(workdir).add_classes(moments_of("fly"), time_model=TIMES)
    network = TrainedNetwork.load(workdir)
    with np.load(workdir / SECOND_LOOK) as content:
        parts = {n: content[n] for n in content.files if n != "covariance"}
    np.savez(workdir / SECOND_LOOK, **parts)
    assert network.second_look.segments.discriminant.covariance is not None
    (workdir / EXEMPLARS).touch()
    with pytest.raises(ValueError, match=EXEMPLARS):
        TrainedNetwork.load(workdir)


def test_a_network_alone_cannot_change(localizer):
    alone = Localizer(localizer.model, localizer.class_names, localizer.config)
    for change in (
        lambda: alone.add_classes(moments_of("fly"), time_model=TIMES),
        lambda: alone.save("W2"),
    ):
        with pytest.raises(ValueError, match="made of a network alone"):
            change()


def test_description_says_what_was_added(more, tmp_path):
    more.save(tmp_path / "W2")
    content = json.loads((tmp_path / "W2" / "model.json").read_text())
    assert content["target_classes"] == ["wave", "jump", "fly", "dive"]
    assert content["added_classes"] == ["fly", "dive"]
