"""The models that ship: what they promise on photographs that none of them was trained on."""

import json
import subprocess
import sys
import zlib

import numpy as np
import pandas as pd
import pytest

from smicnb.base.errors import IntegrityError, MissingWeightsError, UnknownNameError
from smicnb.compare.images import curves
from smicnb.learned import any_codec
from smicnb.learned.any_codec import open_codec
from smicnb.learned.files import shipped
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import measures

FULL = ("full/low/0", "full/high/0")


@pytest.fixture(scope="module")
def small():
    return measures.select_tested(image_collections.load("embedded"), 160)


@pytest.mark.parametrize("name", [name for name, path in shipped.models().items() if path.name.startswith("taco-")])
def test_each_has_been_trained_and_codes_what_it_has_not_seen(name, small):
    codec = open_codec(shipped.model_path(name))
    facts = codec.checkpoint.facts
    assert facts["run"]["steps"] >= 1000
    assert "nearest-words" in facts["photographs"]["fitted"]
    item = small.items[len(name) % len(small)]
    image = item.image()
    data = codec.encode(image, "a photo")
    assert codec.encode(image, "a photo") == data
    assert codec.decode(data).shape == image.shape
    assert any_codec.model_of_file(data) == shipped.model_path(name)


@pytest.mark.parametrize("name", FULL)
def test_files_are_as_long_as_estimated(name, small):
    codec = open_codec(shipped.model_path(name))
    for item in small:
        image = item.image()
        estimate = codec.estimate(image, "a photo") / 8
        assert abs(len(codec.encode(image, "a photo")) - estimate) <= 0.01 * estimate + 32


def test_all_models_of_taco_together_stay_small():
    paths = list(shipped.folder().glob("taco-*.safetensors"))
    assert sum(path.stat().st_size for path in paths) <= 48_000_000


def test_models_are_found_by_prefix_and_by_their_files():
    assert list(shipped.choose_models(["full/high", "full/low/0"])) == ["full/high/0", "full/high/1", "full/low/0"]
    with pytest.raises(UnknownNameError, match="did you mean 'full/high/0'"):
        shipped.choose_models(["full/hihg/0"])
    own = shipped.model_path("full/low/0")
    assert shipped.choose_models([f"file:{own}"]) == {"full/low/0": own}
    with pytest.raises(IntegrityError, match="does not name its model"):
        shipped.choose_models([f"file:{__file__}"])
    with pytest.raises(MissingWeightsError, match="found no file"):
        shipped.choose_models([f"file:{own}.none"])
    with pytest.raises(UnknownNameError):
        shipped.model_path("nothing")
    with pytest.raises(IntegrityError, match="--model"):
        any_codec.model_of_file(b"TACO\x01" + bytes(50))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found an empty file"),
        (
            b"\xff\xd8\xff\xe0" + bytes(50),
            "a file that begins with ffd8ffe0; needed: a file that 'smicnb",
        ),
        (b"SMIC" + bytes(50), "found a file of SMIC; needed: a whole file of TACO or SIC"),
        (b"SIC_\x01\x02", "found a file of SIC that is cut short in its header"),
    ],
)
def test_what_is_no_file_of_a_learned_codec_is_told_by_its_first_bytes(data, message):
    with pytest.raises(IntegrityError, match=message):
        any_codec.model_of_file(data)


ELSEWHERE = """
import json, sys, torch, zlib
from pathlib import Path
torch.set_num_threads(1)  # as here: pixels, not latents, may differ by a level in one convolution or another
from smicnb.learned.any_codec import model_of_file, open_codec
codecs = {}
for name in sys.argv[1:]:
    data = Path(name).read_bytes()
    path = model_of_file(data)
    codec = codecs.setdefault(path, open_codec(path))
    latent = codec.decode_latent(data)[0]
    print(json.dumps([zlib.crc32(latent.numpy().tobytes()), zlib.crc32(codec.decode(data).tobytes())]))
"""


def test_another_process_decodes_kodak_images_to_the_same(shared_data, tmp_path):
    kodak = image_collections.load(f"kodak:{shared_data / 'kodak'}")
    names, expected = [], []
    for number, item in enumerate(kodak.items[::3]):  # both orientations, four images by each model
        codec = open_codec(shipped.model_path(FULL[number % 2]))
        data = codec.encode(item.image(), item.caption)
        names.append(tmp_path / str(number))
        names[-1].write_bytes(data)
        latent = codec.decode_latent(data)[0]
        expected.append([zlib.crc32(latent.numpy().tobytes()), zlib.crc32(codec.decode(data).tobytes())])
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *names], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_on_kodak_the_whole_codec_is_far_ahead_of_jpeg_in_lpips_and_ahead_in_psnr(repository):
    """By the committed table, of which test_goldens measures an image again."""
    table = pd.read_csv(repository / "figures/kodak/08_taco_ablations/taco_rates.csv")
    jpeg, whole = table[table["codec"] == "JPEG"], table[table["codec"] == measures.WHOLE]
    assert whole["setting"].nunique() == len(FULL)
    for _, cell in whole.groupby("setting"):
        own = cell.set_index("image")
        assert 0.12 <= own["bpp"].mean() <= 0.4
        assert own["bpp"].between(jpeg["bpp"].min(), jpeg["bpp"].max()).all()
        for metric in ("lpips", "psnr"):
            rival = [
                curves.interpolate(jpeg[jpeg["image"] == image], metric, [bpp])["value"].item()
                for image, bpp in own["bpp"].items()
            ]
            own[f"jpeg {metric}"] = rival
        assert np.isfinite(own.select_dtypes("number").to_numpy()).all()
        assert (own["lpips"] <= 0.75 * own["jpeg lpips"]).sum() >= 22
        assert own["psnr"].mean() > own["jpeg psnr"].mean()
