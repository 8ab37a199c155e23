"""Notebook 00: transform coding."""
