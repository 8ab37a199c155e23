"""A checkpoint of SIC as a codec: one progressive file for all levels, and any number of images from each."""

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.learned.files import checkpoints, coding
from smicnb.learned.files.checkpoints import Checkpoint
from smicnb.learned.files.coding import Reader, Tables, Writer
from smicnb.learned.files.shifted import ShiftedGaussians, shifted_gaussians
from smicnb.learned.files.sic_file import Part, SicFile, check_group, group_crc
from smicnb.learned.files.wavefront import Walk
from smicnb.learned.networks.sic import SPREAD, STRIDE

MAX_PIXELS = 2**24  # 17 megapixels: what the transforms of the small size hold in 8 GiB


@dataclass(frozen=True)
class Coded:
    """What both sides know of an image: the synonymous representation and what the detail is drawn about.

    Args:
        groups: ŷ of each group, (1, c, h, w) float64, of as many groups as are known.
        hyper: (1, 2C, h, w) float64 on the grid, from h_s.
        width, height: the image's size, in pixels.
        note: why no further groups are known, or "".
    """

    groups: tuple[Tensor, ...]
    hyper: Tensor
    width: int
    height: int
    note: str = ""

    @property
    def level(self) -> int:
        """The highest level that it can be reconstructed at."""
        return len(self.groups)


class SicCodec:
    """Images to bytes and back by one checkpoint of SIC.

    ŷ is the same number on every machine: the encoder runs the decoder's own walk through the context, in float64
    and with means on a grid of 1/64, and the detail comes from numpy's PCG64. g_s runs in float32.

    Args:
        checkpoint: a checkpoint of SIC, or its path.
        device: a torch device name, of the transforms.
    """

    name = "SIC"

    def __init__(self, checkpoint: Checkpoint | Path | str, device: str = "cpu"):
        if not isinstance(checkpoint, checkpoints.Checkpoint):
            checkpoint = checkpoints.load(Path(checkpoint), device)
        if checkpoint.codec != "sic":
            raise SmicnbError(f"'{checkpoint.name}' is a checkpoint of {checkpoint.codec}", "a checkpoint of sic")
        self.checkpoint, self.setting, self.device = checkpoint, checkpoint.name, torch.device(device)
        self.config, self._network = checkpoint.config, checkpoint.network
        self.levels = self.config.levels
        network = checkpoint.network
        self.walk, self._h_s = Walk(network.context), _double(network.context.h_s)
        self.prior_tables, self._gaussians = Tables.from_model(network.prior), shifted_gaussians()
        self.medians = network.prior.quantiles[:, 0, 1].double().cpu()[None, :, None, None]
        self.model = bytes.fromhex(checkpoint.sha256)[: coding.MODEL_BYTES]

    @property
    def fingerprint(self) -> dict[str, str]:
        """What a record keeps: the checkpoint's hash and that of the Gaussians' tables."""
        return {"checkpoint": self.checkpoint.sha256, "gaussian tables": self._gaussians.tables.sha256}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The file of an image at the highest level; `prefix` cuts it.

        Args:
            image: RGB uint8 H×W×3, of any size up to `MAX_PIXELS`.
            caption: not looked at; it is here because the other codecs have one.

        Raises:
            ImageError: not RGB uint8. SmicnbError: too large.
        """
        z_symbols, y = self._analyse(image)
        writer = Writer()
        writer.put(z_symbols.numpy(), coding.list_channels(z_symbols.shape), self.prior_tables)
        hyper = self._hyper(z_symbols, *y.shape[-2:])
        parts = []
        for number in range(self.levels):
            coder = _Encoding(y[:, self._channels_of(number)], self._gaussians)
            group = self.walk.group(
                number, y[:, : self.config.bounds[number]], self._group_tables(hyper, number), coder.code
            )
            parts.append(Part(coder.bytes(), group_crc(group)))
        height, width = image.shape[:2]
        return SicFile(self.model, width, height, self.levels, writer.bytes(), tuple(parts)).pack()

    def decode(self, data: bytes, level: int | None = None, seed: int = 0) -> np.ndarray:
        """One image of a file's synset, RGB uint8 H×W×3.

        A file that is cut or damaged within a level gives the image of the level before, with a warning.

        Args:
            data: a file's bytes, or a prefix of them.
            level: a level, 1 to L; None: the highest that is whole.
            seed: seed of the detail, 0 or more; at level L nothing is drawn.

        Raises:
            IntegrityError: damaged, of another codec or model, decoded by another arithmetic, or without that level.
            SmicnbError: there is no such level or seed.
        """
        coded = self.read(data, level)
        if coded.note:
            warnings.warn(f"{coded.note}; decoded at level {coded.level}", stacklevel=2)
        return self.sample(coded, seed=seed)

    def read(self, data: bytes, level: int | None = None) -> Coded:
        """The first `level` groups of a file, from which `sample` draws images; arguments and errors of `decode`."""
        file = SicFile.unpack(data)
        file.check(self.model, self.levels)
        coding.check_size(file.width, file.height, STRIDE * self.config.window, MAX_PIXELS)
        found = len(file.parts)
        if level is not None:
            self._check_level(level)
        if found < (level or 1):
            end = file.note or f"the file ends after level {found}"
            do = f"ask for level {found}, or for none in particular" if found else "get the file again"
            raise IntegrityError(f"{end}, so it has {found} of {self.levels} levels", f"level {level or 1}", do)
        height, width = -(-file.height // STRIDE), -(-file.width // STRIDE)
        shape = (1, self.config.hyper, -(-height // 4), -(-width // 4))
        channels = coding.list_channels(shape)
        z_symbols = torch.from_numpy(
            Reader(file.hyper, channels.size, "the header").take(channels, self.prior_tables)
        ).double()
        hyper = self._hyper(z_symbols, height, width)
        known = torch.empty((1, 0, height, width), dtype=torch.float64)
        groups = []
        for number, part in enumerate(file.parts[:level]):
            symbols = self.config.groups[number] * height * width
            coder = _Decoding(Reader(part.stream, symbols, f"level {number + 1}"), self._gaussians)
            group = self.walk.group(number, known, self._group_tables(hyper, number), coder.code)
            check_group(group, part, number + 1)
            groups.append(group)
            known = torch.cat([known, group], dim=1)
        return Coded(tuple(groups), coding.round_to_grid(hyper), file.width, file.height, "" if level else file.note)

    def sample(self, coded: Coded, level: int | None = None, seed: int = 0) -> np.ndarray:
        """One image of the synset of what `read` or `predict` returns, RGB uint8 H×W×3, at a level from 1 to its own,
        or at that one. A group that is not coded is the same at all levels of one seed, 0 or more.
        """
        level = coded.level if level is None else level
        self._check_level(level, coded.level)
        latent = self.latent(coded, level, seed).float().to(self.device, memory_format=torch.channels_last)
        with torch.inference_mode():
            pixels = self._network.synthesise(latent, coded.height, coded.width)[0]
            return coding.to_image(pixels)

    def latent(self, coded: Coded, level: int, seed: int = 0) -> Tensor:
        """ŷ (1, C, h, w) float64 with the groups after the first `level` drawn; the arguments of `sample`."""
        if seed < 0:
            raise SmicnbError(f"found the seed {seed}", "0 or more")
        scales, means = coded.hyper.chunk(2, 1)
        draw, detail = np.random.Generator(np.random.PCG64(seed)), self.config.detail
        noise = torch.zeros_like(means)
        if detail == "uniform":
            noise = torch.from_numpy(draw.uniform(-SPREAD, SPREAD, means.shape))
        elif detail == "scale":
            noise = torch.from_numpy(draw.standard_normal(means.shape)) * scales.clamp(min=coding.SCALE_RANGE[0])
        known = torch.cat(coded.groups, dim=1)
        y_hat = torch.cat([known, torch.zeros_like(means)[:, known.shape[1] :]], dim=1)
        return self._network.fill_detail(y_hat, coded.hyper, level, noise)

    def predict(self, image: np.ndarray) -> Coded:
        """What a decoder will read from the whole file of an image, told by the encoder without coding it."""
        z_symbols, y = self._analyse(image)
        hyper = coding.round_to_grid(self._hyper(z_symbols, *y.shape[-2:]))
        return Coded(y.split(self.config.groups, dim=1), hyper, image.shape[1], image.shape[0])

    def prefix(self, data: bytes, level: int) -> bytes:
        """The file cut after a level, which is a file too; the errors of `decode`."""
        self._check_level(level)
        file = SicFile.unpack(data)
        if len(file.parts) < level:
            raise IntegrityError(f"the file has {len(file.parts)} whole levels", f"level {level}")
        return data[: file.ends[level]]

    def sizes(self, data: bytes) -> list[int]:
        """Bytes of a file's header, with the hyper-latent, and of each level that is whole."""
        return np.diff(SicFile.unpack(data).ends, prepend=0).tolist()

    def estimates(self, image: np.ndarray) -> np.ndarray:
        """Estimated bits: minus the log-likelihoods of z, and of each group of y, (L + 1,)."""
        with torch.inference_mode():
            coded = self._network.latent(self._pixels(image))
            return torch.cat([coded.hyper_bits, coded.group_bits[0]]).double().cpu().numpy()

    def estimate(self, image: np.ndarray, level: int) -> float:
        """The estimated bits of an image at a level, without the file's header."""
        self._check_level(level)
        return float(self.estimates(image)[: level + 1].sum())

    def _check_level(self, level: int, highest: int | None = None) -> None:
        highest = self.levels if highest is None else highest
        if not 1 <= level <= highest:
            raise SmicnbError(f"found the level {level}", f"one of 1 to {highest}")

    def _pixels(self, image: np.ndarray) -> Tensor:
        pixels = coding.to_pixels(image, self.device, STRIDE * self.config.window, MAX_PIXELS)
        return pixels.contiguous(memory_format=torch.channels_last)

    def _analyse(self, image: np.ndarray) -> tuple[Tensor, Tensor]:
        """The hyper-latent's symbols and ŷ, both of whole numbers in float64."""
        with torch.inference_mode():
            y = self._network.analyse(self._pixels(image))
            z = self._network.h_a(y).double().cpu()
            # A decoder has no −0, and adding 0 leaves none.
            return torch.round(z - self.medians) + 0.0, torch.round(y.double().cpu()) + 0.0

    def _hyper(self, z_symbols: Tensor, height: int, width: int) -> Tensor:
        with torch.inference_mode():
            return self._h_s(z_symbols + self.medians)[..., :height, :width]

    def _channels_of(self, number: int) -> slice:
        return slice(*self.config.bounds[number : number + 2])

    def _group_tables(self, hyper: Tensor, number: int) -> Tensor:
        """What h_s says of one group, scales and means, (1, 2c, h, w)."""
        return torch.cat([half[:, self._channels_of(number)] for half in hyper.chunk(2, 1)], dim=1)


class _Encoding:
    """Collects the symbols of a group as the walk comes to them."""

    def __init__(self, group: Tensor, gaussians: ShiftedGaussians):
        self._values, self._gaussians = group[0].flatten(1).T.numpy(), gaussians
        self._symbols: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []

    def code(self, places: np.ndarray, scales: np.ndarray, means: np.ndarray) -> np.ndarray:
        values = self._values[places]
        rows, near, mirror = self._gaussians.rows(scales, means)
        self._symbols.append((mirror * (values.astype(np.int64) - near)).ravel())
        self._rows.append(rows.ravel())
        return values

    def bytes(self) -> bytes:
        writer = Writer()
        writer.put(np.concatenate(self._symbols), np.concatenate(self._rows), self._gaussians.tables)
        return writer.bytes()


class _Decoding:
    """Takes the symbols of a group from its stream as the walk comes to them."""

    def __init__(self, reader: Reader, gaussians: ShiftedGaussians):
        self._reader, self._gaussians = reader, gaussians

    def code(self, places: np.ndarray, scales: np.ndarray, means: np.ndarray) -> np.ndarray:
        rows, near, mirror = self._gaussians.rows(scales, means)
        return near + mirror * self._reader.take(rows, self._gaussians.tables)


def _double(module: torch.nn.Module) -> torch.nn.Module:
    return copy.deepcopy(module).double().cpu()
