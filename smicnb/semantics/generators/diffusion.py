"""Generators that make new pictures: a diffusion pipeline behind the generator's protocol.

`stable-unclip:SOURCE?option=value&…` and `kandinsky22:SOURCE?…`, where SOURCE is a folder, a repository of the
hub (owner/name, owner/name@revision), or "auto", which tries what the environment variable names and then the
registered repositories. Options: device, dtype, steps, guidance, batch, attention_slicing.
"""

import math
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from smicnb.base import names
from smicnb.base.errors import DimensionError, ImageError, SmicnbError
from smicnb.base.progress import progress_bar
from smicnb.semantics import devices
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.generators.pipelines import Kandinsky22, Pipeline, StableUnclip
from smicnb.semantics.selection import Selection
from smicnb.semantics.weights import repositories
from smicnb.semantics.weights.repositories import AUTO, Located

# family -> dimension of the latents -> repositories to try, in this order
CANDIDATES = {
    "stable-unclip": {
        768: (
            "stabilityai/stable-diffusion-2-1-unclip-small",
            "sd2-community/stable-diffusion-2-1-unclip-small",
            "radames/stable-diffusion-2-1-unclip-small-img2img",
            "diffusers/stable-diffusion-2-1-unclip-i2i-l",
        ),
        1024: (
            "stabilityai/stable-diffusion-2-1-unclip",
            "sd2-community/stable-diffusion-2-1-unclip",
            "radames/stable-diffusion-2-1-unclip-img2img",
        ),
    },
    "kandinsky22": {1280: ("kandinsky-community/kandinsky-2-2-decoder",)},
}
LICENCES = {"stable-unclip": "CreativeML Open RAIL++-M", "kandinsky22": "Apache-2.0"}  # of every candidate
VARIABLES = {"stable-unclip": "SMICNB_STABLE_UNCLIP", "kandinsky22": "SMICNB_KANDINSKY22"}
PIPELINES: dict[str, type[Pipeline]] = {"stable-unclip": StableUnclip, "kandinsky22": Kandinsky22}
GUIDANCE = {"stable-unclip": 10.0, "kandinsky22": 4.0}
DTYPES = ("float32", "float16", "bfloat16")
DEFAULTS = {"device": "cpu", "dtype": "float32", "steps": 20, "batch": 1, "attention_slicing": False}


class DiffusionGenerator:
    """A pipeline that turns latents (n, dim) of the norm it was trained with into new pictures.

    Each image has its own seed, from which all its noise is drawn, so that it does not depend on what else is
    generated: in float32 on a processor, alone and in a batch of four differ by less than 1e-4 of full range
    with Stable unCLIP and 1e-3 with Kandinsky, and the same call gives the same bits. The weights are read at
    the first call. Where memory runs out, the rest is made in smaller batches, then with sliced attention.

    Args:
        family: "stable-unclip" or "kandinsky22".
        located: place of the pipeline's files.
        pipeline: the files' configuration, and how the pipeline is called.
        settings: device, dtype, steps, guidance (at most 1: none), batch, attention_slicing.

    Raises:
        SmicnbError: more steps than the scheduler was trained with.
    """

    verb = "generated"

    def __init__(self, family: str, located: Located, pipeline: Pipeline, settings: dict):
        self.name = f"{family}:{located.source}"
        self.dim = pipeline.dim
        self.device = settings["device"]
        self.what = f"a new picture by {pipeline.label}"
        if located.stand_in:
            self.what = f"a picture by {pipeline.label} with {located.stand_in}, which means nothing"
        if settings["steps"] > pipeline.longest:
            raise SmicnbError(f"found steps={settings['steps']}", f"at most the {pipeline.longest} of its training")
        self._located, self._pipeline, self._settings = located, pipeline, settings
        self.draw_batch, self._sliced = settings["batch"], settings["attention_slicing"]

    @cached_property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What a record keeps: source, revision, SHA-256 of the files, scheduler, settings."""
        located = self._located
        notes = {"revision": located.revision, "stand_in": located.stand_in}
        return {
            "source": located.source,
            **{name: note for name, note in notes.items() if note},
            "weights": repositories.weights_hash(located.folder, self._pipeline.patterns),
            "scheduler": self._pipeline.scheduler,
            **self._settings,
        }

    @cached_property
    def loaded(self) -> Pipeline:
        try:
            self._pipeline.load(self._settings["dtype"], self.device)
        except (RuntimeError, MemoryError) as error:
            if not _memory_ran_out(error):
                raise
            raise self._memory_error("the weights do not fit") from error
        if self._sliced:
            self._pipeline.save_memory(attention=True)
        return self._pipeline

    def generate(self, latents: np.ndarray, seeds: Sequence[int]) -> list[np.ndarray]:
        """New pictures, RGB uint8 H×W×3, of latents (n, dim) of the generator's norm, one seed for each."""
        # Rounded as they come: at 768 pixels a side, a float image takes 7 MB.
        return [np.round(image * 255).astype(np.uint8) for image in self._make_images(latents, seeds)]

    def floats(self, latents: np.ndarray, seeds: Sequence[int]) -> list[np.ndarray]:
        """`generate` before rounding: RGB float32 H×W×3 in [0, 1]."""
        return list(self._make_images(latents, seeds))

    def _make_images(self, latents: np.ndarray, seeds: Sequence[int]) -> Iterator[np.ndarray]:
        if latents.ndim != 2 or latents.shape[1] != self.dim:
            raise DimensionError(f"found latents of shape {latents.shape}", f"(n, {self.dim})")
        if len(seeds) != len(latents):
            raise DimensionError(f"found {len(seeds)} seeds for {len(latents)} latents", "one for each")
        if not np.isfinite(latents).all():
            raise DimensionError("found a latent that is not finite", "finite numbers")
        done = 0
        with progress_bar(f"generating with {self.name}", len(latents)) as advance:
            while done < len(latents):
                # The last row fills the last batch up: a network's last digits move with the batch's size.
                rows = [min(done + row, len(latents) - 1) for row in range(self.draw_batch)]
                batch = self.attempt(latents[rows], [int(seeds[row]) for row in rows])
                if batch is None:
                    self._ask_for_less()
                    continue
                new = batch[: len(latents) - done]
                yield from new
                done += len(new)
                advance(len(new))

    def attempt(self, latents: np.ndarray, seeds: list[int]) -> np.ndarray | None:
        """Images of one batch, or None where memory ran out and less can be asked for."""
        import torch

        pipeline = self.loaded
        try:
            # A GPU's convolutions would otherwise round to 10 bits, and choose how by the batch.
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
                images = pipeline.images(latents, seeds, self._settings["steps"], self._settings["guidance"])
        except (RuntimeError, MemoryError) as error:
            if not _memory_ran_out(error):
                raise
            if self.draw_batch == 1 and self._sliced:
                raise self._memory_error("one image at a time with sliced attention does not fit") from error
            return None
        if not np.isfinite(images).all():
            dtype = self._settings["dtype"]
            raise ImageError(f"{self.name} made pixels that are not finite in {dtype}", do="say ?dtype=float32")
        return images

    def _ask_for_less(self) -> None:
        """Half the batch; when it is one image, sliced attention too, which is last since it is slow."""
        import torch

        if self.draw_batch > 1:
            self.draw_batch = math.ceil(self.draw_batch / 2)
        else:
            self._sliced = True
        self._pipeline.save_memory(attention=self._sliced)
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _memory_error(self, what: str) -> SmicnbError:
        dtype = self._settings["dtype"]
        wanted = [pattern for pattern in self._pipeline.patterns if pattern.endswith(".safetensors")]
        files = {path for pattern in wanted for path in self._located.folder.glob(pattern)}
        size = sum(path.stat().st_size for path in files) / 2**30
        wide = dtype == "float32"
        return SmicnbError(
            f"out of memory on {self.device}: {what}",
            f"more free memory; the weight files of {self.name} are {size:.1f} GiB",
            "say ?dtype=float16 on a GPU, which halves it" if wide else "say ?device=cpu, or stop what else runs",
        )


def stable_unclip(selection: Selection, encoder: SemanticEncoder) -> DiffusionGenerator:
    """The Stable unCLIP that a name selects, for the latents of an encoder; 20 steps, guidance 10.

    Raises:
        SmicnbError: a setting that cannot be, or a device that is not here.
        MissingWeightsError: no source has the files; lists what was tried.
        DimensionError: it takes latents of another dimension; says which generator fits.
        IntegrityError: configurations of something else.
    """
    return _select(selection, encoder)


def kandinsky22(selection: Selection, encoder: SemanticEncoder) -> DiffusionGenerator:
    """The Kandinsky 2.2 decoder that a name selects, for the latents of an encoder; 20 steps, guidance 4.

    Raises:
        The errors of `stable_unclip`.
    """
    return _select(selection, encoder)


def sources_of(family: str, dim: int | None = None, source: str = AUTO) -> repositories.Sources:
    """Sources of a family's generators: for latents of `dim` dimensions, or of the first that it has.

    Raises:
        DimensionError: `source` is "auto" and nothing is registered for `dim`; or it is registered for others.
    """
    by_dim, variable = CANDIDATES[family], VARIABLES[family]
    if dim is not None:
        auto = source in ("", AUTO)
        takes = [each for each, some in by_dim.items() if auto or source.partition("@")[0] in some]
        if takes and dim not in takes and not (auto and os.environ.get(variable, "").strip()):
            raise _misfit_error(f"'{family}:{source or AUTO}' takes {' or '.join(map(str, takes))}", dim)
    candidates = next(iter(by_dim.values())) if dim is None else by_dim.get(dim, ())
    return repositories.Sources(candidates, variable, PIPELINES[family].patterns, LICENCES[family], family)


def settings_of(selection: Selection) -> dict[str, Any]:
    """The settings that a name asks for, their values checked, on a device that need not be here.

    Returns:
        device, dtype, steps, guidance, batch, attention_slicing.

    Raises:
        SmicnbError: a setting that cannot be. UnknownNameError: an unknown option or dtype.
    """
    return _check_settings(selection.settings(**DEFAULTS, guidance=GUIDANCE[selection.family]))


def fit_pipeline(family: str, located: Located, dim: int, encoder: SemanticEncoder | None = None) -> Pipeline:
    """The pipeline of a folder; only its configurations are read.

    Args:
        family, located: the pipeline's family, and where its files are.
        dim: dimension of the latents that it is to take.
        encoder: encoder that makes them; without it, the pipeline can make no images.

    Raises:
        DimensionError: it takes latents of another dimension; says which generator fits.
        IntegrityError: configurations of something else.
    """
    pipeline = PIPELINES[family](located.folder, encoder)
    if pipeline.dim != dim:
        raise _misfit_error(f"'{family}:{located.source}' takes {pipeline.dim}", dim)
    return pipeline


def _select(selection: Selection, encoder: SemanticEncoder) -> DiffusionGenerator:
    family, settings = selection.family, settings_of(selection)
    devices.check_device(settings["device"])
    located = sources_of(family, encoder.dim, selection.source).locate(selection.source)
    return DiffusionGenerator(family, located, fit_pipeline(family, located, encoder.dim, encoder), settings)


def _misfit_error(found: str, dim: int) -> DimensionError:
    """The error for a generator of the wrong dimension; it names the one that fits."""
    fits = [f"{family}:auto" for family, by_dim in CANDIDATES.items() if dim in by_dim]
    known = ", ".join(f"{family} {each}" for family, by_dim in CANDIDATES.items() for each in by_dim)
    return DimensionError(
        f"{found} dimensions, the encoder makes latents of {dim}",
        "equal dimensions",
        f"{fits[0]} fits this encoder" if fits else f"none that is registered fits this encoder ({known})",
    )


def _check_settings(settings: dict) -> dict:
    if settings["dtype"] not in DTYPES:
        raise names.unknown("dtype", settings["dtype"], DTYPES)
    if settings["dtype"] == "float16" and settings["device"] == "cpu":
        raise SmicnbError("float16 was asked for on a processor", "float32 there, or a GPU", "say ?device=cuda too")
    for name in ("steps", "batch"):
        if settings[name] < 1:
            raise SmicnbError(f"found {name}={settings[name]}", "1 or more")
    if not 0 <= settings["guidance"] < math.inf:
        raise SmicnbError(f"found guidance={settings['guidance']}", "0 or more; at most 1 means none")
    return settings


def _memory_ran_out(error: Exception) -> bool:
    import torch

    told = str(error).casefold()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        # a processor's allocator and Apple's GPUs raise a plain RuntimeError
        or "allocate memory" in told
        or "not enough memory" in told
        or "out of memory" in told
    )
