"""Folders of real photographs to files and back: names, sizes, what a kill leaves, what a malicious file may not do."""

import json
import os
import signal
import subprocess
import sys

import colour_profiles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from real_photographs import own_cache, save, scenes

from smicnb.base.errors import DimensionError, ImageError, IntegrityError, SmicnbError
from smicnb.codec import file_names, photographs
from smicnb.codec.coders import choice
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container, details
from smicnb.codec.format.container import Block
from smicnb.codec.format.reader import SmicReader, decode
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import folders, image_collections, images
from smicnb.semantics.photographs.images import read_image

POINT = {"n_atoms": 16, "penalty": 0.2, "b_dict": 8, "b_coef": 8}
FIRST = {"b/1.png": 120, "a photograph.jpg": 90, "É.jpg": 101, "turned.jpg": 130, "z.png": 64, "A.jpg": 77}
LATER = {"new/1.jpg": 80, "new/2.png": 96}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with own_cache(tmp_path_factory.mktemp("cache")) as folder:
        yield folder


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A folder of six photographs, one of them on its side, and the sizes that a viewer sees."""
    folder = tmp_path_factory.mktemp("first")
    pictures = zip(FIRST.items(), scenes(6), strict=True)
    sizes = {
        name: save(image, folder / name, width, 6 if name == "turned.jpg" else 1) for (name, width), image in pictures
    }
    return folder, sizes


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    folder = tmp_path_factory.mktemp("later")
    for (name, width), image in zip(LATER.items(), scenes(8)[6:], strict=True):
        save(image, folder / name, width)
    return folder


@pytest.fixture(scope="module")
def compressed(first, tmp_path_factory):
    target = tmp_path_factory.mktemp("file") / "first.smic"
    photographs.compress(str(first[0]), target, "lite0-minilm", **POINT)
    return target


@pytest.fixture
def path(compressed, tmp_path):
    path = tmp_path / "copy.smic"
    path.write_bytes(compressed.read_bytes())
    return path


def decompress(source, folder, gallery, force=False, seed=0):
    return photographs.decompress(source, folder, "retrieval", f"folder:{gallery}", None, seed, force)


def files_in(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# --- names, sizes, latents --------------------------------------------------------------------------


def test_names_are_sorted_and_sizes_are_those_that_a_viewer_shows(first, compressed):
    with SmicReader(compressed) as opened:
        assert opened.names == sorted(FIRST)
        sizes = [size for block in opened for size in block.sizes]
        assert sizes == [first[1][name] for name in sorted(FIRST)]
        assert [read_image(first[0] / name).shape[1::-1] for name in opened.names] == sizes
        with Image.open(first[0] / "turned.jpg") as picture:
            stored = picture.size
        assert first[1]["turned.jpg"] == stored[::-1] != stored


def test_latents_are_the_encoder_s_coded_by_a_dictionary_learned_on_them(first, compressed):
    encoder = encoders.encoder("lite0-minilm")
    items = sorted(image_collections.load(f"folder:{first[0]}"), key=lambda item: item.id)
    latents = encoder.encode_images(item.image() for item in items)
    decoded = decode(compressed)
    cosines = (latents * decoded).sum(axis=1) / np.linalg.norm(latents, axis=1) / 20
    assert (cosines > 0.9).all()
    assert np.argmax(decoded @ latents.T / np.linalg.norm(latents, axis=1), axis=1).tolist() == list(range(6))
    with SmicReader(compressed) as opened:
        assert opened.header.encoder == "lite0-minilm"
        assert opened.header.weights_hash == encoder.weights_hash
        assert opened.header.n_atoms == 6


def test_the_order_of_files_on_the_disk_changes_nothing(first, compressed, tmp_path):
    folder = tmp_path / "other"
    for name in sorted(FIRST, reverse=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((first[0] / name).read_bytes())
    photographs.compress(str(folder), tmp_path / "other.smic", "lite0-minilm", **POINT)
    assert (tmp_path / "other.smic").read_bytes() == compressed.read_bytes()


def test_one_photograph_is_a_collection(tmp_path):
    save(scenes(1)[0], tmp_path / "one" / "only.jpg", 50)
    _, n_atoms = photographs.compress(str(tmp_path / "one"), tmp_path / "one.smic", "lite0-minilm", **POINT)
    assert n_atoms == 1
    assert decode(tmp_path / "one.smic").shape == (1, 384)


def test_names_may_be_left_out(first, later, tmp_path):
    path, out = tmp_path / "unnamed.smic", tmp_path / "out"
    photographs.compress(str(first[0]), path, "lite0-minilm", named=False, **POINT)
    assert all(name.encode() not in path.read_bytes() for name in FIRST)
    photographs.append(path, str(later))
    with SmicReader(path) as opened:
        assert opened.names == [None] * 8
    assert decompress(path, out, first[0])[0] == 8
    assert sorted(files_in(out)) == [f"{place}.png" for place in range(8)]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_names_that_other_systems_could_not_write_are_changed(tmp_path):
    names = [b"what?.jpg", b"CON.jpg", b"a:b.png", b"no utf-8 \xff.jpg", b"case.png", b"CASE.png", b"dots. /1.png"]
    folder = tmp_path / "odd"
    for place, (name, image) in enumerate(zip(names, scenes(7), strict=True)):
        saved = tmp_path / f"plain{os.path.splitext(os.fsdecode(name))[1]}"
        save(image, saved, 40 + place)
        target = folder / os.fsdecode(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        saved.rename(target)
    photographs.compress(str(folder), tmp_path / "odd.smic", "lite0-minilm", **POINT)
    with SmicReader(tmp_path / "odd.smic") as opened:
        assert sorted(opened.names) == sorted(
            ["what_.jpg", "_CON.jpg", "a_b.png", "no utf-8 _xff.jpg", "case.png~2", "CASE.png", "dots/1.png"]
        )
    assert decompress(tmp_path / "odd.smic", tmp_path / "out", folder)[0] == 7
    assert len(files_in(tmp_path / "out")) == 7


part = st.one_of(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120),
    st.sampled_from(["con", "AUX.jpg", "lpt1.", "...", " ", "falcon", "-" * 200, "é" * 100]),
)


@given(st.lists(st.lists(part, min_size=1, max_size=5).map("/".join), min_size=1, max_size=20))
def test_any_path_becomes_a_name_that_a_file_may_hold(paths):
    names = file_names.make_unique([file_names.make_portable(path) for path in paths])
    for name in names:
        details.check_name(name)
    assert len({name.casefold() for name in names}) == len(paths)
    assert [file_names.make_portable(name) for name in names if len(name.encode()) <= 240] == [
        name for name in names if len(name.encode()) <= 240
    ]


def test_a_path_that_is_cut_does_not_begin_with_a_device():
    long = "falcon/" + "x" * (240 - len("con/.jpg")) + ".jpg"
    details.check_name(file_names.make_portable(long))


def test_views_of_one_photograph_have_their_own_sizes():
    items = [item for item in image_collections.load("embedded") if item.scene == "church"]
    assert [photographs.measure_size(item) for item in items] == [item.image().shape[1::-1] for item in items]


# --- append -----------------------------------------------------------------------------------------


def test_an_append_codes_with_the_dictionary_that_is_there(path, later):
    before, old = path.read_bytes(), decode(path)
    with SmicReader(path) as opened:
        codec = choice.codec_of(opened.codebook)
    _, images = photographs.append(path, str(later))
    assert images == 6
    assert path.read_bytes().startswith(before)
    items = sorted(image_collections.load(f"folder:{later}"), key=lambda item: item.id)
    new = codec.reconstruct(encoders.encoder("lite0-minilm").encode_images(item.image() for item in items))
    assert decode(path).tobytes() == old.tobytes() + new.tobytes()
    with SmicReader(path) as opened:
        assert opened.names == sorted(FIRST) + sorted(LATER)


@pytest.mark.parametrize("every", [False, True])
def test_files_that_vanish_before_they_are_read_are_left_out_and_named(tmp_path, monkeypatch, every):
    folder = tmp_path / "changes"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f"{number}.png")
    find = folders._candidates

    def find_and_lose(*arguments):
        found = find(*arguments)
        for number in range(5) if every else (1, 4):
            (folder / f"{number}.png").unlink()
        return found

    monkeypatch.setattr(folders, "_candidates", find_and_lose)
    target = tmp_path / "a.smic"
    if every:
        with pytest.raises(ImageError, match=r"no usable image in .* \(no longer readable: 5\)"):
            photographs.compress(str(folder), target, "lite0-minilm", **POINT)
        assert not target.exists()
        return
    said, _ = photographs.compress(str(folder), target, "lite0-minilm", listed=True, **POINT)
    assert said.splitlines()[0].endswith("; 2 files skipped (no longer readable: 2)")
    assert said.splitlines()[1:] == ["  1.png: no longer readable", "  4.png: no longer readable"]
    with SmicReader(target) as opened:
        assert opened.names == ["0.png", "2.png", "3.png"]
        assert len(opened) == 3


def test_a_file_from_before_colour_profiles_held_decodes_and_is_appended_to(later, tmp_path, monkeypatch):
    """It says nothing of how photographs were read, and needs nothing of it: encoder, axes and atoms are the same."""
    folder, target = tmp_path / "swapped", tmp_path / "old.smic"
    folder.mkdir()
    for number, image in enumerate(scenes(3)):
        small = Image.fromarray(image).resize((96, 80))
        small.save(folder / f"{number}.png", icc_profile=colour_profiles.rgb(colour_profiles.SWAPPED))
    with monkeypatch.context() as before:
        before.setattr(image_collections, "RULES", [2])
        pixels = images._pixels
        before.setattr(images, "_pixels", lambda picture: pixels(picture._replace(profile=None)))
        photographs.compress(str(folder), target, "lite0-minilm", **POINT)
        ignored = photographs.photographs(str(folder), encoders.encoder("lite0-minilm")).latents
    old = decode(target)
    assert photographs.append(target, str(later))[1] == 3
    assert decode(target)[:3].tobytes() == old.tobytes()
    assert len(decode(target)) == 5
    held = photographs.photographs(str(folder), encoders.encoder("lite0-minilm")).latents
    assert not np.isclose(held, ignored).all(axis=1).any()  # latents kept from before are not taken for today's


def test_a_name_that_is_there_already_is_refused_in_any_case(path, later, tmp_path):
    save(scenes(9)[8], tmp_path / "clash" / "A PHOTOGRAPH.jpg", 50)
    before = path.read_bytes()
    with pytest.raises(SmicnbError, match=r"the name 'A PHOTOGRAPH.jpg' already \(1 such names in all\)"):
        photographs.append(path, str(tmp_path / "clash"))
    photographs.append(path, str(later))
    between = path.read_bytes()
    with pytest.raises(SmicnbError, match=r"the name 'new/1.jpg' already \(2 such"):
        photographs.append(path, str(later))
    assert path.read_bytes() == between != before


@pytest.mark.parametrize("replaced", [False, True])
def test_what_changed_while_photographs_were_encoded_is_not_appended_to(path, later, first, monkeypatch, replaced):
    """Of two appends of one folder at a time the second one would bring every name twice.

    A file that replaces another has as many images, and another dictionary: what was coded for the old one would be
    noise in it.
    """
    find, changed = photographs.photographs, []

    def slow(source, encoder, executor):
        found = find(source, encoder, executor)
        if not changed:
            changed.append(source)
            if replaced:
                photographs.compress(str(first[0]), path, "lite0-minilm", **POINT | {"n_atoms": 3})
            else:
                photographs.append(path, source)
        return found

    monkeypatch.setattr(photographs, "photographs", slow)
    said = "was replaced" if replaced else "has grown from 6 to 8 images"
    with pytest.raises(SmicnbError, match=f"{said} meanwhile; append again"):
        photographs.append(path, str(later))
    with SmicReader(path) as opened:
        assert opened.names == sorted(FIRST) + ([] if replaced else sorted(LATER))
        assert opened.header.n_atoms == (3 if replaced else 6)


COMPOSED, DECOMPOSED = "caf\u00e9.jpg", "CAFE\u0301.JPG"


def test_names_that_some_file_system_takes_for_one_are_told_apart(first, path, tmp_path):
    assert file_names.make_unique([COMPOSED, DECOMPOSED]) == [COMPOSED, f"{DECOMPOSED}~2"]
    assert file_names.name_images([COMPOSED, DECOMPOSED]) == [f"{COMPOSED}.png", f"{DECOMPOSED}~2.png"]
    assert file_names.name_images([f"{COMPOSED}.png/a", DECOMPOSED]) == [f"{COMPOSED}.png/a.png", f"{DECOMPOSED}~2.png"]
    save(scenes(9)[8], tmp_path / "again" / "E\u0301.jpg", 50)  # the file holds "É.jpg", in one code point
    before = path.read_bytes()
    with pytest.raises(SmicnbError, match=r"already \(1 such names in all\)"):
        photographs.append(path, str(tmp_path / "again"))
    assert path.read_bytes() == before


def test_a_file_of_other_weights_is_refused(later, tmp_path):
    codec = SMICCodec(n_atoms=2, encoder="lite0-minilm", weights_hash="ab" * 32)
    latents = np.random.default_rng(0).standard_normal((5, 384))
    path, out = tmp_path / "other.smic", tmp_path / "out"
    path.write_bytes(codec.fit(latents).encode(latents))
    before = path.read_bytes()
    said = r"found encoder 'lite0-minilm' with weights .*'lite0-minilm' with weights abab"
    with pytest.raises(SmicnbError, match=said):
        photographs.append(path, str(later))
    with pytest.raises(SmicnbError, match=said):
        decompress(path, out, later)
    assert path.read_bytes() == before
    assert not out.exists()


# --- decompress -------------------------------------------------------------------------------------


def test_every_image_is_found_again_among_the_photographs(first, compressed, tmp_path):
    """Retrieval among the very photographs: each latent is nearest to its own, and each file is that photograph."""
    count, empty, _ = decompress(compressed, tmp_path / "out", first[0])
    assert (count, empty) == (6, 0)
    for name in FIRST:
        assert np.array_equal(read_image(tmp_path / "out" / f"{name}.png"), read_image(first[0] / name))
    assert sorted(files_in(tmp_path / "out")) == sorted(f"{name}.png" for name in FIRST)


@pytest.mark.parametrize("there", ["note.txt", ".hidden", photographs.MARKER])
def test_a_folder_that_holds_anything_is_left_alone(there, first, compressed, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / there).write_text("{}")
    with pytest.raises(SmicnbError, match="is not an empty folder; needed: a new or empty folder; name another"):
        decompress(compressed, tmp_path / "out", first[0])
    assert list(files_in(tmp_path / "out")) == [there]
    decompress(compressed, tmp_path / "out", first[0], force=True)
    assert len(files_in(tmp_path / "out")) == 6 + (there != photographs.MARKER)


def test_a_file_in_place_of_the_folder_is_left_alone(first, compressed, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(SmicnbError, match="is not an empty folder"):
        decompress(compressed, tmp_path / "out", first[0])
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["../out.png", "/etc/cron", "a/../../b", "..", "C:/x", "a\\b", "nul", "x\0y"[:1] + "\n", "a//b", "./a"]
)
def test_names_that_lead_elsewhere_are_refused_before_anything_is_written(name, first, path, tmp_path):
    with SmicReader(path) as opened:
        levels = next(iter(opened)).levels
        payload = opened.codebook.encode_payload(levels[:2])
        about = bytes([details.NAMES]) + b"\0".join([b"good.jpg", name.encode()])
        parts = opened.header, opened.codebook.dictionary, opened.codebook.tables
    path.write_bytes(container.dump(*parts, [Block(2, payload, about)]))  # checksums are right
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(IntegrityError, match="found a file name"):
        decompress(path, tmp_path / "out", first[0])
    with pytest.raises(IntegrityError, match="found a file name"):
        photographs.append(path, str(first[0]))
    assert sorted(tmp_path.rglob("*")) == there


def test_two_images_of_one_name_are_refused_before_anything_is_written(first, path, tmp_path):
    with SmicReader(path) as opened:
        payload = opened.codebook.encode_payload(next(iter(opened)).levels[:1])
        parts = opened.header, opened.codebook.dictionary, opened.codebook.tables
    blocks = [Block(1, payload, details.pack([name], None)) for name in ("Same.jpg", "same.JPG")]
    path.write_bytes(container.dump(*parts, blocks))
    with pytest.raises(IntegrityError, match="found two images of one name"):
        decompress(path, tmp_path / "out", first[0])
    assert not (tmp_path / "out").exists()


LONG = ["x" * 250, "é" * 125, "x" * 255, "y" * 253 + "/z", "a.jpg", "a.jpg.png/b", "A.JPG.PNG/c/d", photographs.MARKER]
LONG += [f"{photographs.MARKER}/e", "a.jpg~2"]


def test_names_that_one_folder_cannot_hold_are_changed_before_anything_is_written(first, path, tmp_path):
    with SmicReader(path) as opened:
        levels = np.repeat(next(iter(opened)).levels[:1], len(LONG), axis=0)
        payload = opened.codebook.encode_payload(levels)
        parts = opened.header, opened.codebook.dictionary, opened.codebook.tables
    path.write_bytes(container.dump(*parts, [Block(len(LONG), payload, details.pack(LONG, None))]))
    assert decompress(path, tmp_path / "out", first[0])[0] == len(LONG)
    written = files_in(tmp_path / "out")
    assert len(written) == len(LONG)
    assert {"a.jpg~2.png", "a.jpg.png/b.png", "A.JPG.PNG/c/d.png", "a.jpg~2~2.png"} <= set(written)
    assert {f"{'x' * 200}.png", f"{'x' * 200}~2.png"} <= set(written)


def test_what_is_in_the_way_is_met_before_anything_is_written(first, compressed, tmp_path):
    for place in ("A.jpg.png/mine", "b"):
        out = tmp_path / place[0]
        (out / place).parent.mkdir(parents=True)
        (out / place).write_text("mine")
        with pytest.raises(SmicnbError, match="holds something in the way of '"):
            decompress(compressed, out, first[0], force=True)
        assert list(files_in(out)) == [place]
    with pytest.raises(SmicnbError, match="is no folder"):
        decompress(compressed, tmp_path / "b" / "b", first[0], force=True)


def test_a_record_that_is_none_is_met_before_anything_is_written(first, path, tmp_path):
    with SmicReader(path) as opened:
        block = opened.file.block(0)
        parts = opened.header, opened.codebook.dictionary, opened.codebook.tables
    forged = Block(block.count, bytes([block.payload[0] ^ 1]) + block.payload[1:], block.details)
    path.write_bytes(container.dump(*parts, [forged]))
    with pytest.raises(IntegrityError, match="holds no image records"):
        decompress(path, tmp_path / "out", first[0])
    assert not (tmp_path / "out").exists()


def test_damage_in_the_last_block_is_met_before_anything_is_written(first, path, later, tmp_path):
    photographs.append(path, str(later))
    with container.SmicFile(path) as opened:
        place = int(opened._offsets[-1])
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="block 1 does not match its checksum"):
        decompress(path, tmp_path / "out", first[0])
    assert not (tmp_path / "out").exists()


def test_another_gallery_does_not_take_up_what_was_cut_off(first, later, compressed, tmp_path):
    out = tmp_path / "out"
    decompress(compressed, out, later)
    wrong = files_in(out)
    del wrong["z.png.png"]
    marker = made_from(compressed, later)
    (out / "z.png.png").unlink()
    (out / photographs.MARKER).write_text(json.dumps(marker))
    with pytest.raises(SmicnbError, match="is not an empty folder"):
        decompress(compressed, out, first[0])
    decompress(compressed, out, later)
    assert {name: data for name, data in files_in(out).items() if name in wrong} == wrong


def made_from(source, gallery):
    """What `decompress` notes of a run while it lasts, taken from a run that was ended in its first image."""
    from tempfile import TemporaryDirectory

    def interrupt(path, image):
        raise KeyboardInterrupt  # and no signal: what was started in the background may ignore it

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(photographs, "write_png", interrupt)
        out = photographs.Path(folder) / "out"
        with pytest.raises(KeyboardInterrupt):
            decompress(source, out, gallery)
        return json.loads((out / photographs.MARKER).read_text())


# --- latents ----------------------------------------------------------------------------------------


def test_latents_are_written_with_their_names(compressed, tmp_path):
    assert photographs.write_latents(compressed, tmp_path / "z.npz") == 6
    with np.load(tmp_path / "z.npz", allow_pickle=False) as arrays:
        assert arrays["latents"].tobytes() == decode(compressed).tobytes()
        assert arrays["names"].tolist() == sorted(FIRST)
    before = (tmp_path / "z.npz").read_bytes()
    photographs.write_latents(compressed, tmp_path / "z.npz")
    assert (tmp_path / "z.npz").read_bytes() == before
    with pytest.raises(DimensionError, match=r"found 'z.npy' for the latents; needed: a name that ends in .npz"):
        photographs.write_latents(compressed, tmp_path / "z.npy")


def test_a_folder_without_photographs_is_refused(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.jpg").write_text("no photograph")
    with pytest.raises(ImageError, match=r"no usable image in .* \(not an image: 1\)"):
        photographs.compress(str(tmp_path / "text"), tmp_path / "x.smic", "lite0-minilm", **POINT)
    assert not (tmp_path / "x.smic").exists()


# --- processes that are killed ----------------------------------------------------------------------

KILLED = """
# Runs one command again and again, each time in a process of its own that ends itself by SIGKILL right before its
# k-th write, flush, fsync, truncation or renaming, until it comes through.
import json, os, pathlib, signal, sys
from smicnb.base import files
from smicnb.codec.format import container
from smicnb.codec import photographs
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.encoders import encoders

encoders.encoder("lite0-minilm").weights_hash
command, folder, target, point = json.loads(sys.argv[1])
watched = {files.__name__, container.__name__, photographs.__name__}
calls = {"write", "flush", "fsync", "truncate", "replace", "chmod", "mkstemp", "unlink"}

def run(place, moment):
    seen = 0
    def watch(frame, event, called):
        nonlocal seen
        if event != "c_call" or called.__name__ not in calls:
            return
        module = frame.f_globals["__name__"]
        if module in watched or module.partition(".")[0] == "pathlib":  # a package of several files from 3.13 on
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(watch)
    if command == "compress":
        photographs.compress(folder, place, "lite0-minilm", **point)
    elif command == "append":
        photographs.append(place, folder)
    else:
        photographs.decompress(target, place, "retrieval", "folder:" + folder, None, 0, False)

for moment in range(1, 200):
    place = pathlib.Path(target).parent / str(moment) / "killed"
    place.parent.mkdir()
    if command == "append" or (command == "compress" and moment % 2):
        place.write_bytes(pathlib.Path(target).read_bytes())
    child = os.fork()
    if child == 0:
        run(place, moment)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, flush=True)
    if status != -signal.SIGKILL:
        break
"""


def killed_at_every_step(command, folder, target):
    """Run a command until it survives; the places that the killed runs have left, then that of the last one."""
    words = json.dumps([command, str(folder), str(target), POINT])
    run = subprocess.run([sys.executable, "-c", KILLED, words], capture_output=True, text=True, timeout=300)
    statuses = list(map(int, run.stdout.split()))
    assert statuses[-1] == 0, run.stderr
    assert set(statuses[:-1]) == {-signal.SIGKILL}
    assert len(statuses) > 5
    return [target.parent / str(moment + 1) / "killed" for moment in range(len(statuses))]


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")


@needs_fork
def test_a_compress_that_is_killed_leaves_the_old_file_or_the_new_one(first, later, compressed, tmp_path):
    old = tmp_path / "old.smic"
    photographs.compress(str(later), old, "lite0-minilm", **POINT)
    *places, last = killed_at_every_step("compress", first[0], old)
    assert last.read_bytes() == compressed.read_bytes()
    for moment, place in enumerate(places, 1):
        if moment % 2:  # there was a file before
            assert place.read_bytes() in (old.read_bytes(), compressed.read_bytes())
        elif place.exists():
            assert place.read_bytes() == compressed.read_bytes()


@needs_fork
def test_an_append_that_is_killed_leaves_a_file_that_can_be_read_and_appended_to(later, compressed, path):
    *places, last = killed_at_every_step("append", later, path)
    before, after = path.read_bytes(), last.read_bytes()
    lengths = set()
    for place in places:
        with SmicReader(place) as opened:
            lengths.add((len(opened), opened.file.unfinished > 0))
            assert opened.names == sorted(FIRST) + sorted(LATER) * (len(opened) > 6)
        assert place.read_bytes().startswith(before)
        if decode(place).shape[0] == 6:
            photographs.append(place, str(later))
        assert place.read_bytes() == after
    assert {(6, False), (6, True)} <= lengths


@needs_fork
def test_a_decompress_that_is_killed_is_taken_up_again(first, compressed, tmp_path):
    path = tmp_path / "first.smic"
    path.write_bytes(compressed.read_bytes())
    *places, last = killed_at_every_step("decompress", first[0], path)
    whole = files_in(last)
    assert sorted(whole) == sorted(f"{name}.png" for name in FIRST)
    kept = 0
    for place in places:
        there = {name: (place / name).stat().st_mtime_ns for name in whole if (place / name).exists()}
        assert {name: (place / name).read_bytes() for name in there} == {name: whole[name] for name in there}
        if place.exists() and any(place.iterdir()) and not (place / photographs.MARKER).exists():
            continue  # killed before it had noted what it was making: the user is asked
        decompress(path, place, first[0])
        assert {name: data for name, data in files_in(place).items() if name in whole} == whole
        assert {name: (place / name).stat().st_mtime_ns for name in there} == there
        assert not (place / photographs.MARKER).exists()
        kept = max(kept, len(there))
    assert kept == 6
