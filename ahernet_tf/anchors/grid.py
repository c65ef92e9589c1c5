"""The anchor grid over the levels of the pyramid (Eq. 3).

Level j = 1..J has one cell every `4 * 2**(j - 1)` steps (its stride) and one anchor per
cell and ratio. Wherever anchors stand in one axis, their order is level, cell, ratio.
"""

from __future__ import annotations

import numpy as np

FIRST_STRIDE = 4


def strides(levels: int) -> list[int]:
    """Returns the stride of every level, in steps: 4, 8, 16, ..."""
    return [FIRST_STRIDE * 2**level for level in range(levels)]


def cells_per_level(steps: int, levels: int) -> list[int]:
    """Returns how many cells each level's map has for a sequence of `steps` steps.

    This follows the convolutions (an unpadded pooling, then strides of 2), so it also
    holds where a short sequence leaves the last levels with one cell each.

    Raises:
        ValueError: The sequence is too short for the pooling.
    """
    if steps < 3:
        raise ValueError(f"Expected a sequence of at least 3 steps, received {steps}.")
    cells, result = (steps - 3) // 2 + 1, []
    for _ in range(levels):
        cells = -(-cells // 2)
        result.append(cells)
    return result


def level_anchors(
    cells: int, stride: int, ratios: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns centres `[cells]` and lengths `[ratios]` of one level, in steps."""
    centres = (np.arange(cells, dtype=np.float32) + np.float32(0.5)) * stride
    return centres, np.asarray(ratios, np.float32) * np.float32(stride)


def grid(steps: int, levels: int, ratios: tuple[float, ...]) -> np.ndarray:
    """Returns all anchors of a sequence as `[centre, length]`.

    Args:
        steps: Length of the sequence.
        levels: Number of levels.
        ratios: Lengths of a cell's anchors, in strides of its level.

    Returns:
        `[anchors, 2]` float32, steps.
    """
    rows = []
    for cells, stride in zip(cells_per_level(steps, levels), strides(levels)):
        centres, lengths = level_anchors(cells, stride, ratios)
        rows.append(np.stack(np.meshgrid(centres, lengths, indexing="ij"), axis=-1))
    return np.concatenate([row.reshape(-1, 2) for row in rows])
