"""Measures everything that is worth measuring on a GPU, in at most eight minutes.

    python -m experiments.benchmarks.gpu --golden RECORDING --json gpu.json

An iteration of training in each precision, with and without XLA, alternating and fused;
inference; feature extraction; and, where a recording is given, parity. Each part is a
process of its own with a limit of time: what fails or takes too long costs its row
only, and the row says so. Parts that no time is left for are named as well; `--parts
xla` measures those that are compiled. `--dry_run` takes tiny sizes, to try the program
on any machine.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tqdm
from absl import flags

from ahernet_tf import files, program

PRECISIONS = ("float32", "tf32", "bfloat16")
_DRY_NETWORK = (
    "--set=network.untrimmed_steps=32",
    "--set=network.moment_steps=16",
    "--set=network.base_channels=8,8",
    "--set=network.level_channels=8,8,8",
    "--set=network.generator_channels=8",
    "--channels=16",
    "--matmul_sizes=64",
)


class Row(NamedTuple):
    """What a part found.

    Attributes:
        ms: Of one iteration, video or clip.
        flop_per_sec: Counted operations.
        of_matmul: The same over the rate of large matrix products.
        peak_bytes: Most memory ever held: the GPU's, or the process's without one.
    """

    ms: float
    flop_per_sec: float
    of_matmul: float
    peak_bytes: int


class Measurement(NamedTuple):
    """Something to measure.

    Attributes:
        name: In the table.
        command: Writes a report to the file that is given to it as `--json`.
        row: Makes of the report what the table shows: a `Row`, or a text.
        limit_sec: Most time that it may take.
    """

    name: str
    command: tuple[str, ...]
    row: Callable[[dict[str, Any]], Row | str]
    limit_sec: float


def parts(golden: str | None = None, dry_run: bool = False) -> list[Measurement]:
    """Returns all parts, those first that answer most in the least time.

    Args:
        golden: Directory of a recording of the 2020 release.
        dry_run: Whether to take tiny sizes.
    """
    found = [
        _iteration(precision, schedule, False, dry_run)
        for schedule in ("alternating", "fused")
        for precision in PRECISIONS
    ]
    found += [_inference(precision, dry_run) for precision in PRECISIONS]
    # TensorFlow lets products of float32 be rounded to TF32, unless told otherwise.
    found.append(_extraction("tf32", "float32", dry_run))
    found.append(_extraction("bfloat16", "mixed_bfloat16", dry_run))
    if golden:
        command = _program("parity", [f"--golden={golden}"])
        found.append(Measurement("parity float32", command, _of_parity, 90))
    found += [
        _iteration(precision, schedule, True, dry_run)
        for schedule in ("fused", "alternating")
        for precision in PRECISIONS
    ]
    return found


def _program(name: str, options: Sequence[str]) -> tuple[str, ...]:
    """Returns what starts a program of `experiments`, wherever that is installed."""
    package = __package__.removesuffix(".benchmarks")
    return (sys.executable, "-m", f"{package}.{name}", *options)


def _iteration(
    precision: str, schedule: str, jit_compile: bool, dry_run: bool
) -> Measurement:
    options = [f"--precision={precision}", f"--schedule={schedule}", "--nophases"]
    options += ["--jit_compile"] if jit_compile else []
    if dry_run:
        options += ["--source_classes=3", "--target_classes=4", "--batch=2"]
        options += ["--iterations=1", *_DRY_NETWORK]
    else:
        options += ["--consecutive=10", "--iterations=3", "--matmul_sizes=8192"]
    name = f"iteration {schedule} {precision}{' xla' if jit_compile else ''}"
    limit_sec = 150 if jit_compile else 60
    command = _program("benchmarks.train_step", options)
    return Measurement(name, command, _of_iteration, limit_sec)


def _inference(precision: str, dry_run: bool) -> Measurement:
    options = ["--batch_sizes=8,16", "--videos=64", "--matmul_sizes=8192"]
    if dry_run:
        options = ["--batch_sizes=2", "--videos=2", "--classes=4", "--clips=20"]
        options += ["--rounds=1", *_DRY_NETWORK]
    options += [f"--set=training.precision={precision}"]
    command = _program("benchmarks.inference", options)
    return Measurement(f"inference {precision}", command, _of_inference, 60)


def _extraction(precision: str, policy: str, dry_run: bool) -> Measurement:
    options = ["--batch_size=32", "--rounds=3", "--seconds=0.5"]
    if dry_run:
        options = ["--depths=1,1,1,1", "--width=0.05", "--size=32"]
        options += ["--batch_size=2", "--rounds=1", "--seconds=0.01"]
    command = _program("benchmarks.p3d", [*options, f"--policy={policy}"])
    return Measurement(f"P3D {precision}", command, _of_extraction, 60)


def _of_iteration(report: dict[str, Any]) -> Row:
    return Row(
        1e3 * report["iteration_s"],
        report["flop_per_sec"],
        report["efficiency"],
        report["peak_memory_bytes"],
    )


def _of_inference(report: dict[str, Any]) -> Row:
    best = max(report["batches"], key=lambda part: part["videos_per_sec"])
    return Row(
        1e3 / best["videos_per_sec"],
        best["flop_per_sec"],
        best["efficiency"],
        report["peak_memory_bytes"],
    )


def _of_extraction(report: dict[str, Any]) -> Row:
    network = report["network"]
    return Row(
        1e3 / network["clips_per_sec"],
        network["flops_per_sec"]["wall"],
        network["share_of_matmul_rate"]["wall"],
        report["peak_memory_bytes"],
    )


def _of_parity(report: dict[str, Any]) -> str:
    failed = ", ".join(report["failed"]) or "none"
    return f"{report['compared']} arrays compared, failed: {failed}"


def measure(wanted: Sequence[Measurement], budget_sec: float) -> list[dict[str, Any]]:
    """Measures parts one after the other, each in a process of its own.

    Args:
        wanted: The parts.
        budget_sec: Most time that all may take together.

    Returns:
        Per part: `part`, `seconds`, and its `report` beside the fields of its row or a
        `result`; or else what went wrong as `fault`.
    """
    end = time.monotonic() + budget_sec
    results = []
    with tqdm.tqdm(wanted, unit="part") as bar:
        for part in bar:
            bar.set_postfix_str(part.name)
            begin = time.monotonic()
            limit_sec = min(part.limit_sec, end - begin)
            found = {"fault": "no time was left"}
            if limit_sec > 0:
                found = _measure(part, limit_sec)
            seconds = round(time.monotonic() - begin, 1)
            results.append({"part": part.name, "seconds": seconds, **found})
    return results


def _measure(part: Measurement, limit_sec: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "report.json")
        try:
            ended = subprocess.run(
                [*part.command, f"--json={out}"],
                capture_output=True,
                text=True,
                timeout=limit_sec,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return {"fault": f"not done after {limit_sec:.0f} s"}
        if not out.exists():
            lines = [line for line in ended.stderr.splitlines() if line.strip()]
            last = files.shortened(lines[-1] if lines else "nothing printed", 200)
            return {"fault": f"exit status {ended.returncode}: {last}"}
        report = files.read_json(out)
        row = part.row(report)
        shown = {"result": row} if isinstance(row, str) else row._asdict()
        return {**shown, "report": report}


def describe(results: Sequence[dict[str, Any]]) -> str:
    """Returns results as a table."""
    columns = f"{'ms':>10}{'TFLOP/s':>10}{'of matmul':>11}{'peak GB':>9}{'took s':>8}"
    lines = [f"{'':38}{columns}"]
    for found in results:
        name, seconds = found["part"], found["seconds"]
        if "ms" in found:
            lines.append(
                f"{name:38}{found['ms']:10.2f}{found['flop_per_sec'] / 1e12:10.3f}"
                f"{found['of_matmul']:11.1%}{found['peak_bytes'] / 1e9:9.2f}"
                f"{seconds:8.1f}"
            )
        else:
            lines.append(f"{name:38}{found.get('result') or found['fault']}")
    lines.append("ms per iteration, per video and per clip; of TFLOP as counted")
    return "\n".join(lines)


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    wanted = [
        part
        for part in parts(values.golden, values.dry_run)
        if re.search(values.parts, part.name)
    ]
    if values.dry_run:  # on any machine, however busy
        wanted = [part._replace(limit_sec=values.budget_sec) for part in wanted]
    if not wanted:
        raise ValueError(f"--parts={values.parts}: no part has such a name.")
    if values.json:
        files.check_output(values.json)
    results = measure(wanted, values.budget_sec)
    print(describe(results))
    if values.json:
        files.write_json(values.json, {"dry_run": values.dry_run, "parts": results})
    return 1 if all("fault" in found for found in results) else 0


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("golden", None, "Recording for parity. Unset: no parity.")
    flags.DEFINE_string("json", None, "Where to write the numbers, as JSON.")
    flags.DEFINE_string("parts", "", "Regular expression: parts whose name has it.")
    flags.DEFINE_float("budget_sec", 470.0, "Most time that all parts may take.", 1.0)
    flags.DEFINE_bool("dry_run", False, "Tiny sizes, to try the program.")


if __name__ == "__main__":
    program.start(define_flags, main)
