"""Features in, detections out: a trained network made ready for use."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pathlib
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any

import numpy as np
import tensorflow as tf

from ahernet_tf.config import Config, InferenceConfig
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import inputs
from ahernet_tf.inference.baselines import ProposalCandidates, SnippetCandidates
from ahernet_tf.inference.candidates import AnchorCandidates, Candidates
from ahernet_tf.inference.class_changes import (
    check_new_classes,
    moments_of,
    renamed,
    with_classes,
    without_classes,
)
from ahernet_tf.inference.detections import Detection, Detections
from ahernet_tf.inference.refinement import Refinement, load_refinement
from ahernet_tf.inference.streaming import StreamWindows
from ahernet_tf.inference.suppression import merge
from ahernet_tf.inference.trained_network import TrainedNetwork
from ahernet_tf.inference.windows import Window, merge_windows, windows
from ahernet_tf.models import AherNet, systems
from ahernet_tf.models.checkpoint import load_model

#: Target classes; those that it was trained with, without added ones; source classes.
CLASSES = ("target", "old", "source")
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
        trained: Returns all that is known of the network, for its classes to change;
            `load` and `of` give it.
        extraction: How the clips of training were made (`Description.extraction`);
            others are warned of. None: not known.

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
        trained: Callable[[], TrainedNetwork] | None = None,
        extraction: Mapping[str, Any] | None = None,
    ):
        _check_classes(classes)
        classes = "source" if classes == "source" else "target"
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
        self.extraction = extraction
        self._trained, self._classes = trained, classes
        kind = _BASELINES.get(config.training.system, AnchorCandidates)
        self.find = kind(model, classifier, config.inference)

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
            classes: `target`, `source`, or `old`: the target classes without those that
                were added after training, as before they were.

        Raises:
            ValueError: `classes` is none of them, or the directory holds no trained
                model, or one that does not localise these classes.
        """
        _check_classes(classes)
        model, description, config = load_model(directory, checkpoint)
        if inference is not None:
            config = dataclasses.replace(config, inference=inference)
        _check_localized(directory, config.training.system, classes)
        whole = functools.partial(
            TrainedNetwork.around, directory, model, description, config, checkpoint
        )
        if classes == "old" and description.added_classes:
            return Localizer.of(without_classes(whole(), description.added_classes))
        names = getattr(description, f"{classes}_classes")
        refinement = load_refinement(directory, config.inference, names)
        parts = (model, names, config, classes, refinement, whole)
        return Localizer(*parts, description.extraction)

    @staticmethod
    def of(trained: TrainedNetwork, classes: str = "target") -> Localizer:
        """Makes a localizer of a trained network.

        Args:
            trained: The network, and what is known of its classes.
            classes: As of the constructor.

        Raises:
            ValueError: The options ask for a second look or durations that are not
                known.
        """
        names = getattr(trained.description, f"{classes}_classes")
        refinement = trained.refinement(trained.config.inference, names)
        parts = (trained.model, names, trained.config, classes, refinement)
        return Localizer(*parts, lambda: trained, trained.description.extraction)

    def add_classes(
        self,
        moments: Mapping[str, Sequence[np.ndarray]],
        *,
        time_model: TimeModel,
        fps: float | Sequence[float] | None = None,
        duration_sec: float | Sequence[float] | None = None,
    ) -> Localizer:
        """Teaches further target classes, each from a few moments.

        The network stays as it is; the new classes' segment classifiers are learnt and
        pass through the trained weight transfer. No other data are needed.

        Args:
            moments: By class, the features `[clips, channels]` of trimmed clips.
            time_model: When the clips of features happen.
            fps: Frame rate of all moments, or of each in the order of `moments`, if the
                time model does not give it.
            duration_sec: Length of all moments or of each, where the time model needs
                it.

        Returns:
            Another localizer, of known and new classes. This one does not change.

        Raises:
            ValueError: This localizer is of source classes, the network takes no
                classes or has one of such a name, a class has no moment, or features
                are not usable.
        """
        if self._classes == "source":
            raise ValueError(
                "This localizer finds source classes; new ones are target classes: "
                "load it without classes='source' to add some."
            )
        network = self._whole()
        check_new_classes(network, list(moments))
        made = moments_of(network, moments, time_model, fps, duration_sec)
        return Localizer.of(with_classes(network, made))

    def remove_classes(self, names: str | Collection[str]) -> Localizer:
        """Returns a localizer without some of the target classes.

        Args:
            names: A class, or several. One of source classes goes on finding these.

        Raises:
            ValueError: One is no target class, or none would be left.
        """
        names = [names] if isinstance(names, str) else names
        return Localizer.of(without_classes(self._whole(), names), self._classes)

    def rename_classes(self, names: Mapping[str, str]) -> Localizer:
        """Returns a localizer that calls classes otherwise.

        Args:
            names: New names by old ones.

        Raises:
            ValueError: There is no such class, or another of a new name.
        """
        return Localizer.of(renamed(self._whole(), names), self._classes)

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a model directory that `load` reads, whole or not at all.

        Raises:
            ValueError: It is there already, and not empty.
        """
        self._whole().save(directory)

    def _whole(self) -> TrainedNetwork:
        """Returns all that is known of the network.

        Raises:
            ValueError: It is the network alone.
        """
        if self._trained is None:
            raise ValueError(
                "This localizer was made of a network alone: its classes cannot change "
                "and it cannot be saved. Localizer.load gives one that can."
            )
        return self._trained()

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
                for each video, a rate contradicts the time model's, or the windows make
                no sense.
        """
        inputs.check_count(batch_size, "batch_size")
        _check_options(window_sec, window_overlap, min_score, max_detections)
        inputs.warn_of_timing(self.extraction, time_model)
        channels = self.model.feature_channels
        arrays = [inputs.checked_features(values, channels) for values in features]
        rates = inputs.of_each(fps, len(arrays), "fps")
        durations = inputs.of_each(duration_sec, len(arrays), "duration_sec")
        for values, rate in zip(arrays, rates):
            time_model.check_fps(rate, len(values))
        if window_sec is None:
            window_sec = self.config.data.window_sec
        cuts = [
            windows(len(x), time_model, rate, sec, window_sec or None, window_overlap)
            for x, rate, sec in zip(arrays, rates, durations)
        ]
        sequences = (
            cut.sequence(values, time_model, rate, self.steps, self.config.data)
            for values, own, rate in zip(arrays, cuts, rates)
            for cut in own
        )
        found = self._stream(sequences, itertools.chain(*cuts), batch_size)
        results = [self._merged(found, own, max_detections) for own in cuts]
        return [
            [item for item in items if item.score >= min_score] for items in results
        ]

    def _merged(
        self,
        found: Iterator[Candidates],
        cuts: Sequence[Window],
        max_detections: int | None,
    ) -> list[Detection]:
        """Makes detections of the candidates of one video's windows."""
        parts = list(itertools.islice(found, len(cuts)))
        merged = merge_windows(
            parts, cuts, self.steps, self.config.inference, max_detections
        )
        step_sec = cuts[0].covered_sec / self.steps
        return merged.in_seconds(step_sec, self.class_names)

    def stream(
        self,
        clips: Iterable[np.ndarray],
        *,
        time_model: TimeModel,
        fps: float | None = None,
        window_sec: float | None = None,
        window_overlap: float = 0.5,
        min_score: float = 0.0,
        max_detections: int | None = None,
    ) -> Iterator[Detection]:
        """Localises actions while the clips of a video still come.

        A detection is given when no later window reaches it: at the latest a window
        length after the action has ended, at the earliest what windows overlap.

        Args:
            clips: Features in order, `[channels]` of a clip or `[clips, channels]`;
                each is asked for when what came before is worked up.
            time_model: When the clips happen; one that covers clips.
            fps: Frame rate of the video, if the time model does not give it.
            window_sec: Length of the windows; by default `data.window_sec`.
            window_overlap: Part of a window that the next one repeats.
            min_score: Detections that score less are left out.
            max_detections: Detections kept per window length; by default
                `inference.detections`.

        Yields:
            Detections in the order in which they are settled, and then of their end.

        Raises:
            ValueError: The time model needs a duration, no length of the windows is
                known, or an argument makes no sense; while it runs: clips that are
                refused as by `localize`.
        """
        _check_options(window_sec, window_overlap, min_score, max_detections)
        (fps,) = inputs.of_each(fps, 1, "fps")
        time_model.check_fps(fps)
        window_sec = window_sec or self.config.data.window_sec
        config = self.config
        if max_detections:
            inference = dataclasses.replace(config.inference, detections=max_detections)
            config = dataclasses.replace(config, inference=inference)
        found = StreamWindows(time_model, fps, window_sec, window_overlap).detections(
            clips,
            self.candidates,
            self.model.feature_channels,
            config,
            self.class_names,
        )
        return (item for item in found if item.score >= min_score)

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
            ValueError: There is a second look or a duration prior, and no duration.
        """
        found = self.find(sequences)
        if self.refinement is None:
            return found
        best = [own.best(self.config.inference.candidates) for own in found]
        return self.refinement.apply_to_batch(best, np.asarray(sequences), covered_sec)

    def _stream(
        self, sequences: Iterator[np.ndarray], cuts: Iterator[Window], batch_size: int
    ) -> Iterator[Candidates]:
        """Yields the candidates of each window, computed in batches."""
        while batch := list(itertools.islice(sequences, batch_size)):
            seconds = [next(cuts).covered_sec for _ in batch]
            yield from self.candidates(np.stack(batch), seconds)


def _check_options(
    window_sec: float | None,
    window_overlap: float,
    min_score: float,
    max_detections: int | None,
) -> None:
    """Refuses options of localising that are no numbers."""
    inputs.check_number(window_sec, "window_sec")
    inputs.check_number(window_overlap, "window_overlap")
    inputs.check_number(min_score, "min_score")
    inputs.check_count(max_detections, "max_detections")


def _check_classes(classes: str) -> None:
    if classes not in CLASSES:
        raise ValueError(f"Expected classes of {CLASSES}, received {classes!r}.")


def _check_localized(directory: str | pathlib.Path, name: str, classes: str) -> None:
    """Refuses source classes of a system that does not learn to localise them."""
    if classes == "source" and not systems.system(name).localizes_source:
        raise ValueError(f"{directory}: {name} localises the target classes only.")
