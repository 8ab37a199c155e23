"""Every coder of latents: what the encoder predicts is what a fresh decoder finds in the bytes, here and elsewhere."""

import hashlib
import subprocess
import sys
import zlib

import numpy as np
import pytest
from damaged_bytes import count_decoded
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.compare.latents.protocol import CHECK, QuantisedCoder, Spent
from smicnb.compare.latents.quantisers.scalar import FixedScalar, SteppedScalar
from smicnb.compare.latents.transforms import KLT, NORM, UNIT, RandomRotation, Truncation, normalise
from smicnb.semantics.metrics.pairs import latent_cosine


def scalar_coders():
    return [
        QuantisedCoder(FixedScalar("signs", Truncation(), 1), entropy=False),
        QuantisedCoder(FixedScalar("intra", Truncation(), 3)),
        QuantisedCoder(FixedScalar("rotation", RandomRotation(2), 2), entropy=False),
        QuantisedCoder(FixedScalar("matryoshka", Truncation(1, True), 4)),
        QuantisedCoder(SteppedScalar("KLT", KLT(), 2.0)),
        QuantisedCoder(SteppedScalar("KLT, dead zone", KLT(3, 5), 0.5, 0.2)),
        QuantisedCoder(SteppedScalar("rotation", RandomRotation(2), 1.0)),
        QuantisedCoder(SteppedScalar("matryoshka", Truncation(1, True), 3.0, 0)),
    ]


def fresh(coder):
    """A coder of the same kind that has seen nothing, with other settings."""
    setting = {FixedScalar: 7, SteppedScalar: 17.0}[type(coder.quantiser)]
    return QuantisedCoder(type(coder.quantiser)("fresh", Truncation(), setting))


def latents(images, dim, seed, kind="any"):
    """Latents with a mean and axes of unequal variance, of any norm."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((images, dim)) * np.geomspace(3, 0.1, dim) + rng.standard_normal(dim)
    if kind == "identical":
        Z[:] = Z[0]
    if kind == "zero":
        Z[0] = 0
    return Z.astype(np.float32)


some = st.builds(
    latents,
    st.sampled_from([1, 2, 5, 12, 70]),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["any", "identical", "zero"]),
)


@given(some, some, st.integers(0, len(scalar_coders()) - 1))
@settings(deadline=None)
def test_what_was_predicted_is_decoded_from_the_bytes_alone(Z_train, Z, which):
    coder = scalar_coders()[which]
    Z = Z[:, : Z_train.shape[1]]
    Z_train = Z_train[:, : Z.shape[1]]
    data = coder.fit(Z_train).encode(Z)
    decoded = fresh(coder).decode(data)
    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, coder.reconstruct(Z))
    norms = np.linalg.norm(decoded, axis=1)
    assert (np.isclose(norms, NORM, rtol=1e-6) | (norms == 0)).all()
    spent = fresh(coder).spent(data)
    assert spent.side + spent.payload == len(data)
    assert spent.images == len(Z)
    assert scalar_coders()[which].fit(Z_train).encode(Z) == data  # nothing but the latents decides
    assert coder.fit(Z_train).encode(Z) == data  # and fitting again changes nothing


@pytest.mark.parametrize("which", range(len(scalar_coders())))
def test_payload_comes_close_to_the_cross_entropy_of_the_tables(which):
    coder = scalar_coders()[which]
    Z = latents(640, 60, 1)
    coder.fit(latents(300, 60, 0))
    payload = 8 * coder.spent(coder.encode(Z)).payload
    if coder.entropy:
        # Ten blocks, each with its length and the coder's last word.
        ideal = coder.model_bits(Z).sum()
        assert ideal - 8 < payload < 1.01 * ideal + 10 * 64
    else:
        assert payload == 8 * 10 * (2 if 8 * 60 * coder.quantiser.bits > 127 else 1) + 640 * 60 * coder.quantiser.bits


def test_one_block_is_within_one_percent_and_64_bits_of_the_cross_entropy():
    Z_train, Z = latents(300, 60, 0), latents(64, 60, 1)
    for coder in scalar_coders():
        if coder.entropy:
            ideal = coder.fit(Z_train).model_bits(Z).sum()
            assert 8 * coder.spent(coder.encode(Z)).payload < 1.01 * ideal + 64


def test_entropy_coding_changes_the_bytes_and_no_latent():
    Z = latents(70, 12, 0)
    quantiser = FixedScalar("intra", Truncation(), 4)
    with_tables, without = QuantisedCoder(quantiser).fit(Z), QuantisedCoder(quantiser, entropy=False)
    files = with_tables.encode(Z), without.encode(Z)
    assert np.array_equal(with_tables.decode(files[0]), without.decode(files[1]))
    spent = with_tables.spent(files[0]), without.spent(files[1])
    assert spent[0].payload < 0.9 * spent[1].payload
    assert spent[0].side > spent[1].side
    assert (with_tables.name, without.name) == ("intra + entropy", "intra")


def test_finer_settings_are_closer_and_longer():
    Z_train, Z = latents(200, 20, 0), latents(50, 20, 1)
    families = [[SteppedScalar("KLT", KLT(), step, rounding) for step in (8, 4, 2, 1)] for rounding in (0.5, 0.2)] + [
        [FixedScalar("intra", Truncation(), bits) for bits in (1, 2, 4, 8)]
    ]
    for family in families:
        coders = [QuantisedCoder(quantiser).fit(Z_train) for quantiser in family]
        files = [coder.encode(Z) for coder in coders]
        cosines = [latent_cosine(Z, coder.decode(data)).mean() for coder, data in zip(coders, files, strict=True)]
        payloads = [coder.spent(data).payload for coder, data in zip(coders, files, strict=True)]
        assert cosines == sorted(cosines)
        assert payloads == sorted(payloads)
        assert cosines[-1] > 0.96


def test_signs_decode_to_signs():
    Z = latents(9, 8, 0)
    coder = QuantisedCoder(FixedScalar("signs", Truncation(), 1), entropy=False).fit(Z)
    decoded = coder.decode(coder.encode(Z))
    np.testing.assert_array_equal(decoded > 0, Z >= 0)
    np.testing.assert_allclose(np.abs(decoded), NORM / np.sqrt(8), rtol=1e-4)
    assert coder.spent(coder.encode(Z)).payload == 1 + 9  # a length, and one bit for each dimension


def test_a_dead_zone_saves_bits_and_is_decoded_at_its_centroids():
    """Laplacian coefficients, as in the source: memoryless, so that all cells but the one of zero have one centroid."""
    Z = np.random.default_rng(0).laplace(size=(4000, 8))
    Z_train, Z = normalise(Z[:3000]), normalise(Z[3000:])
    sizes = []
    for rounding in (0.5, 0.2):
        quantiser = SteppedScalar("", Truncation(), 4.0, rounding)
        coder = QuantisedCoder(quantiser).fit(Z_train)
        sizes.append(coder.spent(coder.encode(Z)).payload)
        levels = np.sign(Z_train) * np.floor(np.abs(Z_train) / 4 + rounding)
        for level in (-1, 1):
            mean = Z_train[levels == level].mean()
            decoded = quantiser._values(quantiser.quantise(Z_train))[levels == level] / UNIT
            np.testing.assert_allclose(decoded, mean, atol=0.1)
    assert sizes[1] < 0.9 * sizes[0]


def test_axes_that_are_not_worth_their_bits_are_not_sent():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((300, 40)) * np.where(np.arange(40) < 5, 5.0, 0.05)
    coder = QuantisedCoder(SteppedScalar("KLT", KLT(), 6.0)).fit(Z)
    assert len(coder.quantiser.sizes) == 5
    assert latent_cosine(Z, coder.decode(coder.encode(Z))).mean() > 0.95


def test_another_process_decodes_the_same_bits(tmp_path):
    Z = latents(70, 16, 3)
    coders = scalar_coders()
    for number, coder in enumerate(coders):
        (tmp_path / f"{number}.lat").write_bytes(coder.fit(Z).encode(Z))
    script = (
        "import sys, hashlib\n"
        "from pathlib import Path\n"
        "from smicnb.compare.latents.transforms import Truncation\n"
        "from smicnb.compare.latents.protocol import QuantisedCoder\n"
        "from smicnb.compare.latents.quantisers.scalar import FixedScalar, SteppedScalar\n"
        "assert 'torch' not in sys.modules\n"
        "for path in sorted(Path(sys.argv[1]).iterdir(), key=lambda path: int(path.stem)):\n"
        "    data = path.read_bytes()\n"
        "    made = FixedScalar('', Truncation(), 1) if data[4] == 1 else SteppedScalar('', Truncation(), 1.0)\n"
        "    print(hashlib.sha256(QuantisedCoder(made).decode(data).tobytes()).hexdigest())\n"
        "assert 'torch' not in sys.modules\n"
    )
    found = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [hashlib.sha256(coder.reconstruct(Z).tobytes()).hexdigest() for coder in coders]


@pytest.mark.parametrize("which", range(len(scalar_coders())))
def test_damaged_bytes_are_an_integrity_error_and_nothing_else(which):
    Z = latents(20, 7, 0)
    coder = scalar_coders()[which].fit(Z)
    data = coder.encode(Z)
    # Other axes, means and steps are as good as those that were meant; symbols are checked.
    assert count_decoded(coder, data) < len(data) - coder.spent(data).payload
    for other in (b"", data[:-1], data + b"\0", data[: len(data) // 2], bytes(100), b"\xff" * 200):
        with pytest.raises(IntegrityError):
            coder.decode(other)
    end = len(data) - CHECK.size
    for place in range(end - coder.spent(data).payload, end - 4):  # the last bytes may hold nothing
        wrong = bytearray(data)
        wrong[place] ^= 1
        wrong[-4:] = zlib.crc32(wrong[:-4]).to_bytes(4, "little")
        with pytest.raises(IntegrityError):
            coder.decode(bytes(wrong))


def test_what_cannot_be_coded_is_said():
    Z = latents(20, 7, 0)
    with pytest.raises(SmicnbError, match="no symbols of fixed length"):
        QuantisedCoder(SteppedScalar("KLT", KLT(), 2.0), entropy=False)
    coder = QuantisedCoder(SteppedScalar("KLT", KLT(), 2.0)).fit(Z)
    for other in (np.zeros((0, 7)), np.zeros(7), np.full((2, 7), np.nan)):
        with pytest.raises(DimensionError, match="found latents"):
            coder.encode(other)
    with pytest.raises(SmicnbError, match="another coder"):
        QuantisedCoder(FixedScalar("intra", Truncation(), 2)).decode(coder.encode(Z))
    for step, rounding in ((0, 0.5), (-1, 0.5), (2, 0.6), (2, -0.1), (1e6, 0.5)):
        with pytest.raises(SmicnbError, match="positive step"):
            SteppedScalar("KLT", KLT(), step, rounding)
    for bits in (0, 13):
        with pytest.raises(SmicnbError, match="1 to 12"):
            FixedScalar("intra", Truncation(), bits)


def test_bits_of_an_image_share_the_side_information():
    spent = Spent(side=1000, payload=500, images=100)
    assert spent.bits(np.inf) == 40
    assert spent.bits(1000) == 48
