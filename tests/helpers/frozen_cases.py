"""What layers, entropy models, tables and streams give on fixed inputs, by any library that has them.

`outputs` runs the cases with the parts of one library: ours in the tests, CompressAI's in `make peers`. The arrays in
`frozen/compressai.safetensors` are those of CompressAI 1.2.8.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from smicnb.learned.files.coding import LARGEST, Tables, Writer, gaussian_tables
from smicnb.learned.networks import entropy_models, frequencies, layers

FOLDER = Path(__file__).parent / "frozen"


def ours() -> SimpleNamespace:
    """Our own parts."""
    return SimpleNamespace(
        conv=layers.conv,
        deconv=layers.deconv,
        AttentionBlock=layers.AttentionBlock,
        ResidualBottleneckBlock=layers.ResidualBottleneckBlock,
        EntropyBottleneck=entropy_models.EntropyBottleneck,
        GaussianConditional=entropy_models.GaussianConditional,
        update=lambda model: model.update(),
        quantised=frequencies.cumulate,
        stream=_stream,
    )


def _stream(symbols, rows, cdfs, sizes, offsets) -> bytes:
    writer = Writer()
    writer.put(symbols, rows, Tables(cdfs, sizes, offsets))
    return writer.bytes()


def outputs(parts: SimpleNamespace) -> dict[str, np.ndarray]:
    """Every case by its name.

    Args:
        parts: `conv`, `deconv`, `AttentionBlock`, `ResidualBottleneckBlock`, `EntropyBottleneck`,
            `GaussianConditional`; `update(model)`, which makes a model's tables; `quantised(pmf)`, which gives
            cumulative frequencies, (n + 1,); and `stream(symbols, rows, cdfs, sizes, offsets)`, which gives bytes.
    """
    found = layers_found(parts) | bottleneck(parts) | gaussian(parts)
    found |= {f"table/{name}": np.asarray(parts.quantised(pmf), np.int32) for name, pmf in pmfs().items()}
    for name, case in streams().items():
        found[f"stream/{name}"] = np.frombuffer(parts.stream(*case), np.uint8).copy()
    return found


def fill(module: nn.Module, spread: float = 0.3) -> nn.Module:
    """Give every parameter numbers that depend on nothing but its name and shape."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            rng = np.random.default_rng(list(name.encode()))
            parameter.copy_(torch.from_numpy(spread * rng.standard_normal(parameter.shape)))
    return module


def numbers(*shape: int, seed: int = 0, spread: float = 1.0) -> Tensor:
    """Normal float32 numbers."""
    return torch.from_numpy((spread * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32))


def layers_found(parts: SimpleNamespace) -> dict[str, np.ndarray]:
    """What each layer makes of a small input, and the gradient of the sum of its squares."""
    modules = {
        "conv": (parts.conv(3, 4), 3),
        "conv of stride 1": (parts.conv(3, 4, kernel_size=3, stride=1), 3),
        "deconv": (parts.deconv(4, 3), 4),
        "deconv of stride 1": (parts.deconv(4, 3, kernel_size=3, stride=1), 4),
        "attention": (parts.AttentionBlock(6), 6),
        "bottleneck block": (parts.ResidualBottleneckBlock(6, 6), 6),
        "bottleneck block that widens": (parts.ResidualBottleneckBlock(4, 6), 4),
    }
    found = {}
    for name, (module, channels) in modules.items():
        values = numbers(2, channels, 9, 6).requires_grad_()
        made = fill(module)(values)
        (made**2).sum().backward()
        found[f"{name}/names"] = np.frombuffer("\n".join(module.state_dict()).encode(), np.uint8).copy()
        found[f"{name}/output"], found[f"{name}/gradient"] = made.detach().numpy(), values.grad.numpy()
    return found


def bottleneck(parts: SimpleNamespace) -> dict[str, np.ndarray]:
    """The factorised prior of 5 channels: values, likelihoods, loss, gradients, tables."""
    found: dict[str, np.ndarray] = {}
    torch.manual_seed(3)
    model = parts.EntropyBottleneck(5)
    found["prior/names"] = np.frombuffer("\n".join(model.state_dict()).encode(), np.uint8).copy()
    for name, parameter in model.named_parameters():
        found[f"prior/initial {name}"] = parameter.detach().numpy().copy()
    with torch.no_grad():
        for index, matrix in enumerate(model.matrices):
            matrix.add_(numbers(*matrix.shape, seed=index, spread=0.2))
        model.quantiles.copy_(torch.tensor([[-9.5, 0.4, 7.2], [-2.1, -0.3, 2.0], [-30.0, 1.5, 41.0], [0.0, 0.0, 0.0],
                                            [-12.0, -11.2, -0.1]])[:, None])  # fmt: skip
    z = numbers(2, 5, 4, 3, seed=7, spread=6).requires_grad_()
    for mode in ("eval", "train"):
        model.train(mode == "train")
        torch.manual_seed(11)
        values, likelihoods = model(z)
        (-torch.log2(likelihoods)).sum().backward()
        found[f"prior/{mode}/values"] = values.detach().numpy()
        found[f"prior/{mode}/likelihoods"] = likelihoods.detach().numpy()
        found[f"prior/{mode}/gradient"] = z.grad.numpy().copy()
        z.grad = None
        model.zero_grad()
    loss = model.loss()
    loss.backward()
    found["prior/loss"], found["prior/loss gradient"] = loss.detach().numpy()[None], model.quantiles.grad.numpy()
    parts.update(model)
    for name in ("offset", "quantized_cdf", "cdf_length"):
        found[f"prior/_{name}"] = getattr(model, f"_{name}").numpy().astype(np.int32)
    return found


def gaussian(parts: SimpleNamespace) -> dict[str, np.ndarray]:
    """The conditional Gaussian: values, likelihoods and gradients, and tables of 12 scales."""
    found: dict[str, np.ndarray] = {}
    model = parts.GaussianConditional(None)
    found["gaussian/names"] = np.frombuffer("\n".join(model.state_dict()).encode(), np.uint8).copy()
    inputs = [numbers(2, 3, 5, 4, seed=seed, spread=spread) for seed, spread in ((1, 8), (2, 4), (3, 5))]
    for mode in ("eval", "train"):
        y, scales, means = (each.clone().requires_grad_() for each in inputs)  # many scales are below the bound
        model.train(mode == "train")
        torch.manual_seed(13)
        values, likelihoods = model(y, scales, means)
        (-torch.log2(likelihoods)).sum().backward()
        found[f"gaussian/{mode}/values"] = values.detach().numpy()
        found[f"gaussian/{mode}/likelihoods"] = likelihoods.detach().numpy()
        for name, each in zip(("y", "scales", "means"), (y, scales, means), strict=True):
            if each.grad is not None:
                found[f"gaussian/{mode}/gradient of {name}"] = each.grad.numpy()
    model = parts.GaussianConditional(np.exp(np.linspace(np.log(0.11), np.log(20), 12)).tolist())
    parts.update(model)
    for name in ("offset", "quantized_cdf", "cdf_length"):
        found[f"gaussian/_{name}"] = getattr(model, f"_{name}").numpy().astype(np.int32)
    return found


def pmfs() -> dict[str, np.ndarray]:
    """Probabilities of all kinds, float32, (n,)."""
    rng = np.random.default_rng(5)
    steep = np.exp(-np.arange(400) / 9.0)
    many = rng.gamma(0.05, size=3000)
    return {
        name: np.asarray(pmf, np.float32)
        for name, pmf in {
            "two": [0.5, 0.5],
            "halves of a count": [1.5 / 2**16, 2.5 / 2**16, 1 - 4 / 2**16],
            "one takes all": [0, 1, 0, 0, 0],
            "only the last": [0] * 9 + [1],
            "sum below one": [0.2, 0.1, 0.05],
            "sum above one": [0.9, 0.8, 0.7, 0.0],
            "steep": steep / steep.sum(),
            "many that are too rare": many / many.sum(),
            "even": np.full(1000, 1e-3),
        }.items()
    }


def streams() -> dict[str, tuple]:
    """Symbols (n,), the rows of their tables (n,), and the tables, which nothing computes: cdfs, sizes, offsets."""
    kept = gaussian_tables()
    gaussians = kept.cdfs, kept.sizes, kept.offsets
    uneven = np.zeros((3, 9), np.int32), np.array([3, 9, 6], np.int32), np.array([0, -4, 2], np.int32)
    for row, counts in enumerate(
        ([65535, 1], [1, 10, 100, 1000, 10_000, 54_325, 99, 1], [13107, 13107, 13107, 13107, 13108])
    ):
        uneven[0][row, 1 : len(counts) + 1] = np.cumsum(counts)
    rng = np.random.default_rng(17)
    rows = rng.integers(0, 64, 4000)
    scales = np.exp(np.linspace(np.log(0.11), np.log(256), 64))[rows]
    dearest = np.array([LARGEST, -LARGEST, 0, 1, -1, LARGEST - 1] * 5)
    lengths = np.concatenate([sign * (2 ** np.arange(27)) + shift for sign in (1, -1) for shift in (-1, 0, 1)])
    cases = {
        "within": (np.rint(scales * rng.standard_normal(4000)), rows, gaussians),
        "far outside": (np.rint(40 * scales * rng.standard_normal(4000)), rows, gaussians),
        "dearest": (dearest, np.zeros(len(dearest)), gaussians),
        "escapes of every length": (lengths, np.full(len(lengths), 20), gaussians),
        "uneven tables": (rng.integers(-6, 9, 3000), np.arange(3000) % 3, uneven),
        "two": (np.array([3, -1]), np.array([0, 63]), gaussians),
        "zeros": (np.zeros(5000), np.zeros(5000), gaussians),
    }
    for symbol, row in ((0, 0), (1, 63), (-7, 0), (100_000, 20)):
        cases[f"one symbol, {symbol} under {row}"] = (np.array([symbol]), np.array([row]), gaussians)
    return {name: (s.astype(np.int64), r.astype(np.int64), *t) for name, (s, r, t) in cases.items()}
