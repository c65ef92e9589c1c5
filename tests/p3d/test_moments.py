"""Trimmed clips as training data."""

import numpy as np
import pytest

pytest.importorskip("av")

from ahernet_tf.p3d.clip_format import ClipFormat
from ahernet_tf.p3d.moments import (
    Moment,
    find_moments,
    moment_batches,
    read_window,
    split_moments,
)
from tests.p3d.videos import counting, numbers, write_video

FORMAT = ClipFormat(16, 18, 24, 16)


@pytest.fixture
def folder(tmp_path):
    """Two classes of two clips; one more is broken."""
    for name, frames in (("run/a", 40), ("run/b", 20), ("jump/c", 30), ("jump/d", 9)):
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        write_video(path, counting(frames, 32, 48))
    (tmp_path / "run" / "x.mp4").write_bytes(b"broken" * 99)
    return tmp_path


def test_folders_are_classes_in_alphabetical_order(folder):
    names, moments, broken = find_moments(folder, FORMAT)
    assert names == ("jump", "run")
    assert [(m.path[-5], m.label, m.frames) for m in moments] == [
        ("c", 0, 30), ("d", 0, 9), ("a", 1, 40), ("b", 1, 20)
    ]  # fmt: skip
    assert [path[-5:] for path in broken] == ["x.mp4"]


def test_unusable_folders_are_refused(folder):
    with pytest.raises(ValueError, match="expected the folders"):
        find_moments(folder, FORMAT, classes=("jump", "swim"))
    (folder / "swim").mkdir()
    (folder / "swim" / "a.mp4").write_bytes(b"broken" * 99)
    with pytest.raises(ValueError, match="swim: holds no readable video"):
        find_moments(folder, FORMAT)
    with pytest.raises(ValueError, match="a folder per class"):
        find_moments(folder / "run", FORMAT)
    with pytest.raises(ValueError, match="no such folder"):
        find_moments(folder / "none", FORMAT)


def test_split_holds_out_of_every_class_and_depends_on_the_seed_alone():
    moments = [
        Moment(f"{label}-{i}", label, 30) for label in range(3) for i in range(9)
    ]
    training, held_out = split_moments(moments, 0.3, seed=1)
    assert sorted(training + held_out, key=moments.index) == moments
    assert [sum(m.label == k for m in held_out) for k in range(3)] == [3, 3, 3]
    assert split_moments(moments, 0.3, seed=1) == (training, held_out)
    assert split_moments(moments, 0.3, seed=2)[1] != held_out
    single = split_moments(moments[:1] + moments[9:11], 0.5, seed=0)
    assert [len(part) for part in single] == [2, 1]


def test_window_without_augmentation_is_the_middle(folder):
    moment = Moment(str(folder / "run" / "a.mp4"), 1, 40)
    clip = read_window(moment, FORMAT)
    assert clip.shape == (16, 16, 16, 3)
    assert numbers(clip) == list(range(12, 28))


def test_short_clip_repeats_its_last_frame(folder):
    moment = Moment(str(folder / "jump" / "d.mp4"), 0, 9)
    assert numbers(read_window(moment, FORMAT)) == [*range(9), *[8] * 7]


def test_clip_with_fewer_frames_than_stated_is_read_all_the_same(folder):
    moment = Moment(str(folder / "run" / "b.mp4"), 1, 500)
    assert numbers(read_window(moment, FORMAT)) == list(range(2, 18))


def test_augmented_windows_differ_in_time_and_depend_on_the_source_alone(folder):
    moment = Moment(str(folder / "run" / "a.mp4"), 1, 40)
    starts = set()
    for seed in range(8):
        clip = read_window(moment, FORMAT, random=np.random.default_rng(seed))
        again = read_window(moment, FORMAT, random=np.random.default_rng(seed))
        np.testing.assert_array_equal(clip, again)
        shown = numbers(clip)
        assert shown == list(range(shown[0], shown[0] + 16))
        starts.add(shown[0])
    assert len(starts) > 3
    assert max(starts) <= 24


def test_augmentation_flips_and_moves_the_crop(tmp_path):
    ramp = np.linspace(40, 200, 24, dtype=np.uint8)
    image = np.broadcast_to(ramp[None, :, None], (18, 24, 3)).copy()
    write_video(tmp_path / "a.avi", [image] * 16, "ffv1", pix_fmt="bgr0")
    moment = Moment(str(tmp_path / "a.avi"), 0, 16)
    seen = set()
    for seed in range(20):
        clip = read_window(moment, FORMAT, random=np.random.default_rng(seed))
        row = clip[0, 0, :, 0].astype(int)
        flipped = row[0] > row[-1]
        seen.add((bool(flipped), int(row[-1] if flipped else row[0])))
    assert {flip for flip, _ in seen} == {True, False}
    assert len({left for _, left in seen}) > 4
    for seed in range(20):
        random = np.random.default_rng(seed)
        row = read_window(moment, FORMAT, random=random, flip=False)[0, 0, :, 0]
        assert row[0] < row[-1]


def test_training_batches_repeat_exactly_from_any_epoch(folder):
    _, moments, _ = find_moments(folder, FORMAT)
    whole = list(moment_batches(moments, FORMAT, 2, seed=5).take(6))
    later = list(moment_batches(moments, FORMAT, 2, seed=5, first_epoch=2).take(2))
    for (clip, label), (clip_later, label_later) in zip(whole[4:], later):
        np.testing.assert_array_equal(clip, clip_later)
        np.testing.assert_array_equal(label, label_later)
    labels = [tuple(np.concatenate([b[1] for b in whole[i : i + 2]])) for i in (0, 2)]
    assert [sorted(epoch) for epoch in labels] == [[0, 0, 1, 1]] * 2
    assert np.any(whole[0][0] != whole[2][0])


def test_validation_batches_give_every_clip_once_in_order(folder):
    _, moments, _ = find_moments(folder, FORMAT)
    batches = list(moment_batches(moments, FORMAT, 3))
    assert [len(labels) for _, labels in batches] == [3, 1]
    assert [int(k) for _, labels in batches for k in labels] == [0, 0, 1, 1]
    for moment, clip in zip(moments, np.concatenate([b[0] for b in batches])):
        np.testing.assert_array_equal(clip, read_window(moment, FORMAT))
