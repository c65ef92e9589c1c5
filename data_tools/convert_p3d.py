r"""Converts published P3D weights to a file that `ahernet_tf.p3d.load_p3d` reads.

    python -m data_tools.convert_p3d --input p3d_rgb_199.checkpoint.pth.tar \
        --fusion torch --output p3d_rgb_199.npz

The input is a PyTorch checkpoint or state dict (needs PyTorch; read with
weights_only=True), or a `.npz` of arrays under PyTorch's or Caffe's names. Every array
must be used exactly once and have the right shape; otherwise the error names it.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from absl import flags

from ahernet_tf import program
from ahernet_tf.p3d.clip_format import FUSIONS

if TYPE_CHECKING:
    from ahernet_tf.p3d.network_metadata import P3DMetadata


def convert(input_path, fusion: str, output_path) -> P3DMetadata:
    """Converts one file of weights.

    Args:
        input_path: `.npz`, or a PyTorch checkpoint.
        fusion: "caffe" or "torch", the flavour the weights were trained in.
        output_path: The file to write.

    Returns:
        What the written file says about itself.

    Raises:
        ValueError: The input is unreadable, or an array is missing, unknown or of a
            wrong shape; nothing is written then.
    """
    from ahernet_tf.p3d import convert_arrays, read_foreign_arrays, write_arrays
    from ahernet_tf.p3d.network_metadata import P3DMetadata
    from ahernet_tf.p3d.weights import file_sha256

    where = pathlib.Path(input_path).name
    arrays = read_foreign_arrays(input_path)
    ours, metadata = convert_arrays(arrays, fusion, where)
    source = f"{metadata.source}, SHA-256 {file_sha256(input_path)}"
    metadata = P3DMetadata(**{**vars(metadata), "source": source})
    write_arrays(output_path, ours, metadata)
    return metadata


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    metadata = convert(values.input, values.fusion, values.output)
    print(
        f"{values.output}: fusion {metadata.fusion}, depths {metadata.depths}, "
        f"{metadata.classes} classes, features of {metadata.feature_dim}. "
        f"{metadata.source}"
    )


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("input", None, "PyTorch checkpoint or .npz to read.")
    flags.DEFINE_enum(
        "fusion",
        None,
        list(FUSIONS),
        "Flavour the weights were trained in: caffe (the authors' network) or torch "
        "(the PyTorch port). The weights themselves do not tell.",
    )
    flags.DEFINE_string("output", None, "The .npz file to write.")
    flags.mark_flags_as_required(["input", "fusion", "output"])


if __name__ == "__main__":
    program.start(define_flags, main)
