import pickle

import numpy as np
import pytest

from smicnb.base import errors
from smicnb.base.errors import RunError, SmicnbError, format_value
from smicnb.base.names import lookup, near_miss
from smicnb.codec.coders.dictionary import SemanticDictionary


def test_error_is_one_line_with_found_needed_and_do():
    error = SmicnbError("found a\n  thing", "another", "do this")
    assert str(error) == "found a thing; needed: another; do this"
    assert error.exit_status == 2
    assert RunError("x").exit_status == 1


def test_error_survives_a_process_border():
    error = pickle.loads(pickle.dumps(SmicnbError("a", "b", "c")))
    assert (error.found, error.needed, error.do) == ("a", "b", "c")


@pytest.mark.parametrize(("name", "close"), [("lamda", "lambda"), ("EMBEDED", "embedded"), ("zzzz", None), ("", None)])
def test_near_miss(name, close):
    assert near_miss(name, ["lambda", "embedded", "seed"]) == close


def test_lookup_names_the_near_miss_and_what_is_known():
    with pytest.raises(SmicnbError, match="unknown encoder 'lite'; needed: one of lite0, vit; did you mean 'lite0'"):
        lookup("encoder", "lite", {"vit": 1, "lite0": 2})
    assert lookup("encoder", "vit", {"vit": 1}) == 1


def test_what_another_library_says_is_kept_whole_on_one_line_without_terminal_codes():
    told = RuntimeError("Error(s) in loading:\n\t\x1b[31mMissing key\x1b[0m: a.b\x1b]0;title\x07\x07")
    assert errors.reason(told) == r"Error(s) in loading: Missing key: a.b\x07"
    assert errors.reason(RuntimeError()) == "RuntimeError"
    long = errors.reason(RuntimeError("begins " + 5000 * "x" + " ends"))
    assert len(long) == errors.LONGEST
    assert long.startswith("begins x")
    assert long.endswith("x ends")


def test_an_error_cannot_write_to_the_terminal():
    told = SmicnbError("found '\x1b[2J\x1b[1;31mname\x9b31m'", "a name", "say\r\nit")
    assert str(told) == r"found 'name\x9b31m'; needed: a name; say it"


def test_nobody_shows_the_first_line_alone(repository):
    for path in (repository / "smicnb").rglob("*.py"):
        assert "splitlines()[0]" not in path.read_text(encoding="utf-8"), path


def test_a_number_of_numpys_is_shown_as_pythons():
    assert [format_value(value) for value in (np.float64(0.5), np.int32(-3), 0.5, "3", np.bool_(True))] == [
        "0.5", "-3", "0.5", "'3'", "True"
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"^penalty=-1\.0; needed"):
        SemanticDictionary(2, np.float64(-1)).fit(np.eye(4))
