"""Size and difficulty of a synthetic data set."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class SyntheticConfig:
    """Size and difficulty of a synthetic data set; the defaults are `medium`.

    Attributes:
        source_classes: Classes with temporal annotations.
        target_classes: Classes of which only moments are known in training.
        channels: Channels of a clip feature.
        videos_per_class: Untrimmed training videos a class.
        test_videos_per_class: Untrimmed validation videos a class.
        moments_per_class: Trimmed clips of each target class.
        noise: Size of the white noise of a clip, beside actions of a size of about 1;
            it is the same for any number of channels.
        class_separation: Size of what is particular to a class, beside a variation
            between the instances of a class of size 1.
        distractor_rate: Motions in a minute of background that are no action.
        context_dependence: From 0 (the background says nothing of the class) to 1 (it
            is determined by the class as far as it can be).
        boundary_sharpness: From 0 (an action grows out of the background over 3 s) to
            1 (over 0.2 s).
        seed: Decides the classes and every video.
    """

    source_classes: int = 6
    target_classes: int = 6
    channels: int = 128
    videos_per_class: int = 25
    test_videos_per_class: int = 10
    moments_per_class: int = 60
    noise: float = 2.0
    class_separation: float = 0.75
    distractor_rate: float = 3.0
    context_dependence: float = 0.5
    boundary_sharpness: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses values outside their range."""
        counts = {"source_classes": 1, "target_classes": 1, "channels": 1}
        counts |= {"videos_per_class": 1, "test_videos_per_class": 1}
        counts |= {"moments_per_class": 1, "seed": 0, "noise": 0.0}
        counts |= {"class_separation": 0.0, "distractor_rate": 0.0}
        for name, least in counts.items():
            if not getattr(self, name) >= least:
                raise ValueError(
                    f"Expected {name} >= {least}, received {getattr(self, name)}."
                )
        for name in ("context_dependence", "boundary_sharpness"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"Expected {name} in 0..1, received {getattr(self, name)}."
                )
        if self.source_classes + self.target_classes > 9999:
            raise ValueError("Expected at most 9,999 classes in all.")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes, source classes first."""
        source = [f"source {i:03d}" for i in range(self.source_classes)]
        target = [f"target {i:03d}" for i in range(self.target_classes)]
        return tuple(source + target)


DIFFICULTIES: dict[str, dict[str, float]] = {
    "easy": {
        "noise": 1.0,
        "class_separation": 1.2,
        "distractor_rate": 1.0,
        "context_dependence": 0.3,
        "boundary_sharpness": 0.95,
    },
    "medium": {},
    "hard": {
        "noise": 2.5,
        "class_separation": 0.5,
        "distractor_rate": 5.0,
        "context_dependence": 0.7,
        "boundary_sharpness": 0.4,
    },
}


def synthetic_config(difficulty: str = "medium", **changes: Any) -> SyntheticConfig:
    """Returns the configuration of a difficulty, with any field changed by keyword.

    Raises:
        ValueError: The difficulty is unknown or a value is outside its range.
    """
    if difficulty not in DIFFICULTIES:
        raise ValueError(
            f"Expected a difficulty of {sorted(DIFFICULTIES)}, received '{difficulty}'."
        )
    return SyntheticConfig(**(DIFFICULTIES[difficulty] | changes))
