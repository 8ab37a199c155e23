"""Options by which a command says who does its work: processes of this machine, or the workers of a Dask cluster."""

from enum import StrEnum
from typing import Annotated

import typer

from smicnb.base.bounds import MOST_JOBS
from smicnb.base.errors import SmicnbError


class ExecutorName(StrEnum):
    """Who does the work."""

    processes = "processes"
    dask = "dask"


ExecutorOption = Annotated[ExecutorName, typer.Option(help="Processes of this machine, or a Dask cluster.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address of a Dask cluster; else a local one is started.")
]
Encoders = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        max=MOST_JOBS,
        help="Workers that read and encode photographs, which share the cores.",
        show_default="1; one for each two cores with Dask",
    ),
]


def dask_address(executor: ExecutorName, scheduler: str | None) -> str | None:
    """What `executors` take: the address of a scheduler, "" for a cluster of this machine, None for processes.

    Raises:
        SmicnbError: an address, and processes.
    """
    if scheduler is not None and executor is not ExecutorName.dask:
        raise SmicnbError(f"found --scheduler {scheduler}", "--executor dask with it")
    return (scheduler or "") if executor is ExecutorName.dask else None
