"""How long something takes: the fastest of some calls."""

import time
from collections.abc import Callable

REPEATS = 2


def fastest(
    function: Callable[[], object], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, object]:
    """Seconds of the fastest of some calls by a clock, and what the last one returned."""
    times = []
    for _ in range(repeats):
        start = clock()
        result = function()
        times.append(clock() - start)
    return min(times), result
