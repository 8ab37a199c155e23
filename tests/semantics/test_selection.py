"""Names with sources and options: taken apart, converted, and refused where they make no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.semantics.selection import Selection, parse

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_./", min_size=1, max_size=12)


def test_a_name_has_a_source_and_options_or_is_its_family_alone():
    assert parse("retrieval") == Selection("retrieval", "", {})
    parsed = parse("stable-unclip:owner/name@rev?steps=5&device=cuda:1")
    assert parsed == Selection("stable-unclip", "owner/name@rev", {"steps": "5", "device": "cuda:1"})


@given(WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=3))
def test_what_is_put_together_is_taken_apart(family, source, options):
    query = "&".join(f"{key}={value}" for key, value in options.items())
    assert parse(f"{family}:{source}" + (f"?{query}" if query else "")) == Selection(family, source, options)


def test_settings_take_the_type_of_their_defaults():
    parsed = parse("x:y?steps=5&guidance=2&slicing=true&dtype=float16")
    found = parsed.settings(steps=20, guidance=10.0, slicing=False, dtype="float32", batch=4)
    assert found == {"steps": 5, "guidance": 2.0, "slicing": True, "dtype": "float16", "batch": 4}
    assert [type(value) for value in found.values()] == [int, float, bool, str, int]


@pytest.mark.parametrize("name", ["x?steps", "x?steps=", "x?=5", "x?a=1&a=2", "x?a=1&&b=2"])
def test_malformed_options_are_refused(name):
    with pytest.raises(SmicnbError, match=r"needed: \?option=value"):
        parse(name)


def test_unknown_options_name_the_near_miss():
    with pytest.raises(UnknownNameError, match="did you mean 'steps'"):
        parse("x?step=5").settings(steps=20)


@pytest.mark.parametrize(
    ("text", "default", "needed"),
    [("five", 1, "a whole number"), ("2.5", 1, "a whole number"), ("much", 1.0, "a number"), ("1", True, "true or")],
)
def test_values_of_another_type_are_refused(text, default, needed):
    with pytest.raises(SmicnbError, match=needed):
        parse(f"x?steps={text}").settings(steps=default)
