"""Table 1: average mAP of seven weight transfers between two bounds.

    python -m experiments.table1 --data DIR --workdir W --seeds 0,1,2

Trains what W does not hold yet (W/<system>/<seed>, each by experiments.train), prints
the table with our mean and standard deviation beside the published numbers, and writes
W/table1.md, .csv and .json. Ctrl-C saves and stops; the same command continues.
"""

from __future__ import annotations

from .paper import tables
from .paper.published import TABLE_1

if __name__ == "__main__":
    tables.start(TABLE_1)
