"""The data sets that fill the columns of a table, and their runs."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from ahernet_tf import config as configuration
from ahernet_tf import program, settings

from .runs import Run, directory_name, trained_as


@dataclasses.dataclass(frozen=True)
class Plan:
    """How the runs of all columns are made.

    Attributes:
        preset: Configuration to start from; None: `paper` for the paper's settings,
            `auto` for any other data set.
        assignments: Options, `part.option=value`.
        seeds: Seeds of each system.
        more: Further arguments of `experiments.train`.
        budget_minutes: What a run may take, for the preset `auto`.
    """

    preset: str | None = None
    assignments: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    more: tuple[str, ...] = ()
    budget_minutes: float = configuration.BUDGET_MINUTES


@dataclasses.dataclass(frozen=True)
class Column:
    """A data set that all systems are trained on, in a directory of its own.

    Attributes:
        name: One of the paper's settings, or any other.
        data: Data set directory.
        workdir: Holds a directory a system, which holds a work directory a seed.
        plan: How the runs are made.
    """

    name: str
    data: pathlib.Path
    workdir: pathlib.Path
    plan: Plan

    @property
    def title(self) -> str:
        """What the table calls it."""
        return title(self.name)

    @property
    def preset(self) -> str:
        """Name of the configuration that its runs start from."""
        of_paper = self.name in settings.SETTINGS
        default = settings.PRESETS[0] if of_paper else configuration.AUTO
        return self.plan.preset or default

    def start(self) -> str:
        """Returns what its runs start from: a preset, or the file of what `auto` chose.

        All systems and seeds start from one choice, made by the first call.

        Raises:
            ValueError: `auto` cannot read the data set.
        """
        if self.preset != configuration.AUTO:
            return self.preset
        path = self.workdir / configuration.AUTO / "config.json"
        if not path.exists():
            from ahernet_tf.auto.configuration import configure_for

            automatic = configure_for(
                self.data, self.plan.budget_minutes, self.assignments
            )
            program.note("\n".join(automatic.lines()))
            path.parent.mkdir(parents=True, exist_ok=True)
            automatic.save(path.parent)
            configuration.save(automatic.config, path)
        return str(path)

    @property
    def assignments(self) -> tuple[str, ...]:
        """The options; with `paper` or `release` those of the paper's setting first."""
        of_setting: list[str] = []
        if self.preset in settings.PRESETS and self.name in settings.SETTINGS:
            of_setting = settings.setting(self.name).assignments()
        return (*of_setting, *self.plan.assignments)

    def runs(self, system: str, suffix: str = "", *more: str) -> list[Run]:
        """Returns the runs of a system, one a seed.

        Args:
            system: Its name.
            suffix: Of the directory's name, where options set it apart.
            *more: These options, `part.option=value`.

        Raises:
            ValueError: The preset, an option or the system is unknown.
        """
        assignments, start = (*self.assignments, *more), self.start()
        base = configuration.with_overrides(
            configuration.preset(start), list(assignments)
        )
        system = trained_as(system, base)
        directory = self.workdir / f"{directory_name(system)}{suffix}"
        return [
            Run(
                system=system,
                seed=seed,
                data=self.data,
                workdir=directory / str(seed),
                preset=start,
                assignments=assignments,
                more=self.plan.more,
            )
            for seed in self.plan.seeds
        ]


def title(name: str) -> str:
    """Returns what a setting is called in print."""
    return settings.setting(name).title if name in settings.SETTINGS else name


def columns(
    data: Sequence[str], workdir: pathlib.Path, plan: Plan
) -> tuple[Column, ...]:
    """Reads the `--data` flags.

    Args:
        data: `DIR`, whose name is that in its dataset.json and whose systems lie in
            the work directory itself; or one or several `NAME=DIR`, whose systems lie
            in a directory NAME of it.
        workdir: Of the table.
        plan: How the runs are made.

    Raises:
        ValueError: There is no such directory, a name is missing or there twice, or
            the preset or an option is unknown.
    """
    found = []
    for text in data:
        name, equals, path = text.partition("=")
        if not equals or pathlib.Path(text).exists():
            if len(data) > 1:
                raise ValueError(
                    f"--data={text}: several data sets are named: --data NAME=DIR."
                )
            directory = _directory(text)
            found.append(Column(_name(directory), directory, workdir, plan))
        else:
            found.append(Column(name, _directory(path), workdir / name, plan))
    names = [column.name for column in found]
    if len(set(names)) < len(names):
        raise ValueError(f"--data: a name is there twice: {names}.")
    return tuple(found)


def _directory(text: str) -> pathlib.Path:
    path = pathlib.Path(text)
    if not path.is_dir():
        raise ValueError(f"--data={text}: no such directory.")
    return path


def _name(directory: pathlib.Path) -> str:
    """Returns what a data set calls itself, else what its directory is called."""
    description = directory / "dataset.json"
    if not description.exists():
        return directory.resolve().name
    try:
        name = json.loads(description.read_text()).get("name")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{description}: not a data set: {error}") from error
    return str(name or directory.resolve().name)
