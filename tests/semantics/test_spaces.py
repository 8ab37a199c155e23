import numpy as np
import pytest

from smicnb.base.errors import DimensionError, ImageError, SmicnbError, UnknownNameError
from smicnb.semantics.generators.generators import RetrievalGenerator, generator
from smicnb.semantics.spaces import SemanticSpace, normalise, space


@pytest.fixture(scope="module")
def lite0_space(embedded):
    return space("lite0-minilm", "retrieval", embedded.split("gallery"))


def test_normalise_keeps_direction_and_zero():
    latents = np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]])
    assert np.allclose(normalise(latents), [[12, 16], [0, 0], [20, 0]])


def test_retrieval_returns_a_gallery_photograph_to_its_own_latent(embedded, lite0_space):
    gallery = embedded.split("gallery")
    latents = lite0_space.encode(gallery)
    rows = [3, 60, 110]
    found = lite0_space.generator.nearest(7.5 * latents[rows])
    assert [item.id for item in found] == [gallery.items[row].id for row in rows]
    images = lite0_space.generate(latents[rows], seeds=1)
    assert all(np.array_equal(image, item.image()) for image, item in zip(images, found, strict=True))


def test_gallery_shares_no_scene_with_what_is_coded(embedded):
    gallery = set(embedded.split("gallery").scenes)
    assert not gallery & (set(embedded.split("train").scenes) | set(embedded.split("heldout").scenes))


def test_only_the_split_that_is_never_coded_is_said_to_share_no_scene(lite0_space, embedded, lite0):
    assert "the nearest photograph of another scene" in lite0_space.generator.what
    for gallery in (embedded, embedded.split("train")):
        few = type(gallery)(gallery.name, gallery.items[:2], "", "", {})
        assert generator("retrieval", lite0, few).what == (
            f"the nearest photograph of the gallery '{gallery.name}', not a new picture"
        )


def test_what_comes_without_a_source_is_given_none(embedded, lite0):
    for name in ("retrieval:auto", "inversion:auto?steps=2"):
        family = name.partition(":")[0]
        with pytest.raises(SmicnbError, match=f"found '{family}:auto'; needed: '{family}' without a source"):
            generator(name, lite0, embedded)


def test_retrieved_photographs_come_back_as_one_object(lite0_space, embedded):
    latent = lite0_space.encode(embedded.split("gallery"))[:1]
    first, second = lite0_space.generate(np.repeat(latent, 2, axis=0), seeds=1)
    assert first is second


def test_every_latent_is_given_its_norm_and_seed_and_every_image_is_counted(lite0_space):
    seen, norms = [], []

    class Recording:
        name, dim, what, fingerprint = "recording", 384, "", {"revision": "abc"}

        def generate(self, latents, seeds):
            seen.append(list(seeds))
            norms.extend(np.linalg.norm(latents, axis=1))
            return [np.zeros((8, 8, 3), np.uint8)] * len(latents)

    space = SemanticSpace(lite0_space.encoder, Recording())
    latents = np.random.default_rng(0).normal(size=(3, 384))
    assert str(space.cost) == "no images generated"
    space.generate(latents, 5)
    space.generate(latents, [1, 2, 3])
    assert space.generate(latents[:0], 5) == []
    assert seen == [[5, 5, 5], [1, 2, 3]]
    assert norms == pytest.approx([20] * 6)
    assert space.cost.images == 6
    assert 0 < space.cost.seconds < 5
    assert space.cost.peak_bytes > 2**20
    assert str(space.cost).startswith("6 images generated, ")
    assert space.fingerprint["generator_revision"] == "abc"
    with pytest.raises(DimensionError, match="found 2 seeds for 3 latents"):
        space.generate(latents, [1, 2])


def test_dimensions_are_checked(lite0_space, embedded):
    gallery = embedded.split("gallery")
    other = RetrievalGenerator(gallery, np.ones((len(gallery), 768), np.float32))
    with pytest.raises(DimensionError, match="384 dimensions, generator 'retrieval' takes 768"):
        SemanticSpace(lite0_space.encoder, other)
    with pytest.raises(DimensionError, match=r"\(2, 5\); needed: \(n, 384\)"):
        lite0_space.generate(np.ones((2, 5)), 1)
    with pytest.raises(DimensionError, match="found 7 latents for"):
        RetrievalGenerator(gallery, np.ones((7, 384)))


def test_empty_gallery_and_unknown_generator(lite0_space, embedded):
    gallery = embedded.split("gallery")
    empty = type(gallery)("empty", (), "", "", {})
    with pytest.raises(ImageError, match="gallery of the retrieval generator is empty"):
        RetrievalGenerator(empty, np.zeros((0, 384)))
    with pytest.raises(UnknownNameError, match="did you mean 'retrieval'"):
        generator("retrival", lite0_space.encoder, gallery)


def test_latents_are_named_by_their_nearest_words(lite0_space, embedded):
    cat = next(item for item in embedded if item.scene == "cat" and item.id.endswith("#full"))
    latent = lite0_space.encoder.encode_images([cat.image()])
    (names,) = lite0_space.name_latents(latent, ["a cat", "a rocket", "a mountain", "a bridge"], 2)
    assert names[0][0] == "a cat"
    assert names[0][1] > names[1][1]
    assert lite0_space.nearest_words(latent, ["a cat", "a rocket"]) == ["a cat"]


def test_fingerprint_names_what_a_record_needs(lite0_space):
    assert set(lite0_space.fingerprint) == {"encoder", "weights", "generator", "norm"}
    assert np.array_equal(lite0_space.mean, lite0_space.encoder.mean)
