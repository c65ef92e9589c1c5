"""Published numbers of videos and instances beside those that were found."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.public_annotations import AnnotatedSubset, labels_of
from ahernet_tf.settings import TITLES, Count

_COLUMNS = (
    ("part", ""),
    ("classes", "published"),
    ("", "found"),
    ("", "with features"),
    ("videos", "published"),
    ("", "found"),
    ("", "with features"),
    ("instances", "published"),
    ("", "found"),
    ("", "with features"),
)


@dataclasses.dataclass(frozen=True)
class CountedPart:
    """Numbers of one subset, or of the part of it that plays a role.

    Attributes:
        role: Name of the role; None for a whole subset.
        count: The subset.
        classes: Classes published, found, and with features; None: not published.
        videos: Videos found and with features.
        instances: Instances found and with features.
    """

    role: str | None
    count: Count
    classes: tuple[int | None, int, int]
    videos: tuple[int, int]
    instances: tuple[int, int]

    @classmethod
    def of(
        cls,
        role: str | None,
        count: Count,
        classes: int | None,
        found: Iterable[Video],
        present: Iterable[Video],
    ) -> CountedPart:
        """Counts videos.

        Args:
            role: Name of the role; None for a whole subset.
            count: The subset.
            classes: Number of classes that was published.
            found: All videos of the annotation file.
            present: Those with features.
        """
        sides = [list(found), list(present)]
        labels = [labels_of(side) for side in sides]
        return cls(
            role,
            count,
            (classes, len(labels[0]), len(labels[1])),
            (len(sides[0]), len(sides[1])),
            (labels[0].total(), labels[1].total()),
        )

    @property
    def title(self) -> str:
        """The role, or the subset as a whole."""
        clips = " clips" if self.count.trimmed else ""
        return self.role or f"{TITLES[self.count.dataset]} {self.count.subset}{clips}"

    def published_videos(self) -> str:
        """Returns the published number of videos: the paper's, the authors', both."""
        count, texts = self.count, []
        if self.role is not None:
            return "-"
        if count.paper_videos is not None:
            about = "about " if count.rounded_to > 1 else ""
            texts.append(f"{about}{count.paper_videos:,} (paper)")
        if count.videos is not None:
            texts.append(f"{count.videos:,}")
        return " or ".join(texts) or "-"

    def as_dict(self) -> dict[str, Any]:
        """Returns the numbers, ready for JSON."""
        whole = self.role is None
        count = self.count
        return {
            "part": self.title,
            "classes": dict(zip(("published", "found", "with_features"), self.classes)),
            "videos": {
                "paper": count.paper_videos if whole else None,
                "published": count.videos if whole else None,
                "found": self.videos[0],
                "with_features": self.videos[1],
            },
            "instances": {
                "published": count.instances if whole else None,
                "found": self.instances[0],
                "with_features": self.instances[1],
            },
        }


def table(rows: Collection[CountedPart]) -> list[str]:
    """Returns the lines of a table of all numbers."""
    cells = [[top for top, _ in _COLUMNS], [below for _, below in _COLUMNS]]
    for row in rows:
        instances = row.count.instances if row.role is None else None
        numbers = [
            *row.classes,
            row.published_videos(),
            *row.videos,
            instances,
            *row.instances,
        ]
        cells.append([row.title, *map(_text, numbers)])
    widths = [max(len(line[n]) for line in cells) for n in range(len(_COLUMNS))]
    return [
        "  ".join(
            text.rjust(width) if n else text.ljust(width)
            for n, (text, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in cells
    ]


def explanations(
    rows: Iterable[CountedPart], subsets: Mapping[Count, AnnotatedSubset]
) -> list[str]:
    """Says of every subset why its numbers are not those that were published."""
    lines = []
    for row in rows:
        if row.role is None:
            lines += _of_videos(row, subsets[row.count])
            lines += _of_instances(row, subsets[row.count])
        elif row.classes[0] != row.classes[1]:
            lines.append(
                f"{row.title}: {row.classes[1]} classes instead of {row.classes[0]}: "
                "the annotation file holds no others."
            )
    return lines


def _of_videos(row: CountedPart, subset: AnnotatedSubset) -> list[str]:
    """Explains a number of videos."""
    count, in_file = row.count, row.videos[0] + subset.unusable
    wanted = [n for n in (count.paper_videos, count.videos) if n is not None]
    slack = count.rounded_to / 2
    if all(abs(n - in_file) < slack for n in wanted):
        lines = []
        if in_file not in wanted:
            lines = [f"{row.title}: {in_file:,} videos; the paper rounds its number."]
    else:
        reason = dict(count.known).get(in_file)
        reason = reason or (
            "not explained: your file holds neither what was published nor what any "
            "public file is known to hold"
        )
        lines = [f"{row.title}: {in_file:,} videos in the file: {reason}."]
    if subset.unusable:
        lines.append(
            f"{row.title}: {subset.unusable} of them have only segments of zero length "
            "or outside the video, and are not used."
        )
    return lines


def _of_instances(row: CountedPart, subset: AnnotatedSubset) -> list[str]:
    """Explains a number of instances."""
    published, found = row.count.instances, row.instances[0]
    if published is None or published == found:
        return []
    in_file, lines = found + subset.dropped, []
    if subset.dropped:
        lines.append(
            f"{row.title}: {in_file:,} instances in the file, {subset.dropped} of zero "
            "length or outside their video are dropped."
        )
    if in_file != published and row.videos[0] + subset.unusable < (
        row.count.videos or 0
    ):
        lack = row.count.videos - row.videos[0] - subset.unusable
        lines.append(
            f"{row.title}: the other {published - in_file:,} published instances are "
            f"of the {lack:,} videos that the file lacks."
        )
    elif in_file != published:
        lines.append(
            f"{row.title}: {in_file - published:+,} instances against the published "
            "number: not explained, the file has as many videos as were published."
        )
    return lines


def _text(value: Any) -> str:
    """Returns a number with separators, or what stands for none."""
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else str(value)
