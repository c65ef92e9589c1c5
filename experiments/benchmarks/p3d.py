"""Times P3D feature extraction against what the machine can compute.

    python -m experiments.benchmarks.p3d --json p3d_speed.json

In one run it measures the rate of large matrix products in the network's arithmetic,
the clips a second of the network, whose multiplications it counts, and, apart from
both, how fast video is decoded and resized. Rounds of products and of the network
alternate, so that other work on the machine hits both; the medians are reported, by the
clock and in seconds that the processors spent on this process, which other work changes
less.
`--video` decodes a file of yours instead of a generated one.
"""

from __future__ import annotations

import math
import os
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tqdm
from absl import flags

from ahernet_tf import program
from ahernet_tf.files import write_json

if TYPE_CHECKING:
    from ahernet_tf.p3d import P3D, ClipFormat

POLICIES = ("float32", "mixed_bfloat16")
PRODUCT_SIZES = (2048, 3072)


def seconds_of(function: Callable[[], Any], least_sec: float) -> float:
    """Returns the wall-clock seconds of one call, over calls lasting `least_sec`."""
    start, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - start < least_sec:
        function()
        calls += 1
    return (time.perf_counter() - start) / calls


def make_video(path: pathlib.Path, frames: int, height: int, width: int) -> None:
    """Writes an H.264 file of drifting, noisy texture at 30 frames a second."""
    import av

    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (height // 16 + 2, width // 16 + 2, 3))
    texture = np.kron(coarse, np.ones((16, 16, 1)))[:height, :width]
    noise = rng.normal(0, 8, (8, height, width, 1))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            image = np.roll(texture, (i, 2 * i), axis=(0, 1)) + noise[i % 8]
            image = np.clip(image, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def time_decoding(path: str, threads: int, least_sec: float) -> dict[str, Any]:
    """Measures decoding alone, and decoding with resizing as extraction does it."""
    import av

    from ahernet_tf.p3d import ClipFormat
    from ahernet_tf.p3d.video import VideoReader

    with av.open(path) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        size = [stream.height, stream.width]
        codec = stream.codec_context.name

    def decode():
        with av.open(path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            for _ in container.decode(stream):
                pass

    def read():
        with VideoReader(path, ClipFormat(), threads=threads) as reader:
            for _ in reader.read():
                pass

    return {
        "codec": codec,
        "size": size,
        "frames": frames,
        "threads": threads,
        "decoded_frames_per_sec": frames / seconds_of(decode, least_sec),
        "resized_frames_per_sec": frames / seconds_of(read, least_sec),
    }


def time_network(
    network: P3D,
    clip_format: ClipFormat,
    batch_size: int,
    product_sizes: Sequence[int],
    rounds: int,
    least_sec: float,
    jit: bool = False,
) -> dict[str, Any]:
    """Measures the network and matrix products in alternation.

    Args:
        network: a built network.
        clip_format: size of its clips.
        batch_size: clips in a pass.
        product_sizes: rows of the matrices; the fastest size counts.
        rounds: how often both are measured.
        least_sec: least length of one measurement of products.
        jit: compile both with XLA.

    Returns:
        Rates, their ratios, and the counted arithmetic.
    """
    import tensorflow as tf

    from ahernet_tf.p3d import count_multiply_adds
    from ahernet_tf.p3d.extraction import feature_function

    from .rates import MatrixProducts, Seconds, clocked, median

    size = clip_format.crop_size
    shape = (clip_format.clip_frames, size, size, 3)
    clips = tf.constant(
        np.random.default_rng(0).integers(0, 255, (batch_size, *shape), np.uint8)
    )
    compute = feature_function(network, clip_format, jit)
    products = MatrixProducts(product_sizes, least_sec, network.compute_dtype, jit)

    def run_network():
        return compute(clips).numpy()  # waits for the device

    run_network()
    times = []
    for _ in tqdm.trange(rounds, desc="rounds"):
        products.measure()
        times.append(clocked(run_network))
    multiply_adds = count_multiply_adds(network, shape)
    network_rate = [2 * multiply_adds * batch_size / clock for clock in median(times)]
    product_rate = products.best()
    return {
        "parameters": sum(math.prod(v.shape) for v in network.trainable_variables),
        "multiply_adds_per_clip": multiply_adds,
        "flops_per_clip": 2 * multiply_adds,
        "batch_size": batch_size,
        "clip": list(shape),
        "clips_per_sec": batch_size / median(times).wall,
        "flops_per_sec": Seconds(*network_rate)._asdict(),
        "matmul_flops_per_sec": product_rate._asdict(),
        "matmul_flops_per_sec_of_sizes": products.flop_per_sec(),
        "share_of_matmul_rate": Seconds(
            *(ours / theirs for ours, theirs in zip(network_rate, product_rate))
        )._asdict(),
        "times": [seconds._asdict() for seconds in times],
    }


def run(
    network: P3D,
    clip_format: ClipFormat,
    video: str | None = None,
    video_frames: int = 600,
    video_size: tuple[int, int] = (240, 320),
    batch_size: int = 8,
    product_sizes: Sequence[int] = PRODUCT_SIZES,
    rounds: int = 5,
    least_sec: float = 2.0,
    stride_frames: int = 8,
    jit: bool = False,
) -> dict[str, Any]:
    """Measures everything; see the module's docstring."""
    from .rates import machine, peak_memory_bytes

    threads = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as directory:
        if video is None:
            path = pathlib.Path(directory) / "generated.mp4"
            make_video(path, video_frames, *video_size)
            video = str(path)
        decoding = time_decoding(video, threads, least_sec)
    speed = time_network(
        network, clip_format, batch_size, product_sizes, rounds, least_sec, jit
    )
    decoded_clips = decoding["resized_frames_per_sec"] / stride_frames
    return {
        "machine": machine(),
        "settings": {
            "fusion": network.fusion,
            "depths": list(network.depths),
            "policy": network.dtype_policy.name,
            "jit": jit,
            "stride_frames": stride_frames,
        },
        "network": speed,
        "decoding": {**decoding, "clips_per_sec": decoded_clips},
        "bound": "decoding" if decoded_clips < speed["clips_per_sec"] else "network",
        "peak_memory_bytes": peak_memory_bytes(),
    }


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    from ahernet_tf.p3d import P3D, ClipFormat

    clip_format = ClipFormat.for_crop(values.size)
    network = P3D(
        tuple(int(depth) for depth in values.depths),
        base_channels=max(1, round(64 * values.width)),
        dtype=values.policy,
    )
    network.build((None, clip_format.clip_frames, values.size, values.size, 3))
    report = run(
        network,
        clip_format,
        video=values.video,
        batch_size=values.batch_size,
        rounds=values.rounds,
        least_sec=values.seconds,
        jit=values.jit,
    )
    speed, decoding = report["network"], report["decoding"]
    print(
        f"{speed['clips_per_sec']:.2f} clips/s of {speed['flops_per_clip'] / 1e9:.1f} "
        "GFLOP"
    )
    for clock, share in speed["share_of_matmul_rate"].items():
        print(
            f"a {clock} second: {speed['flops_per_sec'][clock] / 1e9:.1f} GFLOP, "
            f"{100 * share:.0f}% of the matrix product's "
            f"{speed['matmul_flops_per_sec'][clock] / 1e9:.1f}"
        )
    print(
        f"{decoding['decoded_frames_per_sec']:.0f} frames/s decoded, "
        f"{decoding['resized_frames_per_sec']:.0f} decoded and resized "
        f"({decoding['clips_per_sec']:.1f} clips/s)\n"
        f"bound by the {report['bound']}"
    )
    if values.json:
        write_json(values.json, report)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")
    flags.DEFINE_string("video", None, "Video to decode (default: a generated one).")
    flags.DEFINE_list("depths", "3,8,36,3", "Blocks of the four stages.")
    flags.DEFINE_float("width", 1.0, "Multiple of the published channels.")
    flags.DEFINE_integer("size", 160, "Rows and columns of the clips.")
    flags.DEFINE_enum("policy", "float32", POLICIES, "Arithmetic of both.")
    flags.DEFINE_integer("batch_size", 8, "Clips in a pass.", lower_bound=1)
    flags.DEFINE_integer("rounds", 5, "Measurements of each.", lower_bound=1)
    flags.DEFINE_float("seconds", 2.0, "Least length of one measurement.")
    flags.DEFINE_bool("jit", False, "Compile network and products with XLA.")


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av"])
