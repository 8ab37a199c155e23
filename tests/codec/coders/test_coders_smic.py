"""The codec in the manner of scikit-learn: what it decodes is what it reconstructed, bit for bit, wherever it runs."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from smicnb.base.errors import DimensionError, SmicnbError, UnknownNameError
from smicnb.codec.coders.smic import SMICCodec, fit_codebook, normalise
from smicnb.codec.format import container
from smicnb.codec.format.payload import CODINGS
from smicnb.codec.format.reader import SmicReader, decode

HASH = hashlib.sha256(b"weights").hexdigest()


def latents_of(count, dim=12, seed=0, atoms=6):
    """Latents that are sparse in a few directions, and some noise; norms differ."""
    rng = np.random.default_rng(seed)
    codes = rng.laplace(size=(count, atoms)) * (rng.random((count, atoms)) < 0.5)
    return 10 * codes @ rng.standard_normal((atoms, dim)) + rng.standard_normal((count, dim))


def codec_of_file(source):
    with SmicReader(source) as opened:
        return SMICCodec.from_codebook(opened.codebook)


def codec_of(**parameters):
    return SMICCodec(**{"n_atoms": 8, "penalty": 0.5, "encoder": "tests", "weights_hash": HASH, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return codec_of().fit(latents_of(150))


@given(
    n_atoms=st.integers(1, 12),
    penalty=st.floats(0.01, 30),
    b_dict=st.integers(1, 16),
    b_coef=st.integers(1, 16),
    coding=st.sampled_from(CODINGS),
    norm=st.floats(0.01, 1000),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=30)
def test_what_comes_back_is_what_the_encoder_reconstructed(n_atoms, penalty, b_dict, b_coef, coding, norm, seed):
    parameters = {"n_atoms": n_atoms, "penalty": penalty * norm / 20, "b_dict": b_dict, "b_coef": b_coef}
    codec = codec_of(**parameters, coding=coding, norm=norm, random_state=seed).fit(latents_of(30, 6, seed))
    others = latents_of(70, 6, seed + 1)
    data = codec.encode(others)
    decoded = codec.decode(data)
    assert decoded.dtype == np.float32
    assert decoded.tobytes() == codec.reconstruct(others).tobytes()
    assert SMICCodec().decode(data).tobytes() == decoded.tobytes()
    lengths = np.linalg.norm(decoded, axis=1)
    assert np.allclose(lengths[decoded.any(axis=1)], norm, rtol=1e-5)
    with SmicReader(data) as opened:
        levels = np.concatenate([block.levels for block in opened])
        assert np.array_equal(levels, codec.levels(others))


def test_more_bits_and_less_penalty_bring_latents_closer():
    latents = latents_of(60)

    def cosine(**parameters):
        codec = codec_of(**parameters).fit(latents)
        decoded = codec.decode(codec.encode(latents))
        both = np.linalg.norm(latents, axis=1) * np.linalg.norm(decoded, axis=1)
        return ((latents * decoded).sum(axis=1) / both).mean()

    fine = cosine(b_dict=12, b_coef=12, penalty=0.1)
    assert fine > 0.95
    assert cosine(b_dict=1, b_coef=12, penalty=0.1) < fine
    assert cosine(b_dict=12, b_coef=1, penalty=0.1) < fine
    assert cosine(b_dict=12, b_coef=12, penalty=5.0) < fine


def test_the_coding_changes_bytes_and_no_latent():
    latents = latents_of(150)
    files = {coding: codec_of(coding=coding).fit(latents).encode(latents) for coding in CODINGS}
    decoded = {coding: decode(data) for coding, data in files.items()}
    assert decoded["tuple"].tobytes() == decoded["entropy"].tobytes()
    payload = {}
    for coding, data in files.items():
        with SmicReader(data) as opened:
            payload[coding] = opened.bits()["payload"]
    assert payload["entropy"] < payload["tuple"]


@pytest.mark.parametrize("coding", CODINGS)
def test_images_appended_later_are_the_same_latents(coding, tmp_path):
    codec = codec_of(coding=coding).fit(latents_of(90))
    first, second = latents_of(70, seed=1), latents_of(80, seed=2)
    path = tmp_path / "some.smic"
    path.write_bytes(codec.encode(first))
    before = path.read_bytes()
    again = codec_of_file(path)
    container.append(path, again.blocks(second))
    assert path.read_bytes().startswith(before)
    wanted = codec.reconstruct(np.concatenate([first, second]))
    assert decode(path).tobytes() == wanted.tobytes()
    with SmicReader(path) as opened:
        for image in (0, 63, 64, 69, 70, 149):
            assert opened.latent(image).tobytes() == wanted[image].tobytes()
        for image in (-1, 150):
            with pytest.raises(DimensionError, match=rf"image number {image}; needed: 0 to 149"):
                opened.latent(image)


def test_a_codec_of_a_file_codes_as_the_one_that_wrote_it(fitted):
    data, others = fitted.encode(latents_of(10)), latents_of(40, seed=9)
    again = codec_of_file(data)
    shared = {name: value for name, value in fitted.get_params().items() if name != "random_state"}
    assert {name: again.get_params()[name] for name in shared} == shared
    assert again.encode(others) == fitted.encode(others)


DECODE = """
import hashlib, sys
from smicnb.codec.format.reader import SmicReader
for path in sys.argv[1:]:
    with SmicReader(path) as opened:
        print(hashlib.sha256(opened.latents().tobytes()).hexdigest())
        print(hashlib.sha256(b"".join(opened.latent(i).tobytes() for i in range(len(opened)))).hexdigest())
loaded = {"torch", "sklearn", "scipy", "PIL", "numba", "pandas"} & set(sys.modules)
print(sorted(loaded))
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """(file, digest of what the encoder reconstructs) at operating points drawn by chance, a part of each appended."""
    rng, folder, files = np.random.default_rng(4), tmp_path_factory.mktemp("drawn"), []
    first, second = latents_of(150, 96, seed=5, atoms=40), latents_of(30, 96, seed=6, atoms=40)
    for number in range(12):
        bits = {name: int(rng.integers(1, 17)) for name in ("b_dict", "b_coef")}
        point = {"n_atoms": int(rng.integers(1, 130)), "penalty": float(rng.uniform(0.05, 4)), **bits}
        codec = codec_of(**point, coding=CODINGS[number % 2]).fit(latents_of(200, 96, atoms=40))
        path = folder / f"{number}.smic"
        path.write_bytes(codec.encode(first))
        container.append(path, codec.blocks(second))
        wanted = codec.reconstruct(np.concatenate([first, second]))
        files.append((str(path), hashlib.sha256(wanted.tobytes()).hexdigest()))
    return files


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_decodes_the_same_bits_without_what_learning_needs(threads, drawn):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, threads)}
    paths, digests = zip(*drawn, strict=True)
    run = subprocess.run([sys.executable, "-c", DECODE, *paths], env=environment, capture_output=True, text=True)
    assert run.stdout.splitlines() == [digest for digest in digests for _ in range(2)] + ["[]"], run.stderr


def test_equal_input_gives_equal_bytes(fitted):
    again = codec_of().fit(latents_of(150))
    names, sizes = [f"{i}.jpg" for i in range(150)], [(640, 480 + i) for i in range(150)]
    assert again.encode(latents_of(150), names, sizes) == fitted.encode(latents_of(150), names, sizes)
    other = codec_of(random_state=1, n_atoms=5).fit(latents_of(150))
    assert other.encode(latents_of(150), names, sizes) != fitted.encode(latents_of(150), names, sizes)


def test_the_length_of_a_latent_is_not_coded(fitted):
    latents = latents_of(20, seed=4)
    lengths = 2.0 ** np.random.default_rng(0).integers(-9, 9, (20, 1))
    assert fitted.encode(latents * lengths) == fitted.encode(latents)


def test_names_and_sizes_come_back(fitted):
    names = [f"été/{i}.jpg" for i in range(100)]
    sizes = [(100 + i, 200) for i in range(100)]
    with SmicReader(fitted.encode(latents_of(100), names, sizes)) as opened:
        assert opened.names == names
        assert [size for block in opened for size in block.sizes] == sizes
    with SmicReader(fitted.encode(latents_of(3))) as opened:
        assert opened.names == [None] * 3
        assert next(iter(opened)).sizes is None
    for names, sizes in ((["a"], None), (None, [(1, 1)] * 4)):
        with pytest.raises(DimensionError, match=r"found \d (names|sizes) for 3 latents; needed: one for each"):
            fitted.encode(latents_of(3), names, sizes)


def test_a_file_may_hold_no_image_and_an_image_no_coefficient(fitted, tmp_path):
    path = tmp_path / "none.smic"
    path.write_bytes(container.dump(*fitted.sections, []))
    assert decode(path).shape == (0, 12)
    container.append(path, fitted.blocks(np.zeros((2, 12))))
    assert np.array_equal(decode(path), np.zeros((2, 12)))


def test_it_has_the_manners_of_scikit_learn():
    codec = codec_of(penalty=0.7, random_state=3)
    copy = clone(codec)
    assert copy is not codec
    assert copy.get_params() == codec.get_params()
    assert copy.get_params()["penalty"] == 0.7
    copy.set_params(n_atoms=3)
    latents = latents_of(30)
    assert copy.fit(latents) is copy
    assert copy.n_features_in_ == 12
    assert copy.get_params()["n_atoms"] == 3
    assert clone(copy).get_params() == copy.get_params()
    assert not hasattr(clone(copy), "codebook_")


def test_what_was_not_fitted_does_not_encode():
    for use in (lambda codec: codec.encode(latents_of(3)), lambda codec: codec.levels(latents_of(3))):
        with pytest.raises(NotFittedError):
            use(codec_of())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_atoms": 0}, "0 atoms"),
        ({"n_atoms": 4097}, "4097 atoms"),
        ({"penalty": 0.0}, "a penalty of 0.0"),
        ({"penalty": float("nan")}, "a penalty of nan"),
        ({"b_dict": 17}, "b_dict = 17"),
        ({"b_coef": 0}, "b_coef = 0"),
        ({"norm": 0.0}, "a norm of 0.0"),
        ({"norm": 1e300}, r"a norm of 1e\+300"),
        ({"encoder": ""}, "an encoder's name of 0 bytes"),
        ({"weights_hash": "beef"}, "a weights hash 'beef'"),
    ],
)
def test_parameters_out_of_their_range_are_told(wrong, said):
    with pytest.raises(ValueError, match=said) as caught:
        codec_of(**wrong).fit(latents_of(30))
    assert isinstance(caught.value, SmicnbError)


def test_a_coding_that_does_not_exist_is_told():
    with pytest.raises(UnknownNameError, match="tupel"):
        codec_of(coding="tupel").fit(latents_of(30))


@pytest.mark.parametrize("wrong", [np.full((3, 12), np.nan), np.full((3, 12), np.inf), np.zeros(12), np.zeros((0, 12))])
def test_latents_that_are_none_are_refused(wrong, fitted):
    with pytest.raises(ValueError, match=r"NaN|infinity|2D array|0 sample"):
        codec_of().fit(wrong)
    with pytest.raises(ValueError, match=r"NaN|infinity|2D array|0 sample"):
        fitted.encode(wrong)


def test_latents_of_another_dimension_are_refused(fitted):
    with pytest.raises(ValueError, match="11 features"):
        fitted.encode(latents_of(3, 11))


def test_a_codebook_of_other_atoms_is_a_codec_too(fitted):
    latents, header = latents_of(60), fitted.codebook_.header
    levels = np.random.default_rng(0).integers(0, 16, (8, 12)).astype(np.uint16)
    codec = SMICCodec.from_codebook(fit_codebook(header, levels, normalise(latents, fitted.norm)))
    assert codec.decode(codec.encode(latents)).tobytes() == codec.reconstruct(latents).tobytes()
