"""The examples do what they say."""

import numpy as np
import pytest

from ahernet_tf import Localizer, TimeModel
from examples import (
    generator_in_a_gan,
    heads_on_a_transformer,
    layers_in_a_functional_model,
    new_classes,
    own_features,
)

CLIP = own_features.EXTRACTORS["clip"]
TIMES = TimeModel(CLIP.clip_frames, CLIP.stride_frames, own_features.FPS)


def test_moments_alone_teach_a_functional_model():
    assert layers_in_a_functional_model.main() > 0.9


def test_the_generator_learns_in_a_gan():
    before, after = generator_in_a_gan.main()
    assert after < 0.6 * before


def test_the_heads_localize_on_a_transformer():
    assert heads_on_a_transformer.main() > 0.7


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which features of CLIP were trained on."""
    folder = tmp_path_factory.mktemp("clip")
    own_features.main("clip", folder)
    return folder


def test_features_of_clip_are_trained_on(trained):
    localizer = Localizer.load(trained / "W")
    assert localizer.class_names == ("crack egg", "whisk")
    assert localizer.model.feature_channels == CLIP.channels


@pytest.mark.parametrize("name", ["videomae", "i3d"])
def test_features_of_others_make_a_data_set(name, tmp_path, capsys):
    own_features.main(name, tmp_path, learn=False)
    channels = own_features.EXTRACTORS[name].channels
    assert f"data: {channels} channels\n" in capsys.readouterr().out


def test_new_classes_are_taught(trained, tmp_path):
    moments = tmp_path / "moments"
    (moments / "knead").mkdir(parents=True)
    for number in range(3):
        clips = np.random.default_rng(number).normal(1, 1, (29, CLIP.channels))
        np.save(moments / "knead" / f"{number}.npy", clips.astype(np.float32))
    taught = new_classes.main(trained / "W", moments, tmp_path / "W2", TIMES)
    assert taught.class_names == ("crack egg", "whisk", "knead")
    video = np.load(trained / "features" / "omelette.npy")
    before, after = (
        localizer.localize(video, time_model=TIMES)
        for localizer in (
            Localizer.load(trained / "W"),
            Localizer.load(tmp_path / "W2", classes="old"),
        )
    )
    assert before == after
