"""The frame of every program: flags, help, errors and exit codes, handled once.

A program is a module of `experiments` or `data_tools` with two functions. One defines
its flags, the other reads their values and does the work:

    def define_flags() -> None:
        flags.DEFINE_string("data", None, "Data set directory.", required=True)

    def main(values: flags.FlagValues) -> int | None:
        from ahernet_tf.data.dataset import Dataset
        ...

    if __name__ == "__main__":
        program.start(define_flags, main)

What takes long to import (TensorFlow, pandas) is imported where it is used, inside the
functions that `main` calls: help and mistyped flags are then answered at once. A
program writes results to the standard output and everything else to the standard error.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.util
import math
import os
import re
import sys
import textwrap
import types
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import flags

import ahernet_tf
from ahernet_tf import command, extras

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended
CONTINUES = "Stopped and saved. The same command continues."
_WIDTH = 88
_QUIET = "TQDM_DISABLE"  # also read by the bars, here and in processes that are started
_PACE, _SECONDS = "TQDM_MININTERVAL", 10.0  # between lines where nobody looks on
_NO_LOG = "3"
_HELP = ("--help", "-help", "-h", "--helpshort", "--helpfull")


def start(
    define_flags: Callable[[], None],
    main: Callable[..., int | None],
    arguments: Sequence[str] = (),
    needs: Sequence[str] = (),
) -> NoReturn:
    """Runs a program and ends the process.

    The exit status is what `main` returns; 1 where the command line is wrong, a package
    is missing or `main` raises an error that says what the user can mend; 130 after
    Ctrl-C. Any other error is a fault of the program and keeps its traceback.

    Args:
        define_flags: Defines the program's flags.
        main: Gets the values of the flags, and the arguments that are no flags.
        arguments: Names of the arguments that are no flags; each must be given.
        needs: Packages of extras that the program cannot work without.
    """
    quieten_tensorflow()
    known = set(flags.FLAGS)
    define_flags()
    flags.DEFINE_bool(
        "quiet", False, "Show no progress: results, warnings and errors only."
    )
    own = [name for name in flags.FLAGS if name not in known]
    given = sys.argv[1:]
    if any(argument in _HELP for argument in given):
        command.show(_help(own, arguments))
        sys.exit(0)
    if "--version" in given:
        print(f"ahernet_tf {ahernet_tf.__version__}")
        sys.exit(0)
    try:
        positional = flags.FLAGS([name(), *given])[1:]
        _check_arguments(positional, arguments)
        _hide_progress()
        _slow_bars()
        _check_numbers(own)
    except (flags.Error, ValueError) as error:
        _fail(f"{error}\n{name()} --help lists all flags.")
    try:
        for package in needs:
            extras.require(package)
        sys.exit(main(flags.FLAGS, *positional) or 0)
    except KeyboardInterrupt as interrupt:
        print(f"\n{interrupt or 'Stopped.'}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not isinstance(error, _expected_errors()):
            raise
        _fail(error)


def define_dry_run() -> None:
    """Defines the flag of programs that can tell what they would do."""
    flags.DEFINE_bool(
        "dry_run",
        False,
        "Say what would be done, about how long it would take and how much it would "
        "write, and do nothing.",
    )


def quieten_tensorflow() -> None:
    """Keeps TensorFlow from logging as it starts; must come before it is imported.

    Whoever sets another TF_CPP_MIN_LOG_LEVEL in the environment gets what it asks for.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _NO_LOG) == _NO_LOG:
        sys.meta_path.insert(0, _SilentImport("tensorflow"))


class _SilentImport(importlib.abc.MetaPathFinder):
    """Silences the standard error of the process while a package is imported.

    TensorFlow 2.21 logs as it is imported, whatever its log level is.
    """

    def __init__(self, package: str):
        self._package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Finds the package as others do, with a loader that is silent."""
        if name != self._package:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_silently(module: types.ModuleType) -> None:
            sys.stderr.flush()
            kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            try:
                execute(module)
            finally:
                os.dup2(kept, 2)
                os.close(kept)
                os.close(nowhere)

        spec.loader.exec_module = execute_silently  # type: ignore[method-assign]
        return spec


def note(text: str) -> None:
    """Tells on the standard error how the work goes; not with --quiet."""
    if os.environ.get(_QUIET) != "1":
        print(text, file=sys.stderr)


def warn(text: Any) -> None:
    """Tells on the standard error what the user has to know, with --quiet too."""
    print(f"warning: {text}", file=sys.stderr)


def name() -> str:
    """Returns the command that started this program."""
    spec = sys.modules["__main__"].__spec__
    return command.name_of(spec.name.removesuffix(".__main__")) if spec else sys.argv[0]


def _hide_progress() -> None:
    """Turns off bars and notes as --quiet and --noprogress say.

    With --quiet those of processes that this one starts are off, too.
    """
    if flags.FLAGS.quiet:
        os.environ[_QUIET] = "1"
        if "progress" in flags.FLAGS:
            flags.FLAGS["progress"].value = False
    if flags.FLAGS.quiet or ("progress" in flags.FLAGS and not flags.FLAGS.progress):
        bar = importlib.import_module("tqdm").tqdm  # may have been imported before
        initialise = bar.__init__

        def hidden(self, *arguments, **options):
            initialise(self, *arguments, **options | {"disable": True})

        bar.__init__ = hidden


def _slow_bars() -> None:
    """Lets bars write rarely where they fill a log, here and in started processes."""
    if sys.stderr.isatty() or _PACE in os.environ:
        return
    os.environ[_PACE] = str(_SECONDS)  # read as tqdm is imported
    if "tqdm" in sys.modules:
        bar = sys.modules["tqdm"].tqdm
        bar.__init__ = functools.partialmethod(bar.__init__, mininterval=_SECONDS)


def _expected_errors() -> tuple[type[BaseException], ...]:
    """Returns the errors whose message is all that the user needs."""
    tensorflow = sys.modules.get("tensorflow")
    too_large = (tensorflow.errors.ResourceExhaustedError,) if tensorflow else ()
    return (ValueError, OSError, *too_large)


def _fail(message: Any) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _check_arguments(given: Sequence[str], wanted: Sequence[str]) -> None:
    if len(given) > len(wanted):
        raise ValueError(f"Unexpected argument {given[len(wanted)]!r}.")
    if len(given) < len(wanted):
        raise ValueError(f"Expected the argument {wanted[len(given)]}.")


def _check_numbers(own: Sequence[str]) -> None:
    """Refuses NaN and infinity, which the bounds of a flag let through."""
    for flag in (flags.FLAGS[flag] for flag in own):
        value = flag.value
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(
                f"--{flag.name}: expected a finite number, received {value}."
            )


def _help(own: Sequence[str], arguments: Sequence[str]) -> str:
    """Describes a program: its docstring, its flags in the order of definition.

    The commands in it are those that start programs here.
    """
    usage = " ".join([name(), *arguments, "[flags]"])
    text = re.sub(
        r"python -m ((?:experiments|data_tools)\.[\w.]*\w)",
        lambda start: command.start_of(start[1]),
        sys.modules["__main__"].__doc__ or "",
    )
    described = [_describe(flags.FLAGS[flag]) for flag in own]
    return "\n".join([usage, "", text.strip(), "", "Flags:", *described])


def _describe(flag: flags.Flag) -> str:
    text = flag.help
    if flag.boolean:
        head = f"--[no]{flag.name}"
    elif choices := "|".join(getattr(flag.parser, "enum_values", ())):
        head = f"--{flag.name}={choices}"
        text = text.removeprefix(f"<{choices}>: ")
    else:
        head = f"--{flag.name}={flag.flag_type().upper()}"
    tail = ""
    if any("other than None" in validator.message for validator in flag.validators):
        tail = " (required)"
    elif flag.default not in (None, "", []):
        tail = f" (default: {flag.default_as_str})"
    lines = textwrap.wrap(text + tail, _WIDTH - 8)
    return "\n".join([f"  {head}", *(f"        {line}" for line in lines)])
