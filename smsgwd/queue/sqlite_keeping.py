"""The verbs of :mod:`smsgwd.queue.privacy.keeping`, and of its neighbours that are about care, on SQLite; :class:`smsgwd.queue.sqlite.SqliteQueue` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from smsgwd.queue import doubt, stepping
from smsgwd.queue.care import restored
from smsgwd.queue.care.aside import RestoredVerbs, Some
from smsgwd.queue.clockwork import ClockVerbs
from smsgwd.queue.policies import DoubtVerbs
from smsgwd.queue.privacy import acting, acts, audit, erasure, retention, shredding
from smsgwd.queue.privacy.chain import Entry, Head
from smsgwd.queue.privacy.keeping import Batch, Erased, Keep, KeepingVerbs, Place

if TYPE_CHECKING:
    import asyncio

    from smsgwd.queue.reader import Reader
    from smsgwd.queue.transaction import Transaction
    from smsgwd.queue.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")


class SqliteKeeping(ClockVerbs, DoubtVerbs, KeepingVerbs, RestoredVerbs):
    """Retention, erasure, audit; doubt, what a restore put aside, and a clock that was wrong."""

    _reader: Reader
    _writer: Writer | None

    if TYPE_CHECKING:

        def _put(
            self, verb: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **named: P.kwargs
        ) -> asyncio.Future[R]: ...

    async def purge(self, keep: Keep, at: Place, now: int, revisit: bool) -> Batch:
        return await self._put(retention.purge, keep, at, now, revisit)

    async def purgeable(self, keep: Keep, at: Place, now: int) -> Batch:
        return await self._reader.look(retention.purgeable, keep, at, now)

    async def purged(self, counts: Mapping[str, int], keep: Keep, now: int) -> bool:
        return (await self._put(acts.purged, counts, keep, now)).done

    async def erase(self, number: str, at: Place, now: int) -> Batch:
        return await self._put(erasure.erase, number, at, now)

    async def erased(self, number: str, counts: Mapping[str, int], now: int) -> Erased:
        proof, _ = await self._put(acts.erased, acting.actor(), number, counts, now)
        if self._writer is not None:
            self._writer.recent.forget()
        return proof

    async def shred(self) -> bool:
        return (await self._put(shredding.shred)).done

    async def audit_entries(self, after: int, limit: int) -> list[Entry]:
        return await self._reader.look(audit.entries, after, limit)

    async def audit_head(self) -> Head:
        return await self._reader.look(audit.head_of)

    async def record_act(self, act: str, now: int, of: Mapping[str, Any] | None = None) -> None:
        await self._put(acts.note, act, now, of)

    # ---- doubt, what a restore put aside, the clock

    async def set_policies(self, policies: Mapping[str, str]) -> None:
        await self._put(doubt.set_policies, policies)

    async def doubts_settled(self) -> dict[str, int]:
        return await self._reader.look(doubt.doubts_settled)

    async def let_go(self, what: str, after: int, limit: int, now: int) -> Some:
        return await self._put(restored.let_go, what, after, limit, now)

    async def doubt_clock(self, doubted: bool) -> None:
        await self._put(stepping.doubt_clock, doubted)

    async def clock_stepped(self, step: int, since: int | None, now: int) -> int:
        return await self._put(stepping.clock_stepped, step, since, now)
