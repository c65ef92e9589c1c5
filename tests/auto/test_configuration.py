"""The preset `auto`: rules applied, options by hand over all, files beside a run."""

import json

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.auto.configuration import RULES, configure, configure_for
from ahernet_tf.config import Config
from tests.auto.example import FAST_MACHINE, LONG, PLENTY, SHORT, changed
from tests.conftest import REPOSITORY
from tests.data import tiny


def test_every_choice_is_of_an_option_and_says_why():
    for facts in (SHORT, LONG, changed(gap_sec=(), background=0.0)):
        for rule in RULES:
            for choice in rule(facts, PLENTY, Config()):
                Config().option(choice.option)
                assert len(choice.reason) > 10
                assert choice.line().startswith(choice.option + " ")


@pytest.mark.parametrize("facts", [SHORT, LONG])
def test_configuration_is_what_the_rules_say(facts):
    found = configure(facts, PLENTY)
    assert found.config.preset == "auto"
    for option, value, _ in found.choices:
        assert found.config.option(option) == value
    options = [choice.option for choice in found.choices]
    assert len(set(options)) == len(options)


def test_what_no_rule_names_is_the_paper_s():
    found = configure(SHORT, PLENTY)
    differing = configuration.differences(configuration.paper(), found.config)
    named = {choice.option for choice in found.choices} | {"preset"}
    assert {line.partition(":")[0] for line in differing} <= named


def test_same_facts_give_the_same_configuration():
    assert configure(SHORT, PLENTY) == configure(SHORT, PLENTY)


def test_options_by_hand_go_over_all_and_rules_follow_them():
    found = configure(SHORT, PLENTY, ["synthesis.mode=tiled", "training.iterations=80"])
    assert found.config.synthesis.mode == "tiled"
    assert found.config.synthesis.context_length == "source"
    assert found.config.training.iterations == 80
    assert found.config.training.decay_every == 50
    lines = "\n".join(found.lines())
    assert "synthesis.mode tiled: given, transplanted by itself" in lines


def test_proposal_classifier_switched_off_by_hand_needs_nothing_else():
    found = configure(SHORT, PLENTY, ["network.proposal_classifier=false"]).config
    assert found.inference.proposal_score == "overlap"
    assert found.loss.overlap_anchors == "all"


def test_wrong_option_by_hand_is_refused():
    with pytest.raises(ValueError, match=r"Unknown option 'loss\.adv_musk'"):
        configure(SHORT, PLENTY, ["loss.adv_musk=joint"])


def test_what_was_chosen_is_written_beside_the_configuration(tmp_path):
    found = configure(SHORT, PLENTY)
    found.save(tmp_path)
    content = json.loads((tmp_path / "auto.json").read_text())
    assert content["budget"] == {"minutes": 60, "gflops": FAST_MACHINE}
    assert content["facts"]["channels"] == SHORT.channels
    assert content["choices"][0]["option"] == "network.untrimmed_steps"
    assert len(content["choices"]) == len(found.choices)


def test_data_set_is_looked_at_without_its_test_videos(tmp_path):
    def found(directory):
        return configure_for(tiny.TinyData().write(directory), 10)

    first = found(tmp_path / "a")
    assert first.budget.gflops > 0
    path = tiny.TinyData().write(tmp_path / "b")
    content = json.loads((path / "dataset.json").read_text())
    del content["test"], content["oracle"]
    (path / "dataset.json").write_text(json.dumps(content))
    assert configure_for(path, 10).facts == first.facts


def test_the_page_names_every_option_that_is_chosen():
    page = (REPOSITORY / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    table = page.partition("| option |")[2].partition("\n\n")[0]
    for facts in (SHORT, LONG):
        for choice in configure(facts, PLENTY).choices:
            assert f"`{choice.option}`" in table
