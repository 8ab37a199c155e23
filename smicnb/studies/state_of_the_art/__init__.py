"""Notebook 07: SMIC beside the codecs of today."""
