"""The newest events, kept in memory as they are committed.

The log, the outbox, the rules and everybody who tails read each event once, right after its commit. Asking the database
for them, each for itself, costs more than all the rest of a text; so the writer leaves here what it has committed, and
only who is further behind than that is answered by the database. Nothing is in here that is not on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

import msgspec

from smsgwd.model import MESSAGE, Event, EventData, public_id

#: events that are kept
CAPACITY = 4_000


class Committed(msgspec.Struct, frozen=True, gc=False):
    """One event as the writer has it; ``message`` is the row's number."""

    id: int
    at: int
    kind: str
    message: int | None
    link: str
    data: EventData

    def event(self) -> Event:
        message = "" if self.message is None else public_id(MESSAGE, self.message)
        return Event(id=self.id, at=self.at, kind=self.kind, message=message, link=self.link, data=self.data)


class Recent:
    """Their ids have no gap."""

    def __init__(self) -> None:
        self._events: deque[Committed] = deque(maxlen=CAPACITY)

    def extend(self, committed: Sequence[Committed]) -> None:
        """What one commit brought, in order."""
        self._events.extend(committed)

    def forget(self) -> None:
        """They were changed in the database: it is asked again."""
        self._events.clear()

    def after(self, after: int, limit: int, kind: str) -> list[Event] | None:
        """As :meth:`smsgwd.queue.interface.Queue.events_after`; None when the database has to be asked."""
        if not self._events:
            return None
        skip = after - self._events[0].id + 1
        if after < 0 or skip < 0:
            return None
        if skip > len(self._events):
            return []
        found = islice(self._events, skip, None)
        return [e.event() for e in islice((e for e in found if e.kind == kind) if kind else found, limit)]
