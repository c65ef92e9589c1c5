"""Applies the rules: the preset `auto` of a data set."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from ahernet_tf import config as configuration
from ahernet_tf import files
from ahernet_tf.auto import cost, data_rules, inference_rules, training_rules
from ahernet_tf.auto.choices import Budget, Choice, Rule
from ahernet_tf.auto.facts import Facts, facts_of
from ahernet_tf.config import Config
from ahernet_tf.data.dataset import Dataset

#: File beside a run's configuration: what was chosen, why, and from which facts.
FILE = "auto.json"
#: In this order: a rule sees what those before it chose. What no rule names is the
#: paper's.
RULES: tuple[Rule, ...] = (
    data_rules.steps,
    data_rules.labels,
    training_rules.proposals,
    training_rules.offsets,
    training_rules.schedule,
    data_rules.features,
    data_rules.clips,
    data_rules.synthesis,
    data_rules.lengths,
    training_rules.width,
    data_rules.anchors,
    training_rules.iterations,
    training_rules.crops,
    training_rules.decay,
    inference_rules.suppression,
    inference_rules.durations,
    inference_rules.second_look,
)


class Automatic(NamedTuple):
    """A configuration and how it came about.

    Attributes:
        config: The configuration.
        choices: What the rules chose, and what was given.
        facts: Of the data.
        budget: Of time, and the rate of the machine.
    """

    config: Config
    choices: tuple[Choice, ...]
    facts: Facts
    budget: Budget

    def lines(self) -> list[str]:
        """Returns a line per option: value and reason."""
        return [choice.line() for choice in self.choices]

    def save(self, directory: pathlib.Path) -> None:
        """Writes what was chosen, why, and from which facts."""
        content = {
            "choices": [choice._asdict() for choice in self.choices],
            "budget": dataclasses.asdict(self.budget),
            "facts": dataclasses.asdict(self.facts),
        }
        files.write_json(directory / FILE, content)


def configure(
    facts: Facts, budget: Budget, assignments: Sequence[str] = ()
) -> Automatic:
    """Chooses a configuration by the rules.

    Args:
        facts: Of the data.
        budget: Of time.
        assignments: `part.option=value`, given: they go before the rules, and
            the rules after them see them.

    Raises:
        ValueError: An assignment is wrong.
    """
    # With what tells action from background, which an assignment may need.
    start = configuration.with_values(
        Config(preset=configuration.AUTO), {"network.proposal_classifier": True}
    )

    def chosen() -> Config:
        values = {choice.option: choice.value for choice in choices}
        config = configuration.with_values(start, values)
        return configuration.with_overrides(config, list(assignments))

    choices: list[Choice] = []
    for rule in RULES:
        choices += rule(facts, budget, chosen())
    config = chosen()
    by_hand = {text.partition("=")[0].strip() for text in assignments}
    told = [
        Choice(c.option, config.option(c.option), f"given, {c.value} by itself")
        if c.option in by_hand
        else c
        for c in choices
    ]
    return Automatic(config, tuple(told), facts, budget)


def configure_for(
    data: str | pathlib.Path,
    minutes: float,
    assignments: Sequence[str] = (),
    skip_bad: bool = False,
) -> Automatic:
    """Looks at a data set and at this machine, and chooses a configuration.

    Args:
        data: Directory of the data set.
        minutes: What a run may take.
        assignments: As of `configure`.
        skip_bad: Leave out faulty videos instead of raising.

    Raises:
        DataError: The data set is faulty.
        ValueError: An assignment is wrong, or the budget is not above 0.
    """
    if not minutes > 0:
        raise ValueError(f"Expected a budget above 0 minutes, received {minutes:g}.")
    # Only options that rules do not touch matter for the facts.
    config = configuration.with_overrides(Config(), list(assignments))
    dataset = Dataset.load(data, config.data, skip_bad, check_features="shape")
    budget = Budget(minutes, cost.measure_gflops())
    return configure(facts_of(dataset), budget, assignments)
