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
