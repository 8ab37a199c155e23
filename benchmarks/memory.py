"""Memory that coding a collection takes: `python benchmarks/memory.py 100000`, for any number of synthetic latents.

Anonymous memory of this process beyond what it has after its imports; pages of mapped files, which the system takes
back when it needs them, do not count. Latents lie in a mapped file as those of photographs do; they are drawn around
the default encoder's prior. Names are left out: a list of them takes some 100 bytes each.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

PART = 5000  # latents that are drawn at a time
BEAT = 0.01  # seconds between two looks


def draw(file, count: int) -> np.ndarray:
    """(count, L) float32 latents of the prior's covariance, mapped."""
    from smicnb.codec.format import priors

    (prior,) = priors.list_priors()
    rng = np.random.default_rng(0)
    axes, spread = prior.axes / (1 << 19), priors.deviation(prior.scales)
    for start in range(0, count, PART):
        some = rng.standard_normal((min(PART, count - start), len(axes))) * spread @ axes
        file.write((some / np.linalg.norm(some, axis=1, keepdims=True) * 20).astype(np.float32))
    file.flush()
    return np.memmap(file, np.float32, "r", shape=(count, prior.dim))


def anonymous() -> int:
    """Bytes of anonymous memory, as Linux counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


class Peak:
    """The most anonymous memory while it lasts, beyond what there was at first."""

    def __enter__(self) -> "Peak":
        self.first = self.most = anonymous()
        self.ended, self.start, self.cpu = threading.Event(), time.perf_counter(), time.process_time()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.ended.wait(BEAT):
            self.most = max(self.most, anonymous())

    def __exit__(self, *exception) -> None:
        self.ended.set()
        self.thread.join()

    def say(self, what: str) -> None:
        seconds, cpu = time.perf_counter() - self.start, time.process_time() - self.cpu
        print(f"{what}: {(self.most - self.first) / 1e6:.0f} MB, {seconds:.0f} s, {cpu:.0f} s CPU", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--fixed", action="store_true", help="code at one setting instead of choosing a way")
    given = parser.parse_args()
    from smicnb.codec.coders import choice
    from smicnb.codec.coders.axes import AxesCodec
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format import container, priors
    from smicnb.codec.format.reader import SmicReader

    (prior,) = priors.list_priors()
    AxesCodec(prior=prior).fit(np.random.default_rng(0).standard_normal((300, prior.dim))).encode(np.eye(prior.dim)[:9])
    with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        Z, target = draw(file, given.count), Path(folder) / "a.smic"
        about = {"encoder": prior.name, "weights_hash": prior.weights_hash}
        with Peak() as whole:
            with Peak() as peak:
                if given.fixed:
                    codec = AxesCodec(prior=prior, **about).fit(choice.thin_out(Z, choice.LEARNED))
                else:
                    codec = choice.ways(Z, cosine=0.8, only=("own", "prior"), **about)[0].codec
            peak.say("a way is chosen")
            with Peak() as peak:
                container.create(target, *codec.sections, codec.stream(Z))
            peak.say("coded")
            with Peak() as peak:
                container.append(target, codec.stream(Z[: given.count // 10]))
            peak.say("a tenth appended")
            with Peak() as peak, SmicReader(target) as opened:
                images = sum(len(block.latents) for block in opened)
            peak.say(f"{images} read")
            with Peak() as peak:
                paper = SMICCodec(64, **about)
                paper.fit(choice.thin_out(Z, choice.LEARNED // 5))
                container.create(target, *paper.sections, paper.stream(Z))
            peak.say("the paper's code")
        whole.say(f"{given.count} latents, at most")


if __name__ == "__main__":
    main()
