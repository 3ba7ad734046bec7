"""What the verbs of a batch will look at, looked up for all of them at once.

A batch often holds the same verb many times: texts to accept, receipts to record. Each would look alone, and a look costs
more than what is done with it. So before the first of them its *look* (:data:`smsgwd.queue.sqlite.LOOKS`) reads for all
that follow in the batch, and the verbs ask here first.

What was seen counts only as long as nothing was written since, so a verb that changes what the next one sees costs that one
its look, and never its truth. A look at tables that deferred writes do not touch (see
:meth:`smsgwd.queue.transaction.Transaction.apart`) says so; those writes do not count for it then.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

#: verbs of one batch for which a look reads, and looks of one kind in a batch
MOST, LOOKS = 500, 8


class Ahead:
    """Of one batch, on the writer's connection."""

    __slots__ = ("_conn", "_deferred", "_seen")

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        #: rows that were written because they had been deferred
        self._deferred = 0
        #: topic -> (what was seen, changes until then, whether deferred writes count, looks so far)
        self._seen: dict[object, tuple[Mapping[Any, Any], int, bool, int]] = {}

    def changes(self, *, apart: bool) -> int:
        return self._conn.total_changes - (self._deferred if apart else 0)

    def deferred(self, rows: int) -> None:
        """So many rows were written that had been deferred."""
        self._deferred += rows

    def keep(self, topic: object, seen: Mapping[Any, Any], *, apart: bool = False) -> None:
        """Keeps what a look saw just now."""
        looks = self._seen[topic][3] if topic in self._seen else 0
        self._seen[topic] = seen, self.changes(apart=apart), apart, looks + 1

    def seen(self, topic: object) -> Mapping[Any, Any]:
        """What was seen, if it still holds; else nothing."""
        found = self._seen.get(topic)
        return found[0] if found is not None and found[1] == self.changes(apart=found[2]) else {}

    def wanted(self, topic: object) -> bool:
        """A look would tell something new, and there were not too many yet."""
        found = self._seen.get(topic)
        return found is None or (found[1] != self.changes(apart=found[2]) and found[3] < LOOKS)

    def clear(self) -> None:
        """The batch is over."""
        self._seen.clear()
