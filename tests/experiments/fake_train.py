"""Stands in for experiments.train: made-up detections, better for later systems.

Takes the same flags. Environment: FAKE_SLEEP seconds of "training" that SIGTERM ends
after saving; FAKE_FAIL a system that fails.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import time

import filelock
import numpy as np

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, files
from ahernet_tf.models import systems

THRESHOLDS = np.linspace(0.5, 0.95, 10)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("data", "system", "workdir", "preset"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--noprogress", action="store_true", required=True)
    parser.add_argument("--more")
    return parser.parse_args()


def detections(truth, random, quality: float) -> dict[str, list]:
    found: dict[str, list] = {}
    for row in truth.itertuples():
        length = row.end_sec - row.start_sec
        shift = random.normal(scale=(1 - quality) * length)
        found.setdefault(str(row.video), []).append(
            {
                "segment": [row.start_sec + shift, row.end_sec + shift],
                "score": float(random.uniform()),
                "label": str(row.label),
            }
        )
    return found


def main() -> int:
    values = arguments()
    with filelock.FileLock(pathlib.Path(values.workdir, "train.lock"), timeout=0):
        return train(values)


def train(values: argparse.Namespace) -> int:
    workdir = pathlib.Path(values.workdir)
    with (workdir / "starts.txt").open("a") as file:
        file.write(f"{os.getpid()}\n")
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    until = time.monotonic() + float(os.environ.get("FAKE_SLEEP", "0"))
    while time.monotonic() < until:
        if stop:
            (workdir / "saved").touch()
            return 130
        time.sleep(0.02)
    if values.system == os.environ.get("FAKE_FAIL"):
        print("error: the moon is in the wrong house", file=sys.stderr)
        return 1
    config = configuration.with_overrides(
        configuration.preset(values.preset), values.set
    )
    config = systems.configure(config, values.system)
    data = pathlib.Path(values.data)
    description = json.loads((data / "dataset.json").read_text())
    classes = {name: description[name]["classes"] for name in ("untrimmed", "moments")}
    truth = evaluation.load_ground_truth(
        data / "annotations.json", subset="validation", classes=classes["moments"]
    )
    random = np.random.default_rng([values.seed, *values.system.encode()])
    rank = systems.NAMES.index(values.system)
    quality = min(0.95, 0.7 + 0.05 * rank) * config.data.oracle_fraction**0.1
    found = detections(truth, random, quality)
    evaluation.write_results(workdir / "predictions.json", found)
    frame = evaluation.load_predictions(workdir / "predictions.json")
    scores = evaluation.evaluate_detections(truth, frame, THRESHOLDS)
    proposals = evaluation.evaluate_proposals(truth, frame, THRESHOLDS)
    configuration.save(config, workdir / "config.json")
    files.write_json(
        workdir / "model.json",
        {
            "feature_channels": 6,
            "source_classes": classes["untrimmed"],
            "target_classes": classes["moments"],
        },
    )
    run = {"data": str(data), "seed": values.seed}
    files.write_json(workdir / "run.json", run)
    files.write_json(
        workdir / "metrics.json",
        {
            "average_map": scores.average_map,
            "map_at_tiou": {
                f"{tiou:.2f}": float(value)
                for tiou, value in zip(scores.tiou_thresholds, scores.map_at_tiou)
            },
            "auc": proposals.auc,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
