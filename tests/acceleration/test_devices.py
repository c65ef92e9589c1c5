import logging
import sys
import types

from ahernet_tf.acceleration import devices


def test_without_the_private_name_the_answer_is_no_and_one_line_says_so(
    monkeypatch, caplog
):
    name = "tensorflow.python.util"
    gone = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, gone)
    with caplog.at_level(logging.WARNING):
        assert devices.has_onednn() is False
    assert len(caplog.records) == 1
    assert "oneDNN" in caplog.text


def test_with_the_private_name_its_answer_counts(monkeypatch):
    from tensorflow.python.util import _pywrap_util_port

    for answer in (True, False):
        monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda a=answer: a)
        assert devices.has_onednn() is answer
