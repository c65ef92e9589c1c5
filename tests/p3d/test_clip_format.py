"""Length and image size of a clip."""

import pytest

from ahernet_tf.p3d import (
    ClipFormat,
)


def test_crop_must_fit_into_the_resized_frame():
    with pytest.raises(ValueError, match="does not fit"):
        ClipFormat(16, 100, 200, 160)
    assert ClipFormat.for_crop(160) == ClipFormat(16, 182, 242, 160)
