"""The still pictures of video codecs, made by the ffmpeg programme that `imageio_ffmpeg` carries.

The programme is under the GPL; it is called, never linked. What is counted is the encoder's bare stream, and what
decodes it is ffmpeg again, given these bytes and nothing else. Settings are those that the encoders' makers recommend
for stills; what each is worth was measured on photographs to train on (docs/still_settings.csv).
"""

import io
import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from smicnb.base import names
from smicnb.base.cache import sha256_of
from smicnb.base.errors import SmicnbError, format_value, shorten
from smicnb.semantics.photographs.images import check_rgb

TIMEOUT = 600.0  # seconds for one call; the slowest here take about 15 for a megapixel
# RGB to BT.709 in the narrow range and back, filtered and rounded as well as swscale can.
FILTER = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
ADDRESS = re.compile(r" @ 0x[0-9a-f]+")  # in memory, of the part of ffmpeg that speaks: another at every call
INSTALL = "pip install 'smicnb[codecs]'"


@dataclass(frozen=True)
class Coder:
    """How ffmpeg is to use one of its encoders.

    Args:
        name: the encoder's name, since a standard has many.
        quantiser: what its operating point is called.
        most: the largest operating point; the smallest is 0.
        arguments: those of the programme; {} is the operating point. One thread, so that equal images make equal bytes.
        pixels: chroma -> the pixel format that the encoder is given.
        stream: ffmpeg's name of the bare stream.
        even: whether the encoder takes even sides only.
        at_zero: the arguments of the operating point 0, where ffmpeg takes a 0 among the others for "not set".
    """

    name: str
    quantiser: str
    most: int
    arguments: str
    pixels: dict[str, str]
    stream: str
    even: bool
    at_zero: str = ""


# libaom and SVT-AV1 are tuned for images: fewer bits for equal MS-SSIM and image cosine, more for equal PSNR. VVenC's
# `slower` would take more than twice the time of `slow`, and no fewer bits.
CODERS = {
    "vvc": Coder(
        "VVenC intra",
        "QP",
        63,
        # Without -g 1 a still would hold the reference lists of a group of pictures; the rest leaves out a delimiter
        # between pictures and their timing.
        "-c:v libvvenc -preset slow -g 1 -vvenc-params accessunitdelimiter=0:hrdparameterspresent=0 "
        "-qp {} -qpa 0 -threads 1",
        {"4:2:0": "yuv420p10le"},
        "vvc",
        even=True,
    ),
    "hevc": Coder(
        "x265 intra",
        "QP",
        51,
        "-c:v libx265 -preset veryslow -x265-params "
        "qp={}:keyint=1:info=0:vui-timing-info=0:log-level=none:pools=none:frame-threads=1 -threads 1",
        {"4:2:0": "yuv420p", "4:4:4": "yuv444p"},
        "hevc",
        even=True,
    ),
    "av1-aom": Coder(
        "AV1 (libaom)",
        "CRF",
        63,
        "-c:v libaom-av1 -usage allintra -cpu-used 2 -aom-params tune=iq -crf {} -b:v 0 -threads 1",
        {"4:2:0": "yuv420p", "4:4:4": "yuv444p"},
        "obu",
        even=False,
    ),
    "av1-svt": Coder(
        "AV1 (SVT-AV1)",
        "CRF",
        63,
        "-c:v libsvtav1 -preset 2 -crf {} -svtav1-params lp=1:avif=1:tune=3 -threads 1",
        {"4:2:0": "yuv420p10le"},
        "obu",
        even=False,
        at_zero="-c:v libsvtav1 -preset 2 -svtav1-params lp=1:avif=1:tune=3:crf=0 -threads 1",
    ),
}


@lru_cache(maxsize=1)
def programme() -> tuple[str, dict[str, str]]:
    """ffmpeg's path, and its version and SHA-256: its encoders are inside it.

    Raises:
        SmicnbError: the package or its programme is not here.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as error:
        raise SmicnbError(
            "the package 'imageio-ffmpeg' is not installed", "the ffmpeg programme that it carries", INSTALL
        ) from error
    try:
        path = get_ffmpeg_exe()
        line = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        raise SmicnbError(
            "imageio-ffmpeg has no ffmpeg programme that runs", "one for this machine", INSTALL
        ) from error
    return path, {"ffmpeg": line.split()[2], "sha256": sha256_of(Path(path))}


def run_ffmpeg(arguments: list[str], data: bytes, what: str, timeout: float = TIMEOUT) -> bytes:
    """What ffmpeg writes when it is given `data`; nothing touches the disk. `what` is the work, as the error names it;
    `timeout` is in seconds.

    Raises:
        SmicnbError: it failed, wrote nothing or took too long.
    """
    command = [programme()[0], "-hide_banner", "-loglevel", "error", *arguments]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=timeout, check=False, env={**os.environ, "SVT_LOG": "1"}
        )
    except subprocess.TimeoutExpired as error:
        raise SmicnbError(f"{what}: no end after {timeout:g} s") from error
    if done.returncode or not done.stdout:
        said = ADDRESS.sub("", done.stderr.decode(errors="replace")) or "no message"
        raise SmicnbError(f"{what}: ffmpeg ended with {done.returncode} ({shorten(said)})")
    return done.stdout


def check_whole(kind: str, value: int, least: int, most: int, codec: str) -> None:
    """Raise SmicnbError where an operating point is none: some encoders take it for "not set", and use another."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise SmicnbError(f"found {kind} {format_value(value)} for {codec}", f"a whole number from {least} to {most}")


class StillVideo:
    """One encoder at one operating point.

    An encoder that takes even sides only is given the last column and row twice where a side is odd. Then one byte
    before the stream says what to cut off again: 1 for a column, 2 for a row; it is there, and counted, at even sizes
    too.

    Args:
        key: a name of `CODERS`, or a `Coder` of one's own.
        quantiser: the QP or CRF, a whole number from 0 to `Coder.most`.
        chroma: "4:2:0", or "4:4:4" where the encoder has it.

    Raises:
        UnknownNameError: no such encoder, or no such chroma for it. SmicnbError: no such QP or CRF, or no ffmpeg.
    """

    def __init__(self, key: str | Coder, quantiser: int, chroma: str = "4:2:0"):
        self._coder = key if isinstance(key, Coder) else names.lookup("video codec", key, CODERS)
        self._pixels = names.lookup(f"chroma of {self._coder.name}", chroma, self._coder.pixels)
        check_whole(self._coder.quantiser, quantiser, 0, self._coder.most, self._coder.name)
        arguments = (not quantiser and self._coder.at_zero) or self._coder.arguments
        self._arguments = arguments.format(quantiser).split()
        self.name = self._coder.name
        self.setting = f"{self._coder.quantiser} {quantiser}" + (f", {chroma}" if chroma != "4:2:0" else "")
        self.fingerprint = {**programme()[1], "arguments": " ".join(self._arguments), "pixels": self._pixels}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The bare stream of an RGB uint8 image H×W×3; the caption is not used."""
        check_rgb(image)
        height, width = image.shape[:2]
        cut = (width % 2, height % 2) if self._coder.even else (0, 0)
        image = np.pad(image, ((0, cut[1]), (0, cut[0]), (0, 0)), mode="edge")
        size = f"{image.shape[1]}x{image.shape[0]}"
        matrix = f"scale=out_color_matrix=bt709:out_range=tv:{FILTER},format={self._pixels}"
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-i", "-"]
        stream = ["-frames:v", "1", "-vf", matrix, *self._arguments, "-f", self._coder.stream, "-"]
        data = run_ffmpeg(source + stream, image.tobytes(), f"{self.name} encodes {size}")
        return bytes([cut[0] + 2 * cut[1]]) + data if self._coder.even else data

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a stream."""
        from PIL import Image

        columns, rows = divmod(data[0], 2)[::-1] if self._coder.even else (0, 0)
        matrix = f"scale=in_color_matrix=bt709:in_range=tv:{FILTER},format=rgb24"
        source = ["-threads", "1", "-f", self._coder.stream, "-i", "-"]
        picture = ["-frames:v", "1", "-vf", matrix, "-f", "image2pipe", "-c:v", "ppm", "-"]
        decoded = run_ffmpeg(source + picture, data[self._coder.even :], f"{self.name} decodes {len(data)} bytes")
        image = np.array(Image.open(io.BytesIO(decoded)))
        return image[: image.shape[0] - rows, : image.shape[1] - columns]
