"""Rules for what is made of the network's outputs."""

from __future__ import annotations

from collections.abc import Iterator

from ahernet_tf.auto.choices import Budget, Choice
from ahernet_tf.auto.facts import Facts
from ahernet_tf.config import Config


def suppression(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Overlapping detections lose score, less where instances overlap."""
    often = facts.overlapping > 0.05
    reason = f"{facts.overlapping:.0%} of the source instances overlap one another"
    yield Choice("inference.soft_nms_sigma", 0.6 if often else 0.3, reason)
    yield Choice(
        "inference.nms_tiou",
        0.7 if often else 0.5,
        f"{reason}; where soft suppression is off",
    )


def durations(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """Moments tell how long an action of their class lasts, unless all are alike."""
    spread = facts.moment_spread
    if spread < 0.05:
        reason = "moments of a class are all of one length, which tells nothing"
        yield Choice("inference.duration_prior", 0.0, reason)
        return
    yield Choice(
        "inference.duration_prior",
        1.75,
        f"moments of a class differ in length by {spread:.0%}: detections of other "
        "lengths lose score, beyond 1.75 times that more than a third",
    )


def second_look(facts: Facts, budget: Budget, chosen: Config) -> Iterator[Choice]:
    """What was found is classified again, as a segment among all classes."""
    enough = facts.fewest_moments >= 2
    classes = f"{facts.source_classes} source and {facts.target_classes} target classes"
    yield Choice(
        "inference.second_look",
        enough,
        f"what was found is read again, among {classes}"
        if enough
        else "a class has one moment, too few to learn to read segments from",
    )
