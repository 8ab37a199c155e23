"""Checkpoints: 16 bits, evaluated as stored; a wrong, cut or forged one is told on one line."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tiny_taco import TINY, random_taco

from smicnb.base.errors import IntegrityError, MissingWeightsError, SmicnbError, UnknownNameError
from smicnb.learned.files import checkpoints
from smicnb.learned.networks.taco import MINI


def test_weights_come_back_at_16_bits_with_tables_of_their_own(tiny_checkpoint):
    read = checkpoints.load(tiny_checkpoint)
    original = random_taco(TINY)
    assert read.config == TINY
    assert read.facts == {"validation": {"loss": 1.0}}
    for name, value in original.named_parameters():
        torch.testing.assert_close(dict(read.network.named_parameters())[name].contiguous(), value.half().float())
    assert read.network.prior._quantized_cdf.shape[0] == TINY.hyper


def test_the_same_network_gives_the_same_file_and_hash(tiny_checkpoint, tmp_path):
    checkpoints.save(tmp_path / "again", "taco", "tiny/any/0", random_taco(TINY), {"validation": {"loss": 1.0}})
    assert (tmp_path / "again").read_bytes() == tiny_checkpoint.read_bytes()
    last = random_taco(TINY).to(memory_format=torch.channels_last)
    checkpoints.save(tmp_path / "last", "taco", "tiny/any/0", last, {"validation": {"loss": 1.0}})
    assert (tmp_path / "last").read_bytes() == tiny_checkpoint.read_bytes()
    checkpoints.save(tmp_path / "other", "taco", "tiny/any/0", random_taco(TINY, seed=1), {})
    assert checkpoints.load(tmp_path / "other").sha256 != checkpoints.load(tiny_checkpoint).sha256


def rewritten(source, target, change=lambda tensors: None, **meta):
    from safetensors import safe_open

    tensors = load_file(source)
    with safe_open(source, "np") as file:
        said = file.metadata()
    change(tensors)
    save_file(tensors, target, {"smicnb": json.dumps(json.loads(said["smicnb"]) | meta)})
    return target


def test_a_truncated_checkpoint(tiny_checkpoint, tmp_path):
    for share in (0, 0.5, 0.99):
        data = tiny_checkpoint.read_bytes()
        (tmp_path / "cut").write_bytes(data[: int(share * len(data))])
        with pytest.raises(IntegrityError, match="damaged or cut short"):
            checkpoints.load(tmp_path / "cut")


def test_a_checkpoint_of_another_config(tiny_checkpoint, tmp_path):
    other = asdict(replace(MINI, text="none"))
    with pytest.raises(SmicnbError, match="as its config says"):
        checkpoints.load(rewritten(tiny_checkpoint, tmp_path / "other", config=other))
    with pytest.raises(SmicnbError, match="config that does not fit taco"):
        checkpoints.load(rewritten(tiny_checkpoint, tmp_path / "other", config={"depth": 3}))


CDF, LENGTH, OFFSET = "prior._quantized_cdf", "prior._cdf_length", "prior._offset"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.update({CDF: tensors[CDF] // 2}), "no cumulative frequency"),
        (lambda tensors: tensors[CDF].put([1, 2], tensors[CDF][0, [2, 1]]), "no cumulative frequency"),
        (lambda tensors: tensors.pop(OFFSET), "lacks prior._offset"),
        (lambda tensors: tensors["h_a.0.bias"].put(0, np.inf), "not finite"),
        (lambda tensors: tensors[LENGTH].fill(10_000), "shapes that do not fit"),
        (lambda tensors: tensors[OFFSET].put(0, np.iinfo(np.int32).min), "begins 2147483648 away from 0"),
        (lambda tensors: tensors.update({LENGTH: tensors[LENGTH] - np.float32(0.5)}), "no whole numbers of 32 bits"),
        (lambda tensors: tensors.update({LENGTH: tensors[LENGTH].astype(np.uint16)}), "no whole numbers of 32 bits"),
    ],
)
def test_what_the_coder_would_trip_over_is_refused(tiny_checkpoint, tmp_path, change, message):
    with pytest.raises(SmicnbError, match=message):
        checkpoints.load(rewritten(tiny_checkpoint, tmp_path / "bad", change))


def test_other_files(tmp_path):
    with pytest.raises(MissingWeightsError):
        checkpoints.load(tmp_path / "nothing")
    save_file({"a": np.zeros(3)}, tmp_path / "foreign")
    with pytest.raises(IntegrityError, match="no checkpoint of a learned codec"):
        checkpoints.load(tmp_path / "foreign")
    with pytest.raises(UnknownNameError, match="taco"):
        checkpoints.assemble("tako", "x", {}, {}, {})


@pytest.fixture
def partial(tiny_checkpoint, tmp_path):
    """A whole checkpoint, and beside it one that began from it and stores g_s alone."""
    (tmp_path / "taco-tiny-any-0.safetensors").write_bytes(tiny_checkpoint.read_bytes())
    tuned = checkpoints.load(tiny_checkpoint).network
    tuned.g_s.requires_grad_(True)
    with torch.no_grad():
        for weight in tuned.g_s.parameters():
            weight.add_(0.5)
    part, whole = tmp_path / "taco-tuned-any-0.safetensors", tmp_path / "whole"
    checkpoints.save(part, "taco", "tuned/any/0", tuned, {}, rest="tiny/any/0")
    checkpoints.save(whole, "taco", "tuned/any/0", tuned, {})
    return part, whole


def test_what_was_not_trained_is_not_stored_again(partial):
    part, whole = partial
    assert {name.split(".")[0] for name in load_file(part)} == {"g_s"}
    assert part.stat().st_size < whole.stat().st_size / 1.5
    assert checkpoints.load(part).sha256 == checkpoints.load(whole).sha256


def test_a_partial_checkpoint_without_the_right_rest(partial, tmp_path):
    part, _ = partial
    for name in ("../tiny/any/0", "tiny/none/0", "a\\0b", 5, "a" * 300):
        forged = rewritten(part, tmp_path / "taco-forged-any-0.safetensors", rest={"name": name, "sha256": ""})
        with pytest.raises((IntegrityError, MissingWeightsError)):
            checkpoints.load(forged)
    for rest in ({}, "tiny/any/0", {"name": "tiny/any/0"}):
        with pytest.raises(IntegrityError, match="does not say where its other weights are"):
            checkpoints.load(rewritten(part, tmp_path / "forged", rest=rest))
    itself = {"name": "tuned/any/0", "sha256": ""}
    with pytest.raises(IntegrityError, match="weights that 'taco-tuned-any-0' does not have"):
        checkpoints.load(rewritten(part, part, rest=itself))
    other = tmp_path / "taco-tiny-any-0.safetensors"
    checkpoints.save(other, "taco", "tiny/any/0", random_taco(TINY, seed=1), {})
    with pytest.raises(IntegrityError, match="the checkpoint tiny/any/0 it began from"):
        checkpoints.load(rewritten(part, part, rest={"name": "tiny/any/0", "sha256": "0" * 64}))
