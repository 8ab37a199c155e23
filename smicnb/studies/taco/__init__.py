"""Notebook 08: TACO and its parts."""
