"""What happens in the synthetic data set: its classes and time lines.

Everything happens in a latent space of 32 dimensions that a random matrix mixes into
the channels of the features. `docs/SYNTHETIC.md` explains the model and its reasons.
"""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np

from ahernet_tf.data.synthetic.difficulty import SyntheticConfig

CLIP_FRAMES = 16
STRIDE_FRAMES = 8
LATENT = 32
MINIMUM_VIDEO_SEC = 20.0
MAXIMUM_VIDEO_SEC = 200.0
MINIMUM_ACTION_SEC = 2.0
MAXIMUM_MOMENT_SEC = 60.0
SUBSETS = ("training", "validation", "moment")

_SCENES = 8
_FPS = (24.0, 25.0, 29.97, 30.0)
_FPS_SHARES = (0.08, 0.27, 0.15, 0.5)
_ID = re.compile(r"(training|validation|moment)_(\d{3,4})_(\d{6})")


@dataclasses.dataclass(frozen=True)
class World:
    """What all videos of a configuration share; vectors have about unit length.

    Attributes:
        phases: Start, middle and end of each class `[classes, 3, latent]`.
        cycle: The two directions of each class's cyclic motion `[classes, 2, latent]`.
        cycle_hz: Frequency of that motion `[classes]`.
        median_sec: Median duration of an action that is alone `[classes]`.
        favourite_scenes: The scenes a class mostly happens in `[classes, 2]`.
        scenes: Scene vectors `[scenes, latent]`.
        shared: Onset, activity and offset of any action of any class `[3, latent]`.
        rotations: Maps from a class's start, middle and end to its preparation,
            background and retraction `[3, latent, latent]`; the same for all classes.
        projection: From the latent space to the channels `[latent, channels]`.
    """

    phases: np.ndarray
    cycle: np.ndarray
    cycle_hz: np.ndarray
    median_sec: np.ndarray
    favourite_scenes: np.ndarray
    scenes: np.ndarray
    shared: np.ndarray
    rotations: np.ndarray
    projection: np.ndarray


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happens in a video, in seconds of its own time.

    Attributes:
        kind: `action`, `fidget`, `motion` (sustained, of no class), `no_end` or
            `no_start` (an action of `class_index` that lacks its end or its start).
        start: Start.
        end: End.
        class_index: Class of an action or of a partial action, else -1.
    """

    kind: str
    start: float
    end: float
    class_index: int = -1


@dataclasses.dataclass(frozen=True)
class Timeline:
    """A video before its features: its length, and what happens when.

    Attributes:
        class_index: Class of its actions.
        frames: Length in frames.
        fps: Frames a second.
        events: Actions (in order) and then distractors.
        scene: Index of the scene.
    """

    class_index: int
    frames: int
    fps: float
    events: tuple[Event, ...]
    scene: int

    @property
    def actions(self) -> tuple[Event, ...]:
        """The events that are annotated."""
        return tuple(e for e in self.events if e.kind == "action")


def parse_id(config: SyntheticConfig, video_id: str) -> tuple[int, int, int]:
    """Returns the indices of subset and class and the number that an id names.

    Raises:
        ValueError: The id is none of this configuration.
    """
    match = _ID.fullmatch(video_id)
    if not match or int(match[2]) >= len(config.classes):
        raise ValueError(
            f"Expected an id such as 'moment_003_000012' with a class below "
            f"{len(config.classes)}, received '{video_id}'."
        )
    return SUBSETS.index(match[1]), int(match[2]), int(match[3])


def generator(config: SyntheticConfig, *key: int) -> np.random.Generator:
    """Returns a generator of random numbers for a seed and a key of integers."""
    return np.random.Generator(np.random.PCG64([config.seed, *key]))


@functools.lru_cache(maxsize=4)
def world(config: SyntheticConfig) -> World:
    """Draws the classes, scenes and the projection of a configuration."""
    rng = generator(config, 0)
    classes = len(config.classes)

    def vectors(*shape: int) -> np.ndarray:
        return rng.standard_normal((*shape, LATENT)) / np.sqrt(LATENT)

    middle = vectors(classes, 1)
    return World(
        # The three phases of a class resemble each other, as poses of one motion do.
        phases=np.sqrt(0.5) * (middle + vectors(classes, 3)),
        cycle=vectors(classes, 2),
        cycle_hz=np.exp(rng.uniform(np.log(0.1), np.log(0.5), classes)),
        median_sec=np.exp(rng.uniform(np.log(15), np.log(50), classes)),
        favourite_scenes=rng.integers(0, _SCENES, (classes, 2)),
        scenes=vectors(_SCENES),
        shared=vectors(3) * [[1.2], [0.6], [1.2]],
        rotations=np.stack([np.linalg.qr(vectors(LATENT))[0] for _ in range(3)]),
        projection=0.5 * rng.standard_normal((LATENT, config.channels)),
    )


def timeline(config: SyntheticConfig, video_id: str) -> Timeline:
    """Draws what happens in a video.

    Raises:
        ValueError: The id is none of this configuration.
    """
    subset, class_index, number = parse_id(config, video_id)
    rng = generator(config, 1, subset, class_index, number)
    fps = float(rng.choice(_FPS, p=_FPS_SHARES))
    favourite = rng.random() < config.context_dependence
    scenes = world(config).favourite_scenes[class_index]
    scene = int(rng.choice(scenes) if favourite else rng.integers(_SCENES))
    if SUBSETS[subset] == "moment":
        frames, events = _moment(config, class_index, fps, rng)
    else:
        seconds = np.exp(rng.normal(np.log(90), 0.6))
        seconds = np.clip(seconds, MINIMUM_VIDEO_SEC, MAXIMUM_VIDEO_SEC)
        frames = int(seconds * fps)
        actions = _actions(config, class_index, frames / fps, rng)
        events = actions + _distractors(config, class_index, frames / fps, actions, rng)
    return Timeline(class_index, frames, fps, events, scene)


def _moment(
    config: SyntheticConfig, class_index: int, fps: float, rng: np.random.Generator
) -> tuple[int, tuple[Event, ...]]:
    """Draws a trimmed clip: one action, cut up to 8% of it too early or too late."""
    median = world(config).median_sec[class_index] / _count(rng) ** 0.6
    duration = np.exp(rng.normal(np.log(median), 0.5))
    duration = np.clip(duration, MINIMUM_ACTION_SEC, MAXIMUM_MOMENT_SEC)
    before, after = rng.normal(0.0, 0.04, 2).clip(-0.08, 0.08) * duration
    frames = max(int((duration + before + after) * fps), CLIP_FRAMES)
    return frames, (Event("action", before, before + duration, class_index),)


def _count(rng: np.random.Generator) -> int:
    """Draws a number of actions: mostly one or two, at times many."""
    many = rng.random() < 0.08
    return int(rng.integers(5, 16) if many else rng.geometric(0.65))


def _actions(
    config: SyntheticConfig, class_index: int, seconds: float, rng: np.random.Generator
) -> tuple[Event, ...]:
    """Draws the actions of an untrimmed video; the more, the shorter each is."""
    count = min(_count(rng), int(seconds / (2 * MINIMUM_ACTION_SEC)))
    durations = np.exp(rng.normal(0.0, 0.5, count))
    durations *= world(config).median_sec[class_index] / count**0.6
    most = rng.uniform(0.4, 0.85) * seconds
    durations *= min(1.0, most / durations.sum())
    durations = durations.clip(MINIMUM_ACTION_SEC)
    gaps = rng.dirichlet(np.ones(count + 1))
    gaps[[0, -1]] *= rng.random(2) > 0.15  # some begin or end with the video
    gaps[1:-1] += 0.02
    gaps[-1] = gaps[-1] if gaps.any() else 1.0
    gaps *= max(0.0, seconds - durations.sum()) / gaps.sum()
    starts = np.cumsum(gaps[:-1]) + np.cumsum(durations) - durations
    ends = (starts + durations).clip(max=seconds)
    return tuple(
        Event("action", float(s), float(e), class_index)
        for s, e in zip(starts, ends)
        if e - s > 0.5 * MINIMUM_ACTION_SEC
    )


def _distractors(
    config: SyntheticConfig,
    class_index: int,
    seconds: float,
    actions: tuple[Event, ...],
    rng: np.random.Generator,
) -> tuple[Event, ...]:
    """Draws motions in the background that are no action of any class."""
    background_sec = seconds - sum(a.end - a.start for a in actions)
    events = []
    for _ in range(rng.poisson(config.distractor_rate * background_sec / 60)):
        kind = str(
            rng.choice(
                ["fidget", "motion", "no_end", "no_start"], p=[0.4, 0.3] + [0.15] * 2
            )
        )
        median = (
            2.5 if kind == "fidget" else 0.5 * world(config).median_sec[class_index]
        )
        duration = np.exp(rng.normal(np.log(median), 0.5)).clip(1.0)
        start = rng.uniform(0, seconds)
        own = rng.random() < 0.5
        other = int(rng.integers(len(config.classes)))
        event = Event(kind, start, start + duration, class_index if own else other)
        free = all(start > a.end + 1 or event.end < a.start - 1 for a in actions)
        if free and event.end < seconds:
            events.append(event)
    return tuple(events)
