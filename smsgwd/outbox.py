"""The outbox worker: calls that we owe desks, told until taken or dead.

One :class:`Lane` for each desk, so that a slow one holds nobody up. What a desk is told is stored before, joined with
texts and numbers only when it is sent, and has one id over all tries, so that the desk can see a copy. Calls of one
conversation go one after another: the second waits until the first is taken or dead.

A desk that does not take a call gets it again after a growing pause, for three days; then the call is dead, which
operators see and can replay. While a desk fails again and again, its :class:`Circuit` lets one call at a time probe it,
with a rest between probes, so that a thousand waiting calls do not knock at a closed door.

The :class:`Reader` turns events of the kinds that desks asked for, and events of texts with a ``callback``, into owed
calls, each exactly once: the calls and the reader's place are written in one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from smsgwd.clock import Clock
from smsgwd.errors import Conflict, NotFound, StoreUnavailable
from smsgwd.events import WEBHOOK_KINDS
from smsgwd.helpdesk.body import joined
from smsgwd.helpdesk.interface import Call, Delivery, Desk, Never, NotNow, Taken
from smsgwd.log import get_logger
from smsgwd.model import Contact, Conversation, Event, Message, OutboxItem
from smsgwd.queue.interface import Queue

#: calls to one desk at once while it takes them; one while it does not
WINDOW = 8
#: failures in a row after which a desk is only probed; its rests in seconds, doubling from the first to the last
BROKEN = 5
FIRST_REST, LAST_REST = 2.0, 60.0
#: the pause of a call in seconds doubles from the first to the last; a random share of it is waited ("full jitter"),
#: so that calls that failed together do not come back together; never less than the least
LEAST_PAUSE, FIRST_PAUSE, LAST_PAUSE = 1.0, 2.0, 3600.0
#: a call is given up when it is this old (milliseconds) and was tried so often: one that waited long for us, or that an
#: operator replays after weeks, gets its tries all the same
LONGEST, LEAST_TRIES = 3 * 86_400_000, 10
#: tries of a call that is itself what the desk cannot take
POISON_TRIES = 5
#: seconds; a safety net under the hints, not a polling interval
LONGEST_SLEEP = 60.0
BATCH = 200
#: the reader's place is written at most every so many events that needed nothing
SKIP = 1000
#: seconds that a call under way may take at a stop
LAST_CALL = 5.0
#: pauses in seconds between tries of a verb while the store is away
STORE_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)

T = TypeVar("T")
Jitter = Callable[[], float]

log = get_logger("outbox")


class Outbox:
    """Tells desks. ``jitter`` gives the share of each pause that is waited, 0..1."""

    def __init__(self, queue: Queue, desks: Sequence[Desk], clock: Clock, jitter: Jitter = random.random) -> None:
        self.desks = desks
        self.reader = Reader(queue, desks, clock)
        self.lanes = [Lane(desk, queue, clock, jitter) for desk in desks]

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a call under way gets a little time to end. What is not told stays owed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.reader.run(stop), name="outbox reader")
                for lane in self.lanes:
                    group.create_task(lane.run(stop), name=f"outbox {lane.desk.name}")
        finally:
            for desk in self.desks:
                await desk.close()


# ---- events → calls ------------------------------------------------------------------------------------------------


class Reader:
    """Reads events and owes calls for them."""

    def __init__(self, queue: Queue, desks: Sequence[Desk], clock: Clock) -> None:
        self.queue, self.desks, self.clock = queue, desks, clock
        self._hint = queue.hint(*(f"events:{kind}" for kind in WEBHOOK_KINDS if desks))
        #: the last event that was read, and the one that is stored as read; -1 before the first look
        self._position = self._stored = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. Then its place is written, so that a desk that is added to the configuration before the next
        start is not told of what was before it."""
        while not stop.is_set():
            self._hint.clear()
            try:
                if await self._read():
                    continue
                pause = LONGEST_SLEEP
            except StoreUnavailable as e:
                log.warning("the store is away, events wait for the desks", why=str(e))
                pause = STORE_PAUSES[-1]
            await _either(self._hint, stop, pause)
        with contextlib.suppress(StoreUnavailable):
            await self._skip(1)

    async def _read(self) -> bool:
        """One batch; True when there may be more. Nothing is lost or owed twice when the store leaves in between."""
        if self._position < 0:
            self._position = self._stored = await self.queue.cursor("webhooks")
        events = await self.queue.events_after(self._position, BATCH)
        items = [item for event in events for item in await self._items(event)]
        if items:
            await self.queue.owe(items, self.clock.now())
            self._stored = max(int(item.data["event"] or 0) for item in items)
        if events:
            self._position = events[-1].id
        await self._skip(SKIP)
        return bool(events)

    async def _skip(self, least: int) -> None:
        """Stores the place when it is at least so many events further on than what is stored."""
        if self._position - self._stored >= least:
            await self.queue.skip("webhooks", self._position)
            self._stored = self._position

    async def _items(self, event: Event) -> list[OutboxItem]:
        """A call for each desk that wants to hear of an event; with its conversation, which gives the calls' order."""
        desks = [x for x in self.desks if event.kind in x.events or event.data.get("callback") == x.name]
        if event.kind not in WEBHOOK_KINDS or not desks:
            return []
        conversation = event.data.get("conversation") or ""
        if event.message and not conversation:
            with contextlib.suppress(NotFound):
                conversation = (await self.queue.message(event.message)).conversation
        data = {**event.data, "event": event.id, **({"link": event.link} if event.link else {})}
        return [
            OutboxItem(
                id="", endpoint=desk.name, kind=event.kind, message=event.message, conversation=str(conversation),
                at=event.at, data=data,
            )
            for desk in desks
        ]  # fmt: skip


# ---- calls → desks -------------------------------------------------------------------------------------------------


class Circuit:
    """How a desk has done lately, and so how many calls may be under way to it."""

    def __init__(self, clock: Clock, jitter: Jitter) -> None:
        self.clock, self.jitter = clock, jitter
        self.failures = 0
        self._until = clock.monotonic()

    @property
    def broken(self) -> bool:
        return self.failures >= BROKEN

    def rest(self) -> float:
        """Seconds until the next call may begin."""
        return max(0.0, self._until - self.clock.monotonic())

    def room(self, busy: int) -> int:
        """How many calls may begin besides those under way."""
        if self.rest():
            return 0
        return max(0, (1 if self.broken else WINDOW) - busy)

    def note(self, delivery: Delivery) -> None:
        """What came of a call. A desk that finds one call wrong answers: it is not at fault as a whole."""
        if isinstance(delivery, Taken) or (isinstance(delivery, NotNow) and delivery.poison):
            self.failures = 0
            return
        self.failures += 1
        rest = delivery.after if isinstance(delivery, NotNow) else 0.0
        if self.broken:
            doubled = FIRST_REST * 2.0 ** min(self.failures - BROKEN, 20)
            rest = max(rest, min(doubled, LAST_REST) * (0.5 + 0.5 * self.jitter()))
        self._until = max(self._until, self.clock.monotonic() + rest)


def verdict(item: OutboxItem, delivery: Delivery, now: int, jitter: Jitter) -> tuple[str, str, int]:
    """What becomes of a call: (done | retry | dead, why, when to try again in milliseconds)."""
    if isinstance(delivery, Taken):
        return "done", "", now
    if isinstance(delivery, Never):
        return "dead", delivery.reason, now
    tries = item.attempts + 1
    if delivery.poison and tries >= POISON_TRIES:
        return "dead", f"{delivery.reason}, {tries} times: the desk does not take this call", now
    if now - item.at >= LONGEST and tries >= LEAST_TRIES:
        return "dead", f"{delivery.reason}, for three days", now
    doubled = min(FIRST_PAUSE * 2.0 ** min(item.attempts, 20), LAST_PAUSE)
    return "retry", delivery.reason, now + int(1000 * max(LEAST_PAUSE, doubled * jitter(), delivery.after))


class Lane:
    """Tells one desk."""

    def __init__(self, desk: Desk, queue: Queue, clock: Clock, jitter: Jitter) -> None:
        self.desk, self.queue, self.clock, self.jitter = desk, queue, clock, jitter
        self.circuit = Circuit(clock, jitter)
        self._hint = queue.hint("outbox")
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. What does not end soon then is cut off: it stays owed, and has the same id the next time."""
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                self._hint.clear()
                try:
                    pause = await self._begin(group)
                except StoreUnavailable as e:
                    log.warning("the store is away, a desk waits", desk=self.desk.name, why=str(e))
                    pause = STORE_PAUSES[-1]
                await _either(self._hint, stop, pause)
            await self._end()

    async def _begin(self, group: asyncio.TaskGroup) -> float:
        """Begins what is due and has room; returns for how many seconds nothing more can begin by itself.

        A call under way is still owed, so the look has to reach past those; also past one that ends during the look,
        which may have read it before that."""
        busy, now = set(self._busy), self.clock.now()
        room = self.circuit.room(len(busy))
        if room == 0:
            return min(self.circuit.rest() or LONGEST_SLEEP, LONGEST_SLEEP)
        horizon = now + int(1000 * LONGEST_SLEEP)
        owed = await self.queue.owed(self.desk.name, len(busy) + room + 1, horizon)
        for item in [item for item in owed if item.id not in busy]:
            if item.due > now:
                return max((item.due - now) / 1000, 0.01)
            if room == 0:
                break
            room -= 1
            self._busy[item.id] = group.create_task(self._tell(item), name=f"tell {self.desk.name} {item.id}")
        return LONGEST_SLEEP

    async def _end(self) -> None:
        if self._busy:
            _, late = await asyncio.wait(self._busy.values(), timeout=LAST_CALL)
            for task in late:
                task.cancel()

    async def _tell(self, item: OutboxItem) -> None:
        try:
            delivery = await self.desk.tell(await _stored(self.clock, lambda: self._call(item)))
            self._note(delivery)
            result, reason, due = verdict(item, delivery, self.clock.now(), self.jitter)
            ticket = delivery.ticket if isinstance(delivery, Taken) else ""
            with contextlib.suppress(Conflict, NotFound):  # an operator was faster
                await _stored(
                    self.clock,
                    lambda: self.queue.record_call(item.id, result, reason, due, self.clock.now(), ticket=ticket),
                )
        finally:
            del self._busy[item.id]
            self._hint.set()

    def _note(self, delivery: Delivery) -> None:
        """Says once when a desk breaks, and once when it is back."""
        before = self.circuit.broken
        self.circuit.note(delivery)
        if self.circuit.broken and not before:
            reason = "" if isinstance(delivery, Taken) else delivery.reason
            log.warning("a desk takes no calls, it is only probed now", desk=self.desk.name, why=reason)
        elif before and not self.circuit.broken:
            log.info("a desk takes calls again", desk=self.desk.name)

    async def _call(self, item: OutboxItem) -> Call:
        """Joins the body: texts and numbers are read now and stored nowhere else."""
        message: Message | None = None
        conversation: Conversation | None = None
        contact: Contact | None = None
        with contextlib.suppress(NotFound):
            if item.message:
                message = await self.queue.message(item.message)
        thread = item.conversation or (message.conversation if message is not None else "")
        with contextlib.suppress(NotFound):
            if thread:
                conversation = await self.queue.conversation(thread)
                contact = await self.queue.contact(conversation.contact)
        return Call(id=item.id, kind=item.kind, at=item.at, data=joined(item, message, conversation, contact))


# ---- waiting -------------------------------------------------------------------------------------------------------


async def _stored(clock: Clock, verb: Callable[[], Awaitable[T]]) -> T:
    """Runs a verb, as long as it takes while the store is away: what a desk said is not asked again. A verb writes all or
    nothing, so it may be repeated; at a stop the lane cuts the wait off."""
    pauses = itertools.chain(STORE_PAUSES, itertools.repeat(STORE_PAUSES[-1]))
    while True:
        try:
            return await verb()
        except StoreUnavailable as e:
            log.warning("the store is away, what a desk said waits", why=str(e))
            await clock.sleep(next(pauses))


async def _either(hint: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    """Until the hint or the stop, or the time is over."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(event.wait(), name="outbox sleeps") for event in (hint, stop)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
