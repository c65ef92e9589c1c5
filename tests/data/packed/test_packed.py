"""Packed records stand in for the features they were made of."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.data.channel_statistics import channel_statistics
from ahernet_tf.data.dataset import DataError, Dataset
from ahernet_tf.data.packed.packing import PackOptions
from ahernet_tf.data.packed.records import PackedSequences
from ahernet_tf.data.pipelines import evaluation_batches
from ahernet_tf.data.sequences import FeatureSequences
from data_tools import pack
from tests.data.test_pipelines import CONFIG, STREAMS, assert_equal, batches
from tests.data.tiny import TinyData

ALL = (*STREAMS, "oracle")


def packed(directory, config=CONFIG, **options):
    options = {"dtype": "float32", "units": 2, **options}
    return pack.run(
        directory, config=config, options=PackOptions(**options), progress=False
    )


def stream_of(dataset, name, config=CONFIG):
    if name == "oracle":
        stream, _ = STREAMS["untrimmed"]
        return stream(dataset, config, 3, role="oracle")
    stream, own = STREAMS[name]
    own = dataclasses.replace(own, data=config.data)
    return stream(dataset, own, 3)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = TinyData().write(tmp_path_factory.mktemp("packed") / "d")
    content = packed(directory)
    assert content["records"] == {
        "untrimmed": 4,
        "foreground": 4,
        "moments": 5,
        "test": 2,
        "oracle": 3,
    }
    return directory


@pytest.fixture
def copy(directory, tmp_path):
    return shutil.copytree(directory, tmp_path / "d")


def load(directory, config=CONFIG, **options):
    return Dataset.load(directory, config.data, **options)


@pytest.mark.parametrize("name", ALL)
def test_float32_records_give_the_same_batches_bit_for_bit(directory, name):
    one, two = load(directory, packed=False), load(directory)
    for a, b in zip(batches(stream_of(one, name), 8), batches(stream_of(two, name), 8)):
        assert_equal(a, b)
    assert len(two.cache) == 0


def test_the_features_are_not_needed_any_more(copy):
    for name in ("untrimmed.npz", "moments.npz", "annotations.json", "moments.json"):
        (copy / name).unlink()
    dataset = load(copy)
    for name in ALL:
        assert batches(stream_of(dataset, name), 1)
    with pytest.raises(ValueError, match=r"untrimmed\.npz: does not exist"):
        dataset.roles["untrimmed"].sequences.features.store.read("a1")


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
    for a, b in zip(
        batches(stream_of(one, "untrimmed"), 2), batches(stream_of(two, "untrimmed"), 2)
    ):
        assert_equal(a, b)
    with pytest.raises(ValueError, match="only packed records are here"):
        two.roles["moments"].sequences.features.store.read("a2_m0")


def test_records_elsewhere_are_named(directory, tmp_path):
    shutil.copytree(directory / "packed", tmp_path / "elsewhere")
    dataset = load(directory, packed=tmp_path / "elsewhere")
    assert isinstance(dataset.roles["moments"].sequences, PackedSequences)
    with pytest.raises(DataError, match="no packed records"):
        load(directory, packed=tmp_path / "nowhere")


def test_held_out_people_leave_the_same_data(directory):
    parts = [load(directory, packed=p).hold_out(0.34, 1) for p in (False, True)]
    (one, validation), (two, other) = parts
    for name in STREAMS:
        for a, b in zip(
            batches(stream_of(one, name), 4), batches(stream_of(two, name), 4)
        ):
            assert_equal(a, b)
    assert list(validation.videos) == list(other.videos)
    for a, b in zip(channel_statistics(one), channel_statistics(two)):
        np.testing.assert_array_equal(a, b)


def test_channel_statistics_are_those_of_the_features(directory):
    one, two = load(directory, packed=False), load(directory)
    for a, b in zip(channel_statistics(one), channel_statistics(two)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("classes", [None, ("run", "sit")])
def test_evaluation_reads_the_packed_test_videos(directory, classes):
    one, two = (load(directory, packed=p).test(classes) for p in (False, True))
    assert isinstance(two.sequences, PackedSequences)
    for a, b in zip(
        batches(evaluation_batches(one, CONFIG, 2), 3),
        batches(evaluation_batches(two, CONFIG, 2), 3),
    ):
        assert_equal(a, b)


def test_what_was_counted_is_counted_again(directory):
    one, two = load(directory, packed=False), load(directory)
    assert one.report.counts.items() <= two.report.counts.items()
    assert any("'moments' (float32): 5" in line for line in two.report.lines())


@pytest.mark.parametrize("short", [False, True])
def test_float16_records_are_the_rounded_features(tmp_path, short):
    directory = TinyData().write(tmp_path / "d")
    packed(directory, dtype="float16", short_as_clips=short)
    one, two = load(directory, packed=False), load(directory)
    for name in ALL:
        for a, b in zip(
            batches(stream_of(one, name), 3), batches(stream_of(two, name), 3)
        ):
            np.testing.assert_allclose(
                a["features"], b["features"], rtol=1e-3, atol=1e-3
            )
            assert np.any(a["features"] != b["features"])


def test_short_cuts_can_stay_clips_and_give_the_same_batches(copy):
    whole = batches(stream_of(load(copy), "single moments"), 4)
    shutil.rmtree(copy / "packed")
    content = packed(copy, short_as_clips=True)
    records = load(copy).roles["moments"].sequences.spans
    # 32 steps: the moment of 4 clips is shorter than a quarter of them
    assert sorted(zip(records.rows.tolist(), records.resampled.tolist())) == [
        (4, False),
        (32, True),
        (32, True),
        (32, True),
        (32, True),
    ]
    assert content["bytes"]["moments"] < 5 * 32 * 3 * 4 + 5 * 250
    for a, b in zip(whole, batches(stream_of(load(copy), "single moments"), 4)):
        assert_equal(a, b)


def test_splits_that_are_not_packed_are_read_from_the_features(copy):
    whole = [batches(stream_of(load(copy), name), 3) for name in ALL]
    shutil.rmtree(copy / "packed")
    assert set(packed(copy, splits=("moments",))["records"]) == {"moments"}
    dataset = load(copy)
    assert isinstance(dataset.roles["untrimmed"].sequences, FeatureSequences)
    for name, expected in zip(ALL, whole):
        for a, b in zip(expected, batches(stream_of(dataset, name), 3)):
            assert_equal(a, b)
    for a, b in zip(
        channel_statistics(load(copy, packed=False)), channel_statistics(dataset)
    ):
        np.testing.assert_array_equal(a, b)


def edit_json(name, change):
    def edit(directory):
        content = json.loads((directory / name).read_text())
        change(content)
        (directory / name).write_text(json.dumps(content))

    return edit


def other_features(directory):
    with np.load(directory / "moments.npz") as file:
        arrays = dict(file)
    arrays["c1_m1"] = arrays["c1_m1"] + 1
    np.savez_compressed(directory / "moments.npz", **arrays)


CHANGES = {
    "annotations.json has changed": edit_json(
        "annotations.json", lambda c: c["database"]["a1"].update(duration=19.5)
    ),
    "moments.npz has changed": other_features,
    "dataset.json: 'moments' has changed": edit_json(
        "dataset.json", lambda c: c["moments"]["classes"].reverse()
    ),
}


@pytest.mark.parametrize("line", CHANGES)
def test_another_data_set_than_was_packed_is_refused(copy, line):
    CHANGES[line](copy)
    with pytest.raises(DataError, match="do not fit any more") as error:
        load(copy)
    assert line in str(error.value)
    assert "data_tools.pack" in str(error.value)
    load(copy, packed=False)


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("data.pooling=max", "data.pooling is max, packed with mean"),
        ("data.edge=zero", "data.edge is zero, packed with clamp"),
        ("data.legacy_clip_centres=true", "data.legacy_clip_centres is True, packed"),
        ("data.minimum_moment_clips=1", "data.minimum_moment_clips is 1, packed wit"),
    ],
)
def test_another_configuration_than_was_packed_is_refused(directory, option, line):
    config = configuration.with_overrides(CONFIG, [option])
    with pytest.raises(DataError) as error:
        load(directory, config)
    assert line in str(error.value)


@pytest.mark.parametrize("name", ["untrimmed", "foreground", "single moments"])
def test_other_steps_are_refused_before_training(directory, name):
    stream, own = STREAMS[name]
    config = configuration.with_overrides(
        own, ["network.untrimmed_steps=48", "network.moment_steps=48"]
    )
    with pytest.raises(ValueError, match=r"was packed with steps \d+, but 48 is"):
        stream(load(directory), config, 0)


def test_a_higher_minimum_of_clips_is_served(directory):
    config = configuration.with_overrides(CONFIG, ["data.minimum_moment_clips=10"])
    found = batches(stream_of(load(directory, config), "single moments", config), 4)
    assert {v for b in found for v in b["video"]} == {b"a2_m0", b"c1_m2", b"c1_m3"}


def test_damage_is_named_when_it_is_read(copy):
    for shard in copy.glob("packed/tiny-untrimmed.tfrecord-*"):
        data = bytearray(shard.read_bytes())
        data[len(data) // 3] ^= 1
        shard.write_bytes(data)
    with pytest.raises(tf.errors.OpError, match=r"tiny-untrimmed.*is damaged"):
        batches(stream_of(load(copy), "untrimmed"), 4)


def test_a_lost_shard_is_named(copy):
    next(copy.glob("packed/tiny-moments.tfrecord-*")).unlink()
    with pytest.raises(DataError, match=r"moments.*is missing or damaged; pack again"):
        load(copy)


def test_shards_are_ordinary_records_and_the_same_every_time(copy):
    before = {p.name: p.read_bytes() for p in copy.glob("packed/*.tfrecord-*")}
    shutil.rmtree(copy / "packed")
    packed(copy)
    assert {p.name: p.read_bytes() for p in copy.glob("packed/*.tfrecord-*")} == before
    files = sorted(str(p) for p in copy.glob("packed/tiny-moments.tfrecord-*"))
    examples = [
        tf.train.Example.FromString(r.numpy()).features.feature
        for r in tf.data.TFRecordDataset(files)
    ]
    assert {e["video"].bytes_list.value[0] for e in examples} == {
        b"a2_m0",
        b"c1_m1",
        b"c1_m2",
        b"c1_m3",
        b"a1_m4",
    }


def test_tensorflow_datasets_reads_the_directory(directory):
    tfds = pytest.importorskip("tensorflow_datasets")
    builder = tfds.builder_from_directory(str(directory / "packed"))
    roles = load(directory, packed=False).roles
    for name in ("untrimmed", "test", "oracle"):
        found = {
            example["video"].decode(): example["labels"].tolist()
            for example in tfds.as_numpy(builder.as_dataset(split=name))
        }
        labels = {v.id: [i.label for i in v.instances] for v in roles[name].videos}
        assert set(labels) <= set(found)
        if name != "test":  # whose split has the other classes' actions, too
            expected = {v: [text.encode() for text in n] for v, n in labels.items()}
            assert found == expected
    examples = list(tfds.as_numpy(builder.as_dataset(split="moments")))
    role = roles["moments"]
    assert len(examples) == 5
    for example in examples:
        row = list(role.features.index).index(example["video"].decode())
        span = role.whole_span(role.videos[row])
        np.testing.assert_array_equal(
            example["features"], role.sequences.sequence(span, 32)
        )
        assert example["labels"].tolist() == [span.label.encode()]
        np.testing.assert_allclose(example["segments_sec"], [[0, span.duration_sec]])
