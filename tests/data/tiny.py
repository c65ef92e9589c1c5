"""A data set of a few videos, written to disk, that tests then damage."""

import json
import pathlib

import numpy as np

from ahernet_tf.data.synthetic.difficulty import synthetic_config
from ahernet_tf.data.synthetic.synthetic_dataset import write_synthetic

CHANNELS = 3
FEATURES = {"clip_frames": 4, "stride_frames": 2}
ROLES = {
    "untrimmed": {
        "annotations": "annotations.json",
        "subset": "training",
        "classes": ["run", "sit"],
        "features": {"path": "untrimmed.npz", **FEATURES},
    },
    "moments": {
        "annotations": "moments.json",
        "subset": "training",
        "classes": ["wave", "jump"],
        "features": {"path": "moments.npz", **FEATURES},
    },
    "test": {
        "annotations": "annotations.json",
        "subset": "validation",
        "classes": ["wave", "jump"],
        "features": {"path": "untrimmed.npz", **FEATURES},
    },
    "oracle": {
        "annotations": "annotations.json",
        "subset": "training",
        "classes": ["wave", "jump"],
        "features": {"path": "untrimmed.npz", **FEATURES},
    },
}


def video(subset, segments, seconds=20.0, fps=10.0, **more):
    annotations = [{"segment": [s, e], "label": label} for s, e, label in segments]
    frames = int(seconds * fps)
    record = {"duration": seconds, "subset": subset, "fps": fps, "frames": frames}
    return {**record, "annotations": annotations, **more}


def features(seed, seconds=20.0, fps=10.0, dtype=np.float32):
    """Clips of 4 frames, one every 2, as far as the video goes."""
    clips = (int(seconds * fps) - 4) // 2 + 1
    return np.random.default_rng(seed).normal(size=(clips, CHANNELS)).astype(dtype)


class TinyData:
    """Content of a data set; change it, then `write`."""

    def __init__(self):
        self.roles = json.loads(json.dumps(ROLES))
        self.extra = {}
        self.untrimmed = {
            "a1": video("training", [(2, 6, "run"), (8, 12, "sit")], subject=1),
            "a2": video("training", [(1, 9, "sit"), (12, 15, "wave")], subject=1),
            "b1": video("training", [(4, 7, "run")], subject=2),
            "b2": video("training", [], subject=2),
            "c1": video("training", [(3, 5, "jump"), (6, 9, "wave")], subject=3),
            "t1": video("validation", [(2, 6, "jump"), (9, 12, "run")], subject=4),
            "t2": video("validation", [(2, 6, "sit")], subject=4),
        }
        self.moments = {
            f"{origin}_m{number}": {
                "duration": seconds,
                "subset": "training",
                "fps": 10.0,
                "label": label,
            }
            for number, (origin, seconds, label) in enumerate(
                [
                    ("a2", 3.0, "wave"),
                    ("c1", 2.0, "jump"),
                    ("c1", 3.0, "wave"),
                    ("c1", 4.0, "jump"),
                    ("a1", 1.0, "jump"),
                ]
            )
        }
        self.untrimmed_features = {
            name: features(seed) for seed, name in enumerate(self.untrimmed)
        }
        self.moment_features = {
            name: features(100 + seed, record["duration"])
            for seed, (name, record) in enumerate(self.moments.items())
        }

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        directory.mkdir(exist_ok=True)
        parts = {"annotations": self.untrimmed, "moments": self.moments}
        for name, database in parts.items():
            text = json.dumps({"database": database})
            (directory / f"{name}.json").write_text(text)
        description = {"name": "tiny", **self.roles, **self.extra}
        (directory / "dataset.json").write_text(json.dumps(description))
        np.savez(directory / "untrimmed.npz", **self.untrimmed_features)
        np.savez_compressed(directory / "moments.npz", **self.moment_features)
        return directory


def write_tiny_synthetic(directory, videos=3, test_videos=2):
    """Writes a made-up data set of two source and two target classes."""
    config = synthetic_config(
        "easy",
        source_classes=2,
        target_classes=2,
        channels=6,
        videos_per_class=videos,
        test_videos_per_class=test_videos,
        moments_per_class=4,
    )
    write_synthetic(directory, config)
    return directory
