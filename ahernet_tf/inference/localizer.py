"""Features in, detections out: a trained network made ready for use."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.detections import (
    Candidates,
    Detections,
    candidates,
    detections,
    merge,
)
from ahernet_tf.models import AherNet, systems
from ahernet_tf.models import checkpoint as storage


@dataclasses.dataclass(frozen=True)
class Detection:
    """One localised action."""

    start_sec: float
    end_sec: float
    label: str
    score: float


@dataclasses.dataclass(frozen=True)
class Window:
    """A stretch of clips that is localised as a sequence of its own.

    Attributes:
        first_clip: First clip.
        end_clip: Clip after the last.
        offset_sec: When the stretch begins in the video.
        covered_sec: Duration that its features cover.
    """

    first_clip: int
    end_clip: int
    offset_sec: float
    covered_sec: float


class Localizer:
    """Localises actions in clip features (paper section 3.4).

    The transferred classifier is computed once, here.

    Args:
        model: A trained network.
        class_names: Of the classifier's classes.
        config: The run's configuration; data and inference options count.
        classes: `target` (learnt from moments) or `source` (with annotations).

    Raises:
        ValueError: The number of names is not that of the classifier's classes.
    """

    def __init__(
        self,
        model: AherNet,
        class_names: Sequence[str],
        config: Config,
        classes: str = "target",
    ):
        if classes not in ("target", "source"):
            raise ValueError(f"Expected classes target or source, received {classes}.")
        self.classifier = getattr(model, f"{classes}_classifier")
        if len(class_names) != self.classifier.classes:
            raise ValueError(
                f"Expected {self.classifier.classes} class names, received "
                f"{len(class_names)}."
            )
        self.model = model
        self.class_names = tuple(class_names)
        self.config = config
        self._anchors = tf.constant(model.anchors())
        self._anchor_classifier = model.anchor_classifier(self.classifier)
        self._forward = tf.function(
            self._candidates, autograph=False, reduce_retracing=True
        )

    @staticmethod
    def load(
        directory: str | pathlib.Path,
        *,
        checkpoint: str | None = None,
        inference: InferenceConfig | None = None,
        classes: str = "target",
    ) -> Localizer:
        """Loads a work directory of training, of whatever system.

        Args:
            directory: Where training wrote.
            checkpoint: One of its checkpoints; by default the newest.
            inference: Options that replace those of training.
            classes: `target` or `source`.

        Raises:
            ValueError: The directory holds no trained model, or one that does not
                localise these classes.
        """
        from ahernet_tf.inference import baselines  # made of this class

        model, description, config = storage.load_model(directory, checkpoint)
        if inference is not None:
            config = dataclasses.replace(config, inference=inference)
        names = getattr(description, f"{classes}_classes")
        system = systems.system(config.training.system)
        if classes == "source" and not system.localizes_source:
            raise ValueError(
                f"{directory}: {config.training.system} localises the target classes "
                "only."
            )
        return baselines.make_localizer(model, names, config, classes)

    @property
    def steps(self) -> int:
        """Steps of the sequences that the network takes."""
        return self.model.network.untrimmed_steps

    def localize(
        self,
        features: np.ndarray,
        *,
        time_model: TimeModel,
        fps: float | None = None,
        duration_sec: float | None = None,
        window_sec: float | None = None,
        window_overlap: float = 0.5,
        batch_size: int = 8,
    ) -> list[Detection]:
        """Localises actions in the features of one video.

        Args:
            features: `[clips, channels]`, any floating type.
            time_model: When the clips happen.
            fps: Frame rate of the video, if the time model does not give it.
            duration_sec: Length of the video, where the time model needs it.
            window_sec: Length of the windows that a longer video is cut into; their
                detections are merged by non-maximum suppression. None: no windows.
            window_overlap: Part of a window that the next one repeats.
            batch_size: Windows computed at once.

        Returns:
            Detections, best first; with windows up to `inference.detections` for
            each window length of video.

        Raises:
            ValueError: The features are no matrix of the network's channels, hold
                NaN or infinity, or the windows make no sense.
        """
        features = np.asarray(features)
        channels = self.model.feature_channels
        if features.ndim != 2 or features.shape[1] != channels or not len(features):
            raise ValueError(
                f"Expected features [clips, {channels}] of at least one clip, "
                f"received {features.shape}."
            )
        if not np.isfinite(features).all():
            raise ValueError("The features hold NaN or infinite values.")
        cuts = windows(
            len(features), time_model, fps, duration_sec, window_sec, window_overlap
        )
        data = self.config.data
        sequences = [
            resample(
                features[cut.first_clip : cut.end_clip],
                time_model.centres_sec(
                    cut.end_clip - cut.first_clip, fps, cut.covered_sec
                ),
                cut.covered_sec,
                self.steps,
                data.pooling,
                data.edge,
            )
            for cut in cuts
        ]
        found: list[Detections] = []
        for start in range(0, len(sequences), batch_size):
            found += self.detect(np.stack(sequences[start : start + batch_size]))
        merged = self._merge(found, cuts, window_sec)
        return [
            Detection(float(start), float(end), self.class_names[label], float(score))
            for (start, end), score, label in zip(*merged)
        ]

    def detect(self, sequences: np.ndarray | tf.Tensor) -> list[Detections]:
        """Localises actions in resampled sequences.

        Args:
            sequences: `[batch, steps, channels]` float32.

        Returns:
            Detections of each sequence, segments in steps.
        """
        return detections(
            self._forward(tf.convert_to_tensor(sequences)), self.config.inference
        )

    def _candidates(self, sequences: tf.Tensor) -> Candidates:
        model = self.model
        maps = model.backbone(model.standardization(sequences))
        predictions = model.predict_anchors(maps, self._anchor_classifier)
        return candidates(predictions, self._anchors, self.steps, self.config.inference)

    def _merge(
        self, found: list[Detections], cuts: list[Window], window_sec: float | None
    ) -> Detections:
        """Joins the detections of windows, in seconds of the video.

        With soft suppression scores fade twice where windows are joined: within their
        window, and together with the others.
        """
        segments = np.concatenate(
            [
                part.segments * (cut.covered_sec / self.steps) + cut.offset_sec
                for part, cut in zip(found, cuts)
            ]
        )
        score = np.concatenate([part.score for part in found])
        label = np.concatenate([part.label for part in found])
        if len(cuts) > 1:
            total_sec = cuts[-1].offset_sec + cuts[-1].covered_sec
            inference = self.config.inference
            keep = int(np.ceil(inference.detections * total_sec / window_sec))
            everything = dataclasses.replace(inference, candidates=len(score))
            return merge(segments, score, score, label, everything, keep)
        return Detections(segments, score, label)


def windows(
    clips: int,
    time_model: TimeModel,
    fps: float | None,
    duration_sec: float | None,
    window_sec: float | None,
    overlap: float = 0.5,
) -> list[Window]:
    """Cuts a sequence of clips into overlapping windows of equal length.

    Args:
        clips: Number of clips of the video.
        time_model: When the clips happen.
        fps: Frame rate of the video.
        duration_sec: Length of the video, where the time model needs it.
        window_sec: Length of a window; None, or a shorter video: one window.
        overlap: Part of a window that the next one repeats, in [0, 1).

    Returns:
        The windows in order; the last ends with the last clip.

    Raises:
        ValueError: The window has no length, or the overlap is outside [0, 1).
    """
    covered_sec = time_model.covered_sec(clips, fps, duration_sec)
    if window_sec is None or window_sec >= covered_sec:
        return [Window(0, clips, 0.0, covered_sec)]
    if window_sec <= 0 or not 0 <= overlap < 1:
        raise ValueError(
            "Expected a window above 0 s and an overlap in [0, 1), received "
            f"{window_sec} s and {overlap}."
        )
    if time_model.covers == "duration":
        clip_sec = covered_sec / clips
    else:
        clip_sec = time_model.stride_frames / (fps or time_model.fps)
    size = max(1, round(window_sec / clip_sec))
    hop = max(1, round(size * (1 - overlap)))
    firsts = [*range(0, clips - size, hop), clips - size]
    return [
        Window(
            first,
            first + size,
            first * clip_sec,
            time_model.covered_sec(size, fps, size * clip_sec),
        )
        for first in firsts
    ]


def to_frame(found: dict[str, Sequence[Detection]]) -> pd.DataFrame:
    """Lists detections by video as a frame: video, start_sec, end_sec, label, score."""
    columns = ["video", "start_sec", "end_sec", "label", "score"]
    rows = [
        (video, *dataclasses.astuple(detection))
        for video, items in found.items()
        for detection in items
    ]
    return pd.DataFrame(rows, columns=columns)
