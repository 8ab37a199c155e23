"""The model behind JPEG is that of the file: its code lengths add up to the file, its samples follow them."""

import numpy as np
import pytest
from PIL import Image

from smicnb.base.errors import ImageError
from smicnb.semantics.photographs import image_collections
from smicnb.studies.primer import jpeg_model as jm
from smicnb.studies.primer import transform_coding as tc

# Numbers of code words of 1, 2, … bits: T.81, Tables K.3 and K.5
DC_LUMA = [0, 1, 5, 1, 1, 1, 1, 1, 1]
AC_LUMA = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125]


@pytest.fixture(scope="module")
def grey():
    items = {item.id: item for item in image_collections.load("embedded")}
    image = tc.centre_crop(items["coffee/coffee.png#full"].image(), 128)
    return np.asarray(Image.fromarray(image // 2 + 64).convert("L"))  # far from black and white: nothing is clipped


@pytest.fixture(scope="module")
def standard():
    return jm.huffman_codes(tc.jpeg_bytes(np.zeros((8, 8, 3), np.uint8), 50, fitted=False))


def test_the_standards_tables_are_read(standard):
    assert sorted(standard) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for kind, counts in (((0, 0), DC_LUMA), ((1, 0), AC_LUMA)):
        symbols, lengths = standard[kind]
        assert np.bincount(lengths)[1:].tolist() == counts
        assert len(set(symbols)) == len(symbols)
    assert dict(zip(*standard[1, 0], strict=True))[jm.END_OF_BLOCK] == 4


def test_the_zigzag_is_that_of_the_standard():
    order = jm.ZIGZAG[:, 0] * 8 + jm.ZIGZAG[:, 1]
    assert order[:10].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    assert order[-4:].tolist() == [47, 55, 62, 63]
    assert sorted(order) == list(range(64))


def code_length(symbols, codes):
    """Bits of one grey block: the lengths of its code words and of the values behind them."""
    dc, ac = (dict(zip(*codes[kind, 0], strict=True)) for kind in (0, 1))
    values = [int(value) for value in symbols[tuple(jm.ZIGZAG.T)]]
    bits = dc[values[0].bit_length()] + values[0].bit_length()
    run = 0
    for value in values[1:]:
        if value == 0:
            run += 1
            continue
        long, run = divmod(run, 16)
        bits += (long * ac[0xF0] if long else 0) + ac[16 * run + value.bit_length()] + value.bit_length()
        run = 0
    return bits + (ac[jm.END_OF_BLOCK] if run else 0)


@pytest.mark.parametrize("fitted", [False, True])
def test_the_model_gives_a_file_the_length_it_has(grey, fitted):
    """Each row of blocks ends with a restart marker, filled up to a whole byte."""
    quality = 50
    data = tc.jpeg_bytes(grey, quality, fitted=fitted, restart_marker_rows=1)
    pixels = tc.jpeg_pixels(data)[..., None].astype(float)
    quantised = np.rint(tc.transform(pixels) / tc.steps(quality)[:1]).astype(int)
    codes = jm.huffman_codes(data)
    expected = [-(-sum(code_length(block[0], codes) for block in row) // 8) for row in tc.to_symbols(quantised)]
    scan = data[data.index(b"\xff\xda") :]
    scan = scan[2 + int.from_bytes(scan[2:4], "big") : -2].replace(b"\xff\x00", b"\x00")
    for number in range(8):
        scan = scan.replace(bytes([0xFF, 0xD0 + number]), b"|RESTART|")
    assert [len(row) for row in scan.split(b"|RESTART|")] == expected


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x02"])
def test_other_bytes_are_refused(data):
    with pytest.raises(ImageError, match="bytes without the scan of a JPEG file; needed: a whole JPEG file"):
        jm.huffman_codes(data)


def test_coin_flips_follow_the_code(standard):
    """Shares of the first symbols of many blocks, within five standard deviations."""
    symbols = tc.to_symbols(jm.sample_code(standard, 100, 200, np.random.default_rng(1)))
    count = 100 * 200
    for component, table in ((0, 0), (1, 1), (2, 1)):
        blocks = symbols[:, :, component].reshape(count, 8, 8)
        dc, ac = (dict(zip(*standard[kind, table], strict=True)) for kind in (0, 1))
        # A run of zeros beyond the end leaves an empty block too; five such symbols in a row are rare.
        shares = {
            2.0 ** -dc[0]: np.mean(blocks[:, 0, 0] == 0),
            2.0 ** -(dc[2] + 2): np.mean(blocks[:, 0, 0] == -3),
            2.0 ** -ac[0]: np.mean(np.count_nonzero(blocks.reshape(count, -1)[:, 1:], axis=1) == 0),
            2.0 ** -(ac[1] + 1): np.mean(blocks[:, 0, 1] == 1),
        }
        for expected, measured in shares.items():
            assert abs(measured - expected) < 5 * np.sqrt(expected / count) + 0.002 * expected, (component, expected)


def test_samples_repeat_by_seed(standard):
    quantised = np.random.default_rng(0).integers(-5, 6, (3, 4, 3, 8, 8))
    for sample in (lambda rng: jm.sample_code(standard, 3, 4, rng), lambda rng: jm.sample_frequencies(quantised, rng)):
        first, again, other = (sample(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert first.shape == again.shape == (3, 4, 3, 8, 8)
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_frequencies_are_drawn_alone_and_from_their_own():
    rng = np.random.default_rng(3)
    quantised = np.zeros((40, 50, 3, 8, 8), np.int64)
    quantised[..., 0, 1] = rng.integers(0, 2, (40, 50, 3))
    quantised[..., 1, 0] = quantised[..., 0, 1]  # equal in every block, which independence does not know
    quantised[..., 0, 0] = 7
    sampled = jm.sample_frequencies(quantised, rng)
    untouched = np.ones((8, 8), bool)
    untouched[:2, :2] = [[False, False], [False, True]]
    assert not sampled[..., untouched].any()
    assert sampled[..., 0, 1].mean() == pytest.approx(0.5, abs=0.04)
    assert np.mean(sampled[..., 0, 1] == sampled[..., 1, 0]) == pytest.approx(0.5, abs=0.04)
    steps = tc.to_symbols(sampled)[..., 0, 0]
    assert set(np.unique(steps)) == {0, 7}
    assert np.mean(steps == 7) == pytest.approx(1 / 50, abs=0.01)


def test_statistics_count_what_is_there():
    quantised = np.zeros((1, 3, 3, 8, 8), np.int64)
    quantised[0, :, 0, 0, 0] = 1, 4, 0
    quantised[0, 0, 1, 7, 7] = -2
    luma, blue, red = jm.statistics(quantised)
    assert [row["component"] for row in (luma, blue, red)] == ["Y", "Cb", "Cr"]
    assert luma["dc_step"] == pytest.approx(np.sqrt((3**2 + 4**2) / 2))
    assert luma["per_block"] == 0
    assert luma["null"] == pytest.approx(1 - 2 / 192)
    assert blue["per_block"] == pytest.approx(1 / 3)
    assert red == {"component": "Cr", "null": 1, "per_block": 0, "dc_step": 0}
