import dataclasses

import pytest

from ahernet_tf.config import DataConfig, small
from ahernet_tf.data.dataset import DataError, Dataset
from tests.conftest import shared_path
from tests.data.tiny import FEATURES, TinyData, video

CONFIG = dataclasses.replace(small().data, cache_bytes=1 << 20)


def load(tmp_path, tiny=None, config=CONFIG, **options):
    return Dataset.load((tiny or TinyData()).write(tmp_path / "d"), config, **options)


def ids(role):
    return [video.id for video in role.videos]


def test_a_whole_configuration_has_the_options_of_the_data(tmp_path):
    directory = TinyData().write(tmp_path / "d")
    config = small()
    assert Dataset.load(directory, config).config == config.data
    with pytest.raises(TypeError, match="Expected a Config or DataConfig"):
        Dataset.load(directory, "small")
    with pytest.raises(DataError, match=r"/nope/dataset\.json: cannot be"):
        Dataset.load(tmp_path / "nope", config)


def test_roles_hold_the_videos_of_their_subset_and_classes(tmp_path):
    dataset = load(tmp_path)
    assert (dataset.name, dataset.feature_channels) == ("tiny", 3)
    assert dataset.source_classes == ("run", "sit")
    assert dataset.target_classes == ("wave", "jump")
    assert {name: ids(role) for name, role in dataset.roles.items()} == {
        "untrimmed": ["a1", "a2", "b1", "b2"],
        "moments": ["a2_m0", "c1_m1", "c1_m2", "c1_m3", "a1_m4"],
        "test": ["t1"],
        "oracle": ["a2", "b2", "c1"],
    }


def test_what_needs_no_action_is_counted(tmp_path):
    config = dataclasses.replace(
        CONFIG, max_segments=1, minimum_foreground_clips=16, minimum_moment_clips=6
    )
    assert load(tmp_path, config=config).report.lines() == [
        "untrimmed: videos whose actions of other classes are trained on as background:"
        " 1",
        "oracle: videos whose actions of other classes are trained on as background: 1",
        "untrimmed: videos without annotation, background only: 1",
        "untrimmed: videos of which only data.max_segments = 1 instances are used: 1",
        "untrimmed: instances with fewer than data.minimum_foreground_clips = 16 clips,"
        " not drawn: 1",
        "moments: instances with fewer than data.minimum_moment_clips = 6 clips, not "
        "drawn: 1",
        "oracle: videos without annotation, background only: 1",
        "oracle: videos of which only data.max_segments = 1 instances are used: 1",
    ]


def test_test_videos_can_be_had_for_source_classes(tmp_path):
    dataset = load(tmp_path)
    role = dataset.test(dataset.source_classes)
    assert ids(role) == ["t1", "t2"]
    assert [i.label for v in role.videos for i in v.instances] == ["run", "sit"]
    assert role.classes == dataset.source_classes
    assert dataset.test() is dataset.roles["test"]


def test_source_test_videos_without_features_are_not_needed(tmp_path):
    tiny = TinyData()
    del tiny.untrimmed_features["t2"]
    dataset = load(tmp_path, tiny)
    assert ids(dataset.test(dataset.source_classes)) == ["t1"]


def test_test_and_oracle_may_be_absent(tmp_path):
    tiny = TinyData()
    del tiny.roles["test"], tiny.roles["oracle"]
    dataset = load(tmp_path, tiny)
    assert sorted(dataset.roles) == ["moments", "untrimmed"]
    assert dataset.test() is None
    with pytest.raises(DataError, match="no role 'oracle'"):
        dataset.role("oracle")


def test_the_order_of_annotations_in_the_file_changes_nothing(tmp_path):
    tiny, other = TinyData(), TinyData()
    for content, turn in ((tiny, 1), (other, -1)):
        times = [(2, 6, "run"), (2, 6, "sit"), (2, 9, "run"), (8, 12, "sit")][::turn]
        content.untrimmed["a1"] = video("training", times, subject=1)
    one, two = load(tmp_path, tiny).roles, load(tmp_path, other).roles
    for name in one:
        assert one[name].videos == two[name].videos
        assert one[name].instance_spans() == two[name].instance_spans()


def from_untrimmed(tiny, **more):
    tiny.roles["moments"] = {
        "from": "untrimmed annotations",
        "classes": ["wave", "jump"],
        **more,
    }
    return tiny


def test_moments_can_be_cut_from_the_foreground_of_untrimmed_videos(tmp_path):
    role = load(tmp_path, from_untrimmed(TinyData())).roles["moments"]
    spans = role.instance_spans(1)
    assert [(c.video, c.label, c.duration_sec) for c in spans] == [
        ("a2", "wave", 3.0),
        ("c1", "jump", 2.0),
        ("c1", "wave", 3.0),
    ]
    assert (spans[0].first_clip, spans[0].end_clip) == (59, 74)


def test_moments_can_be_cut_from_other_annotations(tmp_path):
    tiny = from_untrimmed(
        TinyData(),
        annotations="annotations.json",
        subset="validation",
        features={"path": "untrimmed.npz", **FEATURES},
    )
    tiny.untrimmed["t2"]["annotations"][0]["label"] = "wave"
    assert ids(load(tmp_path, tiny).roles["moments"]) == ["t1", "t2"]


def test_hold_out_keeps_whole_groups_apart(tmp_path):
    dataset = load(tmp_path)
    for seed in range(6):
        training, validation = dataset.hold_out(0.5, seed)
        held = {video.group for video in validation.videos}
        assert held in ({"1"}, {"2"})
        for name in ("untrimmed", "oracle"):
            assert not held & {v.group for v in training.roles[name].videos}
        everyone = ids(validation) + ids(training.roles["untrimmed"])
        assert sorted(everyone) == ["a1", "a2", "b1", "b2"]
        of_person_1 = {"a2_m0", "a1_m4"} & set(ids(training.roles["moments"]))
        assert of_person_1 == (set() if held == {"1"} else {"a2_m0", "a1_m4"})
        assert validation.classes == dataset.source_classes


def test_hold_out_follows_the_seed(tmp_path):
    dataset = load(tmp_path)
    held = [ids(dataset.hold_out(0.5, seed)[1]) for seed in range(20)]
    assert held == [ids(dataset.hold_out(0.5, seed)[1]) for seed in range(20)]
    assert ["a1", "a2"] in held
    assert ["b1", "b2"] in held


def test_hold_out_takes_single_videos_where_there_are_no_groups(tmp_path):
    tiny = TinyData()
    for record in tiny.untrimmed.values():
        record.pop("subject")
    training, validation = load(tmp_path, tiny).hold_out(0.25, 0)
    (held,) = ids(validation)
    assert len(training.roles["untrimmed"].videos) == 3
    assert not any(i.startswith(held) for i in ids(training.roles["moments"]))


@pytest.mark.parametrize("fraction", [0.0, 0.9, 1.0])
def test_hold_out_leaves_something_on_both_sides(tmp_path, fraction):
    with pytest.raises(DataError, match="cannot hold out"):
        load(tmp_path).hold_out(fraction, 0)


def test_loads_the_gestures():
    dataset = Dataset.load(shared_path("data/gestures"), small().data)
    assert dataset.feature_channels == 186
    assert {name: len(role.videos) for name, role in dataset.roles.items()} == {
        "untrimmed": 229,
        "moments": 2564,
        "test": 53,
        "oracle": 243,
    }
    assert len(dataset.test(dataset.source_classes).videos) == 66
    training, validation = dataset.hold_out(0.2, 0)
    held = {video.group for video in validation.videos}
    assert len(held) == 5
    assert {dataset.group(v) for v in training.roles["moments"].videos}.isdisjoint(
        f"group {person}" for person in held
    )


def test_release_settings_load_as_well(tmp_path):
    config = DataConfig(legacy_clip_centres=True, minimum_foreground_clips=8)
    role = load(tmp_path, config=config).roles["untrimmed"]
    assert role.covered_sec(role.videos[0]) == pytest.approx(2 * 99 / 10)
