"""Quantisers of latents: scalar, vector, additive, shared with a prior, and behind a random rotation."""
