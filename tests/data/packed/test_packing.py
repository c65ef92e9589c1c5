"""A packed data set stands in for the features it was made of."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from ahernet_tf import config as configuration
from ahernet_tf.data.channel_statistics import channel_statistics
from ahernet_tf.data.checks import DataError
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.data.packed import packing
from ahernet_tf.data.packed.plan import PackOptions
from ahernet_tf.data.pipelines import evaluation_batches
from tests.data.test_pipelines import CONFIG, STREAMS, assert_equal, batches
from tests.data.tiny import TinyData

ALL = (*STREAMS, "oracle")
SHARDS = 4  # of the tiny data set: two of each of its two feature files


def quietly(work, parts, title):
    return [work(part) for part in parts]


def packed(directory, run=quietly, **options):
    options = PackOptions(**{"dtype": "float32", "units": 2, **options})
    return packing.pack(directory, options=options, run=run)


def files(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def stream_of(dataset, name, config=CONFIG):
    if name == "oracle":
        stream, _ = STREAMS["untrimmed"]
        return stream(dataset, config, 3, role="oracle")
    stream, own = STREAMS[name]
    own = dataclasses.replace(own, data=config.data, network=config.network)
    return stream(dataset, own, 3)


def load(directory, config=CONFIG, **options):
    return Dataset.load(directory, config.data, **options)


def assert_same_batches(one, two, names=ALL, count=3, config=CONFIG):
    for name in names:
        for a, b in zip(
            batches(stream_of(one, name, config), count),
            batches(stream_of(two, name, config), count),
        ):
            assert_equal(a, b)


@pytest.mark.parametrize("name", ALL)
def test_float32_gives_the_same_batches_bit_for_bit(directory, name):
    one, two = load(directory, packed=False), load(directory)
    assert_same_batches(one, two, [name], 8)
    assert len(two.cache) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["data.pooling=max"],
        ["data.edge=zero"],
        ["data.legacy_clip_centres=true"],
        ["data.minimum_moment_clips=1", "data.minimum_foreground_clips=1"],
        ["network.untrimmed_steps=48", "network.moment_steps=48"],
    ],
)
def test_every_configuration_is_served(directory, options):
    config = configuration.with_overrides(CONFIG, options)
    one, two = load(directory, config, packed=False), load(directory, config)
    names = ("untrimmed", "foreground", "single moments")
    assert_same_batches(one, two, names, 2, config)


def test_the_features_are_not_needed_any_more(copy):
    for name in ("untrimmed.npz", "moments.npz", "annotations.json", "moments.json"):
        (copy / name).unlink()
    dataset = load(copy)
    for name in ALL:
        assert batches(stream_of(dataset, name), 1)


def test_the_packed_directory_alone_is_a_data_set(directory, tmp_path):
    alone = shutil.copytree(directory / "packed", tmp_path / "alone")
    one, two = load(directory, packed=False), load(alone)
    assert (two.name, two.feature_channels) == ("tiny", 3)
    assert (two.source_classes, two.target_classes) == (
        one.source_classes,
        one.target_classes,
    )
    assert {n: list(r.videos) for n, r in two.roles.items()} == {
        n: list(r.videos) for n, r in one.roles.items()
    }
    assert_same_batches(one, two, ["untrimmed"])


def test_held_out_people_leave_the_same_data(directory):
    parts = [load(directory, packed=p).hold_out(0.34, 1) for p in (False, True)]
    (one, validation), (two, other) = parts
    assert_same_batches(one, two, STREAMS, 4)
    assert list(validation.videos) == list(other.videos)


def test_channel_statistics_are_those_of_the_features(directory):
    one, two = load(directory, packed=False), load(directory)
    for a, b in zip(channel_statistics(one), channel_statistics(two)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("classes", [None, ("run", "sit")])
def test_evaluation_reads_the_packed_test_videos(directory, classes):
    one, two = (load(directory, packed=p).test(classes) for p in (False, True))
    for a, b in zip(
        batches(evaluation_batches(one, CONFIG, 2), 3),
        batches(evaluation_batches(two, CONFIG, 2), 3),
    ):
        assert_equal(a, b)


def test_what_was_counted_is_counted_again(directory):
    one, two = load(directory, packed=False), load(directory)
    assert one.report.counts.items() <= two.report.counts.items()
    assert any("read packed (float32): 12" in line for line in two.report.lines())


def test_float16_gives_the_rounded_features(fresh):
    packed(fresh, dtype="float16")
    one, two = load(fresh, packed=False), load(fresh)
    for name in ALL:
        for a, b in zip(
            batches(stream_of(one, name), 3), batches(stream_of(two, name), 3)
        ):
            np.testing.assert_allclose(
                a["features"], b["features"], rtol=1e-3, atol=1e-3
            )
            assert np.any(a["features"] != b["features"])


def test_a_window_of_a_video_is_a_window_of_its_clips(directory):
    source = load(directory).roles["untrimmed"].sequences.store
    with np.load(directory / "untrimmed.npz") as arrays:
        np.testing.assert_array_equal(source.read("a2")[40:61], arrays["a2"][40:61])


def test_roles_that_are_not_packed_are_read_from_their_features(fresh):
    content = packed(fresh, splits=("moments",))
    assert set(content["videos"]) == {"moments"}
    one, two = load(fresh, packed=False), load(fresh)
    assert two.roles["moments"].sequences.store.packed
    assert not two.roles["untrimmed"].sequences.store.packed
    assert_same_batches(one, two)
    for a, b in zip(channel_statistics(one), channel_statistics(two)):
        np.testing.assert_array_equal(a, b)


def test_features_of_several_files_and_of_parts_become_one_store(tmp_path):
    tiny = TinyData()
    entry = tiny.roles["untrimmed"]["features"]
    parts = [{"path": ["one.npz", "others.npz"]}, {"path": "untrimmed.npz"}]
    for name in ("untrimmed", "test", "oracle"):
        tiny.roles[name]["features"] = {
            **{k: v for k, v in entry.items() if k != "path"},
            "parts": parts,
        }
    for name, values in tiny.moment_features.items():
        tiny.moment_features[name] = np.concatenate([values, values], axis=1)
    directory = tiny.write(tmp_path / "d")
    np.savez(directory / "one.npz", a1=tiny.untrimmed_features.pop("a1") + 1)
    np.savez(directory / "others.npz", **tiny.untrimmed_features)
    packed(directory)
    one, two = load(directory, packed=False), load(directory)
    assert two.feature_channels == 6
    assert_same_batches(one, two)


def test_annotation_files_of_one_name_do_not_overwrite_each_other(tmp_path):
    tiny = TinyData()
    tiny.roles["moments"]["annotations"] = "other/annotations.json"
    directory = tiny.write(tmp_path / "d")
    (directory / "other").mkdir()
    (directory / "moments.json").rename(directory / "other" / "annotations.json")
    packed(directory)
    alone = shutil.move(directory / "packed", tmp_path / "alone")
    assert_same_batches(load(directory), load(alone), ["tiled moments"])


# Interrupted, damaged, faulty --------------------------------------------------------


def stopping_after(count, done):
    def run(work, parts, title):
        results = []
        for part in parts:
            if title == "packing" and len(done) == count:
                raise KeyboardInterrupt
            results.append(work(part))
            if title == "packing":
                done.append(part)
        return results

    return run


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(fresh, monkeypatch):
    packed(fresh)
    expected = files(fresh / "packed")
    shutil.rmtree(fresh / "packed")
    with pytest.raises(KeyboardInterrupt):
        packed(fresh, stopping_after(3, []))
    assert len(list((fresh / "packed").rglob("*.npy"))) == 3
    report = load(fresh).report
    assert any("packing is not finished" in line for line in report.lines())
    written = []
    write = packing.write_shard
    monkeypatch.setattr(
        packing, "write_shard", lambda *a: written.append(a[0].name) or write(*a)
    )
    packed(fresh)
    assert len(written) == SHARDS - 3
    assert files(fresh / "packed") == expected


def test_a_damaged_shard_is_packed_again(fresh):
    packed(fresh)
    expected = files(fresh / "packed")
    shard = fresh / "packed" / "moments" / "00001.npy"
    shard.write_bytes(shard.read_bytes()[:-1])
    (fresh / "packed" / "untrimmed" / "00000.csv").unlink()
    packed(fresh)
    assert files(fresh / "packed") == expected


def test_another_packed_data_set_is_replaced_only_if_asked(fresh):
    packed(fresh)
    with pytest.raises(ValueError, match=r"another data set or form \(dtype differ\)"):
        packed(fresh, dtype="float16")
    options = PackOptions(dtype="float16")
    packing.pack(fresh, options=options, replace=True, run=quietly)
    store = load(fresh).roles["moments"].sequences.store
    assert store.read("c1_m1").dtype == np.float16


def test_the_number_of_shards_may_differ_when_it_goes_on(fresh):
    packed(fresh)
    before = files(fresh / "packed")
    packed(fresh, units=1)
    assert files(fresh / "packed") == before


def test_a_directory_of_something_else_is_left_alone(fresh, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    (other / "me.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="holds no packed data set"):
        packing.pack(fresh, other, replace=True, run=quietly)
    assert (other / "me.jpg").exists()


@pytest.fixture
def faulty(tmp_path):
    tiny = TinyData()
    tiny.moment_features["c1_m1"][2, 0] = np.nan
    tiny.untrimmed_features["b1"][5, 1] = 1e5
    return tiny.write(tmp_path / "d")


def test_all_faults_are_in_one_report_and_the_rest_is_packed(faulty):
    with pytest.raises(DataError) as error:
        packed(faulty, dtype="float16")
    assert str(error.value).splitlines() == [
        "2 problems in the data:",
        "  untrimmed: video 'b1': 100000.0 does not fit float16; pack as float32",
        "  moments: video 'c1_m1': nan in the features (1 values, first at clip 2, "
        "channel 0)",
    ]
    assert len(list((faulty / "packed").rglob("*.csv"))) == SHARDS - 2


def test_faulty_videos_can_be_left_out(faulty):
    content = packed(faulty, skip_bad=True)
    assert {n: list(v) for n, v in content["left_out"].items()} == {
        "moments": ["c1_m1"]
    }
    assert packed(faulty, skip_bad=True) == content
    dataset = load(faulty)
    ids = [video.id for video in dataset.roles["moments"].videos]
    assert ids == ["a2_m0", "c1_m2", "c1_m3", "a1_m4"]
    assert list(dataset.report.skipped().values()) == [["c1_m1"]]


def test_features_that_change_while_they_are_packed_are_named(tmp_path):
    tiny = TinyData()
    tiny.roles["moments"]["features"]["path"] = "clips"
    directory = tiny.write(tmp_path / "d")
    (directory / "clips").mkdir()
    for name, values in tiny.moment_features.items():
        np.save(directory / "clips" / f"{name}.npy", values)

    def run(work, parts, title):
        found = quietly(work, parts, title)
        np.save(directory / "clips" / "c1_m1.npy", np.ones((8, 3), np.float32))
        return found

    with pytest.raises(DataError, match=r"'c1_m1': its features are \(8, 3\), were"):
        packed(directory, run)


def test_a_faulty_data_set_is_refused_before_packing_starts(tmp_path):
    tiny = TinyData()
    del tiny.moment_features["c1_m1"]
    directory = tiny.write(tmp_path / "d")
    with pytest.raises(DataError, match="video 'c1_m1': has no features"):
        packed(directory)
    assert not (directory / "packed").exists()


def test_the_description_of_the_features_is_kept(fresh):
    packed(fresh)
    content = json.loads((fresh / "packed" / "dataset.json").read_text())
    assert content["moments"] == {
        "annotations": "annotations/moments.json",
        "subset": "training",
        "classes": ["wave", "jump"],
        "features": {"path": "moments", "clip_frames": 4, "stride_frames": 2},
    }
    assert content["oracle"]["features"]["path"] == "untrimmed"
