"""Classes taught from folders of moments: what is written, measured and refused."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf import files
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import Localizer
from ahernet_tf.inference.exemplars import Exemplars, write_exemplars
from experiments import predict
from experiments.add_classes import Lesson, add_classes
from tests.inference.trained import clips_of, moments_of, write_trained
from tests.models.tiny import NETWORK

TIMES = {"clip_frames": 4, "stride_frames": 2, "fps": 10.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return write_trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def moments(tmp_path):
    for name, own in moments_of("fly", "dive").items():
        folder = tmp_path / "moments" / name
        folder.mkdir(parents=True)
        for number, values in enumerate(own):
            np.save(folder / f"{number}.npy", values)
    return tmp_path / "moments"


@pytest.fixture
def lesson(trained, moments, tmp_path):
    out = tmp_path / "W2"
    return Lesson(trained, moments, out, times=TIMES, progress=False)


def predicted(checkpoint, data, out, classes="target"):
    request = predict.PredictionRequest(
        checkpoint=checkpoint, data=data, out=out, classes=classes, progress=False
    )
    predict.predict(request)
    return files.read_json(out)["results"]


def test_old_classes_alone_are_predicted_as_before(lesson, tmp_path):
    data = lesson.checkpoint.parent / "data"
    lines = add_classes(dataclasses.replace(lesson, data=data))
    assert "fly: 3 moments" in lines
    assert any("Of 5 moments that were kept of old classes" in line for line in lines)
    assert any("1 old classes in 1 test videos" in line for line in lines)
    before = predicted(lesson.checkpoint, data, tmp_path / "before.json")
    old = predicted(lesson.out, data, tmp_path / "old.json", "old")
    both = predicted(lesson.out, data, tmp_path / "both.json")
    assert old == before != both


def test_folders_give_what_arrays_give(lesson):
    add_classes(lesson)
    times, both = TimeModel(**TIMES), moments_of("fly", "dive")
    moments = {name: both[name] for name in sorted(both)}  # the order of the folders
    clips = clips_of(60, seed=4)
    written = Localizer.load(lesson.out)
    expected = Localizer.load(lesson.checkpoint).add_classes(moments, time_model=times)
    assert (
        written.class_names == expected.class_names == ("wave", "jump", "dive", "fly")
    )
    assert written.localize(clips, time_model=times) == expected.localize(
        clips, time_model=times
    )


def test_nothing_is_written_over(lesson):
    content = lesson.checkpoint / "model.json"
    before = content.read_bytes()
    with pytest.raises(ValueError, match="new or empty directory"):
        add_classes(dataclasses.replace(lesson, out=lesson.checkpoint))
    assert content.read_bytes() == before


def test_every_fault_of_the_moments_is_told(lesson, moments):
    np.save(moments / "fly" / "0.npy", np.ones((5, 4), np.float32))
    np.save(moments / "dive" / "1.npy", np.full((5, 3), np.nan, np.float32))
    (moments / "spin").mkdir()
    with pytest.raises(ValueError, match="4 channels, expected 3") as error:
        add_classes(lesson)
    for what in ("nan in the features", "spin"):
        assert what in str(error.value)
    assert not lesson.out.exists()
    (moments / "spin").rmdir()
    lines = add_classes(dataclasses.replace(lesson, skip_bad=True))
    assert "fly: 2 moments" in lines


@pytest.mark.parametrize(
    ("folder", "message"),
    [("wave", "has a class 'wave' already"), ("Sit", "'Sit' is new, 'sit' is there")],
)
def test_names_that_are_known_are_refused(lesson, moments, folder, message):
    (moments / folder).mkdir()
    with pytest.raises(ValueError, match=message):
        add_classes(lesson)


def test_paths_are_named_as_given(lesson, tmp_path):
    for change, message in (
        ({"moments": tmp_path / "none"}, "none: no such directory"),
        ({"checkpoint": tmp_path / "none"}, "none: no such work directory"),
        ({"moments": tmp_path / "moments" / "fly"}, "fly: holds no folder of a class"),
        ({"times": {}}, "clip_frames"),
    ):
        with pytest.raises(ValueError, match=message):
            add_classes(dataclasses.replace(lesson, **change))


def test_other_features_are_refused(lesson, trained, tmp_path):
    """The network knows the clips that it was trained on."""
    content = files.read_json(trained / "model.json")
    extraction = {"extractor": {"weights": "one"}, "clip_frames": 16} | {
        "stride_frames": 2,
        "fps": None,
    }
    other = tmp_path / "W"
    other.mkdir()
    for path in trained.iterdir():
        (other / path.name).symlink_to(path)
    (other / "model.json").unlink()
    files.write_json(other / "model.json", content | {"extraction": extraction})
    files.write_json(
        lesson.moments / "fly" / "features.json", {"extractor": {"weights": "two"}}
    )
    wrong = dataclasses.replace(lesson, checkpoint=other)
    with pytest.raises(ValueError, match="clip_frames: 16, 4") as error:
        add_classes(wrong)
    assert "dive" in str(error.value)
    with pytest.raises(ValueError, match="weights: one, two"):
        add_classes(dataclasses.replace(wrong, times=TIMES | {"clip_frames": 16}))
    add_classes(dataclasses.replace(wrong, other_features=True))


def test_classes_are_taught_from_video_files(tmp_path):
    pytest.importorskip("av")
    from tests.experiments.test_localize_video import CLASSES, FPS, save_networks
    from tests.p3d.videos import write_video

    save_networks(tmp_path, stride_frames=4)
    workdir, random = tmp_path / "ahernet", np.random.default_rng(0)
    pooled = random.random((4, sum(NETWORK.level_channels))).astype(np.float32)
    write_exemplars(workdir, Exemplars(pooled, np.repeat(CLASSES, 2)))
    for name in ("clap", "bow"):
        folder = tmp_path / "clips" / name
        folder.mkdir(parents=True)
        images = random.integers(0, 255, (24, 36, 48, 3), np.uint8)
        write_video(folder / "0.mp4", images, "libx264", FPS)
    out, weights = tmp_path / "W2", str(tmp_path / "p3d.npz")
    lesson = Lesson(workdir, tmp_path / "clips", out, weights, progress=False)
    assert "clap: 1 moments" in add_classes(lesson)
    assert Localizer.load(out).class_names == (*CLASSES, "bow", "clap")
    (tmp_path / "clips" / "bow" / "1.mp4").write_bytes(b"broken" * 99)
    with pytest.raises(ValueError, match=r"bow/1: .*--skip_bad goes on without"):
        add_classes(dataclasses.replace(lesson, out=tmp_path / "W3"))
