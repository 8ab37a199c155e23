"""Several machines: hosts in network namespaces of this one, a scheduler and workers, and what goes wrong between."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import plain_encoder
import pytest
from real_photographs import own_cache, save, scenes

from smicnb.codec import photographs
from smicnb.semantics.encoders import encoders

COUNT, PIECE, PAUSE = 20, 2, 1
HELPERS = Path(plain_encoder.__file__).parent
HEAD, HOSTS = "10.213.0.1", {"near": "10.213.0.2", "far": "10.213.0.3", "blind": "10.213.0.4"}
POINT = {"n_atoms": 2, "penalty": 0.2, "b_dict": 8, "b_coef": 8}
WORDS = ["--atoms", "2", "--penalty", "0.2", "--b-dict", "8", "--b-coef", "8"]
LOST = "11s"  # until a silent connection counts as lost: the least that Dask takes, in place of its 30 seconds
PIECES = f"""
from plain_encoder import Plain
from smicnb.semantics.encoders import encoders
encoders.BLOCK, encoders.encoder = {PIECE}, lambda name: Plain({PAUSE})
from smicnb.cli.main import main
main()
"""


def name(host):
    return f"smicnb-{os.getpid()}-{host}"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Machines:
    """Hosts on one switch, each with an address of its own, and processes on them, which share this machine's files."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def wire(self):
        for host in ("head", *HOSTS):
            ip("netns", "add", name(host))
            ip("-n", name(host), "link", "set", "lo", "up")
        head = name("head")
        ip("-n", head, "link", "add", "switch", "type", "bridge")
        ip("-n", head, "address", "add", f"{HEAD}/24", "dev", "switch")
        ip("-n", head, "link", "set", "switch", "up")
        for host, address in HOSTS.items():
            ip("link", "add", host, "netns", head, "type", "veth", "peer", "name", "eth0", "netns", name(host))
            ip("-n", head, "link", "set", host, "master", "switch", "up")
            ip("-n", name(host), "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name(host), "link", "set", "eth0", "up")

    def start(self, host, log, *words, first=()):
        """A process of Python on a host, and the name of the file that what it says goes to."""
        with (self.folder / log).open("wb") as said:
            words = ["ip", "netns", "exec", name(host), *first, sys.executable, *map(str, words)]
            environment = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": LOST}
            environment["PYTHONPATH"] = os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")])
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
        self.running.append(process)
        return process

    def says(self, log):
        return (self.folder / log).read_text(errors="replace")

    def start_worker(self, host, first=()):
        told = ["--nthreads", 1, "--no-nanny", "--no-dashboard", "--memory-limit", 0]
        folder = ["--local-directory", self.folder / f"dask-{host}"]
        self.start(host, host, "-m", "distributed.cli.dask_worker", f"tcp://{HEAD}:8786", *told, *folder, first=first)
        wait_until(lambda: "Registered to" in self.says(host))

    def compress(self, photos, target):
        where = ["--executor", "dask", "--scheduler", f"tcp://{HEAD}:8786"]
        return self.start("head", "run", "-c", PIECES, "compress", photos, target, *WORDS, *where)

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
        for host in ("head", *HOSTS):
            subprocess.run(["ip", "netns", "delete", name(host)], capture_output=True)


def wait_until(holds, seconds=300):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number, image in enumerate(scenes(COUNT)):
        save(image, folder / f"{number:02}.jpg", 200 + number)
    return folder


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root on Linux, and its programme ip")
    folder = tmp_path_factory.mktemp("machines")
    machines = Machines(folder)
    with own_cache(folder / "cache"):
        try:
            try:
                machines.wire()
            except subprocess.CalledProcessError as error:
                pytest.skip(f"the kernel gives no network namespaces here: {error.stderr.strip()}")
            where = folder / "scheduler.json"
            told = ["--host", HEAD, "--port", 8786, "--no-dashboard", "--scheduler-file", where]
            machines.start("head", "scheduler", "-m", "distributed.cli.dask_scheduler", *told)
            wait_until(where.is_file)
            yield machines
        finally:
            machines.close()


def test_a_host_that_is_cut_off_in_mid_run_costs_no_photograph_and_changes_no_byte(
    machines, photos, tmp_path, monkeypatch
):
    for host in ("near", "far"):
        machines.start_worker(host)
    run, kept = machines.compress(photos, tmp_path / "a.smic"), machines.folder / "cache" / "smicnb" / "latents"
    wait_until(lambda: list(kept.rglob("*.npy")) or run.poll() is not None)
    assert run.poll() is None, machines.says("run")
    assert len(list(kept.rglob("*.npy"))) < COUNT
    ip("-n", name("far"), "link", "set", "eth0", "down")
    assert run.wait(300) == 0, machines.says("run")
    monkeypatch.setattr(encoders, "encoder", lambda name: plain_encoder.Plain())
    with own_cache(tmp_path / "alone"):
        photographs.compress(str(photos), tmp_path / "b.smic", "plain", **POINT)
    assert (tmp_path / "a.smic").read_bytes() == (tmp_path / "b.smic").read_bytes()


def test_a_host_without_the_photographs_is_told_and_nothing_is_left_out(machines, photos, tmp_path):
    other = tmp_path / "photos"
    shutil.copytree(photos, other)
    # A folder of its own lies over the shared one, for this process alone.
    machines.start_worker("blind", first=["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(other)])
    run = machines.compress(other, tmp_path / "a.smic")
    assert run.wait(300) == 2, machines.says("run")
    assert f"smicnb: a worker found no '{other}/" in machines.says("run")
    assert "needed: the photographs under the same path on every machine" in machines.says("run")
    assert not (tmp_path / "a.smic").exists()
