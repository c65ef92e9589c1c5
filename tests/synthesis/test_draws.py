"""Where moments are placed in synthetic sequences."""

import dataclasses

import numpy as np
import pytest

from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.synthesis.draws import gaps_between_instances


@dataclasses.dataclass
class Part:
    videos: list
    name: str = "untrimmed"


def video(*times):
    instances = tuple(Instance(start, end, "run") for start, end in times)
    return Video("v", "training", 60.0, instances)


def test_gaps_lie_between_neighbouring_instances():
    role = Part([video((20, 30), (2, 5), (9, 12)), video((0, 50), (10, 20), (55, 57))])
    np.testing.assert_allclose(gaps_between_instances(role), [4, 8, 0, 5])


def test_videos_of_one_instance_give_no_gap():
    with pytest.raises(ValueError, match="untrimmed"):
        gaps_between_instances(Part([video((1, 2)), video()]))
