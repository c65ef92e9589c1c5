"""A line of what was chosen."""

from ahernet_tf.auto.choices import Choice


def test_line_of_a_choice():
    choice = Choice("network.base_channels", (128, 64), "why")
    assert choice.line() == "network.base_channels 128,64: why"
    assert Choice("data.standardize", True, "why").line() == (
        "data.standardize true: why"
    )
    assert Choice("loss.foreground_tiou", 0.5, "why").line() == (
        "loss.foreground_tiou 0.5: why"
    )
