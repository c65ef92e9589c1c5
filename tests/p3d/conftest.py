"""Video files that several tests read."""

import pytest


@pytest.fixture
def videos(tmp_path):
    """Four good videos of 40, 7, 31 and 24 frames, and a broken one among them."""
    from tests.p3d.videos import counting, write_video

    paths = {}
    for name, frames in (("a", 40), ("b", 7), ("d", 31), ("e", 24)):
        paths[name] = str(tmp_path / f"{name}.mp4")
        write_video(paths[name], counting(frames, 32, 48, step=4))
    paths["c"] = str(tmp_path / "c.mp4")
    (tmp_path / "c.mp4").write_bytes(b"broken" * 100)
    return dict(sorted(paths.items()))
