"""The command `ahernet`: lists the programs and starts one of them.

    ahernet
    ahernet train --help

It knows the programs by name only and imports none that is not asked for. The name of
a program's module, such as `export_localizer`, starts it too.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import pathlib
import runpy
import sys

import ahernet_tf

#: Group of programs -> name of each after `ahernet` -> its module.
PROGRAMS = {
    "Localise actions": {
        "quickstart": "experiments.quickstart",
        "train": "experiments.train",
        "refine": "experiments.refine",
        "add-classes": "experiments.add_classes",
        "predict": "experiments.predict",
        "localize-video": "experiments.localize_video",
        "evaluate": "experiments.evaluate",
        "report": "experiments.report",
        "draw-results": "experiments.draw_results",
        "compare": "experiments.compare",
        "export": "experiments.export_localizer",
    },
    "Make a data set": {
        "make-dataset": "data_tools.make_dataset",
        "inspect": "data_tools.inspect",
        "convert-annotations": "data_tools.convert_annotations",
        "make-split": "data_tools.make_split",
        "make-development": "data_tools.make_development",
        "make-synthetic": "data_tools.make_synthetic",
        "prepare-setting": "data_tools.prepare_setting",
        "pack": "data_tools.pack",
        "beam-pack": "data_tools.beam_pack",
    },
    "Features of videos": {
        "extract-features": "data_tools.extract_features",
        "beam-extract": "data_tools.beam_extract",
        "train-p3d": "experiments.train_p3d",
        "convert-p3d": "data_tools.convert_p3d",
    },
    "The paper, and the 2020 release": {
        **{f"table{n}": f"experiments.table{n}" for n in (1, 2, 3, 4)},
        **{f"figure{n}": f"experiments.figure{n}" for n in (4, 5, 6, 7)},
        "new-classes-study": "experiments.new_classes_study",
        "import-release": "data_tools.import_release",
        "parity": "experiments.parity",
    },
    "Measure speed and memory": {
        f"benchmark-{name.replace('_', '-')}": f"experiments.benchmarks.{name}"
        for name in (
            "train_step",
            "inference",
            "waiting",
            "pipeline",
            "memory",
            "evaluation",
            "nms",
            "p3d",
            "p3d_memory",
            "gpu",
            "setting_costs",
        )
    },
}


def main() -> int:
    """Runs the command; returns its exit status where no program was started."""
    given = sys.argv[1:]
    if not given or given[0] in ("-h", "--help", "help"):
        show(listing())
        return 0
    if given[0] == "--version":
        print(f"ahernet_tf {ahernet_tf.__version__}")
        return 0
    programs = {name: m for group in PROGRAMS.values() for name, m in group.items()}
    asked = given[0].replace("_", "-")
    for name, module in programs.items():
        own = module.replace("_", "-")
        if asked in (name, own, own.partition(".")[2]):
            break
    else:
        close = difflib.get_close_matches(asked, programs)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        print(
            f"error: there is no program {given[0]!r}.{hint} `ahernet` lists all.",
            file=sys.stderr,
        )
        return 1
    sys.argv = [f"ahernet {name}", *given[1:]]
    runpy.run_module(installed(module), run_name="__main__", alter_sys=True)
    return 0


def show(text: str) -> None:
    """Prints a text; whoever reads it may stop early, as `head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # and what is left is not to be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def installed(module: str) -> str:
    """Returns the name of a program's module: inside this package, or beside it.

    `pip install` puts the programs inside; in a checkout they lie beside. Those of
    another checkout, which may be the one that is installed, do not count.
    """
    inside = f"{ahernet_tf.__name__}.{module}"
    folder = module.partition(".")[0]
    spec = importlib.util.find_spec(f"{ahernet_tf.__name__}.{folder}")
    package = pathlib.Path(ahernet_tf.__file__).parent
    if spec is None or spec.origin is None:
        return module
    place = pathlib.Path(spec.origin).parents[1]
    return inside if place in (package, package.parent) else module


def start_of(module: str) -> str:
    """Returns how a user starts a program here, such as `ahernet train`."""
    return name_of(installed(module))


def name_of(module: str) -> str:
    """Returns how a user starts a program's module, which `installed` returned."""
    inside = module.removeprefix(f"{ahernet_tf.__name__}.")
    if inside == module:
        return f"python -m {module}"
    names = (n for group in PROGRAMS.values() for n, m in group.items() if m == inside)
    return f"ahernet {next(names, inside)}"


def listing() -> str:
    """Lists all programs in groups, a line for each."""
    lines = ["ahernet PROGRAM [flags]", "", "`ahernet PROGRAM --help` says more."]
    for group, programs in PROGRAMS.items():
        lines += ["", group]
        lines += [
            f"  {name:22} {_summary(module)}" for name, module in programs.items()
        ]
    return "\n".join(lines)


def _summary(module: str) -> str:
    """Returns the first line of a program's docstring, without importing it."""
    spec = importlib.util.find_spec(installed(module))
    if spec is None or spec.origin is None:
        raise ImportError(f"There is no program {module}.")
    path = pathlib.Path(spec.origin)
    if path.name == "__init__.py":
        path = path.with_name("__main__.py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
