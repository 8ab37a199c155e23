"""Reproducible notebooks and a codec for semantic multi-item image compression.

Rooms, in the only order in which they may import one another:
base -> semantics -> codec -> learned -> compare -> repro -> cli.
"""

__version__ = "0.1.0"
