"""The paper's three transfer settings with all their numbers.

Each says which part of which data set plays which role, how many classes, videos and
instances were published for it, how it is evaluated, and which options of `config`
differ from the preset it starts from, `paper` or `release`. What is not among its
options is the same in all settings and stands in `config` alone: the batch size, the
learning rates and their decay (`TrainingConfig`), and the length of synthetic moments,
14 to 19 twentieths of a sequence (`SynthesisConfig`), which the 2020 release uses for
Kinetics-600 and the paper does not give.

`data_tools.prepare_setting` makes the data set of a setting.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from ahernet_tf import config as configuration
from ahernet_tf.config import Config

ACTIVITYNET = "activitynet"
THUMOS14 = "thumos14"
KINETICS600 = "kinetics600"
#: The presets that a setting may start from; the first is the default.
PRESETS = ("paper", "release")
TITLES = {
    ACTIVITYNET: "ActivityNet v1.3",
    THUMOS14: "THUMOS14",
    KINETICS600: "Kinetics-600",
}


@dataclasses.dataclass(frozen=True)
class Count:
    """How many videos and instances of a subset were published.

    Attributes:
        dataset: Key of `TITLES`.
        subset: As annotation files name it.
        trimmed: True for a list of clips that each are one action moment.
        paper_videos: What the paper counts.
        videos: What the data set's authors count.
        instances: What the data set's authors count.
        rounded_to: What the paper rounds its number to.
        known: Numbers of videos that public files are known to hold, and why.
    """

    dataset: str
    subset: str
    trimmed: bool = False
    paper_videos: int | None = None
    videos: int | None = None
    instances: int | None = None
    rounded_to: int = 1
    known: tuple[tuple[int, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Part:
    """Which videos play a role: those of a subset with some classes.

    Attributes:
        count: The subset.
        classes: Whose classes: those with temporal annotations, or with moments only.
    """

    count: Count
    classes: Literal["source", "target"]


@dataclasses.dataclass(frozen=True)
class Option:
    """An option that a setting changes, and why.

    Attributes:
        assignment: `part.option=value`, as `config.with_overrides` takes it.
        origin: "paper" where the paper says so; "ours" where the data needs it and
            the paper is silent.
        reason: In words.
    """

    assignment: str
    origin: Literal["paper", "ours"]
    reason: str


@dataclasses.dataclass(frozen=True)
class Setting:
    """One of the paper's transfer settings.

    Attributes:
        name: Its name on the command line.
        title: As the paper writes it.
        source_classes: Number of classes with temporal annotations.
        target_classes: Number of classes with moments only.
        untrimmed: Annotated videos of the source classes.
        moments: Where the moments of the target classes are from: trimmed clips, or
            segments cut out of annotated videos.
        test: Untrimmed videos that are localised in.
        oracle: Annotated training videos of the target classes, for AherNet* only.
        protocol: Name of the evaluation protocol, see `evaluation.PROTOCOLS`.
        options: What differs from the preset `paper` or `release`.
    """

    name: str
    title: str
    source_classes: int
    target_classes: int
    untrimmed: Part
    moments: Part
    test: Part
    protocol: str
    oracle: Part | None = None
    options: tuple[Option, ...] = ()

    def roles(self) -> dict[str, Part]:
        """Returns the parts by the names of their roles in dataset.json."""
        names = ("untrimmed", "moments", "test", "oracle")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}

    def counts(self) -> tuple[Count, ...]:
        """Returns the subsets that the setting uses, each once."""
        return tuple(dict.fromkeys(part.count for part in self.roles().values()))

    def assignments(self) -> list[str]:
        """Returns the options as `config.with_overrides` and `--set` take them."""
        return [option.assignment for option in self.options]

    def configured(self, config: Config) -> Config:
        """Returns a configuration with the setting's options."""
        return configuration.with_overrides(config, self.assignments())


# Source: paper section 4.1 counts 19,994 videos in 200 classes, parted 2:1:1; the data
# set's authors publish 10,024 + 4,926 + 5,044 videos, with 15,410 instances in training
# and 7,654 in validation.
_ONLINE = (
    "the lists that BSN published, and most features follow, hold the videos that "
    "were still online"
)
ACTIVITYNET_TRAINING = Count(
    ACTIVITYNET,
    "training",
    videos=10_024,
    instances=15_410,
    known=((9_649, _ONLINE),),
)
ACTIVITYNET_VALIDATION = Count(
    ACTIVITYNET,
    "validation",
    videos=4_926,
    instances=7_654,
    known=((4_728, _ONLINE),),
)

# Source: paper sections 4.1 and 4.2 (220 videos). The data set's public annotations
# are of 200 validation videos with 3,007 instances of the 20 classes.
THUMOS14_VALIDATION = Count(
    THUMOS14,
    "validation",
    paper_videos=220,
    videos=200,
    instances=3_007,
    known=(
        (
            200,
            "all that the data set's files annotate; which 20 others the paper counts "
            "cannot be told from public files",
        ),
    ),
)

# Source: paper section 4.1 ("390K").
KINETICS600_TRAINING = Count(
    KINETICS600, "training", trimmed=True, paper_videos=390_000, rounded_to=10_000
)

# Source: paper section 4.2 (6,459 videos, at least 10 of each class). The annotations
# are those of the 2020 release.
KINETICS600_VALIDATION = Count(
    KINETICS600,
    "validation",
    paper_videos=6_459,
    known=(
        (
            6_461,
            "all that the 2020 release's file annotates; which two the paper does not "
            "count cannot be told from it",
        ),
    ),
)


def anet_un_to_anet_am() -> Setting:
    """ANet-UN to ANet-AM: across the classes of ActivityNet v1.3.

    Source: paper section 4.2, first setting: 87 classes with annotations, the
    foreground segments of the other 113 as moments, validation videos of the 113.
    Nothing differs from the preset `paper`.
    """
    return Setting(
        name="anet_un_to_anet_am",
        title="ANet-UN -> ANet-AM",
        source_classes=87,
        target_classes=113,
        untrimmed=Part(ACTIVITYNET_TRAINING, "source"),
        moments=Part(ACTIVITYNET_TRAINING, "target"),
        test=Part(ACTIVITYNET_VALIDATION, "target"),
        oracle=Part(ACTIVITYNET_TRAINING, "target"),
        protocol="anet_v1.3",
    )


def th14_to_anet_fg() -> Setting:
    """TH14 to ANet-FG: from THUMOS14 to all of ActivityNet v1.3.

    Source: paper section 4.2, second setting: the annotated validation videos of
    THUMOS14, the foreground segments of all ActivityNet training videos as moments,
    all ActivityNet validation videos. 27 of the 200 videos hold several classes and 36
    more than 25 instances, one 128: the preset `paper` uses them all, `release` takes
    the first class and 25 instances.
    """
    return Setting(
        name="th14_to_anet_fg",
        title="TH14 -> ANet-FG",
        source_classes=20,
        target_classes=200,
        untrimmed=Part(THUMOS14_VALIDATION, "source"),
        moments=Part(ACTIVITYNET_TRAINING, "target"),
        test=Part(ACTIVITYNET_VALIDATION, "target"),
        oracle=Part(ACTIVITYNET_TRAINING, "target"),
        protocol="anet_v1.3",
        options=(
            Option(
                "data.minimum_foreground_clips=8",
                "ours",
                "of 3,003 instances 219 last the release's 32 clips, and none of "
                "BaseballPitch, BasketballDunk and SoccerPenalty; 8 is its minimum for "
                "moments",
            ),
        ),
    )


def anet_to_k600() -> Setting:
    """ANet to K600: from ActivityNet v1.3 to Kinetics-600.

    Source: paper section 4.2, third setting: ActivityNet with its 200 classes, the
    training clips of Kinetics-600 as moments, 6,459 untrimmed validation videos that
    the authors annotated. There is no oracle: the training clips have no untrimmed,
    annotated originals. The paper does not say which subsets of ActivityNet it uses;
    training is taken, as in the first setting.
    """
    return Setting(
        name="anet_to_k600",
        title="ANet -> K600",
        source_classes=200,
        target_classes=600,
        untrimmed=Part(ACTIVITYNET_TRAINING, "source"),
        moments=Part(KINETICS600_TRAINING, "target"),
        test=Part(KINETICS600_VALIDATION, "target"),
        protocol="k600",
        options=(
            Option(
                "training.decay_every=15000",
                "paper",
                "the learning rate falls every 15,000 iterations instead of 5,000",
            ),
        ),
    )


SETTINGS = {
    setting.name: setting
    for setting in (anet_un_to_anet_am(), th14_to_anet_fg(), anet_to_k600())
}


def setting(name: str) -> Setting:
    """Returns the named setting.

    Raises:
        ValueError: No setting has this name.
    """
    if name not in SETTINGS:
        raise ValueError(f"Expected a setting of {list(SETTINGS)}, received '{name}'.")
    return SETTINGS[name]
