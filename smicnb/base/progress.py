"""Progress with time left: rich on a terminal, a widget in JupyterLab, plain lines elsewhere."""

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

T = TypeVar("T")
Advance = Callable[[float], None]

PLAIN_SECONDS = 10.0  # between two plain lines: a log should not drown in them
RECENT = 7  # plain lines, some minute


def _surface() -> str:
    """'terminal', 'widget' or 'plain'; `SMICNB_PROGRESS` overrules what is detected."""
    forced = os.environ.get("SMICNB_PROGRESS", "")
    if forced in ("terminal", "widget", "plain"):
        return forced
    shell = sys.modules.get("IPython")
    if shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell":
        return "widget"
    return "terminal" if sys.stderr.isatty() else "plain"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


class PlainBar:
    """One line at most every `PLAIN_SECONDS`, and one at the end if any was written before.

    Speed and time left are of the last `RECENT` lines: what was found in a cache says nothing of what comes.
    """

    def __init__(self, label: str, total: float, stream: TextIO, before: float = 0, unit: str = ""):
        self.label, self.total, self.stream, self.unit = label, total, stream, unit
        self.done = before
        self.start = self.wrote = time.monotonic()
        self.marks = deque([(self.start, before)], RECENT)
        self.silent = True

    def advance(self, amount: float = 1) -> None:
        self.done += amount
        now = time.monotonic()
        finished = self.done >= self.total
        if now - self.wrote < PLAIN_SECONDS and (self.silent or not finished):
            return
        self.wrote, self.silent = now, False
        then, had = self.marks[0]
        speed = (self.done - had) / max(now - then, 1e-9)
        self.marks.append((now, self.done))
        left = (self.total - self.done) / speed if speed else 0.0
        state = f"done in {_clock(now - self.start)}" if finished else f"{_clock(left)} left"
        state = f"{speed:.3g} {self.unit}/s, {state}" if self.unit and not finished else state
        share = 100 * self.done / self.total if self.total else 100
        print(f"{self.label}: {share:.0f} %, {state}", file=self.stream, flush=True)


@contextlib.contextmanager
def progress_bar(label: str, total: float, before: float = 0, unit: str = "") -> Iterator[Advance]:
    """Show one task; yields the function that advances it by an amount of `total`'s unit.

    Args:
        label: the work.
        total: the amount of all the work, in any unit.
        before: what an earlier run has done of it, in no time of this one.
        unit: name of `total`'s unit, where it is worth saying how many of it are done in a second.
    """
    surface = _surface()
    if surface == "terminal":
        from rich import progress as rich_progress
        from rich.console import Console

        columns = (
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.TaskProgressColumn(),
            *([_speed_column(unit)] if unit else []),
            rich_progress.TimeRemainingColumn(),
        )
        with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(label, total=total, completed=before)
            yield lambda amount=1: bars.advance(task, amount)
    elif surface == "widget":
        from tqdm.notebook import tqdm

        with tqdm(total=total, initial=before, desc=label, leave=False, unit=f" {unit}" if unit else "it") as bar:
            yield lambda amount=1: bar.update(amount)
    else:
        yield PlainBar(label, total, sys.stderr, before, unit).advance


def _speed_column(unit: str) -> "ProgressColumn":
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.3g} {unit}/s" if task.speed else "")

    return Speed()


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Iterate over `items` and show how far it has come (`total` where they have no length)."""
    with progress_bar(label, len(items) if total is None else total) as advance:
        for item in items:
            yield item
            advance(1)
