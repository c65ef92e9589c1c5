"""What experiments.predict refuses before it localises."""

import types

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.models import checkpoint
from experiments import predict


def test_features_of_another_network_are_refused(tmp_path, monkeypatch):
    trained = checkpoint.Description(
        4, ("a",), ("b",), {"extractor": {"weights": "one"}}
    )
    data = types.SimpleNamespace(
        feature_channels=4,
        extraction={"extractor": {"weights": "two"}},
        report=types.SimpleNamespace(lines=list),
        role=lambda name: pytest.fail("it went on"),
    )
    loaded = (trained, configuration.small())
    monkeypatch.setattr(checkpoint, "load_description", lambda path: loaded)
    monkeypatch.setattr(predict.Dataset, "load", lambda *_, **__: data)
    request = predict.Request(tmp_path, tmp_path, tmp_path / "out.json", "oracle")
    with pytest.raises(ValueError, match="weights: one, two"):
        predict.predict(request)
