"""Make smicnb/codec/format/data/lite0_minilm.safetensors: what both sides know of lite0-minilm's latents beforehand.

Axes and scales are of the covariance of ImageNet's class prototypes, the rows of the encoder's own classifier, brought
into its space by its own map: no photograph goes into them. Words are the embeddings of the project's word list.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from smicnb.codec.format import quantise
from smicnb.codec.format.priors import BITS, FOLDER, NORM, scale_of
from smicnb.semantics.encoders import encoders, lite0_minilm
from smicnb.semantics.photographs.words import words


def main(target: Path) -> None:
    """Write the file."""
    encoder = encoders.encoder("lite0-minilm")
    _, prototypes = lite0_minilm.image_features()
    mapped = (prototypes - prototypes.mean(axis=0)) @ encoder._projection["map"].astype(np.float64)
    mapped = NORM * lite0_minilm.unit_rows(mapped)
    values, axes = np.linalg.eigh(np.cov(mapped.T, bias=True))
    values, axes = values[::-1] * NORM**2 / values.sum(), axes.T[::-1]
    largest = np.abs(axes).argmax(axis=1, keepdims=True)
    axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
    listed = encoder.encode_text(words().words).astype(np.float64)
    tensors = {
        "axes": quantise.atom_levels(axes, BITS).astype(np.uint8),
        "scales": scale_of(np.sqrt(np.maximum(values, 0))).astype(np.uint8),
        "words": quantise.atom_levels(lite0_minilm.unit_rows(listed), BITS).astype(np.uint8),
    }
    about = {
        "encoder": encoder.name,
        "weights": encoder.weights_hash,
        "what": "covariance of ImageNet's class prototypes in the encoder's own classifier; no photograph",
        "words": "\n".join(words().words),
    }
    target.write_bytes(save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, about))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "lite0_minilm.safetensors")
