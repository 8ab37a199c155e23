"""Both codings of a block: exact lengths, round trips, and nothing but an error for what no encoder wrote."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import payload
from smicnb.codec.format.payload import EntropyModels


def random_levels(images, n_atoms, b_coef, density, seed):
    rng = np.random.default_rng(seed)
    used = rng.random((images, n_atoms)) < density * rng.random((images, 1)) * 2
    return np.where(used, rng.integers(0, 1 << b_coef, (images, n_atoms)), payload.NULL).astype(np.int32)


blocks = st.builds(
    random_levels,
    st.integers(1, 64),
    st.integers(1, 40),
    st.shared(st.integers(1, 16), key="bits"),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
bits = st.shared(st.integers(1, 16), key="bits")


@given(blocks, bits)
def test_tuples_come_back_and_take_what_is_said(levels, b_coef):
    data = payload.encode_tuples(levels, b_coef)
    said = payload.tuple_lengths((levels >= 0).sum(axis=1), levels.shape[1], b_coef).sum()
    assert len(data) == -(-int(said) // 8)
    assert np.array_equal(payload.decode_tuples(data, *levels.shape, b_coef), levels)


@given(blocks, bits, st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_entropy_coding_comes_back_whatever_the_models_were_fitted_to(levels, b_coef, seed):
    other = random_levels(50, levels.shape[1], b_coef, 0.1, seed)
    for fitted in (levels, other):
        models = EntropyModels.from_bytes(EntropyModels.fit(fitted, b_coef).to_bytes(), levels.shape[1], b_coef)
        data = payload.encode_entropy(levels, b_coef, models)
        assert np.array_equal(payload.decode_entropy(data, *levels.shape, b_coef, models), levels)


def test_a_tuple_is_an_index_and_a_value():
    assert payload.tuple_lengths(5, 128, 4) == 8 + 5 * (7 + 4)
    assert payload.tuple_lengths(1, 1, 4) == 1 + 4  # a dictionary of one atom has no index to tell
    assert payload.encode_tuples(np.array([[-1, 2, -1, 1]], np.int32), 2) == bytes([0b010_01_10_1, 0b1_01_00000])


def test_the_range_coder_comes_close_to_the_entropy():
    rng = np.random.default_rng(0)
    levels = np.where(rng.random((64, 128)) < 0.2, rng.choice(16, (64, 128), p=np.array([8] + 15 * [8 / 15]) / 16), -1)
    levels = levels.astype(np.int32)
    models = EntropyModels.fit(levels, 4)
    used = levels >= 0
    values = used.sum() * (0.5 + 0.5 * np.log2(15) + 0.5)
    subsets = payload.subset_lengths(used, models.weights).sum()
    ideal = subsets + values + 64 * np.log2(np.sqrt(2 * np.pi * np.e * 128 * 0.2 * 0.8))
    assert 0.98 * ideal < 8 * len(payload.encode_entropy(levels, 4, models)) < 1.06 * ideal


def test_equal_weights_make_every_choice_of_atoms_equally_likely():
    from math import comb, log2

    used = np.zeros((1, 128), bool)
    used[0, [3, 50, 77, 127]] = True
    assert payload.subset_lengths(used, np.ones(128, np.uint8))[0] == pytest.approx(log2(comb(128, 4)))


def test_weights_are_kept_only_where_they_pay_for_themselves():
    rng = np.random.default_rng(0)
    even = np.where(rng.random((500, 32)) < 0.3, 0, -1).astype(np.int32)
    assert (EntropyModels.fit(even, 1).weights == 1).all()
    skewed = np.where(rng.random((500, 32)) < np.geomspace(0.9, 0.01, 32), 0, -1).astype(np.int32)
    models = EntropyModels.fit(skewed, 1)
    assert models.weights[0] > 10 * models.weights[-1]
    equal = EntropyModels(models.counts, np.ones(32, np.uint8), models.values)
    lengths = [len(payload.encode_entropy(skewed[:64], 1, which)) for which in (models, equal)]
    assert lengths[0] < 0.8 * lengths[1]


def test_models_grow_with_use_within_a_block():
    """New images need more atoms and other values than those that the models were fitted to."""
    few = random_levels(200, 64, 4, 0.02, 0)
    many = np.where(np.random.default_rng(1).random((64, 64)) < 0.5, 7, -1).astype(np.int32)
    models = EntropyModels.fit(few, 4)
    together = len(payload.encode_entropy(many, 4, models))
    alone = sum(len(payload.encode_entropy(row[None], 4, models)) for row in many)
    assert together < 0.6 * alone


@pytest.mark.parametrize("coding", payload.CODINGS)
def test_other_bytes_are_an_error_and_nothing_else(coding):
    levels = random_levels(20, 30, 5, 0.3, 0)
    models = EntropyModels.fit(levels, 5)
    data = payload.encode_tuples(levels, 5) if coding == "tuple" else payload.encode_entropy(levels, 5, models)
    rng, refused = np.random.default_rng(0), 0

    def decode(data):
        if coding == "tuple":
            return payload.decode_tuples(data, 20, 30, 5)
        return payload.decode_entropy(data, 20, 30, 5, models)

    for _ in range(200):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            decode(bytes(damaged))
        except IntegrityError:
            refused += 1
    # Fixed-length tuples say little of themselves: what guards them is the block's checksum.
    assert refused > (195 if coding == "entropy" else 10)
    for other in (b"", b"\0", data[:-3], data[: len(data) // 2], bytes(100), b"\xff" * 200):
        with pytest.raises(IntegrityError):
            decode(other)


def test_what_a_block_was_coded_from_is_checked():
    """A decoder whose models drifted gets an error, not another picture."""
    levels = random_levels(64, 30, 5, 0.3, 0)
    models = EntropyModels.fit(levels, 5)
    drifted = EntropyModels(models.counts, models.weights, np.roll(models.values, 1))
    with pytest.raises(IntegrityError):
        payload.decode_entropy(payload.encode_entropy(levels, 5, models), 64, 30, 5, drifted)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\1",
        lambda raw: bytes([0]) + raw[1:],
        lambda raw: b"",
        lambda raw: raw * 9,
    ],
)
def test_tables_of_another_size_are_refused(change):
    import zlib

    models = EntropyModels.fit(random_levels(20, 30, 5, 0.3, 0), 5)
    raw = zlib.decompress(models.to_bytes(), wbits=-15)
    deflate = zlib.compressobj(wbits=-15)
    other = deflate.compress(change(raw)) + deflate.flush()
    with pytest.raises(IntegrityError, match="found entropy tables"):
        EntropyModels.from_bytes(other, 30, 5)
    for damaged in (b"", b"\xff\xff", models.to_bytes() + b"x", models.to_bytes()[:-2]):
        with pytest.raises(IntegrityError, match="found entropy tables"):
            EntropyModels.from_bytes(damaged, 30, 5)
