"""One part of a data set: its videos, and what is known of their features."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ahernet_tf.data.annotations.videos import Video
from ahernet_tf.data.clip_spans import ClipSpan
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.sequences import SequenceSource


@dataclasses.dataclass(frozen=True, eq=False)
class Role:
    """Videos that serve one purpose: `untrimmed`, `moments`, `test` or `oracle`.

    Attributes:
        name: Which purpose.
        videos: Annotated videos, with instances of `classes` only, these in the order
            of time.
        classes: Class names in the order of dataset.json.
        time_model: When clips happen.
        features: What is known of the features of each video: columns `clips`, their
            number, `fps`, the frame rate (NaN where the time model needs none), and
            `covered_sec`, the duration that they cover. A row per video, in the order
            of `videos`; the index is their ids.
        sequences: Reads and resamples the features.
        trimmed: True where every video is one action moment as a whole.
    """

    name: str
    videos: tuple[Video, ...] = dataclasses.field(repr=False)
    classes: tuple[str, ...]
    time_model: TimeModel
    features: pd.DataFrame = dataclasses.field(repr=False)
    sequences: SequenceSource = dataclasses.field(repr=False)
    trimmed: bool = False

    def with_videos(self, videos: Iterable[Video]) -> Role:
        """Returns the role with some of its videos, which may have fewer instances."""
        videos = tuple(videos)
        features = self.features.loc[[video.id for video in videos]]
        return dataclasses.replace(self, videos=videos, features=features)

    def select(self, rows: Iterable[int]) -> Role:
        """Returns the role with the videos of some rows."""
        return self.with_videos(self.videos[row] for row in rows)

    def instances(self) -> pd.DataFrame:
        """Lists all instances: columns `video`, `start_sec`, `end_sec`, `label`."""
        rows = [
            (video.id, instance.start_sec, instance.end_sec, instance.label)
            for video in self.videos
            for instance in video.instances
        ]
        return pd.DataFrame(rows, columns=["video", "start_sec", "end_sec", "label"])

    def most_instances(self) -> int:
        """Returns how many instances the fullest video has, at least 1."""
        return max([1, *(len(video.instances) for video in self.videos)])

    def covered_sec(self, video: Video) -> float:
        """Returns the duration that the features of a video cover, in seconds.

        The steps of its sequence divide this duration.
        """
        return float(self.features.at[video.id, "covered_sec"])

    def fps(self, video: Video) -> float | None:
        """Returns the frame rate of a video, or None where none is needed."""
        return _known(self.features.at[video.id, "fps"])

    def whole_span(self, video: Video) -> ClipSpan:
        """Returns the span of all clips of a video."""
        clips = int(self.features.at[video.id, "clips"])
        return self._whole(video, clips, self.fps(video))

    def whole_spans(self) -> list[ClipSpan]:
        """Returns the span of each video."""
        return [
            self._whole(video, facts.clips, _known(facts.fps))
            for video, facts in zip(self.videos, self.features.itertuples())
        ]

    def instance_spans(self, minimum_clips: int = 0) -> list[ClipSpan]:
        """Returns the span of every instance that has at least `minimum_clips` clips.

        With `minimum_clips` 0 there may be spans without any clip.

        An instance from s to e seconds of a video with N clips over D seconds is the
        clips int(s / D * N) to int(e / D * N). A trimmed video is taken whole.
        """
        if self.trimmed:
            spans = self.whole_spans()
        else:
            spans = [
                ClipSpan(
                    video=video.id,
                    first_clip=_clip_at(instance.start_sec, facts),
                    end_clip=_clip_at(instance.end_sec, facts),
                    label=instance.label,
                    duration_sec=min(instance.end_sec, facts.covered_sec)
                    - instance.start_sec,
                    fps=_known(facts.fps),
                )
                for video, facts in zip(self.videos, self.features.itertuples())
                for instance in video.instances
            ]
        return [span for span in spans if span.clips >= minimum_clips]

    def segments(
        self, video: Video, steps: int, max_segments: int | None = None
    ) -> tuple[np.ndarray, list[str]]:
        """Converts the instances of a video to steps: t / D * steps, t / D in [0, 1].

        Instances that lie wholly behind the covered duration D are left out.

        Args:
            video: One of the videos.
            steps: Number of steps that divide the covered duration.
            max_segments: Keep the first so many at most.

        Returns:
            Segments `[instances, 2]` in steps, float32, and their class names.
        """
        covered = self.covered_sec(video)
        kept = [i for i in video.instances if i.start_sec < covered][:max_segments]
        times = np.array([(i.start_sec, i.end_sec) for i in kept], np.float64)
        segments = np.clip(times.reshape(-1, 2) / covered, 0.0, 1.0) * steps
        return segments.astype(np.float32), [i.label for i in kept]

    def _whole(self, video: Video, clips: int, fps: float | None) -> ClipSpan:
        label = video.instances[0].label if self.trimmed else ""
        return ClipSpan(video.id, 0, clips, label, video.duration_sec, fps)


def features_table(
    videos: Sequence[str],
    clips: Iterable[int],
    fps: Iterable[float | None],
    covered_sec: Iterable[float],
) -> pd.DataFrame:
    """Builds the table `Role.features`; a value per video in each argument."""
    columns = {
        "clips": np.array(list(clips), np.int64),
        "fps": np.array(list(fps), np.float64),
        "covered_sec": np.array(list(covered_sec), np.float64),
    }
    return pd.DataFrame(columns, index=pd.Index(videos, dtype=object))


def _clip_at(time_sec: float, facts: object) -> int:
    """Returns the clip at a time of a video."""
    return int(min(time_sec / facts.covered_sec, 1.0) * facts.clips)


def _known(fps: float) -> float | None:
    """Returns None for NaN."""
    return None if np.isnan(fps) else float(fps)
