"""The learned codecs on the command line: train, encode, decode, and one line for every mistake."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
import yaml
from PIL import Image
from real_photographs import done, refused
from tiny_sic import TINY as SIC
from tiny_sic import random_sic

from smicnb.learned.files import checkpoints
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.semantics.photographs.images import read_image

PLAN = {
    "codec": "taco",
    "size": "mini",
    "rates": {"any": 0.01},
    "seeds": {"plain": [0]},
    "runs": {"plain": {"steps": 2, "crop": 64, "batch": 2, "text": "none", "loss": {"lpips": 0, "joint": 0}}},
}


def train(plan, folder):
    """What is said of a training by a plan, in a folder for both."""
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    words = ("--config", folder / "plan.yaml", "--data", "embedded", "--out", folder / "out", "--threads", "1")
    return done("train", plan["codec"], *words).out


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    told = train(PLAN, folder)
    return folder / "out" / "plain-any-0.safetensors", told


@pytest.fixture
def picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 70, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_train_says_what_it_did(trained):
    path, told = trained
    assert "training: 72 photographs" in told
    assert "nearest-words of lite0-minilm" in told
    assert checkpoints.load(path).facts["run"]["steps"] == 2
    with Image.open(path.parent / "curves.png") as curves:
        assert curves.size[0] > 500


def test_sic_is_trained_without_captions(tmp_path):
    run = {"steps": 1, "crop": 64, "batch": 2, "objective": "rate-distortion"}
    plan = {"codec": "sic", "size": "mini", "rates": {"any": 0.01}, "seeds": {"twin": [0]}, "runs": {"twin": run}}
    assert "training: 72 photographs; no captions" in train(plan, tmp_path)
    checkpoint = checkpoints.load(tmp_path / "out" / "twin-any-0.safetensors")
    assert (checkpoint.codec, checkpoint.facts["run"]["objective"]) == ("sic", "rate-distortion")


def test_a_picture_there_and_back(trained, picture, tmp_path):
    path, _ = trained
    told = done("encode", picture, tmp_path / "a.taco", "--caption", "noise", "--model", path).out
    data = (tmp_path / "a.taco").read_bytes()
    assert told.startswith(f"{len(data)} bytes, {8 * len(data) / 2800:.3f} bits per pixel")
    done("decode", tmp_path / "a.taco", tmp_path / "a.png", "--model", path)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), TacoCodec(path).decode(data))
    assert "exists already" in refused("encode", picture, tmp_path / "a.taco", "--model", path)


def test_mistakes_are_one_line_and_leave_nothing(trained, picture, tmp_path):
    path, _ = trained
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:1000])
    (tmp_path / "foreign.taco").write_bytes(b"SMIC" + bytes(50))
    good = tmp_path / "good.taco"
    done("encode", picture, good, "--model", path)
    flipped = bytearray(good.read_bytes())
    flipped[-1] ^= 4
    (tmp_path / "flipped.taco").write_bytes(flipped)
    with (tmp_path / "huge.taco").open("wb") as huge:
        huge.truncate(2**40)
    out = tmp_path / "out.png"
    for arguments, message in [
        (("encode", tmp_path / "text.png", out, "--model", path), "not an image"),
        (("encode", tmp_path / "none.png", out, "--model", path), "no such file"),
        (("encode", picture, out, "--model", "fool/high/0"), "unknown model 'fool/high/0'"),
        (("encode", picture, out, "--model", tmp_path / "cut.safetensors"), "damaged or cut short"),
        (("encode", picture, out, "--model", picture), "damaged or cut short"),
        (("decode", tmp_path / "foreign.taco", out, "--model", path), "a file of SMIC"),
        (("decode", tmp_path / "flipped.taco", out, "--model", path), "damaged"),
        (("decode", good, out), "--model"),
        (("decode", tmp_path / "none.taco", out), "No such file"),
        (("decode", good, tmp_path / "out.jpg"), "a name that ends in .png"),
        (("decode", picture, out), "a file that begins with 89504e47"),
        (("decode", tmp_path, out), "is no regular file"),
        (("decode", "/dev/zero", out), "is no regular file"),
        (("decode", tmp_path / "huge.taco", out), "has 1099511627776 bytes"),
        (("decode", good, out, "--device", "gpu"), "found device 'gpu'"),
        (("encode", picture, out, "--model", path, "--device", "cuda:99"), "say --device cpu"),
        (("encode", picture, tmp_path, "--model", path, "--force"), "is a folder"),
        (("train", "taco", "--config", tmp_path / "none.yaml", "--data", "embedded"), "training plan"),
        (("weights", "convert", "taco", picture, out), "cannot be read as tensors"),
        (("weights", "convert", "sic", picture, out), "cannot be read as tensors"),
    ]:
        told = refused(*arguments)
        assert message in told, told
        assert told.count("\n") == 1, told
        assert not out.exists()


def test_a_file_of_sic_decodes_at_any_level_and_from_its_beginning(picture, tmp_path):
    path = tmp_path / "sic.safetensors"
    checkpoints.save(path, "sic", "tiny/any/0", random_sic(SIC), {})
    told = done("encode", picture, tmp_path / "a.sic", "--model", path).out
    data = (tmp_path / "a.sic").read_bytes()
    codec = SicCodec(path)
    ends = [len(codec.prefix(data, level)) for level in (1, 2, 3, 4)]
    assert told.splitlines()[1] == f"its levels end at byte {', '.join(map(str, ends))}"
    (tmp_path / "cut.sic").write_bytes(data[: len(codec.prefix(data, 3)) - 1])
    note = " (the file is cut short in level 3)"
    for name, options, level, more in [("a", [], 4, ""), ("a", ["--level", "2"], 2, ""), ("cut", [], 2, note)]:
        told = done("decode", tmp_path / f"{name}.sic", tmp_path / "a.png", "--model", path, "--force", *options).out
        assert told.startswith(f"level {level} of 4{more}")
        with pytest.warns(UserWarning, match="decoded at level 2") if name == "cut" else contextlib.nullcontext():
            expected = codec.decode((tmp_path / f"{name}.sic").read_bytes(), level if options else None)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)
    for level, message in (("9", "level"), ("0", "greater than or equal to 1")):
        assert message in refused("decode", tmp_path / "a.sic", tmp_path / "b.png", "--model", path, "--level", level)
    other = tmp_path / "two.safetensors"
    checkpoints.save(other, "sic", "two/any/0", random_sic(replace(SIC, groups=(6, 6))), {})
    told = refused("decode", tmp_path / "a.sic", tmp_path / "b.png", "--model", other)
    assert "a model with 4 levels" in told
    assert not (tmp_path / "b.png").exists()


def test_a_level_is_for_sic_alone(trained, picture, tmp_path):
    path, _ = trained
    done("encode", picture, tmp_path / "a.taco", "--model", path)
    for option in ("--level", "--seed"):
        told = refused("decode", tmp_path / "a.taco", tmp_path / "b.png", "--model", path, option, "1")
        assert f"found {option} 1 for a file of TACO; needed: a file of SIC, which has levels" in told


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: 9 bytes")])
def test_want_of_memory_is_one_line(trained, picture, tmp_path, monkeypatch, error):
    def fails(self, image, caption):
        raise error

    monkeypatch.setattr(TacoCodec, "encode", fails)
    told = refused("encode", picture, tmp_path / "a.taco", "--model", trained[0])
    assert "there is not enough memory for an image of 70×40 pixels; code it smaller" in told


def test_a_shipped_model_is_found_by_its_file(picture, tmp_path):
    done("encode", picture, tmp_path / "a.taco", "--caption", "noise")
    done("decode", tmp_path / "a.taco", tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (40, 70, 3)


def test_what_is_there_is_not_replaced_and_what_cannot_be_is_told_first(trained, picture, tmp_path, monkeypatch):
    from smicnb.learned import any_codec
    from smicnb.learned.authors import taco

    (tmp_path / "mine.safetensors").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"")
    for module, name in ((any_codec, "open_codec"), (taco, "from_authors_file")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("work was begun"))
    told = refused("weights", "convert", "taco", picture, tmp_path / "mine.safetensors")
    assert "mine.safetensors' exists already; name another file, or say --force" in told
    assert (tmp_path / "mine.safetensors").read_bytes() == b"mine"
    for command in (("encode", picture), ("decode", picture), ("weights", "convert", "taco", picture)):
        told = refused(*command, tmp_path / "file" / "out.png")
        assert "is no folder; needed: a folder to write to" in told
    plan = trained[0].parent.parent / "plan.yaml"
    told = refused("train", "taco", "--config", plan, "--data", "embedded", "--out", tmp_path / "file" / "a")
    assert "is no folder; needed: a folder to write to" in told
