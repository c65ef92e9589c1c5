"""Features of your own network, end to end: VideoMAE, CLIP or I3D to detections.

    python -m examples.own_features --extractor clip

Whatever the network, its features are one array `[clips, channels]` per video, and two
numbers say when a clip happens: the frames it saw, and the frames from one to the next.
`EXTRACTORS` has usual ones. Without a download the arrays are made up here; yours lie
in the same folders, and the rest stays as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import tempfile

import numpy as np

from ahernet_tf import Localizer, TimeModel, preset
from ahernet_tf.config import with_overrides
from ahernet_tf.data.create.own_inputs import OwnInputs
from data_tools import make_dataset
from experiments.training_run import TrainingRun, train

FPS = 25.0
SECONDS = 20
SEGMENTS = """video,start,end,label,subset
cake,2.0,7.5,pour,training
cake,9.0,15.0,stir,training
soup,3.0,11.0,stir,training
soup,12.5,16.0,pour,training
tea,1.0,6.0,pour,training
omelette,2.0,6.5,whisk,test
"""


@dataclasses.dataclass(frozen=True)
class Extractor:
    """How a network's features are laid out.

    Attributes:
        channels: Size of the features of a clip, in all parts.
        clip_frames: Frames a clip saw.
        stride_frames: Frames from one clip to the next.
        parts: Names of the arrays that are joined, channel by channel; empty: one
            array, `{video}`.
    """

    channels: int
    clip_frames: int
    stride_frames: int
    parts: tuple[str, ...] = ()


EXTRACTORS = {
    # 16 frames into the base model, the mean of its tokens.
    "videomae": Extractor(768, 16, 16),
    # Every fifth frame into the image encoder of ViT-B/32: a clip is one frame.
    "clip": Extractor(512, 1, 5),
    # RGB and optical flow, 1,024 numbers each.
    "i3d": Extractor(2048, 16, 8, ("{video}_rgb", "{video}_flow")),
}
QUICK = [
    "training.pretrain_iterations=2",
    "training.iterations=2",
    "training.batch_size=4",
    "network.untrimmed_steps=64",
    "network.moment_steps=32",
    "network.level_channels=16,16,16,16",
    "data.minimum_moment_clips=1",
    "data.minimum_foreground_clips=1",
    "data.standardize=true",  # these features are negative, too, and of any scale
]


def write_features(folder: pathlib.Path, extractor: Extractor) -> None:
    """Makes up features of videos, and of trimmed clips in a folder per class."""
    random = np.random.default_rng(0)

    def write(place: str, seconds: float) -> None:
        clips = (int(seconds * FPS) - extractor.clip_frames) // extractor.stride_frames
        values = random.normal(size=(clips + 1, extractor.channels)).astype(np.float32)
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = extractor.parts or ("{video}",)
        for part, own in zip(parts, np.split(values, len(parts), axis=1)):
            np.save(path.with_name(part.format(video=path.name) + ".npy"), own)

    for video in ("cake", "soup", "tea", "omelette"):
        write(f"features/{video}", SECONDS)
    for name in ("crack egg", "whisk"):
        for number in range(3):
            write(f"clips/{name}/{name}_{number}", 6)


def main(name: str, folder: pathlib.Path, learn: bool = True) -> None:
    """Goes from arrays to detections."""
    extractor = EXTRACTORS[name]
    write_features(folder, extractor)
    (folder / "segments.csv").write_text(SEGMENTS)
    timing = {
        "clip_frames": extractor.clip_frames,
        "stride_frames": extractor.stride_frames,
        "fps": FPS,
    }
    inputs = OwnInputs(
        segments=folder / "segments.csv",
        features=folder / "features",
        moments=folder / "clips",
        layout=timing | ({"parts": [*extractor.parts]} if extractor.parts else {}),
    )
    make_dataset.run(folder / "data", inputs)
    if not learn:
        return
    config = with_overrides(preset("small"), QUICK)
    train(TrainingRun(folder / "data", folder / "W", config, progress=False))
    localizer = Localizer.load(folder / "W")
    parts = extractor.parts or ("{video}",)
    names = [folder / "features" / f"{p.format(video='omelette')}.npy" for p in parts]
    video = np.concatenate([np.load(name) for name in names], axis=1)
    for found in localizer.localize(video, time_model=TimeModel(**timing))[:3]:
        print(
            f"{found.start_sec:.1f} - {found.end_sec:.1f} s "
            f"{found.label} {found.score:.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--extractor", choices=EXTRACTORS, default="clip")
    with tempfile.TemporaryDirectory() as place:
        main(parser.parse_args().extractor, pathlib.Path(place))
