"""Measure what settings that makers of encoders have for stills are worth, on photographs of a training split alone.

`python tools/measure_still_settings.py --data bsds500:PATH --out docs/still_settings.csv`. Each setting codes the same
photographs, drawn at random from the split train, at some operating points; a row has its BD-rate against the family's
first setting in one metric, with a 95 % interval over scenes, the lowest rates of both, and its seconds of encoding as
multiples of the first setting's, as geometric means over what was coded on a machine as busy as it was. What
`still_video.CODERS` and `classical.LADDERS` take is chosen from this table.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from smicnb.base.files import check_target, write_text
from smicnb.compare.images import evaluate
from smicnb.compare.images.classical import LADDERS, Jpeg, Jpegli
from smicnb.compare.images.still_video import Coder, StillVideo
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.studies.state_of_the_art.measures import bd_table, relative_seconds

METRICS = ("psnr", "ms_ssim", "lpips")
SEED = 1  # of the photographs that are drawn, and of the bootstrap
VVENC = "libvvenc -preset {} -g 1 -vvenc-params accessunitdelimiter=0:hrdparameterspresent=0 -qp {{}} -qpa {}"
LIBAOM = "libaom-av1 {} -cpu-used 2 -crf {{}} -b:v 0"
INTRA = "-usage allintra"
SVT = "libsvtav1 -preset {} -crf {{}} -svtav1-params lp=1{}"
EIGHT, TEN = {"4:2:0": "yuv420p"}, {"4:2:0": "yuv420p10le"}
Setting = Callable[[str], list[evaluate.ImageCodec]]  # a setting's name -> it at its operating points


def video(arguments: str, pixels: dict[str, str], stream: str, points: Sequence[int]) -> Setting:
    """A setting of one of ffmpeg's encoders."""

    def make(name: str) -> list[evaluate.ImageCodec]:
        coder = Coder(name, "CRF", 63, f"-c:v {arguments} -threads 1", pixels, stream, stream == "vvc")
        return [StillVideo(coder, point) for point in points]

    return make


def vvenc(preset: str, adapted: int) -> Setting:
    """A preset of VVenC; `adapted` is 1 where the quantiser follows the eye."""
    return video(VVENC.format(preset, adapted), TEN, "vvc", (59, 51, 45, 39, 35, 31, 27, 23))


def av1(arguments: str, pixels: dict[str, str], last: int) -> Setting:
    """A setting of an encoder of AV1; `last` is its lowest quantiser."""
    return video(arguments, pixels, "obu", (63, 57, 51, 43, 35, 28, 21, last))


class OwnDecoder(Jpegli):
    """jpegli's files as its own decoder reads them."""

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a file."""
        import pyjpegli

        pixels, width, height = pyjpegli.decode(data)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def jpeg(make: Callable[[int], evaluate.ImageCodec], points: Sequence[int]) -> Setting:
    """An encoder of JPEG at some qualities."""

    def named(name: str) -> list[evaluate.ImageCodec]:
        codecs = [make(point) for point in points]
        for codec in codecs:
            codec.name = name
        return codecs

    return named


LOW, HIGH = (1, 10, 20, 30, 40, 50), LADDERS["jpegli"][1]
# family -> setting -> how it is made; the first is what all are measured against
FAMILIES: dict[str, dict[str, Setting]] = {
    "VVenC intra": {
        "medium": vvenc("medium", 0),
        "slow": vvenc("slow", 0),
        "slower": vvenc("slower", 0),
        "slow, QPA on": vvenc("slow", 1),
    },
    "AV1 (libaom)": {
        "usage good": av1(LIBAOM.format("-still-picture 1"), EIGHT, 14),
        "allintra": av1(LIBAOM.format(INTRA), EIGHT, 14),
        "allintra, 10 bits": av1(LIBAOM.format(INTRA), TEN, 14),
        "allintra, tune=iq": av1(LIBAOM.format(f"{INTRA} -aom-params tune=iq"), EIGHT, 14),
        "allintra, tune=iq, 10 bits": av1(LIBAOM.format(f"{INTRA} -aom-params tune=iq"), TEN, 14),
        "allintra, tune=ssimulacra2": av1(LIBAOM.format(f"{INTRA} -aom-params tune=ssimulacra2"), EIGHT, 14),
    },
    "AV1 (SVT-AV1)": {
        "preset 2": av1(SVT.format(2, ""), TEN, 15),
        "preset 2, avif=1": av1(SVT.format(2, ":avif=1"), TEN, 15),
        "preset 2, avif=1, tune=3": av1(SVT.format(2, ":avif=1:tune=3"), TEN, 15),
        "preset 0, avif=1": av1(SVT.format(0, ":avif=1"), TEN, 15),
        "preset 0, avif=1, tune=3": av1(SVT.format(0, ":avif=1:tune=3"), TEN, 15),
    },
    "JPEG": {
        "libjpeg-turbo": jpeg(Jpeg, (1, 5, 10, 20, 30, 40, 50, 60, 75, 85, 90, 95)),
        "jpegli, qualities 1 to 50": jpeg(Jpegli, LOW),
        "jpegli, qualities 50 to 90": jpeg(Jpegli, HIGH),
        "jpegli, qualities 50 to 90, its own decoder": jpeg(OwnDecoder, HIGH),
    },
}


def measure_family(family: str, tested: Collection, jobs: int) -> pd.DataFrame:
    """A row for each metric and setting: BD-rate in percent with its interval, lowest rate, times the seconds."""
    encoder, (first, *_) = encoders.image_encoder("lite0-minilm"), FAMILIES[family]
    codecs = [codec for setting, make in FAMILIES[family].items() for codec in make(setting)]
    with ProcessPoolExecutor(jobs) as executor:
        rows = evaluate.evaluate(codecs, tested, METRICS, encoder, executor)
    points = evaluate.points(rows)
    seconds = relative_seconds(rows, first).set_index("codec")["encode"]
    lowest = points.groupby(["codec", "setting"])["bpp"].mean().groupby("codec").min()
    table = bd_table(points, [*METRICS, evaluate.IMAGE_COSINE], first, SEED).rename(columns={"codec": "setting"})
    table = table.assign(lowest_bpp=table["setting"].map(lowest), lowest_bpp_against=lowest[first])
    table["times_seconds"] = table["setting"].map(seconds)
    table.insert(0, "family", family)
    table.insert(1, "against", first)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args(arguments)
    check_target(chosen.out, force=True)
    split = image_collections.load(chosen.data).split("train")
    drawn = np.sort(np.random.default_rng(SEED).choice(len(split), chosen.images, replace=False))
    tested = replace(split, items=tuple(split.items[index] for index in drawn))
    tables = [measure_family(family, tested, chosen.jobs) for family in chosen.family or FAMILIES]
    table = pd.concat(tables, ignore_index=True)
    write_text(chosen.out, table.to_csv(index=False, float_format="%.4g"))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


if __name__ == "__main__":
    main()
