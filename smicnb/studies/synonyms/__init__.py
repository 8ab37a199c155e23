"""Notebook 09: SIC's theory on small sources."""
