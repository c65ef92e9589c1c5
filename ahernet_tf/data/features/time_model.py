"""The time model of clip features: which seconds of the video each clip saw."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from ahernet_tf.data.annotations.videos import Video

#: Of features: what says when clips happen.
TIMES = ("clip_frames", "stride_frames", "fps")
_FPS_TOLERANCE = 5e-4  # tells 29.97 from 30
_MEASURED_FPS_TOLERANCE = 0.01  # for frames / duration, whose duration is rounded
_HIGHEST_FPS = 1e5  # beyond every camera


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What a store knows of a video whose features it holds."""

    fps: float | None = None
    frames: int | None = None
    duration_sec: float | None = None


@dataclasses.dataclass(frozen=True)
class TimeModel:
    """Says when each clip of a sequence happens.

    Clip i saw the frames `[i * stride_frames, i * stride_frames + clip_frames)`. Its
    centre is therefore `(i * stride_frames + clip_frames / 2) / fps`, and the whole
    sequence covers the video from 0 to the end of its last clip,
    `((clips - 1) * stride_frames + clip_frames) / fps`: what lies behind it no clip
    has seen. The 2020 release takes each clip for its stride alone (`legacy`): centre
    `(i + 1/2) * stride_frames / fps`, covered `clips * stride_frames / fps`. For its
    features (16 frames every 8) it so places everything 4 frames early; where clip
    and stride are equal, both agree.

    Features that were resized to cover the whole video (`covers="duration"`) have
    their centres at `(i + 1/2) / clips` of the duration instead.

    Attributes:
        clip_frames: Frames a clip saw.
        stride_frames: Frames from one clip to the next.
        fps: Rate of the frames, where it is the same for every video.
        covers: "clips" or "duration", as above.
        resampled: True where videos were converted to `fps` before the extraction,
            so that their native rate does not matter.
        legacy: Use the release's centres and covered duration.

    Raises:
        ValueError: A value makes no sense, or one that the form needs is absent.
    """

    clip_frames: int = 0
    stride_frames: int = 0
    fps: float | None = None
    covers: str = "clips"
    resampled: bool = False
    legacy: bool = False

    def __post_init__(self) -> None:
        if self.covers not in ("clips", "duration"):
            raise ValueError(
                f"covers: expected 'clips' or 'duration', got {self.covers!r}"
            )
        needed = self.covers == "clips"
        counts = {"clip_frames": needed and not self.legacy, "stride_frames": needed}
        for key, least in counts.items():
            value = getattr(self, key)
            whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if not whole or value < least:
                raise ValueError(f"{key}: expected a whole number, got {value!r}")
        fps = self.fps
        if fps is not None and not (_is_number(fps) and 0 < fps <= _HIGHEST_FPS):
            raise ValueError(f"fps of {fps!r}")
        if self.resampled and fps is None:
            raise ValueError("resampled: needs the fps that videos were converted to")

    @classmethod
    def from_spec(cls, spec: dict[str, Any], legacy: bool = False) -> TimeModel:
        """Builds the time model that a `features` entry of dataset.json declares.

        Raises:
            ValueError: A value is absent or makes no sense.
        """
        covers: Any = spec.get("covers", "clips")
        fps: Any = spec.get("fps")
        values: dict[str, Any]
        values = {key: spec.get(key) for key in ("clip_frames", "stride_frames")}
        if covers == "duration":
            values = {key: value for key, value in values.items() if value is not None}
        return cls(
            **values,
            fps=float(fps) if _is_number(fps) else fps,
            covers=covers,
            resampled=bool(spec.get("resampled", False)),
            legacy=legacy,
        )

    def centres_sec(
        self, clips: int, fps: float | None = None, duration_sec: float | None = None
    ) -> np.ndarray:
        """Returns the centre times `[clips]` of a sequence's clips in seconds.

        Args:
            clips: Number of clips.
            fps: Frame rate of the video; unused for `covers="duration"`.
            duration_sec: Length of the video; used for `covers="duration"` only.
        """
        number = np.arange(clips, dtype=np.float64)
        if self.covers == "duration":
            return (number + 0.5) / clips * _given(duration_sec, "duration_sec")
        fps = _given(fps or self.fps, "fps")
        if self.legacy:
            return (number + 0.5) * (self.stride_frames / fps)
        return (number * self.stride_frames + self.clip_frames / 2) / fps

    def covered_sec(
        self, clips: int, fps: float | None = None, duration_sec: float | None = None
    ) -> float:
        """Returns the duration that a sequence covers, in seconds.

        Arguments are those of `centres_sec`.
        """
        if self.covers == "duration":
            return _given(duration_sec, "duration_sec")
        fps = _given(fps or self.fps, "fps")
        if self.legacy:
            return self.stride_frames * clips / fps
        return ((clips - 1) * self.stride_frames + self.clip_frames) / fps

    def interval_sec(
        self, clips: int, fps: float | None = None, duration_sec: float | None = None
    ) -> float:
        """Returns the time from one clip of a sequence to the next, in seconds.

        Arguments are those of `centres_sec`.
        """
        if self.covers == "duration":
            return _given(duration_sec, "duration_sec") / clips
        return self.stride_frames / _given(fps or self.fps, "fps")

    def check_fps(self, fps: float | None, clips: float = math.inf) -> None:
        """Refuses a given frame rate that contradicts the model's own.

        Args:
            fps: Of a video's clips; None: not given.
            clips: How many there are; of few a measured rate is less exact.

        Raises:
            ValueError: Names both rates.
        """
        if self.covers == "duration" or fps is None or self.fps is None:
            return
        slack = _MEASURED_FPS_TOLERANCE + 1.5 / (clips * self.stride_frames)
        if abs(fps - self.fps) > slack * self.fps:
            raise ValueError(
                f"fps: {fps:g} contradicts the {self.fps:g} of the time model; give one"
            )

    def fps_of(self, video: Video, info: VideoInfo | None = None) -> float | None:
        """Finds the frame rate at which a video's clips were cut.

        It is the annotation's `fps`, else its frames / duration, else the store's for
        this video, else the store's for all. With `resampled` it is the store's.

        Args:
            video: The annotated video.
            info: What the store knows of it.

        Returns:
            Frames a second; None for `covers="duration"`.

        Raises:
            ValueError: No rate is known, or two contradict each other.
        """
        if self.covers == "duration":
            return None
        if self.resampled:
            return self.fps
        stated = [("the annotation's fps", video.fps, _FPS_TOLERANCE)]
        if video.frames:
            measured = video.frames / video.duration_sec
            slack = _MEASURED_FPS_TOLERANCE + 1.5 / video.frames
            stated.append(("the annotation's frames / duration", measured, slack))
        if info is not None:
            stated.append(("the feature store's fps of it", info.fps, _FPS_TOLERANCE))
        stated.append(("the feature store's fps", self.fps, _FPS_TOLERANCE))
        known = [(name, fps, slack) for name, fps, slack in stated if fps]
        if not known:
            raise ValueError("no fps: neither annotation nor feature store states one")
        first, rate, slack = known[0]
        for other, value, tolerance in known[1:]:
            own = first.endswith("fps") and other.endswith("duration")
            if not own and abs(value - rate) > max(slack, tolerance) * rate:
                raise ValueError(
                    f"{first} ({rate:g}) contradicts {other} ({value:g}); if videos "
                    "were converted before the extraction, declare 'resampled'"
                )
        return rate


def _is_number(value: Any) -> bool:
    """Tells whether a value is a real number, as True and False are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _given(value: float | None, what: str) -> float:
    """Returns a value that must not be None."""
    if value is None:
        raise ValueError(f"This time model needs {what}, received none.")
    return value


def timing_differences(
    trained: Mapping[str, Any], time_model: TimeModel, rate: float | None = None
) -> list[str]:
    """Lists in what clips are timed otherwise than in training, "what: then, now".

    Args:
        trained: How clips were made, by the names of `TIMES`.
        time_model: Of the features.
        rate: Frame rate of the training videos, where `trained` holds none.
    """
    then = {name: trained.get(name) for name in TIMES}
    then["fps"] = then["fps"] or rate
    now = {name: getattr(time_model, name) for name in TIMES}
    both = [name for name in TIMES if then[name] and now[name] is not None]
    return [
        f"{name}: {then[name]:g}, {now[name]:g}"
        for name in both
        if abs(now[name] / then[name] - 1) > 1e-3
    ]
