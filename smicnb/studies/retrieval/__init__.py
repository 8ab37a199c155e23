"""Notebook 11: retrieval."""
