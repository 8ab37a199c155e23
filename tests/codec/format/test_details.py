"""Names and sizes of photographs: round trips, and names and bombs that are refused."""

import tracemalloc
import zlib

import pytest
import smic_by_hand
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import details

LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='<>:"|?*\\/. ')
PARTS = st.text(LETTERS, min_size=1, max_size=9).filter(lambda part: not details.DEVICES.fullmatch(part))
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
SIZES = st.tuples(st.integers(1, details.LARGEST_SIDE), st.integers(1, 5000))


@given(st.lists(st.tuples(NAMES, SIZES), min_size=1, max_size=64), st.booleans(), st.booleans())
def test_names_and_sizes_come_back(images, named, sized):
    names, sizes = map(list, zip(*images, strict=True))
    given_names, given_sizes = names if named else None, sizes if sized else None
    data = details.pack(given_names, given_sizes)
    assert details.unpack(data, len(images)) == (given_names, given_sizes)
    assert bool(data) == (named or sized)


def test_sizes_that_are_all_the_same_are_written_once():
    data = details.pack(None, [(768, 512)] * 64)
    assert len(data) == 5
    assert details.unpack(data, 64) == (None, [(768, 512)] * 64)


@pytest.mark.parametrize(
    "name",
    [
        *("../x.png", "/etc/passwd", "a/../../x", "a//b", "./a", ".", "..", "", "a/", "C:\\x", "a\\b", "C:x"),
        *("a\0b", "a\nb", "con", "sub/NUL.txt", "lpt1", "dot.", "blank ", "x" * 256, "\ud800"),
    ],
)
def test_names_that_lead_elsewhere_are_refused_on_both_sides(name):
    with pytest.raises(IntegrityError, match="found a file name"):
        details.pack([name], None)
    data = bytes([details.NAMES]) + name.encode("utf-8", "surrogatepass")
    with pytest.raises(IntegrityError):
        details.unpack(data, 1)


def test_devices_have_ascii_digits():
    names = ["com٣", "LPT５.txt", "conſ"]
    assert details.unpack(details.pack(names, None), 3)[0] == names
    assert all(map(smic_by_hand.writable, names))


def test_what_expands_without_end_is_refused_within_bounded_memory():
    deflate = zlib.compressobj(9, wbits=-15)
    bomb = deflate.compress(bytes(1 << 28)) + deflate.flush()
    tracemalloc.start()
    with pytest.raises(IntegrityError):
        details.unpack(bytes([details.NAMES | details.DEFLATED]) + bomb, 64)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"\x00", 1),
        (b"\x10", 1),
        (bytes([details.SIZES]) + b"\x05", 1),
        (bytes([details.SIZES]) + b"\x05\x00", 1),
        (bytes([details.SIZES]) + b"\xff\xff\xff\xff\xff\x01\x01", 1),
        (bytes([details.SIZES]) + b"\x05\x05\x05", 1),
        (bytes([details.NAMES]) + b"a\0b", 3),
        (bytes([details.NAMES]) + b"\xff", 1),
        (bytes([details.NAMES | details.DEFLATED]) + b"\xff\xff", 1),
        (details.pack(["some long name, some long name, some long name"], None) + b"x", 1),
    ],
)
def test_what_no_encoder_wrote_is_refused(data, count):
    with pytest.raises(IntegrityError):
        details.unpack(data, count)
