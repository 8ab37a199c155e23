"""TACO as a codec: what another process decodes is what was encoded, whatever the picture and the caption."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from smicnb.base.errors import IntegrityError
from smicnb.learned.files import coding
from smicnb.learned.files.taco_codec import TacoCodec

ELSEWHERE = """
import sys, zlib, json
from pathlib import Path
from smicnb.learned.files.taco_codec import TacoCodec
codec = TacoCodec(sys.argv[1])
print(json.dumps([
    [zlib.crc32(codec.decode(Path(name).read_bytes()).tobytes()), float(codec.decode_latent(Path(name).read_bytes())[0].sum())]
    for name in sys.argv[2:]
]))
"""  # noqa: E501


@pytest.fixture(scope="module")
def codec(tiny_checkpoint):
    return TacoCodec(tiny_checkpoint)


def test_another_process_decodes_the_same_latent_and_pixels(codec, tiny_checkpoint, photograph, tmp_path):
    import zlib

    expected, names = [], []
    for number, (height, width) in enumerate([(64, 64), (65, 130), (1, 1), (37, 200)]):
        data = codec.encode(photograph[:height, :width], "a church on a hill")
        names.append(tmp_path / f"{number}.taco")
        names[-1].write_bytes(data)
        assert codec.decode(data).shape == (height, width, 3)
        expected.append([zlib.crc32(codec.decode(data).tobytes()), float(codec.decode_latent(data)[0].sum())])
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tiny_checkpoint, *names], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == expected


def test_the_decoder_gets_the_very_latent(codec, photograph, monkeypatch):
    seen = []
    crc = coding.latent_crc
    monkeypatch.setattr(coding, "latent_crc", lambda latent: seen.append(latent) or crc(latent))
    data = codec.encode(photograph[:100, :150], "a church")
    latent, width, height = codec.decode_latent(data)
    assert torch.equal(latent, seen[0])
    assert latent.abs().max() > 1
    assert (width, height) == (150, 100)


def test_files_are_the_same_again_and_the_rate_is_near_its_estimate(codec, photograph):
    crop = photograph[:192, :256]
    data = codec.encode(crop, "a church")
    assert codec.encode(crop, "a church") == data
    estimate = codec.estimate(crop, "a church") / 8
    assert abs(len(data) - estimate) <= 0.01 * estimate + 32


@pytest.mark.parametrize("caption", ["", None, "church " * 2000, "教会の写真 🙂", "\x00\n"])
def test_any_caption_can_be_coded_and_the_decoder_needs_none(codec, photograph, caption):
    data = codec.encode(photograph[:64, :64], caption)
    assert codec.decode(data).shape == (64, 64, 3)


def test_the_caption_changes_the_file(codec, photograph):
    files = {codec.encode(photograph[:128, :128], caption) for caption in ("a church", "two dogs", "")}
    assert len(files) == 3


def test_grey_and_sixteen_bit_files_are_read_as_rgb(codec, tmp_path):
    from PIL import Image

    from smicnb.semantics.photographs.images import read_image

    ramp = np.arange(64 * 64).reshape(64, 64)
    Image.fromarray((ramp * 16).astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray((ramp // 16).astype(np.uint8)).save(tmp_path / "grey.png")
    for name in ("deep.png", "grey.png"):
        assert codec.decode(codec.encode(read_image(tmp_path / name), "a ramp")).shape == (64, 64, 3)


def test_drift_is_an_error_and_no_picture(codec, tiny_checkpoint, photograph):
    other = TacoCodec(tiny_checkpoint)
    with torch.no_grad():
        for parameter in other.context.parameters():
            parameter.mul_(1.001)
    with pytest.raises(IntegrityError, match="same arithmetic"):
        other.decode(codec.encode(photograph[:64, :64], "a church"))


def test_another_arithmetic_that_rounding_forgives_decodes(codec, tiny_checkpoint, photograph):
    other = TacoCodec(tiny_checkpoint)
    with torch.no_grad():
        for parameter in other.context.parameters():
            parameter.mul_(1 + 1e-12)
    data = codec.encode(photograph[:128, :128], "a church")
    assert torch.equal(other.decode_latent(data)[0], codec.decode_latent(data)[0])


def test_where_the_text_acts(codec, photograph):
    tokens, fine, coarse = codec.attention(photograph[:64, :128], "a church")
    assert tokens == ["[CLS]", "a", "church", "[SEP]"]
    assert fine.shape == (4, 16, 32)
    assert coarse.shape == (4, 8, 16)
