"""What the package and its rooms offer: there, explained, and loaded when it is asked for."""

import doctest
import importlib
import re
import subprocess
import sys

import pytest

FACES = ("smicnb", "smicnb.semantics", "smicnb.codec", "smicnb.learned", "smicnb.compare")


@pytest.mark.parametrize("name", FACES)
def test_a_room_says_what_to_import_and_its_example_holds(name):
    room = importlib.import_module(name)
    examples = " ".join(re.findall(r"^(?:>>>|\.\.\.) (.*)", room.__doc__, re.MULTILINE))
    for offered in room.__all__:
        assert re.search(rf"`{offered}`", room.__doc__), offered
        # TACO and SIC have their example in their own room.
        assert re.search(rf"\b{offered}(\.open)?\(", examples) or (name, offered) == ("smicnb", "open_codec"), offered
        assert getattr(room, offered).__doc__
    found = doctest.testmod(room)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("name", FACES)
def test_what_type_checkers_are_told_is_what_there_is(name, repository):
    room = importlib.import_module(name)
    source = (repository / "smicnb" / "/".join(name.split(".")[1:]) / "__init__.py").read_text(encoding="utf-8")
    told = {
        offered: module
        for module, names in re.findall(r"^    from (\S+) import ([\w, ]+)$", source, re.MULTILINE)
        for offered in names.split(", ")
    }
    assert set(told) == set(room.__all__)
    for offered, module in told.items():
        assert getattr(room, offered) is getattr(importlib.import_module(module), offered)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        room.nothing  # noqa: B018


def test_importing_the_package_loads_nothing():
    code = "import smicnb.semantics, smicnb.codec, smicnb.learned, smicnb.compare, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "sklearn", "pandas"} & set(done.stdout.split())


def test_doctests_elsewhere_hold():
    from smicnb.learned import any_codec

    found = doctest.testmod(any_codec)
    assert (found.attempted > 0, found.failed) == (True, 0)


def test_a_codec_opens_by_the_name_that_the_command_line_takes(tmp_path):
    from smicnb.base.errors import UnknownNameError
    from smicnb.learned import open_codec
    from smicnb.learned.files import shipped

    by_name, by_path = open_codec("full/high/0"), open_codec(shipped.model_path("full/high/0"))
    assert by_name.fingerprint == by_path.fingerprint
    with pytest.raises(UnknownNameError, match="full/high/0"):
        open_codec("full/high/9")
