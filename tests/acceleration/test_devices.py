import logging

import pytest
from tensorflow.python.util import _pywrap_util_port

from ahernet_tf.acceleration import devices


@pytest.fixture(autouse=True)
def asked_anew():
    devices.has_onednn.cache_clear()
    yield
    devices.has_onednn.cache_clear()


def test_without_the_private_name_the_answer_is_no_and_one_line_says_so(
    monkeypatch, caplog
):
    monkeypatch.delattr(_pywrap_util_port, "IsMklEnabled")
    with caplog.at_level(logging.WARNING):
        assert [devices.has_onednn() for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
    assert "oneDNN" in caplog.text


@pytest.mark.parametrize("answer", [True, False])
def test_with_the_private_name_its_answer_counts(monkeypatch, answer):
    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: answer)
    assert devices.has_onednn() is answer
