"""Coders of latents as image codecs: a record is decoded from bytes alone, and every bit of a collection is counted."""

import contextlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import ImageError, IntegrityError
from smicnb.codec.format.reader import SmicReader
from smicnb.compare.images import evaluate, generated
from smicnb.compare.images.generated import (
    BEYOND,
    CLIP_INTRA,
    INTRA_BITS,
    QUALITIES,
    ScalarRecords,
    SemanticImages,
    SmicRecords,
)
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.spaces import SemanticSpace


@pytest.fixture(scope="module")
def space(embedded):
    gallery = embedded.split("gallery")
    encoder = encoders.encoder("lite0-minilm")
    return SemanticSpace(encoder, RetrievalGenerator(gallery, encoders.encode_collection(encoder, gallery)))


@pytest.fixture(scope="module")
def codecs(space, embedded):
    return generated.semantic_codecs(space, space.encode(embedded.split("train")), 1)


@pytest.fixture(scope="module")
def heldout(space, embedded):
    return space.encode(embedded.split("heldout"))


def test_the_models_in_both_codings_and_clip_intra(codecs):
    names = [codec.name for codec in codecs]
    beyond = [BEYOND] * len(QUALITIES)
    assert names == ["SMIC, entropy coded"] * 3 + ["SMIC, tuples"] * 3 + beyond + [CLIP_INTRA] * len(INTRA_BITS)
    assert [codec.setting for codec in codecs[:3]] == ["low", "medium", "high"]
    assert len({str(codec.fingerprint) for codec in codecs}) == len(codecs)


def test_a_second_decoder_needs_what_was_sent_once_and_the_record(codecs, heldout):
    """Fidelity rises with the model, and both codings of one model hold the same latents."""
    cosines = {}
    for codec in codecs:
        ours = codec.records
        again = SmicRecords(ours.once) if codec.name != CLIP_INTRA else ScalarRecords(ours.once, heldout.shape[1])
        records = [ours.pack(row[None]) for row in heldout[::20]]
        back = np.concatenate([again.unpack(record) for record in records])
        np.testing.assert_array_equal(back, np.concatenate([ours.unpack(record) for record in records]))
        cosines[codec.name, codec.setting] = latent_cosine(heldout[::20], back).mean()
    entropy, tuples, intra = (list(cosines.values())[start : start + 3] for start in (0, 3, 6 + len(QUALITIES)))
    beyond = list(cosines.values())[6 : 6 + len(QUALITIES)]
    assert beyond == sorted(beyond)
    np.testing.assert_allclose(beyond, QUALITIES, atol=0.1)  # of other scenes than those it is asked for
    assert entropy == tuples == sorted(entropy)
    assert intra == sorted(intra)
    assert intra[-1] > 0.98


def test_what_is_sent_once_is_a_file_of_no_image(codecs):
    for codec in codecs[: 6 + len(QUALITIES)]:
        with SmicReader(codec.records.once) as opened:
            assert len(opened) == 0
            assert opened.header.encoder == "lite0-minilm"
        assert codec.once_bits == 8 * len(codec.records.once)
    sizes = [codec.once_bits for codec in codecs[:3]]
    assert sizes == sorted(sizes)
    assert sizes[1] > 128 * 384 * 4  # the atoms of medium


def test_pictures_have_the_size_that_the_bytes_say_and_are_the_generators(codecs, space, embedded):
    medium = codecs[1]
    for item in embedded.split("heldout").items[:2]:
        image = item.image()[:201, :333]
        data = medium.encode(image, "a caption")
        picture = medium.decode(data)
        assert picture.shape == image.shape
        assert picture.dtype == np.uint8
        latent = medium.records.unpack(medium.records.pack(space.encoder.encode_images([image])))
        (made,) = space.generate(latent, 1)
        seen = space.encoder.encode_images([made, picture])
        assert latent_cosine(seen[:1], seen[1:])[0] > 0.6  # cropped and resized, and still the same photograph
        assert len(data) < 150


def test_sizes_are_counted(codecs, embedded):
    image = embedded.split("heldout").items[0].image()
    low = codecs[0]
    one, other = low.encode(image[:100, :100]), low.encode(image[:300, :100])
    assert one[:2] == bytes([100, 100])
    assert other[:3] == bytes([100, 300 % 128 + 128, 300 // 128])


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=40))
def test_bytes_that_no_encoder_wrote_are_told_or_make_a_picture(codecs, data):
    for codec in (codecs[1], codecs[4], codecs[6], codecs[-1]):
        if len(data) > 1 and data[0] < 128 and data[1] < 128:  # sides of at most 127 pixels
            with contextlib.suppress(IntegrityError):
                assert codec.decode(data).ndim == 3
        else:
            with pytest.raises(IntegrityError):
                codec.decode(data[:1] + b"\xff\xff\xff\xff\xff\x01")


def test_wrong_images_are_told(codecs):
    with pytest.raises(ImageError):
        codecs[0].encode(np.zeros((32, 32, 3), np.float32))


def test_a_share_of_what_is_sent_once_is_added_and_nothing_else(codecs):
    points = pd.DataFrame(
        {
            "codec": ["SMIC, entropy coded", "JPEG", CLIP_INTRA],
            "setting": ["medium", "quality 1", "1 bit"],
            "bytes": [50.0, 900.0, 53.0],
            "bpp": [0.004, 0.072, 0.00424],
            "psnr": [8.0, 20.0, 7.0],
        }
    )
    shared = generated.add_share(points, codecs, 1000)
    assert list(shared["codec"]) == ["SMIC, entropy coded, n = 1000", f"{CLIP_INTRA}, n = 1000"]
    medium = codecs[1].once_bits
    assert shared["bytes"][0] == pytest.approx(50 + medium / 8000)
    assert shared["bpp"][0] == pytest.approx((400 + medium / 1000) / 100_000)
    assert shared["bpp"][1] == pytest.approx(0.00424, rel=1e-3)
    assert list(shared["psnr"]) == [8.0, 7.0]
    once = generated.add_share(points, codecs, 1)
    assert 8 * once["bytes"][0] == pytest.approx(400 + medium)


def test_in_the_protocol_every_image_has_its_own_bytes(fresh_cache, codecs, embedded):
    some = replace(embedded, items=embedded.split("heldout").items[:2])
    table = evaluate.points(evaluate.evaluate(codecs[:2], some, ["psnr"]))
    for row in table.itertuples():
        item = next(item for item in some if item.id == row.image)
        image = item.image()
        codec = next(codec for codec in codecs if (codec.name, codec.setting) == (row.codec, row.setting))
        assert row.bytes == len(codec.encode(image))
        assert row.bpp == 8 * row.bytes / (image.shape[0] * image.shape[1])


class Fails(SemanticImages):
    """A generator that has nothing for an image."""

    def decode(self, data):
        raise IntegrityError("found nothing to show")


def test_a_failing_semantic_codec_is_counted(fresh_cache, codecs, space, embedded):
    some = replace(embedded, items=embedded.split("heldout").items[:1])
    broken = Fails("broken", "medium", codecs[1].records, space, generated.encode_image(space), 1)
    table = evaluate.evaluate([broken, codecs[0]], some, ["psnr"])
    assert list(evaluate.failures(table)["codec"]) == ["broken"]
    assert list(evaluate.points(table)["codec"]) == ["SMIC, entropy coded"]
