"""The outbox worker: calls that we owe desks, told until taken or dead.

One :class:`Lane` for each desk, so that a slow one holds nobody up. What a desk is told is stored before, joined with
texts and numbers only when it is sent, and has one id over all tries, so that the desk can see a copy. Calls of one
conversation go one after another: the second waits until the first is taken or dead.

A desk that does not take a call gets it again after a growing pause, for three days; then the call is dead, which
operators see and can replay. While a desk fails again and again, its :class:`Circuit` lets one call at a time probe it,
with a rest between probes, so that a thousand waiting calls do not knock at a closed door.

Calls are owed by the queue itself, in the commit of the event that causes them: it is told which desks there are. A lane
reads some calls ahead in one look, and writes what came of calls together. Both happen ``PACE`` apart while a desk is busy,
since a look and a commit cost as much as many calls; a call on which others wait is written at once. A call stays busy until
it is written, so that no look finds it again; one that was taken and not written when the gateway dies is made again, with
the same id.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence

from smsgwd.clock import Clock, came
from smsgwd.errors import StoreUnavailable
from smsgwd.helpdesk.body import joined
from smsgwd.helpdesk.interface import Call, Delivery, Desk, Never, NotNow, Taken
from smsgwd.log import get_logger
from smsgwd.model import OutboxItem
from smsgwd.queue.interface import CallResult, Owed, Queue

#: calls to one desk at once while it takes them; one while it does not
WINDOW = 8
#: calls that a look reads ahead, and for how many seconds they may wait for their turn: then they are read again, since
#: a body tells how things are when it is sent
AHEAD, FRESH = 128, 1.0
#: seconds between two looks, and between two writings, of a busy desk; results that are written without more waiting
PACE, MANY = 0.02, 200
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
#: seconds that a call under way may take at a stop
LAST_CALL = 5.0
#: pauses in seconds between tries of a verb while the store is away
STORE_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)

Jitter = Callable[[], float]

log = get_logger("outbox")


class Outbox:
    """Tells desks. ``jitter`` gives the share of each pause that is waited, 0..1."""

    def __init__(
        self, queue: Queue, desks: Sequence[Desk], clock: Clock, jitter: Jitter = random.random,
        begins: asyncio.Event | None = None,
    ) -> None:  # fmt: skip
        """No call is begun while ``begins`` is not set; None = at any time. Who sets it pokes ``outbox``."""
        self.queue, self.desks, self.clock = queue, desks, clock
        self.lanes = [Lane(desk, queue, clock, jitter, begins) for desk in desks]

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a call under way gets a little time to end. What is not told stays owed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._owe(stop), name="outbox owes")
                for lane in self.lanes:
                    group.create_task(lane.run(stop), name=f"outbox {lane.desk.name}")
        finally:
            for desk in self.desks:
                await desk.close()

    async def _owe(self, stop: asyncio.Event) -> None:
        """Tells the queue which desks there are, until it has turned all events of before into calls."""
        desks = {desk.name: desk.events for desk in self.desks}
        while not stop.is_set():
            try:
                if not await self.queue.owe_events(desks):
                    return
            except StoreUnavailable as e:
                log.warning("the store is away, events wait for the desks", why=str(e))
                await came(stop, STORE_PAUSES[-1])


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

    def __init__(self, desk: Desk, queue: Queue, clock: Clock, jitter: Jitter, begins: asyncio.Event | None = None) -> None:
        self.desk, self.queue, self.clock, self.jitter, self._begins = desk, queue, clock, jitter, begins
        self.circuit = Circuit(clock, jitter)
        self._hint = queue.hint("outbox")
        #: calls that were read and wait for room, when they were read, and whether the store may have more
        self._ahead: deque[Owed] = deque()
        self._read_at, self._unread = 0.0, True
        #: calls under way; results that are not written yet, and whether calls wait for them; the ids of both
        self._tasks: set[asyncio.Task[None]] = set()
        self._results: list[CallResult] = []
        self._frees = False
        self._busy: set[str] = set()
        self._came, self._hurry = asyncio.Event(), asyncio.Event()
        self._ended = False
        #: when the next look may be, by the clock of the loop
        self._next_look = 0.0
        self._stop = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._name = f"tell {desk.name}"

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. What does not end soon then is cut off: it stays owed, and has the same id the next time."""
        async with asyncio.TaskGroup() as group:
            self._group, self._stop = group, stop
            group.create_task(self._watch(), name=f"outbox {self.desk.name} stops")
            record = group.create_task(self._record(), name=f"outbox {self.desk.name} records")
            while not stop.is_set():
                self._hint.clear()
                try:
                    pause = await self._begin()
                except StoreUnavailable as e:
                    log.warning("the store is away, a desk waits", desk=self.desk.name, why=str(e))
                    pause = STORE_PAUSES[-1]
                await came(self._hint, pause)
            await self._end(record)

    async def _watch(self) -> None:
        await self._stop.wait()
        self._hint.set()

    async def _begin(self) -> float:
        """Begins what is due and has room; returns for how many seconds nothing more can begin by itself."""
        self._unread = True
        if self._waits:
            return LONGEST_SLEEP
        if self.circuit.room(len(self._tasks)) == 0 or self._start():
            return min(self.circuit.rest() or LONGEST_SLEEP, LONGEST_SLEEP)
        loop = asyncio.get_running_loop()
        if (wait := self._next_look - loop.time()) > 0:
            return wait
        self._next_look = loop.time() + PACE
        pause = await self._look()
        self._start()
        return pause

    async def _look(self) -> float:
        """Reads ahead; returns for how many seconds nothing more is due. A call under way is still owed, and so is, for
        a look that began before, one that ended meanwhile: those that were busy when it began are left out."""
        now = self.clock.now()
        horizon = now + int(1000 * LONGEST_SLEEP)
        self._unread = False
        try:
            owed = await self.queue.owed(self.desk.name, AHEAD, horizon, tuple(self._busy))
        except StoreUnavailable:
            self._unread = True
            raise
        due = [call for call in owed if call.item.due <= now]
        self._ahead.extend(due)
        self._read_at = self.clock.monotonic()
        self._unread = self._unread or len(due) == AHEAD
        return max((owed[len(due)].item.due - now) / 1000, 0.01) if len(due) < len(owed) else LONGEST_SLEEP

    @property
    def _waits(self) -> bool:
        """No call may begin yet."""
        return self._begins is not None and not self._begins.is_set()

    def _start(self) -> bool:
        """Begins what was read ahead, as far as there is room; True when some of it still waits."""
        if not self._may_begin():
            return False
        for _ in range(min(self.circuit.room(len(self._tasks)), len(self._ahead))):
            task = self._group.create_task(self._caller(self._next()), name=self._name)
            self._tasks.add(task)
            task.add_done_callback(self._told)
        return bool(self._ahead)

    def _may_begin(self) -> bool:
        """Not at a stop. What was read too long ago is read again."""
        if self._stop.is_set() or self._waits:
            return False
        if self._ahead and self.clock.monotonic() - self._read_at > FRESH:
            self._forget()
        return True

    def _next(self) -> Owed:
        """The call is under way from now on: no look finds it."""
        owed = self._ahead.popleft()
        self._busy.add(owed.item.id)
        return owed

    async def _caller(self, owed: Owed) -> None:
        """One call after another, as long as there is one, and room for it beside those of others."""
        await self._tell(owed)
        while self._may_begin() and self._ahead and self.circuit.room(len(self._tasks) - 1):
            await self._tell(self._next())

    def _forget(self) -> None:
        """What was read ahead is read again when there is room."""
        self._ahead.clear()
        self._unread = True

    async def _tell(self, owed: Owed) -> None:
        """One try of a call."""
        item = owed.item
        call = Call(id=item.id, kind=item.kind, at=item.at, data=joined(*owed))
        try:
            delivery = await self.desk.tell(call)
        except BaseException:
            self._busy.discard(item.id)
            raise
        self._note(delivery)
        result, reason, due = verdict(item, delivery, self.clock.now(), self.jitter)
        ticket = delivery.ticket if isinstance(delivery, Taken) else ""
        self._results.append(CallResult(item.id, result, reason, due, ticket))
        self._frees = self._frees or result == "retry" or bool(item.conversation)
        if self._frees or len(self._results) >= MANY:
            self._hurry.set()
        self._came.set()
        if not isinstance(delivery, Taken):
            self._forget()

    def _told(self, task: asyncio.Task[None]) -> None:
        """One caller less."""
        self._tasks.discard(task)
        if not self._start() and self._unread:
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

    # ---- results ---------------------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Writes what came of calls, until the last of them after a stop."""
        while self._results or not self._ended:
            await self._came.wait()
            await came(self._hurry, PACE)
            self._came.clear()
            self._hurry.clear()
            results, self._results = self._results, []
            frees, self._frees = self._frees, False
            if results:
                await self._stored(results)
                self._busy.difference_update(result.item for result in results)
            if frees:  # calls wait for these, in their conversations or for another try
                self._unread = True
                self._hint.set()

    async def _stored(self, results: list[CallResult]) -> None:
        """As long as it takes while the store is away: what a desk said is not asked again. A verb writes all or nothing,
        so it may be repeated; at a stop the lane cuts the wait off."""
        for pause in itertools.chain(STORE_PAUSES, itertools.repeat(STORE_PAUSES[-1])):
            try:
                await self.queue.record_calls(results, self.clock.now())
                return
            except StoreUnavailable as e:
                log.warning("the store is away, what a desk said waits", why=str(e))
                await self.clock.sleep(pause)

    async def _end(self, record: asyncio.Task[None]) -> None:
        """Calls under way, and what came of them, get a little time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_CALL
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST_CALL)
            for task in late:
                task.cancel()
        self._ended = True
        self._hurry.set()
        self._came.set()
        await asyncio.wait([record], timeout=max(0.0, until - loop.time()))
        record.cancel()
