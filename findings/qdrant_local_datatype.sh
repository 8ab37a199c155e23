#!/usr/bin/env bash
# ground: search
# guess: 18
# expects: in Qdrant's client in memory the scores of quantised vectors show what quantisation costs, as the server's do
# happens: `Datatype.UINT8` is accepted and told back, and floats are kept and scored; binary quantisation is accepted
#   and forgotten; neither gives a warning when a collection is made or filled
# packages: qdrant-client==1.20.0 numpy==2.4.6
# seen: values such as 217.4 in a UINT8 collection come back as 217.4 and score as in float32
# matters: recall and precision that are tried out in memory are those of float32, whatever was asked for
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
import warnings

import numpy as np
from qdrant_client import QdrantClient, models

vectors = np.random.default_rng(0).integers(0, 256, (200, 64)) + 0.4
client, found = QdrantClient(":memory:"), {}
sign = models.BinaryQuantization(binary=models.BinaryQuantizationConfig())
with warnings.catch_warnings():
    warnings.simplefilter("error")
    for name, of_vectors, of_all in (
        ("float32", {}, None),
        ("UINT8", {"datatype": models.Datatype.UINT8}, None),
        ("binary", {}, sign),
    ):
        size = models.VectorParams(size=64, distance=models.Distance.DOT, **of_vectors)
        client.create_collection(name, vectors_config=size, quantization_config=of_all)
        points = [models.PointStruct(id=row, vector=vector.tolist()) for row, vector in enumerate(vectors)]
        client.upsert(name, points)
        (first,) = client.query_points(name, query=vectors[0].tolist(), limit=1, with_vectors=True).points
        found[name] = (first.id, first.score, first.vector)
        print(f"{name}: nearest {first.id}, score {first.score:.1f}, first values {np.round(first.vector[:3], 3)}")
told = client.get_collection("UINT8").config.params.vectors.datatype
print("the collection says", told)
same = found["float32"] == found["UINT8"] == found["binary"] and told == models.Datatype.UINT8
sys.exit(None if same else "changed: what is stored in memory depends on the datatype")
END
