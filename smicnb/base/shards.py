"""Work in pieces on any executor: results as they come, and a piece that was lost with its worker once more."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, wait
from typing import TypeVar

Piece, Result = TypeVar("Piece"), TypeVar("Result")
ATTEMPTS = 2  # at a piece whose worker died; one that kills its workers each time is an error


def completed(
    task: Callable[[Piece], Result], pieces: Iterable[Piece], executor: Executor | None = None
) -> Iterator[tuple[Piece, Result]]:
    """Each piece with `task(piece)`, in the order in which they are done; here and now without an executor.

    Whoever keeps each result at once loses no more than the pieces in work when something dies.

    Raises:
        BrokenExecutor: a piece's worker died at every attempt (all others are done by then), or the executor takes
            nothing any more.
    """
    if executor is None:
        for piece in pieces:
            yield piece, task(piece)
        return
    waiting = {executor.submit(task, piece): (piece, 1) for piece in pieces}
    lost: BrokenExecutor | None = None
    try:
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                piece, attempt = waiting.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor as error:
                    if attempt < ATTEMPTS:
                        waiting[executor.submit(task, piece)] = (piece, attempt + 1)
                    else:
                        lost = error  # the other pieces are worth having
                else:
                    yield piece, result
    finally:
        for future in waiting:
            future.cancel()
    if lost:
        raise lost
