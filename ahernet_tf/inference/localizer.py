"""Features in, detections out: a trained network made ready for use."""

from __future__ import annotations

import dataclasses
import itertools
import math
import numbers
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.features.resampling import resample
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference.baselines import ProposalCandidates, SnippetCandidates
from ahernet_tf.inference.candidates import AnchorCandidates, Candidates
from ahernet_tf.inference.detections import Detection, Detections
from ahernet_tf.inference.refinement import Refinement, load_refinement
from ahernet_tf.inference.suppression import merge
from ahernet_tf.inference.windows import Window, join, windows
from ahernet_tf.models import AherNet, systems
from ahernet_tf.models.checkpoint import load_model

CLASSES = ("target", "source")
#: How the systems without an anchor classifier find candidates.
_BASELINES = {"AherNet0": SnippetCandidates, "AherNet-": ProposalCandidates}


class Localizer:
    """Localises actions in clip features (paper section 3.4), with any system.

    Args:
        model: A trained network.
        class_names: Of the classifier's classes.
        config: The run's configuration; system, data and inference options count.
        classes: `target` (learnt from moments) or `source` (with annotations).
        refinement: Second look and duration prior, where the options ask for them.

    Raises:
        ValueError: `classes` is neither, or the number of names is not that of the
            classifier's classes.
    """

    def __init__(
        self,
        model: AherNet,
        class_names: Sequence[str],
        config: Config,
        classes: str = "target",
        refinement: Refinement | None = None,
    ):
        _check_classes(classes)
        classifier = getattr(model, f"{classes}_classifier")
        if len(class_names) != classifier.classes:
            raise ValueError(
                f"Expected {classifier.classes} class names, received "
                f"{len(class_names)}."
            )
        self.model = model
        self.class_names = tuple(class_names)
        self.config = config
        self.refinement = refinement
        kind = _BASELINES.get(config.training.system, AnchorCandidates)
        self._find = kind(model, classifier, config.inference)

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
            ValueError: `classes` is neither, or the directory holds no trained model,
                or one that does not localise these classes.
        """
        _check_classes(classes)
        model, description, config = load_model(directory, checkpoint)
        if inference is not None:
            config = dataclasses.replace(config, inference=inference)
        system = systems.system(config.training.system)
        if classes == "source" and not system.localizes_source:
            raise ValueError(
                f"{directory}: {config.training.system} localises the target classes "
                "only."
            )
        names = getattr(description, f"{classes}_classes")
        refinement = load_refinement(directory, config.inference, names)
        return Localizer(model, names, config, classes, refinement)

    @property
    def steps(self) -> int:
        """Steps of the sequences that the network takes."""
        return self.model.network.untrimmed_steps

    def localize(self, features: np.ndarray, **options) -> list[Detection]:
        """Localises actions in the features of one video.

        Args:
            features: `[clips, channels]`, any floating type.
            **options: Of `localize_videos`.

        Returns:
            Detections, best first.
        """
        return self.localize_videos([features], **options)[0]

    def localize_videos(
        self,
        features: Sequence[np.ndarray],
        *,
        time_model: TimeModel,
        fps: float | Sequence[float] | None = None,
        duration_sec: float | Sequence[float] | None = None,
        window_sec: float | None = None,
        window_overlap: float = 0.5,
        batch_size: int = 8,
        min_score: float = 0.0,
        max_detections: int | None = None,
    ) -> list[list[Detection]]:
        """Localises actions in the features of several videos.

        Args:
            features: `[clips, channels]` of each video, any floating type.
            time_model: When the clips happen.
            fps: Frame rate of all videos or of each, if the time model does not give
                it.
            duration_sec: Length of all videos or of each, where the time model needs
                it.
            window_sec: Length of the windows that a longer video is cut into; their
                candidates are merged by non-maximum suppression. By default
                `data.window_sec`; 0: no windows.
            window_overlap: Part of a window that the next one repeats.
            batch_size: Sequences computed at once, of whatever videos.
            min_score: Detections that score less are left out.
            max_detections: Detections kept per video; by default
                `inference.detections`, of a video in windows so many per window length.

        Returns:
            Detections of each video, best first.

        Raises:
            ValueError: Features are no matrix of the network's channels or hold NaN
                or infinity, a rate or duration is no number above 0, there is not one
                for each video, or the windows make no sense.
        """
        if batch_size < 1:
            raise ValueError(f"Expected batches of at least 1, received {batch_size}.")
        arrays = [self._checked(values) for values in features]
        timing = list(
            zip(
                _of_each(fps, len(arrays), "fps"),
                _of_each(duration_sec, len(arrays), "duration_sec"),
            )
        )
        if window_sec is None:
            window_sec = self.config.data.window_sec
        cuts = [
            windows(len(values), time_model, *own, window_sec or None, window_overlap)
            for values, own in zip(arrays, timing)
        ]
        sequences = (
            (self._resample(values, cut, time_model, rate), cut.covered_sec)
            for values, own, (rate, _) in zip(arrays, cuts, timing)
            for cut in own
        )
        found = self._stream(sequences, batch_size)
        results = []
        for own in cuts:
            parts = list(itertools.islice(found, len(own)))
            items = self._merge(parts, own, max_detections)
            results.append([item for item in items if item.score >= min_score])
        return results

    def detect(
        self,
        sequences: np.ndarray | tf.Tensor,
        covered_sec: Sequence[float] | np.ndarray | None = None,
    ) -> list[Detections]:
        """Localises actions in resampled sequences.

        Args:
            sequences: `[batch, steps, channels]` float32.
            covered_sec: `[batch]`, the duration that the steps of each divide.

        Returns:
            Detections of each sequence, segments in steps.
        """
        inference = self.config.inference
        return [
            merge(candidates, inference, inference.detections)
            for candidates in self.candidates(sequences, covered_sec)
        ]

    def candidates(
        self,
        sequences: np.ndarray | tf.Tensor,
        covered_sec: Sequence[float] | np.ndarray | None = None,
    ) -> list[Candidates]:
        """Finds what enters suppression; arguments are those of `detect`.

        Raises:
            ValueError: There is a duration prior, and no duration.
        """
        found = self._find(sequences)
        if self.refinement is None:
            return found
        if covered_sec is None:
            if self.refinement.durations is not None:
                raise ValueError("inference.duration_prior: expected covered_sec.")
            covered_sec = [math.nan] * len(found)
        count = self.config.inference.candidates
        return [
            self.refinement.apply(own.best(count), sequence, seconds / self.steps)
            for own, sequence, seconds in zip(found, np.asarray(sequences), covered_sec)
        ]

    def _stream(
        self, sequences: Iterable[tuple[np.ndarray, float]], batch_size: int
    ) -> Iterator[Candidates]:
        """Yields the candidates of each sequence, computed in batches."""
        sequences = iter(sequences)
        while batch := list(itertools.islice(sequences, batch_size)):
            values, covered_sec = zip(*batch)
            yield from self.candidates(np.stack(values), covered_sec)

    def _merge(
        self, found: list[Candidates], cuts: list[Window], keep: int | None
    ) -> list[Detection]:
        """Makes the detections of a video from the candidates of its windows."""
        inference = self.config.inference
        total_sec = cuts[-1].offset_sec + cuts[-1].covered_sec
        if keep is None:
            keep = math.ceil(inference.detections * total_sec / cuts[0].covered_sec)
        best = [candidates.best(inference.candidates) for candidates in found]
        joined = join(best, cuts, self.steps)
        inference = dataclasses.replace(inference, candidates=len(joined.rank))
        merged = merge(joined, inference, keep)
        return merged.in_seconds(cuts[0].covered_sec / self.steps, self.class_names)

    def _checked(self, features: np.ndarray) -> np.ndarray:
        """Returns the features of a video as an array; refuses what is none."""
        features = np.asarray(features)
        channels = self.model.feature_channels
        if features.ndim != 2 or features.shape[1] != channels or not len(features):
            raise ValueError(
                f"Expected features [clips, {channels}] of at least one clip, "
                f"received {features.shape}."
            )
        if not np.isfinite(features).all():
            raise ValueError("The features hold NaN or infinite values.")
        return features

    def _resample(
        self,
        features: np.ndarray,
        cut: Window,
        time_model: TimeModel,
        fps: float | None,
    ) -> np.ndarray:
        """Makes the sequence of a window, `[steps, channels]`."""
        clips = cut.end_clip - cut.first_clip
        data = self.config.data
        return resample(
            features[cut.first_clip : cut.end_clip],
            time_model.centres_sec(clips, fps, cut.covered_sec),
            cut.covered_sec,
            self.steps,
            data.pooling,
            data.edge,
        )


def find_model(path: str | pathlib.Path) -> tuple[pathlib.Path, str | None]:
    """Finds a trained network.

    Args:
        path: A work directory of training, or one of its checkpoints,
            `W/checkpoints/ckpt-N`.

    Returns:
        The work directory, and the checkpoint; None for the newest.

    Raises:
        ValueError: There is neither.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        return path, None
    path = path.with_name(path.name.removesuffix(".index"))
    if not path.with_name(f"{path.name}.index").exists():
        raise ValueError(f"{path}: no such work directory or checkpoint.")
    return path.parent.parent, str(path)


def _check_classes(classes: str) -> None:
    if classes not in CLASSES:
        raise ValueError(f"Expected classes of {CLASSES}, received {classes!r}.")


def _of_each(
    value: float | Sequence[float] | None, videos: int, what: str
) -> list[float | None]:
    """Returns the value of each video; refuses what is no number above 0."""
    alike = value is None or isinstance(value, str | numbers.Number)
    values: list[Any] = [value] * videos if alike else list(value)  # type: ignore
    if len(values) != videos:
        raise ValueError(
            f"Expected {what} of each of {videos} videos, received {len(values)}."
        )
    for number in values:
        if number is not None and not _is_positive(number):
            raise ValueError(f"Expected {what} above 0, received {number!r}.")
    return values


def _is_positive(value: Any) -> bool:
    """Tells whether a value is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return math.isfinite(value) and float(value) > 0
