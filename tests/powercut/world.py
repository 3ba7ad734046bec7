"""What a history knows, and how it leaves several verbs at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

from smsgwd.errors import SmsgwdError
from smsgwd.model import SUBMISSION, Draft, MessageClass, public_id
from smsgwd.queue.privacy.keeping import Place
from smsgwd.queue.question import Rewording
from smsgwd.queue.sqlite import SqliteQueue
from tests.contract import making
from tests.powercut.lives import Life

LINKS = tuple(making.OURS)
HOUR = making.HOUR


class World:
    """What a history knows: dice, a clock, the store."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.now, self.n = rng, making.NOW, 0
        self.life: Life
        #: a text whose carrier was asked for other words
        self.asked: Rewording | None = None
        #: who is being erased, and where that goes on; None when only the proof is left to write
        self.erasing: tuple[str, Place | None] | None = None

    @property
    def queue(self) -> SqliteQueue:
        return self.life.queue

    def pick(self, prefix: str, sql: str, *args: Any) -> str:
        """The public id of one of the rows that a SELECT of ids gives; "" when it gives none."""
        found = [row[0] for row in self.life.conn.execute(sql, args).fetchall()]
        return public_id(prefix, self.rng.choice(found)) if found else ""

    def value(self, sql: str, *args: Any) -> Any:
        found = self.life.conn.execute(sql, args).fetchone()
        return found and found[0]

    def number(self) -> str:
        return f"+155501007{self.rng.randrange(70, 79)}"

    def word(self) -> str:
        self.n += 1
        return f"{self.rng.choice(('Hello', 'Line down', 'Where is it', 'Thanks'))} {self.rng.getrandbits(40):x}"

    def draft(self, **more: Any) -> Draft:
        rng = self.rng
        return making.draft(
            self.word() * rng.choice((1, 1, 8)), to=self.number(), link=rng.choice(LINKS),
            class_=rng.choice((*MessageClass,)), parts=rng.choice((1, 1, 1, 2, 3)),
            expires=rng.choice((0, 0, self.now + HOUR)), held=rng.random() < 0.1, **more,
        )  # fmt: skip

    def in_flight(self, link: str = "%") -> list[str]:
        found = self.life.conn.execute("SELECT id FROM submission WHERE state = 'in_flight' AND link LIKE ?", (link,))
        return [public_id(SUBMISSION, id_) for (id_,) in found.fetchall()]


def together(*work: Awaitable[Any]) -> Awaitable[Any]:
    """In one commit. What a verb refuses is an answer, too."""
    return _together(work)


async def _together(work: tuple[Awaitable[Any], ...]) -> list[Any]:
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, SmsgwdError):
            raise result
    return results
