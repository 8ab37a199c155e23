"""How a user's editor sees what the package offers: `make check` reads the types here, and nothing runs it."""

from pathlib import Path
from typing import assert_type

import numpy as np
import pandas as pd

import smicnb
from smicnb import codec, compare, learned, semantics
from smicnb.codec.coders.choice import Way
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.spaces import SemanticSpace

photographs = assert_type(smicnb.load("embedded"), Collection)
encoder = assert_type(semantics.encoder("lite0-minilm"), SemanticEncoder)
latents = assert_type(smicnb.encode_collection(encoder, photographs), np.ndarray)
space = assert_type(semantics.space("lite0-minilm", "retrieval", photographs), SemanticSpace)
image = assert_type(semantics.read_image("a.jpg"), np.ndarray)

atoms = assert_type(codec.SemanticDictionary(n_atoms=8, penalty=0.2).fit(latents).transform(latents), np.ndarray)
file = assert_type(codec.SMICCodec(n_atoms=8).fit(latents).encode(latents), bytes)
assert_type(codec.AxesCodec().fit(latents).encode(latents), bytes)
assert_type(codec.SmicReader(file).latents(), np.ndarray)
assert_type(codec.decode(file), np.ndarray)
assert_type(codec.ways(latents, cosine=0.8), list[Way])

coder = assert_type(learned.open_codec("full/low/0"), TacoCodec | SicCodec)
assert_type(learned.model_of_file(file), Path)
assert_type(compare.evaluate([], photographs), pd.DataFrame)
assert_type(compare.bd_rate(latents, latents, latents, latents), float)
