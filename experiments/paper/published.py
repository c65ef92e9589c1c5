"""The numbers of the paper's tables, in percent, as printed there.

Source: Long et al., Learning to Localize Actions from Moments, ECCV 2020: Tables 1-4.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

#: The systems of Table 2, weakest first; neighbours are compared with one another.
LADDER = ("AherNet0", "AherNet-", "AherNetM", "AherNetA-", "AherNet", "AherNet*")

_ACTIVATIONS = {
    "none": "none",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
}


def label(system: str) -> str:
    """Returns a system's name as the paper prints it."""
    name, _, transfer = system.partition("/")
    if not transfer:
        return name
    layers, activation = transfer.split("-")
    return f"{name}, {layers}-fc, {_ACTIVATIONS[activation]}"


#: What a column shows: key of a result, heading.
MAP = ("average_map", "mAP")
AUC = ("auc", "AUC")
MAP_AT = (
    ("map_at_0.50", "mAP@0.5"),
    ("map_at_0.75", "mAP@0.75"),
    ("map_at_0.95", "mAP@0.95"),
    ("average_map", "average mAP"),
)


@dataclasses.dataclass(frozen=True)
class OtherMethod:
    """A row of another method, as published; nothing here computes it.

    Attributes:
        group: Heading that the paper puts above it.
        name: The method, with the paper's reference number.
        values: One a metric, percent; None where the paper has a dash.
    """

    group: str
    name: str
    values: tuple[float | None, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        name: Such as `table2`.
        title: What it shows.
        systems: Its rows of ours, in the paper's order.
        metrics: Key and heading of its columns, the same for every setting.
        published: By setting and system, a value a metric, percent.
        others: Rows of other methods, above ours.
        compares: Whether neighbouring rows are tested against one another.
        decimals: Of its numbers.
    """

    name: str
    title: str
    systems: tuple[str, ...]
    metrics: tuple[tuple[str, str], ...]
    published: Mapping[str, Mapping[str, tuple[float, ...]]]
    others: tuple[OtherMethod, ...] = ()
    compares: bool = False
    decimals: int = 1

    def value(self, setting: str, system: str, metric: str) -> float | None:
        """Returns a published number, percent, or None."""
        values = self.published.get(setting, {}).get(system)
        keys = [key for key, _ in self.metrics]
        if values is None or metric not in keys:
            return None
        return values[keys.index(metric)]


# Source: paper section 4.3, Table 1.
TABLE_1 = Table(
    "table1",
    "Average mAP of different weight transfers",
    (
        "AherNet0",
        "AherNet-",
        "AherNet/1-none",
        "AherNet/1-relu",
        "AherNet/1-leaky_relu",
        "AherNet/1-elu",
        "AherNet/2-leaky_relu",
        "AherNet/2-elu",
        "AherNet/3-elu",
        "AherNet*",
    ),
    (MAP,),
    {
        "anet_un_to_anet_am": {
            "AherNet0": (10.2,),
            "AherNet-": (12.8,),
            "AherNet/1-none": (16.1,),
            "AherNet/1-relu": (16.4,),
            "AherNet/1-leaky_relu": (16.5,),
            "AherNet/1-elu": (16.7,),
            "AherNet/2-leaky_relu": (16.9,),
            "AherNet/2-elu": (17.2,),
            "AherNet/3-elu": (16.8,),
            "AherNet*": (22.6,),
        },
        "th14_to_anet_fg": {
            "AherNet0": (9.3,),
            "AherNet-": (10.4,),
            "AherNet/1-none": (23.2,),
            "AherNet/1-relu": (23.4,),
            "AherNet/1-leaky_relu": (23.5,),
            "AherNet/1-elu": (23.9,),
            "AherNet/2-leaky_relu": (24.2,),
            "AherNet/2-elu": (24.3,),
            "AherNet/3-elu": (24.1,),
            "AherNet*": (28.9,),
        },
    },
)

# Source: paper section 4.4, Table 2.
TABLE_2 = Table(
    "table2",
    "AUC of proposals and average mAP of localisation",
    LADDER,
    (AUC, MAP),
    {
        "anet_un_to_anet_am": {
            "AherNet0": (41.8, 10.2),
            "AherNet-": (52.6, 12.8),
            "AherNetM": (53.5, 13.2),
            "AherNetA-": (54.6, 14.7),
            "AherNet": (58.3, 17.2),
            "AherNet*": (61.1, 22.6),
        },
        "th14_to_anet_fg": {
            "AherNet0": (11.2, 9.3),
            "AherNet-": (16.4, 10.4),
            "AherNetM": (49.7, 17.3),
            "AherNetA-": (51.0, 19.1),
            "AherNet": (55.5, 24.3),
            "AherNet*": (63.4, 28.9),
        },
    },
    compares=True,
)

_FULL = "Fully-supervised localization"
_WEAK = "Weakly-supervised localization"

# Source: paper section 4.5, Table 3.
TABLE_3 = Table(
    "table3",
    "AherNet and other methods; in the paper on ActivityNet v1.3",
    ("AherNet",),
    MAP_AT,
    {"th14_to_anet_fg": {"AherNet": (40.33, 25.04, 3.92, 24.31)}},
    (
        OtherMethod(_FULL, "Wang et al. [53]", (45.11, 4.11, 0.05, 16.41)),
        OtherMethod(_FULL, "Singh et al. [47]", (26.01, 15.22, 2.61, 14.62)),
        OtherMethod(_FULL, "Singh et al. [48]", (22.71, 10.82, 0.33, 11.31)),
        OtherMethod(_FULL, "CDC [43]", (45.30, 26.00, 0.20, 23.80)),
        OtherMethod(_FULL, "TAG-D [54]", (39.12, 23.48, 5.49, 23.98)),
        OtherMethod(_FULL, "Lin et al. [28]", (48.99, 32.91, 7.87, 32.26)),
        OtherMethod(_FULL, "BSN [29]", (52.50, 33.53, 8.85, 33.72)),
        OtherMethod(_WEAK, "STPN [37]", (29.30, 16.90, 2.60, None)),
        OtherMethod(_WEAK, "Nguyen et al. [38]", (36.40, 19.20, 2.90, None)),
    ),
    decimals=2,
)

# Source: paper section 4.6, Table 4.
TABLE_4 = Table(
    "table4",
    "mAP at several thresholds; in the paper on Kinetics-600",
    LADDER[:-1],
    MAP_AT,
    {
        "anet_to_k600": {
            "AherNet0": (19.26, 16.72, 0.88, 14.18),
            "AherNet-": (21.76, 17.85, 1.71, 15.96),
            "AherNetM": (28.98, 20.71, 2.95, 19.05),
            "AherNetA-": (32.71, 23.04, 5.08, 21.68),
            "AherNet": (36.19, 26.96, 6.55, 24.43),
        }
    },
    decimals=2,
)
