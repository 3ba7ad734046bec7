"""Whether the daemon lives: how late its event loop is, and what systemd's watchdog is told.

Every ``BEAT`` the loop is measured: how much later than asked for it came back. A loop that a slow rule or a long
computation blocks comes back late; one that is blocked for ever comes back never, and then nobody feeds the watchdog. The
thread that writes is looked at too: a loop that turns while nothing can be stored is no life. systemd starts the daemon
again when nothing has come for ``WatchdogSec``.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping

from smsgwd.clock import came
from smsgwd.log import get_logger

#: seconds between two looks, and how long a look is remembered
BEAT, REMEMBERED = 0.5, 60.0
#: seconds: how often systemd is told at least, and the watchdog of a unit that names none
MOST_SILENCE, NO_WATCHDOG = 15.0, 60.0

log = get_logger("pulse")


class Pulse:
    """``stuck_for``: seconds since the thread that writes has begun what it does now; ``notify`` tells systemd."""

    def __init__(
        self, stuck_for: Callable[[], float], notify: Callable[[str], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        watchdog = int(environ.get("WATCHDOG_USEC") or 0) / 1e6 or NO_WATCHDOG
        self._every, self._patience = min(MOST_SILENCE, watchdog / 4), watchdog / 2
        self._stuck_for, self._notify = stuck_for, notify
        self._seen: deque[float] = deque(maxlen=int(REMEMBERED / BEAT))
        self._told = self._stuck = False
        self._fed = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._feed(loop.time())
            before = loop.time()
            if not await came(stop, min(BEAT, self._every)):
                self._seen.append(max(0.0, loop.time() - before - min(BEAT, self._every)))

    def lag(self) -> float:
        """Seconds: the longest time of the last minute in which the loop did nothing else."""
        return max(self._seen, default=0.0)

    def _feed(self, now: float) -> None:
        stuck = self._stuck_for()
        if stuck >= self._patience:
            if not self._stuck:
                log.error("the thread that writes does not come back: systemd is told nothing more", seconds=int(stuck))
            self._stuck = True
            return
        self._stuck = False
        if not self._told or now - self._fed >= self._every:
            self._told, self._fed = True, now
            self._notify("WATCHDOG=1")
