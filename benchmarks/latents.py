"""Latents to measure speed on: those of real photographs, mixed in pairs and with noise, so that there are enough."""

import numpy as np

NORM = 20.0
NOISE = 0.1  # of the norm
MOST_MIXED = 0.5  # share of the second latent of a pair


def latents(count: int, collection: str = "embedded", seed: int = 0) -> np.ndarray:
    """(count, L) float64 of norm 20, of the default encoder's space."""
    from smicnb.semantics.encoders import encoders
    from smicnb.semantics.photographs import image_collections

    real = encoders.encode_collection(encoders.encoder("lite0-minilm"), image_collections.load(collection)).astype(
        float
    )
    real /= np.linalg.norm(real, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    first, second = rng.integers(len(real), size=(2, count))
    share = MOST_MIXED * rng.random((count, 1))
    mixed = (1 - share) * real[first] + share * real[second]
    mixed += NOISE * rng.standard_normal(mixed.shape) / np.sqrt(mixed.shape[1])
    return NORM * mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
