"""Work in pieces on any executor: results as they come, and a piece that was lost with its worker once more."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, wait
from typing import TypeVar

Piece, Result = TypeVar("Piece"), TypeVar("Result")


def run_pieces(
    task: Callable[[Piece], Result], pieces: Iterable[Piece], executor: Executor | None = None
) -> Iterator[tuple[Piece, Result]]:
    """Each piece with `task(piece)`, in the order in which they are done; here and now without an executor.

    Whoever keeps each result at once loses no more than the pieces in work when something dies. What was lost with a
    worker is tried once more when nothing else is in work.

    Raises:
        BrokenExecutor: a piece's worker died twice (all others are done by then), or the executor takes nothing any
            more.
    """
    if executor is None:
        for piece in pieces:
            yield piece, task(piece)
        return
    waiting = {executor.submit(task, piece): piece for piece in pieces}
    lost: list[Piece] = []
    try:
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                piece = waiting.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor:
                    lost.append(piece)
                else:
                    yield piece, result
    finally:
        for future in waiting:
            future.cancel()
    # Each on its own: a worker takes with it what it had only queued, and that must not be lost for it again.
    deadly: BrokenExecutor | None = None
    for piece in lost:
        try:
            yield piece, executor.submit(task, piece).result()
        except BrokenExecutor as error:
            deadly = error  # the other pieces are worth having
    if deadly:
        raise deadly
