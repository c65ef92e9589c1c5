"""What a data set of one's own is made of."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from ahernet_tf.data.annotations.class_folders import folders_of_classes
from ahernet_tf.spelling import is_subset


@dataclasses.dataclass(frozen=True)
class OwnInputs:
    """What the data set is made of.

    Attributes:
        segments: Annotations of the untrimmed videos, in any form of `forms.FORMS`.
        features: Features of these videos.
        moments: Directory with a folder a class.
        source: Another data set, whose untrimmed videos are taken.
        videos: Directories of the video files, for their durations and frame rates.
        video_info: Tables with a row a video, for the same.
        target_classes: Classes of the table to be learnt from moments.
        ignored_classes: Classes of the table that play no role.
        layout: Fields of a `features` entry of dataset.json, such as `preset`,
            `template`, `clip_frames`, `stride_frames`, `fps`.
        reading: Fields of `ReadOptions` that tell how `segments` is read.
        transposed_moments: Features of moments are [channels, clips] or not; None: as
            the layout says.
    """

    segments: pathlib.Path | None = None
    features: pathlib.Path | None = None
    moments: pathlib.Path | None = None
    source: pathlib.Path | None = None
    videos: tuple[pathlib.Path, ...] = ()
    video_info: tuple[pathlib.Path, ...] = ()
    target_classes: tuple[str, ...] = ()
    ignored_classes: tuple[str, ...] = ()
    layout: dict[str, Any] = dataclasses.field(default_factory=dict)
    reading: dict[str, Any] = dataclasses.field(default_factory=dict)
    transposed_moments: bool | None = None

    def check(self) -> None:
        """Refuses inputs that do not make a data set.

        Raises:
            ValueError: Says what to give.
        """
        if (self.segments is None) != (self.features is None):
            raise ValueError("--segments and --features go together")
        if self.segments is None and self.target_classes:
            raise ValueError(
                "--target_classes are classes of --segments, give those, too"
            )
        if self.segments is None and self.source is None:
            raise ValueError(
                "a data set needs untrimmed videos with annotations: give --segments "
                "and --features, or another data set as --source"
            )
        if self.moments is None and not self.target_classes:
            raise ValueError(
                "a data set needs classes to learn from moments: give --moments, a "
                "folder a class, or --target_classes"
            )
        if self.moments is not None and self.target_classes:
            raise ValueError("--moments and --target_classes exclude one another")
        paths = (self.segments, self.features, self.moments, self.source)
        for path in (*paths, *self.videos, *self.video_info):
            if path is not None and not path.exists():
                raise ValueError(f"{path}: does not exist")
        if self.moments is not None and not self.moments.is_dir():
            raise ValueError(
                f"{self.moments}: expected a directory with a folder a class"
            )
        if self.moments is not None and not self.class_folders():
            raise ValueError(
                f"{self.moments}: holds no folder of a class; features of clips lie in "
                "a folder per class (extract_features --keep_folders writes them so)"
            )

        names = [folder.name for folder in self.class_folders()]
        if names and all(map(is_subset, names)):
            raise ValueError(
                f"{self.moments}: expected a folder a class, found {', '.join(names)}; "
                f"give one of them, such as {self.moments / names[0]}"
            )

    def class_folders(self) -> list[pathlib.Path]:
        """Returns the folders of the classes, or none."""
        if self.moments is None:
            return []
        return folders_of_classes(self.moments)
