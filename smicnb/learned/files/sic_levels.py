"""A checkpoint of SIC as operating points: each level is a codec, whose files are prefixes of one."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.sic_codec import SicCodec

OPENED = 16  # checkpoints whose networks a process keeps


class _Opened:
    """A codec, and the file of the image that it coded last: all levels of an image are asked for in turn."""

    def __init__(self, path: Path, device: str):
        self.codec = SicCodec(path, device)
        self._image, self._file, self._estimates = np.empty(0), b"", np.empty(0)

    def encode(self, image: np.ndarray) -> tuple[bytes, np.ndarray]:
        """The file of an image, and the estimated bits of its parts."""
        if not np.array_equal(image, self._image):
            self._file, self._estimates = self.codec.encode(image), self.codec.estimates(image)
            self._image = image.copy()
        return self._file, self._estimates


@lru_cache(maxsize=OPENED)
def _open_checkpoint(path: Path, device: str) -> _Opened:
    return _Opened(path, device)


class SicLevel:
    """One level of a checkpoint as an image codec among others.

    Its name and setting are "SIC RUN (seed SEED)" and "level LEVEL"; those of the rate–distortion twin, which has one
    rate only, "SIC RUN (seed SEED)" and that rate's name.

    Args:
        path: path of a checkpoint of SIC, named RUN/RATE/SEED.
        level: 1 to L.
        seed: seed of the detail.
        device: a torch device name.
    """

    def __init__(self, path: Path | str, level: int, seed: int = 0, device: str = "cpu"):
        self._made_of = Path(path), level, seed, device
        self.level, self.seed = level, seed
        self.name, rate = self.whole.checkpoint.codec_name("SIC")
        self.setting = rate if is_twin(Path(path)) else f"level {level}"
        self.fingerprint = {**self.whole.fingerprint, "level": level, "seed": seed}

    def __reduce__(self) -> tuple:  # to another process goes the path: the networks are loaded there
        return SicLevel, self._made_of

    @property
    def whole(self) -> SicCodec:
        """The codec of all levels."""
        return self._open().codec

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The image's file up to this level; the caption is not looked at."""
        return self.whole.prefix(self._open().encode(image)[0], self.level)

    def decode(self, data: bytes) -> np.ndarray:
        """The image of the synset that the seed draws, RGB uint8 H×W×3."""
        return self.whole.decode(data, self.level, self.seed)

    def estimate(self, image: np.ndarray, caption: str | None = None) -> float:
        """The estimated bits up to this level, without header and checksums."""
        return float(self._open().encode(image)[1][: self.level + 1].sum())

    def _open(self) -> _Opened:
        path, _, _, device = self._made_of
        return _open_checkpoint(path, device)


def is_twin(path: Path) -> bool:
    """Whether a checkpoint was trained for rate and squared error alone, at all levels together."""
    return read_facts(path).get("facts", {}).get("run", {}).get("objective") == "rate-distortion"


def levels_of(path: Path, seed: int = 0, device: str = "cpu") -> list[SicLevel]:
    """The operating points of a checkpoint: all levels, or of a twin the highest alone."""
    highest = SicLevel(path, 1, seed, device).whole.levels
    wanted = [highest] if is_twin(path) else range(1, highest + 1)
    return [SicLevel(path, level, seed, device) for level in wanted]
