"""Recomputes every number of a recording of the 2020 release and compares.

    python -m experiments.parity --golden DIR

Builds the network of DIR from its own weights, imports them by the release's variable
names, recomputes each recorded array (anchors, matching, forward passes, synthesis,
losses, gradients, three iterations of training, inference, resampling) and prints a
line an array. The exit status is 1 if any array differs by more than its arithmetic
allows, or is one that nothing here recomputes. Nothing depends on one recording: any
directory of the same kind will do.
"""

from __future__ import annotations

import sys

from absl import app, flags

from ahernet_tf.models.checkpoint import compute_products_in
from experiments.parity import judgement
from experiments.parity.recording import Recording


def main(argv: list[str]) -> int:
    """Runs the program."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected argument '{argv[1]}'.")
    compute_products_in("float32")
    try:
        comparisons = judgement.judge(Recording(flags.FLAGS.golden))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    failed = [comparison for comparison in comparisons if not comparison.passes()]
    print(f"{len(comparisons)} arrays compared, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    flags.DEFINE_string("golden", None, "Directory of a recording.", required=True)
    app.run(main)
