"""Pages of the site that are made of what is elsewhere: README, flags, docstrings.

MkDocs calls the functions `on_...` while it builds (`make docs`).
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import pathlib
import re
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING

from absl import flags

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = pathlib.Path(__file__).resolve().parents[1]
#: Packages whose modules are described, in the order of README's code map.
ROOMS = (
    "config",
    "evaluation",
    "anchors",
    "losses",
    "synthesis",
    "layers",
    "models",
    "data",
    "auto",
    "training",
    "inference",
    "p3d",
    "visualization",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages of the API where the navigation says `api/`."""
    reference = next(part for part in config.nav if "Reference" in part)["Reference"]
    reference.remove("api/")
    reference.append({"API": [{room: f"api/{room}.md"} for room in ROOMS]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made."""
    from mkdocs.structure.files import File

    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def pages() -> dict[str, str]:
    """Returns the text of each page that is made."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    citing = readme.partition("## Citation")[2].partition("Licence:")[0]
    made = {
        "index.md": of_root(readme),
        "citing.md": f"# How to cite\n{citing}",
        "commands.md": commands_page(),
    }
    for name in ("CONTRIBUTING", "CHANGELOG"):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        made[f"{name.lower()}.md"] = of_root(text)
    for room in ROOMS:
        made[f"api/{room}.md"] = api_page(room)
    return made


def of_root(text: str) -> str:
    """Turns the links of a page beside `docs/` into links of one inside it."""
    text = re.sub(r"\]\(docs/", "](", text)
    for name in ("CONTRIBUTING", "CHANGELOG"):
        text = text.replace(f"]({name}.md)", f"]({name.lower()}.md)")
    return text.replace("](README.md", "](index.md")


def api_page(room: str) -> str:
    """Lists the modules of a room for mkdocstrings; each has a docstring."""
    place = ROOT / "ahernet_tf" / room
    if not place.is_dir():
        return f"# {room}\n\n::: ahernet_tf.{room}\n"
    summary = ast.get_docstring(ast.parse((place / "__init__.py").read_text()))
    lines = [f"# {room}", "", summary or ""]
    for path in sorted(place.rglob("*.py")):
        if path.name != "__init__.py":
            parts = path.relative_to(ROOT).with_suffix("").parts
            lines += ["", f"::: {'.'.join(parts)}"]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Describes every program by its own help."""
    sys.path.insert(0, str(ROOT))
    from ahernet_tf.command import PROGRAMS

    modules = [module for group in PROGRAMS.values() for module in group.values()]
    done = subprocess.run(
        [sys.executable, __file__, *modules],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    helps = json.loads(done.stdout)
    lines = [
        "# Command line",
        "",
        "`ahernet PROGRAM` after `pip install`, `python -m MODULE` in a checkout.",
    ]
    for group, programs in PROGRAMS.items():
        lines += ["", f"## {group}"]
        for name, module in programs.items():
            text = helps[module].partition("\n")[2].strip()
            lines += ["", f"### {name}", "", f"`python -m {module}`", ""]
            lines += ["```text", text, "```"]
    return "\n".join(lines) + "\n"


def print_helps(modules: list[str]) -> None:
    """Prints the help of many programs from one process, as JSON."""
    sys.path.insert(0, str(ROOT))
    known, helps = set(flags.FLAGS), {}
    for module in modules:
        sys.argv = [module, "--help"]
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        helps[module] = text.getvalue()
        for name in set(flags.FLAGS) - known:
            delattr(flags.FLAGS, name)
    print(json.dumps(helps))


if __name__ == "__main__":
    print_helps(sys.argv[1:])
