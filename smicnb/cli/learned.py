"""The command line of the learned codecs: `smicnb train`, `encode`, `decode` and `weights convert`."""

import contextlib
import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import typer

from smicnb.base.bounds import MOST_SEED
from smicnb.base.errors import SmicnbError


class Codec(StrEnum):
    """What can be trained and converted."""

    taco = "taco"
    sic = "sic"


MOST_BYTES = 2**26  # of a file that is decoded: more than 15 bits for each pixel of the largest image
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")]
CPU = "--device cpu"
Model = Annotated[str, typer.Option(help="A shipped model (full/high/0), or the path of a checkpoint.")]


def add_to(app: typer.Typer, weights_app: typer.Typer) -> None:
    """Register the learned codecs' commands."""
    for command in (train, encode, decode):
        app.command()(command)
    weights_app.command("convert")(convert)


def train(
    codec: Annotated[Codec, typer.Argument(help="The codec.")],
    config: Annotated[Path, typer.Option(help="A training plan, such as recipes/train/taco-mini.yaml.")],
    data: Annotated[list[str], typer.Option(help="A collection (coco:PATH, folder:PATH, embedded); may be repeated.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and pictures.")] = Path(".smicnb/train"),
    only: Annotated[list[str] | None, typer.Option(help="RUN, RUN/RATE or RUN/RATE/SEED; may be repeated.")] = None,
    device: Device = "cpu",
    threads: Annotated[
        int, typer.Option(min=1, max=1024, help="Threads of the processor; results depend on their number.")
    ] = 2,
) -> None:
    """Train the models of a plan, those that others start from first; run it again to go on where it was.

    Photographs of the splits train and gallery are trained on; those held out only tell how it goes.
    """
    import torch

    from smicnb.base.files import check_folder
    from smicnb.learned.training import curves, plans
    from smicnb.learned.training import loop as training
    from smicnb.learned.training.photographs import FITTED, VALIDATED, photographs
    from smicnb.semantics import devices
    from smicnb.semantics.encoders import encoders

    check_folder(out)
    plan = plans.read_plan(config)
    if plan.codec != codec.value:
        raise SmicnbError(f"'{config}' is a plan for {plan.codec}", f"a plan for {codec.value}")
    chosen = plans.trainings(plan, only or ())
    devices.check_device(device, CPU)
    torch.set_num_threads(threads)
    side = max(training.run.crop for training in chosen)
    name = chosen[0].config.encoder
    encoder = encoders.encoder(name) if name else None
    parts = [photographs(data, splits, side, encoder) for splits in (FITTED, VALIDATED)]
    for name, part in zip(("training", "validation"), parts, strict=True):
        typer.echo(f"{name}: {part.summary}")
    training.train(chosen, *parts, out, device, typer.echo)
    typer.echo(f"curves: {curves.draw(out)}")


def encode(
    photograph: Annotated[Path, typer.Argument(help="An image file.")],
    target: Annotated[Path, typer.Argument(help="The file to write.")],
    caption: Annotated[str, typer.Option(help="A sentence about the photograph; the decoder needs none.")] = "",
    model: Model = "full/high/0",
    device: Device = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Code one photograph pixel by pixel with a learned codec (a collection's meaning: see `compress`).

    Example: `smicnb encode parrots.png parrots.taco --caption "two parrots beside each other"`.
    """
    from smicnb.base.files import check_target, write_bytes
    from smicnb.learned.any_codec import open_codec
    from smicnb.learned.files.shipped import model_path
    from smicnb.learned.files.sic_codec import SicCodec
    from smicnb.semantics import devices
    from smicnb.semantics.photographs.images import read_image

    check_target(target, force)
    devices.check_device(device, CPU)
    path = model_path(model)
    _check_kind(target, model, path)
    codec = open_codec(path, device)
    if caption and (isinstance(codec, SicCodec) or codec.config.text == "none"):
        print(f"smicnb: --caption changes nothing: the model '{model}' reads no text", file=sys.stderr)
    image = read_image(photograph)
    height, width = image.shape[:2]
    with _memory(width, height):
        data = codec.encode(image, caption)
    write_bytes(target, data, new=not force)
    typer.echo(f"{len(data)} bytes, {8 * len(data) / (height * width):.3f} bits per pixel")
    if isinstance(codec, SicCodec):
        ends = list(accumulate(codec.sizes(data)))[1:]
        typer.echo(f"its levels end at byte {', '.join(map(str, ends))}")


def decode(
    file: Annotated[Path, typer.Argument(help="A file of `smicnb encode`.")],
    target: Annotated[Path, typer.Argument(help="The PNG file to write.")],
    model: Annotated[str | None, typer.Option(help="The checkpoint's path, where it is not a shipped one.")] = None,
    level: Annotated[
        int | None, typer.Option(min=1, max=255, help="SIC: the level to decode; the highest whole one.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="SIC: seed of the detail that is not coded; 0.")
    ] = None,
    device: Device = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Decode a file of `smicnb encode`; it names its model itself. A file of SIC may be cut after any level."""
    import io

    from PIL import Image

    from smicnb.base.files import check_target, write_bytes
    from smicnb.learned.any_codec import model_of_file, open_codec
    from smicnb.learned.files.shipped import model_path
    from smicnb.learned.files.sic_codec import SicCodec
    from smicnb.semantics import devices

    if target.suffix.lower() != ".png":
        raise SmicnbError(f"found the target '{target.name}'", "a name that ends in .png, which is what is written")
    check_target(target, force)
    devices.check_device(device, CPU)
    data = _read_coded(file)
    path = model_path(model) if model else model_of_file(data)
    codec, png = open_codec(path, device), io.BytesIO()
    if isinstance(codec, SicCodec):
        with _memory():
            coded = codec.read(data, level)
            image = codec.sample(coded, seed=seed or 0)
        typer.echo(f"level {coded.level} of {codec.levels}" + (f" ({coded.note})" if coded.note else ""))
    elif level is None and seed is None:
        with _memory():
            image = codec.decode(data)
    else:
        option = f"--seed {seed}" if level is None else f"--level {level}"
        raise SmicnbError(f"found {option} for a file of TACO", "a file of SIC, which has levels and draws")
    Image.fromarray(image).save(png, "PNG")
    write_bytes(target, png.getvalue(), new=not force)


def _check_kind(target: Path, model: str, path: Path) -> None:
    """Refuse a name that says another codec than the model's."""
    from smicnb.learned.files.shipped import models, read_facts

    said = target.suffix.lower().removeprefix(".")
    made = read_facts(path).get("codec", said)
    if said in [each.value for each in Codec] and made != said:
        others = [name for name, each in models().items() if read_facts(each).get("codec") == said]
        raise SmicnbError(
            f"found the target '{target.name}' with --model {model}, which writes a file of {made.upper()}",
            f"a name that ends in .{made}, or a model of {said.upper()}",
            f"say for example --model {others[0]}" if others else "",
        )


def _read_coded(file: Path) -> bytes:
    """The bytes of a file that somebody sent: no device, no pipe, and no more than the largest image's."""
    if file.exists() and not file.is_file():
        raise SmicnbError(f"'{file}' is no regular file", "a file that 'smicnb encode' wrote")
    if (size := file.stat().st_size) > MOST_BYTES:
        raise SmicnbError(f"'{file}' has {size} bytes", f"a file of 'smicnb encode', at most {MOST_BYTES} bytes")
    return file.read_bytes()


@contextlib.contextmanager
def _memory(width: int = 0, height: int = 0) -> Iterator[None]:
    """Want of memory, which torch tells as a RuntimeError, as one line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in ("allocate", "out of memory")):
            raise
        what = f"an image of {width}×{height} pixels" if width else "the image"
        raise SmicnbError(
            f"there is not enough memory for {what}", do="code it smaller, or on a larger machine"
        ) from error


def convert(
    codec: Annotated[Codec, typer.Argument(help="The codec.")],
    file: Annotated[Path, typer.Argument(help="A checkpoint that the codec's authors published.")],
    target: Annotated[Path, typer.Argument(help="The checkpoint of ours to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Turn a published checkpoint into one of ours, at 16 bits: numbers alone are read from it."""
    from smicnb.base.files import check_target
    from smicnb.learned.authors import sic as convert_sic
    from smicnb.learned.authors import taco as convert_taco
    from smicnb.learned.files import checkpoints
    from smicnb.learned.networks import sic, taco

    check_target(target, force)
    if codec is Codec.taco:
        network, weights = taco.Taco(taco.FULL), convert_taco.from_authors_file(file)
    else:
        network, weights = sic.Sic(sic.FULL), convert_sic.from_authors_file(file)
    network.load_state_dict(weights)
    checkpoints.save(target, codec.value, f"authors/{file.stem}", network, {"converted from": file.name})
    typer.echo(f"{target}: {checkpoints.load(target).sha256}")
