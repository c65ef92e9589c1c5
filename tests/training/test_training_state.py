"""The state of a run: the newest checkpoint, and the best."""

import json

from ahernet_tf.models import checkpoint_files
from tests.training.test_trainer import tiny, trainer


def test_best_state_outlives_an_interruption(data, tmp_path, caplog):
    config = tiny("single", system="AherNet*")
    first = trainer(data, tmp_path, config).state
    scores = tmp_path / "best" / "score.json"

    def best():
        path = checkpoint_files.latest_checkpoint(tmp_path / "best")
        return json.loads(scores.read_text())["score"], path[-1]

    first.save_if_best(1, 0.5)
    first.save_if_best(2, 0.4)
    first.save_if_best(3, 0.6)
    first.save(3)
    continued = trainer(data, tmp_path, config).state
    continued.save_if_best(4, 0.55)
    assert best() == (0.6, "3")
    # A damaged one is no longer the best.
    for damage in (scores, tmp_path / "best" / "checkpoints" / "ckpt-4.index"):
        damage.write_text("{")
        continued.save_if_best(4, 0.5)
        assert best() == (0.5, "4")
        assert f"{damage.name}" in caplog.text
    # Iterations that were lost come again.
    continued.save_if_best(2, 0.4)
    assert best() == (0.4, "2")
    for path in (tmp_path / checkpoint_files.CHECKPOINTS).iterdir():
        path.unlink()
    trainer(data, tmp_path, config)  # begins anew
    assert not scores.exists()
