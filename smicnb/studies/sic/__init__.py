"""Notebook 09: SIC, trained."""
