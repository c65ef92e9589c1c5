"""One part of a data set: its videos, their features, and samples cut from them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ahernet_tf.config import DataConfig
from ahernet_tf.data.annotations.activitynet import Video
from ahernet_tf.data.clip_spans import Cut, Cuts
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.sequence_cache import SequenceCache
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.data.packed.records import PackedRole, Records
from ahernet_tf.data.video_columns import ByVideo, VideoTable


@dataclasses.dataclass(frozen=True)
class Role:
    """Videos that serve one purpose: `untrimmed`, `moments`, `test` or `oracle`.

    Attributes:
        name: Which purpose.
        videos: Annotated videos, with instances of `classes` only. Given as any
            sequence, kept as a `VideoTable`.
        store: Where their features lie.
        time_model: When their clips happen.
        classes: Class names in the order of dataset.json.
        clips: Number of clips of each video, by id.
        fps: Frame rate of each video, by id; None where the time model needs none.
        trimmed: True where every video is one action moment as a whole.
        covered: Seconds that the features of each video cover, by id, where the time
            model cannot tell, else None.
        packed: Sequences that are packed, or None: all are made of the features.
    """

    name: str
    videos: Sequence[Video] = dataclasses.field(repr=False)
    store: FeatureStore = dataclasses.field(repr=False)
    time_model: TimeModel
    classes: tuple[str, ...]
    clips: ByVideo | Mapping[str, int] = dataclasses.field(repr=False)
    fps: ByVideo | Mapping[str, float | None] = dataclasses.field(repr=False)
    trimmed: bool = False
    covered: ByVideo | Mapping[str, float] | None = dataclasses.field(
        default=None, repr=False
    )
    packed: PackedRole | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Keeps the videos' facts as columns."""
        table = VideoTable.of(self.videos)
        object.__setattr__(self, "videos", table)
        for name in ("clips", "fps", "covered"):
            values = getattr(self, name)
            if values is not None and not isinstance(values, ByVideo):
                object.__setattr__(self, name, ByVideo.of(table, values))

    def with_videos(self, videos: Iterable[Video]) -> Role:
        """Returns the role with a selection of its videos."""
        return dataclasses.replace(self, videos=videos)

    def select(self, rows: Sequence[int] | np.ndarray) -> Role:
        """Returns the role with the videos of some rows of its table."""
        return dataclasses.replace(self, videos=self.videos.select(rows))

    def channels(self) -> int:
        """Returns the channels of its sequences."""
        for records in (self.packed.whole, self.packed.cuts) if self.packed else ():
            if records is not None:
                return records.form.channels
        return self.store.shape(self.videos.ids[0])[1]

    def covered_sec(self, video: Video) -> float:
        """Returns the duration that the features of a video cover, in seconds.

        The steps of its sequence divide this duration.
        """
        if self.covered is not None:
            return self.covered[video.id]
        return self.time_model.covered_sec(
            self.clips[video.id], self.fps[video.id], video.duration_sec
        )

    def fps_of_videos(self) -> list[float | None]:
        """Returns the frame rate of each video, in their order."""
        rates = self.fps.column(self.videos.ids)
        return [None if np.isnan(rate) else float(rate) for rate in rates]

    def whole(self, video: Video) -> Cut:
        """Returns the cut that is all of a video."""
        label = video.instances[0].label if self.trimmed else ""
        return Cut(video.id, 0, self.clips[video.id], label, video.duration_sec)

    def cuts(self, minimum_clips: int) -> Cuts:
        """Cuts out every instance that has at least `minimum_clips` clips.

        With `minimum_clips` 0 there may be cuts without any clip.

        An instance from s to e seconds of a video with N clips over D seconds is the
        clips int(s / D * N) to int(e / D * N). A trimmed video is taken whole.
        """
        table = self.videos
        count = len(table)
        clips = self.clips.column(table.ids)
        columns = table.columns
        if self.trimmed:
            first_instance = columns["instances"] - 1  # each video has exactly one
            cuts = self._cuts(
                video=np.arange(count),
                first_clip=np.zeros(count),
                end_clip=clips,
                label=columns["label"][first_instance],
                duration_sec=columns["duration_sec"],
            )
        else:
            instances = np.diff(columns["instances"], prepend=0)
            owner = np.repeat(np.arange(count), instances)
            covered = np.repeat([self.covered_sec(v) for v in table], instances)
            first, end = (
                np.minimum(columns[time] / covered, 1.0) * clips[owner]
                for time in ("start_sec", "end_sec")
            )
            seconds = np.minimum(columns["end_sec"], covered) - columns["start_sec"]
            cuts = self._cuts(owner, first, end, columns["label"], seconds)
        return cuts.where(cuts.clips >= minimum_clips)

    def _cuts(
        self,
        video: np.ndarray,
        first_clip: np.ndarray,
        end_clip: np.ndarray,
        label: np.ndarray,
        duration_sec: np.ndarray,
    ) -> Cuts:
        """Builds cuts; clips may be fractions, `label` indexes the table's texts."""
        texts = self.videos.texts
        used, codes = np.unique(label, return_inverse=True)
        return Cuts(
            ids=self.videos.ids,
            names=tuple(texts[int(code)] for code in used),
            video=video.astype(np.int32),
            first_clip=first_clip.astype(np.int32),
            end_clip=end_clip.astype(np.int32),
            label=codes.reshape(-1).astype(np.int32),
            duration_sec=np.asarray(duration_sec, np.float64),
        )

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
        """Reads a cut and resamples it as a sequence of its own, or reads it packed.

        Args:
            cut: Which clips of which video.
            steps: Number of steps wanted.
            config: Pooling and edge rule.
            cache: Keeps what is read, in memory, for the next time. Packed sequences
                are not kept: the system keeps their files in memory itself.

        Returns:
            Sequence `[steps, channels]`, float32. Do not write to it.

        Raises:
            ValueError: The features cannot be read, or the data set was loaded with
                another `legacy_clip_centres`, or was packed otherwise.
        """
        records = self._records(cut)
        if records is not None:
            records.require(steps, config)
            values, resampled = records.read(cut)
            return values if resampled else self.resample(values, cut, steps, config)
        key = (id(self.store), cut.video, cut.first_clip, cut.end_clip)
        rule = (steps, config.pooling, config.edge, self.time_model)
        if cache is not None and (found := cache.get((key, rule))) is not None:
            return found
        clips = cache.get(key) if cache is not None else None
        if clips is None:
            clips = self.store.read(cut.video)[cut.first_clip : cut.end_clip]
        sequence = self.resample(clips, cut, steps, config)
        if cache is not None:
            if 4 * clips.nbytes < sequence.nbytes:  # short cuts: cheap to resample
                cache.put(key, clips)
            else:
                cache.put((key, rule), sequence)
        return sequence

    def resample(
        self, clips: np.ndarray, cut: Cut, steps: int, config: DataConfig
    ) -> np.ndarray:
        """Resamples the clips of a cut.

        Args:
            clips: Features `[clips, channels]` of the cut alone.
            cut: Where they are from.
            steps: Number of steps wanted.
            config: Pooling and edge rule.

        Returns:
            Sequence `[steps, channels]`, float32.

        Raises:
            ValueError: The data set was loaded with another `legacy_clip_centres`.
        """
        if config.legacy_clip_centres != self.time_model.legacy:
            raise ValueError(
                f"The data set was loaded with data.legacy_clip_centres = "
                f"{self.time_model.legacy}, now it is {config.legacy_clip_centres}."
            )
        timing = (len(clips), self.fps[cut.video], cut.duration_sec)
        return resample(
            clips,
            self.time_model.centres_sec(*timing),
            self.time_model.covered_sec(*timing),
            steps,
            config.pooling,
            config.edge,
        )

    def require_packed(
        self,
        cuts: Iterable[Cut],
        steps: int,
        config: DataConfig,
        option: str | None = None,
    ) -> None:
        """Refuses packed records that will not serve, before they are needed.

        Args:
            cuts: What will be read; all whole videos, or all cut out of videos.
            steps: Steps that will be asked for.
            config: Options that will be asked for.
            option: Option of the data that decides which cuts are packed.

        Raises:
            ValueError: Something is packed otherwise or not at all.
        """
        cuts = iter(cuts)
        first = next(cuts, None)
        records = self._records(first) if first is not None else None
        if records is not None:
            records.require_all(itertools.chain([first], cuts), steps, config, option)

    def clip_moments(self, video: str) -> tuple[int, np.ndarray, np.ndarray]:
        """Returns count, mean and sum of squares around the mean of a video's clips.

        Returns:
            The number of clips and two arrays `[channels]`, float64.
        """
        if self.packed is not None and self.packed.moments is not None:
            return self.clips[video], *self.packed.moments.of(video)
        values = self.store.read(video).astype(np.float64)
        mean = values.mean(axis=0)
        return len(values), mean, np.square(values - mean).sum(axis=0)

    def _records(self, cut: Cut) -> Records | None:
        """Returns the records that hold cuts of this kind, if they are packed."""
        if self.packed is None:
            return None
        whole = not (self.trimmed or cut.label)
        return self.packed.whole if whole else self.packed.cuts
