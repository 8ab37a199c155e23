"""A papermill engine that says of every cell what became of it, also where the kernel died, hung or was stopped.

The notebook is written by whoever called, once, when all is over: nothing is rewritten after every cell.
"""

import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill import engines

from smicnb.base.errors import one_line
from smicnb.repro.runs.kernels import kernel_specs
from smicnb.repro.runs.records import CellState

NAME = "smicnb"  # what papermill knows the engine by
OUTPUT_BYTES = 8 * 2**20  # kept of a cell's output, as text and base64
LINE, TRACEBACK = 500, 20_000  # characters kept of an error: of its text, and of all that the kernel says of it
POLL = 0.5  # seconds between two looks at whether the kernel lives and the run goes on
LONGEST_FOLDER = 60  # of sockets: their whole path must stay below about 100 characters
START_SECONDS = 120  # within which a kernel has to answer


class KernelStartError(Exception):
    """A kernel that did not come up; nothing of the notebook was executed."""


@dataclass
class Execution:
    """One execution of a notebook: what it is given, and what became of it.

    Args:
        folder: the kernel's working folder.
        environment: the kernel's environment variables.
        log: file for what the kernel process says on its own, not through a cell.
        timeout: seconds for each cell; None: as long as it takes.
        going_on: False once the run is to stop.
        tell: function that is given a code cell's place, from 0, and its new state.

    Attributes:
        cells: a state for every code cell: pending, running, done, failed, dead, timeout or interrupted.
        error: kind, text on one line, and place of the cell that ended it; None where all are done.
        notebook: the notebook, as far as it came.
    """

    folder: Path
    environment: dict[str, str]
    log: IO[str]
    timeout: int | None = None
    going_on: Callable[[], bool] = lambda: True
    tell: Callable[[int, CellState], None] = lambda cell, state: None
    cells: list[CellState] = field(default_factory=list)
    error: dict[str, Any] | None = None
    notebook: nbformat.NotebookNode | None = None

    def mark(self, cell: int, state: CellState) -> None:
        """Set the state of a code cell and tell it."""
        self.cells[cell] = state
        self.tell(cell, state)


def short_folder() -> tempfile.TemporaryDirectory:
    """A private folder whose path is short enough for sockets."""
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST_FOLDER and Path("/tmp").is_dir():
        parent = "/tmp"
    return tempfile.TemporaryDirectory(prefix="smicnb-", dir=parent, ignore_cleanup_errors=True)


class _Manager(AsyncKernelManager):
    """Knows only the kernels of this environment, and is reached over sockets of the file system where there are."""

    def __init__(self, folder: Path, **settings: Any):
        unix = hasattr(signal, "SIGKILL")
        where = {"transport": "ipc", "connection_file": str(folder / "kernel.json")} if unix else {}
        super().__init__(kernel_spec_manager=kernel_specs(), **where, **settings)


class _Client(NotebookClient):
    """nbclient with bounded outputs, which stops where the run does."""

    def __init__(self, execution: Execution, notebook: nbformat.NotebookNode, kernel: str, folder: Path):
        super().__init__(
            notebook,
            km=_Manager(folder, kernel_name=kernel),
            timeout=execution.timeout,
            startup_timeout=START_SECONDS,
            iopub_timeout=30,  # a cell that prints a flood is done before its output has come
        )
        self.owns_km = True  # shuts the kernel down
        self.execution, self.stopped, self.status = execution, False, None
        self._kept, self._cut = 0, Counter()
        self._raised: tuple[str, str] | None = None  # kind and text of the first error that the kernel told of

    async def _async_poll_kernel_alive(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            self.status = await self.km.provisioner.poll()
            self.stopped = not self.execution.going_on()
            if self.stopped or self.status is not None:
                self.task_poll_for_reply.cancel()
                return

    def run_cell(self, cell: nbformat.NotebookNode, index: int) -> tuple[CellState, str, str]:
        """Execute a code cell; returns its state, and the kind and text of its error, "" where it is done."""
        self._kept, self._cut, self._raised = 0, Counter(), None
        try:
            self.execute_cell(cell, index)
            # A magic such as %%capture and an output widget take an error to themselves: the kernel tells of it, and
            # says that the cell went well.
            if self._raised and "raises-exception" not in cell.metadata.get("tags", []):
                return _describe_failure(*self._raised)
            return "done", "", ""
        except CellExecutionError as error:
            return _describe_failure(error.ename, error.evalue)
        except CellTimeoutError:
            return "timeout", "Timeout", f"the cell took longer than {self.execution.timeout} s and was ended"
        except DeadKernelError:
            if self.stopped:
                return "interrupted", "Interrupted", "the run was stopped"
            return "dead", "DeadKernel", _last_words(self.status)
        finally:
            cell.outputs = _join_outputs(cell.outputs)
            if self._cut:
                cut = ", ".join(f"{size} bytes of {kind}" for kind, size in self._cut.items())
                note = f"[smicnb left out {cut}: a cell's output is kept up to {OUTPUT_BYTES} bytes]\n"
                cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=note))

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> nbformat.NotebookNode | None:
        """Take an output where it fits into what is left of `OUTPUT_BYTES`; errors always do, shortened."""
        if self.clear_before_next_output:
            self._kept, self._cut = 0, Counter()
        kind, content = msg["msg_type"], msg["content"]
        left = OUTPUT_BYTES - self._kept
        if kind == "stream":
            text = content["text"]
            content["text"] = text.encode(errors="replace")[:left].decode(errors="ignore") if left > 0 else ""
            self._cut += Counter({content["name"]: _size(text) - _size(content["text"])})
            if not content["text"] and text:
                return None
        elif kind == "error":
            self._raised = self._raised or (content["ename"], content["evalue"])
            content["evalue"] = _short(content["evalue"], LINE)
            if len(text := "\n".join(content["traceback"])) > TRACEBACK:
                content["traceback"] = [f"{text[: TRACEBACK // 2]}\n…\n{text[-TRACEBACK // 2 :]}"]
        elif _size(content.get("data")) > left:
            self._cut += Counter({"pictures and results": _size(content.get("data"))})
            return None
        self._kept += _size(content.get("text")) + _size(content.get("data"))
        return super().output(outs, msg, display_id, cell_index)

    def clear_output(self, outs: list, msg: dict, cell_index: int) -> None:
        """Clear a cell's output, which makes room for more."""
        super().clear_output(outs, msg, cell_index)
        if not outs:
            self._kept, self._cut = 0, Counter()

    def _update_display_id(self, display_id: str, msg: dict) -> None:
        if _size(msg["content"].get("data")) <= OUTPUT_BYTES:
            super()._update_display_id(display_id, msg)


class Engine(engines.Engine):
    """What papermill runs a notebook with; takes an `Execution` as `execution`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: engines.NotebookExecutionManager, kernel_name: str, **options: Any):
        """Execute cell by cell up to the first that is not done; those after it stay pending.

        Raises:
            KernelStartError: the kernel did not come up.
        """
        execution: Execution = options["execution"]
        execution.notebook = nb_man.nb
        code = [cell for cell in nb_man.nb.cells if cell.cell_type == "code"]
        execution.cells[:] = ["pending"] * len(code)
        for cell in code:
            cell.metadata["smicnb"] = {"state": "pending"}
        with ExitStack() as stack:
            folder = Path(stack.enter_context(short_folder()))
            client = _Client(execution, nb_man.nb, kernel_name, folder)
            place = {"cwd": str(execution.folder), "env": {**execution.environment, "IPYTHONDIR": str(folder)}}
            try:
                stack.enter_context(client.setup_kernel(**place, stdout=execution.log, stderr=execution.log))
            except Exception as error:  # whatever the launcher, the sockets or the kernel's first answer raise
                raise KernelStartError(_one_line(error)) from error
            number = 0
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                if cell.cell_type == "code":
                    execution.mark(number, "running")
                    state, kind, text = client.run_cell(cell, index)
                    cell.metadata["smicnb"] = {"state": state}
                    if kind:
                        execution.error = {"kind": kind, "text": _one_line(text) or kind, "cell": number}
                        if not any(shown.output_type == "error" for shown in cell.outputs):
                            _show(cell, kind, text)  # the kernel could not
                        nb_man.cell_exception(cell, index)
                        client.shutdown_kernel = "immediate"
                    execution.mark(number, state)
                    number += 1
                nb_man.cell_complete(cell, index)
                if execution.error:
                    return


def _describe_failure(kind: str, text: str) -> tuple[CellState, str, str]:
    """The state of a cell that an error ended, and the error."""
    if kind == "KeyboardInterrupt":
        return "interrupted", kind, "the kernel was interrupted"
    return "failed", kind, text


def _join_outputs(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs, where what came piece by piece from one stream is one piece.

    nbclient's own way of doing this takes the square of a line's length.
    """
    joined = []
    for name, group in groupby(outputs, lambda output: output.get("name")):
        if name is None:
            joined += group
        else:
            text = "".join(output.text for output in group)
            joined.append(nbformat.v4.new_output("stream", name=name, text=text))
    return joined


def _show(cell: nbformat.NotebookNode, kind: str, text: str) -> None:
    """Say in the cell's output what ended it."""
    text = _short(text, LINE)
    cell.outputs.append(nbformat.v4.new_output("error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"]))


def _last_words(status: int | None) -> str:
    """How a kernel process ended."""
    if status is None or status >= 0:
        return f"the kernel ended in this cell{'' if status is None else f', with exit status {status}'}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    why = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"the kernel was killed in this cell ({name}{why})"


def _size(value: Any) -> int:
    """Bytes of a text, or of the texts in a bundle of representations."""
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, dict):
        return sum(_size(each) if isinstance(each, str | dict) else len(str(each)) for each in value.values())
    return 0


def _one_line(value: object) -> str:
    text = one_line(str(value)) or (type(value).__name__ if isinstance(value, Exception) else "")
    return _short(text, LINE)


def _short(text: str, longest: int) -> str:
    """Without its middle where it is too long: what is to be done stands at the end."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-(half - 1) :]}"


engines.papermill_engines.register(NAME, Engine)
