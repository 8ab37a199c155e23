import pickle

import pytest

from smicnb.base.errors import RunError, SmicnbError
from smicnb.base.names import lookup, near_miss


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
