"""A span of clips counts them."""

import pytest

from ahernet_tf.data.clip_spans import ClipSpan


@pytest.mark.parametrize(
    ("first", "end", "clips"), [(0, 99, 99), (9, 29, 20), (5, 5, 0)]
)
def test_a_span_has_the_clips_from_its_first_to_before_its_end(first, end, clips):
    assert ClipSpan("v", first, end, "run", 4.0).clips == clips
