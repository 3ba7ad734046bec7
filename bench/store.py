"""The store alone, in one process, on a real file with every commit synced.

* durable accepts a second with 1, 10, 100 and 1,000 submitters that each wait for their commit;
* the whole chain (accept, claim, accepted, report) in messages a second and CPU microseconds a message;
* what a claim costs with 10,000 and with 200,000 finished texts in the tables (it must not grow);
* what a text writes to the disk, alone and in company, from /proc/self/io.

All of it runs ``ROUNDS`` times; the figures are medians. There are no peers: none has a store to be called alone.

The folder is ``$SMSGWD_BENCH_DIR`` (it should lie on the disk that is to be judged), else the working directory: /tmp is
often memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bench.figures import Row, medians, row
from smsgwd.clock import SystemClock
from smsgwd.model import Accepted, DeliveryReport, Draft, LinkState, ReportStatus, Segment
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


@contextlib.asynccontextmanager
async def store() -> AsyncIterator[SqliteQueue]:
    folder = os.environ.get("SMSGWD_BENCH_DIR") or os.getcwd()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=folder) as name:
        async with open_queue(Path(name, "bench.db"), clock=CLOCK) as queue:
            for link in LINKS:
                await queue.record_link(link, "modem", "+15550100", LinkState.UP, "up", CLOCK.now())
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
    """Four links that take everything at once and report it delivered."""

    def __init__(self, queue: SqliteQueue, messages: int) -> None:
        self.queue, self.left, self.done = queue, messages, asyncio.Event()

    async def carry(self, segment: Segment, link: str) -> None:
        reference = segment.submission[-8:]
        await self.queue.record_result(segment.submission, Accepted(reference), CLOCK.now())
        report = DeliveryReport(reference=reference, status=ReportStatus.DELIVERED, recipient=segment.to)
        await self.queue.record_report(link, report, CLOCK.now())
        self.left -= 1
        if self.left == 0:
            self.done.set()

    async def lane(self, link: str, window: int) -> None:
        hint, busy = self.queue.hint(f"link:{link}"), asyncio.Semaphore(window)

        async def one(segment: Segment) -> None:
            try:
                await self.carry(segment, link)
            finally:
                busy.release()

        async with asyncio.TaskGroup() as group:
            while not self.done.is_set():
                hint.clear()
                await busy.acquire()
                busy.release()
                segments = await self.queue.claim(link, busy._value, CLOCK.now())
                for segment in segments:
                    await busy.acquire()
                    group.create_task(one(segment), name=segment.submission)
                if not segments:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(hint.wait(), 0.05)


async def chain(messages: int = 20_000) -> list[Row]:
    async with store() as queue:
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


async def claims() -> list[Row]:
    """Finished texts are made by cancelling them: they leave the index of waiting texts as sent ones do."""
    rows: list[Row] = []
    async with store() as queue:
        stored = 0
        for history in (10_000, 200_000):
            while stored < history:
                batch = await queue.accept([draft(n, "one") for n in range(stored, stored + 5000)], CLOCK.now())
                await asyncio.gather(*(queue.cancel(m.id, CLOCK.now()) for m in batch if not isinstance(m, Exception)))
                stored += len(batch)
            await queue.accept([draft(n, "two") for n in range(2000)], CLOCK.now())
            cpu = time.process_time()
            for _ in range(20):
                segments = await queue.claim("two", 100, CLOCK.now())
                assert len(segments) == 100
            used = (time.process_time() - cpu) / 2000 * 1e6
            rows.append(row(f"claim with {history} finished texts, CPU", "µs/message", used))
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
