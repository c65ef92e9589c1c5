"""Presets: what each is, and what is refused."""

import pytest

from ahernet_tf import config
from ahernet_tf.config import Config


@pytest.mark.parametrize("name", sorted(config.PRESETS))
def test_preset_survives_json(name, tmp_path):
    preset = config.preset(name)
    assert preset.preset == name
    config.save(preset, tmp_path / "config.json")
    assert config.load(tmp_path / "config.json") == preset
    assert list(tmp_path.iterdir()) == [tmp_path / "config.json"]


def test_unknown_preset_is_refused():
    with pytest.raises(
        ValueError, match=r"'small'\] or a config.json, received 'large'"
    ):
        config.preset("large")
    with pytest.raises(ValueError, match=r"\['auto', .* Did you mean 'small'\?"):
        config.preset("Small")
    with pytest.raises(ValueError, match="configure_for"):
        config.preset("auto")


def test_paper_preset_is_what_the_paper_states():
    paper = config.preset("paper")
    assert paper.network.level_channels == (256, 256, 512, 512, 1024, 1024, 2048, 2048)
    assert (paper.network.untrimmed_steps, paper.network.moment_steps) == (512, 256)
    assert (paper.loss.foreground_tiou, paper.loss.background_tiou) == (0.8, 0.3)
    assert (paper.training.batch_size, paper.inference.nms_tiou) == (16, 0.9)
    assert paper.training.adversarial_beta_1 == 0.5
    assert paper == Config()


def test_release_preset_differs_from_the_paper_in_what_the_release_does():
    assert config.differences(config.paper(), config.release()) == [
        "data.legacy_clip_centres: False != True",
        "data.max_segments: None != 25",
        "inference.legacy_decode_duration: False != True",
        "inference.ranking: anchor != video",
        "loss.adv_mask: separate != joint",
        "loss.anchor_cls: foreground != all_cells",
        "loss.offset_loss: decoded != encoded",
        "loss.overlap_anchors: all != matched",
        "loss.segment_cls_norm: mean != mean_by_batch",
        "network.proposal_classifier: False != True",
        "preset: paper != release",
        "synthesis.legacy_synthetic_gt: False != True",
        "training.decay_every: 5000 != 15000",
        "training.decay_unit: iterations != samples",
        "training.generator_updates: 1 != 2",
    ]


def test_cells_bear_the_label_of_their_match_everywhere_but_in_release():
    for name in config.PRESETS:
        expected = "all_cells" if name == "release" else "foreground"
        assert config.preset(name).loss.anchor_cls == expected
