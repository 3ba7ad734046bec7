"""The outbound worker: claim → submit → record, one :class:`Lane` for each link.

A claim commits the Submission before the wire sees a byte; whatever the link answers is recorded before the next text
is claimed on that slot. The parts of one message go one after another on one slot: recording part n claims part n+1 in
the same commit.

A lane sleeps until something may have changed: a text for its link was committed, the link came up, a slot became free,
or the next text falls due. All of these set the lane's one hint. There is no polling interval.

When its link stays away for ``GRACE`` seconds, or rests after a run of failures (``breaker.py``), the lane hands the texts
that may move to links that can send now.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from smsgwd.breaker import Breaker
from smsgwd.clock import Clock, came
from smsgwd.errors import LinkError, StoreUnavailable, Uncertain
from smsgwd.link import Link
from smsgwd.log import get_logger
from smsgwd.model import EventData, InDoubt, Message, Outcome, Segment
from smsgwd.queue.interface import Move, Queue
from smsgwd.routing import Roster, Route, choose

#: seconds that a link may be away before its texts move to others
GRACE = 60.0
#: longest sleep without looking again; a safety net under the hints, not a polling interval
LONGEST_SLEEP = 60.0
#: seconds that a lane takes nothing after its link said that it broke: until then the roster knows it too
BROKE_PAUSE = 1.0
#: seconds until a lane claims again while the store is away
STORE_PAUSE = 1.0
#: pauses between tries to record an outcome while the store is away, seconds
RECORD_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)

T = TypeVar("T")
#: a text that waits, and the name of another link -> how it goes there; None when it has to stay
Replan = Callable[[Message, str], Move | None]

log = get_logger("dispatch")


class Lane:
    """Carries the texts of one link."""

    def __init__(
        self, link: Link, queue: Queue, roster: Roster, clock: Clock, replan: Replan, *, rate: float = 0.0,
        settled: Callable[[Iterable[object]], None] = lambda moved: None,
    ) -> None:
        """``replan``: how a text goes over another link; ``settled`` is told the ids of those that were moved, or not.
        ``rate``: segments a second, 0 = as fast as the link answers."""
        self._settled = settled
        self.link, self.queue, self.roster, self.clock, self.replan = link, queue, roster, clock, replan
        self._hint = queue.hint(f"link:{link.name}")
        self._interval = 1.0 / rate if rate else 0.0
        self._next_slot = 0.0
        self._busy = 0
        self._away_since: float | None = clock.monotonic()
        self._breaker = Breaker()

    @property
    def ready(self) -> bool:
        row = self.roster.get(self.link.name)
        return row is not None and row.ready

    def _end_rest(self) -> None:
        row = self.roster.get(self.link.name)
        if row is not None and row.resting and not self._breaker.resting(self.clock.monotonic()):
            self.roster.note(self.link.name, resting="")

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; then the segments on the wire are finished and recorded."""
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                self._hint.clear()
                self._end_rest()
                if self.ready:
                    self._away_since = None
                    await self._claim(group, stop)
                else:
                    await self._while_away()
                if not self._hint.is_set() and not stop.is_set():
                    longest = await self._sleep_for()
                    await came(self._hint, longest)

    async def _sleep_for(self) -> float:
        if rest := self._breaker.resting(self.clock.monotonic()):
            return min(rest, LONGEST_SLEEP)
        if not self.ready:
            away = self.clock.monotonic() - (self._away_since or 0.0)
            return max(1.0, GRACE - away) if away < GRACE else LONGEST_SLEEP
        if self._busy >= self.link.window:
            return LONGEST_SLEEP
        try:
            due = await self.queue.next_due(self.link.name)
        except StoreUnavailable:
            return STORE_PAUSE
        if due is None:
            return LONGEST_SLEEP
        return min(max((due - self.clock.now()) / 1000, 0.01), LONGEST_SLEEP)

    async def _claim(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Fills the free slots of the window."""
        window = 1 if self._breaker.on_trial else self.link.window
        free = window - self._busy
        if free <= 0 or not await self._paced(stop):
            return
        try:
            segments = await self.queue.claim(self.link.name, 1 if self._interval else free, self.clock.now())
        except StoreUnavailable as e:
            log.warning("the store is away, nothing is claimed", link=self.link.name, why=str(e))
            await self.clock.sleep(STORE_PAUSE)
            return
        if not segments:
            self._next_slot -= self._interval  # the slot was not used
        for segment in segments:
            self._busy += 1
            group.create_task(self._carry(segment, stop), name=f"carry {segment.submission}")
        if segments and self._busy < window:
            self._hint.set()

    async def _paced(self, stop: asyncio.Event) -> bool:
        """Waits for the next slot of the rate and takes it; False when the daemon stops or the link left meanwhile."""
        while (wait := self._next_slot - self.clock.monotonic()) > 0 and not stop.is_set():
            await came(stop, wait)
        if stop.is_set() or not self.ready:
            return False
        self._next_slot = self.clock.monotonic() + self._interval
        return True

    async def _carry(self, segment: Segment, stop: asyncio.Event) -> None:
        """Hands one message's segments to the link, from the claimed one on."""
        following: Segment | None = segment
        try:
            while following is not None:
                current = following
                if current is not segment and not await self._paced(stop):
                    await self._give_back(current, "the link left or the daemon stops before this part")
                    return
                try:
                    outcome: Outcome = await self.link.submit(current)
                except Uncertain as e:
                    outcome = InDoubt(str(e))
                except LinkError as e:
                    self._next_slot = max(self._next_slot, self.clock.monotonic() + BROKE_PAUSE)
                    await self._give_back(current, str(e))
                    return
                following = await self._record(current, outcome)
                await self._judge(current, outcome)
        finally:
            self._busy -= 1
            self._hint.set()

    async def _judge(self, segment: Segment, outcome: Outcome) -> None:
        """After a run of failures the link rests, and an operator is told."""
        rest = self._breaker.note(segment.to.text, outcome, self.clock.monotonic())
        if rest is None:
            return
        self.roster.note(self.link.name, resting=rest.why)
        with contextlib.suppress(StoreUnavailable):
            note: EventData = {"why": rest.why, "seconds": rest.seconds}
            await self.queue.record_event("link.tripped", self.clock.now(), note, link=self.link.name)

    async def _record(self, segment: Segment, outcome: Outcome) -> Segment | None:
        return await self._stored(lambda: self.queue.record_result(segment.submission, outcome, self.clock.now()))

    async def _give_back(self, segment: Segment, why: str) -> None:
        await self._stored(lambda: self.queue.unsubmit(segment.submission, why, self.clock.now()))

    async def _stored(self, verb: Callable[[], Awaitable[T]]) -> T:
        """Runs a verb, as long as it takes: while the store is away nothing else is claimed on this slot. When the
        process ends first, the next start finds the attempt open and calls it uncertain."""
        pauses = itertools.chain(RECORD_PAUSES, itertools.repeat(RECORD_PAUSES[-1]))
        while True:
            try:
                return await verb()
            except StoreUnavailable as e:
                log.error("what came of an attempt waits for the store", link=self.link.name, why=str(e))
                await self.clock.sleep(next(pauses))

    async def _while_away(self) -> None:
        """After the grace, texts that may move go to links that can send now."""
        now = self.clock.monotonic()
        if self._away_since is None:
            self._away_since = now
        row = self.roster.get(self.link.name)
        if row is None or not row.failover or (row.paused and row.up):
            return
        if now - self._away_since < GRACE and not row.resting:
            return
        if not any(other.ready for other in self.roster):  # nowhere to go: nothing is read for that
            return
        with contextlib.suppress(StoreUnavailable):
            while moves := await self._moves():
                try:
                    if not await self.queue.reroute(moves, self.clock.now()):
                        return
                finally:
                    self._settled([move.message for move in moves])

    async def _moves(self) -> list[Move]:
        """Texts that other links can take now, as those will send them."""
        moves = []
        for i, message in enumerate(await self.queue.waiting(self.link.name, 500)):
            full = self.roster.full(message.to)
            route = choose(message.to, message.class_, self.roster.links, without=self.link.name, ticket=i, full=full)
            other = self.roster.get(route.link) if isinstance(route, Route) else None
            if other is None or not other.ready:
                continue
            move = self.replan(message, other.name)
            if move is not None:
                moves.append(move)
        return moves
