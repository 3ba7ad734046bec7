"""What is kept, how long, and how it goes: the verbs of retention, erasure and the audit chain.

Retention and erasure go in small commits, so that the thread that writes is never kept from texts for long: the caller asks
again with the :class:`Place` of the answer until that is None, and writes the sum at the end
(:func:`smsgwd.keeping.purge` and :func:`smsgwd.keeping.erase` do).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from smsgwd.queue.privacy.chain import Entry, Head

DAY = 86_400_000
#: an idempotency key is known at least so long, a PDU that comes again too, however short texts are kept; ms
KEYS = 7 * DAY
#: rows are kept at least so long: what is younger may still be asked for, reported on, or come again
ROWS = 14 * DAY


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is kept, in ms. Rows of texts and calls are kept for :data:`ROWS` at least."""

    #: words of texts, what came raw of them, their keys
    text: int
    #: rows of texts with their attempts, threads, calls that were given up
    metadata: int
    #: events, and calls that were taken
    events: int

    def older_than(self, age: int) -> Keep:
        """All of it, but nothing longer than ``age``."""
        return Keep(text=min(self.text, age), metadata=min(self.metadata, age), events=min(self.events, age))


class Place(msgspec.Struct, frozen=True):
    """Where a purge or an erasure goes on: a step, and the last row that it has done there."""

    step: int = 0
    after: int = 0


class Batch(msgspec.Struct, frozen=True):
    """What one commit did: how many rows of which kind, and where to go on (None: it was the last one)."""

    counts: dict[str, int]
    next: Place | None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of an erasure: what the audit chain says of it."""

    #: the keyed hash that stands for the number from now on
    person: str
    #: the entry of the audit chain, and its hash in hexadecimal
    audit: int
    hash: str
    #: rows by table
    counts: dict[str, int]
    #: the person had opted out, which stays
    opted_out: bool


class KeepingVerbs(Protocol):
    """Retention, erasure, audit."""

    async def purge(self, keep: Keep, at: Place, now: int, revisit: bool) -> Batch:
        """One commit of retention: at most 500 rows that are older than they are kept. What is still alive (waits, is on
        its way, in doubt, or awaits a report) is passed, and looked at again when ``revisit`` is asked for. Conflict while the wall clock is doubted."""
        ...

    async def purgeable(self, keep: Keep, at: Place, now: int) -> Batch:
        """The same without doing it: what the rows from ``at`` on would count."""
        ...

    async def purged(self, counts: Mapping[str, int], keep: Keep, now: int) -> bool:
        """The end of a purge: the sum in the audit chain, and the write-ahead log emptied, so that no old page is left in
        it. False when a reader keeps the log."""
        ...

    async def erase(self, number: str, at: Place, now: int) -> Batch:
        """One commit of the erasure of a person; the first cancels what waits for the number. NotFound when there is nothing
        of them; Conflict while a text is on its way."""
        ...

    async def erased(self, number: str, counts: Mapping[str, int], now: int) -> Erased:
        """The last commit: the contact, and the proof. An opt-out stays, by keyed hash."""
        ...

    async def shred(self) -> bool:
        """Empties the write-ahead log into the database. False when a reader keeps it."""
        ...

    async def audit_entries(self, after: int, limit: int) -> list[Entry]:
        """Entries of the audit chain behind a number, oldest first."""
        ...

    async def audit_head(self) -> Head:
        """The newest entry."""
        ...

    async def record_act(self, act: str, now: int, of: Mapping[str, Any] | None = None) -> None:
        """An act that has no row of its own, such as a restore."""
        ...
