"""Further classes for a network that is trained already, from a few moments each.

    python -m examples.new_classes --checkpoint W --moments DIR --out W2

DIR has a folder per new class with the features of trimmed clips (.npy), made as those
of the training. Nothing else is needed: the network stays as it is, what it learns of
the new classes passes through its weight transfer. With `classes="old"` W2 finds bit
for bit what W finds.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

from ahernet_tf import Localizer, TimeModel


def main(
    checkpoint: pathlib.Path,
    moments: pathlib.Path,
    out: pathlib.Path,
    time_model: TimeModel,
) -> Localizer:
    """Teaches the classes, and saves the network that knows them."""
    clips = {
        folder.name: [np.load(path) for path in sorted(folder.glob("*.npy"))]
        for folder in sorted(moments.iterdir())
    }
    localizer = Localizer.load(checkpoint)
    taught = localizer.add_classes(clips, time_model=time_model)
    taught.save(out)
    print(f"{out} knows {', '.join(taught.class_names)}.")
    return taught


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("checkpoint", "moments", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--clip_frames", type=int, default=16)
    parser.add_argument("--stride_frames", type=int, default=8)
    parser.add_argument("--fps", type=float, default=25.0)
    given = parser.parse_args()
    times = TimeModel(given.clip_frames, given.stride_frames, given.fps)
    main(given.checkpoint, given.moments, given.out, times)
