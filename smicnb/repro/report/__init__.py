"""The report: a static site of every figure and table, beside the papers' own, that needs no network."""
