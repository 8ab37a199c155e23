"""Symbols at fixed length and under tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError
from smicnb.compare.latents import symbols as latent_symbols
from smicnb.compare.latents.symbols import FixedLength, Tables


def random_case(images, columns, tables, most, seed):
    rng = np.random.default_rng(seed)
    which, sizes = rng.integers(0, tables, columns), rng.integers(1, most + 1, tables)
    symbols = (rng.random((images, columns)) ** 2 * sizes[which]).astype(np.int32)
    return symbols, which, sizes


cases = st.builds(
    random_case,
    st.integers(1, 150),
    st.integers(0, 9),
    st.integers(1, 5),
    st.integers(1, 300),
    st.integers(0, 2**32 - 1),
)


@given(cases)
@settings(deadline=None)
def test_symbols_come_back_under_tables_that_went_through_bytes(case):
    symbols, which, sizes = case
    tables = Tables.fit(symbols[::2], which, sizes)
    data = tables.to_bytes()
    again, rest = Tables.from_bytes(data + b"rest")
    assert rest == b"rest"
    assert again.to_bytes() == data
    assert np.array_equal(again.sizes, sizes[which])
    payload = latent_symbols.encode(symbols, tables)
    assert np.array_equal(latent_symbols.decode(payload, len(symbols), again), symbols)
    blocks = -(-len(symbols) // 64)
    assert 8 * len(payload) < 1.01 * tables.lengths(symbols).sum() + 64 * blocks
    for other in (payload[:-1], payload + b"\0"):
        with pytest.raises(IntegrityError):
            latent_symbols.decode(other, len(symbols), again)


@given(st.integers(1, 150), st.integers(0, 9), st.integers(1, 16), st.integers(0, 2**32 - 1))
def test_symbols_of_fixed_length_take_it(images, columns, bits, seed):
    symbols = np.random.default_rng(seed).integers(0, 1 << bits, (images, columns)).astype(np.int32)
    model = FixedLength(columns, bits)
    payload = latent_symbols.encode(symbols, model)
    assert np.array_equal(latent_symbols.decode(payload, images, model), symbols)
    assert images * columns * bits <= 8 * len(payload) < images * columns * bits + 40 * -(-images // 64)


def test_tables_are_the_frequencies_that_were_seen():
    symbols = np.repeat([[0], [1], [2]], [10, 30, 60], axis=0).astype(np.int32)
    tables = Tables.fit(symbols, np.zeros(1, int), np.array([4]))
    (table,) = tables.frequencies
    assert table.tolist() == [43, 128, 255, 1]
    share = table / table.sum()
    np.testing.assert_allclose(tables.lengths(symbols), -np.log2(share[symbols[:, 0]]))


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_as_tables(data):
    try:
        tables, _ = Tables.from_bytes(data)
    except IntegrityError:
        return
    assert not len(tables.columns)  # what is left of a file of none


def test_cut_off_tables_are_refused():
    data = Tables.fit(*random_case(50, 6, 3, 20, 0)).to_bytes()
    for cut in range(len(data)):
        with pytest.raises(IntegrityError):
            Tables.from_bytes(data[:cut])
