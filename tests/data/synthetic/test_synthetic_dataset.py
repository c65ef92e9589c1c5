import json

import numpy as np
import pytest

from ahernet_tf.data.synthetic import latent_motion, synthetic_world
from ahernet_tf.data.synthetic import synthetic_dataset as synthetic
from ahernet_tf.data.synthetic.difficulty import SyntheticConfig, synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import (
    synthetic_features,
    synthetic_ids,
    synthetic_record,
    write_synthetic,
)
from tests import programs

SMALL = synthetic_config(
    source_classes=2,
    target_classes=3,
    channels=8,
    videos_per_class=4,
    test_videos_per_class=2,
    moments_per_class=5,
)


def test_same_id_gives_same_features_and_another_seed_gives_others():
    first = synthetic_features(SMALL, "training_001_000002")
    synthetic_features(SMALL, "training_001_000003")
    np.testing.assert_array_equal(
        synthetic_features(SMALL, "training_001_000002"), first
    )
    other = synthetic_config(**{**SMALL.__dict__, "seed": 1})
    assert synthetic_features(other, "training_001_000002").shape != first.shape or (
        np.abs(synthetic_features(other, "training_001_000002") - first).max() > 1
    )


def test_counts_of_a_configuration_do_not_change_a_video():
    more = synthetic_config(**{**SMALL.__dict__, "moments_per_class": 100_000})
    np.testing.assert_array_equal(
        synthetic_features(more, "moment_003_000004"),
        synthetic_features(SMALL, "moment_003_000004"),
    )


def test_ids_beyond_the_listed_ones_are_made_on_demand():
    features = synthetic_features(SMALL, "moment_004_099999")
    assert features.shape[1] == 8
    assert np.isfinite(features).all()


def test_number_of_clips_follows_the_time_model():
    for video_id in synthetic_ids(SMALL):
        record = synthetic_record(SMALL, video_id)
        clips = (record["frames"] - 16) // 8 + 1
        features = synthetic_features(SMALL, video_id)
        assert features.shape == (clips, 8)
        assert features.dtype == np.float16
        assert record["duration"] == pytest.approx(record["frames"] / record["fps"])


def test_segments_are_ordered_disjoint_and_inside_the_video():
    config = synthetic_config(videos_per_class=60)
    counts = []
    for video_id in synthetic_ids(config):
        if video_id.startswith("moment"):
            continue
        record = synthetic_record(config, video_id)
        segments = np.array([a["segment"] for a in record["annotations"]])
        assert (segments[:, 1] - segments[:, 0] >= 0.9).all()
        assert (segments[1:, 0] >= segments[:-1, 1]).all()
        assert segments[0, 0] >= 0
        assert segments[-1, 1] <= record["duration"]
        counts.append(len(segments))
    assert 0.75 < np.mean(np.array(counts) <= 2) < 0.95
    assert max(counts) >= 10


def test_each_subset_has_all_its_classes_and_videos():
    ids = list(synthetic_ids(SMALL))
    assert len(ids) == len(set(ids)) == 5 * 4 + 5 * 2 + 3 * 5
    labels = {synthetic_record(SMALL, i)["label"] for i in ids if i[0] == "m"}
    assert labels == {"target 000", "target 001", "target 002"}


def test_moment_is_filled_by_its_action_up_to_the_jitter():
    for number in range(50):
        line = synthetic_world.timeline(SMALL, f"moment_002_{number:06d}")
        (action,) = line.actions
        duration = action.end - action.start
        assert abs(action.start) <= 0.08 * duration
        assert abs(line.frames / line.fps - action.end) <= 0.08 * duration + 0.1


def test_action_shifts_features_between_its_boundaries_and_not_elsewhere():
    config = synthetic_config("easy", boundary_sharpness=1.0)
    action = synthetic_world.Event("action", 20.0, 40.0, 3)
    place = synthetic_world.world(config)
    at_sec = np.arange(0, 60, 0.5)
    rng = np.random.default_rng(0)
    state = latent_motion._action(config, action, at_sec, place, rng)
    size = np.linalg.norm(state, axis=1)
    assert size[(at_sec > 20.5) & (at_sec < 39.5)].min() > 0.3
    # Preparation and retraction last at most 5 s.
    assert size[(at_sec < 14.5) | (at_sec > 45.5)].max() == 0
    assert size[(at_sec > 19) & (at_sec < 20)].max() > 0


def test_onset_and_offset_are_mirrored_in_the_shared_directions():
    config = synthetic_config(
        class_separation=0.0, boundary_sharpness=1.0, context_dependence=1.0
    )
    place = synthetic_world.world(config)
    at_sec = np.linspace(0, 40, 801)
    total = np.zeros((801, synthetic_world.LATENT))
    for seed in range(200):
        event = synthetic_world.Event("action", 10.0, 30.0, 0)
        rng = np.random.default_rng(seed)
        total += latent_motion._action(config, event, at_sec, place, rng)
    # Coordinates along onset, activity and second direction.
    along = np.linalg.lstsq(place.shared.T, total.T / 200, rcond=None)[0]
    first, activity, second = along
    middle = np.searchsorted(at_sec, 20.0)
    before = at_sec < 20
    assert at_sec[first[:middle].argmax()] < at_sec[second[:middle].argmax()]
    assert (
        at_sec[~before][second[~before].argmax()]
        < (at_sec[~before][first[~before].argmax()])
    )
    assert activity[middle] > 0.5
    assert abs(first[middle]) < 0.3


def test_full_context_dependence_keeps_a_class_in_its_own_scenes():
    ids = [f"training_001_{n:06d}" for n in range(60)]
    bound = synthetic_config(context_dependence=1.0)
    free = synthetic_config(context_dependence=0.0)
    own = set(synthetic_world.world(bound).favourite_scenes[1])
    assert {synthetic_world.timeline(bound, i).scene for i in ids} <= own
    assert len({synthetic_world.timeline(free, i).scene for i in ids}) == 8


def test_distractor_rate_is_met_and_distractors_keep_clear_of_actions():
    def count(rate):
        config = synthetic_config(distractor_rate=rate)
        events = []
        for n in range(60):
            line = synthetic_world.timeline(config, f"training_000_{n:06d}")
            others = [e for e in line.events if e.kind != "action"]
            for e in others:
                assert all(e.end < a.start or e.start > a.end for a in line.actions)
            events += others
        return len(events)

    assert count(0.0) == 0
    assert count(6.0) > 1.5 * count(2.0) > 0


def test_difficulty_separates_class_means():
    def accuracy(difficulty):
        config = synthetic_config(difficulty, channels=64)
        means = {
            c: [
                synthetic_features(config, f"moment_{c:03d}_{n:06d}").mean(
                    axis=0, dtype=np.float64
                )
                for n in range(30)
            ]
            for c in range(6, 12)
        }
        centres = np.array([np.mean(m[:20], axis=0) for m in means.values()])
        right = [
            np.linalg.norm(centres - x, axis=1).argmin() == i
            for i, m in enumerate(means.values())
            for x in m[20:]
        ]
        return np.mean(right)

    easy, hard = accuracy("easy"), accuracy("hard")
    assert easy > hard + 0.1
    assert hard > 1 / 6 + 0.1


def test_written_set_has_the_layout_of_real_data(tmp_path):
    path = write_synthetic(tmp_path / "set", SMALL)
    assert sorted(p.name for p in path.iterdir()) == [
        "annotations.json",
        "dataset.json",
        "moments.json",
        "moments.npz",
        "synthetic.json",
        "untrimmed.npz",
    ]
    dataset = json.loads((path / "dataset.json").read_text())
    source, target = list(SMALL.classes[:2]), list(SMALL.classes[2:])
    expected = {
        "untrimmed": ("training", source, 8),
        "moments": ("training", target, 15),
        "test": ("validation", target, 6),
        "oracle": ("training", target, 12),
    }
    for role, (subset, classes, count) in expected.items():
        part = dataset[role]
        assert (part["subset"], part["classes"]) == (subset, classes)
        assert part["features"]["clip_frames"] == 16
        assert part["features"]["stride_frames"] == 8
        database = json.loads((path / part["annotations"]).read_text())["database"]
        store = np.load(path / part["features"]["path"], allow_pickle=False)
        assert set(store.files) == set(database)
        members = 0
        for record in database.values():
            labels = {record.get("label")} | {
                a["label"] for a in record.get("annotations", [])
            }
            members += record["subset"] == subset and bool(labels & set(classes))
        assert members == count
        video_id = min(database)
        np.testing.assert_array_equal(
            store[video_id], synthetic_features(SMALL, video_id)
        )
    assert SyntheticConfig(**json.loads((path / "synthetic.json").read_text())) == SMALL


def test_writing_twice_gives_the_same_bytes(tmp_path):
    a = write_synthetic(tmp_path / "a", SMALL)
    b = write_synthetic(tmp_path / "b", SMALL)
    for file in a.iterdir():
        assert file.read_bytes() == (b / file.name).read_bytes()


def test_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    real, calls = synthetic.synthetic_features, []

    def interrupted(config, video_id):
        calls.append(video_id)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(config, video_id)

    monkeypatch.setattr(synthetic, "synthetic_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path / "set", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_existing_data_are_never_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="new or empty"):
        write_synthetic(tmp_path, SMALL)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "channels >= 1, received 0"),
        ({"noise": -1.0}, "noise >= 0"),
        ({"noise": float("nan")}, "noise >= 0"),
        ({"context_dependence": 1.5}, "context_dependence in 0..1"),
        ({"source_classes": 6000, "target_classes": 6000}, "9,999"),
    ],
)
def test_values_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        synthetic_config(**changes)


@pytest.mark.parametrize(
    "video_id", ["", "training_0_1", "moment_005_000000", "../moment_001_000000"]
)
def test_foreign_ids_are_refused(video_id):
    with pytest.raises(ValueError, match="Expected an id"):
        synthetic_features(SMALL, video_id)


def test_unknown_difficulty_is_refused():
    with pytest.raises(ValueError, match="received 'harder'"):
        synthetic_config("harder")


def test_program_writes_the_set_and_refuses_a_bad_value(tmp_path):
    def call(*flags):
        return programs.run("data_tools.make_synthetic", *flags)

    size = ["--videos_per_class=1", "--test_videos_per_class=1", "--channels=4"]
    size += ["--moments_per_class=2", "--seed=3"]
    done = call(f"--out={tmp_path / 'set'}", *size)
    assert done.returncode == 0, done.stderr
    assert "24 untrimmed videos, 12 moments" in done.stdout
    config = json.loads((tmp_path / "set" / "synthetic.json").read_text())
    assert (config["seed"], config["channels"]) == (3, 4)
    assert "video" in done.stderr  # a bar
    assert call(f"--out={tmp_path / 'quiet'}", "--quiet", *size).stderr == ""
    failed = call(f"--out={tmp_path / 'other'}", "--boundary_sharpness=2")
    assert failed.returncode != 0
    assert "boundary_sharpness in 0..1, received 2.0" in failed.stderr + failed.stdout
    assert not (tmp_path / "other").exists()


def test_a_thousand_classes_have_ids_of_their_own():
    config = synthetic_config("easy", source_classes=2, target_classes=1000)
    assert len(set(config.classes)) == 1002
    record = synthetic_record(config, "moment_1001_000003")
    assert record["label"] == "target 999"
