"""The three settings: their numbers, and what their options are founded on."""

import collections

import pytest

from ahernet_tf import config, evaluation, settings
from ahernet_tf.data.annotations.activitynet_classes import SOURCE_87, TARGET_113
from ahernet_tf.data.annotations.companion_files import read_video_facts
from ahernet_tf.data.annotations.forms import read_form
from ahernet_tf.data.annotations.read_options import ReadOptions
from ahernet_tf.data.annotations.table_forms import THUMOS14_CLASSES
from ahernet_tf.data.checks import DataReport
from tests.conftest import shared_path


@pytest.mark.parametrize(
    ("name", "source", "target", "protocol", "roles"),
    [
        ("anet_un_to_anet_am", SOURCE_87, TARGET_113, "anet_v1.3", 4),
        ("th14_to_anet_fg", THUMOS14_CLASSES, SOURCE_87 + TARGET_113, "anet_v1.3", 4),
        ("anet_to_k600", SOURCE_87 + TARGET_113, range(600), "k600", 3),
    ],
)
def test_classes_and_protocol(name, source, target, protocol, roles):
    setting = settings.setting(name)
    assert (setting.source_classes, setting.target_classes) == (
        len(source),
        len(target),
    )
    assert setting.protocol == protocol
    assert evaluation.PROTOCOLS[protocol].subset == setting.test.count.subset
    assert len(setting.roles()) == roles


def test_options_are_all_that_differs_from_the_paper_preset():
    paper = config.preset("paper")
    changed = {
        name: config.differences(paper, setting.configured(paper))
        for name, setting in settings.SETTINGS.items()
    }
    assert changed == {
        "anet_un_to_anet_am": [],
        "th14_to_anet_fg": ["data.minimum_foreground_clips: 32 != 8"],
        "anet_to_k600": ["training.decay_every: 5000 != 15000"],
    }
    for setting in settings.SETTINGS.values():
        names = [text.partition("=")[0] for text in setting.assignments()]
        assert len(set(names)) == len(names) == len(setting.options)


def test_options_go_before_those_of_any_preset():
    small = config.preset("small")
    configured = settings.setting("anet_to_k600").configured(small)
    assert configured.training.decay_every == 15_000
    assert configured.network == small.network


def test_subsets_are_listed_once():
    setting = settings.setting("anet_un_to_anet_am")
    assert [count.subset for count in setting.counts()] == ["training", "validation"]
    assert setting.oracle.count is setting.untrimmed.count


def test_unknown_setting_is_refused():
    with pytest.raises(ValueError, match=r"'anet_to_k600'\], received 'k600'"):
        settings.setting("k600")


def test_reasons_of_the_thumos14_options_hold():
    facts = read_video_facts(
        shared_path("data/annotations/thumos14_val_video_info.csv"), DataReport()
    )
    videos, _ = read_form(
        shared_path("data/annotations/thumos14_val_Annotation.csv"),
        DataReport(),
        ReadOptions(facts=facts, keep_repeats=True),
    )
    videos = videos.values()
    assert sum(len({i.label for i in v.instances}) > 1 for v in videos) == 27
    counts = [len(v.instances) for v in videos]
    assert (sum(counts), max(counts), sum(n > 25 for n in counts)) == (3003, 128, 36)
    long = collections.Counter()
    for video in videos:
        clips = (video.frames - 16) // 8 + 1
        covered = (clips * 8 + 8) / video.fps
        for instance in video.instances:
            first, end = (
                int(min(time / covered, 1) * clips)
                for time in (instance.start_sec, instance.end_sec)
            )
            long[instance.label, 32] += end - first >= 32
            long[instance.label, 8] += end - first >= 8
    assert sum(long[name, 32] for name in THUMOS14_CLASSES) == 219
    none = {name for name in THUMOS14_CLASSES if not long[name, 32]}
    assert none == {"BaseballPitch", "BasketballDunk", "SoccerPenalty"}
    assert min(long[name, 8] for name in THUMOS14_CLASSES) >= 20
