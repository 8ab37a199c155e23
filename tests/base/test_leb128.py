"""Numbers come back, whatever follows them; what does not end is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError


@given(number=st.integers(0, 2**35 - 1), before=st.binary(max_size=3), behind=st.binary(max_size=3))
def test_a_number_comes_back(number, before, behind):
    packed = leb128.pack(number)
    assert leb128.read(before + packed + behind, len(before)) == (number, len(before) + len(packed))


def test_its_bytes():
    assert [leb128.pack(number) for number in (0, 127, 128, 300)] == [b"\x00", b"\x7f", b"\x80\x01", b"\xac\x02"]


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 5, b"\xff" * 9])
def test_what_does_not_end(data):
    with pytest.raises(IntegrityError, match="a number that ends"):
        leb128.read(data, 0)
