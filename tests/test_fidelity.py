import re

from ahernet_tf import config as configuration
from tests.conftest import REPOSITORY


def test_every_option_that_the_fidelity_table_names_exists():
    text = (REPOSITORY / "docs" / "FIDELITY.md").read_text()
    parts = configuration.to_dict(configuration.paper())
    named = re.findall(
        r"`(loss|synthesis|network|training|data|inference)\.(\w+)", text
    )
    assert len(named) > 30
    for part, option in named:
        assert option in parts[part], f"{part}.{option}"


def test_the_fidelity_table_is_numbered_without_gaps():
    text = (REPOSITORY / "docs" / "FIDELITY.md").read_text()
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_fidelity_table_says_what_both_presets_do():
    text = (REPOSITORY / "docs" / "FIDELITY.md").read_text()
    rows = [line.split("|")[1:-1] for line in re.findall(r"^\| \d+ \|.*$", text, re.M)]
    paper, release = configuration.paper(), configuration.release()
    for line in configuration.differences(paper, release):
        option = line.partition(":")[0]
        if option == "preset":
            continue
        (row,) = [row for row in rows if f"`{option}`" in row[1]]
        for preset, cell in ((paper, row[4]), (release, row[5])):
            value = preset.option(option)
            shown = f"{value:,}" if type(value) is int else str(value).lower()
            assert shown in cell, f"{option}: {preset.preset} {shown}"
