"""The outbox worker: calls that we owe desks, told until taken or dead.

One lane for each desk, so that a slow one holds nobody up. What a desk is told is stored before, joined with texts and
numbers only when it is sent, and has one id over all tries. Calls of one conversation go one after another. A desk that
does not take a call gets it again after a growing pause, with jitter, for three days; then it is dead, which operators
see and can replay. While a desk fails again and again, one call at a time probes it, so that a thousand waiting calls do
not knock at a closed door.

A second reader turns events of the kinds that desks asked for into owed calls, each exactly once: the calls and the
reader's place are written in one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any

from smsgwd.clock import Clock, isoformat
from smsgwd.errors import Conflict, NotFound, StoreUnavailable
from smsgwd.events import WEBHOOK_KINDS
from smsgwd.helpdesk.interface import Call, Delivery, Desk, Never, NotNow, Taken
from smsgwd.log import get_logger
from smsgwd.model import Event, Message, OutboxItem
from smsgwd.queue.interface import Queue

#: calls to one desk at once while it takes them; one while it does not
WINDOW = 8
#: failures in a row after which a desk is only probed
BROKEN = 5
#: pauses in seconds, by tries made; the last one stays
PAUSES = (2.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
#: milliseconds from the first try to giving up
LONGEST = 3 * 86_400_000
LONGEST_SLEEP = 60.0
BATCH = 200
#: the reader's place is written at most every so many events that needed nothing
SKIP = 1000
#: seconds that a call under way may take at a stop
LAST_CALL = 5.0

log = get_logger("outbox")


class Outbox:
    """Tells desks. ``jitter`` gives a factor for each pause; tests make it 1."""

    def __init__(
        self, queue: Queue, desks: Sequence[Desk], clock: Clock,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),
    ) -> None:  # fmt: skip
        self.queue, self.desks, self.clock, self.jitter = queue, desks, clock, jitter
        self._failures = {desk.name: 0 for desk in desks}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a call under way gets a little time to end. What is not told stays owed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read_events(stop), name="outbox reader")
                for desk in self.desks:
                    group.create_task(self._lane(desk, stop), name=f"outbox {desk.name}")
        finally:
            for desk in self.desks:
                await desk.close()

    # ---- events → calls --------------------------------------------------------------------------------------------

    async def _read_events(self, stop: asyncio.Event) -> None:
        hint = self.queue.hint("events")
        position = stored = await self.queue.cursor("webhooks")
        while not stop.is_set():
            hint.clear()
            try:
                events = await self.queue.events_after(position, BATCH)
                items = [item for event in events for item in self._items(event)]
                if events:
                    position = events[-1].id
                if items:
                    await self.queue.owe(items, self.clock.now())
                    stored = items[-1].data["event"]  # type: ignore[assignment]
                if position - stored >= SKIP:
                    await self.queue.skip("webhooks", position)
                    stored = position
            except StoreUnavailable as e:
                log.warning("the store is away, events wait for the desks", why=str(e))
                position = stored
                await self.clock.sleep(1.0)
                continue
            if not events:
                await _sleep(hint, stop, LONGEST_SLEEP)

    def _items(self, event: Event) -> list[OutboxItem]:
        if event.kind not in WEBHOOK_KINDS or event.kind == "message.received":
            return []  # inbound texts go where rules forward them
        conversation = event.data.get("conversation")
        return [
            OutboxItem(
                id="", endpoint=desk.name, kind=event.kind, message=event.message, at=event.at,
                conversation=conversation if isinstance(conversation, str) else "",
                data={**event.data, "event": event.id, **({"link": event.link} if event.link else {})},
            )
            for desk in self.desks
            if event.kind in desk.events
        ]  # fmt: skip

    # ---- calls → desks ---------------------------------------------------------------------------------------------

    async def _lane(self, desk: Desk, stop: asyncio.Event) -> None:
        hint = self.queue.hint("outbox")
        while not stop.is_set():
            hint.clear()
            try:
                broken = self._failures[desk.name] >= BROKEN
                items = await self.queue.owed(desk.name, 1 if broken else WINDOW, self.clock.now())
                if items:
                    await self._tell_all(desk, items, stop)
                    continue
                due = await self.queue.owed_next(desk.name)
            except StoreUnavailable as e:
                log.warning("the store is away, a desk waits", desk=desk.name, why=str(e))
                await self.clock.sleep(1.0)
                continue
            pause = LONGEST_SLEEP if due is None else max((due - self.clock.now()) / 1000, 0.01)
            await _sleep(hint, stop, min(pause, LONGEST_SLEEP))

    async def _tell_all(self, desk: Desk, items: Sequence[OutboxItem], stop: asyncio.Event) -> None:
        """Tells them at once. At a stop, what does not end soon is cut off: it stays owed and has the same id then."""
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(self._tell(desk, item), name=f"tell {desk.name} {item.id}") for item in items]
            ending = group.create_task(stop.wait(), name=f"stop of {desk.name}")
            open_ = set(calls)
            while open_ and not stop.is_set():
                done, _ = await asyncio.wait({*open_, ending}, return_when=asyncio.FIRST_COMPLETED)
                open_ -= done
            ending.cancel()
            if open_:
                await asyncio.wait(open_, timeout=LAST_CALL)
            for call in open_:
                call.cancel()

    async def _tell(self, desk: Desk, item: OutboxItem) -> None:
        delivery = await desk.tell(await self._call(item))
        if isinstance(delivery, Taken):
            self._failures[desk.name] = 0
        else:
            self._failures[desk.name] += 1
        result, reason, due = self._verdict(item, delivery)
        ticket = delivery.ticket if isinstance(delivery, Taken) else ""
        with contextlib.suppress(Conflict, NotFound):  # an operator was faster
            await self.queue.record_call(item.id, result, reason, due, self.clock.now(), ticket=ticket)

    def _verdict(self, item: OutboxItem, delivery: Delivery) -> tuple[str, str, int]:
        """(done | retry | dead, why, when to try again in ms)."""
        now = self.clock.now()
        if isinstance(delivery, Taken):
            return "done", "", now
        if isinstance(delivery, Never):
            return "dead", delivery.reason, now
        assert isinstance(delivery, NotNow)
        if now - item.at >= LONGEST:
            return "dead", f"{delivery.reason}, for three days", now
        pause = PAUSES[min(item.attempts, len(PAUSES) - 1)] * self.jitter()
        return "retry", delivery.reason, now + int(1000 * max(pause, delivery.after))

    # ---- bodies ----------------------------------------------------------------------------------------------------

    async def _call(self, item: OutboxItem) -> Call:
        """Joins the body: texts and numbers are read now and stored nowhere else."""
        data: dict[str, Any] = {k: v for k, v in item.data.items() if k not in ("event", "contact")}
        conversation = item.conversation
        with contextlib.suppress(NotFound):
            if item.message:
                message = await self.queue.message(item.message)
                data["message"] = _message(message)
                conversation = conversation or message.conversation
        with contextlib.suppress(NotFound):
            if conversation:
                data |= await self._conversation(conversation, item.endpoint)
        return Call(id=item.id, kind=item.kind, at=item.at, data=data)

    async def _conversation(self, conversation: str, endpoint: str) -> dict[str, Any]:
        thread = await self.queue.conversation(conversation)
        contact = await self.queue.contact(thread.contact)
        return {
            "conversation": {
                "id": thread.id, "state": thread.state, "number": thread.number, "link": thread.link,
                "tags": list(thread.tags), "ticket": thread.tickets.get(endpoint),
            },
            "contact": {
                "number": contact.number, "name": contact.name, "consent": contact.consent.value,
                "tags": list(contact.tags),
            },
        }  # fmt: skip


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id, "direction": message.direction.value, "state": message.state.value, "from": message.from_,
        "to": message.to, "text": message.text, "class": message.class_.value, "link": message.link,
        "parts": message.parts, "reason": message.reason, "key": message.key or None, "author": message.author or None,
        "created": isoformat(message.created), "updated": isoformat(message.updated),
    }  # fmt: skip


async def _sleep(hint: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    """Until the hint or the stop, or the time is over."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(event.wait(), name="outbox sleeps") for event in (hint, stop)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
