"""Whether there is room for one more text: in the store, on its disk, in front of its links, and on the way to the disk.

A text that finds no room is refused before anything of it is stored, and its caller is told when to come again:

=============== ====== =======================================================================================
``store-full``  507    the disk has little room left, or the database its quota; who has the disk must do something
``queue-full``  507    ``limits.queue_rows`` texts wait
``lane-full``   429    ``backlog`` texts wait for the link, and no other link may have them
``too-busy``    429    more comes than the disk can sync just now
=============== ====== =======================================================================================

What is bound to arrive all the same passes by here: inbound texts, reports, results, and what rules answer.

Texts that wait are counted in the database now and then (:meth:`Room.count`), and added up in between; texts that were
sent meanwhile, and those of rules, are seen at the next count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsgwd.config import Config
from smsgwd.errors import RequestRefused
from smsgwd.model import Draft
from smsgwd.queue.interface import Queue
from smsgwd.routing.answers import NotBefore

#: changes that may wait for the disk before new texts are refused; the writer itself takes twice as many, so that links
#: can still record what came
MOST_WAITING = 10_000
#: seconds after which a refused text may be tried again
DISK_PAUSE, ROWS_PAUSE, BUSY_PAUSE = 60.0, 15.0, 2.0


class Room:
    """Knows what waits, as far as it was counted or came through here."""

    def __init__(self, queue: Queue, config: Config) -> None:
        self.queue = queue
        self._waiting: dict[str, int] = {}
        self._total = 0
        #: refusals by slug since the start
        self.refused: dict[str, int] = {"store-full": 0, "queue-full": 0, "lane-full": 0, "too-busy": 0}
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._most = config.limits.queue_rows
        self._backlogs = {link.name: link.backlog for link in config.link if link.backlog}

    async def count(self, now: int) -> None:
        """Counts what waits, if it is bounded. StoreUnavailable."""
        if not (self._most or self._backlogs):
            return
        waiting: dict[str, int] = {}
        for row in await self.queue.depth(now):
            if row.state in ("queued", "held"):
                waiting[row.link] = waiting.get(row.link, 0) + row.count
        self._waiting, self._total = waiting, sum(waiting.values())

    def took(self, drafts: Sequence[Draft]) -> None:
        """These were accepted."""
        for draft in drafts:
            self._waiting[draft.link] = self._waiting.get(draft.link, 0) + 1
        self._total += len(drafts)

    def check(self) -> None:
        """RequestRefused when there is no room for a text, whatever its link."""
        low = self.queue.capacity().low
        if low:
            raise self._no("store-full", f"no new texts are taken: {low}", DISK_PAUSE)
        if self._most and self._total >= self._most:
            raise self._no("queue-full", f"{self._most} texts wait already (`limits.queue_rows`)", ROWS_PAUSE)
        if self.queue.waiting_changes() >= MOST_WAITING:
            raise self._no("too-busy", "more comes than the disk can take just now", BUSY_PAUSE)

    def _no(self, code: str, why: str, pause: float) -> RequestRefused:
        self.refused[code] += 1
        return RequestRefused(code, why, retry_after=pause)

    def full(self, now: int) -> Mapping[str, NotBefore]:
        """Links for which too many wait."""
        if not self._backlogs:
            return {}
        at = now + int(1000 * ROWS_PAUSE)
        return {
            name: NotBefore(at, "lane-full", f"{most} texts wait for {name} already (`backlog`)", name)
            for name, most in self._full_lanes().items()
        }

    def _full_lanes(self) -> dict[str, int]:
        return {name: most for name, most in self._backlogs.items() if self._waiting.get(name, 0) >= most}
