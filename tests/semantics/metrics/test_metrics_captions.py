"""Captioners on real photographs and tiny models; similarities at the ends of their range."""

import numpy as np
import pytest

from smicnb.base.errors import DimensionError, MissingWeightsError, SmicnbError, UnknownNameError
from smicnb.semantics.encoders import lite0_minilm
from smicnb.semantics.metrics import captions
from smicnb.semantics.metrics.pairs import text_image_similarity
from smicnb.semantics.photographs.words import words


@pytest.fixture(scope="module")
def blip(tiny_models, tmp_path_factory):
    return captions.captioner(f"blip:{tiny_models.blip(tmp_path_factory.mktemp('captions') / 'blip')}", None)


@pytest.fixture(scope="module")
def nearest(lite0):
    return captions.captioner("nearest-words", lite0)


def test_blip_writes_the_same_sentence_whatever_comes_with_it(blip, photographs):
    sentences = blip.caption(photographs)
    assert len(sentences) == len(photographs)
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)
    assert len(set(sentences)) > 1
    assert [blip.caption([image])[0] for image in reversed(photographs)] == sentences[::-1]
    assert blip.caption([]) == []


def test_blip_s_sentence_is_that_of_transformers_by_beam_search(blip, photographs):
    import torch
    from PIL import Image
    from transformers import BlipForConditionalGeneration, BlipProcessor

    folder = blip.located.folder
    processor, model = BlipProcessor.from_pretrained(folder), BlipForConditionalGeneration.from_pretrained(folder)
    inputs = processor(images=Image.fromarray(photographs[0]), return_tensors="pt")
    with torch.inference_mode():
        tokens = model.eval().generate(**inputs, num_beams=3, max_new_tokens=30, do_sample=False)
    assert blip.caption(photographs[:1]) == [processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()]


def test_nearest_words_name_what_is_there(nearest, photographs):
    sentences = nearest.caption(photographs)
    for sentence in sentences:
        beginning, said = sentence[:11], sentence[11:].replace(" and ", ", ").split(", ")
        assert beginning == "a photo of "
        assert len(set(said)) == 3
        assert set(said) <= set(words().words)
    assert nearest.caption(photographs[2:3]) == sentences[2:3]
    assert nearest.caption([]) == []
    assert "stand-in" in nearest.what


@pytest.mark.parametrize(
    ("count", "text"), [(1, "a photo of {0}"), (2, "a photo of {0} and {1}"), (4, "a photo of {0}, {1}, {2} and {3}")]
)
def test_a_caption_names_as_many_words_as_asked(lite0, photographs, count, text):
    some = ["church", "dog", "lake", "street"]
    captioner = captions.NearestWords(lite0, some, count)
    (row,) = captioner.name_latents(lite0.encode_images(photographs[:1]))
    assert captioner.caption(photographs[:1]) == [text.format(*(word for word, _ in row))]


def test_the_record_knows_encoder_and_words(nearest, lite0):
    assert nearest.fingerprint == {
        "encoder": "lite0-minilm",
        "weights": lite0.weights_hash,
        "words": words().sha256,
        "count": 3,
    }
    assert captions.NearestWords(lite0, ["lake"], 1).fingerprint["words"] != words().sha256


def test_settings_that_nearest_words_cannot_have(lite0):
    with pytest.raises(SmicnbError, match="count=0; needed: 1 to 434 words"):
        captions.captioner("nearest-words?count=0", lite0)
    with pytest.raises(SmicnbError, match="'nearest-words:auto'; needed: 'nearest-words' without a source"):
        captions.captioner("nearest-words:auto", lite0)
    with pytest.raises(UnknownNameError, match="did you mean 'nearest-words'"):
        captions.captioner("nearest_words", lite0)


def test_caption_similarity_ranks_sentences():
    one = ["a church in front of mountains"] * 3
    other = ["a church in front of mountains", "a chapel before the hills", "a plate of spaghetti"]
    found = captions.caption_similarity(one, other)
    assert found[0] == pytest.approx(1, abs=1e-6)
    assert 0.95 > found[1] > found[2] + 0.3
    assert found[2] < 0.3
    np.testing.assert_allclose(captions.caption_similarity(other, one), found, atol=1e-6)
    assert captions.caption_similarity([], []).shape == (0,)


def test_caption_similarity_is_the_cosine_of_minilm(lite0):
    import torch

    pair = ["a red car", "a blue car"]
    unit = lite0.text_tower(pair)
    assert captions.caption_similarity(pair[:1], pair[1:])[0] == pytest.approx(
        torch.dot(unit[0], unit[1]).item(), abs=1e-5
    )


def test_captions_that_do_not_pair_are_refused():
    with pytest.raises(DimensionError, match="2 captions and 1 of decoded images; needed: equally many"):
        captions.caption_similarity(["a", "b"], ["a"])


def test_an_image_is_nearer_to_its_own_caption(lite0, nearest, photographs):
    some = [photographs[0], photographs[2], photographs[4]]
    sentences = nearest.caption(some)
    own = text_image_similarity(lite0, sentences, some)
    strange = text_image_similarity(lite0, sentences[1:] + sentences[:1], some)
    assert np.all(own > strange + 0.1)


def test_without_the_sentence_tower_the_command_is_named(monkeypatch, tmp_path):
    lite0_minilm.sentence_tower.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="smicnb weights fetch all-minilm-l6-v2"):
        captions.caption_similarity(["a"], ["b"])
