"""Who does the work, as a `concurrent.futures.Executor`: processes of this machine, or the workers of a Dask cluster.

Only the command line, the run and its notebooks' sessions create one; everything else takes what it is given.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smicnb.base.errors import RunError, SmicnbError
from smicnb.base.work.environment import (
    SCHEDULER,
    THREADS,
    WORKERS,
    thread_variables,
    tune_process,
    worker_variables,
)

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 6


class SchedulerLostError(BrokenExecutor):
    """A Dask scheduler that is gone, and with it everything that it was given."""


class Processes(Executor):
    """Spawned processes that die alone: a killed one costs its task, where a `ProcessPoolExecutor` would lose all.

    Args:
        workers: how many.
        variables: environment variables that they have beside this process's own.
    """

    def __init__(self, workers: int, variables: Mapping[str, str] | None = None):
        self._spawn = multiprocessing.get_context("spawn")
        self._tether, self._line = self._spawn.Pipe(duplex=False)  # a process ends where the line's end is gone
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="smicnb")
        self._variables = dict(variables or {})
        self._slot = threading.local()  # of each thread: its process
        self._pools: list[ProcessPoolExecutor] = []

    def submit(self, function: Callable, /, *arguments: Any, **keywords: Any) -> Future:
        """The future of a call in one of the processes; BrokenProcessPool where that process died."""
        return self._threads.submit(self._call, function, arguments, keywords)

    def _call(self, function: Callable, arguments: tuple, keywords: dict) -> Any:
        pool = getattr(self._slot, "pool", None)
        if pool is None:
            told = self._tether, self._variables
            pool = ProcessPoolExecutor(1, mp_context=self._spawn, initializer=_tie, initargs=told)
            self._slot.pool = pool
            self._pools.append(pool)
        try:
            return pool.submit(function, *arguments, **keywords).result()
        except BrokenProcessPool:
            self._slot.pool = None
            raise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End when all tasks are done, or with `wait=False` at once, whatever they are doing."""
        if not wait:
            self._line.close()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._pools:
            pool.shutdown(wait)
        self._line.close()


def _tie(tether: Any, variables: dict[str, str]) -> None:
    """Begin a worker process: it leaves interrupts to its parent, and ends when that ends or lets go."""
    os.environ.update(variables)  # before any library is there that asks for them
    tune_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            tether.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Dask(Executor):
    """A Dask cluster's workers, by its client and its scheduler's address. What dies with them is a BrokenExecutor, as
    it is with processes.
    """

    def __init__(self, client: "Client", address: str):
        self._client, self._address = client, address
        self._executor = client.get_executor(pure=False)  # else a call that failed is remembered, not repeated

    def submit(self, function: Callable, /, *arguments: Any, **keywords: Any) -> Future:
        """The future of a call in one of the workers; BrokenExecutor where they died, or the scheduler did."""
        asked = Future()
        if self._client.status != "running":  # it would wait for a scheduler to come back
            asked.set_exception(self._lost_error())
            return asked
        theirs = self._executor.submit(function, *arguments, **keywords)
        # A cluster keeps a result, and makes it again, for as long as its future is held: here until it is passed on.
        held = weakref.ref(theirs)
        asked.add_done_callback(lambda _: (pending := held()) and pending.cancel())
        theirs.add_done_callback(lambda done: self._pass_on(done, asked))
        return asked

    def _pass_on(self, theirs: Future, asked: Future) -> None:
        from distributed import KilledWorker

        if not asked.set_running_or_notify_cancel():
            return
        error = self._lost_error() if theirs.cancelled() else theirs.exception()
        if isinstance(error, KilledWorker):
            error = BrokenExecutor(str(error))
        if error is None:
            asked.set_result(theirs.result())
        else:
            asked.set_exception(error)

    def _lost_error(self) -> SchedulerLostError:
        return SchedulerLostError(f"the Dask scheduler at {self._address} is gone")


@dataclass(frozen=True)
class Workforce:
    """An executor, how many notebooks it is to be given at a time, and what their kernels are told of it."""

    executor: Executor
    count: int
    variables: dict[str, str]


@contextlib.contextmanager
def workforce(workers: int | None, dask: str | None = None) -> Iterator[Workforce]:
    """What a run works with.

    Args:
        workers: notebooks at a time; None: one for each two cores, or for each worker of a cluster.
        dask: address of a Dask scheduler; "": a cluster of this machine alone; None: processes.

    Raises:
        SmicnbError: no scheduler answers there.
    """
    cores = max(1, count_cores() // int(THREADS))
    if dask is None:
        count = workers or cores
        executor = Processes(count)
        try:
            yield Workforce(executor, count, {WORKERS: str(max(1, cores // count))})
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()
        return
    with contextlib.ExitStack() as stack:
        address = dask or stack.enter_context(_cluster(workers or cores, worker_variables()))
        client = stack.enter_context(_client(address))
        count = workers or max(1, len(client.nthreads()))
        yield Workforce(Dask(client, address), count, {SCHEDULER: address})


@contextlib.contextmanager
def hire(jobs: int | None, dask: str | None = None) -> Iterator[Executor | None]:
    """Workers for the pieces of one command; None, for here and now, for one job without Dask.

    Workers of this machine have its cores in equal shares, and else the environment of this process.

    Args:
        jobs: workers; None: one, or with Dask one for each two cores.
        dask: argument of `workforce`.

    Raises:
        SmicnbError: no scheduler answers there.
        RunError: the scheduler is gone, or a piece's worker died twice.
    """
    try:
        if dask is None and (jobs or 1) == 1:
            yield None
        elif dask is None:
            executor = Processes(jobs, thread_variables(count_cores() // jobs))
            try:
                yield executor
            finally:
                executor.shutdown(wait=False, cancel_futures=True)
        else:
            count = jobs or max(1, count_cores() // int(THREADS))
            with contextlib.ExitStack() as stack:
                address = dask or stack.enter_context(_cluster(count, thread_variables(count_cores() // count)))
                yield Dask(stack.enter_context(_client(address)), address)
    except SchedulerLostError as error:
        raise RunError(str(error), do="the same command resumes with what is not finished") from error
    except BrokenExecutor as error:
        raise RunError(
            "a worker died twice at the same piece of work",
            "workers that live, with enough memory",
            "ask for fewer jobs; the same command resumes with what is not finished",
        ) from error


@contextlib.contextmanager
def lend_executor() -> Iterator[Executor | None]:
    """The executor that `smicnb run` lends a kernel; None, for here and now, where it has no more than one worker."""
    if address := os.environ.get(SCHEDULER):
        with _client(address) as client:
            yield Dask(client, address)
    elif (workers := int(os.environ.get(WORKERS, "1"))) > 1:
        executor = Processes(workers)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
    else:
        yield None


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def make_room() -> None:
    """Let other tasks of a Dask worker have this one's place: it waits for a kernel, and the kernel for them."""
    if "distributed" in sys.modules:
        from distributed import secede

        with contextlib.suppress(ValueError, KeyError):  # in a process that is no worker
            secede()


@contextlib.contextmanager
def _cluster(workers: int, variables: dict[str, str]) -> Iterator[str]:
    """A cluster of this machine, whose workers have these environment variables: the address of its scheduler."""
    import logging

    from distributed import LocalCluster

    with tempfile.TemporaryDirectory(prefix="smicnb-", ignore_cleanup_errors=True) as folder:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # a kernel's memory is its own
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # any port: two commands at a time would want one
            local_directory=folder,
            env=variables,
            preload=[__name__],
            silence_logs=logging.CRITICAL,
        )
        with cluster:
            yield cluster.scheduler_address


def dask_setup(worker: object) -> None:
    """Begin a worker of our own cluster (Dask calls this): it leaves interrupts to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _client(address: str) -> Iterator["Client"]:
    import logging

    from distributed import Client

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # who lost a scheduler is told by an error
    # A client that never came to be takes long to go: so it is only made where somebody answers.
    try:
        with ThreadPoolExecutor(1) as thread:  # a kernel's own thread runs an event loop already
            thread.submit(asyncio.run, _ask(address)).result()
    except Exception as error:  # of sockets, of names, or of reading what is no scheduler's answer
        raise SmicnbError(
            f"no Dask scheduler answers at '{address}'",
            "the address of one, such as tcp://host:8786",
            "start one with 'dask scheduler', or leave --scheduler out for a cluster of this machine",
        ) from error
    with Client(address, set_as_default=False) as client:
        yield client


async def _ask(address: str) -> None:
    from distributed import rpc
    from distributed.security import Security

    async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
        answer = await asyncio.wait_for(scheduler.identity(), CONNECT_SECONDS)
    if answer["type"] != "Scheduler":
        raise ValueError(answer["type"])
