"""The site of the documentation: its navigation, and the pages that are made."""

import importlib.util
import re
import runpy
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

SITE = runpy.run_path(str(REPOSITORY / "docs" / "site_pages.py"))


def navigation() -> list[str]:
    text = (REPOSITORY / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    return re.findall(r"([\w]+\.md)$", text, re.M)


def test_every_page_is_in_the_navigation_once():
    written = {path.name for path in (REPOSITORY / "docs").glob("*.md")}
    made = {"index.md", "citing.md", "commands.md", "contributing.md", "changelog.md"}
    assert sorted(navigation()) == sorted(written | made)


def test_the_api_describes_every_room_of_the_code_map():
    text = (REPOSITORY / "README.md").read_text().partition("## Code map")[2]
    named = set(re.findall(r"^\| `ahernet_tf/(\w+)/", text, re.M))
    assert named - set(SITE["ROOMS"]) == {"acceleration"}
    assert "::: ahernet_tf.layers.backbone\n" in SITE["api_page"]("layers")
    assert "::: ahernet_tf.losses\n" in SITE["api_page"]("losses")


def test_links_of_the_readme_lead_to_pages_of_the_site():
    text = SITE["of_root"]((REPOSITORY / "README.md").read_text())
    for link in re.findall(r"\]\((?!http)([\w/]+\.md)", text):
        assert link in navigation(), link


def test_pictures_of_the_concepts_are_those_that_are_drawn():
    drawn = runpy.run_path(str(REPOSITORY / "docs" / "draw_concepts.py"))["PICTURES"]
    images = REPOSITORY / "docs" / "images"
    for name, content in drawn.items():
        assert (images / f"{name}.svg").read_text() == content
    page = (REPOSITORY / "docs" / "CONCEPTS.md").read_text()
    assert set(re.findall(r"images/(\w+)\.svg", page)) == set(drawn)


@pytest.mark.long
@pytest.mark.skipif(not importlib.util.find_spec("mkdocs"), reason="needs mkdocs")
def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    subprocess.run(
        [*command, f"--site-dir={tmp_path / 'site'}"], cwd=REPOSITORY, check=True
    )
    commands = (tmp_path / "site" / "commands" / "index.html").read_text()
    assert "--budget_minutes" in commands
