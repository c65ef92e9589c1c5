"""States what one clip of a Pseudo-3D network is: its length and its image size."""

from __future__ import annotations

import dataclasses

FUSIONS = ("caffe", "torch")


@dataclasses.dataclass(frozen=True)
class ClipFormat:
    """What a network reads: frames per clip, the resize and the crop before it.

    The defaults are the published network's: every frame is resized to 182 rows and
    242 columns whatever its shape, and a square of 160 is cut out.

    Attributes:
        clip_frames: Frames of one clip.
        resize_height: Rows of the resized frame.
        resize_width: Columns of the resized frame.
        crop_size: Rows and columns of the square that is cut out.
    """

    clip_frames: int = 16
    resize_height: int = 182
    resize_width: int = 242
    crop_size: int = 160

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"Expected {field.name} to be a whole number of at least 1, "
                    f"received {value!r}."
                )
        if self.crop_size > min(self.resize_height, self.resize_width):
            raise ValueError(
                f"A crop of {self.crop_size} does not fit into frames resized to "
                f"{self.resize_height}x{self.resize_width}."
            )

    @classmethod
    def for_crop(cls, crop_size: int, clip_frames: int = 16) -> ClipFormat:
        """Returns the format whose resize keeps the published ratio to the crop.

        Args:
            crop_size: Rows and columns of the square; 160 gives 182x242.
            clip_frames: Frames of one clip.
        """
        return cls(
            clip_frames=clip_frames,
            resize_height=round(crop_size * 182 / 160),
            resize_width=round(crop_size * 242 / 160),
            crop_size=crop_size,
        )

    @property
    def crop_corner(self) -> tuple[int, int]:
        """Row and column where the centre crop begins."""
        return (
            (self.resize_height - self.crop_size) // 2,
            (self.resize_width - self.crop_size) // 2,
        )


def check_fusion(fusion: str) -> str:
    """Returns `fusion` when it names a flavour.

    Raises:
        ValueError: It is neither "caffe" nor "torch".
    """
    if fusion not in FUSIONS:
        raise ValueError(f'Expected fusion "caffe" or "torch", received {fusion!r}.')
    return fusion
