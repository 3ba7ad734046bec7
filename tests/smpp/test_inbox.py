"""What waits between an SMSC and the store, when a connection ends."""

import asyncio

from smsgwd.clock import SystemClock
from smsgwd.model import Accepted
from smsgwd.smpp.inbox import Inbox


class Sink:
    """Notes what an operator is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def noticed(self, link: str, kind: str, **data) -> None:
        self.told.append(data["what"])


async def test_what_comes_after_the_end():
    """An inbox that is closed takes what still comes and does nothing with it; its clerks are gone."""
    sink, inbox = Sink(), Inbox("c1", SystemClock(), None, lambda answer: Accepted())
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        inbox.open(group, sink)
        inbox.put("odd")
        while not sink.told:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        inbox.close()
        inbox.put("late")
    assert sink.told == ["odd"]
    assert inbox.waiting == 1
