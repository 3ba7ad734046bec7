"""The store alone, in one process, on a real file with every commit synced.

* durable accepts a second with 1, 10, 100 and 1,000 submitters that each wait for their commit;
* the whole chain (accept, claim, accepted, report) in messages a second and CPU microseconds a message;
* what a claim costs with 10,000 and with 1,000,000 finished texts in the tables (it must not grow);
* what a text writes to the disk, alone and in company, from /proc/self/io.

All of it runs ``ROUNDS`` times; the figures are medians. There are no peers: none has a store to be called alone.

The folder is ``$SMSGWD_BENCH_DIR`` (it should lie on the disk that is to be judged), else the working directory: /tmp is
often memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from bench.figures import Row, medians, row
from smsgwd.clock import SystemClock, any_came
from smsgwd.daemon import quieten_collector
from smsgwd.model import Accepted, DeliveryReport, Draft, LinkState, Outcome, ReportStatus
from smsgwd.queue.sqlite import SqliteQueue, open_queue
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet

CLOCK = SystemClock()
LINKS = ("one", "two", "three", "four")
ROUNDS = 3
TEXT = "Your appointment is on Tuesday at 10:30. Reply STOP to get no more texts."


def draft(n: int, link: str = "") -> Draft:
    return Draft(
        to=f"+1555{n % 10_000_000:07d}", text=TEXT, link=link or LINKS[n % 4], alphabet=Alphabet.GSM7,
        expires=CLOCK.now() + 172_800_000,
    )  # fmt: skip


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """Where a database may lie."""
    folder = os.environ.get("SMSGWD_BENCH_DIR") or os.getcwd()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=folder) as name:
        yield Path(name, "bench.db")


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteQueue]:
    async with open_queue(path, clock=CLOCK) as queue:
        for link in LINKS:
            await queue.record_link(link, "modem", "+15550100", LinkState.UP, "up", CLOCK.now())
        yield queue


@contextlib.asynccontextmanager
async def store() -> AsyncIterator[SqliteQueue]:
    with place() as path:
        async with opened(path) as queue:
            yield queue


async def together(jobs: int, submitters: int, one: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Runs ``one(n)`` for n < jobs with so many at a time; (a second, CPU microseconds each)."""

    async def submitter(first: int) -> None:
        for n in range(first, jobs, submitters):
            await one(n)

    started, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for first in range(submitters):
            group.create_task(submitter(first), name=f"submitter {first}")
    return jobs / (time.perf_counter() - started), (time.process_time() - cpu) / jobs * 1e6


async def accepts() -> list[Row]:
    rows = []
    goals = {1: "≥ 3000", 10: "≥ 13000", 100: "≥ 40000", 1000: "≥ 40000"}
    for submitters, jobs in ((1, 400), (10, 4000), (100, 15_000), (1000, 20_000)):
        async with store() as queue:
            rate, cpu = await together(jobs, submitters, lambda n: queue.accept([draft(n)], CLOCK.now()))
        rows.append(row(f"durable accept, {submitters} submitters", "1/s", rate, goal=goals[submitters]))
        rows.append(row(f"durable accept, {submitters} submitters, CPU", "µs", cpu, goal="≤ 30" if submitters >= 100 else ""))
    return rows


class Wire:
    """Four links that take everything at once and report it delivered. Each works in turns, as a lane of the daemon does:
    what came of the texts before and the claim of the next are one verb."""

    def __init__(self, queue: SqliteQueue, messages: int) -> None:
        self.queue, self.left, self.done = queue, messages, asyncio.Event()

    async def lane(self, link: str, window: int) -> None:
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
        report = DeliveryReport(reference=submission[-8:], status=ReportStatus.DELIVERED, recipient=None)
        if not await self.queue.record_report(link, report, CLOCK.now()):
            raise RuntimeError(f"the report on {submission} fits nothing")
        self.left -= 1
        if self.left == 0:
            self.done.set()


async def chain(messages: int = 20_000) -> list[Row]:
    async with store() as queue:
        quieten_collector()
        wire = Wire(queue, messages)
        started, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for link in LINKS:
                group.create_task(wire.lane(link, 50), name=link)
            await together(messages, 200, lambda n: queue.accept([draft(n)], CLOCK.now()))
            await wire.done.wait()
            elapsed, used = time.perf_counter() - started, time.process_time() - cpu
    return [
        row("whole chain in process", "messages/s", messages / elapsed, goal="≥ 12000"),
        row("whole chain in process, CPU", "µs/message", used / messages * 1e6),
    ]


def grown(path: Path, history: int) -> None:
    """Brings the tables to so many finished texts, copies of the one that is there, behind the store's back and while nobody
    has it: by its verbs a million would take minutes."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        (stored,) = db.execute("SELECT count(*) FROM message WHERE state = 'delivered'").fetchone()
        names = [name for _, name, *_ in db.execute("PRAGMA table_info(message)")]
        new = {"id": "n.value << 20", "peer": "printf('+1555%07d', n.value)"}
        db.execute("PRAGMA synchronous = OFF")
        db.execute(
            "WITH RECURSIVE n (value) AS (SELECT ?1 UNION ALL SELECT value + 1 FROM n WHERE value < ?2 - 1) "
            f"INSERT INTO message ({', '.join(names)}) SELECT {', '.join(new.get(name, f'm.{name}') for name in names)} "
            "FROM n CROSS JOIN (SELECT * FROM message WHERE state = 'delivered' ORDER BY id DESC LIMIT 1) m",
            (stored, history),
        )


async def finished(queue: SqliteQueue) -> None:
    """One text, all the way."""
    await queue.accept([draft(0, "one")], CLOCK.now())
    (segment,) = await queue.claim("one", 1, CLOCK.now())
    await queue.record_result(segment.submission, Accepted("1"), CLOCK.now())
    await queue.record_report("one", DeliveryReport(reference="1", status=ReportStatus.DELIVERED), CLOCK.now())


async def claims() -> list[Row]:
    """What a claim costs on top of finished texts."""
    rows: list[Row] = []
    with place() as path:
        async with opened(path) as queue:
            await finished(queue)
        for history in (10_000, 1_000_000):
            grown(path, history)
            async with opened(path) as queue:
                await queue.accept([draft(n, "two") for n in range(2000)], CLOCK.now())
                cpu = time.process_time()
                for _ in range(20):
                    turn = await queue.turn("two", [], 100, CLOCK.now())
                    assert len(turn.claimed) == 100
                used = (time.process_time() - cpu) / 2000 * 1e6
            rows.append(row(f"claim with {history:,} finished texts, CPU", "µs/message", used))
    growth = rows[1]["smsgwd"] / rows[0]["smsgwd"]
    return [*rows, row("claim, the second of these to the first", "times", growth, goal="≤ 1.2")]


def written() -> int:
    text = Path("/proc/self/io").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("wchar"))


async def bytes_written() -> list[Row]:
    """accept, claim, accepted, delivered; one text at a time, then twenty."""
    rows = []
    for together_, messages, goal in ((1, 100, "≤ 25"), (20, 2000, "≤ 6")):
        async with store() as queue:
            before = written()
            for first in range(0, messages, together_):
                now = CLOCK.now()
                await queue.accept([draft(n, "one") for n in range(first, first + together_)], now)
                segments = await queue.claim("one", together_, now)
                await asyncio.gather(*(queue.record_result(s.submission, Accepted(s.submission), now) for s in segments))
                reports = (
                    DeliveryReport(reference=s.submission, status=ReportStatus.DELIVERED, recipient=Address.parse(s.to.text))
                    for s in segments
                )
                await asyncio.gather(*(queue.record_report("one", report, now) for report in reports))
            amount = (written() - before) / messages / 1024
        rows.append(row(f"written for a text, {together_} together, four commits", "KiB", amount, goal=goal))
    return rows


async def measure() -> list[Row]:
    return [*await accepts(), *await chain(), *await claims(), *await bytes_written()]


def run(rounds: int = ROUNDS) -> list[Row]:
    return medians([asyncio.run(measure()) for _ in range(rounds)])
