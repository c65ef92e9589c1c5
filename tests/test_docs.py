"""The pages say what is there: links, programs and their flags, names of functions."""

import ast
import functools
import importlib
import json
import re

import pytest

from ahernet_tf.command import PROGRAMS
from tests import programs
from tests.conftest import REPOSITORY

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
NAMES = {name: module for group in PROGRAMS.values() for name, module in group.items()}
MODULES = set(NAMES.values())
# Prints the help of many programs from one process.
HELPS = """
import contextlib, io, json, runpy, sys
from absl import flags
known, helps = set(flags.FLAGS), {}
for module in sys.argv[1:]:
    sys.argv = [module, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        with contextlib.suppress(SystemExit):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    helps[module] = text.getvalue()
    for name in set(flags.FLAGS) - known:
        delattr(flags.FLAGS, name)
print(json.dumps(helps))
"""


@functools.cache
def flags_by_module() -> dict[str, set[str]]:
    done = programs.python(HELPS, *sorted(MODULES), check=True)
    return {
        module: set(re.findall(r"^  --(?:\[no\])?(\w+)", text, re.M))
        for module, text in json.loads(done.stdout).items()
    }


def anchors(text: str) -> set[str]:
    """Returns the names that headings have in links."""
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    words = (re.sub(r"[^\w\- ]", "", title.lower()).strip() for title in titles)
    return {word.replace(" ", "-") for word in words}


def commands(text: str) -> list[tuple[str, str]]:
    """Lists the programs that a page starts, with the rest of each command."""
    text = re.sub(r"^```.*$", "", text.replace("\\\n", " "), flags=re.M)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]
    lines = [line.partition(" # ")[0] for line in [*text.splitlines(), *inline]]
    found = []
    for line in lines:
        if match := re.match(r"\s*(?:.*\$ )?python -m ([\w.]+)(.*)", line):
            found.append(match.groups())
        elif match := re.match(r"\s*ahernet ([\w-]+)(.*)", line):
            found.append((NAMES[match[1]], match[2]))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_programs_with_such_flags(page):
    for module, arguments in commands(page.read_text()):
        if module.partition(".")[0] not in ("experiments", "data_tools"):
            continue
        assert module in MODULES, module
        known = {*flags_by_module()[module], "help", "version"}
        known |= {f"no{flag}" for flag in known}
        given = set(re.findall(r" --(\w+)", arguments))
        assert given <= known, (module, given - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_imports_what_is_there(page):
    for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.S):
        imports = (
            n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom)
        )
        for node in imports:
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names), code


def test_equations_lead_to_functions_that_are_there():
    text = (REPOSITORY / "docs" / "EQUATIONS.md").read_text()
    seen = 0
    for path, names in re.findall(r"`(\w[\w/]*\.py)`: ((?:`[\w.]+`(?:, )?)+)", text):
        tree = ast.parse((REPOSITORY / "ahernet_tf" / path).read_text())
        defined = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
        defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name in re.findall(r"[\w.]+", names):
            assert name.rpartition(".")[2] in defined, (path, name)
            seen += 1
    assert seen > 25
