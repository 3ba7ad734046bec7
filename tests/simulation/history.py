"""One seed, one history: people send and write, operators act, links and desks fail, the disk fills, the clock jumps, and
the gateway dies and comes back, again and again. Then all becomes calm, and the books are compared.

Everything that happens follows from the seed, so a history that shows a mistake can be run again, as often as it takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from smsgwd import pulse, timekeeper
from smsgwd.daemon import queue_limits
from smsgwd.errors import Conflict, NotFound, RequestRefused, StoreUnavailable
from smsgwd.gateway import SendRequest
from smsgwd.model import Message
from smsgwd.queue.interface import Settled
from tests.simulation import store
from tests.simulation.checks import Checks
from tests.simulation.loop import Spinning, Stuck, VirtualLoop
from tests.simulation.network import Arrival, Network, SimLink, texts_of
from tests.simulation.parts import LINKS, Book, SimDaemon, SimDesk, SteppedClock, config

#: 2026-11-27, in ms
BEGAN = 1_795_737_600_000
PEERS = tuple(f"+1555010{n:04d}" for n in (700, 701, 1702, 2703))
TEN_YEARS = 10 * 365 * 86_400_000
#: seconds that a clean stop may take before it is killed, as systemd would
STOP_TIME = 90.0
#: seconds of calm at the end: longer than the longest pause of anything
CALM, LOOK = 26 * 3600.0, 120.0

Act = Callable[[SimDaemon], Awaitable[None]]


class Outcome(msgspec.Struct, frozen=True):
    """What a history was like."""

    seed: int
    digest: str
    lives: int
    accepted: int
    wire: int
    inbound: int


class History:
    """``change`` may put something wrong into the gateway before each life: to see that the checks find it."""

    def __init__(self, seed: int, *, trace: bool = False, change: Callable[[SimDaemon], None] = lambda daemon: None) -> None:
        self.seed, self.trace, self.change = seed, trace, change
        self.chance = random.Random(f"history {seed}")
        self._sum = hashlib.sha256()
        self.clock = SteppedClock(BEGAN)
        self.disk = store.Disk(random.Random(f"disk {seed}"))
        self.network = Network(random.Random(f"network {seed}"), self.tell, self.clock.true)
        self.books = {"support": Book(), "audit": Book()}
        self.checks = Checks(self)
        #: (when, what), in no order; what was not answered in one life is asked again in the next
        self.plan: list[tuple[float, Act]] = []
        self.time, self.lives, self.inbound = 0.0, 0, 0
        self.path = ""

    def tell(self, *what: Any) -> None:
        line = f"{asyncio.get_running_loop().time():.3f} {' '.join(map(str, what))}"
        self._sum.update(line.encode() + b"\n")
        if self.trace:
            print(line)

    def run(self) -> Outcome:
        """AssertionError, with the promise that was broken, when one was."""
        state, folder = random.getstate(), tempfile.mkdtemp(prefix="smsgwd-sim-", dir=store.place())
        random.seed(self.seed)
        beat, pulse.BEAT = pulse.BEAT, 10.0  # it measures a loop that is never late here
        look, timekeeper.LOOK = timekeeper.LOOK, 5.0
        try:
            self.path = os.path.join(folder, "smsgwd.db")
            store.make(self.path)
            self._make_plan()
            ends = [self.chance.choice(("crash", "crash", "stop")) for _ in range(self.chance.randrange(1, 4))]
            for end in [*ends, "calm"]:
                self._live(end, self.chance.uniform(20, 400))
            self._sum.update(self.checks.at_the_end())
        finally:
            pulse.BEAT, timekeeper.LOOK = beat, look
            random.setstate(state)
            store.remove(folder)
        return Outcome(
            self.seed, self._sum.hexdigest()[:16], self.lives, len(self.checks.accepted), len(self.network.tries), self.inbound
        )

    # ---- what will happen -------------------------------------------------------------------------------------------

    def _make_plan(self) -> None:
        chance = self.chance
        for n in range(chance.randrange(8, 24)):
            self._at(chance.uniform(0, 800), self._sending(n))
        for n in range(chance.randrange(3, 10)):
            self._at(chance.uniform(0, 800), self._texting(n))
        for _ in range(chance.randrange(2, 10)):
            self._at(chance.uniform(10, 900), self._operating(chance.choice(("cancel", "hold", "release", "retry", "settle"))))
        for n in range(chance.randrange(0, 6)):
            self._at(chance.uniform(100, 900), self._answering(n))
        for _ in range(chance.randrange(0, 3)):
            begin = chance.uniform(0, 800)
            self._at(begin, self._filling(True))
            self._at(begin + chance.uniform(1, 100), self._filling(False))
        if chance.random() < 0.4:
            for _ in range(chance.randrange(1, 3)):
                step = chance.choice((-3_600_000, 3_600_000, TEN_YEARS, -TEN_YEARS, -BEGAN, 30_000, -30_000))
                self._at(chance.uniform(0, 900), self._stepping(step))
        if chance.random() < 0.3:
            self._at(chance.uniform(0, 800), self._pausing(chance.choice(LINKS)))

    def _at(self, when: float, act: Act) -> None:
        self.plan.append((when, act))

    def _later(self, seconds: float, act: Act) -> None:
        self._at(asyncio.get_running_loop().time() + seconds, act)

    # ---- people -----------------------------------------------------------------------------------------------------

    def _sending(self, number: int) -> Act:
        chance = self.chance
        request = SendRequest(
            to=chance.choice(PEERS), text=f"text {number} " + "x" * chance.choice((0, 0, 0, 170, 330)),
            class_=chance.choice(("bulk", "normal", "normal", "alarm")), from_=chance.choice(("", "", *LINKS)),
            at=chance.choice(("", "", "", "+60s", "+300s")), validity=chance.choice(("", "", "", "1m", "5m")),
            key=f"key {number}" if chance.random() < 0.7 else "", callback=chance.choice(("", "", "support")),
        )  # fmt: skip
        again = [True] if chance.random() < 0.2 else []  # its answer gets lost once

        async def act(daemon: SimDaemon) -> None:
            try:
                message = await daemon.gateway.send(request)
            except RequestRefused as e:
                self.tell("refused", number, e.code)
                return
            except (asyncio.CancelledError, StoreUnavailable):
                if request.key:  # who has a key may ask again, and gets one text
                    self._later(self.chance.uniform(1, 30), act)
                raise
            self.tell("accepted", number, message.id)
            self.checks.was_accepted(message, request)
            if again and request.key:
                again.pop()
                self._later(self.chance.uniform(0, 200), act)

        return act

    def _texting(self, number: int) -> Act:
        words, segments = texts_of(self.chance, number, self.chance.choice(PEERS))
        link, missing = self.chance.choice(LINKS), self.chance.random() < 0.15 and len(segments) > 1

        async def act(daemon: SimDaemon) -> None:
            now = asyncio.get_running_loop().time()
            came = segments[1:] if missing else segments
            self.inbound += 1
            self.checks.was_texted(words, came, now)
            for segment in came:
                late = self.chance.choice((0.0, 1.0, 30.0, 300.0)) * self.chance.random()
                self.network.put(link, Arrival(now + late, segment=segment, again=self.chance.random() < 0.2))
            for _, each in daemon.links:
                each.came()

        return act

    def _answering(self, number: int) -> Act:
        async def act(daemon: SimDaemon) -> None:
            threads = (await daemon.queue.conversations("open", "", 100)).items
            if threads:
                thread = self.chance.choice(threads)
                message = await daemon.gateway.reply(thread.id, f"answer {number}", "agent", f"answer {number}")
                self.checks.was_accepted(message, None)

        return act

    def _operating(self, verb: str) -> Act:
        async def act(daemon: SimDaemon) -> None:
            queue, now = daemon.queue, self.clock.now()
            known = sorted(self.checks.accepted)
            if verb == "settle":
                known = [id_ for id_ in known if (await queue.message(id_)).state == "uncertain"]
            if not known:
                return
            id_ = self.chance.choice(known)
            self.tell(verb, id_)
            if verb == "settle":
                how = self.chance.choice(("sent", "resend", "fail"))
                self.checks.decided(id_, how)
                await queue.settle(id_, Settled(how, "operator"), now)
                return
            changed: Message = await getattr(queue, verb)(id_, now)
            if verb == "retry" and changed.id != id_:
                self.checks.was_accepted(changed, None)
            if verb == "hold":
                self._later(self.chance.uniform(10, 200), self._releasing(id_))

        return act

    def _releasing(self, id_: str) -> Act:
        async def act(daemon: SimDaemon) -> None:
            await daemon.queue.release(id_, self.clock.now())

        return act

    # ---- the world --------------------------------------------------------------------------------------------------

    def _filling(self, full: bool) -> Act:
        async def act(daemon: SimDaemon) -> None:
            self.tell("full" if full else "space")
            self.disk.full = full
            if full:
                assert isinstance(daemon.queue, store.QueueInStep)
                daemon.queue.writer.fill()

        return act

    def _stepping(self, milliseconds: int) -> Act:
        async def act(daemon: SimDaemon) -> None:
            await asyncio.sleep(10.0)  # a step, not a clock that was wrong at the start
            self.tell("clock", milliseconds)
            self.checks.stepped = True
            ahead = milliseconds > 0 and self.clock.wrong < 0  # from a wrong time it is set right: nobody can tell it from that
            self.clock.wrong = 0 if ahead else max(milliseconds, -self.clock.true())

        return act

    def _pausing(self, link: str) -> Act:
        async def act(daemon: SimDaemon) -> None:
            row = daemon.roster.get(link)
            assert row is not None
            paused = not row.paused
            await daemon.queue.pause_link(link, paused, self.clock.now())
            daemon.roster.note(link, paused=paused)
            daemon.queue.poke(f"link:{link}")
            if paused:
                self._later(self.chance.uniform(10, 200), self._pausing(link))

        return act

    # ---- lives of the gateway ---------------------------------------------------------------------------------------

    def _live(self, end: str, seconds: float) -> None:
        """One process, from its start to its end, on a loop of its own."""
        self.lives += 1
        self.clock.wrong = min(self.clock.wrong, 0)  # at a start nobody can tell a clock that is ahead from a long rest
        loop = VirtualLoop(self.time)
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._life(end, seconds))
            self.time = loop.time() + self.chance.uniform(0.5, 60)
        except (Spinning, Stuck):
            with contextlib.suppress(Spinning, Stuck):
                loop.run_until_complete(self._bury())
            raise
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def _daemon(self, queue: store.QueueInStep) -> SimDaemon:
        made, rules = config()
        daemon = SimDaemon("", made, rules, queue, self.clock)
        links = [SimLink(name, self.network, self.checks.before) for name in LINKS]
        desks = [
            SimDesk(row.name, row.events, self.books[row.name], random.Random(f"{row.name} {self.seed} {self.lives}"),
                    lambda: self.network.calm)
            for row in made.helpdesk
        ]  # fmt: skip
        daemon.furnish(links, desks)
        self.change(daemon)
        return daemon

    async def _life(self, end: str, seconds: float) -> None:
        queue = store.opened(self.path, self.clock, queue_limits(config()[0]), self.disk)
        self.tell("start")
        daemon = self._daemon(queue)
        running = asyncio.create_task(daemon.run(), name="daemon")
        acting = asyncio.create_task(self._act(daemon), name="people")
        killed = False
        try:
            if end == "calm":
                await asyncio.wait((running, acting), timeout=900, return_when=asyncio.FIRST_COMPLETED)
                await self._calm(daemon, running)
            else:
                await asyncio.wait((running, acting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            self._still_well(running, acting)
            if not running.done() and end != "crash":
                killed = not await self._stop(running)
                self._still_well(running, acting)
            clean = end != "crash" and not killed and running.done() and running.exception() is None
            if clean:
                await queue.close()
        finally:
            if not queue.writer.dead:
                queue.crash()
            for _, link in daemon.links:
                link.dead = True
            await self._bury()
        self.tell("end", end, "clean" if clean else "")
        self.checks.after_a_life(queue.writer.kept, clean)

    def _still_well(self, running: asyncio.Task[None], acting: asyncio.Task[None]) -> None:
        """Nothing ended by a bug."""
        for task in (running, acting):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                if isinstance(error, StoreUnavailable) and self.disk.full:
                    continue  # it could not start on a full disk; systemd tries again
                raise error

    async def _stop(self, running: asyncio.Task[None]) -> bool:
        """SIGTERM; False when it had to be killed."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.tell("SIGTERM")
        loop.deliver(signal.SIGTERM)
        await asyncio.wait((running,), timeout=STOP_TIME)
        return running.done()

    async def _bury(self) -> None:
        """All tasks of the process are gone. Nothing that they do on their way out can reach anything."""
        me = asyncio.current_task()
        for _ in range(100):
            left = [task for task in sorted(asyncio.all_tasks(), key=hash) if task is not me]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1.0)
        raise AssertionError(f"tasks that do not end: {left}")

    async def _act(self, daemon: SimDaemon) -> None:
        """People and the world do what is planned; who gets an error from the gateway lives with it."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                due = sorted((entry for entry in self.plan if entry[0] <= loop.time()), key=lambda entry: entry[0])
                self.plan = [entry for entry in self.plan if entry[0] > loop.time()]
                for _, act in due:
                    group.create_task(self._done(act, daemon), name="act")
                following = min((when for when, _ in self.plan), default=loop.time() + 30.0)
                await asyncio.sleep(min(max(following - loop.time(), 0.001), 30.0))

    async def _done(self, act: Act, daemon: SimDaemon) -> None:
        try:
            await act(daemon)
        except (StoreUnavailable, Conflict, NotFound, RequestRefused) as e:
            self.tell(type(e).__name__)

    async def _calm(self, daemon: SimDaemon, running: asyncio.Task[None]) -> None:
        """Nothing fails any more, and there is time for all that waits. Then an operator decides what is in doubt."""
        loop = asyncio.get_running_loop()
        self.tell("calm")
        self.network.calm, self.disk.full, self.clock.wrong = True, False, 0
        until = loop.time() + CALM
        while loop.time() < until and not running.done():
            await asyncio.wait((running,), timeout=LOOK)
            if not self.plan and self.checks.nothing_waits():
                return
