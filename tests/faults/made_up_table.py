"""A table of the paper whose runs are made up, as a program."""

import dataclasses
import pathlib
import sys

from absl import flags

from experiments.paper import published, tables
from experiments.paper.columns import Plan, columns

TABLE = dataclasses.replace(published.TABLE_2, systems=("AherNet-", "AherNet"))
TRAIN = """
import json, pathlib, sys
flags = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)
score = 0.1 * len(flags["--system"])
maps = {f"{0.5 + 0.05 * n:.2f}": score for n in range(10)}
metrics = {"average_map": score, "map_at_tiou": maps, "auc": 60.0}
pathlib.Path(flags["--workdir"], "metrics.json").write_text(json.dumps(metrics))
"""


def define_flags():
    flags.DEFINE_string("data", None, "Data set.", required=True)
    flags.DEFINE_string("workdir", None, "Gets the runs and the table.", required=True)


def main(values):
    workdir, plan = pathlib.Path(values.workdir), Plan("small", seeds=(0,))
    column = columns([values.data], workdir, plan)[0]
    trainer = (sys.executable, "-S", "-c", TRAIN)
    tables.make_table(TABLE, [column], workdir, plan, 2, 0, trainer, progress=False)
