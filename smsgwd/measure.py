"""What this machine gives a gateway: the store at work in a folder of its own, every commit synced.

The work is the gateway's own: texts are accepted, links take them, the network's answers and reports are recorded, by the
verbs and the threads that the daemon has. Only the links are none: they take everything at once. So the figures say what the
disk and the processor allow, and no network. The database goes with the measurement.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from smsgwd.clock import Clock, SystemClock, any_came
from smsgwd.errors import StoreUnavailable
from smsgwd.model import Accepted, DeliveryReport, Draft, LinkState, Outcome, ReportStatus
from smsgwd.queue.sqlite import SqliteQueue, open_queue
from smsgwd.sms.encoding import Alphabet

CLOCK: Clock = SystemClock()
LINKS = ("one", "two", "three", "four")
TEXT = "Your appointment is on Tuesday at 10:30. Reply STOP to get no more texts."
#: texts that are under way at once: accepted together, and taken by one link
TOGETHER, WINDOW = 200, 50


class Figure(NamedTuple):
    """One line of what was measured."""

    what: str
    figure: float
    unit: str


def draft(n: int, link: str = "") -> Draft:
    """A text of usual length to the n-th person, over one of :data:`LINKS`."""
    return Draft(
        to=f"+1555{n % 10_000_000:07d}", text=TEXT, link=link or LINKS[n % 4], alphabet=Alphabet.GSM7,
        expires=CLOCK.now() + 172_800_000,
    )  # fmt: skip


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Path]:
    """Where a database may lie for a while. StoreUnavailable where nothing can be written."""
    try:
        made = tempfile.TemporaryDirectory(prefix=".smsgwd-bench-", dir=folder)
    except OSError as e:
        raise StoreUnavailable(f"{folder}: {e.strerror}") from None
    with made as name:
        yield Path(name, "bench.db")


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteQueue]:
    """The store, with its links."""
    async with open_queue(path, clock=CLOCK) as queue:
        for link in LINKS:
            await queue.record_link(link, "modem", "+15550100", LinkState.UP, "up", CLOCK.now())
        yield queue


@contextlib.asynccontextmanager
async def store(folder: Path) -> AsyncIterator[SqliteQueue]:
    """A new store, for this block."""
    with place(folder) as path:
        async with opened(path) as queue:
            yield queue


def cpu() -> float:
    """Seconds of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written() -> int:
    """Octets that this process gave the system to write."""
    text = Path("/proc/self/io").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("wchar"))


def _written() -> int | None:
    try:
        return written()
    except OSError:  # a container may keep it from us
        return None


async def together(jobs: int, submitters: int, one: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Runs ``one(n)`` for n < jobs, so many at a time; (a second, CPU microseconds each)."""

    async def submitter(first: int) -> None:
        for n in range(first, jobs, submitters):
            await one(n)

    started, used = CLOCK.monotonic(), cpu()
    async with asyncio.TaskGroup() as group:
        for first in range(submitters):
            group.create_task(submitter(first), name=f"submitter {first}")
    return jobs / (CLOCK.monotonic() - started), (cpu() - used) / jobs * 1e6


class Wire:
    """Four links that take everything at once and report it delivered. Each works in turns, as a lane of the daemon does:
    what came of the texts before and the claim of the next are one verb."""

    def __init__(self, queue: SqliteQueue, messages: int) -> None:
        self.queue, self.left, self.done = queue, messages, asyncio.Event()

    async def lane(self, link: str, window: int) -> None:
        """Until the last text is reported."""
        hint, results = self.queue.hint(f"link:{link}"), list[tuple[str, Outcome]]()
        async with asyncio.TaskGroup() as group:
            while not self.done.is_set():
                hint.clear()
                turn = await self.queue.turn(link, results, window, CLOCK.now())
                for submission, _ in results:
                    group.create_task(self.report(link, submission), name=submission)
                results = [(segment.submission, Accepted(segment.submission[-8:])) for segment in turn.claimed]
                if not results:
                    await any_came((hint, self.done), None)

    async def report(self, link: str, submission: str) -> None:
        """The network delivers it."""
        report = DeliveryReport(reference=submission[-8:], status=ReportStatus.DELIVERED, recipient=None)
        if not await self.queue.record_report(link, report, CLOCK.now()):
            raise RuntimeError(f"the report on {submission} fits nothing")
        self.left -= 1
        if self.left == 0:
            self.done.set()


async def chain(queue: SqliteQueue, messages: int) -> tuple[float, float]:
    """Texts from acceptance to their report: (a second, CPU microseconds each)."""
    wire = Wire(queue, messages)
    started, used = CLOCK.monotonic(), cpu()
    async with asyncio.TaskGroup() as group:
        for link in LINKS:
            group.create_task(wire.lane(link, WINDOW), name=link)
        await together(messages, TOGETHER, lambda n: queue.accept([draft(n)], CLOCK.now()))
        await wire.done.wait()
        elapsed, used = CLOCK.monotonic() - started, cpu() - used
    return messages / elapsed, used / messages * 1e6


async def figures(folder: Path, messages: int) -> AsyncIterator[Figure]:
    """What the disk of a folder and this processor give, line by line as it is known. StoreUnavailable, StoreUnusable."""
    alone = max(20, messages // 50)
    async with store(folder) as queue:
        before = _written()
        rate, _ = await together(alone, 1, lambda n: queue.accept([draft(n)], CLOCK.now()))
        yield Figure("one text after another, each safe on the disk", rate, "texts/s")
        yield Figure("… one takes", 1000 / rate, "ms")
        if before is not None:
            yield Figure("… one writes", (written() - before) / alone / 1024, "KiB")
        rate, used = await together(messages, 100, lambda n: queue.accept([draft(n)], CLOCK.now()))
        yield Figure("texts of 100 programs at once, each safe on the disk", rate, "texts/s")
        yield Figure("… CPU", used, "µs/text")
    async with store(folder) as queue:
        rate, used = await chain(queue, messages)
        yield Figure("texts all the way: accepted, taken, sent, reported", rate, "texts/s")
        yield Figure("… CPU", used, "µs/text")
