"""A localizer as one TensorFlow graph, for programs that do not have this library."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.inference import graph_operations
from ahernet_tf.inference.candidates import Candidates
from ahernet_tf.inference.localizer import Localizer
from ahernet_tf.inference.windows import check_holds_clip, check_window
from ahernet_tf.models.checkpoint import ordered_variables

_MARGIN_SEC = 1e-4  # as in data.features.resampling


@dataclasses.dataclass(frozen=True)
class GraphOptions:
    """What is laid down when a localizer becomes a graph.

    Attributes:
        time_model: When the clips of the features happen.
        window_sec: Longer videos are cut into windows; None: as configured; 0: never.
        window_overlap: Part of a window that the next one repeats.
        min_score: Detections that score less are left out.
        max_detections: Detections kept per video; None: as many as `Localizer` keeps.

    Raises:
        ValueError: A value makes no sense.
    """

    time_model: TimeModel
    window_sec: float | None = None
    window_overlap: float = 0.5
    min_score: float = 0.0
    max_detections: int | None = None

    def __post_init__(self) -> None:
        check_window(self.window_sec or None, self.window_overlap)
        if self.max_detections is not None and self.max_detections < 1:
            raise ValueError(f"Expected detections above 0, got {self.max_detections}.")


class LocalizerGraph(tf.Module):
    """Localises actions in the clip features of one video, in one graph.

    Its function `localize` takes `features` `[clips, channels]` float32 and the frame
    rate `fps`, or, of features that cover the whole video, its `duration_sec`. It
    returns a dictionary of `segments_sec` `[detections, 2]`, `scores` `[detections]`
    and `labels` `[detections]` int32, best first.

    Args:
        localizer: Of a system that has anchors.
        options: What is laid down.
        fade_in_loop: Spell soft suppression out; for formats that know no such
            operation.

    Raises:
        ValueError: The system finds its candidates outside the graph, or a window is
            shorter than a clip, as far as the frame rate is known.
    """

    def __init__(
        self, localizer: Localizer, options: GraphOptions, fade_in_loop: bool = False
    ):
        super().__init__(name="localizer")
        if localizer.config.training.system == "AherNet0":
            raise ValueError("AherNet0 groups snippets outside the graph: no export.")
        self._variables = ordered_variables(localizer.model)
        self._find = localizer.find.with_constants()
        self._refinement = localizer.refinement
        self._config = localizer.config
        self._steps = localizer.steps
        self._options = options
        self._fade_in_loop = fade_in_loop
        self.window_sec = options.window_sec
        if self.window_sec is None:
            self.window_sec = localizer.config.data.window_sec
        times = options.time_model
        rate = times.fps or (localizer.extraction or {}).get("fps")
        if self.window_sec and rate and times.covers == "clips":
            check_holds_clip(self.window_sec, times.covered_sec(1, rate))
        even = times.covers == "duration"
        #: Length of a clip in intervals between clips, as far as it is covered.
        self._reach = (
            1.0 if even or times.legacy else times.clip_frames / times.stride_frames
        )
        self.second_input = "duration_sec" if even else "fps"
        channels = localizer.model.feature_channels
        self.localize = tf.function(
            self._localize,
            input_signature=[
                tf.TensorSpec([None, channels], tf.float32, "features"),
                tf.TensorSpec([], tf.float32, self.second_input),
            ],
            autograph=False,
        )

    def _localize(self, features: tf.Tensor, timing: tf.Tensor) -> dict[str, tf.Tensor]:
        """Localises actions; `timing` is the frame rate or the duration."""
        clips = tf.shape(features)[0]
        if self.second_input == "fps":
            interval_sec = self._options.time_model.stride_frames / timing
        else:
            interval_sec = timing / tf.cast(clips, tf.float32)
        size, first = self._windows(clips, interval_sec)
        sequences = graph_operations.resample_windows(
            features,
            first,
            size,
            self._steps,
            self._reach,
            _MARGIN_SEC / interval_sec,
            self._config.data,
        )
        covered = tf.cast(size - 1, tf.float32) + self._reach  # in intervals
        step_sec = interval_sec * covered / self._steps
        found = graph_operations.best_of_each(
            self._find.rank(sequences), self._config.inference.candidates
        )
        if self._refinement is not None:
            found = graph_operations.refine(
                found, sequences, step_sec, self._refinement
            )
        offset = tf.cast(first, tf.float32) * self._steps / covered
        everything = tf.cast(clips - 1, tf.float32) + self._reach
        segments, score, label = self._merge(
            found._replace(segments=found.segments + offset[:, tf.newaxis, tf.newaxis]),
            everything / covered,
        )
        return {
            "segments_sec": tf.identity(segments * step_sec, "segments_sec"),
            "scores": tf.identity(score, "scores"),
            "labels": tf.identity(label, "labels"),
        }

    def _windows(
        self, clips: tf.Tensor, interval_sec: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the clips of a window, and the first clip of each."""
        window_sec = self.window_sec
        if not window_sec:
            return clips, tf.zeros([1], tf.int32)
        covered_sec = (tf.cast(clips - 1, tf.float32) + self._reach) * interval_sec
        size = tf.maximum(1, tf.cast(tf.round(window_sec / interval_sec), tf.int32))
        size = tf.where(covered_sec <= window_sec, clips, tf.minimum(size, clips))
        hop = tf.cast(size, tf.float32) * (1 - self._options.window_overlap)
        hop = tf.maximum(1, tf.cast(tf.round(hop), tf.int32))
        last = clips - size
        regular = tf.range((last + hop - 1) // hop) * hop
        return size, tf.concat([regular, last[tf.newaxis]], axis=0)

    def _merge(
        self, found: Candidates, lengths: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Keeps the best of candidates that overlap, of all windows together.

        Args:
            found: `[windows, candidates]`.
            lengths: How many windows long the video is.

        Returns:
            Segments, scores and labels, best first.
        """
        config, options = self._config.inference, self._options
        segments = tf.reshape(found.segments, [-1, 2])
        rank, score, label = (tf.reshape(part, [-1]) for part in found[1:4])
        keep = options.max_detections
        if keep is None:
            keep = tf.cast(tf.math.ceil(config.detections * lengths - 1e-3), tf.int32)
        if self._fade_in_loop and config.soft_nms_sigma > 0:
            kept, factor = graph_operations.fade_in_loop(
                segments, rank, config.soft_nms_sigma, keep
            )
        else:
            kept, factor = graph_operations.suppress(segments, rank, config, keep)
        score = tf.gather(score, kept) * factor
        good = tf.where(score >= options.min_score)[:, 0]
        kept, score = tf.gather(kept, good), tf.gather(score, good)
        score, order = tf.math.top_k(score, tf.shape(score)[0])
        kept = tf.gather(kept, order)
        return tf.gather(segments, kept), score, tf.gather(label, kept)
