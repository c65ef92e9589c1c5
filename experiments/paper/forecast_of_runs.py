"""What a table or figure would still have to train: its `--dry_run`."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from ahernet_tf import config as configuration
from ahernet_tf.auto.configuration import configure_for
from ahernet_tf.forecast import Forecast
from ahernet_tf.models import systems

from ..training_forecast import forecast_of
from ..training_run import TrainingRun
from .columns import Column
from .runs import directory_name


def forecast_of_runs(
    wanted: Sequence[tuple[str, ...]], columns: Sequence[Column], workdir: pathlib.Path
) -> Forecast:
    """Says which runs are missing, and what they would take.

    Runs at once share the machine, so that they do not shorten the whole.

    Args:
        wanted: What `Column.runs` takes: system, suffix, further options.
        columns: The data sets.
        workdir: Of the table or figure.

    Raises:
        ValueError: A data set or an option is not usable.
    """
    parts = []
    for column in columns:
        stored = column.workdir / configuration.AUTO / "config.json"
        if column.preset != configuration.AUTO:
            base = configuration.preset(column.preset)
        elif stored.exists():
            base = configuration.preset(str(stored))
        else:  # what the first run would choose
            minutes = column.plan.budget_minutes
            base = configure_for(column.data, minutes, column.assignments).config
        base = configuration.with_overrides(base, list(column.assignments))
        for system, suffix, *more in wanted:
            config = configuration.with_overrides(base, more)
            config = systems.configure(config, system)
            for seed in column.plan.seeds:
                directory = f"{directory_name(system)}{suffix}"
                place = column.workdir / directory / str(seed)
                parts.append(
                    forecast_of(TrainingRun(column.data, place, config, seed=seed))
                )
    return Forecast(
        tuple(line for part in parts for line in part.does),
        sum(part.seconds for part in parts),
        sum(part.size for part in parts),
        workdir,
    )
