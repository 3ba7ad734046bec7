"""USSD: one code at a time to the network, and its answer, without holding up the texts.

The loop of the link writes the command between two texts; the answer comes unasked, before the OK or a minute later, and
is given to who waits. One that nobody waits for (a message of the network's own) is a notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from smsgwd.errors import CommandError, LinkError
from smsgwd.modem import commands, ussd
from smsgwd.modem.channel import Channel

#: hands a piece of work to the loop that owns the channel
Errand = Callable[[Callable[[], Awaitable[None]]], None]


class UssdSession:
    """The session of one open modem."""

    def __init__(self, channel: Channel, how: str, errand: Errand) -> None:
        self.channel, self.how, self._errand = channel, how, errand
        self._waiting: asyncio.Future[ussd.Answer] | None = None

    async def ask(self, code: str) -> ussd.Answer:
        """The network's answer. LinkError when another code is under way, the modem refuses, or nothing comes."""
        if self._waiting is not None:
            raise LinkError("another USSD code is under way")
        command = ussd.ask(code, self.how)
        answer: asyncio.Future[ussd.Answer] = asyncio.get_running_loop().create_future()
        self._waiting = answer

        async def write() -> None:
            try:
                await self.channel.ask(command)
            except CommandError as e:
                self.fail(f"the modem refuses the code: {e}")

        self._errand(write)
        try:
            async with asyncio.timeout(ussd.PATIENCE):
                return await answer
        except TimeoutError:
            self._errand(self._end)
            raise LinkError(f"the network did not answer the code in {ussd.PATIENCE:.0f} s") from None
        finally:
            self._waiting = None

    async def _end(self) -> None:
        await self.channel.attempt(commands.USSD_END)

    def heard(self, line: str) -> bool:
        """A ``+CUSD`` line; False when nobody waits for one."""
        found = ussd.read(line, self.how)
        if found is None or self._waiting is None or self._waiting.done():
            return False
        self._waiting.set_result(found)
        return True

    def fail(self, why: str) -> None:
        """Who waits is told that nothing will come."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LinkError(why))
