"""Notebooks 02 and 03: dictionaries and what they decode to (Fig. 6 to 9, Tables I and II)."""
