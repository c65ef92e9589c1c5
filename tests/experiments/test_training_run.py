"""What a run says when it goes on, and what it remembers of its data."""

import types

import pytest

from ahernet_tf import config as configuration
from ahernet_tf.config import with_overrides
from ahernet_tf.data.dataset import Dataset
from ahernet_tf.models import checkpoint
from ahernet_tf.models.checkpoint import Description
from experiments import training_run
from tests.data.tiny import TinyData


@pytest.mark.parametrize("iterations", [1, 400])
def test_what_was_chosen_for_fewer_iterations_is_said_to_stay(
    iterations, tmp_path, capsys
):
    stored = with_overrides(configuration.small(), ["training.iterations=1"])
    checkpoint.save_description(tmp_path, Description(6, ("a",), ("b",)), stored)
    asked = with_overrides(stored, [f"training.iterations={iterations}"])
    run = training_run.TrainingRun(tmp_path, tmp_path, asked)
    training_run._say_continuation(run, types.SimpleNamespace(done=2, total=401))
    said = capsys.readouterr().err
    assert "Continues after iteration 2 of 401." in said
    assert ("All else stays as for 1 iterations, such as" in said) == (iterations > 1)


def test_a_rate_is_remembered_where_features_do_not_tell_it(tmp_path):
    def rate_of(name, data):
        directory = data.write(tmp_path / name)
        return training_run._untold_rate(
            Dataset.load(directory, configuration.small().data).role("untrimmed")
        )

    assert rate_of("one", TinyData()) == 10.0
    several = TinyData()
    several.untrimmed["b2"] |= {"fps": 20.0, "frames": 400}
    assert rate_of("several", several) is None
