"""Voice calls to the modem's number: told once each, and hung up where the configuration says so.

``RING`` comes every few seconds while it rings, ``+CLIP`` with the number behind each; both fall into any reply. A call is
over when nothing rang for ``SILENCE`` seconds. Rules with `call = true` can answer one with a text: the sink gets the
caller's number, once for each call, and keeps it like a text without words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from smsgwd.clock import Clock
from smsgwd.config import ModemConfig
from smsgwd.link import LinkSink
from smsgwd.modem import commands
from smsgwd.modem.channel import Channel

#: RINGs of one call are at most so many seconds apart
SILENCE = 6.0


class Calls:
    """The calls of one open modem."""

    def __init__(
        self, config: ModemConfig, channel: Channel, sink: LinkSink, clock: Clock,
        errand: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:  # fmt: skip
        self.config, self.channel, self.sink, self.clock, self._errand = config, channel, sink, clock, errand
        self._last = float("-inf")
        self._told = False

    async def rings(self, line: str) -> None:
        """``RING``, ``+CRING: VOICE`` or ``+CLIP: "+43…",145``."""
        now = self.clock.monotonic()
        if now - self._last > SILENCE:
            self._told = False
            await self.sink.noticed(self.config.name, "call.incoming")
            if self.config.hangup:
                self._errand(self._hang_up)
        self._last = now
        number = commands.caller(line) if line.startswith("+CLIP") else ""
        if number and not self._told:
            self._told = True
            await self.sink.called(self.config.name, number)

    async def _hang_up(self) -> None:
        if await self.channel.attempt(commands.HANG_UP) is None:
            await self.channel.attempt(commands.HANG_UP_OLD)
