"""What is looked for: sums of texts, texts beside photographs, and what is none."""

import numpy as np
import pytest

from smicnb.base.errors import ImageError, SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.search import queries
from smicnb.codec.search.index import SemanticIndex
from smicnb.codec.search.queries import Term, parse_terms
from smicnb.semantics.encoders import encoders


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a red barn by a lake", [Term(1, "a red barn by a lake")]),
        ("barn +snow -people", [Term(1, "barn"), Term(1, "snow"), Term(-1, "people")]),
        ("barn + deep snow - many people", [Term(1, "barn"), Term(1, "deep snow"), Term(-1, "many people")]),
        ("-people", [Term(-1, "people")]),
        ("\u2212people", [Term(-1, "people")]),
        ("a semi-detached house, C++ and 1-2", [Term(1, "a semi-detached house, C++ and 1-2")]),
        ("  +été\tby the sea ", [Term(1, "été\tby the sea")]),
    ],
)
def test_a_sum_has_terms(text, found):
    assert parse_terms(text) == found


@pytest.mark.parametrize("text", ["", " \n", "+", "barn -", "barn + -people", "- -", "a" * 1001, "barn -!?"])
def test_texts_that_are_none(text):
    with pytest.raises(SmicnbError):
        parse_terms(text)


@pytest.fixture(scope="module")
def index():
    model = encoders.encoder("lite0-minilm")
    latents = np.random.default_rng(0).standard_normal((9, model.dim))
    codec = AxesCodec(fidelity=90, encoder=model.name, weights_hash=model.weights_hash).fit(latents)
    return SemanticIndex.open(codec.encode(latents))


def test_texts_and_images_become_latents_of_norm_one_and_sums_add_them(index):
    model = encoders.encoder("lite0-minilm")
    image = np.random.default_rng(1).integers(256, size=(64, 80, 3), dtype=np.uint8)
    texts = model.encode_text(["barn", "snow", "people"]).astype(float)
    barn, snow, people = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    picture = model.encode_images([image])[0].astype(float)
    total = barn + snow - people
    rows = index.latents(["barn", "barn +snow -people", image])
    want = np.stack([barn, total / np.linalg.norm(total), picture / np.linalg.norm(picture)])
    np.testing.assert_allclose(rows, want, atol=1e-7)
    np.testing.assert_array_equal(index.latents("barn"), rows[:1])
    np.testing.assert_array_equal(index.latents(image), rows[2:])
    np.testing.assert_array_equal(index.latents(np.stack([image, image]))[1:], rows[2:])
    both = queries.encode_sum([image, "-snow"], index.header)
    np.testing.assert_allclose(both / np.abs(both).max(), (d := want[2] - snow) / np.abs(d).max(), atol=1e-6)
    assert [len(hits) for hits in index.search(["barn", image], k=4)] == [4, 4]
    assert index.search([]) == []


def test_images_that_are_none(index, tmp_path):
    with pytest.raises(ImageError, match="RGB uint8"):
        index.search(np.zeros((64, 64, 4), np.uint8))
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        index.search(tmp_path / "a.jpg")
