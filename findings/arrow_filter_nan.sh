#!/usr/bin/env bash
# ground: collections
# guess: 13
# expects: the parquet filter `x != 1` keeps rows where x is NaN, as numpy and pyarrow in memory do
# happens: it does, unless all other numbers of the row group are 1: then the group is left out by its statistics,
#   which NaN does not enter
# packages: pyarrow==26.0.1 numpy==2.4.6
# seen: [1, 2, NaN] gives 2 rows; [1, 1, NaN] none, and in memory one
# matters: failed measurements (NaN) vanish from a sweep's table or stay, by what happens to lie beside them in the
#   file
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def kept(numbers):
    pq.write_table(pa.table({"x": numbers}), "numbers.parquet")
    by_file = pq.read_table("numbers.parquet", filters=[("x", "!=", 1)])["x"].to_pylist()
    in_memory = pa.table({"x": numbers}).filter(pc.field("x") != 1)["x"].to_pylist()
    return by_file, in_memory


print(f"pyarrow {pa.__version__}: rows with x != 1, read from parquet and from memory")
results = {}
for numbers in ([1.0, 2.0, np.nan], [1.0, 1.0, np.nan]):
    results[len(results)] = kept(numbers)
    print(numbers, "→", *results[len(results) - 1])
counts = [tuple(len(part) for part in result) for result in results.values()]
sys.exit(None if counts == [(2, 2), (0, 1)] else "changed: NaN is kept, or dropped, whatever else the file holds")
END
