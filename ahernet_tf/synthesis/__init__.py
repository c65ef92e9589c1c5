"""How a moment becomes a sequence with an action in it (section 3.3, Eq. 2).

A mode is one file: its draw, its layout, and what it needs. `MODES` is the only list.
"""

from ahernet_tf.synthesis import single, tiled, transplanted, whole
from ahernet_tf.synthesis.mode import DrawInputs, Stretch, SynthesisMode

#: By `synthesis.mode`.
MODES: dict[str, SynthesisMode] = {
    "single": single.MODE,
    "tiled": tiled.MODE,
    "transplanted": transplanted.MODE,
    "whole": whole.MODE,
}

__all__ = ["MODES", "DrawInputs", "Stretch", "SynthesisMode"]
