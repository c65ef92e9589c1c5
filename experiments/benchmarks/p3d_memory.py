"""Shows that feature extraction needs no more memory for longer videos.

    python -m experiments.benchmarks.p3d_memory --minutes 2,20 --json p3d_memory.json

For each length it makes an H.264 file (one minute of drifting texture, repeated), runs
`data_tools.extract_features` on it in a process of its own, with clips of the published
size, and reports the most memory that this process ever held (peak resident set). The
network is a small one: its size adds the same to every length.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from ahernet_tf import program
from ahernet_tf.files import write_json

FPS = 30
HEIGHT, WIDTH = 240, 320


def repeat_video(source: str, target: str, times: int) -> None:
    """Writes a file that shows another one several times, without encoding again."""
    import av

    with av.open(target, "w") as output:
        stream, after = None, 0
        for _ in range(times):
            with av.open(source) as container:
                original = container.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(original)
                for packet in container.demux(original):
                    if packet.dts is None:
                        continue
                    packet.pts += after
                    packet.dts += after
                    packet.stream = stream
                    output.mux(packet)
                after += original.duration


def measure(minutes: Sequence[float], unit_sec: float = 60.0) -> list[dict[str, Any]]:
    """Extracts features of videos of several lengths.

    Args:
        minutes: lengths.
        unit_sec: length of what is repeated.

    Returns:
        For each length: `minutes`, `frames`, `features`, `peak_mib`, `seconds`.
    """
    from ahernet_tf.p3d import P3D, ClipFormat, save_p3d

    from .p3d import make_video

    results = []
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        network = P3D((1, 1, 1, 1), base_channels=2)
        network.build((None, 16, 160, 160, 3))
        save_p3d(network, folder / "w.npz", ClipFormat())
        make_video(folder / "unit.mp4", round(unit_sec * FPS), HEIGHT, WIDTH)
        for length in minutes:
            path = folder / f"minutes{length:g}.mp4"
            times = max(1, round(60 * length / unit_sec))
            repeat_video(str(folder / "unit.mp4"), str(path), times)
            results.append(_extract(path, folder / "w.npz", folder / path.stem, length))
            path.unlink()
    return results


def _extract(video, weights, out, minutes: float) -> dict[str, Any]:
    """Runs the extraction in a process and reads its peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "ahernet_tf", "extract-features"),
            *("--videos", str(video), "--weights", str(weights), "--out", str(out)),
        ],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"The extraction of {video} failed.")
    features = np.load(out / f"{video.stem}.npy", mmap_mode="r")
    return {
        "minutes": minutes,
        "frames": 8 * (features.shape[0] - 1) + 16,
        "features": features.shape[0],
        "peak_mib": usage.ru_maxrss / 1024,
        "seconds": time.perf_counter() - start,
    }


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    results = measure([float(m) for m in values.minutes])
    for entry in results:
        print(
            f"{entry['minutes']:g} min, {entry['features']} features: "
            f"peak {entry['peak_mib']:.0f} MiB, {entry['seconds']:.0f} s"
        )
    if values.json:
        write_json(values.json, results)


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_list("minutes", "2,20", "Lengths of the videos.")
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av"])
