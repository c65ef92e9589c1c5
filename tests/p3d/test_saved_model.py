"""A network as a SavedModel that takes plain clips."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.p3d import (
    ClipNormalization,
    export_p3d,
)
from tests.p3d.test_residual_network import clips, network


@pytest.mark.parametrize("in_channels", [3, 2])
def test_export_takes_plain_clips(tmp_path, in_channels):
    model, _ = network(depths=(1, 1, 1, 1), in_channels=in_channels)
    export_p3d(model, tmp_path / "saved")
    assert pathlib.Path(tmp_path / "saved" / "saved_model.pb").exists()
    served = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"]
    x = np.abs(clips(3, 16, 32, 40, in_channels)) * 60
    outputs = served(clips=tf.constant(x))
    assert set(outputs) == {"features", "logits"}
    given = ClipNormalization()(x) if in_channels == 3 else x
    expected = model(given)
    np.testing.assert_allclose(
        outputs["features"], expected["features"], rtol=1e-4, atol=1e-3
    )


def test_keras_own_export_works_too(tmp_path, capfd):
    model, _ = network(depths=(1, 1, 1, 1))
    x = clips(2, 16, 32, 32, 3)
    expected = model(x)
    model.export(tmp_path / "saved")
    capfd.readouterr()  # the summary that Keras prints
    saved = tf.saved_model.load(tmp_path / "saved")
    outputs = saved.serve(x)
    np.testing.assert_allclose(
        outputs["logits"], expected["logits"], rtol=1e-3, atol=1e-4
    )
