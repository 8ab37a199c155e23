"""What a run and its workers tell each other, through files, so that it works on any executor and machine.

A worker appends events to a file beside its work. The run keeps a pulse file fresh for as long as it lives;
a worker whose run was stopped or killed sees it and ends.
"""

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 240  # looks of a worker at a pulse that stands still, half a second apart, before it ends


class Pulse:
    """A run's sign of life: as a context it begins, and goes at the end."""

    def __init__(self, path: Path):
        self.path, self.run = path, uuid.uuid4().hex

    def __enter__(self) -> "Pulse":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.run, encoding="ascii")
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def beat(self) -> None:
        """Say that the run goes on; call it every second or so."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def stop(self) -> None:
        """Tell all workers to end."""
        with contextlib.suppress(OSError):
            self.path.unlink()


class Listener:
    """In a worker: whether the run of a pulse goes on. Each call is one look.

    Args:
        path: of the pulse.
        run: whose pulse it has to be.
    """

    def __init__(self, path: Path, run: str):
        self.path, self.run = path, run
        self._seen, self._still = 0, 0

    def __call__(self) -> bool:
        """False where the run was stopped, another one has begun, or nothing was heard of it for long."""
        try:
            with self.path.open(encoding="ascii") as file:  # opening makes a network file system look again
                beat = os.fstat(file.fileno()).st_mtime_ns
                if file.read() != self.run:
                    return False
        except OSError:
            return False
        self._still = 0 if beat != self._seen else self._still + 1
        self._seen = beat
        return self._still < PATIENCE


def tell(events: Path, **event: Any) -> None:
    """Append an event; a disk that takes no more costs the progress display and nothing else."""
    with contextlib.suppress(OSError), events.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


class Told:
    """The events of one worker, as they come; each iteration gives those that are new."""

    def __init__(self, events: Path):
        self.events, self._offset = events, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            with self.events.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):  # still being written
                        return
                    self._offset += len(line)
                    yield json.loads(line)
        except (OSError, ValueError):
            return
