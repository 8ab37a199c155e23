"""What a run would load, how much it would generate, how long that takes and how much memory, without doing it.

Both are estimates, which tools/measure_full_size.py holds against runs: operations counted on the real architectures,
divided by what a matrix product reaches on the device now, and the numbers of the networks that are loaded, with what
stands beside them. No weights are read, and the network is left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from smicnb.base import names
from smicnb.base.errors import MissingWeightsError
from smicnb.codec.rate import POINTS
from smicnb.repro.checkout import hide_path
from smicnb.repro.runs.jobs import Job, collection_of
from smicnb.semantics import devices, hub_models
from smicnb.semantics.encoders import encoders, inception, lite0_minilm
from smicnb.semantics.generators import diffusion, generators, inversion
from smicnb.semantics.metrics import captions, perception, segments
from smicnb.semantics.photographs.image_collections import SPLITS
from smicnb.semantics.selection import Selection, parse
from smicnb.semantics.weights import store
from smicnb.semantics.weights.repositories import AUTO
from smicnb.studies.linearity.measures import CONTROLS
from smicnb.studies.reconstruction.measures import check_sizes

Sizes = dict[str, int] | None  # images of each split, None where no collection is named yet
EFFICIENCY = 0.5  # of a matrix product's speed, what a network of convolutions and attention reaches
MANY = 10**9  # as many images as a notebook asks for
LAYERS = 3  # what a layer takes, the same normalised, and what it gives
PROCESS = 1.0e9  # bytes of a kernel with its libraries and photographs, before a large network is loaded


@dataclass(frozen=True)
class Work:
    """What a model takes: numbers to load and to hold at once, and 10¹² floating-point operations.

    Args:
        parameters: number of parameters of all loaded networks.
        once: operations for each image.
        step: operations for each denoising step of an image, guidance counted; 0 without steps.
        hidden: numbers of the largest hidden layer while one image is made; `LAYERS` of them stand at a time.
    """

    parameters: float
    once: float
    step: float = 0.0
    hidden: float = 0.0


# Counted on the architectures of the published configurations; a test counts again.
GENERATORS = {
    "stable-unclip": Work(1.293e9, 5.75, 4.30, 1.51e8),  # 768×768 pixels
    "kandinsky22": Work(1.321e9, 2.00, 1.71, 6.71e7),  # 512×512 pixels
}
# Numbers in the weight files of each family's first candidate; BLIP's hold its output layer, a copy, twice.
JUDGES = {"blip": 2.47e8, "segformer": 3.75e6, "clip-iqa": 1.50e8}
ENCODERS = {"ViT-L-14": Work(4.28e8, 0.162), "ViT-B-32": Work(1.51e8, 0.0088)}

TABLES = {
    "generator": generators.GENERATORS,
    "captioner": captions.CAPTIONERS,
    "segmenter": segments.SEGMENTERS,
    "quality": perception.QUALITY_MODELS,
}
# Options of what comes from no repository, and the registered parts that it loads.
OPTIONS = {
    inversion.NAME: inversion.DEFAULTS,
    captions.NEAREST_WORDS: {"count": captions.WORDS_NAMED},
}
PARTS = {
    inception.NAME: (inception.PART,),
    inversion.NAME: (inversion.PART,),
    lite0_minilm.NAME: (lite0_minilm.IMAGE_PART, lite0_minilm.TEXT_PART),
}

# What the embedded profile is, which was timed: of nothing else can it be said that it takes minutes.
MINUTES = {"collection": "embedded", "encoder": lite0_minilm.NAME, "generator": "retrieval"}


def _linearity(values: dict[str, Any], sizes: Sizes) -> int:
    factors = len(values["added"]) + len(values["removed"])
    whats, alone = 1 + len(CONTROLS), 2 * 2  # of either pair that is shown, both photographs
    return whats * values["pairs"] * factors + factors + alone + 3 * min(values["shown"], values["pairs"])


def _dictionary(values: dict[str, Any], sizes: Sizes) -> int:
    return min(values["shown"], values["n_atoms"])


def _reconstruction(values: dict[str, Any], sizes: Sizes) -> int:
    models = 1 + len(values["n_atoms"]) * (2 + values["draws"])  # learned and PCA, and the draws
    images = sum(min(values["generated"], _size(sizes, split)) for split in ("train", "heldout"))
    floors = (1 + len(values["n_atoms"])) * min(values["generated"], _size(sizes, "heldout"))  # the ceiling, and atoms
    return models * images + len(values["n_atoms"]) * values["examples"] + 6 + floors


def _frontier(values: dict[str, Any], sizes: Sizes) -> int:
    images = sum(min(values["generated"], _size(sizes, split)) for split in ("train", "heldout"))
    floors = (1 + len(POINTS)) * min(values["generated"], _size(sizes, "heldout"))  # the ceiling, and the models
    return (1 + len(POINTS)) * images + len(POINTS) * values["examples"] + floors


def _separation(values: dict[str, Any], sizes: Sizes) -> int:
    return 2 * min(values["tested"], _size(sizes, "train") + _size(sizes, "heldout"))


def _beyond(values: dict[str, Any], sizes: Sizes) -> int:
    return 2 * 5 * _size(sizes, "heldout")  # not coded, and four coders; again beside floors


def _size(sizes: Sizes, split: str) -> int:
    return MANY if sizes is None else sizes[split]


# Notebook -> how many images it generates at most; a test compares with what they do.
GENERATED: dict[str, Callable[[dict[str, Any], Sizes], int]] = {
    "01_clip_linearity": _linearity,
    "02_dictionary_atoms": _dictionary,
    "03_reconstruction": _reconstruction,
    "04_semantic_separation": _separation,
    "06_rsf_convex_hull": _frontier,
    "10_beyond_the_paper": _beyond,
}


# Notebook -> the parameters that are numbers of atoms, with the least that each may be; a test knows the notebooks.
# 04 codes what remains of the split without the foreign images, which only an encoder tells apart.
DICTIONARIES = {
    "02_dictionary_atoms": {"n_atoms": 1},
    "03_reconstruction": {"n_atoms": 2, "decomposition_atoms": 2},
    "04_semantic_separation": {"n_atoms": 1},
    "05_rate_model": {"n_atoms": 1},
    "06_rsf_convex_hull": {"n_atoms": 1},
    "explore": {"n_atoms": 1},
}


def describe(jobs: Sequence[Job]) -> list[str]:
    """Lines for a person: what is loaded and its size, then images and estimated time of each notebook.

    A device that this machine has not, and models that are not here yet, are told and are no error.

    Raises:
        SmicnbError: a collection or model that does not exist, an option that is not one or cannot be.
        DimensionError: a generator takes other latents than its encoder makes, says which one fits; or a dictionary
            is larger than what it is learned from.
    """
    lines, sizes = [], {}
    for name in _selected_names(jobs, "collection"):
        sizes[name], line = _collection(name)
        lines.append(line)
    for job in jobs:
        numbers, collection = DICTIONARIES.get(job.notebook), job.parameters.get("collection")
        if numbers and sizes[collection]:
            coded = collection_of(collection).split(job.parameters.get("split", "train"))
            for name, least in numbers.items():
                check_sizes(job.parameters[name], coded, least, f"{job.notebook}.{name}")
    for kind in ("encoder", "judge"):
        lines += [f"{kind} {hide_path(name)}: {find_encoder(kind, name)}" for name in _selected_names(jobs, kind)]
    for kind in ("generator", "captioner", "segmenter", "quality"):
        told = {name: find_model(kind, name, dim) for name, dim in _models(jobs, kind)}
        lines += [f"{kind} {hide_path(name)}: {line}" for name, line in told.items()]
    clock, total = Clock(), 0.0
    for job in jobs:
        values, count = job.parameters, GENERATED.get(job.notebook)
        images = count(values, sizes.get(values.get("collection"))) if count else 0
        seconds = clock.seconds(values, images) if images else None
        total += seconds or 0.0
        what = f"at most {images} images generated" if images else "generates nothing"
        if count is None and "generator" in values:
            what = "generates images, nobody counted how many"
        held = count_memory(values) if images else {}
        memory = ", ".join(f"{size / 1e9:.1f} GB on {device}" for device, size in held.items())
        parts = [what, f"about {_duration(seconds)}" if seconds else "", f"about {memory}" if memory else ""]
        lines.append(f"{job.notebook}: {', '.join(part for part in parts if part)}")
    if total:
        lines.append(
            f"in all about {_duration(total)}, estimated from counted operations and {clock}; this leaves out reading "
            "the weights, encoding the collection, captions, segments and quality"
        )
    elif clock.absent:
        lines.append(f"no time is estimated: {', '.join(clock.absent)} is not on this machine")
    elif all(MINUTES.items() <= {**MINUTES, **job.parameters}.items() for job in jobs):
        lines.append("a matter of minutes: nothing here generates with a large network")
    else:
        lines.append("no time is estimated: of nothing here that generates were the operations counted")
    return lines


class Clock:
    """Times of generating and encoding images, by what the devices of this machine reach now."""

    def __init__(self):
        self.absent: list[str] = []  # devices that were asked for
        self._speeds: dict[tuple[str, str], float] = {}

    def __str__(self) -> str:
        return ", ".join(
            f"{speed:.3g}·10¹² a second on {device} in {dtype}" for (device, dtype), speed in self._speeds.items()
        )

    def seconds(self, values: dict[str, Any], images: int) -> float | None:
        """Seconds for `images` by generator and encoder; None where nobody counted, or without the device."""
        generator = parse(values["generator"])
        if generator.family not in GENERATORS or _is_tiny(generator, dimension_of(values["encoder"])):
            return None
        work, settings = GENERATORS[generator.family], _settings(generator)
        encoder = parse(values.get("judge", values["encoder"]))
        parts = [(work.once + settings["steps"] * work.step, settings["device"], settings["dtype"])]
        if counted := ENCODERS.get(encoder.source.partition("/")[0]):
            parts.append((counted.once, encoder.options.get("device", "cpu"), "float32"))
        speeds = [self._speed(device, dtype) for _, device, dtype in parts]
        if not all(speeds):
            return None
        return images * sum(operations / speed for (operations, _, _), speed in zip(parts, speeds, strict=True))

    def _speed(self, device: str, dtype: str) -> float | None:
        """10¹² operations per second that a network is expected to reach: a share of a matrix product's."""
        if not devices.is_present(device):
            if device not in self.absent:
                self.absent.append(device)
            return None
        if (device, dtype) not in self._speeds:
            self._speeds[device, dtype] = EFFICIENCY * devices.matrix_speed(device, dtype)
        return self._speeds[device, dtype]


def count_memory(values: dict[str, Any]) -> dict[str, float]:
    """Device -> bytes that a notebook holds there, about; empty where of its generator nobody counted them."""
    generator = parse(values.get("generator", "none"))
    if generator.family not in GENERATORS or _is_tiny(generator, dimension_of(values["encoder"])):
        return {}
    work, settings = GENERATORS[generator.family], _settings(generator)
    width = 4 if settings["dtype"] == "float32" else 2
    held = {"cpu": PROCESS}

    def hold(device: str, size: float) -> None:
        held[device] = held.get(device, 0.0) + size

    hold(settings["device"], width * (work.parameters + LAYERS * settings["batch"] * work.hidden))
    for name in {values["encoder"], values.get("judge", values["encoder"])}:
        encoder = parse(name)
        if counted := ENCODERS.get(encoder.source.partition("/")[0]):
            hold(encoder.options.get("device", "cpu"), 4 * counted.parameters)
    for kind in ("captioner", "segmenter", "quality"):
        judge = parse(values.get(kind, "none"))
        if numbers := JUDGES.get(judge.family):
            hold(_settings(judge)["device"], 4 * numbers)
    return held


def _selected_names(jobs: Sequence[Job], kind: str) -> list[str]:
    return list(dict.fromkeys(job.parameters[kind] for job in jobs if kind in job.parameters))


def _collection(name: str) -> tuple[Sizes, str]:
    kind, colon, rest = name.partition(":")
    if colon and not rest:
        return None, f"collection {name} names no folder yet: --set collection={kind}:PATH"
    loaded = collection_of(name)
    sizes = {split: sum(item.split == split for item in loaded) for split in SPLITS}
    return sizes, f"collection {loaded.summary()}"


def _models(jobs: Sequence[Job], kind: str) -> list[tuple[str, int | None]]:
    """The models of a kind with the dimension of the encoder beside them, None without one."""
    pairs = [(job.parameters.get(kind, "none"), job.parameters.get("encoder")) for job in jobs]
    return [(name, encoder and dimension_of(encoder)) for name, encoder in dict.fromkeys(pairs) if name != "none"]


def dimension_of(encoder: str) -> int:
    """Dimension of the latents of an encoder whose name was found to be right; no weights are needed."""
    import open_clip

    selection = parse(encoder)
    if selection.family == lite0_minilm.NAME:
        return lite0_minilm.DIM
    return int(open_clip.get_model_config(selection.source.partition("/")[0])["embed_dim"])


def find_encoder(kind: str, name: str) -> str:
    """Where an encoder's weights are; a judge may see images only."""
    selection = parse(name)
    model, _, tag = selection.source.partition("/")
    part = encoders.OPEN_CLIP_PARTS.get((model, tag)) if selection.family == "open_clip" else None
    parts = (part,) if part else PARTS.get(selection.family, ()) if not selection.source else ()
    if not part:  # says what is wrong with the name; a device need not be here
        tag = f"?tag={selection.options['tag']}" if "tag" in selection.options else ""
        (encoders.encoder if kind == "encoder" else encoders.image_encoder)(f"{name.partition('?')[0]}{tag}")
    tagged = {"tag": ""} if selection.family == "open_clip" else {}
    devices.is_present(selection.settings(device="cpu", **tagged)["device"])
    size = f"{4 * ENCODERS[model].parameters / 1e9:.1f} GB, " if part else ""
    return size + _state(parts) if parts else "its weights are on this machine"


def _state(parts: Sequence[str]) -> str:
    """Whether registered parts are on this machine, and how those that are not are fetched."""
    states = {row["name"]: row["state"] for row in store.table()}
    wanting = [f"{part} {states[part]}: smicnb weights fetch {part}" for part in parts if states[part] != "present"]
    return "; ".join(wanting) or "present"


def find_model(kind: str, name: str, dim: int | None) -> str:
    """Where a model from a folder or the hub is, its size and licence."""
    selection = parse(name)
    family, source = selection.family, selection.source or AUTO
    names.lookup(kind, family, TABLES[kind])
    settings = _settings(selection)
    if family not in hub_models.FAMILIES:
        selection.refuse_source()
        return _state(PARTS[family]) if family in PARTS else "has no weights of its own"
    known = hub_models.sources(family, dim, source)
    facts = _bytes(family, settings) if source == AUTO or source in known.candidates[:1] else ""
    licence = f", licence {known.licence}, as its makers state"
    try:
        located = known.locate(source)
    except MissingWeightsError as error:
        # Without a dimension, "auto" fetches the first list.
        first = source != AUTO or known.candidates in ((), hub_models.sources(family).candidates)
        hint = f"{family}:{source if first else known.candidates[0]}"
        facts += licence if source == AUTO or source.partition("@")[0] in known.candidates else ""
        return f"not on this machine{facts}; {error.found}: smicnb weights fetch {hint}"
    if family in GENERATORS and dim is not None:
        diffusion.fit_pipeline(family, located, dim)
    if located.stand_in:
        return f"{located.source}, a stand-in: {located.stand_in}"
    facts += licence if located.source in known.candidates else ""
    return f"{located.source}{f' at {located.revision}' if located.revision else ''}{facts}"


def _bytes(family: str, settings: dict[str, Any]) -> str:
    """What is downloaded, and what it takes on the device."""
    if family in JUDGES:
        return f", {4 * JUDGES[family] / 1e6:.0f} MB"
    files, dtype = 4 * GENERATORS[family].parameters / 1e9, settings["dtype"]
    held = files if dtype == "float32" else files / 2
    return f", {files:.1f} GB to download, {held:.1f} GB in {dtype} on {settings['device']}"


def _settings(selection: Selection) -> dict[str, Any]:
    """A model's, checked, with a device that need not be on this machine."""
    if selection.family in GENERATORS:
        settings = diffusion.settings_of(selection)
    else:
        judged = {"device": "cpu"} if selection.family in hub_models.FAMILIES else {}
        settings = selection.settings(**OPTIONS.get(selection.family, judged))
    devices.is_present(settings.get("device", "cpu"))  # raises where torch knows no such device at all
    return settings


def _is_tiny(selection: Selection, dim: int) -> bool:
    """Whether a generator's files are a stand-in too small to be of the architecture whose operations were counted."""
    known = hub_models.sources(selection.family, dim, selection.source)
    try:
        located = known.locate(selection.source)
    except MissingWeightsError:
        return False
    weights = [pattern for pattern in known.patterns if pattern.endswith(".safetensors")]
    held = sum(path.stat().st_size for path in {path for each in weights for path in located.folder.glob(each)})
    return bool(located.stand_in) and held < 2 * 0.9 * GENERATORS[selection.family].parameters  # two bytes a number


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
