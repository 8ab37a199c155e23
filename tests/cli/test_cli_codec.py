"""`smicnb compress`, `info`, `append` and `decompress` as a user types them, on real photographs."""

import json
import os
import stat

import numpy as np
import pytest
from PIL import Image
from real_photographs import done, own_cache, refused, save, scenes, smicnb

from smicnb.codec import photographs
from smicnb.codec.format import priors
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections, images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven photographs of different sizes, one of them turned by its EXIF data, one in a folder below."""
    folder, sizes = tmp_path_factory.mktemp("photographs"), {}
    names = ["a.jpg", "b c.png", "sub/ä.jpg", "turned.jpg", "e.png", "f.png", "g.jpg"]
    for name, image, width in zip(names, scenes(7), (128, 144, 160, 176, 192, 208, 224), strict=True):
        sizes[name] = save(image, folder / name, width, 6 if name == "turned.jpg" else 1)
    return folder, sizes


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    folder = tmp_path_factory.mktemp("more")
    for place, image in enumerate(scenes(9)[7:]):
        save(image, folder / f"later{place}.jpg", 150)
    return folder


@pytest.fixture(scope="module")
def compressed(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("files") / "some.smic"
    answer = done("compress", folder[0], target)
    assert answer.out.startswith(f"{target}: 7 images, {target.stat().st_size} bytes, ")
    assert "7 atoms instead of 128" in answer.err
    return target


@pytest.fixture
def path(compressed, tmp_path):
    copied = tmp_path / "copy.smic"
    copied.write_bytes(compressed.read_bytes())
    return copied


def test_the_same_photographs_give_the_same_bytes(folder, compressed, tmp_path):
    done("compress", folder[0], tmp_path / "again.smic")
    assert (tmp_path / "again.smic").read_bytes() == compressed.read_bytes()


def test_info_adds_up(folder, path):
    facts = json.loads(smicnb("info", path, "--json").out)
    assert (facts["images"], facts["images_with_names"], facts["n_atoms"]) == (7, 7, 7)
    assert sum(facts["bits"].values()) == 8 * path.stat().st_size
    counted = sum(facts["bits"].values()) - facts["bits"]["details"]
    assert facts["bits_per_image"] == pytest.approx(counted / 7)
    pixels = sum(width * height for width, height in folder[1].values())
    assert facts["bits_per_pixel"] == pytest.approx(counted / pixels)
    text = smicnb("info", path).out
    assert f"7 images in 1 blocks, {path.stat().st_size} bytes" in text
    assert "lite0-minilm" in text


def test_append_keeps_what_was_there(path, more, tmp_path):
    before = path.read_bytes()
    done("decompress", path, "--latents", tmp_path / "before.npz")
    assert f"{path}: 9 images" in done("append", path, more).out
    assert path.read_bytes().startswith(before)
    done("decompress", path, "--latents", tmp_path / "after.npz")
    with np.load(tmp_path / "before.npz") as old, np.load(tmp_path / "after.npz") as new:
        assert new["latents"][:7].tobytes() == old["latents"].tobytes()
        assert new["latents"].shape == (9, 384)
        assert list(new["names"][7:]) == ["later0.jpg", "later1.jpg"]
    assert "holds an image of the name 'later0.jpg' already" in refused("append", path, more)
    assert "a file of axes" in refused("append", path, more, "--for", "search")


def test_decompress_writes_a_picture_for_every_name_and_resumes(folder, path, tmp_path):
    out = tmp_path / "out"
    assert f"{out}: 7 images" in done("decompress", path, out).out
    written = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert written == {f"{name}.png" for name in folder[1]}
    for file in written:
        with Image.open(out / file) as picture:
            assert picture.mode == "RGB"
    assert "is not an empty folder" in refused("decompress", path, out)


def test_photographs_of_the_file_itself_are_not_called_others(folder, path, tmp_path):
    answer = done("decompress", path, tmp_path / "out", "--gallery", f"folder:{folder[0]}")
    assert f"each is the nearest photograph of the gallery 'folder:{folder[0].name}', not a new" in answer.out


TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def test_a_file_of_one_s_own_encoder_says_how_it_is_named(folder, more, tmp_path, monkeypatch):
    import open_clip
    import torch
    from safetensors.torch import save_file

    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-B-32", TINY)
    for place in ("there", "here"):
        (tmp_path / place).mkdir()
        network = open_clip.create_model("ViT-B-32", pretrained=None)
        numbers = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        save_file(numbers | {"logit_scale": torch.rand(())}, tmp_path / place / "mine.safetensors")
    weights, target = tmp_path / "there" / "mine.safetensors", tmp_path / "own.smic"
    done("compress", folder[0], target, "--atoms", "3", "--encoder", f"open_clip:ViT-B-32/{weights}")
    commands = (("append", target, more), ("decompress", target, tmp_path / "out", "--gallery", f"folder:{more}"))
    for words in commands:
        for place, found in ((tmp_path, "nor a file 'mine.safetensors'"), (tmp_path / "here", "with weights")):
            monkeypatch.chdir(place)
            encoders.encoder.cache_clear()  # another process would not know the file of the same name
            told = refused(*words)
            assert found in told
            hint = told.split()[-2:]
            assert hint == ["--encoder", "open_clip:ViT-B-32/PATH/mine.safetensors"]
        done(*words, hint[0], hint[1].replace("PATH", str(weights.parent)))


def test_mistakes_are_told_on_one_line_and_write_nothing(folder, path, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    damaged = tmp_path / "damaged.smic"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    damaged.write_bytes(data)
    there = sorted(tmp_path.iterdir())
    for words, text in (
        (("compress", tmp_path / "none", tmp_path / "x.smic"), "none"),
        (("compress", empty, tmp_path / "x.smic"), "empty"),
        (("compress", folder[0], path), "exists already"),
        (("compress", folder[0], tmp_path / "x.smic", "--penalty", "-1"), "found --penalty -1"),
        (("compress", folder[0], tmp_path / "x.smic", "--encoder", "lite0-minilmm"), "lite0-minilm"),
        (("info", damaged), "is damaged"),
        (("decompress", damaged, tmp_path / "out"), "is damaged"),
        (("append", damaged, folder[0]), "is damaged"),
        (("decompress", path, tmp_path / "out", "--generator", "retrival"), "retrieval"),
        (("decompress", path), "exactly one of them"),
        (("decompress", path, "--latents", tmp_path / "x.npy"), "a name that ends in .npz"),
        (("info", tmp_path / "none.smic"), "cannot read"),
    ):
        answer = smicnb(*words)
        assert (answer.status, answer.out) == (2, ""), words
        assert text in answer.err, words
        assert answer.err.strip().count("\n") == 0 or "%" in answer.err, words
    assert sorted(tmp_path.iterdir()) == there
    assert damaged.read_bytes() == data


def test_a_quality_or_a_size_is_all_that_one_says(folder, more, tmp_path):
    target = tmp_path / "q.smic"
    answer = done("compress", folder[0], target, "--quality", "0.8", "--ways", "prior", "--for", "search")
    assert "chosen: axes of the prior" in answer.err
    facts = json.loads(smicnb("info", target, "--json").out)
    assert (facts["coding"], facts["images"]) == ("prior", 7)
    assert any("both sides have" in line for line in facts["way"])
    before = target.read_bytes()
    assert smicnb("append", target, more).out.startswith(f"{target}: 9 images")
    for_the_cosine = target.read_bytes()
    target.write_bytes(before)
    assert smicnb("append", target, more, "--for", "search").out.startswith(f"{target}: 9 images")
    assert target.read_bytes() != for_the_cosine
    done("decompress", target, "--latents", tmp_path / "z.npz")
    assert np.load(tmp_path / "z.npz")["latents"].shape == (9, 384)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--bits", "3", "--ways", "prior"), "no setting keeps to 3 bits"),
        (("--quality", "1.5"), "more than 0 and less than 1"),
        (("--quality", "0.8", "--bits", "90"), "found --quality and --bits; needed: exactly one of them"),
        (("--quality", "nan"), "more than 0 and less than 1"),
        (("--quality", "0.8", "--model", "low"), "one or the other"),
        (("--quality", "0.8", "--seed", "3"), "--coding and --seed"),
        (("--ways", "auto"), "--quality or --bits with it"),
        (("--ways", "words"), "--quality or --bits with it"),
        (("--for", "search"), "found --for alone"),
        (("--bits", "90", "--for", "search", "--ways", "words"), "axes, own or a prior's"),
        (("--quality", "0.9999999", "--ways", "prior"), "a mean cosine of 0.9999999 on"),  # with all its digits
    ],
)
def test_targets_that_cannot_be_are_one_line(folder, tmp_path, options, text):
    assert text in refused("compress", folder[0], tmp_path / "q.smic", *options)
    assert not (tmp_path / "q.smic").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--quality", "2"), "found a target cosine of 2.0; needed: more than 0 and less than 1"),
        (("--bits", "nan"), "found a target of nan bits; needed: a positive number"),
        (("--quality", "0.9", "--ways", "prior"), "found no way of prior for this encoder"),
        (("--quality", "0.9", "--ways", "words"), "an encoder with a prior: lite0-minilm"),
        (("--force",), "is a folder; needed: the name of a file to write"),
    ],
)
def test_what_can_be_refused_is_refused_before_a_photograph_is_encoded(folder, tmp_path, monkeypatch, options, text):
    monkeypatch.setattr(photographs, "photographs", lambda *_: pytest.fail("a photograph was encoded"))
    monkeypatch.setattr(priors, "find_by_weights", lambda _: None)
    target = tmp_path if "--force" in options else tmp_path / "q.smic"
    answer = smicnb("compress", folder[0], target, *options)
    assert (answer.status, answer.out) == (2, "")
    assert text in answer.err


def test_latents_are_refused_before_the_file_is_decoded(path, tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "SmicReader", lambda _: pytest.fail("the file was opened"))
    (tmp_path / "there.npz").mkdir()
    for target, text in (("z.npy", "a name that ends in .npz"), ("there.npz", "is a folder")):
        assert text in refused("decompress", path, "--latents", tmp_path / target, "--force")


def test_what_was_left_out_is_listed_on_request(folder, path, tmp_path, monkeypatch):
    source = tmp_path / "source"
    for place, (name, image) in enumerate(zip(("good.png", "large.png"), scenes(2), strict=True)):
        save(image, source / name, 100 + place)
    (source / "camera.cr2").write_bytes(b"II*\0" + bytes(50))
    (source / "\x1b[2Jtitle.jpg").write_bytes(b"no image")
    decode = images.to_rgb

    def to_rgb(picture):
        if picture.size[0] == 101:
            raise MemoryError
        return decode(picture)

    monkeypatch.setattr(images, "to_rgb", to_rgb)
    counted = "3 files skipped (a camera's raw file, which is not read: 1, not an image: 1, "
    counted += "not enough memory for 'large.png': 1)\n"
    listed = [
        "  '\\x1b[2Jtitle.jpg': not an image",
        "  camera.cr2: a camera's raw file, which is not read",
        "  large.png: not enough memory for 'large.png'",
    ]
    answer = done("compress", source, tmp_path / "some.smic", "--skipped")
    assert answer.out.startswith(f"{tmp_path / 'some.smic'}: 1 image")
    assert counted + "\n".join(listed) + "\n" in answer.err
    assert counted in (answer := smicnb("append", path, source)).err
    assert listed[1] not in answer.err
    assert answer.out.startswith(f"{path}: 8 images")
    more = smicnb("append", path, folder[0], "--skipped")  # nothing was left out, and these are there already
    assert "such names in all" in more.err
    (source / "good.png").unlink()
    assert "not enough memory for 'large.png': 1)" in refused("compress", source, tmp_path / "none.smic")


def test_want_of_memory_is_one_line_whatever_takes_it(tmp_path, monkeypatch):
    def load(*_):
        raise MemoryError

    monkeypatch.setattr(image_collections, "load", load)
    answer = smicnb("compress", "embedded", tmp_path / "a.smic")
    assert (answer.status, answer.err) == (2, "smicnb: there is not enough memory\n")


# --- what stands at a target, and when it is looked at ----------------------------------------------

KINDS = {"smic": ("compress", "embedded", "{}"), "npz": ("decompress", "{smic}", "--latents", "{}")}


def words(kind, target, path, *more):
    return [each.format(target, smic=path) for each in KINDS[kind]] + list(more)


@pytest.mark.skipif(os.name == "nt", reason="links and modes as POSIX has them")
@pytest.mark.parametrize("kind", KINDS)
def test_force_writes_where_a_link_leads_and_keeps_the_mode(kind, folder, path, tmp_path):
    far, near = tmp_path / f"far.{kind}", tmp_path / f"near.{kind}"
    far.write_bytes(b"old")
    far.chmod(0o600)
    near.symlink_to(far.name)
    arguments = [str(folder[0]) if each == "embedded" else each for each in words(kind, near, path)]
    assert "exists already" in smicnb(*arguments).err
    done(*arguments, "--force")
    assert near.is_symlink()
    assert (far.read_bytes() != b"old", stat.S_IMODE(far.stat().st_mode)) == (True, 0o600)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and named pipes")
@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_cannot_be_written_is_told_before_any_work(kind, path, tmp_path, monkeypatch):
    for module, name in ((photographs, "photographs"), (photographs, "SmicReader")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("work was begun"))
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / f"dangling.{kind}").symlink_to("nothing")
    os.mkfifo(tmp_path / f"pipe.{kind}")
    before = sorted(os.listdir(tmp_path))
    for name, more, text in (
        ("file/a", ["--force"], "is no folder; needed: a folder to write to"),
        ("file/a", [], "is no folder; needed: a folder to write to"),
        ("dangling", [], "exists already; name another file"),
        ("pipe", ["--force"], "is no regular file but a pipe"),
    ):
        answer = smicnb(*words(kind, tmp_path / f"{name}.{kind}", path, *more))
        assert (answer.status, answer.out) == (2, "")
        assert text in answer.err
        assert answer.err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == before


def test_an_append_and_a_decompress_that_cannot_write_are_told_before_any_work(path, folder, tmp_path, monkeypatch):
    from smicnb.base.locks import locked
    from smicnb.semantics.generators import generators

    monkeypatch.setattr(photographs, "photographs", lambda *_: pytest.fail("a photograph was encoded"))
    monkeypatch.setattr(generators, "generator", lambda *_: pytest.fail("a generator was loaded"))
    with locked(path):
        assert "another append is at work on" in smicnb("append", path, folder[0]).err
    if not hasattr(os, "geteuid") or os.geteuid() != 0:  # root may write everything
        path.chmod(0o400)
        assert "cannot write to" in smicnb("append", path, folder[0]).err
    (tmp_path / "file").write_bytes(b"")
    answer = smicnb("decompress", path, tmp_path / "file" / "out")
    assert (answer.status, answer.out) == (2, "")
    assert "is no folder; needed: a folder to write to" in answer.err


def test_two_at_a_time_do_not_overwrite_each_other(folder, path, tmp_path, monkeypatch):
    """A file that another process wrote while photographs were encoded was there before this one's."""
    target, find = tmp_path / "x.smic", photographs.photographs

    def slow(*arguments):
        target.write_bytes(path.read_bytes())
        return find(*arguments)

    monkeypatch.setattr(photographs, "photographs", slow)
    assert "exists already: it was made meanwhile" in refused("compress", folder[0], target, "--atoms", "3")
    assert target.read_bytes() == path.read_bytes()


def test_an_append_needs_no_cache_that_can_be_written(path, more, tmp_path):
    """Files in place of the cache's folders: nothing can be made there, by root neither."""
    with own_cache(tmp_path / "cache") as cache:
        for name in ("locks", "latents", "image-verdicts", "digests"):
            (cache / "smicnb" / name).write_bytes(b"")
        done("append", path, more)


@pytest.mark.parametrize(("source", "text"), [("no/such", "found no folder 'no/such'"),
                                              ("photos", "found no folder 'photos', and no collection of that name"),
                                              ("embeded", "did you mean 'embedded'?")])  # fmt: skip
def test_a_folder_that_is_not_there_is_called_one(source, text, tmp_path):
    assert text in refused("compress", source, tmp_path / "x.smic")
