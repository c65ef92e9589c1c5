"""What a user is told of the data set of a setting, and what setting.json keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.create.setting_content import SettingContent
from ahernet_tf.data.create.setting_counts import CountedPart, explanations, table
from ahernet_tf.settings import TITLES


@dataclasses.dataclass(frozen=True)
class SettingReport:
    """What is said of a setting's data.

    Attributes:
        content: The data.
        rows: Counts of every subset as a whole, then of every role.
        notes: What a user should know.
    """

    content: SettingContent
    rows: list[CountedPart]
    notes: list[str]

    @classmethod
    def of(cls, content: SettingContent, missing: str) -> SettingReport:
        """Counts and explains; `missing` is the file that lists missing features."""
        rows = _rows(content)
        notes = [*explanations(rows, content.subsets), *_notes(content, missing)]
        return cls(content, rows, notes)

    def lines(self) -> list[str]:
        """Returns what is printed."""
        content, setting = self.content, self.content.setting
        lines = [f"{setting.title}, evaluated by the protocol {setting.protocol}"]
        for count, subset in content.subsets.items():
            others = ", ".join(path.name for path in subset.others)
            also = f" (also there, not used: {others})" if others else ""
            title = f"{TITLES[count.dataset]} {count.subset}"
            lines.append(f"{title}: {subset.path}{also}")
        lines += ["", *table(self.rows), "", *self.notes]
        reports = [line for s in content.subsets.values() for line in s.report.lines()]
        return lines + [r for r in dict.fromkeys(reports) if "on request" not in r]

    def description(self) -> dict[str, Any]:
        """Returns what setting.json holds."""
        setting = self.content.setting
        return {
            "setting": setting.name,
            "protocol": setting.protocol,
            "options": setting.assignments(),
            "annotations": {
                f"{count.dataset} {count.subset}": subset.path.name
                for count, subset in self.content.subsets.items()
            },
            "counts": [row.as_dict() for row in self.rows],
            "notes": self.notes,
        }


def _rows(content: SettingContent) -> list[CountedPart]:
    """Counts every subset as a whole, then every role."""
    rows = []
    for count, subset in content.subsets.items():
        videos, present = subset.videos.values(), content.present[count]
        rows.append(CountedPart.of(None, count, None, videos, present))
    for role, part in content.setting.roles().items():
        published = getattr(content.setting, f"{part.classes}_classes")
        names = set(content.listed[part.classes])
        videos, present = (
            _of_classes(v, names)
            for v in (
                content.subsets[part.count].videos.values(),
                content.present[part.count],
            )
        )
        rows.append(CountedPart.of(role, part.count, published, videos, present))
    return rows


def _of_classes(videos: Collection[Video], names: set[str]) -> list[Video]:
    """Returns the videos with an instance of some classes, and these instances."""
    kept = (tuple(i for i in v.instances if i.label in names) for v in videos)
    cut = [dataclasses.replace(v, instances=i) for v, i in zip(videos, kept)]
    return [video for video in cut if video.instances]


def _notes(content: SettingContent, missing: str) -> list[str]:
    """Says what else a user should know."""
    notes = []
    if content.origin is not None:
        notes.append(f"Classes: split by {content.origin}.")
    for kind in ("source", "target"):
        lost = sorted(set(content.listed[kind]) - set(content.classes[kind]))
        if lost:
            notes.append(
                f"{len(lost)} {kind} classes have no training video with features and "
                f"are left out ({', '.join(lost[:3])}{', ...' if lost[3:] else ''}): "
                "results are not comparable with the paper's."
            )
    for name, features in content.features.items():
        if features.assumed:
            notes.append(
                f"{TITLES[name]}: neither features.json nor --layout says how "
                f"clips were cut; the paper's are assumed, "
                f"{features.model.clip_frames} frames every "
                f"{features.model.stride_frames}."
            )
    ids = {
        role: {video.id for video in content.present[part.count]}
        for role, part in content.setting.roles().items()
    }
    shared = len(ids["untrimmed"] & ids["test"])
    if shared:
        notes.append(f"{shared} test videos are untrimmed training videos as well.")
    if content.missing:
        count = len(content.missing)
        notes.append(f"{count:,} videos lack features and are left out: {missing}.")
    return notes
