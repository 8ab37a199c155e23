"""BLEU-4 and CIDEr-D against values worked out by hand, and what holds for any captions."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError
from smicnb.semantics.metrics.caption_scores import bleu4, cider_d

VOCABULARY = ("a", "the", "dog", "cat", "runs", "sleeps", "red", "house", "near", "of")
words = st.sampled_from(VOCABULARY)
sentences = st.lists(words, max_size=8).map(" ".join)
corpora = st.lists(st.tuples(sentences, st.lists(sentences, min_size=1, max_size=3)), min_size=1, max_size=6)

DIFFERENT = ["a dog runs over green grass", "two men play chess outside", "the red boat leaves its harbour"]


def test_cider_d_of_a_caption_that_differs_in_a_word():
    # Two images; "a" is in both, so its idf is log(2/2) = 0; every other n-gram weighs log 2 or is in no reference,
    # which weighs log 2 as well. Common factors log 2 cancel in each cosine.
    # "a cat runs" against "a cat sits", equally long:
    #   1-grams {cat, runs} · {cat, sits}: 1/(√2 √2) = 1/2; 2-grams {a cat, cat runs} · {a cat, cat sits}: 1/2;
    #   3-grams differ: 0; there are no 4-grams: 0. 10 · (1/2 + 1/2) / 4 = 2.5.
    # "a dog runs fast" against "a dog runs", one word longer: penalty exp(-1/72);
    #   1-grams {dog, runs, fast} · {dog, runs}: 2/√6; 2-grams, three of which two are there: 2/√6;
    #   3-grams {a dog runs, dog runs fast} · {a dog runs}: 1/√2; the reference has no 4-grams: 0.
    scores = cider_d(["a cat runs", "a dog runs fast"], ["a cat sits", "a dog runs"])
    longer = 10 / 4 * (4 / math.sqrt(6) + 1 / math.sqrt(2)) * math.exp(-1 / 72)
    np.testing.assert_allclose(scores, [2.5, longer], rtol=1e-12)
    assert scores.dtype == np.float64


def test_cider_d_clips_a_word_said_again_and_again():
    # 1-grams {dog: 3} · {dog: 1, runs: 1}: min(3, 1) · 1 / (3 √2); unclipped it would be 3 / (3 √2).
    scores = cider_d(["dog dog dog", "a cat"], ["a dog runs", "a cat sits"])
    assert scores[0] == pytest.approx(10 / 4 / (3 * math.sqrt(2)), rel=1e-12)


def test_cider_d_of_several_references_is_the_mean_and_they_are_one_document():
    # "dog" is in two sentences of one image, and that counts once: idf log(2/1), as for the other words but "a" (0).
    # Against "a dog": 1-gram {dog} · {dog} = 1, 2-gram 1, no more: 10 · 2/4 = 5. Against "the dog":
    # 1-grams {dog} · {the, dog}: 1/√2; 2-grams differ. Counted twice, "dog" would weigh log(2/2) = 0.
    scores = cider_d(["a dog", "a cat"], [["a dog", "the dog"], ["a cat"]])
    assert scores[0] == pytest.approx((5 + 10 / 4 / math.sqrt(2)) / 2, rel=1e-12)


def test_bleu4_by_hand():
    # "the cat sat on the mat" against "the cat sat on a mat" (6 words each, no brevity penalty):
    # 1-grams: "the" is clipped to 1, so 5 of 6; 2-grams: 3 of 5; 3-grams: 2 of 4; 4-grams: 1 of 3.
    expected = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert bleu4(["the cat sat on the mat"], ["the cat sat on a mat"]) == pytest.approx(expected, abs=1e-6)
    # Five of the reference's six words in a row: all precisions 1, brevity penalty exp(1 - 6/5).
    assert bleu4(["the cat sat on a"], ["the cat sat on a mat"]) == pytest.approx(math.exp(-1 / 5), abs=1e-6)


def test_bleu4_is_one_of_the_corpus_and_no_mean_of_captions():
    # 4-grams of both captions together: 3 + 2, of which the first caption's 3 are there; 3-grams 4 of 7,
    # 2-grams 5 of 9, 1-grams 6 of 11; the lengths are equal.
    captions = ["a dog runs over green grass", "x y z v w"]
    references = ["a dog runs over green grass", "two men play chess outside"]
    expected = (6 / 11 * 5 / 9 * 4 / 7 * 3 / 5) ** 0.25
    assert bleu4(captions, references) == pytest.approx(expected, abs=1e-6)


def test_best_values_case_and_punctuation_aside():
    other = [sentence.upper().replace(" ", "  ") + "." for sentence in DIFFERENT]
    np.testing.assert_allclose(cider_d(other, DIFFERENT), 10, rtol=1e-12)
    assert bleu4(other, DIFFERENT) == pytest.approx(1)
    # Two words by their apostrophe in the PTB tokenizer, one here.
    assert cider_d(["the dog's", "a cat"], ["the dogs", "a cat"])[0] == pytest.approx(5)


def test_an_empty_caption_scores_nothing():
    scores = cider_d(["", *DIFFERENT[1:]], DIFFERENT)
    assert scores[0] == 0
    assert scores[1:] == pytest.approx(10)
    assert cider_d(DIFFERENT, ["", "!", DIFFERENT[2]])[:2].tolist() == [0, 0]
    assert bleu4(["", ""], DIFFERENT[:2]) == 0
    assert 0 < bleu4(["", DIFFERENT[1]], DIFFERENT[:2]) < 1
    assert (bleu4([], []), cider_d([], []).shape) == (0, (0,))


@pytest.mark.parametrize("score", [bleu4, cider_d])
def test_captions_and_references_belong_together(score):
    with pytest.raises(DimensionError, match="2 captions and references to 3 images"):
        score(DIFFERENT[:2], DIFFERENT)
    with pytest.raises(DimensionError, match="caption 1 without a reference"):
        score(DIFFERENT, [DIFFERENT[:1], [], DIFFERENT[2:]])


@settings(deadline=None)
@example([("a a a a a", ["a a a a", "a a a a a a"])])  # lengths equally far from the caption's
@given(corpora)
def test_scores_keep_their_range_and_do_not_depend_on_the_order(corpus):
    captions, references = zip(*corpus, strict=True)
    scores = cider_d(captions, references)
    assert scores.shape == (len(corpus),)
    assert ((scores >= 0) & (scores <= 10 + 1e-9)).all()
    assert 0 <= bleu4(captions, references) <= 1 + 1e-6
    turned = [some[::-1] for some in references[::-1]]
    np.testing.assert_allclose(cider_d(captions[::-1], turned)[::-1], scores, atol=1e-9)
    assert bleu4(captions[::-1], turned) == pytest.approx(bleu4(captions, references), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.permutations(VOCABULARY).map(lambda some: some[:5]), min_size=2, max_size=5))
def test_the_same_sentences_score_best_if_every_image_has_its_own(lists):
    # A word of its own makes n-grams of each length that no other image has.
    own = [" ".join([f"own{number}", *some]) for number, some in enumerate(lists)]
    np.testing.assert_allclose(cider_d(own, own), 10, rtol=1e-9)
    assert bleu4(own, own) == pytest.approx(1)


@settings(deadline=None)
@given(st.lists(st.lists(words, min_size=1, max_size=7).map(" ".join), min_size=2, max_size=5))
def test_sentences_without_a_common_word_score_nothing(captions):
    references = [" ".join(f"not{word}" for word in caption.split()) for caption in captions]
    assert (cider_d(captions, references) == 0).all()
    assert bleu4(captions, references) == 0
