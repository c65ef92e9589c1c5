"""Flags that say how features lie: those given become fields of `features`."""

import pytest
from absl import flags

from data_tools import layout_flags


@pytest.fixture
def parse(monkeypatch):
    """Returns what reads a command line with the flags of the layout alone."""
    values = flags.FlagValues()
    for kind in ("enum", "string", "integer", "float", "bool"):
        define = getattr(flags, f"DEFINE_{kind}")
        monkeypatch.setattr(
            flags,
            f"DEFINE_{kind}",
            lambda *args, define=define: define(*args, flag_values=values),
        )
    layout_flags.define_layout()
    flags.DEFINE_string("array", None, "One of the program's own.")

    def parsed(*arguments):
        values(["program", *arguments])
        return values

    return parsed


def test_what_is_not_said_is_no_field(parse):
    assert layout_flags.layout_of(parse()) == {}


def test_what_is_said_is_a_field_and_false_is_said(parse):
    values = parse("--clip_frames=16", "--noresampled", "--covers=clips", "--array=x")
    expected = {"clip_frames": 16, "resampled": False, "covers": "clips"}
    assert layout_flags.layout_of(values) == expected
    assert layout_flags.layout_of(values, ["array"]) == expected | {"array": "x"}


@pytest.mark.parametrize("flag", ["--clip_frames=0", "--fps=0", "--covers=all"])
def test_impossible_values_are_refused(parse, flag):
    with pytest.raises(flags.IllegalFlagValueError):
        parse(flag)
