import dataclasses
import gc
import weakref
import zlib

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf import config as configuration
from ahernet_tf.data.crops import Crops
from ahernet_tf.data.dataset import DataError, Dataset
from ahernet_tf.data.pipelines import (
    evaluation_batches,
    foreground_stream,
    moment_stream,
    untrimmed_stream,
)
from ahernet_tf.data.sampling import Shard
from tests import programs
from tests.data.tiny import TinyData

CONFIG = configuration.with_overrides(
    configuration.small(),
    [
        "training.batch_size=4",
        "synthesis.moments_per_class=2",
        "network.untrimmed_steps=64",
        "network.moment_steps=32",
        "data.max_segments=6",
    ],
)
SINGLE = configuration.with_overrides(CONFIG, ["synthesis.mode=single"])
TRANSPLANTED = configuration.with_overrides(CONFIG, ["synthesis.mode=transplanted"])
CROPS = ["data.window_sec=8", "data.crop_min=0.5"]
CROPPED = configuration.with_overrides(CONFIG, CROPS)
STREAMS = {
    "untrimmed": (untrimmed_stream, CONFIG),
    "foreground": (foreground_stream, CONFIG),
    "tiled moments": (moment_stream, CONFIG),
    "single moments": (moment_stream, SINGLE),
    "transplanted moments": (moment_stream, TRANSPLANTED),
    "stretches": (untrimmed_stream, CROPPED),
    "moments, tiled in stretches": (moment_stream, CROPPED),
    "moments in stretches": (
        moment_stream,
        configuration.with_overrides(TRANSPLANTED, CROPS),
    ),
}


@pytest.fixture
def dataset(tmp_path):
    return Dataset.load(TinyData().write(tmp_path / "d"), CONFIG.data)


def batches(stream, count):
    return list(stream.take(count).as_numpy_iterator())


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
        assert one[name].dtype == other[name].dtype


@pytest.mark.parametrize("name", STREAMS)
def test_a_later_start_continues_bit_for_bit(dataset, name):
    stream, config = STREAMS[name]
    whole = batches(stream(dataset, config, seed=5), 9)
    for late, batch in zip(batches(stream(dataset, config, 5, 6), 3), whole[6:]):
        assert_equal(late, batch)


MORE = {
    "whole moments": "synthesis.mode=whole",
    "tiled moments, gaps of the source": "synthesis.context_length=source",
    "single moments, legacy": "synthesis.legacy_synthetic_gt=true",
}
# Checksums of the random draws, so that a run of an earlier version can be repeated.
DRAWS = {
    "untrimmed": 2052976264,
    "foreground": 3964666868,
    "tiled moments": 1964474786,
    "single moments": 3964445946,
    "transplanted moments": 2961903303,
    "stretches": 2877923296,
    "moments, tiled in stretches": 1541243641,
    "moments in stretches": 152645445,
    "whole moments": 3648430938,
    "tiled moments, gaps of the source": 2642750401,
    "single moments, legacy": 44831043,
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_always_gives_the_same_draws(dataset, name):
    stream, config = STREAMS.get(name, (moment_stream, CONFIG))
    if name in MORE:
        base = SINGLE if "single" in name else CONFIG
        config = configuration.with_overrides(base, [MORE[name]])
    checksum = 0
    for batch in batches(stream(dataset, config, 7, 3), 6):
        for part, values in batch.items():
            if part not in ("features", "context"):
                text = repr((part, values.tolist()))
                checksum = zlib.crc32(text.encode(), checksum)
    assert checksum == DRAWS[name]


@pytest.mark.parametrize("name", STREAMS)
def test_an_iterator_keeps_the_data_and_nothing_else_does(tmp_path, name):
    stream, config = STREAMS[name]
    dataset = Dataset.load(TinyData().write(tmp_path / "d"), config.data)
    role = "moments" if "moments" in name else "untrimmed"
    alive = weakref.ref(dataset.role(role))
    iterator = iter(stream(dataset, config, seed=0).take(3))
    del dataset
    gc.collect()
    assert len([batch["video"] for batch in iterator]) == 3
    assert alive() is not None
    del iterator
    gc.collect()
    assert alive() is None


def test_a_data_set_that_is_gone_is_named(dataset):
    @tf.function
    def largest_label():
        stream = foreground_stream(dataset, CONFIG, seed=0)  # gone after the tracing
        return stream.take(2).reduce(0, lambda m, b: tf.maximum(m, b["label"][0]))

    with pytest.raises(tf.errors.UnknownError, match="Keep it or an iterator"):
        largest_label()


@pytest.mark.parametrize("name", STREAMS)
def test_the_seed_decides(dataset, name):
    stream, config = STREAMS[name]
    one, same, other = (batches(stream(dataset, config, s), 5) for s in (0, 0, 1))
    for a, b in zip(one, same):
        assert_equal(a, b)
    assert any(np.any(a["video"] != b["video"]) for a, b in zip(one, other))


@pytest.mark.parametrize("name", STREAMS)
def test_the_cache_changes_nothing(tmp_path, name):
    stream, config = STREAMS[name]
    results = []
    for limit in (0, 3000, 1 << 30):
        data = dataclasses.replace(CONFIG.data, cache_bytes=limit)
        dataset = Dataset.load(TinyData().write(tmp_path / "d"), data)
        results.append(batches(stream(dataset, config, 0), 8))
        assert dataset.cache.used_bytes <= limit
    assert len(dataset.cache) > 0
    for cached in results[1:]:
        for one, other in zip(results[0], cached):
            assert_equal(one, other)


@pytest.mark.parametrize("name", STREAMS)
def test_shards_side_by_side_are_the_whole_batch(dataset, name):
    stream, config = STREAMS[name]
    whole = batches(stream(dataset, config, 5, 3), 4)
    shards = [
        batches(stream(dataset, config, 5, 3, shard=Shard(index, 2)), 4)
        for index in range(2)
    ]
    for batch, *parts in zip(whole, *shards):
        if "source_row" in batch:  # a row of its own shard
            np.testing.assert_array_less(parts[1]["source_row"], 2)
            parts[1]["source_row"] = parts[1]["source_row"] + 2
        joined = {part: np.concatenate([p[part] for p in parts]) for part in batch}
        assert_equal(joined, batch)


def test_a_batch_that_cannot_be_shared_so_is_refused(dataset):
    with pytest.raises(ValueError, match="multiple of the 3 replicas"):
        untrimmed_stream(dataset, CONFIG, 0, shard=Shard(0, 3))
    with pytest.raises(ValueError, match=r"/ 4 replicas to be a multiple.*1 and 2"):
        moment_stream(dataset, CONFIG, 0, shard=Shard(0, 4))


@pytest.mark.parametrize("name", STREAMS)
def test_batches_are_static_in_shape(dataset, name):
    stream, config = STREAMS[name]
    result = stream(dataset, config, 0)
    steps = 32 if "moments" in name else 64
    assert result.element_spec["features"] == tf.TensorSpec((4, steps, 3), tf.float32)
    batch = batches(result, 1)[0]
    for part, spec in result.element_spec.items():
        assert spec.shape.is_fully_defined()
        assert batch[part].shape == tuple(spec.shape)


def test_untrimmed_batches_hold_videos_with_their_segments(dataset):
    seen = {}
    for batch in batches(untrimmed_stream(dataset, CONFIG, 0), 3):
        for row, video in enumerate(batch["video"]):
            seen[video.decode()] = {name: batch[name][row] for name in batch}
    assert sorted(seen) == ["a1", "a2", "b1", "b2"]
    a1 = seen["a1"]
    np.testing.assert_allclose(a1["segments"][:2], [[6.4, 19.2], [25.6, 38.4]])
    np.testing.assert_array_equal(a1["segment_mask"], [True] * 2 + [False] * 4)
    np.testing.assert_array_equal(a1["segment_labels"], [0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(seen["a2"]["segment_labels"][:1], [1])
    assert seen["a2"]["segment_mask"].sum() == 1
    assert not seen["b2"]["segment_mask"].any()
    assert not seen["b2"]["segments"].any()
    role = dataset.roles["untrimmed"]
    expected = role.sequences.sequence(role.whole_span(role.videos[0]), 64)
    np.testing.assert_array_equal(a1["features"], expected)


def test_more_instances_than_fit_keep_the_first(dataset):
    config = configuration.with_overrides(CONFIG, ["data.max_segments=1"])
    for batch in batches(untrimmed_stream(dataset, config, 0), 3):
        for row in np.flatnonzero(batch["video"] == b"a1"):
            np.testing.assert_allclose(batch["segments"][row], [[6.4, 19.2]])


def test_without_a_limit_all_instances_of_the_fullest_video_fit(dataset):
    config = configuration.with_overrides(CONFIG, ["data.max_segments=none"])
    for role in ("untrimmed", "oracle"):
        batch = batches(untrimmed_stream(dataset, config, 0, role=role), 1)[0]
        assert batch["segments"].shape[1:] == (2, 2)
    # What moments are surrounded by follows the untrimmed videos alone.
    oracle = dataset.role("oracle")
    longer = dataclasses.replace(
        oracle.videos[0], instances=oracle.videos[0].instances * 3
    )
    roles = dataset.roles | {"oracle": oracle.with_videos([longer])}
    changed = dataclasses.replace(dataset, roles=roles)
    batch = batches(untrimmed_stream(changed, config, 0, role="oracle"), 1)[0]
    assert batch["segments"].shape[1] == len(longer.instances) > 2
    batch = batches(moment_stream(changed, config, 0), 1)[0]
    assert batch["segments"].shape[1:] == (2, 2)


def test_the_oracle_labels_target_classes(dataset):
    for batch in batches(untrimmed_stream(dataset, CONFIG, 0, role="oracle"), 3):
        for row in np.flatnonzero(batch["video"] == b"c1"):
            np.testing.assert_array_equal(batch["segment_labels"][row][:2], [1, 0])


def test_an_absent_role_is_named(tmp_path):
    tiny = TinyData()
    del tiny.roles["oracle"]
    dataset = Dataset.load(tiny.write(tmp_path / "d"), CONFIG.data)
    with pytest.raises(DataError, match="no role 'oracle'"):
        untrimmed_stream(dataset, CONFIG, 0, role="oracle")


def test_foreground_is_uniform_over_instances(dataset):
    found = [
        (video, label)
        for batch in batches(foreground_stream(dataset, CONFIG, 0), 5)
        for video, label in zip(batch["video"], batch["label"])
    ]
    expected = [(b"a1", 0), (b"a1", 1), (b"a2", 1), (b"b1", 0)]
    assert sorted(found) == sorted(expected * 5)


def test_instances_with_too_few_clips_are_not_drawn(dataset):
    config = configuration.with_overrides(CONFIG, ["data.minimum_foreground_clips=20"])
    videos = {
        v for b in batches(foreground_stream(dataset, config, 0), 5) for v in b["video"]
    }
    assert videos == {b"a1", b"a2"}


@pytest.mark.parametrize(
    ("stream", "option"),
    [
        (foreground_stream, "data.minimum_foreground_clips"),
        (moment_stream, "data.minimum_moment_clips"),
    ],
)
def test_no_sample_left_is_an_error_that_names_the_option(dataset, stream, option):
    config = configuration.with_overrides(CONFIG, [f"{option}=99"])
    with pytest.raises(ValueError, match=rf"{option} = 99 clips; the longest has \d+"):
        stream(dataset, config, 0)


@pytest.mark.parametrize("config", [CONFIG, SINGLE])
def test_every_moment_is_used_with_its_label(dataset, config):
    labels = {
        video.decode(): label
        for batch in batches(moment_stream(dataset, config, 0), 3)
        for video, label in zip(batch["video"], batch["label"])
    }
    assert labels == {"a2_m0": 0, "c1_m1": 1, "c1_m2": 0, "c1_m3": 1, "a1_m4": 1}


def test_single_draws_stay_in_their_ranges_and_reach_the_ends(dataset):
    found = batches(moment_stream(dataset, SINGLE, 0), 60)
    ratio, position, inside = (
        np.concatenate([batch[name] for batch in found])
        for name in ("length_ratio", "position", "inside_start")
    )
    assert set(ratio) == set(range(14, 20))
    assert set(position) == set(range(1, 20))
    assert 80 < inside.sum() < 160


def test_the_legacy_option_parts_the_start_in_even_rows(dataset):
    config = configuration.with_overrides(
        SINGLE, ["synthesis.legacy_synthetic_gt=true"]
    )
    for batch in batches(moment_stream(dataset, config, 0), 4):
        np.testing.assert_array_equal(batch["inside_start"], [True, False] * 2)


def test_tiles_come_from_rows_of_the_same_class(dataset):
    for batch in batches(moment_stream(dataset, CONFIG, 0), 10):
        for first in (0, 2):
            assert batch["label"][first] == batch["label"][first + 1]
            rows = batch["source_row"][first : first + 2]
            assert set(rows.ravel()) == {first, first + 1}
        seconds = np.array(
            [
                {"m0": 3, "m1": 2, "m2": 3, "m3": 4, "m4": 1}[v[-2:].decode()]
                for v in batch["video"]
            ]
        )
        # every untrimmed video lasts 20 s, which are 64 steps
        lengths = np.diff(batch["segments"])[..., 0]
        expected = np.round(seconds[batch["source_row"]] / 20 * 64)
        mask = batch["segment_mask"]
        assert mask[:, 0].all()
        np.testing.assert_array_equal(lengths[mask], expected[mask])


def test_moments_in_stretches_have_the_scale_of_the_stretch(dataset):
    for mode in (CONFIG, TRANSPLANTED):
        config = configuration.with_overrides(mode, ["data.window_sec=8"])
        lengths = set()
        for batch in batches(moment_stream(dataset, config, 0), 20):
            segments = batch["segments"][batch["segment_mask"]]
            lengths |= set(np.diff(segments)[:, 0].astype(int))
        # 1, 2, 3 and 4 s of a window of 40 clips, 8.2 s; one that does not fit is cut
        # to leave room for the shortest context.
        assert {8, 16, 23, 31} <= lengths


def test_the_background_of_a_stretch_is_what_it_shows(dataset):
    config = configuration.with_overrides(TRANSPLANTED, ["data.window_sec=8"])
    role = dataset.role("untrimmed")
    crops = Crops(role, config)
    for batch in batches(moment_stream(dataset, config, 0), 3):
        for context in batch["context"]:
            assert any(
                np.array_equal(context, crops.features(row, first, first + 40))
                for row in range(len(role.videos))
                for first in range(60)
            )


def test_a_run_must_divide_the_batch(dataset):
    config = configuration.with_overrides(CONFIG, ["synthesis.moments_per_class=3"])
    with pytest.raises(ValueError, match="moments_per_class, received 4 and 3"):
        moment_stream(dataset, config, 0)


def test_evaluation_reads_every_video_once_in_order(dataset):
    role = dataset.roles["untrimmed"]
    found = batches(evaluation_batches(role, CONFIG, 3), 9)
    assert [batch["video"].tolist() for batch in found] == [
        [b"a1", b"a2", b"b1"],
        [b"b2"],
    ]
    assert found[1]["features"].shape == (1, 64, 3)
    np.testing.assert_allclose(found[0]["duration_sec"], [20.0] * 3)
    np.testing.assert_allclose(found[0]["covered_sec"], [20.0] * 3)
    assert found[0]["covered_sec"].dtype == np.float64


def test_no_thread_tunes_the_streams(dataset):
    batches = evaluation_batches(dataset.roles["untrimmed"], CONFIG, 3)
    assert batches.options().autotune.enabled is False


def test_evaluation_of_nothing_is_an_error(dataset):
    role = dataset.roles["untrimmed"].with_videos([])
    with pytest.raises(ValueError, match="no video"):
        evaluation_batches(role, CONFIG, 3)


def test_features_that_vanish_are_named_by_the_stream(tmp_path):
    tiny = TinyData()
    directory = tiny.write(tmp_path / "d")
    (directory / "npy").mkdir()
    for name, values in tiny.untrimmed_features.items():
        np.save(directory / "npy" / f"{name}.npy", values)
    text = (directory / "dataset.json").read_text().replace("untrimmed.npz", "npy")
    (directory / "dataset.json").write_text(text)
    dataset = Dataset.load(directory, CONFIG.data)
    (directory / "npy" / "b1.npy").write_bytes(b"gone")
    with pytest.raises(tf.errors.OpError, match=r"b1\.npy: video 'b1': is no npy"):
        batches(untrimmed_stream(dataset, CONFIG, 0), 3)


def checksum(directory):
    """Returns a checksum of what all streams give, one beside the other."""
    dataset = Dataset.load(directory, CONFIG.data)
    streams = [stream(dataset, config, 3) for stream, config in STREAMS.values()]
    checksum = 0
    for group in batches(tf.data.Dataset.zip(tuple(streams)), 4):
        for array in tf.nest.flatten(group):
            checksum = zlib.crc32(repr(array.tolist()).encode(), checksum)
    return checksum


def test_another_process_with_determinism_on_sees_the_same(tmp_path):
    directory = TinyData().write(tmp_path / "d")
    program = f"""
import tensorflow as tf
from tests.data.test_pipelines import checksum
tf.config.experimental.enable_op_determinism()
print("checksum", checksum({str(directory)!r}))
"""
    result = programs.python(program)
    assert result.stdout.split() == ["checksum", str(checksum(directory))], (
        result.stderr
    )
