"""One part of a data set: its videos, their features, and samples cut from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations import Video
from ahernet_tf.data.features import FeatureStore
from ahernet_tf.data.resampling import resample
from ahernet_tf.data.sequences import SequenceCache
from ahernet_tf.data.time_model import TimeModel


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of clips that becomes one sequence.

    Attributes:
        video: Id of the video it is cut from.
        first_clip: First clip of the stretch.
        end_clip: Clip after its last.
        label: Class name; "" for a whole untrimmed video.
        duration_sec: Real length of what the stretch shows, in seconds.
    """

    video: str
    first_clip: int
    end_clip: int
    label: str
    duration_sec: float


@dataclasses.dataclass(frozen=True)
class Role:
    """Videos that serve one purpose: `untrimmed`, `moments`, `test` or `oracle`.

    Attributes:
        name: Which purpose.
        videos: Annotated videos, with instances of `classes` only.
        store: Where their features lie.
        time_model: When their clips happen.
        classes: Class names in the order of dataset.json.
        clips: Number of clips of each video, by id.
        fps: Frame rate of each video, by id; None where the time model needs none.
        trimmed: True where every video is one action moment as a whole.
    """

    name: str
    videos: tuple[Video, ...] = dataclasses.field(repr=False)
    store: FeatureStore = dataclasses.field(repr=False)
    time_model: TimeModel
    classes: tuple[str, ...]
    clips: dict[str, int] = dataclasses.field(repr=False)
    fps: dict[str, float | None] = dataclasses.field(repr=False)
    trimmed: bool = False

    def with_videos(self, videos: Iterable[Video]) -> Role:
        """Returns the role with a selection of its videos."""
        return dataclasses.replace(self, videos=tuple(videos))

    def covered_sec(self, video: Video) -> float:
        """Returns the duration that the features of a video cover, in seconds.

        The steps of its sequence divide this duration.
        """
        return self.time_model.covered_sec(
            self.clips[video.id], self.fps[video.id], video.duration_sec
        )

    def whole(self, video: Video) -> Cut:
        """Returns the cut that is all of a video."""
        label = video.instances[0].label if self.trimmed else ""
        return Cut(video.id, 0, self.clips[video.id], label, video.duration_sec)

    def cuts(self, minimum_clips: int) -> tuple[Cut, ...]:
        """Cuts out every instance that has at least `minimum_clips` clips.

        With `minimum_clips` 0 there may be cuts without any clip.

        An instance from s to e seconds of a video with N clips over D seconds is the
        clips int(s / D * N) to int(e / D * N). A trimmed video is taken whole.
        """
        cuts = []
        for video in self.videos:
            if self.trimmed:
                cuts.append(self.whole(video))
                continue
            clips, covered = self.clips[video.id], self.covered_sec(video)
            for instance in video.instances:
                first, end = (
                    int(min(time / covered, 1.0) * clips)
                    for time in (instance.start_sec, instance.end_sec)
                )
                seconds = min(instance.end_sec, covered) - instance.start_sec
                cuts.append(Cut(video.id, first, end, instance.label, seconds))
        return tuple(c for c in cuts if c.end_clip - c.first_clip >= minimum_clips)

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

    def sequence(
        self,
        cut: Cut,
        steps: int,
        config: DataConfig,
        cache: SequenceCache | None = None,
    ) -> np.ndarray:
        """Reads a cut and resamples it as a sequence of its own.

        Args:
            cut: Which clips of which video.
            steps: Number of steps wanted.
            config: Pooling and edge rule.
            cache: Keeps what is read, in memory, for the next time.

        Returns:
            Sequence `[steps, channels]`, float32. Do not write to it.

        Raises:
            ValueError: The features cannot be read, or the data set was loaded with
                another `legacy_clip_centres`.
        """
        if config.legacy_clip_centres != self.time_model.legacy:
            raise ValueError(
                f"The data set was loaded with data.legacy_clip_centres = "
                f"{self.time_model.legacy}, now it is {config.legacy_clip_centres}."
            )
        key = (id(self.store), cut.video, cut.first_clip, cut.end_clip)
        rule = (steps, config.pooling, config.edge, self.time_model)
        if cache is not None and (found := cache.get((key, rule))) is not None:
            return found
        clips = cache.get(key) if cache is not None else None
        if clips is None:
            clips = self.store.read(cut.video)[cut.first_clip : cut.end_clip]
        timing = (len(clips), self.fps[cut.video], cut.duration_sec)
        sequence = resample(
            clips,
            self.time_model.centres_sec(*timing),
            self.time_model.covered_sec(*timing),
            steps,
            config.pooling,
            config.edge,
        )
        if cache is not None:
            if 4 * clips.nbytes < sequence.nbytes:  # short cuts: cheap to resample
                cache.put(key, clips)
            else:
                cache.put((key, rule), sequence)
        return sequence
