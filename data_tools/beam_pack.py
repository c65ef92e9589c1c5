r"""Packs a data set on many machines, with Apache Beam.

    python -m data_tools.beam_pack --data /shared/k600 \
        --beam=runner=FlinkRunner --beam=flink_master=head:8081 \
        --beam=environment_type=LOOPBACK

Writes byte for byte what `data_tools.pack` writes, with the same flags. Data and
packed data lie in directories that all machines see under the same path (NFS, Lustre, a
mounted bucket); ahernet_tf is installed on each. First all features are looked at, then
the shards are packed, both on the workers; a second run goes on where the first ended.
`--beam` passes an option to the pipeline; without any it runs on this machine.
docs/DATA.md says how to run it on a cluster. Needs the extra `beam`.
"""

from __future__ import annotations

import functools
import pathlib
import time

from absl import flags

from ahernet_tf import program

from .pack import chosen_options, define_packing_flags, print_content


def main(values: flags.FlagValues) -> None:
    """Runs the program."""
    from ahernet_tf.data.packed import beam_work
    from ahernet_tf.data.packed.packed_data import DIRECTORY
    from ahernet_tf.data.packed.packing import BEAM, pack

    begin = time.monotonic()
    out = pathlib.Path(values.out or pathlib.Path(values.data, DIRECTORY)).absolute()
    run = functools.partial(
        beam_work.run_parts,
        directory=out / BEAM,
        options=[f"--{option}" for option in values.beam],
    )
    content = pack(values.data, out, chosen_options(values), values.replace, run)
    print_content(content, time.monotonic() - begin)


def define_flags() -> None:
    """Defines the program's flags."""
    define_packing_flags()
    flags.DEFINE_multi_string(
        "beam",
        [],
        "Option of the Beam pipeline without its dashes, such as runner=FlinkRunner. "
        "Repeatable.",
    )


if __name__ == "__main__":
    program.start(define_flags, main, needs=["apache_beam"])
