"""Notebook 10: beyond the paper."""
