"""Many photographs to one file: the same bytes whoever encodes them, and after any kill."""

import contextlib
import os

import dask
import pytest
from PIL import Image
from real_photographs import own_cache, smicnb

from smicnb.base.work import executors
from smicnb.codec import photographs
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections

COUNT, BLOCK = 40, 16
POINT = {"n_atoms": 16, "penalty": 0.2, "b_dict": 8, "b_coef": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small photographs of several formats and depths of folders."""
    folder = tmp_path_factory.mktemp("many")
    items = image_collections.load("embedded").items[: 2 * COUNT : 2]
    for number, item in enumerate(items):
        path = folder / str(number % 3) / f"{number}.{('jpg', 'png')[number % 5 == 0]}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(item.image()).resize((150 + number, 120)).save(path)
    return folder


@contextlib.contextmanager
def compressed(folder, place, executor=None, **parameters):
    """The bytes of the folder's file, made with a cache of its own."""
    with own_cache(place):
        photographs.compress(str(folder), place / "a.smic", "lite0-minilm", executor=executor, **POINT | parameters)
        yield (place / "a.smic").read_bytes()


@pytest.fixture(scope="module")
def alone(folder, tmp_path_factory):
    with compressed(folder, tmp_path_factory.mktemp("alone")) as data:
        return data


def count_threads():
    import torch

    return os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize(("jobs", "scheduler"), [(2, None), (4, None), (2, "")])
def test_the_file_is_the_same_whoever_encodes(jobs, scheduler, folder, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "BLOCK", BLOCK)
    monkeypatch.setattr(executors, "count_cores", lambda: 2)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), executors.hire(jobs, scheduler) as hired:
        with compressed(folder, tmp_path, hired) as data:
            assert data == alone
        threads = dict(future.result() for future in [hired.submit(count_threads) for _ in range(8)])
    assert os.getpid() not in threads
    assert set(threads.values()) == {max(1, 2 // jobs)}  # two jobs on two cores are two cores


def test_one_job_without_a_cluster_is_here_and_now():
    with executors.hire(None) as first, executors.hire(1) as second:
        assert (first, second) == (None, None)


def test_commands_take_jobs(folder, tmp_path):
    with own_cache(tmp_path / "cache"):
        assert smicnb("compress", folder / "0", tmp_path / "a.smic", "--atoms", "4", "--jobs", "1").status == 0
        answer = smicnb("append", tmp_path / "a.smic", folder / "1", "--jobs", "2")
        assert answer.out.startswith(f"{tmp_path / 'a.smic'}: 27 images")
        for command in (("compress", folder, tmp_path / "b.smic"), ("append", tmp_path / "a.smic", folder)):
            answer = smicnb(*command, "--scheduler", "tcp://127.0.0.1:9")
            assert (answer.status, "needed: --executor dask with it" in answer.err) == (2, True)
            answer = smicnb(*command, "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
            assert (answer.status, "no Dask scheduler answers at" in answer.err) == (2, True)
