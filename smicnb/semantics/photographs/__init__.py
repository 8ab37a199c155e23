"""Photographs as they come: collections by name, their splits, and one way from a file to RGB."""
