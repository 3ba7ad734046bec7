"""Texts that lie in the SIM or the modem: found, committed, and only then deleted.

``AT+CMGR`` → the sink commits → ``AT+CMGD``. A sink that raises leaves the text where it is. One index at a time and
never "delete all": that would take what came since the list. What is our own (stored drafts, stat 2 and 3) is left alone.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime

from smsgwd.clock import Clock
from smsgwd.errors import CommandError, StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import InboundSegment
from smsgwd.modem import commands
from smsgwd.modem.channel import Channel
from smsgwd.modem.commands import Slot, Usage
from smsgwd.modem.mapping import announced, read_pdu

#: share of the storage at which operators are told, and below which they may be told again
HIGH, LOW = 0.8, 0.5
#: notified slots that wait to be read; more than a SIM holds
MOST_SLOTS = 512

log = get_logger("modem")


class Storage:
    """The storages of one open modem."""

    def __init__(self, link: str, channel: Channel, sink: LinkSink, clock: Clock, memory: str) -> None:
        self.link, self.channel, self.sink, self.clock = link, channel, sink, clock
        #: where new texts go, and which memory AT+CMGR reads at present
        self.memory = self._selected = memory
        #: notified and not yet read, oldest first
        self._slots: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._high = False

    def note(self, notification: tuple[str, int]) -> bool:
        """Remembers a slot of ``+CMTI`` or ``+CDSI``; False when no more can be remembered."""
        if len(self._slots) >= MOST_SLOTS:
            return False
        self._slots[notification] = None
        return True

    @property
    def waiting(self) -> bool:
        return bool(self._slots)

    async def read_one(self) -> None:
        """Takes the oldest notified text."""
        memory, index = next(iter(self._slots))
        await self._select(memory)
        try:
            lines = await self.channel.ask(commands.read(index))
        except CommandError as e:
            lines = []
            if e.code not in (321, 21, 22):  # an empty slot is harmless: the poll was faster
                log.warning("a stored text cannot be read now", link=self.link, index=index, why=str(e))
        if lines and lines[0].pdu:
            await self._take(index, commands.stored(lines[0].text), lines[0].pdu, found=False)
        self._slots.pop((memory, index), None)

    async def drain(self, *, found: bool) -> None:
        """Takes everything that lies in the memory for new texts. ``found``: it lay there before the link was up."""
        await self._select(self.memory)
        for line in await self.channel.ask(commands.STORED):
            slot = commands.listed(line.text)
            if slot is None or slot.index is None or not line.pdu or not slot.incoming:
                continue
            await self._take(slot.index, slot, line.pdu, found=found)
            self._slots.pop((self.memory, slot.index), None)
        await self._watch()

    async def _take(self, index: int, slot: Slot, pdu: str, *, found: bool) -> None:
        if not slot.incoming:
            return
        if not announced(pdu, slot.length):
            log.warning("a stored text has another length than it says", link=self.link, index=index)
        await store(self.link, self.sink, self.clock, pdu, stored=found)
        await self._delete(index)

    async def _delete(self, index: int) -> None:
        """A text that cannot be deleted is read again by the next poll, and dropped as a copy."""
        try:
            await self.channel.ask(commands.delete(index))
        except CommandError as e:
            log.warning("a stored text cannot be deleted now", link=self.link, index=index, why=str(e))

    async def _select(self, memory: str) -> None:
        if memory != self._selected:
            await self.channel.ask(commands.select_memories(memory))
            self._selected = memory

    async def _watch(self) -> None:
        """Tells operators once when the storage fills."""
        used: Usage | None = commands.usage(await self.channel.first(commands.STORAGE))
        if used is None:
            return
        if used.share >= HIGH and not self._high:
            kind = "storage.full" if used.used >= used.total else "storage.high"
            await self.sink.noticed(self.link, kind, used=used.used, total=used.total, memory=self.memory)
        self._high = used.share >= (LOW if self._high else HIGH)


async def store(link: str, sink: LinkSink, clock: Clock, pdu: str, *, stored: bool = False) -> None:
    """Gives a text or a report to the sink. Returned means committed; StoreUnavailable: nothing may be acknowledged."""
    read = read_pdu(pdu, datetime.fromtimestamp(clock.now() / 1000, UTC), stored=stored)
    try:
        if isinstance(read, InboundSegment):
            await sink.received(link, read)
        else:
            await sink.reported(link, read)
    except StoreUnavailable as e:
        log.error("a text stays in the modem: the store is away", link=link, why=str(e))
        raise
