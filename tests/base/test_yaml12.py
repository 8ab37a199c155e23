"""Numbers as YAML 1.2 has them (its chapter 10.3.2), read from a file, from the command line, and written."""

import math

import pytest

from smicnb.base import yaml12

WORDS = {
    "010": 10,
    "-07": -7,
    "+3": 3,
    "0o17": 15,
    "0xfF": 255,
    "1e3": 1000.0,
    "1E-3": 0.001,
    ".5": 0.5,
    "-.5e1": -5.0,
    "5.": 5.0,
    "0.30": 0.3,
    "-.inf": -math.inf,
    "true": True,
    "FALSE": False,
    "~": None,
    "null": None,
}
TEXTS = ["1_000", "1:30", "0b11", "yes", "No", "on", "1e-3x", "0o8", "1.2.3", "tRue", "NaN", "folder:1e-3", "-", "e1"]


@pytest.mark.parametrize("word", WORDS)
def test_a_number_is_the_same_in_a_file_a_list_and_on_the_command_line(word):
    in_files = [yaml12.read(f"a: {word}")["a"], yaml12.read(f"[{word}]")[0]]
    found = [*in_files, yaml12.value(word), yaml12.value(f"[{word}]")[0]]
    assert found == [WORDS[word]] * 4
    assert {type(each) for each in found} == {type(WORDS[word])}


@pytest.mark.parametrize("word", TEXTS)
def test_what_is_no_number_is_text_everywhere(word):
    assert [yaml12.read(f"a: '{word}'")["a"], yaml12.value(word)] == [word, word]
    if word != "-":
        assert yaml12.read(f"a: {word}")["a"] == word


def test_no_number_at_all():
    assert math.isnan(yaml12.value(".nan"))


@pytest.mark.parametrize(
    "text",
    ["", " ", "folder:a b #1", "a: b", "{a: 1}", "[1, 2", "'a", "2024-01-01", "*a", "!x 1", "1 # 2", "- 1", "9" * 5000],
)
def test_the_command_line_takes_the_rest_for_text(text):
    assert yaml12.value(text) == text


def test_quotes_and_brackets_of_the_command_line():
    assert yaml12.value('"0.5"') == "0.5"
    assert yaml12.value(" [a, 'b, c', .5] ") == ["a", "b, c", 0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "expected the node content"),
        ("a: 1\na: 2", "line 1: the key 'a' stands twice"),
        ("a: 2024-13-45", "month"),
        ("[" * 100_000, "recursion"),
        ("a: !!int x", "invalid literal"),
    ],
)
def test_what_is_no_yaml_is_one_error(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        yaml12.read(text)
    assert "\n" not in str(caught.value)


def test_what_is_written_is_read_again():
    content = {"texts": [*TEXTS, *WORDS, "", "a: b", "2024-01-01"], "numbers": [0, 10, -0.5, 1e-7, 1e300], "none": None}
    assert yaml12.read(yaml12.write(content)) == content


def test_no_other_reader_or_writer_is_in_the_package(repository):
    importing = [
        str(path.relative_to(repository))
        for path in (repository / "smicnb").rglob("*.py")
        if "import yaml\n" in path.read_text(encoding="utf-8")
    ]
    assert importing == ["smicnb/base/yaml12.py"]
