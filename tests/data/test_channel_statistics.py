import numpy as np

from ahernet_tf.config import small
from ahernet_tf.data.channel_statistics import channel_statistics
from ahernet_tf.data.dataset import Dataset
from tests.data.tiny import TinyData


def test_channel_statistics_are_those_of_all_training_clips(tmp_path):
    tiny = TinyData()
    for values in (*tiny.untrimmed_features.values(), *tiny.moment_features.values()):
        values[:, 1] = 0.7
        values[:, 2] += 5
    dataset = Dataset.load(tiny.write(tmp_path / "d"), small().data)
    mean, deviation = channel_statistics(dataset)
    clips = [tiny.untrimmed_features[name] for name in ("a1", "a2", "b1", "b2")]
    clips = np.concatenate([*clips, *tiny.moment_features.values()]).astype(float)
    np.testing.assert_allclose(mean, clips.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation[[0, 2]], clips.std(axis=0)[[0, 2]], rtol=1e-6)
    assert deviation[1] == 1.0
    assert mean.dtype == deviation.dtype == np.float32
