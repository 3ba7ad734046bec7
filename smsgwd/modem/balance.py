"""The balance of a prepaid SIM: asked for by USSD on a schedule, read by the configuration's pattern.

The amount is an event and a gauge; the answer itself is not kept, it may name the number. Nothing is asked while the link
is not up, and a failed try waits for the next time: a network that does not answer is asked no more often for that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from smsgwd.clock import Clock
from smsgwd.config import ModemConfig
from smsgwd.errors import LinkError
from smsgwd.link import LinkSink

#: seconds after the start, so that a link that goes up and down does not ask at every turn
SETTLED = 30.0


def amount(pattern: str, text: str) -> float | None:
    """The first group of the pattern as a number; a comma is a decimal point. None when it is not there."""
    found = re.search(pattern, text[:500])
    try:
        return float(found[1].replace(",", ".")) if found else None
    except (ValueError, TypeError, AttributeError):
        return None


class Balance:
    """The schedule of one link."""

    def __init__(
        self, config: ModemConfig, sink: LinkSink, clock: Clock, ask: Callable[..., Awaitable[tuple[str, bool]]]
    ) -> None:
        self.config, self.sink, self.clock, self._ask = config, sink, clock, ask

    async def run(self) -> None:
        """Until cancelled."""
        await self.clock.sleep(SETTLED)
        while True:
            await self.once()
            await self.clock.sleep(max(self.config.balance_every, 600))

    async def once(self) -> None:
        """One question; an event whatever comes of it."""
        name = self.config.name
        try:
            text, _ = await self._ask(self.config.balance)
        except LinkError as e:
            await self.sink.noticed(name, "link.balance", why=str(e))
            return
        found = await asyncio.to_thread(amount, self.config.balance_pattern, text)
        if found is None:
            await self.sink.noticed(name, "link.balance", why="the answer has no amount where `balance_pattern` looks")
        else:
            await self.sink.noticed(name, "link.balance", amount=found)
            await self.sink.described(name, balance=found)
