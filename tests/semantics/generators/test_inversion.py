import numpy as np
import pytest

from smicnb.base.errors import DimensionError, ImageError, SmicnbError, UnknownNameError
from smicnb.semantics.encoders.encoders import encode_collection
from smicnb.semantics.encoders.towers import resize_and_crop
from smicnb.semantics.generators.inversion import (
    SIDE,
    FeaturePainter,
    InversionGenerator,
    inversion,
    layout,
    sparse_code,
)
from smicnb.semantics.metrics.pairs import as_tensor, latent_cosine, psnr
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.selection import parse


@pytest.fixture(scope="module")
def gallery():
    """Twelve photographs of the gallery, of several scenes."""
    whole = image_collections.load("embedded").split("gallery")
    return Collection("few", whole.items[::12], whole.licence, whole.page, {})


@pytest.fixture(scope="module")
def wanted(lite0):
    """Latents (2, 384) of photographs of two held-out scenes, which the gallery does not show."""
    items = image_collections.load("embedded").split("heldout").items
    return lite0.encode_images([items[0].image(), items[-1].image()])


@pytest.fixture(scope="module")
def made(lite0, gallery, wanted):
    """The default generator, and its pictures of both latents."""
    generator = inversion(parse("inversion"), lite0, gallery)
    return generator, generator.generate(wanted, [3, 4])


def test_pictures_are_rgb_and_differ(made):
    _, pictures = made
    assert all(picture.shape == (SIDE, SIDE, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert psnr(pictures[:1], pictures[1:])[0] < 20


def test_same_latent_and_seed_give_the_same_bits_in_any_company(made, wanted):
    generator, pictures = made
    (alone,) = generator.generate(wanted[1:], [4])
    assert np.array_equal(alone, pictures[1])


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (
            {},
            "a new picture by a stand-in: gallery photographs composed and repainted with VGG19's features until the "
            "encoder finds the latent in it",
        ),
        ({"steps": 0}, "a picture by a stand-in: gallery photographs composed, seen once through VGG19's features"),
        (
            {"photographs": 1},
            "a new picture by a stand-in: the nearest gallery photograph repainted with VGG19's features until the "
            "encoder finds the latent in it",
        ),
        (
            {"photographs": 1, "steps": 0},
            "a picture by a stand-in: the nearest gallery photograph, seen once through VGG19's features",
        ),
    ],
)
def test_what_is_said_of_a_picture_is_what_was_done(lite0, gallery, settings, what):
    assert InversionGenerator(lite0, gallery, np.ones((len(gallery), lite0.dim)), **settings).what == what


def test_another_seed_gives_another_picture(lite0, gallery, wanted):
    quick = inversion(parse("inversion?steps=1"), lite0, gallery)
    one, other = quick.generate(wanted[[0, 0]], [0, 1])
    assert not np.array_equal(one, other)


def test_the_scale_of_a_latent_changes_nothing_that_can_be_seen(lite0, gallery, wanted):
    quick = inversion(parse("inversion?steps=0"), lite0, gallery)
    assert psnr(quick.generate(wanted[:1], [0]), quick.generate(7 * wanted[:1], [0]))[0] > 40


def test_the_encoder_sees_the_latent_better_than_in_what_it_started_from(made, lite0, gallery, wanted):
    _, pictures = made
    start = InversionGenerator(lite0, gallery, encode_collection(lite0, gallery), steps=0)
    before = latent_cosine(wanted, lite0.encode_images(start.generate(wanted, [3, 4])))
    nearest = (wanted @ encode_collection(lite0, gallery).T).argmax(axis=1)
    shown = latent_cosine(wanted, encode_collection(lite0, gallery)[nearest])
    after = latent_cosine(wanted, lite0.encode_images(pictures))
    assert (after > before + 0.1).all()
    assert (after > shown + 0.1).all()


def test_the_picture_is_no_photograph_of_the_gallery(made, gallery):
    _, pictures = made
    photographs = [resize_and_crop(item.image(), SIDE) for item in gallery]
    for picture in pictures:
        assert psnr([picture] * len(photographs), photographs).max() < 25


def test_it_inverts_any_encoder_with_gradients(clip, gallery, wanted):
    latents = np.random.default_rng(0).normal(size=(len(gallery), clip.dim)).astype(np.float32)
    generator = InversionGenerator(clip, gallery, latents, photographs=1, steps=2)
    (picture,) = generator.generate(latents[:1], [0])
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.std() > 0


@pytest.mark.parametrize("latents", [np.zeros((1, 384), np.float32), np.full((1, 384), 1e-30, np.float32)])
def test_a_latent_without_direction_still_gives_a_picture(lite0, gallery, latents):
    (picture,) = inversion(parse("inversion?steps=2"), lite0, gallery).generate(latents, [0])
    assert picture.std() > 0


def test_fingerprint_names_weights_and_settings(made):
    generator, _ = made
    assert generator.fingerprint["photographs"] == 3
    assert len(generator.fingerprint["weights"]) == 64
    assert all(isinstance(value, str | int | float) for value in generator.fingerprint.values())


def test_what_does_not_fit_is_refused(lite0, gallery, made, wanted):
    generator, _ = made
    latents = encode_collection(lite0, gallery)
    with pytest.raises(DimensionError, match=r"\(2, 7\)"):
        generator.generate(np.ones((2, 7)), [0, 1])
    with pytest.raises(DimensionError, match="1 seeds"):
        generator.generate(wanted, [0])
    with pytest.raises(DimensionError, match="12 gallery photographs"):
        InversionGenerator(lite0, gallery, latents[:3])
    with pytest.raises(ImageError, match="empty"):
        InversionGenerator(lite0, Collection("none", (), "", "", {}), latents[:0])
    with pytest.raises(SmicnbError, match="photographs ≥ 1"):
        inversion(parse("inversion?photographs=0"), lite0, gallery)
    with pytest.raises(UnknownNameError, match="photographs"):
        inversion(parse("inversion?photograph=2"), lite0, gallery)


def test_features_bring_photographs_back(gallery):
    painter, decibels = FeaturePainter(), []
    for item in gallery.items[:4]:
        pixels = as_tensor(resize_and_crop(item.image(), SIDE), 0, 1)
        features = painter.features(pixels)
        assert features.shape == (1, 512, SIDE // 8, SIDE // 8)
        assert features.min() == 0
        back = painter.decode(features)
        decibels.append(-10 * np.log10(float((back - pixels).square().mean())))
    assert 15 < np.mean(decibels) < 25


class TestSparseCode:
    rows = np.random.default_rng(0).normal(size=(20, 40))

    def test_finds_what_a_latent_was_made_of(self):
        chosen, shares = sparse_code(3 * self.rows[4] + self.rows[9], self.rows, 5)
        assert list(chosen) == [4, 9]
        assert shares == pytest.approx([0.75, 0.25])

    def test_no_more_than_allowed_and_no_negative_share(self):
        latent = np.random.default_rng(1).normal(size=40)
        chosen, shares = sparse_code(latent, self.rows, 3)
        assert len(set(chosen)) == len(chosen) <= 3
        assert (shares > 0).all()
        assert shares.sum() == pytest.approx(1)

    def test_falls_back_to_the_nearest_where_nothing_points_its_way(self):
        rows = np.eye(3)[:2]
        chosen, shares = sparse_code(np.array([-2.0, -1.0, 0.0]), rows, 2)
        assert (list(chosen), list(shares)) == ([1], [1.0])


@pytest.mark.parametrize("shares", [(1.0,), (0.7, 0.3), (0.5, 0.3, 0.2)])
def test_layout_gives_each_its_share(shares):
    parts = np.exp(layout(np.array(shares), np.random.default_rng(5)))
    areas = (parts / parts.sum(axis=0)).mean(axis=(1, 2))
    assert areas == pytest.approx(shares, abs=0.03)
