"""The framing of a .smic file: round trips, damage, unfinished and simultaneous appends, forged headers."""

import io
import os
import re
import signal
import struct
import subprocess
import sys
import textwrap
import tracemalloc
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.codec.format import container
from smicnb.codec.format.container import Block, Header, SmicFile

HEADER = Header("some:encoder", "0123456789abcdef" * 4, 4, 20.0, 3, 0.5, 4, 2, "tuple")
DICTIONARY, TABLES = b"atoms!", b"a range."
OLD = [Block(64, b"first", b"names"), Block(2, b"second", b"")]
NEW = [Block(5, b"third payload", b""), Block(1, b"", b"x")]


def small():
    return container.dump(HEADER, DICTIONARY, TABLES, OLD)


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "some.smic"
    container.create(target, HEADER, DICTIONARY, TABLES, OLD)
    return target


def everything(source):
    with SmicFile(source) as opened:
        blocks = [opened.block(number) for number in range(opened.blocks)]
        return opened.header, opened.dictionary, opened.tables, blocks


def appended(path):
    container.append(path, NEW)
    return path.read_bytes()


blocks = st.builds(Block, st.integers(1, 64), st.binary(max_size=40), st.binary(max_size=20))


@settings(deadline=None)
@given(st.lists(blocks, max_size=9), st.binary(max_size=9), st.binary(max_size=9))
def test_what_is_written_is_read(some, dictionary, tables):
    data = container.dump(HEADER, dictionary, tables, some)
    assert everything(data) == (HEADER, dictionary, tables, some)
    assert container.dump(HEADER, dictionary, tables, some) == data
    with SmicFile(data) as opened:
        assert len(opened) == sum(block.count for block in some)
        assert sum(opened.spent.values()) == opened.end == len(data)
        assert opened.unfinished == 0


def test_images_are_located(path):
    container.append(path, NEW)
    with SmicFile(path) as opened:
        assert len(opened) == 72
        places = [opened.locate(image) for image in (0, 63, 64, 65, 66, 70, 71)]
        assert places == [(0, 0), (0, 63), (1, 0), (1, 1), (2, 0), (2, 4), (3, 0)]
        for wrong in (-1, 72):
            with pytest.raises(DimensionError, match=f"found image number {wrong}; needed: 0 to 71"):
                opened.locate(wrong)


def test_every_flipped_bit_is_noticed(path):
    data = appended(path)
    for place in range(8 * len(data)):
        mutant = bytearray(data)
        mutant[place // 8] ^= 1 << place % 8
        with pytest.raises(SmicnbError):
            everything(bytes(mutant))


def test_a_truncated_file_is_refused_or_holds_what_was_there_before(path):
    whole, data = len(small()), appended(path)
    for length in range(len(data)):
        if length < whole:
            with pytest.raises(IntegrityError):
                everything(data[:length])
        else:
            assert everything(data[:length])[3] == OLD


def test_an_unfinished_append_is_passed_over_and_written_over(path):
    before, whole = path.read_bytes(), appended(path)
    for length in range(len(before), len(whole), 7):
        path.write_bytes(whole[:length])
        with SmicFile(path) as opened:
            assert (len(opened), opened.unfinished) == (66, length - len(before))
        assert appended(path) == whole


KILLED = """
    import os, sys
    from pathlib import Path
    from smicnb.codec.format import container
    calls = iter(range(99))
    real = os.fsync
    def fsync(file):
        if next(calls) == {moment}:
            os.kill(os.getpid(), 9)
        real(file)
    os.fsync = fsync
    container.append(Path(sys.argv[1]), [container.Block(7, b"more", b"")])
"""


@pytest.mark.parametrize("moment", [0, 1])
def test_an_append_that_is_killed_loses_only_itself(path, moment):
    script = textwrap.dedent(KILLED.format(moment=moment))
    done = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert done.returncode == -signal.SIGKILL
    with SmicFile(path) as opened:
        assert len(opened) == (66, 73)[moment]
        assert opened.unfinished == 0 if moment else opened.unfinished > 0
        before = opened.blocks
    container.append(path, NEW)
    with SmicFile(path) as opened:
        assert opened.blocks == before + len(NEW)


def test_one_append_at_a_time(path):
    script = """
        import os, sys, time
        from pathlib import Path
        from smicnb.codec.format import container
        def fsync(file):
            print("in", flush=True)
            time.sleep(60)
        os.fsync = fsync
        container.append(Path(sys.argv[1]), [container.Block(7, b"more", b"")])
    """
    command = [sys.executable, "-c", textwrap.dedent(script), path]
    elsewhere = {**os.environ, "XDG_CACHE_HOME": str(path.parent / "cache of another user")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=elsewhere) as other:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(SmicnbError, match="another append is at work"):
            container.append(path, NEW)
        other.kill()
    container.append(path, NEW)
    assert everything(path)[3] == OLD + NEW
    assert os.listdir(path.parent) == ["some.smic"]


def test_an_append_changes_nothing_that_was_there_and_needs_no_cache(path, monkeypatch):
    (path.parent / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(path.parent / "file"))
    before = path.read_bytes()
    assert appended(path).startswith(before)
    assert everything(path) == (HEADER, DICTIONARY, TABLES, OLD + NEW)


def test_what_was_coded_for_one_file_is_not_appended_to_another_in_its_place(path):
    with SmicFile(path) as opened:
        before = opened.content
    container.create(path, HEADER, b"ATOMS!", TABLES, OLD)  # as many images, another dictionary
    replaced = path.read_bytes()
    with pytest.raises(SmicnbError, match="was replaced meanwhile; append again"):
        container.append(path, NEW, before)
    assert path.read_bytes() == replaced
    container.create(path, HEADER, DICTIONARY, TABLES, OLD)
    container.append(path, NEW[:1])
    with pytest.raises(SmicnbError, match="has grown from 66 to 71 images meanwhile; append again"):
        container.append(path, NEW, before)
    assert everything(path)[3] == OLD + NEW[:1]


def test_an_append_to_a_file_that_is_replaced_under_it_reports_no_success(path, monkeypatch):
    fsync, other = os.fsync, Block(9, b"another", b"")

    def replaces(number):
        fsync(number)
        monkeypatch.setattr(os, "fsync", fsync)
        container.create(path, HEADER, DICTIONARY, TABLES, [other])

    monkeypatch.setattr(os, "fsync", replaces)
    with pytest.raises(SmicnbError, match="was replaced meanwhile, and holds nothing of this append; append again"):
        container.append(path, NEW)
    assert everything(path)[3] == [other]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.smic")
    with pytest.raises(SmicnbError, match=r"pipe\.smic' is a pipe; needed: a \.smic file"):
        SmicFile(tmp_path / "pipe.smic")


def test_a_damaged_file_is_not_appended_to(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="the trailer of the segment at byte"):
        container.append(path, NEW)
    assert path.read_bytes() == data


def forged(place, form, value):
    """The small file with one field of its header overwritten and the header's checksum made anew."""
    data = bytearray(small())
    struct.pack_into(form, data, container.PREAMBLE.size + place, value)
    end = container.PREAMBLE.size + container.FIELDS.size + 1 + len(HEADER.encoder)
    struct.pack_into("<I", data, end, zlib.crc32(data[:end]))
    return bytes(data)


@pytest.mark.parametrize(
    ("place", "form", "value", "text"),
    [
        (32, "<H", 0, "0 dimensions"),
        (34, "<H", 0, "0 atoms"),
        (34, "<H", 4097, "4097 atoms"),
        (36, "<B", 17, "b_dict = 17"),
        (37, "<B", 0, "b_coef = 0"),
        (38, "<B", 5, "the header is no header"),
        (39, "<d", float("nan"), "a norm of nan"),
        (47, "<d", -1.0, "a penalty of -1"),
        (55, "<I", 0xFFFFFFFF, "it ends within the dictionary"),
        (63, "<I", 0xFFFFFFFF, "it ends within the tables"),
        (72, "<B", 0xFF, "the header cannot be"),
        (72, "<B", 0x1B, "that cannot be printed"),
        (75, "<B", 0x0A, "that cannot be printed"),
    ],
)
def test_forged_headers_are_refused(place, form, value, text):
    tracemalloc.start()
    with pytest.raises(IntegrityError, match=re.escape(text)):
        SmicFile(forged(place, form, value))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_names_of_encoders_are_printable():
    for name in ("a\nb", "a\x1b[31m", "a\x9b31m", "a\u202eb", "a\u2028b"):
        with pytest.raises(DimensionError, match="that cannot be printed"):
            replace(HEADER, encoder=name)
    assert replace(HEADER, encoder="open_clip:été/日本").encoder == "open_clip:été/日本"


def test_a_block_holds_no_more_levels_than_a_reader_is_ready_for():
    for n_atoms, most in ((0, 255), (384, 255), (1028, 255), (1029, 254), (4096, 64)):
        header = replace(HEADER, coding="trellis", n_atoms=n_atoms)
        assert container.most_images(header) == most
        whole = container.dump(header, b"", b"", [Block(most, b"", b"")])
        assert everything(whole)[3] == [Block(most, b"", b"")]
        with pytest.raises(DimensionError, match=f"found a block of {most + 1} images"):
            container.dump(header, b"", b"", [Block(most + 1, b"", b"")])
        if most < 255:  # what another encoder might write
            data = bytearray(whole)
            data[-container.TRAILER.size - container.ENTRY.itemsize] += 1
            with pytest.raises(IntegrityError):
                everything(with_trailer(data, most + 1))


def with_trailer(data, images):
    """A file of one segment of one block with the end of its trailer made anew."""
    with SmicFile(container.dump(HEADER, b"", b"", [])) as opened:
        start = opened.spent["header"]
    struct.pack_into("<Q", data, len(data) - container.TRAILER.size, images)
    index = len(data) - container.TRAILER.size - container.ENTRY.itemsize
    struct.pack_into("<I", data, len(data) - 4, zlib.crc32(struct.pack("<Q", start) + bytes(data[index:-4])))
    return bytes(data)


@pytest.mark.parametrize("count", [1, 1 << 20, 0xFFFFFFFF])
def test_a_forged_number_of_blocks_is_refused(count):
    data = bytearray(small())
    with SmicFile(small()) as opened:
        start = sum(opened.spent[part] for part in ("header", "dictionary", "tables"))
    struct.pack_into("<I", data, start + 12, count)
    struct.pack_into("<I", data, start + 16, zlib.crc32(data[start : start + 16]))
    with pytest.raises(IntegrityError, match="segment"):
        SmicFile(bytes(data))


def test_other_versions_are_named():
    for version, text in ((2, "an older version 2; needed: version 3"), (4, "a newer version 4; needed: version 3")):
        data = bytearray(small())
        struct.pack_into("<H", data, 8, version)
        with pytest.raises(SmicnbError, match=text):
            SmicFile(bytes(data))


@pytest.mark.parametrize("data", [b"", b"\x89SMI", b"some text, and no photograph", small()[:8], b"\x00" * 99])
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "other.smic"
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"is no whole \.smic file"):
        SmicFile(path)


def test_what_is_wrong_is_said_of_the_whole_path_however_it_is_opened(tmp_path):
    path = tmp_path / "some.smic"
    path.write_bytes(b"a note about something")
    with path.open("rb") as file:
        for source, name in ((path, f"'{path}'"), (str(path), f"'{path}'"), (file, f"'{path}'"), (b"", "the file")):
            with pytest.raises(SmicnbError) as caught:
                SmicFile(source)
            assert str(caught.value).startswith(f"{name} is no whole .smic file")


def test_a_file_that_was_transferred_as_text_is_recognised():
    with pytest.raises(IntegrityError, match="transfer it as binary"):
        SmicFile(small().replace(b"\r\n", b"\n"))


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.smic", tmp_path):
        with pytest.raises(SmicnbError, match=re.escape(f"cannot read '{path}'")):
            SmicFile(path)


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    amount = 0

    def read(self, size=-1):
        data = super().read(size)
        self.amount += len(data)
        return data


def test_one_image_is_read_without_the_other_blocks():
    file = Counting(container.dump(HEADER, DICTIONARY, TABLES, [Block(64, bytes(1000), b"")] * 1563))
    with SmicFile(file) as opened:
        index = file.amount
        assert index < opened.end / 50
        number, _ = opened.locate(77_777)
        opened.block(number)
        assert file.amount == index + 1000


@pytest.mark.parametrize(
    "block", [Block(0, b"", b""), Block(65, b"", b""), Block(1, bytes((1 << 24) + 1), b""), Block(1, b"", bytes(2**21))]
)
def test_blocks_that_cannot_be_are_not_written(tmp_path, block):
    with pytest.raises(DimensionError):
        container.create(tmp_path / "some.smic", HEADER, DICTIONARY, TABLES, [block])
    assert os.listdir(tmp_path) == []
