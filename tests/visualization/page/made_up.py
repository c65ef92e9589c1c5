"""Made-up annotations and detections, better or worse, for tests of the page."""

import json
import re

import numpy as np
import pandas as pd


def made_up(
    videos=8,
    classes=3,
    detections=12,
    quality=0.7,
    seed=0,
    label="class {}".format,
    video="video_{:04d}".format,
):
    """Returns ground truth and detections of videos that last 30 to 240 s."""
    random, other = np.random.default_rng(0), np.random.default_rng([seed, 1])
    truth, found = [], []
    for number in range(videos):
        name, duration = video(number), float(random.uniform(30, 240))
        own = random.integers(classes)
        ends = np.cumsum(random.dirichlet(np.ones(2 * random.integers(1, 5) + 1)))
        for start, end in zip(ends[0:-1:2], ends[1::2]):
            start, end = start * duration, end * duration
            truth.append((name, start, end, label(own), duration))
            off = other.normal(0, 0.35 * (1 - quality), 2) * (end - start)
            times = np.clip(np.sort([start + off[0], end + off[1]]), 0, duration)
            chosen = own if other.random() < quality else other.integers(classes)
            if other.random() < 0.5 + quality / 2:
                found.append((name, *times, label(chosen), other.beta(4, 2)))
        for _ in range(detections - len(ends) // 2):
            times = np.sort(other.uniform(0, duration, 2))
            chosen = label(other.integers(classes))
            found.append((name, *times, chosen, other.beta(1, 5)))
    columns = ["video", "start_sec", "end_sec", "label"]
    return (
        pd.DataFrame(truth, columns=[*columns, "duration_sec"]),
        pd.DataFrame(found, columns=[*columns, "score"]),
    )


def content_of(path):
    """Returns the data that a page holds."""
    [data] = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text()
    )
    return json.loads(data)
