"""A checkpoint of TACO as a codec: photographs and captions to bytes, bytes to photographs."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from smicnb.base.errors import SmicnbError
from smicnb.learned.files import checkpoints, coding
from smicnb.learned.files.coding import Reader, Tables, Writer
from smicnb.learned.networks.blocks import checkerboard, pad
from smicnb.learned.networks.taco import MULTIPLE, Context
from smicnb.semantics.encoders import encoders
from smicnb.semantics.encoders.encoders import SemanticEncoder

MAGIC = b"TACO"


class TacoCodec:
    """Images to bytes and back by one checkpoint of TACO.

    The encoder runs the decoder's own context code, in float64 and with means on a grid of 1/64, so that what the
    two compute is the same number on every machine; the transforms run in float32.

    Args:
        path: path of a checkpoint of TACO.
        device: a torch device name.
    """

    def __init__(self, path: Path | str, device: str = "cpu"):
        checkpoint = checkpoints.load(Path(path), device)
        if checkpoint.codec != "taco":
            raise SmicnbError(f"'{checkpoint.name}' is a checkpoint of {checkpoint.codec}", "a checkpoint of taco")
        self._path, self.device, self.checkpoint = Path(path), torch.device(device), checkpoint
        # RUN/RATE/SEED of a plan: a variant's rates are the operating points of one codec
        self.name, self.setting = checkpoint.codec_name("TACO")
        self.config, self._network = checkpoint.config, checkpoint.network
        self.context: Context = copy.deepcopy(checkpoint.network.context).double()
        self.prior_tables, self._gaussian = Tables.from_model(checkpoint.network.prior), coding.gaussian_tables()
        self.medians = checkpoint.network.prior.quantiles[:, 0, 1].double()[None, :, None, None]
        # The Gaussians' tables are the package's and not in this hash; the latent's checksum would find other ones.
        self.model = bytes.fromhex(checkpoint.sha256)[: coding.MODEL_BYTES]

    def __reduce__(self) -> tuple:  # to another process goes the path: the networks are loaded there
        return TacoCodec, (self._path, str(self.device))

    @property
    def fingerprint(self) -> dict[str, str]:
        """What a record keeps: the checkpoint's hash and that of the Gaussians' tables."""
        return {"checkpoint": self.checkpoint.sha256, "gaussian tables": self._gaussian.sha256}

    def encoder(self) -> SemanticEncoder:
        """The encoder of the text tokens."""
        return encoders.encoder(self.config.encoder)

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The file of an image.

        Args:
            image: RGB uint8 H×W×3, of any size up to 33 megapixels.
            caption: a sentence about it; None or "" where there is none. Only the encoder sees it.

        Raises:
            ImageError: not RGB uint8. SmicnbError: too large.
        """
        y, z = self._analyse(image, caption)
        z_symbols = torch.round(z - self.medians)
        writer = Writer()
        writer.put(_array(z_symbols), coding.list_channels(z_symbols.shape), self.prior_tables)
        y_hat = self._latent(z_symbols, _Encoding(y, writer, self._gaussian))
        height, width = image.shape[:2]
        file = coding.File(MAGIC, self.model, width, height, coding.latent_crc(y_hat), writer.bytes())
        return file.pack()

    def decode(self, data: bytes) -> np.ndarray:
        """The image of a file, RGB uint8 H×W×3.

        Raises:
            IntegrityError: damaged, of another codec or model, or decoded by another arithmetic.
        """
        y_hat, width, height = self.decode_latent(data)
        with torch.inference_mode():
            pixels = self._network.g_s(y_hat.float().to(memory_format=torch.channels_last))[0, :, :height, :width]
            return coding.to_image(pixels)

    def decode_latent(self, data: bytes) -> tuple[Tensor, int, int]:
        """ŷ (1, M, h, w) float64 of a file, and the image's width and height."""
        file = coding.File.unpack(data, MAGIC, self.model)
        rows, columns = (-(-side // MULTIPLE) for side in (file.height, file.width))
        z_shape = (1, self.config.hyper, rows, columns)
        count = rows * columns * (self.config.hyper + 16 * self.config.latent)
        reader = Reader(file.stream, count)
        z_symbols = (
            torch.from_numpy(reader.take(coding.list_channels(z_shape), self.prior_tables)).double().to(self.device)
        )
        y_hat = self._latent(z_symbols, _Decoding(reader, self._gaussian))
        coding.check_latent(y_hat, file.latent_crc)
        return y_hat, file.width, file.height

    def estimate(self, image: np.ndarray, caption: str | None = None) -> float:
        """The estimated bits of an image: minus the log-likelihoods of y and z, without the file's header."""
        y, z = self._analyse(image, caption)
        with torch.inference_mode():
            return float(self._network.rate(y.float(), z.float())[1])

    def attention(self, image: np.ndarray, caption: str) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Where the text acts.

        Returns:
            The caption's tokens, and how much each position looks at each, (T, H/4, W/4) and (T, H/8, W/8).
        """
        tokens, mask = self._tokens(caption)
        with torch.inference_mode():
            fine, coarse = self._network.g_a.attention(self._pixels(image), tokens, mask)
        return self.encoder().token_strings(caption)[: tokens.shape[1]], fine[0].cpu().numpy(), coarse[0].cpu().numpy()

    def _analyse(self, image: np.ndarray, caption: str | None) -> tuple[Tensor, Tensor]:
        tokens, mask = self._tokens(caption)
        with torch.inference_mode():
            y = self._network.g_a(self._pixels(image), tokens, mask)
            return y.double(), self._network.h_a(y).double()

    def _pixels(self, image: np.ndarray) -> Tensor:
        return pad(coding.to_pixels(image, self.device), MULTIPLE).contiguous(memory_format=torch.channels_last)

    def _tokens(self, caption: str | None) -> tuple[Tensor | None, Tensor | None]:
        if self.config.text == "none":
            return None, None
        with torch.inference_mode():
            tokens, mask = self.encoder().text_tokens([caption or ""])
        limit = self.config.max_tokens
        return tokens[:, :limit].float().to(self.device), mask[:, :limit].to(self.device)

    def _latent(self, z_symbols: Tensor, coder: "_Encoding | _Decoding") -> Tensor:
        """ŷ, float64 on the grid: the one walk through the context that both sides take."""
        with torch.inference_mode():
            hyper = self.context.hyper(z_symbols + self.medians)
            anchors = checkerboard(*hyper.shape[-2:], hyper.device)
            known: list[Tensor] = []
            for group in range(len(self.config.groups)):
                scales, means, context = self.context.predict_anchors(group, hyper, known)
                part = torch.zeros_like(means)
                coder.code(part, group, scales, means, anchors, self.config.groups)
                scales, means = self.context.predict_others(group, part, context)
                coder.code(part, group, scales, means, ~anchors, self.config.groups)
                known.append(part)
            return torch.cat(known, dim=1)


class _Encoding:
    """Puts the symbols of y into a stream as the walk comes to them."""

    def __init__(self, y: Tensor, writer: Writer, tables: Tables):
        self._y, self._writer, self._tables = y, writer, tables

    def code(self, part: Tensor, group: int, scales: Tensor, means: Tensor, where: Tensor, groups: tuple) -> None:
        means = coding.round_to_grid(means[..., where])
        symbols = torch.round(self._y.split(groups, dim=1)[group][..., where] - means)
        self._writer.put(_array(symbols), coding.scale_indexes(_array(scales[..., where])), self._tables)
        part[..., where] = symbols + means


class _Decoding:
    """Takes the symbols of y from a stream as the walk comes to them."""

    def __init__(self, reader: Reader, tables: Tables):
        self._reader, self._tables = reader, tables

    def code(self, part: Tensor, group: int, scales: Tensor, means: Tensor, where: Tensor, groups: tuple) -> None:
        symbols = self._reader.take(coding.scale_indexes(_array(scales[..., where])), self._tables)
        part[..., where] = torch.from_numpy(symbols).to(means.device) + coding.round_to_grid(means[..., where])


def _array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
