"""Whole files of latents by our coder beside those by the paper's dictionary: seconds to write and to read them."""

import time

import numpy as np


def _seconds(function, *given):
    start = time.perf_counter()
    result = function(*given)
    return time.perf_counter() - start, result


def files(Z: np.ndarray, count: int = 1000) -> dict:
    """Seconds for `count` of latents Z (n, L) of lite0-minilm, once fitted and once compiled, and bits of an image."""
    from smicnb.codec.coders.axes import AxesCodec
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format import priors
    from smicnb.codec.rate import POINTS

    (prior,) = priors.list_priors()
    medium = POINTS["medium"]
    codecs = {
        "ours, prior's axes": AxesCodec("prior", 94, prior=prior),
        "ours, own axes": AxesCodec("own", 94, prior=prior),
        "paper's medium": SMICCodec(medium.n_atoms, medium.penalty, medium.b_dict, medium.b_coef, random_state=0),
    }
    found = {}
    for name, codec in codecs.items():
        codec.fit(Z[:count]).encode(Z[:9])  # compiles
        write, data = _seconds(codec.encode, Z[:count])
        read, _ = _seconds(codec.decode, data)
        found[name] = {"write": write, "read": read, "bits": 8 * len(data) / count, "images": count}
    return found


def report(results: dict, Z: np.ndarray) -> None:
    """Measure, print, and keep in `results`."""
    results["files of latents"] = found = files(Z)
    for name, row in found.items():
        each = 1e6 / row["images"]
        print(
            f"{name}: {row['bits']:.0f} bits an image, written in {each * row['write']:.0f} µs and read in "
            f"{each * row['read']:.0f} µs each"
        )
