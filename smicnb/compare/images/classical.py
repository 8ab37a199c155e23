"""Classical codecs under the protocol of `evaluate`: their files, and ladders of operating points.

Pillow has JPEG, JPEG 2000, WebP and AVIF, a plugin of it JPEG XL, pyjpegli JPEG by jpegli, and `still_video` the rest.
"""

import io
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

from smicnb.base import names
from smicnb.base.errors import SmicnbError, format_value
from smicnb.compare.images.evaluate import ImageCodec
from smicnb.compare.images.still_video import INSTALL, StillVideo, check_whole
from smicnb.semantics.photographs.images import check_rgb


class _PillowCodec:
    """A format that Pillow itself writes and reads; the whole file is counted.

    Args:
        name: the family's name.
        setting: the operating point, in words.
        kind: Pillow's name of the format.
        library: the library whose version is recorded, by Pillow's name.
        options: options for Pillow's writer.
    """

    def __init__(self, name: str, setting: str, kind: str, library: str, **options: Any):
        from PIL import __version__, features

        if not features.check(library):
            raise SmicnbError(f"this Pillow was built without {library}", f"{name} in it", "pip install pillow")
        self.name, self.setting, self._kind, self._options = name, setting, kind, options
        said = ", ".join(f"{option} {value}" for option, value in options.items())
        self.fingerprint = {"pillow": __version__, library: str(features.version(library)), "options": said}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The file of an RGB uint8 image H×W×3; the caption is not used."""
        from PIL import Image

        check_rgb(image)
        file = io.BytesIO()
        Image.fromarray(image).save(file, self._kind, **self._options)
        return file.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a file."""
        from PIL import Image

        return np.array(Image.open(io.BytesIO(data), formats=[self._kind]).convert("RGB"))


class Jpeg(_PillowCodec):
    """JPEG by libjpeg-turbo, Huffman tables fitted to the image.

    Args:
        quality: 1 to 100; libjpeg takes 0 for 1.
        chroma: "4:2:0" or "4:4:4".

    Raises:
        SmicnbError: another quality; UnknownNameError: another chroma.
    """

    def __init__(self, quality: int, chroma: str = "4:2:0"):
        check_whole("quality", quality, 1, 100, "JPEG")
        names.lookup("chroma of JPEG", chroma, dict.fromkeys(("4:2:0", "4:4:4")))
        setting = f"quality {quality}" + (f", {chroma}" if chroma != "4:2:0" else "")
        options = {"quality": quality, "subsampling": chroma, "optimize": True}
        super().__init__("JPEG", setting, "JPEG", "libjpeg_turbo", **options)


class Jpegli(_PillowCodec):
    """JPEG by jpegli, whose steps follow the eye: 4:2:0, progressive, read by libjpeg-turbo as any viewer would.

    jpegli's own decoder is not taken: what it reads lies further from the image, in PSNR and in LPIPS
    (docs/still_settings.csv).

    Args:
        quality: 1 to 100; below about 50 libjpeg-turbo needs fewer bits at equal PSNR.

    Raises:
        SmicnbError: another quality, or the package is not installed.
    """

    def __init__(self, quality: int):
        check_whole("quality", quality, 1, 100, "jpegli")
        try:
            import pyjpegli
        except ImportError as error:
            raise SmicnbError("the package 'pyjpegli' is not installed", "jpegli's library", INSTALL) from error
        super().__init__("jpegli", f"quality {quality}", "JPEG", "libjpeg_turbo", quality=quality)
        turbo = self.fingerprint["libjpeg_turbo"]
        self.fingerprint = {"pyjpegli": pyjpegli.__version__, "libjpeg_turbo": turbo, "quality": quality}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The file of an RGB uint8 image H×W×3; the caption is not used."""
        import pyjpegli

        check_rgb(image)
        height, width = image.shape[:2]
        return pyjpegli.encode(np.ascontiguousarray(image).tobytes(), width, height, **self._options)


class Jpeg2000(_PillowCodec):
    """JPEG 2000 by OpenJPEG: the irreversible 9/7 wavelet, YCbCr without subsampling, the bare code stream.

    Args:
        bpp: bits per pixel to aim at, above 0, at most the 24 of the pixels; it comes within some ten bytes of them, on
            small images with its headers above.

    Raises:
        SmicnbError: other bits per pixel.
    """

    def __init__(self, bpp: float):
        if not 0 < bpp <= 24:
            raise SmicnbError(f"found {format_value(bpp)} bits per pixel for JPEG 2000", "more than 0, at most 24")
        options = {"quality_mode": "rates", "quality_layers": [24 / bpp], "irreversible": True, "mct": 1}
        super().__init__("JPEG 2000", f"{bpp:g} bpp", "JPEG2000", "jpg_2000", **options, no_jp2=True)


class WebP(_PillowCodec):
    """Lossy WebP by libwebp at its slowest method, quality 0 to 100; 4:2:0 always.

    Raises:
        SmicnbError: another quality.
    """

    def __init__(self, quality: int):
        check_whole("quality", quality, 0, 100, "WebP")
        super().__init__("WebP", f"quality {quality}", "WEBP", "webp", quality=quality, method=6)


class Avif(_PillowCodec):
    """AVIF by libaom through libavif, 4:2:0, one thread, quality 0 to 100; some 280 of its bytes are the container's.

    Raises:
        SmicnbError: another quality.
    """

    def __init__(self, quality: int):
        check_whole("quality", quality, 0, 100, "AVIF")
        options = {"quality": quality, "subsampling": "4:2:0", "speed": 2, "codec": "aom", "max_threads": 1}
        super().__init__("AVIF", f"quality {quality}", "AVIF", "avif", **options)
        from PIL import AvifImagePlugin

        self.fingerprint["libaom"] = str(AvifImagePlugin.get_codec_version("aom"))


@lru_cache(maxsize=1)
def load_pillow_jxl() -> ModuleType:
    """The plugin's module, without what its import does to Pillow: which files can be read must not hang on it."""
    from PIL import Image

    Image.init()
    before = set(Image.OPEN)
    try:
        import pillow_jxl
    except ImportError as error:
        raise SmicnbError("the package 'pillow-jxl-plugin' is not installed", "JPEG XL's library", INSTALL) from error
    if "JXL" in set(Image.OPEN) - before:
        Image.ID.remove("JXL")
        for table in (Image.OPEN, Image.SAVE, Image.MIME):
            del table["JXL"]
        del Image.EXTENSION[".jxl"]
    return pillow_jxl


class JpegXL:
    """JPEG XL by libjxl, effort 7, one thread: the bare code stream.

    Args:
        quality: 0 to 100; libjxl's distance goes up to 25 at quality 0, and down to 0, which is lossless, at 100.

    Raises:
        SmicnbError: another quality, or the plugin is not installed.
    """

    def __init__(self, quality: int):
        check_whole("quality", quality, 0, 100, "JPEG XL")
        load_pillow_jxl()
        self.name, self.setting, self._quality = "JPEG XL", f"quality {quality}", quality
        self.fingerprint = {"pillow-jxl-plugin": version("pillow-jxl-plugin"), "quality": quality, "effort": 7}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The code stream of an RGB uint8 image H×W×3; the caption is not used."""
        check_rgb(image)
        encoder = load_pillow_jxl().Encoder(
            mode="RGB",
            lossless=self._quality == 100,  # libjxl refuses the distance 0 of lossy coding
            quality=float(self._quality),
            decoding_speed=0,
            effort=7,
            use_container=False,
            use_original_profile=False,
            num_threads=0,
        )
        nothing = {"exif": None, "jumb": None, "xmp": None, "compress": False}
        return encoder(image.tobytes(), image.shape[1], image.shape[0], jpeg_encode=False, **nothing)

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a code stream."""
        _, about, pixels, *_ = load_pillow_jxl().Decoder(num_threads=0)(data)
        return np.frombuffer(pixels, np.uint8).reshape(about.height, about.width, -1).copy()


# Eight points each, from the lowest rate that an encoder reaches (JPEG 2000 reaches any) to about one bit per pixel of
# a photograph; jpegli's from where libjpeg-turbo falls behind it in PSNR (docs/still_settings.csv).
LADDERS = {
    "jpeg": (Jpeg, (1, 5, 10, 20, 30, 40, 60, 75)),
    "jpegli": (Jpegli, (50, 55, 60, 66, 72, 78, 84, 90)),
    "jpeg2000": (Jpeg2000, (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1)),
    "jpeg-xl": (JpegXL, (0, 10, 20, 30, 45, 60, 75, 85)),
    "webp": (WebP, (0, 5, 20, 35, 50, 65, 80, 90)),
    "avif": (Avif, (0, 8, 15, 22, 30, 45, 60, 70)),
    "hevc": ("hevc", (51, 48, 45, 42, 39, 33, 28, 23)),
    "av1-aom": ("av1-aom", (63, 56, 49, 42, 35, 28, 21, 14)),
    "av1-svt": ("av1-svt", (63, 56, 49, 42, 35, 28, 21, 15)),
    "vvc": ("vvc", (63, 57, 51, 45, 39, 34, 28, 23)),
}


def ladder(name: str) -> list[ImageCodec]:
    """The operating points of a family of `LADDERS`, from the lowest rate up.

    Raises:
        UnknownNameError: no such family. SmicnbError: its package or programme is not installed.
    """
    make, points = names.lookup("classical codec", name, LADDERS)
    return [StillVideo(make, point) if isinstance(make, str) else make(point) for point in points]


def classical(families: Iterable[str] = tuple(LADDERS)) -> list[ImageCodec]:
    """The operating points of several families, one after the other; errors as in `ladder`."""
    return [codec for name in families for codec in ladder(name)]
