"""Turns weights under PyTorch's or Caffe's names into ours.

Both published P3D-199 networks have the same 1,010 arrays (classifier aside) under
different names and in channels-first order. Names alone do not tell the flavour: the
widespread PyTorch file exists with weights of either, so the caller states it.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from ahernet_tf.data.features.array_files import read_npz
from ahernet_tf.data.features.torch_files import load_torch
from ahernet_tf.files import naming
from ahernet_tf.p3d.clip_format import check_fusion
from ahernet_tf.p3d.network_metadata import (
    P3DMetadata,
    array_shapes,
    check_arrays,
    listed,
)

_NORM_PARTS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_PYTORCH_PARTS = {
    "reduce": ("conv1", "bn1"),
    "spatial": ("conv2", "bn2"),
    "temporal": ("conv3", "bn3"),
    "expand": ("conv4", "bn4"),
    "shortcut": ("downsample.0", "downsample.1"),
}
_RES5_SPATIAL = ("conv_normal", "bn_normal")
_CAFFE_PARTS = {
    "1": "shortcut",
    "2a": "reduce",
    "2b": "spatial",
    "2b_t": "temporal",
    "2c": "expand",
}
_CAFFE_BLOCK = r"([2-5])([a-z]|b[0-9]+)_branch(1|2a|2b_t|2b|2c)"
_CAFFE_BLOBS = {
    "weight": {"weight", "gamma", "scale"},
    "bias": {"bias", "beta", "shift"},
    "running_mean": {"running_mean", "moving_mean", "mean"},
    "running_var": {"running_var", "moving_variance", "variance", "var"},
}
_CAFFE_BLOB = re.compile(
    r"^(?P<layer>.+?)(?:[./:_](?P<blob>[0-9]|"
    + "|".join(sorted(set.union(*_CAFFE_BLOBS.values()), key=len, reverse=True))
    + r"))?$"
)


def read_foreign_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the arrays of a `.npz` file or of a PyTorch checkpoint.

    A checkpoint is read with `weights_only=True`, so that it can run no code; its
    entry `state_dict` is taken where it has one.

    Args:
        path: The file; everything but `.npz` is taken for PyTorch's.

    Returns:
        Name -> array, as in the file.

    Raises:
        ValueError: The file is missing, unreadable, or needs PyTorch, which is not
            installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file.")
    if path.suffix == ".npz":
        return read_npz(path)
    with naming(path):
        return _tensors(load_torch(path))


def _tensors(content) -> dict[str, np.ndarray]:
    """Returns the tensors of a checkpoint or state dict as arrays.

    Raises:
        ValueError: It holds something else.
    """
    import torch

    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise ValueError(f"holds a {type(content).__name__}, no state dict.")
    alien = [name for name, v in content.items() if not isinstance(v, torch.Tensor)]
    if alien:
        raise ValueError(f"no tensors: {', '.join(map(str, alien))}.")
    return {name: v.detach().cpu().float().numpy() for name, v in content.items()}


def convert_arrays(
    arrays: Mapping[str, np.ndarray], fusion: str, where: str
) -> tuple[dict[str, np.ndarray], P3DMetadata]:
    """Renames and transposes foreign weights into ours; every array is used once.

    Depths, width, input channels and classes follow from names and shapes.

    Args:
        arrays: Under PyTorch's names (`layer2.0.conv1.weight`) or Caffe's
            (`res3a_branch2a/0`; docs/P3D.md lists the accepted spellings).
        fusion: The flavour the weights were trained in.
        where: The file, for errors and for the metadata.

    Returns:
        The arrays under our names, checked, and their network.

    Raises:
        ValueError: An array is missing, unknown, given twice or of a wrong shape.
    """
    check_fusion(fusion)
    plain = {name.removeprefix("module."): array for name, array in arrays.items()}
    if len(plain) != len(arrays):
        raise ValueError(f'{where}: names repeat with and without "module.".')
    if any(re.match(r"layer[1-4]\.", name) for name in plain):
        style, targets = "PyTorch", _pytorch_targets(plain)
    elif any(re.match(r"res[2-5]", name) for name in plain):
        style, targets = "Caffe", _caffe_targets(plain)
    else:
        raise ValueError(
            f"{where}: expected names like layer1.0.conv1.weight (PyTorch) or "
            f"res2a_branch2a/0 (Caffe), received {sorted(plain)[:5]}."
        )
    ours, labels, problems = {}, {}, []
    for name, array in plain.items():
        target = targets.get(name)
        if target is None:
            problems.append(f"unknown {name}")
        elif target in labels:
            problems.append(f"{name} and {labels[target]} are the same array")
        elif target != _IGNORED:
            labels[target] = name
            ours[target] = _in_our_layout(target, np.asarray(array, np.float32))
    if problems:
        raise ValueError(f"{where}: {listed(problems)}.")
    _apply_caffe_statistics_factor(ours)
    metadata = _describe(ours, fusion, f"{where}, {style} names", where)
    if style == "PyTorch":
        labels |= {v: k for k, v in _pytorch_names(metadata).items()}
    check_arrays(ours, metadata, where, labels)
    return ours, metadata


_IGNORED = "ignored"
_STATISTICS_FACTOR = "moving_factor"


def _in_our_layout(target: str, array: np.ndarray) -> np.ndarray:
    """Moves a kernel's (out, in, ...) to (..., in, out) and flattens a vector."""
    if not target.endswith("/kernel"):
        return array.reshape(-1) if array.size == max(array.shape, default=1) else array
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 1 else array


def _describe(ours, fusion: str, source: str, where: str) -> P3DMetadata:
    """Reads the network's form off the converted arrays."""
    stem = ours.get("stem/kernel")
    if stem is None or stem.ndim != 5:
        raise ValueError(f"{where}: the first convolution, 1x7x7, is missing.")
    depths = [1, 1, 1, 1]
    for name in ours:
        if match := re.match(r"res([2-5])/(\d+)/", name):
            stage = int(match[1]) - 2
            depths[stage] = max(depths[stage], int(match[2]) + 1)
    classifier = ours.get("classifier/kernel", ours.get("classifier/bias"))
    return P3DMetadata(
        fusion=fusion,
        depths=tuple(depths),
        classes=None if classifier is None else classifier.shape[-1],
        in_channels=stem.shape[-2],
        base_channels=stem.shape[-1],
        source=source,
    )


def _pytorch_names(metadata: P3DMetadata) -> dict[str, str]:
    """Returns PyTorch name -> our name for every array of a network."""
    names = {}
    for target in array_shapes(metadata):
        unit, _, part = target.rpartition("/")
        if unit == "stem":
            modules = ("conv1_custom", "bn1")
        elif unit == "classifier":
            names["fc." + ("weight" if part == "kernel" else "bias")] = target
            continue
        else:
            stage, block, role = unit.split("/")
            modules = _PYTORCH_PARTS[role]
            if (stage, role) == ("res5", "spatial"):
                modules = _RES5_SPATIAL
            modules = [f"layer{int(stage[3:]) - 1}.{block}.{m}" for m in modules]
        if part == "kernel":
            names[f"{modules[0]}.weight"] = target
        else:
            names[f"{modules[1]}.{_NORM_PARTS[part]}"] = target
    return names


def _pytorch_targets(arrays) -> dict[str, str]:
    """Returns array name -> our name; unknown names are left out."""
    blocks = [re.match(r"layer([1-4])\.(\d+)\.", name) for name in arrays]
    depths = [1, 1, 1, 1]
    for match in filter(None, blocks):
        stage = int(match[1]) - 1
        depths[stage] = max(depths[stage], int(match[2]) + 1)
    known = _pytorch_names(P3DMetadata("torch", tuple(depths), classes=1))
    known.update(
        {n: _IGNORED for n in arrays if n.rpartition(".")[2] == "num_batches_tracked"}
    )
    return known


def _caffe_targets(arrays) -> dict[str, str]:
    """Returns array name -> our name; unknown names are left out.

    A normalisation is either one layer `bn...` of four blobs (scale, shift, mean,
    variance) or Caffe's pair of `bn...` (mean, variance, factor) and `scale...`.
    """
    has_scale_layers = any(name.startswith("scale") for name in arrays)
    targets = {}
    for name in arrays:
        match = _CAFFE_BLOB.match(name)
        unit, kind = _caffe_unit(match["layer"])
        part = unit and _caffe_part(kind, match["blob"], has_scale_layers)
        if part:
            targets[name] = f"{unit}/{part}"
    return targets


def _caffe_unit(layer: str) -> tuple[str | None, str]:
    """Returns our unit of a Caffe layer and its kind: conv, bn, scale or dense."""
    if re.fullmatch(r"conv1(_custom)?", layer):
        return "stem", "conv"
    if match := re.fullmatch(r"(bn|scale)_?(conv)?1(_custom)?", layer):
        return "stem", match[1]
    if re.fullmatch(r"fc\w*|classifier", layer):
        return "classifier", "dense"
    match = re.fullmatch(rf"(res|(?:bn|scale)_?(?:res)?){_CAFFE_BLOCK}", layer)
    if not match:
        return None, ""
    prefix, stage, block, part = match.groups()
    index = int(block[1:]) if len(block) > 1 else ord(block) - ord("a")
    kind = "conv" if prefix == "res" else prefix.removesuffix("res").rstrip("_")
    return f"res{stage}/{index}/{_CAFFE_PARTS[part]}", kind


def _caffe_part(kind: str, blob: str | None, has_scale_layers: bool) -> str | None:
    """Returns our name of one blob of a Caffe layer, or None."""
    numbered = {
        "conv": ("kernel",),
        "dense": ("kernel", "bias"),
        "scale": ("gamma", "beta"),
        "bn": ("moving_mean", "moving_variance", _STATISTICS_FACTOR)
        if has_scale_layers
        else ("gamma", "beta", "moving_mean", "moving_variance"),
    }[kind]
    if blob is None:
        return "kernel" if kind == "conv" else None
    if blob.isdigit():
        return numbered[int(blob)] if int(blob) < len(numbered) else None
    meaning = next(key for key, words in _CAFFE_BLOBS.items() if blob in words)
    if kind in ("conv", "dense"):
        part = {"weight": "kernel", "bias": "bias"}.get(meaning)
    else:
        part = next(key for key, value in _NORM_PARTS.items() if value == meaning)
    return part if part in numbered else None


def _apply_caffe_statistics_factor(ours: dict[str, np.ndarray]) -> None:
    """Divides Caffe's summed statistics by their factor and drops the factor."""
    for name in [n for n in ours if n.endswith("/" + _STATISTICS_FACTOR)]:
        factor = float(ours.pop(name).reshape(-1)[0])
        unit = name.rpartition("/")[0]
        for part in ("moving_mean", "moving_variance"):
            if f"{unit}/{part}" in ours:
                total = ours[f"{unit}/{part}"]
                ours[f"{unit}/{part}"] = total / factor if factor else total * 0
