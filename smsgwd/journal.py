"""What simulators write down: one JSON line for each thing that happens, flushed at once, so that a test can read it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import msgspec

from smsgwd.clock import Clock, isoformat


class Journal:
    """A journal, open inside ``with``; an empty path writes nothing. OSError when the file cannot be opened."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._fd = -1

    def __enter__(self) -> Journal:
        if self._path:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def note(self, kind: str, **line: Any) -> None:
        """``{"at": ISO-8601, "kind": kind, …}``, one write, so that a reader never sees half a line."""
        if self._fd >= 0:
            os.write(self._fd, msgspec.json.encode({"at": isoformat(self._clock.now()), "kind": kind, **line}) + b"\n")
