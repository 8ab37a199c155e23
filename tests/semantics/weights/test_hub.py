"""What a hub does beyond giving a file: it redirects, lists in pages, moves, refuses, breaks off, and changes."""

import re
from hashlib import sha256
from pathlib import Path

import huggingface_hub
import pytest
from hub_server import HASHED, PATTERNS, VARIABLE

from smicnb.base.errors import MissingWeightsError
from smicnb.semantics.weights.repositories import locate, weights_hash

WEIGHTS = bytes(range(256)) * 20
FILES = {
    "unet/config.json": b"{}",
    "unet/model.safetensors": WEIGHTS,
    "unet/model.bin": b"a pickle",
    "tokenizer/merges.txt": b"a b",
    "tokenizer/vocab.txt": b"a",
}


def fetch(name="owner/one"):
    return locate(name, ("owner/one",), VARIABLE, PATTERNS, fetch=True)


def test_large_files_come_from_the_store_and_the_token_stays_with_the_hub(stored_hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_user")
    stored_hub.repositories["owner/one"] = FILES
    found = fetch()
    assert (found.folder / "unet" / "model.safetensors").read_bytes() == WEIGHTS
    assert (found.folder / "tokenizer" / "vocab.txt").read_bytes() == b"a"  # of the second page of the listing
    assert stored_hub.store.ranges == [None]
    assert stored_hub.store.tokens == [None]


def test_a_line_that_breaks_is_taken_up_after_the_last_whole_piece(stored_hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    stored_hub.repositories["owner/one"] = FILES
    stored_hub.store.drops = [1500]
    assert (fetch().folder / "unet" / "model.safetensors").read_bytes() == WEIGHTS
    assert stored_hub.store.ranges == [None, "bytes=1000-"]


def test_a_store_that_fails_is_told_and_only_what_lacks_is_fetched_again(stored_hub):
    stored_hub.repositories["owner/one"] = FILES
    stored_hub.store.statuses = [503]
    with pytest.raises(MissingWeightsError, match=r"owner/one \(the hub answered 503\)"):
        fetch()
    kept = {path.name for path in Path(huggingface_hub.constants.HF_HUB_CACHE).rglob("snapshots/*/*/*")}
    assert "model.safetensors" not in kept
    stored_hub.asked.clear()
    assert (fetch().folder / "unet" / "model.safetensors").read_bytes() == WEIGHTS
    assert not any(path.endswith(tuple(kept)) for path in stored_hub.asked if "/resolve/" in path)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (WEIGHTS[::-1], "what came as unet/model.safetensors was damaged: fetch it again"),
        (WEIGHTS[:-1], "fetching it failed with OSError"),
    ],
    ids=["other bytes", "fewer bytes"],
)
def test_bytes_that_are_not_those_that_the_hub_names_are_refused_and_not_kept(stored_hub, damaged, reason):
    stored_hub.repositories["owner/one"] = FILES
    stored_hub.store.files[sha256(WEIGHTS).hexdigest()] = damaged
    with pytest.raises(MissingWeightsError, match=re.escape(f"owner/one ({reason})")):
        fetch()
    with pytest.raises(MissingWeightsError):
        locate("owner/one", (), VARIABLE, PATTERNS)
    stored_hub.store.files.clear()
    assert (fetch().folder / "unet" / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("single", ["unet/model.safetensors", "unet/model-00001-of-00001.safetensors"])
def test_weights_in_half_precision_are_fetched_only_where_there_are_no_others(stored_hub, single):
    half = "unet/model.fp16.safetensors"
    both = {"unet/config.json": b"{}", single: WEIGHTS, half: WEIGHTS[:2000]}
    stored_hub.repositories |= {"owner/one": both, "owner/half": {"unet/config.json": b"{}", half: WEIGHTS[:2000]}}
    patterns = ("unet/config.json", "unet/*.safetensors")
    found = locate("owner/one", (), VARIABLE, patterns, fetch=True)
    assert (found.folder / single).is_file()
    assert not (found.folder / half).exists()
    assert (locate("owner/half", (), VARIABLE, patterns, fetch=True).folder / half).is_file()


def test_a_repository_that_was_renamed_is_found_by_its_old_name(stored_hub):
    stored_hub.repositories["maker/new"] = FILES
    stored_hub.moved["owner/one"] = "maker/new"
    found = fetch()
    assert (found.folder / "unet" / "model.safetensors").read_bytes() == WEIGHTS
    assert found.revision == stored_hub.commits["main"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((403, "GatedRepo"), "the hub answered 403: its licence must be accepted there first"),
        ((401, "GatedRepo"), "the hub answered 401: its licence must be accepted there first"),
        ((401, "RepoNotFound"), "the hub answered 401: not found, or not for everyone"),
        ((404, "RepoNotFound"), "the hub answered 404: not found"),
        ((404, "RevisionNotFound"), "the hub answered 404: not found"),
        ((410, ""), "the hub answered 410"),
    ],
)
def test_what_is_gated_or_gone_is_told_and_the_next_is_tried(stored_hub, answer, reason):
    stored_hub.answers["owner/one"] = answer
    stored_hub.repositories["owner/two"] = FILES
    with pytest.raises(MissingWeightsError) as caught:
        fetch()
    assert f"owner/one ({reason})" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert locate("auto", ("owner/one", "owner/two"), VARIABLE, PATTERNS, fetch=True).source == "owner/two"


def test_files_that_change_under_the_same_name_are_another_commit_with_another_hash(stored_hub):
    stored_hub.repositories["owner/one"] = FILES
    first = fetch()
    before = weights_hash(first.folder, HASHED)
    stored_hub.repositories["owner/one"] = {**FILES, "unet/model.safetensors": WEIGHTS[::-1]}
    assert locate("owner/one", (), VARIABLE, PATTERNS) == first  # nobody asked the hub
    stored_hub.commits["main"] = "3" * 40
    second = fetch()
    assert (first.revision, second.revision) == ("1" * 40, "3" * 40)
    assert weights_hash(first.folder, HASHED) == before != weights_hash(second.folder, HASHED)
    assert locate("owner/one", (), VARIABLE, PATTERNS) == second
    pinned = locate(f"owner/one@{'1' * 40}", (), VARIABLE, PATTERNS)
    assert (pinned.folder, pinned.revision) == (first.folder, first.revision)
