"""The verbs of :mod:`smsgwd.queue.question` on SQLite; :class:`smsgwd.queue.sqlite.SqliteQueue` has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from smsgwd.model import DeliveryReport, Message
from smsgwd.queue import asking, wording
from smsgwd.queue.question import CarrierVerbs, Question, Rewording, Taken, Wording

if TYPE_CHECKING:
    import asyncio

    from smsgwd.queue.reader import Reader
    from smsgwd.queue.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")


class SqliteCarriers(CarrierVerbs):
    """What a carrier is asked about a text, taking one back, other words for it."""

    _reader: Reader

    if TYPE_CHECKING:

        def _put(
            self, verb: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **named: P.kwargs
        ) -> asyncio.Future[R]: ...

    async def questions(self, message: str) -> list[Question]:
        return await self._reader.look(asking.questions, message)

    async def overdue(self, link: str, after: int, until: int, beyond: str, limit: int) -> list[Question]:
        return await self._reader.look(asking.overdue, link, after, until, beyond, limit)

    async def record_answer(self, question: Question, report: DeliveryReport | None, by: str, now: int) -> None:
        await self._put(asking.record_answer, question, report, by, now)

    async def withdraw(self, message: str, now: int) -> list[Question]:
        return await self._put(asking.withdraw, message, now)

    async def withdrawn(self, message: str, taken: Taken, now: int) -> Message:
        return await self._put(asking.withdrawn, message, taken, now)

    async def paid_by(self, message: str) -> str:
        return await self._reader.look(wording.paid_by, message)

    async def reword(self, words: Wording, now: int) -> Message:
        return await self._put(wording.reword, words, now)

    async def rewording(self, words: Wording, now: int) -> Rewording:
        return await self._put(wording.rewording, words, now)

    async def reworded(self, asked: Rewording, kept: str, unknown: str, now: int) -> Message:
        return await self._put(wording.reworded, asked, kept, unknown, now)
