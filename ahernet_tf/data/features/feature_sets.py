"""The published sets of clip features, each under a name, with its layout and times.

`"features": {"preset": "tsp", "path": "features/tsp"}` in dataset.json stands for all
that is known of a set. What is written beside the preset's name goes before it.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any


@dataclasses.dataclass(frozen=True)
class FeatureSet:
    """A published set of features.

    Attributes:
        title: What it is.
        files: What a user finds on the disk.
        spec: Its `features` entry of dataset.json, less the path.
        parts: Where its channels come from several groups of files: the names of the
            files of each group, inside the path.
        note: What a user should know.
    """

    title: str
    files: str
    spec: dict[str, Any]
    parts: tuple[tuple[str, ...], ...] = ()
    note: str = ""


def _clips(stride: int, clip: int, dim: int | None = None, **more: Any) -> dict:
    """Returns a spec of windows of `clip` frames, one every `stride`."""
    spec = {"clip_frames": clip, "stride_frames": stride, **more}
    return spec if dim is None else {**spec, "dim": dim}


FEATURE_SETS: dict[str, FeatureSet] = {
    "p3d": FeatureSet(
        "Pseudo-3D ResNet, this paper's features",
        "<video>.csv with a header line, or <video>.npy; [clips, 2048]",
        _clips(8, 16, 2048),
        note="data_tools.extract_features writes npy files with a features.json.",
    ),
    "p3d_512": FeatureSet(
        "The 2020 release's features, resized to 512 steps",
        "<video>.csv with a header line; [512, 2048]",
        {"format": "csv", "dim": 2048, "length": 512, "covers": "duration"},
    ),
    "cuhk_tsn": FeatureSet(
        "ActivityNet TSN of CUHK as BSN and BMN use it, 'csv_mean_100'",
        "v_<id>.csv with a header f0 ... f399; [100, 400]",
        {"format": "csv", "dim": 400, "length": 100, "covers": "duration"},
        note="Resized over the covered duration: name video_info_new.csv, which came "
        "with the features, as 'covered_durations'.",
    ),
    "tsp": FeatureSet(
        "ActivityNet TSP",
        "v_<id>.npy, or one flat HDF5 file with keys v_<id>; [clips, 512]",
        _clips(16, 16, 512, fps=15.0, resampled=True),
    ),
    "anet_i3d": FeatureSet(
        "ActivityNet I3D",
        "v_<id>.npy; [clips, 2048]",
        _clips(16, 16, 2048, fps=25.0, resampled=True, format="npy"),
    ),
    "anet_slowfast": FeatureSet(
        "ActivityNet SlowFast",
        "v_<id>.npy; [clips, channels]",
        _clips(8, 16, format="npy"),
        note="Its stride is published, the length of its clips is not: 16 is assumed.",
    ),
    "anet_videomae": FeatureSet(
        "ActivityNet VideoMAE",
        "v_<id>_spatial_pool_feature_6.pt; [clips, channels]",
        _clips(8, 16, format="pt", template="{video}_spatial_pool_feature_6"),
        note="Its stride is published, the length of its clips is not: 16 is assumed.",
    ),
    "anet_c3d": FeatureSet(
        "ActivityNet C3D, reduced by PCA",
        "one HDF5 file with a group v_<id> each, in it c3d_features; [clips, 500]",
        _clips(8, 16, 500, format="hdf5", template="{video}/c3d_features"),
    ),
    "thumos_i3d": FeatureSet(
        "THUMOS14 I3D, RGB then flow",
        "video_{validation,test}_0000xxx.npy; [clips, 2048]",
        _clips(4, 16, 2048, format="npy"),
        note="Frame rates differ between videos: annotations need fps or frames.",
    ),
    "thumos_tsn": FeatureSet(
        "THUMOS14 TSN of G-TAD, RGB then flow",
        "a directory with rgb_val.h5, rgb_test.h5, flow_val.h5, flow_test.h5, keys are "
        "ids; [frames, 1024] each",
        _clips(1, 1, 2048),
        parts=(("rgb_val.h5", "rgb_test.h5"), ("flow_val.h5", "flow_test.h5")),
        note="A row a frame: packing pays off.",
    ),
}


def expand(spec: dict[str, Any]) -> dict[str, Any]:
    """Replaces the name of a preset in a `features` entry by what it stands for.

    Raises:
        ValueError: There is no such preset, or it needs a path to one directory.
    """
    if "preset" not in spec:
        return spec
    own = {key: value for key, value in spec.items() if key != "preset"}
    name = spec["preset"]
    if name not in FEATURE_SETS:
        raise ValueError(
            f"preset: expected one of {sorted(FEATURE_SETS)}, received {name!r}"
        )
    chosen = FEATURE_SETS[name]
    if not chosen.parts or "parts" in own:
        return {**chosen.spec, **own}
    path = own.pop("path", None)
    if not isinstance(path, str):
        raise ValueError(f"preset {name}: expected the path of one directory")
    parts = [
        {"path": [str(pathlib.PurePosixPath(path, file)) for file in files]}
        for files in chosen.parts
    ]
    return {**chosen.spec, **own, "parts": parts}
