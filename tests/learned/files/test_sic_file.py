"""Progressive files: whatever is cut or damaged, what is whole is read and the rest is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.learned.files.sic_file import Part, SicFile

MODEL = bytes(range(6))
PARTS = (Part(b"first", 1), Part(b"", 2), Part(b"the third of them", 0xFFFF))
FILE = SicFile(MODEL, 768, 512, 5, b"hyper-latent", PARTS)
DATA = FILE.pack()


@given(
    width=st.integers(1, 4096),
    height=st.integers(1, 4096),
    levels=st.integers(3, 255),
    hyper=st.binary(max_size=300),
    parts=st.lists(st.builds(Part, st.binary(max_size=300), st.integers(0, 2**16 - 1)), max_size=3),
)
def test_a_file_comes_back(width, height, levels, hyper, parts):
    file = SicFile(MODEL, width, height, levels, hyper, tuple(parts))
    data = file.pack()
    read = SicFile.unpack(data)
    assert (read.width, read.height, read.levels, read.hyper, read.parts) == (width, height, levels, hyper, file.parts)
    assert read.ends[-1] == len(data)
    assert read.note == ""


def test_its_overhead_is_small():
    kodak = SicFile(MODEL, 768, 512, 16, bytes(2000), (Part(bytes(3000), 1),) * 16)
    assert len(kodak.pack()) - 2000 - 16 * 3000 <= 32 + 16 * 6


def test_every_cut_is_read_up_to_the_level_before():
    ends = SicFile.unpack(DATA).ends
    for length in range(len(DATA) + 1):
        if length < ends[0]:
            with pytest.raises(IntegrityError):
                SicFile.unpack(DATA[:length])
            continue
        read = SicFile.unpack(DATA[:length])
        whole = sum(end <= length for end in ends) - 1
        assert read.parts == PARTS[:whole]
        assert (read.note == "") == (length in ends)
        if read.note:
            assert read.note.endswith(f"in level {whole + 1}")


@pytest.mark.parametrize("bit", range(8 * len(DATA)))
def test_every_flipped_bit_is_found(bit):
    data = bytearray(DATA)
    data[bit // 8] ^= 1 << bit % 8
    ends = SicFile.unpack(DATA).ends
    if bit // 8 < ends[0]:
        with pytest.raises(IntegrityError):
            SicFile.unpack(bytes(data))
        return
    try:
        read = SicFile.unpack(bytes(data))
    except IntegrityError:
        return
    intact = sum(end <= bit // 8 for end in ends) - 1
    assert read.note
    assert read.parts == PARTS[:intact]


def test_parts_cannot_change_places():
    read = SicFile.unpack(SicFile(MODEL, 768, 512, 5, b"hyper-latent", PARTS).pack())
    header, first, second, third = (DATA[a:b] for a, b in zip((0, *read.ends[:-1]), read.ends, strict=True))
    swapped = SicFile.unpack(header + third + second + first)
    assert swapped.parts == ()
    assert swapped.note == "the file is damaged in level 1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"TACO" + bytes(40), "found a file of TACO; needed: a file of SIC"),
        (b"\x89PNG" + bytes(40), "found something else"),
        (b"", "found something else"),
        (b"SIC_\x63" + bytes(40), "another version"),
        (SicFile(MODEL, 2**20, 2**20, 5, b"", ()).pack(), "1048576×1048576"),
        (SicFile(MODEL, 0, 5, 5, b"", ()).pack(), "0×5"),
        (SicFile(MODEL, 5, 5, 3, b"", PARTS).pack() + b"more", "4 bytes behind the last level"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(SmicnbError, match=message):
        SicFile.unpack(data)


def test_another_model_and_other_levels():
    SicFile.unpack(DATA).check(MODEL, 5)
    with pytest.raises(IntegrityError, match="checkpoint that encoded it"):
        SicFile.unpack(DATA).check(b"others", 5)
    with pytest.raises(IntegrityError, match="a model with 5 levels; needed: 8 levels"):
        SicFile.unpack(DATA).check(MODEL, 8)
