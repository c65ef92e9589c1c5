"""The latent motion of a synthetic video: what its events look like over time."""

from __future__ import annotations

import numpy as np

from ahernet_tf.data.synthetic.difficulty import SyntheticConfig
from ahernet_tf.data.synthetic.synthetic_world import (
    LATENT,
    Event,
    Timeline,
    World,
    generator,
    parse_id,
    world,
)

_ORDER = [0, 2, 1, 2, 0]  # shared vectors over the five parts of an action


def render(
    config: SyntheticConfig, video_id: str, line: Timeline, at_sec: np.ndarray
) -> np.ndarray:
    """Computes the latent state of a video.

    Args:
        config: Configuration of the data set.
        video_id: Id of the video, which decides the random numbers.
        line: What happens in it.
        at_sec: Times `[times]`, in seconds.

    Returns:
        State `[times, latent]`.
    """
    place = world(config)
    rng = generator(config, 2, *parse_id(config, video_id))
    context = config.context_dependence * config.class_separation
    middle = place.phases[line.class_index, 1]
    state = 1.2 * place.scenes[line.scene] + context * middle @ place.rotations[1]
    state = state + _drift(at_sec, rng) + _shots(at_sec, line, rng)
    for event in line.events:
        if event.kind in ("fidget", "motion"):
            state += _distractor(event, at_sec, place, rng)
        else:
            state += _action(config, event, at_sec, place, rng)
    return state


def _drift(at_sec: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Computes a slow random motion: sums of sinusoids of 3 s to 100 s `[times, L]`."""
    hertz = np.exp(rng.uniform(np.log(0.01), np.log(0.3), 24))
    phase = rng.uniform(0, 2 * np.pi, 24)
    waves = np.sin(2 * np.pi * hertz * at_sec[:, np.newaxis] + phase)
    return waves @ rng.standard_normal((24, LATENT)) * (0.6 / np.sqrt(12 * LATENT))


def _shots(at_sec: np.ndarray, line: Timeline, rng: np.random.Generator) -> np.ndarray:
    """Computes the view of each shot; a cut comes every 30 s, anywhere `[times, L]`."""
    seconds = line.frames / line.fps
    cuts = np.sort(rng.uniform(0, seconds, rng.poisson(seconds / 30)))
    views = rng.standard_normal((len(cuts) + 1, LATENT)) / np.sqrt(LATENT)
    return 0.4 * views[np.searchsorted(cuts, at_sec)]


def _step(at_sec: np.ndarray, edge: float, width: float) -> np.ndarray:
    """Rises smoothly from 0 to 1 around `edge`, within `width` seconds `[times]`."""
    x = ((at_sec - edge) / width + 0.5).clip(0, 1)
    return x * x * (3 - 2 * x)


def _action(
    config: SyntheticConfig,
    event: Event,
    at_sec: np.ndarray,
    place: World,
    rng: np.random.Generator,
) -> np.ndarray:
    """Computes an action with its preparation and retraction, or a part of one."""
    start, end, duration = event.start, event.end, event.end - event.start
    blur = min(0.2 + 2.8 * (1 - config.boundary_sharpness), 0.4 * duration)
    fade = 0.3 * duration
    rise = _step(at_sec, start, blur if event.kind != "no_start" else fade)
    fall = _step(at_sec, end, blur if event.kind != "no_end" else fade)
    inside = rise * (1 - fall)

    # Onset in two halves, middle, offset in two halves.
    half = min(rng.uniform(1, 2.5), 0.2 * duration)
    left = (
        1 - _step(at_sec, start + half, half),
        1 - _step(at_sec, start + 2 * half, half),
    )
    right = _step(at_sec, end - 2 * half, half), _step(at_sec, end - half, half)
    has_start, has_end = event.kind != "no_start", event.kind != "no_end"
    parts = [left[0] * has_start, (left[1] - left[0]) * has_start]
    parts += [(right[0] - right[1]) * has_end, right[1] * has_end]
    parts.insert(2, 1 - sum(parts))
    weights = np.stack(parts, axis=1)

    phases, cycle = place.phases[event.class_index], place.cycle[event.class_index]
    speed = rng.uniform(0.8, 1.25) * place.cycle_hz[event.class_index]
    angle = 2 * np.pi * (speed * (at_sec - start) + rng.random())
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    style = rng.standard_normal(LATENT) / np.sqrt(LATENT)
    separation = config.class_separation
    motion = weights @ (separation * phases[[0, 0, 1, 2, 2]] + place.shared[_ORDER])
    motion += weights[:, 2:3] * (waves @ cycle) * 0.7 * separation
    state = inside[:, np.newaxis] * (motion + style) * rng.uniform(0.7, 1.3)

    # Outside, the context that a class's own start and end announce.
    known, unknown = config.context_dependence, 1 - config.context_dependence
    chance = rng.standard_normal((2, LATENT)) / np.sqrt(LATENT)
    lead, trail = np.exp(rng.uniform(np.log(1.5), np.log(5), 2))
    ahead = _step(at_sec, start - lead / 2, lead) * (1 - rise)
    behind = (1 - _step(at_sec, end + trail / 2, trail)) * fall
    before = known * phases[0] @ place.rotations[0] + unknown * chance[0]
    after = known * phases[2] @ place.rotations[2] + unknown * chance[1]
    return state + np.outer(ahead, before) + np.outer(behind, after)


def _distractor(
    event: Event, at_sec: np.ndarray, place: World, rng: np.random.Generator
) -> np.ndarray:
    """Computes a motion that shares one direction with actions, but not their order."""
    fade = 0.5 * (event.end - event.start)
    inside = _step(at_sec, event.start, fade) * (1 - _step(at_sec, event.end, fade))
    direction = rng.standard_normal(LATENT) / np.sqrt(LATENT)
    shared = (
        place.shared[rng.integers(3)] if event.kind == "fidget" else place.shared[1]
    )
    return np.outer(inside, 1.3 * direction + 0.7 * shared)
