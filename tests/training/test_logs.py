"""Losses on disk: a line per iteration, none of iterations that come again."""

import json

from ahernet_tf.training.logs import LossLog, ProgressBar, forget_later_lines


def iterations(directory):
    lines = (directory / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["iteration"] for line in lines]


def test_a_line_per_iteration_with_its_phase_and_losses(tmp_path):
    with LossLog(tmp_path, 0) as log:
        log.write(0, "pretrain", {"untrimmed/total": 2.5})
        log.flush()
        assert iterations(tmp_path) == [0]
        log.write(1, "train", {"untrimmed/total": 1.5})
    line = (tmp_path / "losses.jsonl").read_text().splitlines()[1]
    record = {"iteration": 1, "phase": "train", "untrimmed/total": 1.5}
    assert json.loads(line) == record
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_run_that_continues_drops_what_it_will_do_again(tmp_path):
    with LossLog(tmp_path, 0) as log:
        for number in range(4):
            log.write(number, "train", {"a": 1.0})
    with (tmp_path / "losses.jsonl").open("a") as file:
        file.write('{"iteration": 4, "pha')  # killed while it wrote
    with LossLog(tmp_path, 2) as log:
        assert iterations(tmp_path) == [0, 1]
        log.write(2, "train", {"a": 1.0})
    assert iterations(tmp_path) == [0, 1, 2]


def test_a_log_that_nobody_wrote_is_not_made(tmp_path):
    forget_later_lines(tmp_path / "validation.jsonl", 0)
    assert not list(tmp_path.iterdir())


def test_the_bar_shows_the_chosen_losses_on_the_standard_error(capsys):
    with ProgressBar(5, 2, ["untrimmed/total", "absent/loss"], True) as bar:
        bar.announce("train", (2, 5))
        bar.show("train", {"untrimmed/total": 0.12345, "other/total": 7.0})
    shown = capsys.readouterr()
    assert not shown.out
    assert "train: compiling" in shown.err
    assert "3/5" in shown.err
    assert "untrimmed=0.123" in shown.err
    assert "other" not in shown.err
