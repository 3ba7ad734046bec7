"""Receipts that are due later: one timer of the event loop for all of them."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

from smsgwd.smpp.sim.messages import Text

#: receipts that may wait
MOST_DUE = 50_000
#: seconds within which receipts are due at the same time, where they come in any order
_TOGETHER = 0.05


class Due:
    """``report`` is called for each text when ``after`` seconds have passed; ``shuffled``: in any order among those that
    are due at the same time."""

    def __init__(self, after: float, shuffled: bool, report: Callable[[Text], None]) -> None:
        self._after, self._shuffled, self._report = after, shuffled, report
        self._waiting: deque[tuple[float, Text]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MOST_DUE

    def add(self, text: Text) -> None:
        self._waiting.append((asyncio.get_running_loop().time() + self._after, text))
        self._wind()

    def end(self) -> None:
        """Nothing more is reported."""
        if self._timer is not None:
            self._timer.cancel()

    def _wind(self) -> None:
        """One timer is enough: what was submitted first is due first."""
        if self._timer is None and self._waiting:
            at = self._waiting[0][0] + (_TOGETHER if self._shuffled else 0.0)
            self._timer = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        ready = []
        while self._waiting and self._waiting[0][0] <= now:
            ready.append(self._waiting.popleft()[1])
        if self._shuffled:
            random.shuffle(ready)
        for text in ready:
            self._report(text)
        self._wind()
