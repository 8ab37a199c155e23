"""The coder beyond the paper: it decodes what it reconstructed, and meets targets or says what is nearest."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import smic_by_hand
from prior_latents import PRIOR, images
from sklearn.base import clone

from smicnb.base.errors import IntegrityError, SmicnbError, UnknownNameError
from smicnb.codec import describe
from smicnb.codec.coders import choice
from smicnb.codec.coders.axes import FOR_SEARCH, LEAST_FOR_SEARCH, AxesCodec, mixed_covariance
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.compare.latents.smic import SearchedOnce
from smicnb.semantics.metrics.pairs import latent_cosine

ABOUT = {"encoder": PRIOR.name, "weights_hash": PRIOR.weights_hash}


def latents(count, dim=24, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dim)) * np.geomspace(4, 0.1, dim) + 1


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 130])
@pytest.mark.parametrize("parameters", [{"axes": "own"}, {"axes": "own", "most_axes": 2}, {"axes": "prior"}])
def test_what_comes_back_is_what_the_encoder_reconstructed(count, parameters):
    prior = PRIOR if parameters["axes"] == "prior" else None
    Z = images(count) if prior else latents(count)
    codec = AxesCodec(**parameters, prior=prior, fidelity=95).fit(Z)
    data = codec.encode(Z, names=[f"{i}.png" for i in range(count)])
    assert codec.decode(data).tobytes() == codec.reconstruct(Z).tobytes()
    with SmicReader(data) as opened:
        assert opened.latent(count - 1).tobytes() == codec.reconstruct(Z)[-1].tobytes()
        again = AxesCodec.from_codebook(opened.codebook)
        assert opened.names[0] == "0.png"
    assert container.dump(*again.sections, again.blocks(Z)) == codec.encode(Z)


@pytest.mark.parametrize("axes", ["own", "prior"])
@pytest.mark.parametrize("tilt", [0.5, -1.0])
def test_a_tilt_changes_what_is_chosen_and_no_byte_of_the_format(axes, tilt):
    """No reader knows of it; all that is sent once is the same; large axes come out nearer, small ones do not."""
    Z = images(80)
    plain, codec = (AxesCodec(axes, prior=PRIOR, fidelity=95, tilt=some).fit(Z) for some in (0, tilt))
    data = codec.encode(Z)
    assert codec.sections == plain.sections
    assert data != plain.encode(Z)
    assert codec.decode(data).tobytes() == codec.reconstruct(Z).tobytes()
    assert np.allclose(smic_by_hand.read(data).latents, codec.decode(data), atol=1e-5)
    book, errors = plain.codebook_, []
    for each in (plain, codec):
        decoded = book.mean_latent + each.codebook_.coefficients(each.levels(Z)) @ book.atoms[: len(book.codes)]
        errors.append(np.square((Z - decoded) @ book.analysis).mean(axis=0))
    leading = slice(0, len(book.codes) // 4)
    assert (errors[1][leading].sum() < errors[0][leading].sum()) == (tilt > 0)


def test_own_axes_of_few_bits_can_be_left_out():
    """What is left are the leading axes of the same file, which any reader reads."""
    Z = images(80)
    plain, codec = (AxesCodec(prior=PRIOR, fidelity=95, least_code=some).fit(Z) for some in (1, LEAST_FOR_SEARCH))
    kept, codes = len(codec.codebook_.codes), plain.codebook_.codes
    assert 0 < kept < len(codes)
    assert codes[kept - 1] >= LEAST_FOR_SEARCH > codes[kept]
    assert np.array_equal(codec.codebook_.axis_levels, plain.codebook_.axis_levels[:kept])
    data = codec.encode(Z)
    assert np.allclose(smic_by_hand.read(data).latents, codec.decode(data), atol=1e-5)
    with pytest.raises(SmicnbError, match="least_code"):
        AxesCodec(least_code=0).fit(Z)


def test_without_a_tilt_no_axis_counts_more():
    Z = images(40)
    codec = AxesCodec("prior", prior=PRIOR, fidelity=95).fit(Z)
    assert codec._axis_weights() is None
    book, ones = codec.codebook_, np.ones(len(codec.codebook_.codes))
    coefficients = Z @ book.analysis - book.mean_latent @ book.analysis
    price = book.header.penalty
    assert np.array_equal(book.quantise(coefficients, price), book.quantise(coefficients, price, axis_weights=ones))
    with pytest.raises(SmicnbError, match="tilt"):
        AxesCodec(tilt=5).fit(Z)


def test_identical_latents_cost_only_what_is_sent_once():
    Z = np.repeat(latents(1), 50, axis=0)
    codec = AxesCodec(fidelity=90).fit(Z)
    data = codec.encode(Z)
    assert len(codec.codebook_.codes) == 0
    assert latent_cosine(Z, codec.decode(data)).min() > 0.999
    with SmicReader(data) as opened:
        assert opened.file.spent["payload"] == 2


@pytest.mark.parametrize("fidelity", [88, 100, 112])
def test_a_second_search_gains_in_cosines_what_its_bits_are_worth(fidelity):
    Z, test = images(200), images(100, seed=5)
    codec, once = (kind("prior", fidelity, prior=PRIOR).fit(Z) for kind in (AxesCodec, SearchedOnce))

    def reached(codec):
        levels = codec.levels(test)
        return latent_cosine(test, codec.codebook_.reconstruct(levels)).mean(), codec.lengths(levels).mean()

    (cosine, bits), (cosine_once, bits_once) = reached(codec), reached(once)
    # Twice the mean cosine times the squared norm brings cosines to the unit of the price of a bit.
    worth = 2 * cosine_once * codec.norm**2 * (cosine - cosine_once)
    assert worth > codec.codebook_.header.penalty * (bits - bits_once)


def test_latents_of_zero_leave_the_others_as_they_are():
    Z = images(60)
    codec = AxesCodec("prior", 100, prior=PRIOR, growth=0).fit(Z)
    alone, among = codec.reconstruct(Z), codec.reconstruct(np.vstack([Z, np.zeros((40, PRIOR.dim))]))[:60]
    assert latent_cosine(Z, among).mean() == pytest.approx(latent_cosine(Z, alone).mean(), abs=0.001)
    assert np.isfinite(codec.reconstruct(np.zeros((3, PRIOR.dim)))).all()


def test_growing_frequencies_make_up_for_variances_that_are_guessed():
    rng = np.random.default_rng(8)
    axes = PRIOR.axes[rng.permutation(60)[:40]] / (1 << 19)  # alike in spread, which the prior does not expect
    Z = rng.laplace(size=(250, len(axes))) @ axes
    lengths, cosines = [], []
    for growth in (0, quantisation.GROWTH):
        data = AxesCodec("prior", 104, prior=PRIOR, growth=growth).fit(Z).encode(Z)
        with SmicReader(data) as opened:
            lengths.append(opened.file.spent["payload"])
            cosines.append(latent_cosine(Z, opened.latents()).mean())
    assert lengths[1] < 0.98 * lengths[0]
    assert cosines[1] > cosines[0]


def test_a_growth_out_of_range_is_an_error(tmp_path):
    with pytest.raises(SmicnbError, match="found growth = 25; needed: 0 to 24"):
        AxesCodec(growth=25).fit(latents(9))
    for axes in ("own", "prior"):
        codec = AxesCodec(axes, 95, prior=PRIOR).fit(images(1))
        header, dictionary, tables = codec.sections
        forged = container.dump(header, dictionary, tables[:1] + b"\x19" + tables[2:], codec.blocks(images(1)))
        with pytest.raises(IntegrityError, match="found a growth of 25; needed: 0 to 24"):
            SmicReader(forged)
        with pytest.raises(ValueError, match="damaged"):
            smic_by_hand.read(forged)


def test_a_finer_fidelity_costs_more_and_errs_less():
    Z, test = latents(300), latents(64, seed=1)
    coarse, fine = (AxesCodec(fidelity=fidelity, b_dict=10).fit(Z) for fidelity in (110, 90))
    assert len(fine.blocks(test)[0].payload) > len(coarse.blocks(test)[0].payload)
    assert latent_cosine(test, fine.reconstruct(test)).mean() > latent_cosine(test, coarse.reconstruct(test)).mean()
    same = fine.at(Z, fidelity=110)
    assert same.codebook_.header.penalty == coarse.codebook_.header.penalty


def test_the_prior_saves_bits_and_its_mean_pays_for_many():
    Z = images(200)
    bits = {}
    for centre in (False, True):
        codec = AxesCodec("prior", 95, prior=PRIOR, centre=centre).fit(Z)
        levels = codec.levels(Z)
        bits[centre] = codec.lengths(levels).mean()
    assert bits[True] < bits[False]


def test_cross_validation_takes_the_prior_where_latents_are_few():
    known = np.diag(np.geomspace(9, 0.01, 40))
    few = np.random.default_rng(0).standard_normal((20, 40)) * np.sqrt(np.diag(known))
    _, share = mixed_covariance(few, known, water=0.05)
    assert share >= 0.35
    many = np.random.default_rng(0).standard_normal((3000, 40)) * np.sqrt(np.diag(known))[::-1]
    _, share = mixed_covariance(many, known, water=0.05)
    assert share <= 0.05


def test_parameters_are_checked():
    Z = latents(9)
    with pytest.raises(UnknownNameError, match="own"):
        AxesCodec("owm").fit(Z)
    with pytest.raises(SmicnbError, match="no prior"):
        AxesCodec("prior", prior=None).fit(Z)
    with pytest.raises(SmicnbError, match="0 to 144"):
        AxesCodec(fidelity=145).fit(Z)
    with pytest.raises(SmicnbError, match="no words"):
        SMICCodec(coding="words").fit(Z)
    for parameters, text in (
        ({"fidelity": 90.5}, "found fidelity = 90.5; needed: 0 to 144, a whole number"),
        ({"b_dict": 0}, "found b_dict = 0; needed: 1 to 16"),
        ({"b_dict": 17}, "found b_dict = 17; needed: 1 to 16"),
        ({"share": 1.5}, "found share = 1.5; needed: 0 to 1"),
    ):
        with pytest.raises(SmicnbError, match=text):
            AxesCodec(**parameters).fit(Z)
        with pytest.raises(SmicnbError, match=text):
            AxesCodec().fit(Z).at(Z, **parameters)
    assert clone(AxesCodec(fidelity=77)).fidelity == 77


@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("target", [{"cosine": 0.8}, {"bits": 1500.0}])
def test_a_target_is_met_by_the_bytes(count, target):
    Z = images(count)
    found = choice.ways(Z, only=("own", "prior"), **target, **ABOUT)
    codec = found[0].codec
    data = codec.encode(Z)
    cosine, bits = latent_cosine(Z, codec.decode(data)).mean(), 8 * len(data) / count
    assert cosine >= target.get("cosine", 0) - 1e-6
    assert bits <= target.get("bits", np.inf) + 8
    assert abs(bits - found[0].bits) < 0.02 * bits + 9
    assert choice.lines(found)[0].startswith("chosen: ")


def test_near_duplicates_are_coded_as_their_mean_whatever_is_known_beforehand():
    rng = np.random.default_rng(4)
    Z = rng.standard_normal(PRIOR.dim) + 0.01 * rng.standard_normal((60, PRIOR.dim))
    own, *_ = choice.ways(Z, cosine=0.9, images=200, only=("own",), **ABOUT)
    found, *_ = choice.ways(Z, cosine=0.9, images=200, only=("own", "prior"), **ABOUT)
    assert found.bits <= own.bits < 15
    assert len(found.codec.codebook_.codes) == 0
    assert found.name.startswith("own axes")


@pytest.mark.parametrize("learned", [26, 5000])
@pytest.mark.parametrize("target", [{"cosine": 0.8}, {"bits": 150.0}])
def test_a_target_is_met_by_the_file_where_a_sample_misleads(target, learned, monkeypatch):
    monkeypatch.setattr(choice, "TRIED", 24)
    monkeypatch.setattr(choice, "LEARNED", learned)
    Z, count = np.random.default_rng(2).standard_normal((30, PRIOR.dim)), 30  # far from what the prior expects
    sample = np.linspace(0, count - 1, choice.TRIED).round().astype(int)
    Z[sample] = images(count)[sample]
    way, other, *_ = choice.ways(Z, only=("prior",), tilt=FOR_SEARCH, **target, **ABOUT)
    assert (way.codec.tilt, other.codec.tilt) == (FOR_SEARCH, FOR_SEARCH)
    data = way.codec.encode(Z)
    assert way.latent_cosine == pytest.approx(latent_cosine(Z, way.codec.decode(data)).mean(), abs=1e-5)
    assert way.bits == pytest.approx(8 * len(data) / count)
    assert way.latent_cosine >= target.get("cosine", 0)
    assert way.bits <= target.get("bits", np.inf)
    assert "of 30 images" not in choice.lines([way])[0]
    assert (other.measured == count) == ("of 30 images" not in choice.lines([way, other])[1])


def test_words_are_refitted_on_all_latents(monkeypatch):
    Z = images(9)
    monkeypatch.setattr(choice, "WORDS_TRIED", 2)
    monkeypatch.setattr(choice, "PENALTIES", np.array([1.0, 4.0]))
    (way,) = choice.ways(Z, cosine=0.3, only=("words",), **ABOUT)
    assert (way.measured, way.at_hand) == (9, 9)
    fitted = SMICCodec(penalty=way.codec.penalty, b_coef=choice.WORD_BITS, coding="words", **ABOUT).fit(Z)
    assert way.codec.encode(Z) == fitted.encode(Z)
    assert way.bits == pytest.approx(8 * len(fitted.encode(Z)) / 9)


def test_few_images_take_the_prior_and_hosts_their_own_axes():
    Z = latents(40, PRIOR.dim, seed=3)  # nothing like what the prior expects
    few = choice.ways(Z[:3], cosine=0.8, only=("own", "prior"), **ABOUT)
    assert few[0].name.startswith("axes of the prior")
    many = choice.ways(Z, cosine=0.8, images=10**6, only=("own", "prior"), **ABOUT)
    assert many[0].name.startswith("own axes")


def test_without_a_prior_one_image_is_its_own_mean():
    Z = latents(1)
    (way, *_) = choice.ways(Z, cosine=0.9)
    assert len(way.codec.codebook_.codes) == 0
    assert latent_cosine(Z, way.codec.decode(way.codec.encode(Z)))[0] >= 0.9


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"cosine": 1.5}, "more than 0 and less than 1"),
        ({"cosine": 0.0}, "more than 0 and less than 1"),
        ({"bits": -3.0}, "a positive number"),
        ({}, "exactly one of them"),
        ({"cosine": 0.5, "bits": 3.0}, "exactly one of them"),
        ({"cosine": 0.9999999}, "no setting reaches .* needed: at most 0.99"),
        ({"bits": 2.0}, "no setting keeps to 2 bits .* needed: at least"),
    ],
)
def test_targets_that_cannot_be_are_refused_with_the_nearest(target, text):
    with pytest.raises(SmicnbError, match=text):
        choice.ways(images(4), only=("prior",), **target, **ABOUT)


@pytest.mark.parametrize("coding", ["prior", "words"])
def test_a_prior_is_of_the_weights_that_the_header_names(coding):
    Z = images(3)
    codec = AxesCodec("prior", prior=PRIOR) if coding == "prior" else SMICCodec(coding="words", penalty=2.0, **ABOUT)
    header, *sections = codec.fit(Z).sections
    assert header.weights_hash == PRIOR.weights_hash
    forged = container.dump(replace(header, weights_hash="ab" * 32), *sections, codec.blocks(Z))
    with pytest.raises(IntegrityError, match="found latents of the weights abab"):
        SmicReader(forged)
    with pytest.raises(ValueError, match="damaged"):
        smic_by_hand.read(forged)
    if coding == "prior":
        with pytest.raises(SmicnbError, match="found latents of the weights abab"):
            AxesCodec("prior", prior=PRIOR, weights_hash="ab" * 32).fit(Z)


def test_words_name_what_is_in_a_file_and_those_of_most_images_are_shown(tmp_path):
    Z = images(6)
    codec = SMICCodec(coding="words", penalty=1.0, b_coef=5, **ABOUT).fit(Z)
    path = tmp_path / "words.smic"
    path.write_bytes(codec.encode(Z))
    assert codec.decode(path).tobytes() == codec.reconstruct(Z).tobytes()
    with SmicReader(path) as opened:
        assert opened.codebook.levels.tolist() == PRIOR.word_levels.tolist()
    about = describe.facts(path)
    used = (codec.levels(Z) >= 0).sum(axis=0)
    assert about["words"][0] == (PRIOR.words[used.argmax()], used.max())
    assert f"words of most images: {about['words'][0][0]} ({used.max()}), " in "\n".join(describe.lines(about))


def test_neither_names_nor_one_line_decode_a_record(tmp_path, monkeypatch):
    codec = AxesCodec("prior", prior=PRIOR).fit(images(3))
    path = tmp_path / "some.smic"
    path.write_bytes(codec.encode(images(3), names=["a", "b", "c"]))
    monkeypatch.setattr(TrellisCodebook, "reconstruct", None)
    assert describe.facts(path)["images_with_names"] == 3
    monkeypatch.setattr(TrellisCodebook, "decode_payload", None)
    with SmicReader(path) as opened:
        assert opened.names == ["a", "b", "c"]
    assert describe.one_line(path).startswith(f"{path}: 3 images, {path.stat().st_size} bytes, ")


def test_decoding_imports_neither_torch_nor_a_compiler(tmp_path):
    path = tmp_path / "some.smic"
    path.write_bytes(AxesCodec("prior", prior=PRIOR).fit(images(3)).encode(images(3)))
    code = "import sys; from smicnb.codec.format.reader import decode; decode(sys.argv[1])\n"
    code += "print(sorted({'torch', 'numba', 'sklearn', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
