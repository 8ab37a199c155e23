"""SIC as a codec: every prefix decodes, elsewhere too, to what the encoder said; what is cut or damaged is told."""

import json
import subprocess
import sys
import warnings
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_sic import TINY, random_sic

from smicnb.base.errors import ImageError, IntegrityError, SmicnbError
from smicnb.learned.files import checkpoints
from smicnb.learned.files.coding import Reader
from smicnb.learned.files.shifted import shifted_gaussians
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.sic_file import Part, SicFile
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.files.wavefront import Walk, wavefronts

ELSEWHERE = """
import sys, zlib, json
from pathlib import Path
from smicnb.learned.files.sic_codec import SicCodec
codec = SicCodec(sys.argv[1])
print(json.dumps([
    zlib.crc32(codec.decode(Path(name).read_bytes(), seed=seed).tobytes()) for name in sys.argv[2:] for seed in (0, 7)
]))
"""
SIZES = [(64, 64), (65, 130), (1, 1), (37, 200), (16, 48)]


def saved(config, path, seed=0):
    checkpoints.save(path, "sic", "tiny/other/0", random_sic(config, seed), {})
    return SicCodec(path)


@pytest.fixture(scope="module")
def codec(tiny_sic):
    return SicCodec(tiny_sic)


@pytest.fixture(scope="module")
def taco(tiny_checkpoint):
    return TacoCodec(tiny_checkpoint)


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    config = replace(TINY, groups=(1, 2, 4, 5), detail="scale")
    return saved(config, tmp_path_factory.mktemp("growing") / "growing.safetensors")


@pytest.fixture(scope="module")
def data(codec, photograph):
    return codec.encode(photograph[:96, :128])


def test_a_checkpoint_keeps_its_config_and_weights(tiny_sic):
    read, original = checkpoints.load(tiny_sic), random_sic(TINY)
    assert read.config == TINY
    assert read.codec == "sic"
    for name, value in original.named_parameters():
        torch.testing.assert_close(dict(read.network.named_parameters())[name].contiguous(), value.half().float())


@pytest.mark.parametrize("which", ["codec", "growing"])
def test_every_prefix_decodes_in_another_process_to_what_the_encoder_said(which, photograph, tmp_path, request):
    codec = request.getfixturevalue(which)
    checkpoints.save(tmp_path / "c", "sic", codec.setting, random_sic(codec.config), {})  # the same model
    expected, names = [], []
    for height, width in SIZES:
        image = photograph[:height, :width]
        data, said = codec.encode(image), codec.predict(image)
        for level in range(1, 5):
            names.append(tmp_path / f"{height}-{width}-{level}")
            names[-1].write_bytes(codec.prefix(data, level))
            for seed in (0, 7):
                predicted = codec.sample(said, level, seed)
                assert predicted.shape == (height, width, 3)
                expected.append(zlib.crc32(predicted.tobytes()))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tmp_path / "c", *names], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == expected


def test_what_is_read_is_what_the_encoder_had(codec, data, photograph):
    read, said = codec.read(data), codec.predict(photograph[:96, :128])
    assert (read.level, read.width, read.height) == (4, 128, 96)
    assert torch.equal(torch.cat(read.groups, 1), torch.cat(said.groups, 1))
    assert torch.equal(read.hyper, said.hyper)
    assert torch.cat(read.groups, 1).abs().max() > 2


@pytest.mark.parametrize("which", ["codec", "growing"])
def test_wavefronts_decode_as_place_by_place(which, photograph, request):
    """The plain decoder: the network's own context in full for each place, one place after another."""
    codec = request.getfixturevalue(which)
    data = codec.encode(photograph[:80, :112])
    read, file, config = codec.read(data), SicFile.unpack(data), codec.config
    network = random_sic(config).half().double()
    tables = shifted_gaussians()
    z = Reader(file.hyper, 16).take(np.broadcast_to(np.arange(4)[:, None, None], (1, 4, 2, 2)), codec.prior_tables)
    hyper = network.context.hyper(torch.from_numpy(z) + codec.medians, 5, 7)
    latent = torch.zeros(1, 12, 5, 7, dtype=torch.float64)
    with torch.no_grad():
        for start, end, part in zip(config.bounds, config.bounds[1:], file.parts, strict=False):
            reader = Reader(part.stream, 35 * (end - start))
            for row, column in sorted(np.ndindex(5, 7), key=lambda place: (3 * place[0] + place[1], place[0])):
                scales, means = (each[0, start:end, row, column].numpy() for each in network.context(latent, hyper))
                rows, near, mirror = tables.rows(scales, means)
                symbols = reader.take(rows, tables.tables)
                latent[0, start:end, row, column] = torch.from_numpy(near + mirror * symbols)
    assert torch.equal(latent, torch.cat(read.groups, dim=1))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (4, 5), (7, 3)])
def test_the_walk_expects_what_the_network_expects(height, width):
    context = random_sic(replace(TINY, groups=(1, 2, 4, 5))).context.double()
    torch.manual_seed(2)
    latent, hyper = (torch.randn(1, c, height, width).double() for c in (12, 24))
    with torch.no_grad():
        expected = torch.stack(context(latent, hyper))
    walk = Walk(context)
    seen = torch.full_like(expected, torch.nan)
    start = 0
    for number, (c, own) in enumerate(zip(context.groups, context.split_groups(hyper), strict=True)):
        group = latent[:, start : start + c]

        def code(places, scales, means, start=start, c=c, group=group):
            found = torch.from_numpy(np.stack([scales.T, means.T]))
            seen[:, 0, start : start + c].flatten(2)[..., places] = found
            return group[0].flatten(1).T.numpy()[places]

        assert torch.equal(walk.group(number, latent[:, :start], own, code), group)
        start += c
    torch.testing.assert_close(seen, expected, rtol=1e-10, atol=1e-10)


def test_wavefronts_hold_every_place_once_and_after_what_it_sees():
    for height, width in [(1, 1), (1, 7), (7, 1), (2, 2), (6, 9)]:
        waves = wavefronts(height, width)
        assert sorted(np.concatenate(waves)) == list(range(height * width))
        assert len(waves) <= 3 * (height - 1) + width
        when = {divmod(int(place), width): number for number, wave in enumerate(waves) for place in wave}
        for (row, column), number in when.items():
            for other, earlier in when.items():
                near = abs(other[0] - row) <= 2 and abs(other[1] - column) <= 2
                if near and other < (row, column):
                    assert earlier < number
    assert len(wavefronts(32, 48)) == 3 * 31 + 48


def test_files_are_the_same_again(codec, photograph, data, tiny_sic):
    assert codec.encode(photograph[:96, :128], "a caption is not looked at") == data
    assert SicCodec(tiny_sic).encode(photograph[:96, :128]) == data


@pytest.mark.parametrize("which", ["codec", "growing"])
def test_the_rate_of_every_level_is_near_its_estimate(which, photograph, request):
    codec, image = request.getfixturevalue(which), photograph[:256, :384]
    data = codec.encode(image)
    sizes = codec.sizes(data)
    assert sum(sizes) == len(data)
    assert len(sizes) == 5
    for level in range(1, 5):
        measured, estimate = len(codec.prefix(data, level)), codec.estimate(image, level) / 8
        assert measured == sum(sizes[: level + 1])
        assert abs(measured - estimate) <= 0.01 * estimate + 32 * (level + 1)
    for size, bits in zip(sizes, codec.estimates(image), strict=True):
        assert abs(size - bits / 8) <= 0.01 * bits / 8 + 32


def test_a_file_cut_within_a_level_gives_the_level_before_and_says_so(codec, data):
    ends = SicFile.unpack(data).ends
    for level in (1, 2, 3):
        whole = codec.decode(codec.prefix(data, level), seed=3)
        for length in (ends[level] + 1, ends[level + 1] - 1):
            with pytest.warns(UserWarning, match=f"in level {level + 1}; decoded at level {level}"):
                assert np.array_equal(codec.decode(data[:length], seed=3), whole)
            with pytest.raises(IntegrityError, match=f"in level {level + 1}, so it has {level} of 4 levels"):
                codec.decode(data[:length], level + 1)
    for cut in (data[: ends[0]], data[: ends[1] - 1]):
        with pytest.raises(IntegrityError, match="it has 0 of 4 levels; needed: level 1; get the file again"):
            codec.decode(cut)
    told = "the file ends after level 2, so it has 2 of 4 levels; needed: level 3; ask for level 2"
    with pytest.raises(IntegrityError, match=told):
        codec.decode(codec.prefix(data, 2), 3)


def test_whole_files_and_asked_for_levels_give_no_warning(codec, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        top = codec.decode(data)
        assert np.array_equal(codec.decode(data, 2), codec.decode(codec.prefix(data, 2)))
        codec.decode(data[:-1], 2)
    assert np.array_equal(top, codec.decode(data, 4))


def test_no_flipped_bit_goes_unnoticed(codec, photograph):
    data = codec.encode(photograph[:20, :20])
    file, whole = SicFile.unpack(data), codec.read(data)
    for bit in range(8 * len(data)):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        intact = sum(end <= bit // 8 for end in file.ends) - 1
        try:
            read = codec.read(bytes(broken))
        except IntegrityError:
            continue
        assert 1 <= read.level <= intact, bit
        assert read.note
        assert all(torch.equal(one, other) for one, other in zip(read.groups, whole.groups, strict=False))


def test_levels_and_seeds_out_of_range(codec, data):
    for level in (-1, 0, 5):
        for call in (codec.decode, codec.prefix):
            with pytest.raises(SmicnbError, match=f"found the level {level}; needed: one of 1 to 4"):
                call(data, level)
        with pytest.raises(SmicnbError, match="found the level"):
            codec.estimate(np.zeros((4, 4, 3), np.uint8), level)
    with pytest.raises(SmicnbError, match="one of 1 to 2"):
        codec.sample(codec.read(data, 2), 3)
    with pytest.raises(SmicnbError, match="found the seed -1"):
        codec.decode(data, seed=-1)
    with pytest.raises(IntegrityError, match="2 whole levels"):
        codec.prefix(codec.prefix(data, 2), 3)


def test_seeds_give_other_details_of_the_same_synset(codec, data):
    coded = codec.read(data, 2)
    first, again, other = (codec.latent(coded, 2, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert torch.equal(first[:, :6], other[:, :6])
    assert (first[:, 6:] != other[:, 6:]).float().mean() > 0.5
    assert (first[:, 6:] - coded.hyper[:, 18:]).abs().max() <= 2.5
    assert torch.equal(codec.latent(codec.read(data), 3, 1)[:, 9:], first[:, 9:])
    assert not np.array_equal(codec.decode(data, 2, seed=1), codec.decode(data, 2, seed=2))


def test_the_detail_is_these_numbers_on_every_machine(codec):
    """numpy promises PCG64's stream; were it another, files would give other pictures."""
    flat = codec.read(codec.encode(np.full((16, 32, 3), 128, np.uint8)))
    flat.hyper.zero_()
    drawn = codec.latent(flat, 3, 5)[0, 9:].flatten().tolist()
    assert drawn == [1, -2, 0, -1, 2, -2]


def test_at_the_highest_level_nothing_is_drawn(codec, data):
    assert np.array_equal(codec.decode(data, seed=1), codec.decode(data, seed=2))


def test_files_of_other_codecs_and_models(codec, taco, data, tiny_checkpoint, tmp_path, photograph):
    with pytest.raises(IntegrityError, match="found a file of SIC; needed: a file of TACO"):
        taco.decode(data)
    with pytest.raises(IntegrityError, match="found a file of TACO; needed: a file of SIC"):
        codec.decode(taco.encode(photograph[:64, :64], "a church"))
    with pytest.raises(SmicnbError, match="a checkpoint of taco; needed: a checkpoint of sic"):
        SicCodec(tiny_checkpoint)
    with pytest.raises(IntegrityError, match="checkpoint that encoded it"):
        saved(TINY, tmp_path / "seed", seed=1).decode(data)
    with pytest.raises(IntegrityError, match="a model with 4 levels; needed: 2 levels"):
        saved(replace(TINY, groups=(6, 6)), tmp_path / "two").decode(data)


def test_drift_is_an_error_and_no_picture(tiny_sic, data):
    other = SicCodec(tiny_sic)
    other.walk.parts[2][2][:] *= 1.5
    assert other.read(data, 2).level == 2
    with pytest.raises(IntegrityError, match=r"the stream of level 3 do not decode .*the same arithmetic"):
        other.decode(data)


def test_a_latent_that_drifts_where_the_stream_does_not_see_it_is_an_error_too(tiny_sic, data):
    other = SicCodec(tiny_sic)
    file = SicFile.unpack(data)
    parts = [replace(part, latent_crc=part.latent_crc ^ (number == 2)) for number, part in enumerate(file.parts)]
    forged = replace(file, parts=tuple(parts)).pack()
    assert other.read(forged, 2).level == 2
    with pytest.raises(IntegrityError, match="level 3 decodes to another latent"):
        other.decode(forged)


@pytest.mark.parametrize(
    ("image", "error", "told"),
    [
        (np.zeros((8, 8), np.uint8), ImageError, r"found an array \(8, 8\) of uint8"),
        (np.zeros((8, 8, 3), np.uint16), ImageError, r"found an array \(8, 8, 3\) of uint16"),
        (np.zeros((0, 4, 3), np.uint8), SmicnbError, "4×0"),
        (np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (2**13, 2**13, 3)), SmicnbError, "8192×8192"),
    ],
)
def test_what_is_no_rgb_image_or_too_large_is_told_before_work_begins(codec, taco, image, error, told):
    for call in (codec.encode, codec.predict, codec.estimates, lambda image: taco.encode(image, "")):
        with pytest.raises(error, match=told):
            call(image)


@pytest.mark.parametrize(("width", "height"), [(2**19 + 32, 1), (1, 2**19 + 32), (2**12 + 1, 2**12)])
def test_a_forged_size_is_refused_with_what_fills_it_up(codec, width, height):
    """A row of one pixel takes the transforms' memory of a whole window."""
    forged = SicFile(codec.model, width, height, codec.levels, b"", (Part(b"", 0),)).pack()
    with pytest.raises(SmicnbError, match=f"found an image of {width}×{height}; needed: 1 to [0-9]+ pixels, sides"):
        codec.decode(forged)
