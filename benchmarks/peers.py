"""Our layers, entropy models, tables and entropy coder beside CompressAI's: `make peers`.

CompressAI has no wheels beyond Python 3.11 and needs numpy below 2, so it gets an environment of its own. Outputs are
compared on the inputs of `tests/learned/frozen_cases.py`, with CompressAI run anew and with what was frozen of it.
Coders are timed on the same symbols in the same process: CompressAI's is called as this project called it until it
had one of its own.
"""

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.numpy import load_file

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "learned"))
import frozen_cases

from smicnb.learned.files import coding
from smicnb.learned.files.wavefront import wavefronts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import compressai
    from compressai._CXX import pmf_to_quantized_cdf
    from compressai.ans import BufferedRansEncoder, RansDecoder
    from compressai.entropy_models import EntropyBottleneck, GaussianConditional
    from compressai.layers import AttentionBlock
    from compressai.models.sensetime import ResidualBottleneckBlock
    from compressai.models.utils import conv, deconv

AGREE = 1e-6  # of an array's largest value
LATENT = (64, 32, 48)  # of SIC's small size for 768×512 pixels
LEVELS = 8
REPEATS = 5
Lists = tuple[list[list[int]], list[int], list[int]]


class TheirWriter:
    """`coding.Writer` by CompressAI's coder."""

    def __init__(self, lists: Lists):
        self._encoder, self._lists = BufferedRansEncoder(), lists

    def put(self, symbols: np.ndarray, rows: np.ndarray) -> None:
        """Symbols of any shape, with the rows of their tables."""
        given = (torch.from_numpy(each).flatten().tolist() for each in (symbols, rows))
        self._encoder.encode_with_indexes(*given, *self._lists)

    def bytes(self) -> bytes:
        """The stream."""
        return self._encoder.flush()


class TheirReader:
    """`coding.Reader` by CompressAI's coder, which reads on where a stream ends and is given zeros there."""

    def __init__(self, stream: bytes, symbols: int, lists: Lists):
        self._decoder, self._lists = RansDecoder(), lists
        self._decoder.set_stream(stream + bytes(16 * len(stream) + 8 * symbols + 64))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The next symbols; the coder copies all tables that it is given, so it is given those in use."""
        used, local = np.unique(rows, return_inverse=True)
        few = ([values[row] for row in used.tolist()] for values in self._lists)
        return torch.tensor(self._decoder.decode_stream(local.flatten().tolist(), *few), dtype=torch.float64).numpy()


def as_lists(cdfs: np.ndarray, sizes: np.ndarray, offsets: np.ndarray) -> Lists:
    """Tables as CompressAI's coder takes them."""
    return [row[:size].tolist() for row, size in zip(cdfs, sizes, strict=True)], sizes.tolist(), offsets.tolist()


def theirs() -> SimpleNamespace:
    """CompressAI's parts, for `frozen_cases.outputs`."""

    def stream(symbols, rows, cdfs, sizes, offsets) -> bytes:
        writer = TheirWriter(as_lists(cdfs, sizes, offsets))
        writer.put(symbols, rows)
        if len(symbols) == 1:
            writer.put(*coding.FILLER)
        return writer.bytes()

    return SimpleNamespace(
        conv=conv,
        deconv=deconv,
        AttentionBlock=AttentionBlock,
        ResidualBottleneckBlock=ResidualBottleneckBlock,
        EntropyBottleneck=EntropyBottleneck,
        GaussianConditional=lambda scales=None: GaussianConditional(scales),
        update=lambda model: model.update(**({"force": True} if isinstance(model, EntropyBottleneck) else {})),
        quantised=lambda pmf: pmf_to_quantized_cdf(pmf.tolist(), 16),
        stream=stream,
    )


def compare() -> int:
    """Print how far each kind of output is from CompressAI's, now and as frozen; the number of those that differ."""
    ours, now = (frozen_cases.outputs(parts) for parts in (frozen_cases.ours(), theirs()))
    frozen = load_file(frozen_cases.FOLDER / "compressai.safetensors")
    kinds: dict[str, list[str]] = {}
    for name in ours:
        kinds.setdefault(name.partition("/")[0], []).append(name)
    wrong = 0
    print(f"CompressAI {compressai.__version__}, torch {torch.__version__}, numpy {np.__version__}")
    for kind, names in kinds.items():
        far = {}
        for label, other in (("now", now), ("frozen", frozen)):
            far[label] = max(_distance(ours[name], other[name]) for name in names)
            wrong += sum(_distance(ours[name], other[name]) > AGREE for name in names)
        print(f"{kind}: {len(names)} outputs, largest difference {far['now']:.1e}, from the frozen {far['frozen']:.1e}")
    return wrong


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape or (one.dtype.kind in "iu" and not np.array_equal(one, other)):
        return np.inf
    return float(np.abs(one.astype(float) - other).max() / max(1, np.abs(other).max()))


def coders() -> None:
    """Print the seconds of both coders for the latent of one image, which is read at once, and step by step."""
    tables = coding.gaussian_tables()
    lists = as_lists(tables.cdfs, tables.sizes, tables.offsets)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 30, LATENT).reshape(LEVELS, -1, LATENT[1] * LATENT[2])
    symbols = np.rint(rng.normal(0, coding.scale_table()[rows])).astype(np.int64)
    waves = [(group, wave) for group in range(LEVELS) for wave in wavefronts(*LATENT[1:])]
    steps = [np.ascontiguousarray(rows[group][:, wave]) for group, wave in waves]
    values = np.concatenate([symbols[group][:, wave].ravel() for group, wave in waves])
    every = np.concatenate([step.ravel() for step in steps])
    for name, parts in (("at once", [every]), (f"in {len(steps)} steps, as SIC's decoder does", steps)):
        ours = _timed(coding.Writer, coding.Reader, values, every, parts, tables)
        other = _timed(lambda: TheirWriter(lists), lambda *given: TheirReader(*given, lists), values, every, parts)
        written, read = (
            f"{1e3 * mine:.2f} ms (CompressAI {1e3 * its:.2f})" for mine, its in zip(ours, other, strict=True)
        )
        ratio = sum(other) / sum(ours)
        print(f"{len(every)} symbols: written in {written}, read {name} in {read}: {ratio:.1f} times as fast")


def _timed(writer: Callable, reader: Callable, symbols: np.ndarray, rows: np.ndarray, parts: list, *tables) -> tuple:
    """Seconds of writing and of reading, the fastest of some; what comes back is compared."""
    write, read = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        new = writer()
        new.put(symbols, rows, *tables)
        stream = new.bytes()
        written = time.perf_counter()
        source = reader(stream, len(symbols))
        found = [source.take(part, *tables) for part in parts]
        read.append(time.perf_counter() - written)
        write.append(written - start)
        assert np.array_equal(np.concatenate([each.ravel() for each in found]), symbols)
    return min(write), min(read)


if __name__ == "__main__":
    torch.set_num_threads(1)
    differing = compare()
    coders()
    if differing:
        sys.exit(f"{differing} outputs differ from CompressAI's by more than {AGREE}")
