"""What came from an SMSC on its way to the store, and the answers to it.

Clerks take from a list, call the sink, and acknowledge when it has returned, that is, committed. They are several, so that
one commit of the store can hold many texts; one that has nothing to do waits for the next text instead of a new task being
made for it. A text is decoded when its turn comes, so that a long read holds up no answer to us.

When more than ``MOST`` wait, reading stops until half of them are stored, and TCP makes the SMSC wait. A store that is away
is told to the SMSC with ESME_RX_T_APPN for ``REFUSING`` seconds; SMSCs differ in how often they try again before they throw
a text away, so after that reading stops too, and the clerks keep what they have until the store takes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from smsgwd.clock import Clock
from smsgwd.errors import StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import DeliveryReport, InboundSegment, SubmitResult
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.events import Answer, Delivery

log = get_logger("smpp")

#: texts and receipts that wait for the store before reading stops, and how many may be with it at once
MOST, CLERKS = 1_000, 32
#: seconds of ESME_RX_T_APPN, and between two tries after that
REFUSING, PAUSE = 5.0, 1.0
#: tries, and seconds between them, to store a late answer while the store is away
_LATE_TRIES, _LATE_PAUSE = 60, 1.0
#: odd things of the peer that become events, for each connection
MOST_NOTICES = 20

Inbound = InboundSegment | DeliveryReport


class Wire(Protocol):
    """The connection, as its inbox sees it."""

    def decoded(self, delivery: Delivery) -> Inbound:
        """What it says, with the octets that are stored of it."""
        ...

    def answer(self, delivery: Delivery, status: int) -> None:
        """Its response."""
        ...

    def refused(self, delivery: Delivery) -> None:
        """It was not stored: when it comes again, it is the first one."""
        ...

    def read(self, on: bool) -> None:
        """Stops reading, or goes on."""
        ...

    async def stalled_changed(self) -> None:
        """``Inbox.stalled`` has changed."""
        ...


class Inbox:
    """Of one connection. ``stalled``: the store has been away for so long that reading stopped."""

    def __init__(self, name: str, clock: Clock, wire: Wire, judge: Callable[[Answer], SubmitResult]) -> None:
        self._name, self._clock, self._wire, self._judge = name, clock, wire, judge
        self._items: deque[Delivery | Answer | str] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._clerks: list[asyncio.Task[None]] = []
        self._busy = self._notices = 0
        self._full = self.stalled = False
        self._away_since: float | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._group: asyncio.TaskGroup | None = None

    def open(self, group: asyncio.TaskGroup, sink: LinkSink) -> None:
        """Clerks are made in this group when there is work for them."""
        self._group, self._sink = group, sink
        for _ in range(min(len(self._items), CLERKS)):
            self._call_clerk()

    def close(self) -> None:
        """Ends the clerks. What is with the store or waits for it gets no answer."""
        self._group = None
        self._idle.clear()  # who is cancelled can be woken no more
        for clerk in self._clerks:
            clerk.cancel()

    def put(self, item: Delivery | Answer | str) -> None:
        """A text or receipt, a late answer to settle, or something odd to tell."""
        if type(item) is str:
            self._notices += 1
            if self._notices > MOST_NOTICES + 1:
                return
            if self._notices == MOST_NOTICES + 1:
                item = "the SMSC goes on with odd PDUs; no more of them is told"
        self._items.append(item)
        self._call_clerk()
        if not self._full and len(self._items) > MOST:
            self._full = True
            self._wire.read(False)

    def _call_clerk(self) -> None:
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._clerks) < CLERKS and self._group is not None:
            name = f"clerk {len(self._clerks) + 1} of {self._name}"
            self._clerks.append(self._group.create_task(self._clerk(), name=name))

    @property
    def waiting(self) -> int:
        """What has no answer yet."""
        return len(self._items) + self._busy

    async def empty(self) -> None:
        """Waits until all that came is stored and answered."""
        if self.waiting:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    # -- clerks ------------------------------------------------------------------------------------------------------

    async def _clerk(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._items:
                item = self._items.popleft()
                self._busy += 1
                try:
                    await self._handle(item)
                finally:
                    self._busy -= 1
                if self._full and len(self._items) <= MOST // 2:
                    self._full = False
                    self._wire.read(not self.stalled)
            if self._emptied is not None and not self._busy and not self._emptied.done():
                self._emptied.set_result(None)
            wake = loop.create_future()
            self._idle.append(wake)
            await wake

    async def _handle(self, item: Delivery | Answer | str) -> None:
        if type(item) is Delivery:
            await self._store(item)
        elif isinstance(item, Answer):
            await self._settle(item)
        else:
            await self._sink.noticed(self._name, "link.notice", what=str(item))

    async def _store(self, delivery: Delivery) -> None:
        """Acknowledges after the commit, and not before."""
        inbound = self._wire.decoded(delivery)
        while True:
            try:
                if type(inbound) is InboundSegment:
                    await self._sink.received(self._name, inbound)
                elif isinstance(inbound, DeliveryReport):
                    await self._sink.reported(self._name, inbound)
            except StoreUnavailable as e:
                if self._may_refuse(e):
                    self._wire.refused(delivery)
                    self._wire.answer(delivery, CommandStatus.ESME_RX_T_APPN)
                    return
                await self._stall(e)
                continue
            if self._away_since is not None:
                await self._store_is_back()
            self._wire.answer(delivery, 0)
            return

    # -- the store is away -------------------------------------------------------------------------------------------

    def _may_refuse(self, error: StoreUnavailable) -> bool:
        now = self._clock.monotonic()
        if self._away_since is None:
            self._away_since = now
            log.warning("the store is away; deliveries are left with the SMSC", link=self._name, why=str(error))
        return now - self._away_since < REFUSING

    async def _stall(self, error: StoreUnavailable) -> None:
        if not self.stalled:
            self.stalled = True
            log.error("the store stays away; the SMSC is not read any more", link=self._name, why=str(error))
            self._wire.read(False)
            await self._wire.stalled_changed()
        await self._clock.sleep(PAUSE)

    async def _store_is_back(self) -> None:
        self._away_since = None
        if self.stalled:
            self.stalled = False
            self._wire.read(not self._full)
            await self._wire.stalled_changed()

    async def _settle(self, answer: Answer) -> None:
        for _ in range(_LATE_TRIES):
            try:
                return await self._sink.settled(self._name, answer.key, self._judge(answer))
            except StoreUnavailable:
                await self._clock.sleep(_LATE_PAUSE)
        log.error("a late answer could not be stored; the text stays uncertain", link=self._name, submission=answer.key)
        return None
