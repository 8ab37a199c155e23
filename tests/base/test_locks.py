"""A lock on a file itself: others meet it, whoever is killed lets go, and nothing lies beside the file."""

import os
import subprocess
import sys

import pytest

from smicnb.base import locks
from smicnb.base.errors import SmicnbError
from smicnb.base.locks import is_at, locked

HOLDS = """
import sys, time
from smicnb.base.locks import locked
with locked(sys.argv[1]):
    print("in", flush=True)
    time.sleep(60)
"""


def test_it_is_met_by_others_until_it_ends_or_is_killed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"whole")
    with subprocess.Popen([sys.executable, "-c", HOLDS, path], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(SmicnbError, match=r"somebody is at work on '.*a'; wait"), locked(path, "somebody"):
            pass
        assert path.read_bytes() == b"whole"  # who only reads is not kept from it
        other.kill()
    with locked(path) as file:
        with pytest.raises(SmicnbError, match="another process is at work"), locked(path):
            pass
        assert file.read() == b"whole"
    with locked(path) as file:
        file.write(b"WH")
    assert path.read_bytes() == b"WHole"
    assert os.listdir(tmp_path) == ["a"]


def test_what_replaces_a_file_between_opening_and_locking_is_what_is_held(tmp_path, monkeypatch):
    path, lock = tmp_path / "a", locks.lock_handle
    path.write_bytes(b"old")

    def late(number):
        lock(number)
        if path.read_bytes() == b"old":
            (tmp_path / "b").write_bytes(b"new")
            os.replace(tmp_path / "b", path)

    monkeypatch.setattr(locks, "lock_handle", late)
    with locked(path) as file:
        assert file.read() == b"new"
        assert is_at(file, path)
        path.unlink()
        assert not is_at(file, path)


def test_what_cannot_be_held_is_told(tmp_path, monkeypatch):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SmicnbError, match="cannot write to '"), locked(path):
            pass

    def refuses(number):
        raise OSError(37, "No locks available")

    (tmp_path / "a").write_bytes(b"")
    monkeypatch.setattr(locks, "lock_handle", refuses)
    with pytest.raises(SmicnbError, match=r"without locks \(No locks available\)"), locked(tmp_path / "a"):
        pass
