import json
import re
import shutil
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from diffusers import UNet2DConditionModel

from smicnb.base.errors import DimensionError, IntegrityError, MissingWeightsError, SmicnbError, UnknownNameError
from smicnb.semantics.generators import diffusion, pipelines
from smicnb.semantics.selection import parse

MAKERS = {"stable-unclip": diffusion.stable_unclip, "kandinsky22": diffusion.kandinsky22}
# Of full range: what a latent and its seed may give alone and in a batch of four.
TOLERANCE = {"stable-unclip": 1e-4, "kandinsky22": 1e-3}
BOTH = pytest.mark.parametrize("family", MAKERS)
SEEDS = [3, 1, 4, 1, 5]
WEIGHTS = "diffusion_pytorch_model.safetensors"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tiny(tiny_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_models.build(folder)
    return folder


@pytest.fixture(scope="module")
def latents():
    drawn = np.random.default_rng(0).normal(size=(5, 256))
    return drawn * 20 / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def copy(tiny, tmp_path):
    """A function that copies a tiny model, so that a test can spoil it."""

    def copied(family):
        return shutil.copytree(tiny / family, tmp_path / family)

    return copied


@pytest.fixture(scope="module")
def make(clip):
    """A function that makes a generator; encoders of other dimensions are never asked for a latent."""

    def made(family, folder, options="steps=2", dim=256):
        encoder = clip if dim == clip.dim else SimpleNamespace(name=f"encoder of {dim}", dim=dim)
        return MAKERS[family](parse(f"{family}:{folder}" + (f"?{options}" if options else "")), encoder)

    return made


def furthest(some, others):
    return np.abs(np.stack(some) - np.stack(others)).max()


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@BOTH
def test_pictures_are_rgb_and_follow_latent_and_seed(make, family, tiny, latents):
    generator = make(family, tiny / family)
    pictures = generator.generate(latents, SEEDS)
    assert [picture.shape for picture in pictures] == [(32, 32, 3)] * 5
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}
    exact = generator.floats(latents, SEEDS)
    assert all(0 <= image.min() < image.max() <= 1 for image in exact)
    assert furthest(exact, [picture / 255 for picture in pictures]) <= 0.5 / 255 + 1e-6
    other_latent, other_seed = generator.floats(latents[[1, 0]], [SEEDS[0], SEEDS[1]])
    for other in (other_latent, other_seed):
        assert np.abs(other - exact[0]).mean() > 0.01


def test_pictures_are_rounded_batch_by_batch(make, tiny, latents, monkeypatch):
    generator = make("kandinsky22", tiny / "kandinsky22", "steps=1")
    alive, attempt = [], generator.attempt

    def counted(*arguments):
        alive[:] = [each for each in alive if each() is not None]
        assert len(alive) <= 1, "float images of earlier batches are still held"
        images = attempt(*arguments)
        alive.append(weakref.ref(images))
        return images

    monkeypatch.setattr(generator, "attempt", counted)
    assert len(generator.generate(latents, SEEDS)) == 5


@BOTH
def test_the_same_seeds_give_the_same_bits(make, family, tiny, latents):
    generator = make(family, tiny / family)
    first = generator.floats(latents, SEEDS)
    assert furthest(first, generator.floats(latents, SEEDS)) == 0
    assert furthest(first, make(family, tiny / family).floats(latents, SEEDS)) == 0


@BOTH
@pytest.mark.parametrize("steps", [2, 20])
def test_an_image_does_not_depend_on_its_batch(make, family, steps, tiny, latents):
    alone = make(family, tiny / family, f"steps={steps}").floats(latents, SEEDS)
    four = make(family, tiny / family, f"steps={steps}&batch=4")
    together = four.floats(latents, SEEDS)
    assert furthest(together, alone) < TOLERANCE[family]
    # A batch is filled up, so that within one setting not even the number of images matters.
    assert furthest(four.floats(latents[:1], SEEDS[:1]), together[:1]) < 1e-6
    assert furthest(four.floats(latents[[4, 2, 0]], [SEEDS[row] for row in (4, 2, 0)])[2:], together[:1]) < 1e-6


@pytest.mark.parametrize("scheduler", ["EulerAncestralDiscreteScheduler", "DDPMScheduler", "EulerDiscreteScheduler"])
def test_noise_on_the_way_comes_from_the_seed_too(make, scheduler, copy, latents):
    folder = copy("stable-unclip")
    change(folder / "scheduler" / "scheduler_config.json", _class_name=scheduler)
    generator = make("stable-unclip", folder, "steps=4&batch=4")
    first = generator.floats(latents, SEEDS)
    assert furthest(first, generator.floats(latents, SEEDS)) == 0
    alone = make("stable-unclip", folder, "steps=4").floats(latents[:2], SEEDS[:2])
    assert furthest(first[:2], alone) < TOLERANCE["stable-unclip"]
    assert generator.fingerprint["scheduler"] == scheduler


@pytest.mark.parametrize("scheduler", ["PNDMScheduler", "EulerDiscreteScheduler"])
def test_stable_unclip_is_the_library_s_own_pipeline(make, scheduler, copy, latents):
    """With the empty prompt, and with the initial noise scaled as its pipeline scales what it draws itself."""
    import diffusers
    import torch
    from diffusers import AutoencoderKL, StableUnCLIPImg2ImgPipeline, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer
    from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionConfig, CLIPVisionModelWithProjection

    folder = copy("stable-unclip")
    change(folder / "scheduler" / "scheduler_config.json", _class_name=scheduler)
    kinds = {
        "image_normalizer": StableUnCLIPImageNormalizer,
        "image_noising_scheduler": diffusers.DDPMScheduler,
        "tokenizer": CLIPTokenizer,
        "text_encoder": CLIPTextModel,
        "unet": UNet2DConditionModel,
        "scheduler": getattr(diffusers, scheduler),
        "vae": AutoencoderKL,
    }
    vision = CLIPVisionModelWithProjection(CLIPVisionConfig(hidden_size=4, num_hidden_layers=1, num_attention_heads=1))
    pipe = StableUnCLIPImg2ImgPipeline(
        feature_extractor=None,
        image_encoder=vision,
        **{part: kind.from_pretrained(folder / part) for part, kind in kinds.items()},
    )
    pipe.set_progress_bar_config(disable=True)
    draws = torch.Generator().manual_seed(7)
    noise = torch.randn((1, 4, 16, 16), generator=draws)
    shape = {"batch_size": 1, "num_channels_latents": 4, "height": 32, "width": 32}
    pipe.scheduler.set_timesteps(3)
    scaled = pipe.prepare_latents(**shape, dtype=None, device="cpu", generator=draws, latents=noise)
    expected = pipe(
        prompt=[""],
        image_embeds=torch.tensor(latents[:1], dtype=torch.float32),
        generator=draws,
        latents=scaled,
        num_inference_steps=3,
        output_type="np",
    ).images
    assert furthest(expected, make("stable-unclip", folder, "steps=3").floats(latents[:1], [7])) == 0


def test_kandinsky_is_the_library_s_own_pipeline(make, tiny, latents, clip):
    """With DDIM, which needs no noise but the first, and away from CLIP's mean colour."""
    import torch
    from diffusers import DDIMScheduler, KandinskyV22Pipeline, UNet2DConditionModel, VQModel

    folder = tiny / "kandinsky22"
    schedule = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    del schedule["variance_type"]
    pipe = KandinskyV22Pipeline(
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        scheduler=DDIMScheduler.from_config(schedule),
        movq=VQModel.from_pretrained(folder / "movq"),
    )
    pipe.set_progress_bar_config(disable=True)
    wanted = torch.tensor(latents[:1], dtype=torch.float32)
    expected = pipe(
        wanted,
        torch.from_numpy(clip.encode_images([np.full((50, 50, 3), (123, 117, 104), np.uint8)])),
        height=32,
        width=32,
        num_inference_steps=3,
        guidance_scale=4,
        latents=torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(7)),
        output_type="np",
    ).images
    assert furthest(expected, make("kandinsky22", folder, "steps=3").floats(latents[:1], [7])) < 1e-6


@BOTH
def test_settings_reach_the_pipeline(make, family, tiny, latents):
    plain = make(family, tiny / family, "steps=3").floats(latents[:1], [0])
    for option in ("steps=4", "guidance=1", "dtype=bfloat16"):
        options = option if option.startswith("steps") else f"steps=3&{option}"
        changed = make(family, tiny / family, options).floats(latents[:1], [0])
        assert furthest(plain, changed) > 1e-3
    sliced = make(family, tiny / family, "steps=3&attention_slicing=true")
    assert furthest(plain, sliced.floats(latents[:1], [0])) < TOLERANCE[family]
    processors = {type(each).__name__ for each in sliced.loaded.pipe.unet.attn_processors.values()}
    assert all(name.startswith("Sliced") for name in processors)


def exhaust(generator, monkeypatch, rows, error):
    """Let the UNet fail on more than `rows` rows, as a full memory does; guidance makes two of each image."""
    unet = generator.loaded.pipe.unet
    forward, asked = unet.forward, []

    def failing(sample, *arguments, **settings):
        asked.append(len(sample))
        if len(sample) > rows:
            error()
        return forward(sample, *arguments, **settings)

    monkeypatch.setattr(unet, "forward", failing)
    return asked


def gpu_is_full():
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def memory_is_full():
    import torch

    torch.empty(2**60)  # what a processor's own allocator says


@BOTH
@pytest.mark.parametrize("error", [gpu_is_full, memory_is_full])
def test_where_memory_runs_out_batches_shrink(make, family, error, tiny, latents, monkeypatch):
    expected = make(family, tiny / family).floats(latents, SEEDS)
    generator = make(family, tiny / family, "steps=2&batch=4")
    asked = exhaust(generator, monkeypatch, 2, error)
    assert furthest(expected, generator.floats(latents, SEEDS)) < TOLERANCE[family]
    assert asked[:3] == [8, 4, 2]
    assert set(asked[3:]) == {2}
    assert generator.fingerprint["batch"] == 4


@BOTH
def test_where_memory_never_suffices_the_end_is_one_line(make, family, tiny, latents, monkeypatch):
    generator = make(family, tiny / family, "steps=2&batch=2")
    asked = exhaust(generator, monkeypatch, 0, gpu_is_full)
    with pytest.raises(SmicnbError, match="out of memory on cpu: one image at a time with sliced attention") as caught:
        generator.floats(latents, SEEDS)
    assert asked == [4, 2, 2]
    assert "dtype=float16" in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_weights_that_do_not_fit(make, tiny, latents, monkeypatch):
    monkeypatch.setattr(pipelines, "place_pipe", lambda *_: memory_is_full())
    with pytest.raises(SmicnbError, match="out of memory on cpu: the weights do not fit"):
        make("kandinsky22", tiny / "kandinsky22").generate(latents, SEEDS)


def test_another_runtime_error_is_not_taken_for_lack_of_memory(make, tiny, latents, monkeypatch):
    generator = make("kandinsky22", tiny / "kandinsky22")

    def broken():
        raise RuntimeError("a kernel is broken")

    exhaust(generator, monkeypatch, 0, broken)
    with pytest.raises(RuntimeError, match="a kernel is broken"):
        generator.generate(latents, SEEDS)


@BOTH
def test_every_file_is_missed_by_its_name(make, family, copy, tiny):
    for path in sorted((tiny / family).rglob("*.*")):
        name = path.relative_to(tiny / family).as_posix()
        if name.startswith("tokenizer/") or name == "smicnb.json":
            continue
        folder = copy(family)
        (folder / name).unlink()
        with pytest.raises(MissingWeightsError) as caught:
            make(family, folder)
        assert f"(lacks {name.replace('.safetensors', '*.safetensors')})" in str(caught.value)
        shutil.rmtree(folder)


@BOTH
@pytest.mark.parametrize("variant", [None, "fp16"], ids=["single", "half"])
def test_shards_with_their_index_give_the_same_picture(make, family, variant, copy, tiny, latents):
    folder, part = copy(family), "unet"
    expected = make(family, folder).generate(latents[:1], SEEDS[:1])
    network = UNet2DConditionModel.from_pretrained(folder / part)
    (folder / part / WEIGHTS).unlink()
    if variant:
        network = network.half()
    network.save_pretrained(folder / part, variant=variant, max_shard_size="100KB")
    shards = sorted((folder / part).glob("*.safetensors"))
    assert len(shards) > 1
    assert all(("fp16" in path.name) == bool(variant) for path in shards)
    found = make(family, folder).generate(latents[:1], SEEDS[:1])
    if variant:
        assert furthest(np.float64(found), np.float64(expected)) <= 16  # of 255: 11 bits a weight
    else:
        assert furthest(found, expected) == 0
    shards[1].unlink()
    with pytest.raises(MissingWeightsError, match=re.escape(f"(lacks {part}/{shards[1].name})")):
        make(family, folder)
    next((folder / part).glob("*.index*.json")).write_text('{"weight_map": [1]}')
    with pytest.raises(IntegrityError, match="has no 'weight_map'"):
        make(family, folder)


@pytest.mark.parametrize(
    ("family", "part", "instead"),
    [
        ("stable-unclip", "unet", "kandinsky22/unet"),
        ("stable-unclip", "vae", "kandinsky22/movq"),
        ("stable-unclip", "image_normalizer", "stable-unclip/vae"),
        ("kandinsky22", "unet", "stable-unclip/unet"),
        ("kandinsky22", "movq", "stable-unclip/vae"),
    ],
)
def test_weights_of_another_architecture(make, family, part, instead, copy, tiny, latents):
    folder = copy(family)
    shutil.copy(tiny / instead / WEIGHTS, folder / part / WEIGHTS)
    generator = make(family, folder)  # the weights are read when they are needed
    with pytest.raises(SmicnbError, match=f"'{family}/{part}'") as caught:
        generator.generate(latents, SEEDS)
    assert str(caught.value).count("\n") == 0


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def lose_a_number(path):
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    weights["decoder.conv_out.bias"] *= np.nan
    save_file(weights, path)


NO_TOKENIZER = "'stable-unclip/tokenizer' could not be loaded as a CLIPTokenizer"
LACKS = "are of another architecture: they lack 16 arrays"


@pytest.mark.parametrize(
    ("family", "spoil", "part", "message"),
    [
        ("stable-unclip", shutil.rmtree, "tokenizer", NO_TOKENIZER),
        ("stable-unclip", partial(change, num_hidden_layers=3), "text_encoder/config.json", LACKS),
        ("kandinsky22", cut_short, f"movq/{WEIGHTS}", "'kandinsky22/movq' could not be loaded as a VQModel"),
        ("kandinsky22", lose_a_number, f"movq/{WEIGHTS}", "not finite in float32"),
    ],
)
def test_what_does_not_load_or_compute_is_told_where_pictures_are_asked_for(
    make, family, spoil, part, message, copy, latents
):
    folder = copy(family)
    spoil(folder / part)
    generator = make(family, folder)
    with pytest.raises(SmicnbError, match=message):
        generator.generate(latents, SEEDS)


@pytest.mark.parametrize(
    ("family", "file", "values", "message"),
    [
        ("stable-unclip", "unet/config.json", {"class_embed_type": None}, "of another architecture"),
        ("stable-unclip", "unet/config.json", {"projection_class_embeddings_input_dim": 256}, "twice as many"),
        ("stable-unclip", "unet/config.json", {"projection_class_embeddings_input_dim": "512"}, "a whole number"),
        ("stable-unclip", "unet/config.json", {"cross_attention_dim": 64}, "differ in width"),
        ("stable-unclip", "image_normalizer/config.json", {"embedding_dim": 1}, "twice as many"),
        ("stable-unclip", "image_normalizer/config.json", {"embedding_dim": True}, "a whole number"),
        ("kandinsky22", "unet/config.json", {"addition_embed_type": "text_image"}, "of another architecture"),
        ("kandinsky22", "unet/config.json", {"encoder_hid_dim": None}, "a whole number"),
        ("kandinsky22", "scheduler/scheduler_config.json", {"num_train_timesteps": 0}, "a whole number"),
    ],
)
def test_configurations_that_do_not_belong_together(make, family, file, values, message, copy):
    folder = copy(family)
    change(folder / file, **values)
    with pytest.raises((IntegrityError, DimensionError), match=message):
        make(family, folder)


@pytest.mark.parametrize("name", ["DPMSolverSDEScheduler", "UNet2DConditionModel", "os.system", None])
def test_a_scheduler_that_is_none(make, name, copy, latents):
    folder = copy("stable-unclip")
    change(folder / "scheduler" / "scheduler_config.json", _class_name=name)
    with pytest.raises(IntegrityError, match=f"names the class '{name}'; needed: one of .*DDIMScheduler"):
        make("stable-unclip", folder).generate(latents, SEEDS)


@pytest.mark.parametrize(
    ("family", "dim", "message"),
    [
        ("kandinsky22", 768, "'kandinsky22:auto' takes 1280 .* makes latents of 768; .*stable-unclip:auto fits"),
        ("kandinsky22", 1024, "stable-unclip:auto fits"),
        ("stable-unclip", 1280, "'stable-unclip:auto' takes 768 or 1024 dimensions.*kandinsky22:auto fits"),
        ("stable-unclip", 384, "none that is registered fits this encoder .stable-unclip 768, stable-unclip 1024"),
    ],
)
def test_auto_knows_which_generator_fits(make, family, dim, message, monkeypatch):
    monkeypatch.delenv(diffusion.VARIABLES[family], raising=False)
    for source in ("auto", ""):
        with pytest.raises(DimensionError, match=message):
            make(family, source, dim=dim)


@BOTH
def test_a_folder_of_another_dimension(make, family, tiny):
    with pytest.raises(DimensionError, match=f"'{family}:{family}' takes 256 dimensions.*stable-unclip:auto fits"):
        make(family, tiny / family, dim=768)


def test_auto_takes_the_user_s_own_first_and_lists_what_it_tried(make, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("SMICNB_STABLE_UNCLIP", str(tiny / "stable-unclip"))
    assert make("stable-unclip", "auto").name == "stable-unclip:stable-unclip"
    with pytest.raises(DimensionError, match="takes 256 dimensions"):
        make("stable-unclip", "auto", dim=768)
    monkeypatch.setenv("SMICNB_STABLE_UNCLIP", str(tmp_path))
    with pytest.raises(MissingWeightsError) as caught:
        make("stable-unclip", "auto", dim=768)
    told = str(caught.value)
    positions = [told.index(name) for name in (str(tmp_path), *diffusion.CANDIDATES["stable-unclip"][768])]
    assert positions == sorted(positions)
    assert told.count("\n") == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ("step=2", UnknownNameError, "did you mean 'steps'"),
        ("steps=2.5", SmicnbError, "a whole number"),
        ("steps=0", SmicnbError, "steps=0; needed: 1 or more"),
        ("steps=1001", SmicnbError, "at most the 1000"),
        ("batch=0", SmicnbError, "batch=0"),
        ("guidance=nan", SmicnbError, "guidance=nan"),
        ("guidance=-1", SmicnbError, "guidance=-1"),
        ("dtype=float61", UnknownNameError, "did you mean 'float16'"),
        ("dtype=float16", SmicnbError, "float16 was asked for on a processor"),
        ("attention_slicing=yes", SmicnbError, "true or false"),
        ("device=gpu", SmicnbError, "device 'gpu'"),
    ],
)
def test_settings_that_cannot_be(make, options, error, message, tiny):
    with pytest.raises(error, match=message):
        make("kandinsky22", tiny / "kandinsky22", options)


def test_a_gpu_that_is_not_there(make, tiny):
    import torch

    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(SmicnbError, match=f"device '{missing}' was asked for.*device=cpu"):
        make("stable-unclip", tiny / "stable-unclip", f"device={missing}")


def test_latents_that_cannot_be(make, tiny, latents):
    generator = make("kandinsky22", tiny / "kandinsky22")
    with pytest.raises(DimensionError, match=r"needed: \(n, 256\)"):
        generator.generate(latents[:, :10], SEEDS)
    with pytest.raises(DimensionError, match="found 2 seeds for 5 latents"):
        generator.generate(latents, [1, 2])
    with pytest.raises(DimensionError, match="not finite"):
        generator.generate(np.where(latents > 0, np.nan, latents), SEEDS)
    assert generator.generate(latents[:0], []) == []


@BOTH
def test_the_record_pins_what_made_the_picture(make, family, copy):
    folder = copy(family)
    generator = make(family, folder, "steps=2&guidance=3")
    kept = json.loads(json.dumps(generator.fingerprint))
    wanted = {"source": family, "stand_in": "random weights", "steps": 2, "guidance": 3.0}
    wanted |= {"dtype": "float32", "device": "cpu"}
    assert {name: kept[name] for name in wanted} == wanted
    assert len(kept["weights"]) == 64
    assert kept["scheduler"] == {"stable-unclip": "PNDMScheduler", "kandinsky22": "DDIMScheduler"}[family]
    assert str(folder.parent) not in json.dumps(kept)
    change(folder / "scheduler" / "scheduler_config.json", beta_end=0.013)
    assert make(family, folder).fingerprint["weights"] != kept["weights"]


def test_a_commit_is_in_the_record(tiny, clip):
    from smicnb.semantics.weights.repositories import Located

    located = Located(tiny / "kandinsky22", "owner/name", "1" * 40)
    pipeline = pipelines.Kandinsky22(located.folder, clip)
    kept = diffusion.DiffusionGenerator("kandinsky22", located, pipeline, {**diffusion.DEFAULTS, "guidance": 4.0})
    assert (kept.fingerprint["source"], kept.fingerprint["revision"]) == ("owner/name", "1" * 40)


@BOTH
def test_a_stand_in_is_called_one(make, family, copy):
    folder = copy(family)
    label = {"stable-unclip": "Stable unCLIP", "kandinsky22": "Kandinsky 2.2"}[family]
    assert make(family, folder).what == f"a picture by {label} with random weights, which means nothing"
    (folder / "smicnb.json").unlink()
    assert make(family, folder).what == f"a new picture by {label}"
    assert make(family, folder).verb == "generated"


def test_the_tool_writes_the_same_each_time(make, tiny_models, tiny, tmp_path):
    from smicnb.semantics.weights.repositories import weights_hash

    for make_one, name in ((tiny_models.stable_unclip, "stable-unclip"), (tiny_models.kandinsky22, "kandinsky22")):
        assert weights_hash(make_one(tmp_path / name), ["**/*"]) == weights_hash(tiny / name, ["**/*"])
    assert tiny_models.stable_unclip(tmp_path / "small", dim=16).is_dir()
    assert make("stable-unclip", tmp_path / "small", dim=16).dim == 16


def test_the_tool_s_encoder_and_generator_belong_together(tiny, photographs):
    from smicnb.semantics.encoders.encoders import encoder

    clip = encoder(f"open_clip:ViT-S-32-alt/{tiny / 'open_clip' / 'random-weights.safetensors'}")
    found = clip.encode_images(photographs[:2])
    generator = diffusion.stable_unclip(parse(f"stable-unclip:{tiny / 'stable-unclip'}?steps=1"), clip)
    assert len(generator.generate(found, [0, 1])) == 2


@pytest.mark.parametrize("name", ["stable-unclip", "kandinsky22", "open_clip", "blip", "segformer", "clip-iqa"])
def test_the_tool_calls_every_folder_a_stand_in(name, tiny):
    assert json.loads((tiny / name / "smicnb.json").read_text()) == {"stand_in": "random weights"}
    assert list((tiny / name).rglob("*.safetensors"))
    assert not list((tiny / name).rglob("*.bin"))
