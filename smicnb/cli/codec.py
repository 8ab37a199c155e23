"""The command line of the codec: `smicnb compress`, `append`, `decompress` and `info`."""

import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smicnb.base.bounds import MOST_SEED
from smicnb.base.errors import SmicnbError
from smicnb.cli import workers


class PointName(StrEnum):
    """The paper's operating points (Sec. V-D)."""

    low = "low"
    medium = "medium"
    high = "high"


class Coding(StrEnum):
    """How coefficients become bytes."""

    entropy = "entropy"
    tuple = "tuple"


class Ways(StrEnum):
    """What images are coded in, when a fidelity or a size is asked for."""

    auto = "auto"
    own = "own"
    prior = "prior"
    words = "words"


class Purpose(StrEnum):
    """What a file is made for."""

    cosine = "cosine"
    search = "search"


Source = Annotated[str, typer.Argument(help="A folder of photographs, or a collection's name (embedded, kodak:PATH).")]
Skipped = Annotated[bool, typer.Option("--skipped", help="List what was left out, with reasons.")]
Encoder = Annotated[str | None, typer.Option(help="Place of the file's own encoder, if its name does not lead there.")]


def add_to(app: typer.Typer) -> None:
    """Register the codec's commands."""
    for command in (compress, decompress, info, append):
        app.command()(command)


def compress(
    source: Source,
    target: Annotated[Path, typer.Argument(help="The .smic file to write.")],
    quality: Annotated[float | None, typer.Option(help="Target mean cosine, 0 to 1, in the fewest bits.")] = None,
    bits: Annotated[float | None, typer.Option(help="Bits to spend on an image, for the best cosine.")] = None,
    ways: Annotated[
        Ways | None,
        typer.Option(help="For --quality and --bits: axes, own or a prior's, or words; auto takes the best."),
    ] = None,
    purpose: Annotated[
        Purpose | None,
        typer.Option("--for", help="For --quality and --bits: the latents (cosine), or what they find (search)."),
    ] = None,
    model: Annotated[
        PointName | None, typer.Option(help="The paper's operating point (medium); the options below change it.")
    ] = None,
    atoms: Annotated[int | None, typer.Option(min=1, max=4096, help="n_a, atoms of the dictionary.")] = None,
    penalty: Annotated[float | None, typer.Option(help="λ; the larger, the fewer coefficients.")] = None,
    b_coef: Annotated[int | None, typer.Option(min=1, max=16, help="Bits of a coefficient.")] = None,
    b_dict: Annotated[int | None, typer.Option(min=1, max=16, help="Bits of one dimension of an atom.")] = None,
    coding: Annotated[
        Coding | None, typer.Option(help="A range coder (entropy), or the paper's fixed-length tuples.")
    ] = None,
    encoder: Annotated[str, typer.Option(help="lite0-minilm, open_clip:ViT-L-14/openai, …")] = "lite0-minilm",
    names: Annotated[bool, typer.Option(help="Keep the photographs' names.")] = True,
    seed: Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Seed of the paper's dictionary (0).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    skipped: Skipped = False,
    jobs: workers.Encoders = None,
    executor: workers.ExecutorOption = workers.ExecutorName.processes,
    scheduler: workers.Scheduler = None,
) -> None:
    """Code a collection of photographs: by a fidelity or a size, or by the paper's dictionary.

    Examples: `smicnb compress photos/ photos.smic --quality 0.9`, `smicnb compress photos/ photos.smic --bits 100`,
    `smicnb compress photos/ photos.smic --bits 100 --for search`, `smicnb compress photos/ photos.smic`,
    `smicnb compress photos/ small.smic --model low`,
    `smicnb compress photos/ photos.smic --atoms 256 --penalty 1.0 --encoder open_clip:ViT-L-14/openai`,
    `smicnb compress photos/ photos.smic --quality 0.9 --jobs 8`,
    `smicnb compress photos/ photos.smic --quality 0.9 --executor dask --scheduler tcp://head:8786`.
    """
    from smicnb.base.files import check_target
    from smicnb.base.work import environment, executors

    environment.rest_while_waiting()
    dask = workers.dask_address(executor, scheduler)
    words = shlex.join(["smicnb", "append", str(target), source])
    check_target(target, force, f"name another file, say --force, or add to it: {words}")
    if quality is not None and bits is not None:
        raise SmicnbError("found --quality and --bits", "exactly one of them")
    if penalty is not None and not 0 < penalty < float("inf"):
        raise SmicnbError(f"found --penalty {penalty}", "a positive number")
    if quality is not None or bits is not None:
        if any(given is not None for given in (model, atoms, penalty, b_coef, b_dict, coding, seed)):
            raise SmicnbError(
                "found --quality or --bits with an option of the paper's dictionary",
                "one or the other",
                "leave out --model, --atoms, --penalty, --b-coef, --b-dict, --coding and --seed",
            )
        from smicnb.codec import photographs
        from smicnb.codec.coders import axes, choice

        if purpose is Purpose.search and ways is Ways.words:
            raise SmicnbError("found --for search with --ways words", "axes, own or a prior's")
        tilt = axes.FOR_SEARCH if purpose is Purpose.search else 0.0
        only = choice.KINDS if ways in (None, Ways.auto) else (ways.value,)
        with executors.hire(jobs, dask) as hired:
            summary, tried = photographs.compress_to(
                source, target, encoder, names, quality, bits, only, skipped, not force, tilt, hired
            )
        _say(summary)
        for line in choice.lines(tried):
            _say(line)
        typer.echo(_one_line(target))
        return
    for name, given in (("--ways", ways), ("--for", purpose)):
        if given is not None:
            raise SmicnbError(f"found {name} alone", "--quality or --bits with it")
    from smicnb.codec import photographs
    from smicnb.codec.rate import POINTS

    point = POINTS[(model or PointName.medium).value]
    wanted = point.n_atoms if atoms is None else atoms
    settings = {
        "n_atoms": wanted,
        "penalty": point.penalty if penalty is None else penalty,
        "b_coef": b_coef or point.b_coef,
        "b_dict": b_dict or point.b_dict,
        "coding": (coding or Coding.entropy).value,
        "random_state": seed or 0,
    }
    with executors.hire(jobs, dask) as hired:
        summary, n_atoms = photographs.compress(source, target, encoder, names, skipped, not force, hired, **settings)
    _say(summary)
    if n_atoms < wanted:
        _say(f"{n_atoms} atoms instead of {wanted}: a dictionary has no more than there are images")
    typer.echo(_one_line(target))


def append(
    target: Annotated[Path, typer.Argument(help="An existing .smic file.")],
    source: Source,
    encoder: Encoder = None,
    purpose: Annotated[
        Purpose | None,
        typer.Option("--for", help="As for compress, of these photographs; a file does not say its own."),
    ] = None,
    skipped: Skipped = False,
    jobs: workers.Encoders = None,
    executor: workers.ExecutorOption = workers.ExecutorName.processes,
    scheduler: workers.Scheduler = None,
) -> None:
    """Add photographs to a file, with the dictionary that it has; nothing that is in it changes.

    Examples: `smicnb append photos.smic new-photos/`, `smicnb append photos.smic new-photos/ --for search --jobs 4`.
    """
    from smicnb.base.work import environment, executors

    environment.rest_while_waiting()
    from smicnb.codec import photographs
    from smicnb.codec.coders import axes

    tilt = axes.FOR_SEARCH if purpose is Purpose.search else 0.0
    with executors.hire(jobs, workers.dask_address(executor, scheduler)) as hired:
        summary, _ = photographs.append(target, source, encoder, skipped, hired, tilt)
    _say(summary)
    typer.echo(_one_line(target))


def decompress(
    source: Annotated[Path, typer.Argument(help="A .smic file.")],
    folder: Annotated[Path | None, typer.Argument(help="A new or empty folder for the images.")] = None,
    latents: Annotated[Path | None, typer.Option(help="Write the latents to this .npz instead.")] = None,
    generator: Annotated[
        str | None,
        typer.Option(
            help="retrieval and inversion are stand-ins; stable-unclip:auto is the paper's kind.",
            show_default="retrieval",
        ),
    ] = None,
    gallery: Annotated[
        str | None, typer.Option(help="The collection that a stand-in works with.", show_default="embedded")
    ] = None,
    encoder: Encoder = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="The generator's seed.", show_default="0")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
) -> None:
    """Decode a file: an image for every latent by a generator, or the latents themselves.

    Examples: `smicnb decompress photos.smic out/`, `smicnb decompress photos.smic out/ --generator inversion`,
    `smicnb decompress photos.smic --latents out.npz`.
    """
    if (folder is None) == (latents is None):
        raise SmicnbError("found neither or both of FOLDER and --latents", "exactly one of them")
    from smicnb.codec import photographs

    if latents is not None:
        given = {"generator": generator, "gallery": gallery, "encoder": encoder, "seed": seed}
        if without := [f"--{name}" for name, value in given.items() if value is not None]:
            raise SmicnbError(
                f"found --latents with {' and '.join(without)}", "one or the other", "latents need no generator"
            )
        typer.echo(f"{latents}: {photographs.write_latents(source, latents, not force)} latents")
        return
    generator = generator or "retrieval"
    family = generator.partition(":")[0].partition("?")[0]
    if gallery is not None and family not in ("retrieval", "inversion"):
        raise SmicnbError(f"found --gallery with --generator {generator}", "a stand-in, which works with photographs")
    if seed is not None and family == "retrieval":
        _say("--seed changes nothing: retrieval draws nothing")
    count, empty, what = photographs.decompress(
        source, folder, generator, gallery or "embedded", encoder, seed or 0, force
    )
    if empty:
        _say(f"{empty} of {count} images have no coefficient: what is shown for them says nothing of them")
    typer.echo(f"{folder}: {count} images; each is {what}")


def info(
    source: Annotated[Path, typer.Argument(help="A .smic file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a file holds and what its bits are spent on.

    Examples: `smicnb info photos.smic`, `smicnb info photos.smic --json`.
    """
    from smicnb.codec import describe

    facts = describe.facts(source)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for line in describe.lines(facts):
        typer.echo(line)


def _one_line(path: Path) -> str:
    from smicnb.codec import describe

    return describe.one_line(path)


def _say(line: str) -> None:
    print(f"smicnb: {line}", file=sys.stderr)
