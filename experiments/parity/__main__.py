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

from absl import flags

from ahernet_tf import files, program


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    from ahernet_tf.models.checkpoint import compute_products_in

    from . import judgement
    from .recording import Recording

    compute_products_in("float32")
    comparisons = judgement.judge(Recording(values.golden))
    failed = [comparison for comparison in comparisons if not comparison.passes()]
    print(f"{len(comparisons)} arrays compared, {len(failed)} failed")
    if values.json:
        names = [comparison.name for comparison in failed]
        files.write_json(values.json, {"compared": len(comparisons), "failed": names})
    return 1 if failed else 0


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string("golden", None, "Directory of a recording.", required=True)
    flags.DEFINE_string("json", None, "Where to write which arrays failed, as JSON.")


if __name__ == "__main__":
    program.start(define_flags, main)
