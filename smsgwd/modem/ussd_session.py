"""USSD: one session at a time with the network, without holding up the texts.

A session is a code and what a person answers to the network's menus. The loop of the link writes the command between two texts; the answer comes unasked, before the OK or a minute later, and
is given to who waits. One that nobody waits for (a message of the network's own) is a notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

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
        self._busy = False

    async def talk(self, code: str, answers: Sequence[str] = ()) -> ussd.Answer:
        """The network's last answer to a code, and to the menus behind it; a session that is still open then is ended.
        LinkError when another session is under way, the modem refuses, or nothing comes."""
        if self._busy:
            raise LinkError("another USSD code is under way")
        self._busy = True
        try:
            said = await self._ask(code)
            for answer in answers:
                if said.m is not ussd.M.MORE:
                    raise LinkError(f"the network ended the session before {answer!r} was asked for: {said.text[:160]}")
                said = await self._ask(answer)
            if said.m is ussd.M.MORE:
                self._errand(self._end)
            return said
        finally:
            self._busy = False

    async def _ask(self, code: str) -> ussd.Answer:
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
