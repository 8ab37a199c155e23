"""Loading of judges: where they come from, what they say of themselves, what goes wrong."""

import shutil

import numpy as np
import pytest
import torch

from smicnb.base.errors import ImageError, MissingWeightsError, SmicnbError, UnknownNameError
from smicnb.semantics import hub_models
from smicnb.semantics.metrics import captions, perception, segments

KINDS = {"blip": captions.Blip, "segformer": segments.SegFormer, "clip_iqa": perception.ClipIqa}


@pytest.fixture(scope="module", params=KINDS)
def judge(request, tiny_models, tmp_path_factory):
    """Each kind: (by what function it is looked up, its name up to the source, its folder)."""
    lookups = {
        "blip": lambda name: captions.captioner(name, None),
        "segformer": segments.segmenter,
        "clip_iqa": perception.quality_model,
    }
    folder = getattr(tiny_models, request.param)(tmp_path_factory.mktemp("judges") / request.param)
    return lookups[request.param], request.param.replace("_", "-"), folder, KINDS[request.param]


def test_it_says_what_it_is_and_what_it_was_loaded_from(judge):
    lookup, family, folder, kind = judge
    found = lookup(f"{family}:{folder}?device=cpu")
    assert isinstance(found, kind)
    assert found.name == f"{family}:{folder.name}", "a name in a table holds no path of this machine"
    assert found.what.endswith("(a stand-in: random weights)")
    assert found.fingerprint["source"] == folder.name
    assert found.fingerprint["weights"] == hub_models.weights_hash(f"{family}:{folder}")


def test_other_weights_are_another_fingerprint(judge, tmp_path):
    lookup, family, folder, _ = judge
    copy = shutil.copytree(folder, tmp_path / folder.name)
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\x01")
    prints = [lookup(f"{family}:{each}").fingerprint["weights"] for each in (folder, copy)]
    assert prints[0] != prints[1]


def test_without_the_stand_in_s_note_it_is_no_stand_in(judge, tmp_path):
    lookup, family, folder, _ = judge
    copy = shutil.copytree(folder, tmp_path / folder.name)
    (copy / "smicnb.json").unlink()
    found = lookup(f"{family}:{copy}")
    assert found.what == found.family.purpose


def test_auto_takes_the_variable_first_and_lists_what_it_tried(judge, monkeypatch):
    lookup, family, folder, _ = judge
    variable = f"SMICNB_{family.upper().replace('-', '_')}"
    monkeypatch.setenv(variable, str(folder))
    assert lookup(f"{family}:auto").name == lookup(family).name == f"{family}:{folder.name}"
    monkeypatch.setenv(variable, "nobody/nothing")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingWeightsError, match=f"nobody/nothing .*set {variable}") as caught:
        lookup(f"{family}:auto")
    assert "\n" not in str(caught.value)


def test_names_that_select_nothing(judge):
    lookup, family, folder, _ = judge
    with pytest.raises(UnknownNameError, match=f"did you mean '{family}'"):
        lookup(f"{family}s:{folder}")
    with pytest.raises(UnknownNameError, match=f"unknown option of {family} 'devise'; .*did you mean 'device'"):
        lookup(f"{family}:{folder}?devise=cpu")
    with pytest.raises(SmicnbError, match="device 'cuda:99'"):
        lookup(f"{family}:{folder}?device=cuda:99")


def test_files_of_something_else_are_one_line(judge, tmp_path):
    lookup, family, folder, _ = judge
    copy = shutil.copytree(folder, tmp_path / "broken")
    (copy / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    image = np.zeros((40, 40, 3), np.uint8)
    found = lookup(f"{family}:{copy}")
    with pytest.raises(SmicnbError, match=f"{family}:broken could not be loaded") as caught:
        (getattr(found, "caption", None) or getattr(found, "probabilities", None) or found.quality)([image])
    assert "\n" not in str(caught.value)


def without_head(arrays):
    return {name: array for name, array in arrays.items() if not name.startswith("decode_head.")}


def with_another_shape(arrays):
    name = "decode_head.classifier.bias"
    return arrays | {name: arrays[name][:-1].clone()}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_head, r"lack \d+ arrays .* such as decode_head\."),
        (with_another_shape, "decode_head.classifier.bias|mismatch"),
    ],
)
def test_weights_that_lack_arrays_are_refused(spoil, message, tiny_models, tmp_path):
    """The library would fill them with random numbers."""
    from safetensors.torch import load_file, save_file

    folder = tiny_models.segformer(tmp_path / "segformer")
    path = folder / "model.safetensors"
    save_file(spoil(load_file(path)), path, metadata={"format": "pt"})
    found = segments.segmenter(f"segformer:{folder}")
    with pytest.raises(SmicnbError, match=message) as caught:
        found.probabilities([np.zeros((40, 40, 3), np.uint8)])
    assert "segformer:segformer" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_that_are_no_images_are_refused(judge):
    lookup, family, folder, _ = judge
    with pytest.raises(ImageError, match=r"array \(40, 40\) of float64; needed: RGB uint8"):
        lookup(f"{family}:{folder}").prepared(np.zeros((40, 40)))


def test_files_in_half_precision_are_judged_by_in_single(judge, tmp_path):
    """A processor's kernels know no half precision, and a judge's numbers are not to depend on its files' type."""
    lookup, family, folder, _ = judge
    half = shutil.copytree(folder, tmp_path / folder.name)
    plain = lookup(f"{family}:{folder}").model
    (half / "model.safetensors").unlink()
    type(plain).from_pretrained(folder).half().save_pretrained(half, variant="fp16")
    model = lookup(f"{family}:{half}").model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-3, atol=1e-3)
