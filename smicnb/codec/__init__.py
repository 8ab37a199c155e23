"""Meaning to bytes and back: the semantic dictionary and the rate models."""
