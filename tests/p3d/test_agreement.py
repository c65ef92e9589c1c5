"""Features of other weights or settings than those of the training are refused."""

import pytest

from ahernet_tf.p3d import (
    ClipFormat,
    read_p3d_metadata,
    save_p3d,
    weights_fingerprint,
)
from ahernet_tf.p3d.agreement import feature_differences, require_agreement
from ahernet_tf.p3d.clip_decoding import ExtractionOptions
from ahernet_tf.p3d.feature_writer import describe_features
from tests.p3d.test_weights import small

OPTIONS = ExtractionOptions(stride_frames=4, fps=12.5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("p3d") / "w.npz"
    save_p3d(small(), path, ClipFormat.for_crop(32))
    return path


@pytest.fixture(scope="module")
def trained(weights):
    """What a network knows of features that these weights made."""
    metadata, fingerprint = read_p3d_metadata(weights), weights_fingerprint(weights)
    return describe_features(metadata, OPTIONS, fingerprint)


def channels_of(weights):
    return read_p3d_metadata(weights).feature_dim


def test_the_same_weights_and_settings_agree(trained, weights):
    assert feature_differences(trained, weights, OPTIONS, "W") == []
    require_agreement(trained, channels_of(weights), weights, OPTIONS, "W")


def test_other_settings_are_named_and_pass_where_asked_for(trained, weights):
    options = ExtractionOptions(stride_frames=8)
    arguments = (trained, channels_of(weights), weights, options, "W")
    with pytest.raises(ValueError, match=r"stride_frames: 4, 8; fps: 12\.5, None"):
        require_agreement(*arguments)
    require_agreement(*arguments, other_features=True)


def test_other_weights_are_named(trained, weights):
    extractor = trained["extractor"] | {"weights_sha256": "0" * 64}
    other = trained | {"extractor": extractor}
    (difference,) = feature_differences(other, weights, OPTIONS, "W")
    assert "weights_sha256" in difference


def test_another_width_never_passes(trained, weights):
    with pytest.raises(ValueError, match="was trained on 7"):
        require_agreement(trained, 7, weights, OPTIONS, "W", other_features=True)


def test_where_the_weights_are_not_known_a_warning_says_so(trained, weights, caplog):
    unknown = trained | {"extractor": None}
    assert feature_differences(unknown, weights, OPTIONS, "W") == []
    assert "W does not say which P3D weights" in caplog.text
