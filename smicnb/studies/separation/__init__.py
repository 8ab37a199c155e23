"""Notebook 04: semantic separation (Fig. 10)."""
