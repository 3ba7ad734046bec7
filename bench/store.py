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
import statistics
from pathlib import Path

from bench.figures import Row, medians, row
from smsgwd.daemon import quieten_collector
from smsgwd.measure import CLOCK, chain, cpu, draft, opened, place, store, together, written
from smsgwd.model import Accepted, DeliveryReport, ReportStatus
from smsgwd.queue.sqlite import SqliteQueue
from smsgwd.sms.address import Address

ROUNDS = 3


def folder() -> Path:
    """On the disk that is to be judged."""
    return Path(os.environ.get("SMSGWD_BENCH_DIR") or Path.cwd())


async def accepts() -> list[Row]:
    rows = []
    goals = {1: "≥ 3000", 10: "≥ 13000", 100: "≥ 40000", 1000: "≥ 40000"}
    for submitters, jobs in ((1, 400), (10, 4000), (100, 15_000), (1000, 20_000)):
        async with store(folder()) as queue:
            rate, used = await together(jobs, submitters, lambda n: queue.accept([draft(n)], CLOCK.now()))
        rows.append(row(f"durable accept, {submitters} submitters", "1/s", rate, goal=goals[submitters]))
        rows.append(row(f"durable accept, {submitters} submitters, CPU", "µs", used, goal="≤ 30" if submitters >= 100 else ""))
    return rows


async def whole_chain(messages: int = 20_000) -> list[Row]:
    async with store(folder()) as queue:
        quieten_collector()
        rate, used = await chain(queue, messages)
    return [
        row("whole chain in process", "messages/s", rate, goal="≥ 12000"),
        row("whole chain in process, CPU", "µs/message", used),
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
    with place(folder()) as path:
        async with opened(path) as queue:
            await finished(queue)
        for history in (10_000, 1_000_000):
            grown(path, history)
            os.sync()  # what that left to be written must not be written while the claims are timed
            async with opened(path) as queue:
                await queue.accept([draft(n, "two") for n in range(10_000)], CLOCK.now())
                turns = []
                for _ in range(100):
                    before = cpu()
                    turn = await queue.turn("two", [], 100, CLOCK.now())
                    turns.append(cpu() - before)
                    assert len(turn.claimed) == 100
                used = statistics.median(turns) / 100 * 1e6  # of single claims: other work on the machine comes in bursts
            rows.append(row(f"claim with {history:,} finished texts, CPU", "µs/message", used))
    growth = rows[1]["smsgwd"] / rows[0]["smsgwd"]
    return [*rows, row("claim, the second of these to the first", "times", growth, goal="≤ 1.2")]


async def bytes_written() -> list[Row]:
    """accept, claim, accepted, delivered; one text at a time, then twenty."""
    rows = []
    for together_, messages, goal in ((1, 100, "≤ 25"), (20, 2000, "≤ 6")):
        async with store(folder()) as queue:
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
    return [*await accepts(), *await whole_chain(), *await claims(), *await bytes_written()]


def run(rounds: int = ROUNDS) -> list[Row]:
    return medians([asyncio.run(measure()) for _ in range(rounds)])
