from unittest import mock

import pytest

import ahernet_tf
from tests import programs


def test_public_names_are_shown_without_importing_tensorflow():
    code = (
        "import sys, ahernet_tf\n"
        "shown = set(dir(ahernet_tf))\n"
        "assert 'tensorflow' not in sys.modules\n"
        "assert {n for n in shown if n[0] != '_'} | {'__version__'} == "
        "set(ahernet_tf.__all__), shown\n"
        "import rlcompleter\n"
        "words = rlcompleter.Completer({'ahernet_tf': ahernet_tf})\n"
        "assert words.complete('ahernet_tf.', 0) == 'ahernet_tf.AherNet'\n"
        "assert 'tensorflow' not in sys.modules\n"
        "ahernet_tf.Config, ahernet_tf.preset('small'), ahernet_tf.TimeModel\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    programs.python(code, check=True)


def test_each_public_name_is_there():
    for name in ahernet_tf.__all__:
        assert getattr(ahernet_tf, name) is not None
    assert ahernet_tf.AherNet.__module__ == "ahernet_tf.models.ahernet"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'ahernet_tf' has no attribute 'AherNut'"):
        _ = ahernet_tf.AherNut


def test_a_name_can_be_replaced_for_a_while():
    config = ahernet_tf.Config
    with mock.patch.object(ahernet_tf, "Config", 1):
        assert ahernet_tf.Config == 1
    assert ahernet_tf.Config is config
