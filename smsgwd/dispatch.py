"""The outbound worker: claim → submit → record, one :class:`Lane` for each link.

A claim commits the Submission before the wire sees a byte. What the link answers is recorded in the same commit that
claims the next text for that slot: one *turn* of the lane. So a busy link waits for the disk once between an answer and
the next text, and nothing is claimed on a slot while what came of it is not stored. The parts of one message go one after another on
one slot: recording part n claims part n+1.

A lane sleeps until something may have changed: a text for its link was committed, the link came up, an answer came, or
the next text falls due. There is no polling interval.

When its link stays away for ``GRACE`` seconds, or rests after a run of failures (``breaker.py``), the lane hands the texts
that may move to links that can send now.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from smsgwd.breaker import Breaker, Rest
from smsgwd.clock import Clock, any_came, came
from smsgwd.elsewhere import refused_for_now, try_elsewhere
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
#: milliseconds until a lane looks again for a text that was due and was not claimed
LEAST_SLEEP_MS = 10
#: seconds that a lane takes nothing after its link said that it broke: until then the roster knows it too. Doubled up to
#: the longest while a link that is called up breaks at each text
BROKE_PAUSE, LONGEST_BROKE = 1.0, 60.0
#: seconds until a lane claims again while the store is away
STORE_PAUSE = 1.0
#: pauses between tries to record an outcome while the store is away, seconds
RECORD_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)

#: a text that waits, and the name of another link -> how it goes there; None when it has to stay
Replan = Callable[[Message, str], Move | None]

log = get_logger("dispatch")


class _Turn(NamedTuple):
    """What one turn takes to the store: results, segments that never went, and room for how many more."""

    results: list[tuple[Segment, Outcome]]
    unsent: list[tuple[Segment, str]]
    room: int


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
        #: set by the store when something of this link was committed, and by the lane itself when it has to look again
        self._news, self._stir = queue.hint(f"link:{link.name}"), asyncio.Event()
        #: the last claim found less than there was room for: no use in another before there is news, or the next is due;
        #: and whether there was news since it was put
        self._dry = self._fresh = False
        self._interval = 1.0 / rate if rate else 0.0
        self._next_slot = 0.0
        #: the next pause when the link breaks
        self._broke = BROKE_PAUSE
        #: segments that the link has, or that wait for the pace
        self._on_wire = 0
        #: what came of segments, and segments that never went; both wait for the next turn
        self._results: list[tuple[Segment, Outcome]] = []
        self._unsent: list[tuple[Segment, str]] = []
        #: when the next text becomes due, as the last turn saw it; and the pauses while the store is away
        self._due: int | None = None
        self._store_pauses, self._store_until = iter(RECORD_PAUSES), 0.0
        #: turns that are being stored; whether one of them claims; results in those that do not
        self._turns, self._claiming, self._recording = 0, False, 0
        self._running = self._called = False
        self._away_since: float | None = clock.monotonic()
        self._breaker = Breaker()
        self._rests: list[Rest] = []

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
        self._running = True
        async with asyncio.TaskGroup() as group:
            try:
                await self._work(group, stop)
            finally:
                self._running = False  # a group that ends takes no more tasks

    async def _work(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        while not stop.is_set() or self._at_work:
            if self._news.is_set() or self._overdue:
                self._dry, self._fresh = False, True
            self._news.clear()
            self._stir.clear()
            self._end_rest()
            self._begin_turn(group, stop)
            if self.ready:
                self._away_since = None
            elif not stop.is_set():
                await self._while_away()
            if not stop.is_set() or self._at_work:
                await any_came((self._news, self._stir), self._sleep_for())

    @property
    def _overdue(self) -> bool:
        """The text that was to become due next is due."""
        return self._due is not None and self._due <= self.clock.now()

    @property
    def _at_work(self) -> bool:
        """Something is on the wire, or waits to be recorded."""
        return bool(self._on_wire or self._results or self._unsent or self._turns)

    # -- turns -------------------------------------------------------------------------------------------------------

    def _soon(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """A turn for all that comes in this turn of the event loop, without waking the lane first."""

        def begin() -> None:
            self._called = False
            if self._running and not self._begin_turn(group, stop):
                self._stir.set()

        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(begin)

    def _begin_turn(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> bool:
        """Leaves what came with the store at once, also while an earlier turn is being stored, so that no report on a text
        gets there before its result. Only one turn at a time claims. False when there is nothing to do."""
        if self._store_until > self.clock.monotonic():
            return False
        room = 0 if stop.is_set() or self._claiming else self._room()
        if not (self._results or self._unsent or room):
            return False
        turn = _Turn(self._results, self._unsent, room)
        self._results, self._unsent = [], []
        self._turns += 1
        if room:
            self._claiming, self._fresh = True, False
        self._recording += 0 if room else len(turn.results)
        group.create_task(self._turn(turn, group, stop), name=f"turn of {self.link.name}")
        return True

    async def _turn(self, turn: _Turn, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Records what came and claims for the slots that are free. While the store is away nothing is lost, and nothing
        more goes out before it is stored."""
        try:
            await self._exchange(turn, group, stop)
        except StoreUnavailable as e:
            self._results[:0], self._unsent[:0] = turn.results, turn.unsent
            self._store_is_away(str(e))
        finally:
            self._turns -= 1
            self._claiming = self._claiming and turn.room == 0
            self._recording -= 0 if turn.room else len(turn.results)
            self._stir.set()
        await self._tell()
        if refused := refused_for_now(turn.results):
            await try_elsewhere(
                self.queue, self.roster, self.link.name, refused, self.replan, self._settled, self.clock.now()
            )

    async def _exchange(self, turn: _Turn, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        while turn.unsent:
            segment, why = turn.unsent[0]
            await self.queue.unsubmit(segment.submission, why, self.clock.now())
            del turn.unsent[0]
        outcomes = [(segment.submission, outcome) for segment, outcome in turn.results]
        came_of_it = await self.queue.turn(self.link.name, outcomes, turn.room, self.clock.now())
        self._store_pauses = iter(RECORD_PAUSES)
        if turn.room:
            self._dry = len(came_of_it.claimed) < turn.room and not self._fresh
            self._due = None if came_of_it.due is None else max(came_of_it.due, self.clock.now() + LEAST_SLEEP_MS)
        for segment in came_of_it.claimed:
            self._begin(group, segment, stop, paced=False)
        for following in came_of_it.following:
            if following is not None:
                self._begin(group, following, stop, paced=True)
        if came_of_it.claimed and self._interval:
            self._next_slot = self.clock.monotonic() + self._interval

    def _room(self) -> int:
        """How many texts may be claimed now."""
        if self._dry or not self.ready or self._next_slot > self.clock.monotonic():
            return 0
        window = 1 if self._breaker.on_trial else self.link.window
        free = max(0, window - self._on_wire - self._recording)
        return min(free, 1) if self._interval else free

    def _store_is_away(self, why: str) -> None:
        """Until the next try nothing is claimed. When the process ends first, the next start finds the attempts open and
        calls them uncertain."""
        if self._results or self._unsent:
            log.error("what came of an attempt waits for the store", link=self.link.name, why=why)
            pause = next(self._store_pauses, RECORD_PAUSES[-1])
        else:
            log.warning("the store is away, nothing is claimed", link=self.link.name, why=why)
            pause = STORE_PAUSE
        self._store_until = self.clock.monotonic() + pause

    def _sleep_for(self) -> float:
        now = self.clock.monotonic()
        if self._store_until > now:
            return self._store_until - now
        if rest := self._breaker.resting(now):
            return min(rest, LONGEST_SLEEP)
        if not self.ready:
            away = now - (self._away_since or 0.0)
            return max(1.0, GRACE - away) if away < GRACE else LONGEST_SLEEP
        if self._on_wire >= self.link.window:
            return LONGEST_SLEEP
        if self._next_slot > now:
            return min(self._next_slot - now, LONGEST_SLEEP)
        if self._due is None:
            return LONGEST_SLEEP
        return min(max((self._due - self.clock.now()) / 1000, LEAST_SLEEP_MS / 1000), LONGEST_SLEEP)

    # -- segments ----------------------------------------------------------------------------------------------------

    def _begin(self, group: asyncio.TaskGroup, segment: Segment, stop: asyncio.Event, *, paced: bool) -> None:
        self._on_wire += 1
        group.create_task(self._carry(segment, group, stop, paced), name=f"carry {segment.submission}")

    async def _carry(self, segment: Segment, group: asyncio.TaskGroup, stop: asyncio.Event, paced: bool) -> None:
        """Hands a segment to the link, and what came of it to the next turn. ``paced``: it waits for the rate first."""
        try:
            if paced and not await self._paced(stop):
                self._unsent.append((segment, "the link left or the daemon stops before this part"))
                return
            outcome: Outcome = await self.link.submit(segment)
        except Uncertain as e:
            outcome = InDoubt(str(e))
        except LinkError as e:
            self._next_slot = max(self._next_slot, self.clock.monotonic() + self._broke)
            self._broke = min(self._broke * 2, LONGEST_BROKE)
            self._unsent.append((segment, str(e)))
            return
        finally:
            self._on_wire -= 1
            self._soon(group, stop)
        self._broke = BROKE_PAUSE
        self._results.append((segment, outcome))
        self._judge(segment, outcome)

    async def _paced(self, stop: asyncio.Event) -> bool:
        """Waits for the next slot of the rate and takes it; False when the daemon stops or the link left meanwhile."""
        while (wait := self._next_slot - self.clock.monotonic()) > 0 and not stop.is_set():
            await came(stop, wait)
        if stop.is_set() or not self.ready:
            return False
        self._next_slot = self.clock.monotonic() + self._interval
        return True

    def _judge(self, segment: Segment, outcome: Outcome) -> None:
        """After a run of failures the link rests: nothing more is claimed for it."""
        rest = self._breaker.note(segment.to.text, outcome, self.clock.monotonic())
        if rest is not None:
            self.roster.note(self.link.name, resting=rest.why)
            self._rests.append(rest)

    async def _tell(self) -> None:
        """An operator is told of a rest."""
        while self._rests:
            rest = self._rests.pop(0)
            with contextlib.suppress(StoreUnavailable):
                note: EventData = {"why": rest.why, "seconds": rest.seconds}
                await self.queue.record_event("link.tripped", self.clock.now(), note, link=self.link.name)

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
