"""The dry run: counts as the notebooks do, sizes and operations as the real architectures have."""

import pytest

from smicnb.base.errors import DimensionError, SmicnbError, UnknownNameError
from smicnb.repro.runs import plan, recipes
from smicnb.repro.runs.jobs import jobs_of
from smicnb.semantics.selection import parse

CLIP = "open_clip:ViT-L-14/openai"
OF_1024 = "stabilityai/stable-diffusion-2-1-unclip"
SIZES = {"train": 10, "heldout": 4, "gallery": 6}


def jobs(repository, name, **settings):
    return jobs_of(recipes.recipe(repository / "recipes" / f"{name}.yaml"), [], settings)


def test_linearity_counts_both_operations_and_their_pictures():
    values = {"added": [1.0, 2.0], "removed": [0.5], "pairs": 10, "shown": 3}
    assert plan.GENERATED["01_clip_linearity"](values, SIZES) == 3 * 10 * 3 + 3 + 4 + 9  # x₂ and two controls


def test_reconstruction_counts_models_and_splits():
    values = {"n_atoms": [2, 4], "draws": 3, "generated": 5, "examples": 4}
    # uncoded, and for both sizes learned, PCA and three draws; 5 of 10 and all 4 images; floors: the latter, once more
    assert plan.GENERATED["03_reconstruction"](values, SIZES) == (1 + 2 * 5) * (5 + 4) + 2 * 4 + 6 + (1 + 2) * 4
    assert plan.GENERATED["03_reconstruction"](values, None) == (1 + 2 * 5) * (5 + 5) + 2 * 4 + 6 + (1 + 2) * 5


def test_separation_counts_what_can_be_tested():
    assert plan.GENERATED["04_semantic_separation"]({"tested": 400}, SIZES) == 28
    assert plan.GENERATED["04_semantic_separation"]({"tested": 3}, None) == 6


def test_the_paper_is_planned_without_its_data_models_and_gpu(repository):
    lines = plan.describe(jobs(repository, "paper"))
    text = "\n".join(lines)
    assert "collection landscape: names no folder yet: --set collection=landscape:PATH" in text
    assert "encoder open_clip:ViT-L-14/openai?device=cuda: 1.7 GB" in text
    assert "generator stable-unclip:auto?device=cuda&dtype=float16&batch=8: " in text
    assert "5.2 GB to download, 2.6 GB in float16 on cuda, licence CreativeML Open RAIL++-M, as its makers" in text
    for judge in ("captioner blip:auto?device=cuda: ", "988 MB, licence BSD-3-Clause", "15 MB, licence NVIDIA"):
        assert judge in text
    assert "01_clip_linearity: at most 2909 images generated" in text
    assert "05_rate_model: generates nothing" in text
    assert all("\n" not in line for line in lines)


def test_a_processor_s_time_is_estimated(repository):
    some = jobs(repository, "paper", generator="stable-unclip:auto", judge="open_clip:ViT-B-32/openai")
    text = plan.describe(some)[-1]
    assert text.startswith("in all about ")
    assert "a second on cpu in float32; this leaves out" in text
    assert all(work in text for work in ("collection", "captions", "segments", "quality"))


def test_what_is_embedded_takes_minutes(repository):
    lines = plan.describe(jobs(repository, "embedded"))
    assert lines[-1].startswith("a matter of minutes")
    assert "07_sota_comparison: generates images, nobody counted how many" in lines


@pytest.mark.parametrize("settings", [{"generator": "inversion"}, {"encoder": CLIP, "judge": "lite0-minilm"}])
def test_of_nothing_else_it_is_said(repository, settings):
    assert plan.describe(jobs(repository, "embedded", **settings))[-1].startswith("no time is estimated")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"generator": "stable-unclip:auto?step=3"}, UnknownNameError, "did you mean 'steps'"),
        ({"judge": "inceptoin-fid"}, UnknownNameError, "did you mean 'inception-fid'"),
        ({"collection": "folder:/no/such/folder"}, SmicnbError, "no/such"),
        ({"generator": "retreival"}, UnknownNameError, "did you mean 'retrieval'"),
        ({"generator": "inversion:auto"}, SmicnbError, "needed: 'inversion' without a source"),
        ({"generator": "inversion?step=3"}, UnknownNameError, "did you mean 'steps'"),
        ({"generator": "stable-unclip:auto?dtype=fp16"}, UnknownNameError, "did you mean 'float16'"),
        ({"generator": "stable-unclip:auto?steps=-5"}, SmicnbError, "found steps=-5"),
        ({"generator": "stable-unclip:auto?device=gpu"}, SmicnbError, "device 'gpu'"),
        ({"encoder": "inception-fid"}, UnknownNameError, "unknown encoder"),
        ({"encoder": "open_clip:ViT-L-14/openai?devise=cuda"}, UnknownNameError, "did you mean 'device'"),
        ({"judge": "open_clip:ViT-L-14/openai?devise=cuda"}, UnknownNameError, "did you mean 'device'"),
        ({"judge": "inception-fid?devise=cuda"}, UnknownNameError, "did you mean 'device'"),
        ({"captioner": "blip:auto?devise=cuda"}, UnknownNameError, "did you mean 'device'"),
        ({"generator": "stable-unclip:auto"}, DimensionError, "makes latents of 384"),
        ({"encoder": CLIP, "generator": "kandinsky22:auto"}, DimensionError, "stable-unclip:auto fits"),
        ({"encoder": CLIP, "generator": f"stable-unclip:{OF_1024}"}, DimensionError, "takes 1024 dimensions"),
    ],
)
def test_what_does_not_exist_is_an_error(repository, settings, error, message):
    with pytest.raises(error, match=message):
        plan.describe(jobs(repository, "embedded", **settings))


def test_the_hint_fetches_what_fits_the_encoder():
    hint = f": smicnb weights fetch stable-unclip:{OF_1024}"
    assert plan.find_model("generator", "stable-unclip:auto?steps=3", 1024).endswith(hint)
    assert plan.find_model("generator", "stable-unclip", 768).endswith(": smicnb weights fetch stable-unclip:auto")


def test_registered_parts_are_present_only_where_they_are(monkeypatch):
    from smicnb.semantics.weights import store

    assert plan.find_encoder("judge", "inception-fid?device=cuda") == "present"
    rows = [row | {"state": "missing"} for row in store.table()]
    monkeypatch.setattr(store, "table", lambda: rows)
    assert plan.find_encoder("judge", "inception-fid") == "inception-fid missing: smicnb weights fetch inception-fid"
    assert plan.find_encoder("encoder", "lite0-minilm").count(" missing: smicnb weights fetch ") == 2
    assert plan.find_model("generator", "inversion", 384).count(" missing: ") == 1
    assert plan.find_model("generator", "retrieval", 384) == "has no weights of its own"


def test_time_grows_with_steps_and_images():
    clock = plan.Clock()
    values = {"generator": "stable-unclip:auto?steps=10", "encoder": "open_clip:ViT-L-14-336/nobody"}  # uncounted
    once = clock.seconds(values, 1)
    assert clock.seconds(values, 10) == pytest.approx(10 * once)
    more = clock.seconds(values | {"generator": "stable-unclip:auto?steps=20"}, 1)
    work = plan.GENERATORS["stable-unclip"]
    assert more / once == pytest.approx((work.once + 20 * work.step) / (work.once + 10 * work.step))
    assert clock.seconds({"generator": "retrieval", "encoder": "lite0-minilm"}, 5) is None


def test_memory_is_what_the_networks_and_a_picture_take():
    values = {
        "generator": "stable-unclip:auto?steps=10",
        "encoder": "open_clip:ViT-L-14/openai",
        "judge": "lite0-minilm",
    }
    work = plan.GENERATORS["stable-unclip"]
    alone = plan.PROCESS + 4 * (plan.ENCODERS["ViT-L-14"].parameters + work.parameters + plan.LAYERS * work.hidden)
    assert plan.count_memory(values) == {"cpu": pytest.approx(alone)}
    more = values | {"captioner": "blip:auto", "judge": "open_clip:ViT-B-32/openai"}
    judges = 4 * (plan.JUDGES["blip"] + plan.ENCODERS["ViT-B-32"].parameters)
    assert plan.count_memory(more) == {"cpu": pytest.approx(alone + judges)}
    on_gpu = values | {"generator": "stable-unclip:auto?device=cuda&dtype=float16&batch=8"}
    half = 2 * (work.parameters + 8 * plan.LAYERS * work.hidden)
    rest = plan.PROCESS + 4 * plan.ENCODERS["ViT-L-14"].parameters
    assert plan.count_memory(on_gpu) == {"cpu": pytest.approx(rest), "cuda": pytest.approx(half)}
    assert plan.count_memory({"generator": "retrieval", "encoder": "lite0-minilm"}) == {}


def test_operations_and_sizes_are_those_of_the_architectures(load_tool):
    """Counted on networks without weights, of the configurations that the repositories publish."""
    import open_clip
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    full_size = load_tool("full_size_models")

    def operations(call):
        with FlopCounterMode(display=False) as counter:
            call()
        return counter.get_total_flops() / 1e12

    def size(network):
        return sum(parameter.numel() for parameter in network.parameters())

    def largest_layer(network, call):
        sizes = []
        hooks = [
            module.register_forward_hook(
                lambda _, given, made: sizes.append(made.numel() if torch.is_tensor(made) else 0)
            )
            for part in network.values()
            for module in part.modules()
        ]
        call()
        for hook in hooks:
            hook.remove()
        return max(sizes)

    def check(family, network, step, once):
        work = plan.GENERATORS[family]
        assert work.step == pytest.approx(operations(step), rel=0.01)
        assert work.once == pytest.approx(operations(once), rel=0.01)
        assert work.parameters == pytest.approx(sum(map(size, network.values())), rel=0.01)
        assert work.hidden == pytest.approx(largest_layer(network, once), rel=0.01)

    with torch.device("meta"):
        parts = {name: make() for name, make in full_size.stable_unclip_networks().items()}
        pair = torch.empty(2, 4, 96, 96), torch.empty(2), torch.empty(2, 77, 1024)
        noise_level = torch.empty(2, 2 * 768)
        check(
            "stable-unclip",
            parts,
            lambda: parts["unet"](*pair, class_labels=noise_level),
            lambda: parts["vae"].decode(torch.empty(1, 4, 96, 96)),
        )
        others = {name: make() for name, make in full_size.kandinsky22_networks().items()}
        given, noise = {"image_embeds": torch.empty(2, 1280)}, (torch.empty(2, 4, 64, 64), torch.empty(2), None)
        check(
            "kandinsky22",
            others,
            lambda: others["unet"](*noise, added_cond_kwargs=given),
            lambda: others["movq"].decode(torch.empty(1, 4, 64, 64), force_not_quantize=True),
        )
        for name, encoder in plan.ENCODERS.items():
            settings = open_clip.get_model_config(name)
            clip = open_clip.model.CLIP(**{key: settings[key] for key in ("embed_dim", "vision_cfg", "text_cfg")})
            assert encoder.parameters == pytest.approx(size(clip), rel=0.01)
            image = operations(lambda clip=clip: clip.encode_image(torch.empty(1, 3, 224, 224)))
            assert encoder.once == pytest.approx(image, rel=0.01)


def test_sizes_of_judges_are_those_of_their_files(load_tool):
    """Tied arrays count as often as they have names, as in the published files."""
    import torch

    with torch.device("meta"):
        networks = {family: make() for family, make in load_tool("full_size_models").judge_networks().items()}
    for family, network in networks.items():
        counted = sum(array.numel() for array in network.state_dict().values())
        assert plan.JUDGES[family] == pytest.approx(counted, rel=0.01), family


def test_every_generator_with_weights_of_its_own_is_counted():
    from smicnb.semantics.generators import diffusion

    assert set(plan.GENERATORS) == set(diffusion.CANDIDATES)
    assert parse("stable-unclip:auto").family in plan.GENERATORS
