import json
import socket

import pytest
from hub_server import COMMITS, HASHED, PATTERNS, VARIABLE, Hub, serving

from smicnb.base.errors import IntegrityError, MissingWeightsError
from smicnb.semantics.weights.repositories import config, locate, weights_hash

FILES = {
    "unet/config.json": b"{}",
    "unet/model.safetensors": b"weights",
    "unet/model.bin": b"a pickle",
    "smicnb.json": b'{"stand_in": "random weights"}',
}


@pytest.fixture
def folder(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "mine"


def test_a_folder_is_used_as_it_is_and_recorded_without_its_place(folder):
    found = locate(str(folder), (), VARIABLE, PATTERNS, fetch=True)
    assert found.folder == folder.resolve()
    assert (found.source, found.revision, found.stand_in) == ("mine", None, "random weights")


def test_a_folder_without_a_note_stands_in_for_nothing(folder):
    (folder / "smicnb.json").unlink()
    assert locate(str(folder), (), VARIABLE, PATTERNS, fetch=True).stand_in == ""


def test_a_note_is_one_short_printable_line(folder):
    note = "random\n\x1b[2J \u202eweights " + "x" * 1000
    (folder / "smicnb.json").write_text(json.dumps({"stand_in": note}))
    told = locate(str(folder), (), VARIABLE, PATTERNS).stand_in
    assert told == "random [2J weights " + "x" * 41
    assert told.isprintable()


@pytest.mark.parametrize("name", ["unet/config.json", "unet/model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    pattern = name.replace("model", "*")
    with pytest.raises(MissingWeightsError) as caught:
        locate(str(folder), (), VARIABLE, PATTERNS, fetch=True)
    assert f"(lacks {pattern})" in str(caught.value)


@pytest.mark.parametrize("source", ["/no/folder", "./folder", "a/b/c", "owner/", "a b/c", "a/b@", "a\\b"])
def test_what_is_neither_folder_nor_repository(source):
    with pytest.raises(MissingWeightsError, match="no such folder, and not a name of the hub"):
        locate(source, (), VARIABLE, PATTERNS, fetch=True)


def test_the_user_s_own_source_comes_first(folder, monkeypatch, hub):
    monkeypatch.setenv(VARIABLE, str(folder))
    assert locate("auto", ("owner/one",), VARIABLE, PATTERNS, fetch=True).source == "mine"
    assert hub.asked == []


def test_the_variable_is_for_auto_only(folder, monkeypatch, hub):
    monkeypatch.setenv(VARIABLE, str(folder))
    hub.repositories["owner/one"] = FILES
    assert locate("owner/one", (), VARIABLE, PATTERNS, fetch=True).source == "owner/one"


@pytest.mark.parametrize(("name", "revision"), [("owner/one", "main"), ("owner/one@v2", "v2")])
def test_a_repository_is_fetched_and_its_commit_recorded(hub, name, revision):
    hub.repositories["owner/one"] = FILES
    found = locate(name, (), VARIABLE, PATTERNS, fetch=True)
    assert (found.source, found.revision) == ("owner/one", COMMITS[revision])
    assert (found.folder / "unet" / "model.safetensors").read_bytes() == b"weights"
    assert found.stand_in == "random weights"
    assert not (found.folder / "unet" / "model.bin").exists()
    assert not any("model.bin" in path for path in hub.asked)


def test_what_was_fetched_serves_when_the_hub_is_gone(use_hub):
    hub = Hub({"owner/one": FILES})
    with serving(hub) as address:
        use_hub(address)
        first = locate("owner/one", (), VARIABLE, PATTERNS, fetch=True)
    assert locate("owner/one", (), VARIABLE, PATTERNS, fetch=True) == first


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "the hub answered 404: not found"),
        (401, "the hub answered 401: not found, or not for everyone"),
        (403, "the hub answered 403: not for everyone"),
        (500, "the hub answered 500"),
    ],
)
def test_a_source_that_is_refused_leaves_the_next_and_a_reason(hub, status, reason):
    hub.answers["owner/one"] = status
    with pytest.raises(MissingWeightsError) as caught:
        locate("auto", ("owner/one", "owner/two"), VARIABLE, PATTERNS, fetch=True)
    message = str(caught.value)
    assert f"tried: owner/one ({reason}), owner/two (the hub answered 404: not found)" in message
    assert message.count("\n") == 0
    assert f"set {VARIABLE}" in message
    assert caught.value.exit_status == 2
    hub.repositories["owner/two"] = FILES
    assert locate("auto", ("owner/one", "owner/two"), VARIABLE, PATTERNS, fetch=True).source == "owner/two"


def test_a_repository_that_was_withdrawn_after_it_was_fetched(hub):
    hub.repositories["owner/one"] = FILES
    first = locate("owner/one", (), VARIABLE, PATTERNS, fetch=True)
    hub.answers["owner/one"] = 404
    assert locate("owner/one", (), VARIABLE, PATTERNS, fetch=True) == first


def test_a_repository_without_safetensors_leaves_the_next(hub):
    hub.repositories |= {"owner/one": {"unet/config.json": b"{}", "unet/model.bin": b""}, "owner/two": FILES}
    assert locate("auto", ("owner/one", "owner/two"), VARIABLE, PATTERNS, fetch=True).source == "owner/two"
    with pytest.raises(MissingWeightsError, match=r"owner/one \(lacks unet/\*.safetensors\)"):
        locate("auto", ("owner/one",), VARIABLE, PATTERNS, fetch=True)


def test_a_hub_that_cannot_be_reached(use_hub, folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    use_hub(f"http://127.0.0.1:{port}")
    assert locate("auto", ("owner/one", str(folder)), VARIABLE, PATTERNS, fetch=True).source == "mine"
    with pytest.raises(MissingWeightsError) as caught:
        locate("auto", ("owner/one", "owner/two"), VARIABLE, PATTERNS, fetch=True)
    for name in ("owner/one", "owner/two"):
        assert f"{name} (not on this machine, and the hub cannot be reached)" in str(caught.value)


def test_without_fetching_the_hub_is_not_asked(hub):
    hub.repositories["owner/one"] = FILES
    with pytest.raises(MissingWeightsError, match=r"owner/one \(not on this machine\).* 'smicnb weights fetch"):
        locate("owner/one", (), VARIABLE, PATTERNS)
    assert hub.asked == []
    first = locate("owner/one", (), VARIABLE, PATTERNS, fetch=True)
    assert locate("owner/one", (), VARIABLE, PATTERNS) == first


def test_a_hub_that_is_kept_away():
    with pytest.raises(MissingWeightsError, match="HF_HUB_OFFLINE keeps the hub away"):
        locate("owner/that-nobody-has-fetched", (), VARIABLE, PATTERNS, fetch=True)


def test_a_hub_that_answers_nonsense(hub):
    hub.answers["owner/one"] = 200
    with pytest.raises(MissingWeightsError, match=r"owner/one \(fetching it failed with \w+\)"):
        locate("owner/one", (), VARIABLE, PATTERNS, fetch=True)


def test_the_hash_is_of_names_and_contents(folder):
    first = weights_hash(folder, HASHED)
    (folder / "README.md").write_text("changes nothing")
    (folder / "unet" / "model.bin").write_bytes(b"nor does this")
    assert weights_hash(folder, HASHED) == first
    part = weights_hash(folder, ["unet/config.json"])
    (folder / "unet" / "model.safetensors").write_bytes(b"Weights")
    assert weights_hash(folder, HASHED) != first
    assert weights_hash(folder, ["unet/config.json"]) == part
    (folder / "unet" / "model.safetensors").write_bytes(b"weights")
    assert weights_hash(folder, HASHED) == first
    (folder / "unet" / "model.safetensors").rename(folder / "unet" / "other.safetensors")
    assert weights_hash(folder, HASHED) != first


@pytest.mark.parametrize("text", [b"{", b"[1]", b"\xff", b"[" * 100_000, None])
def test_a_configuration_that_is_none(tmp_path, text):
    path = tmp_path / "unet" / "config.json"
    path.parent.mkdir()
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(IntegrityError, match=r"'unet/config.json' .* needed: a JSON object"):
        config(path)
