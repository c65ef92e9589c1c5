"""A span of clips: what one sequence of a stream is made of."""

from __future__ import annotations

from typing import NamedTuple


class ClipSpan(NamedTuple):
    """Clips of a video that become one sequence.

    Attributes:
        video: Id of the video.
        first_clip: First clip of the span.
        end_clip: Clip after its last.
        label: Class name; "" for a whole untrimmed video.
        duration_sec: Real length of what the span shows, in seconds.
        fps: Frame rate of the video; None where the time model needs none.
    """

    video: str
    first_clip: int
    end_clip: int
    label: str
    duration_sec: float
    fps: float | None = None

    @property
    def clips(self) -> int:
        """The number of clips."""
        return self.end_clip - self.first_clip
