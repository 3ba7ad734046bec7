"""P13: database, write-ahead log, waiting rows and memory are bounded; above the mark new texts are refused, and what comes in
is still taken. (The disk itself, byte by byte: tests/faults/test_f48_disk_full.py.)"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.gateway import SendRequest
from smsgwd.model import Accepted
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.space import Space
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from smsgwd.watch import StoreWatch
from tests.contract.making import OURS, part
from tests.queue.storing import names, sql
from tests.store import StillClock, gateway
from tests.web.served import served

TEXT = SendRequest(to="+15550100777", text="hello")


@asynccontextmanager
async def bounded(folder, more: str = "", **space):
    clock = StillClock()
    async with open_queue(folder / "q.db", clock=clock, limits=Limits(space=SpaceLimits(**space))) as queue:
        yield gateway(queue, clock, more)


async def until_refused(take, error) -> tuple[int, Exception]:
    """How often it worked, and what ended it."""
    for n in range(2000):
        try:
            await take(n)
        except error as e:
            return n, e
    raise AssertionError("it is never refused")


async def test_p13_refused_below_the_mark(tmp_path):
    """With less free space than the mark a text is refused with 507, `store-full` and a time to wait; inbound and results
    are taken; the same key as before is still answered with the text of before."""
    async with bounded(tmp_path) as gate:
        before = await gate.send(SendRequest(to="+15550100777", text="hello", key="k"))
        (segment,) = await gate.queue.claim("m1", 1, gate.clock.now())
    async with bounded(tmp_path, free=1 << 60) as gate:
        with pytest.raises(RequestRefused, match="KiB of disk are left") as refused:
            await gate.send(TEXT)
        assert (refused.value.code, refused.value.retry_after) == ("store-full", 60.0)
        assert (await gate.send(SendRequest(to="+15550100777", text="hello", key="k"))).id == before.id
        await gate.queue.receive("m1", OURS["m1"], part("hello"), gate.clock.now())
        await gate.queue.record_result(segment.submission, Accepted("7"), gate.clock.now())
        assert (await gate.queue.message(before.id)).state == "sent"
        assert gate.room.refused["store-full"] == 2


async def test_p13_the_database_has_a_quota(tmp_path):
    """At its quota new texts are refused; inbound goes on until a tenth more and the reserve, then it is told to come again;
    the file is never larger, and the store is no worse for it."""
    quota = 400 << 10
    async with bounded(tmp_path, largest=quota) as gate:
        sent, refused = await until_refused(
            lambda n: gate.send(SendRequest(to="+15550100777", text=f"{n} " + "x" * 900)), RequestRefused
        )
        assert sent > 5
        assert (refused.code, "store.largest" in refused.detail) == ("store-full", True)
        taken, full = await until_refused(
            lambda n: gate.queue.receive("m1", OURS["m1"], part(f"{n} " + "x" * 100), gate.clock.now()), StoreUnavailable
        )
        assert taken > 5
        assert "full" in full.detail
        assert not gate.queue.failed.is_set()
    assert quota <= os.stat(tmp_path / "q.db").st_size <= quota * 1.1 + 1024


async def test_p13_rows_are_bounded(tmp_path):
    """More than `queue_rows` may not wait: 507 `queue-full`; when some were sent the next count lets texts in again."""
    async with bounded(tmp_path, "[limits]\nqueue_rows = 3\nneighbours = 0\n") as gate:
        for _ in range(3):
            await gate.send(TEXT)
        with pytest.raises(RequestRefused) as refused:
            await gate.send(TEXT)
        assert refused.value.code == "queue-full"
        (segment,) = await gate.queue.claim("m1", 1, gate.clock.now())
        await gate.queue.record_result(segment.submission, Accepted("1"), gate.clock.now())
        await gate.room.count(gate.clock.now())
        await gate.send(TEXT)
        with pytest.raises(RequestRefused):
            await gate.send(TEXT)


async def test_p13_events_and_state(tmp_path):
    """store.low and store.ok are told once per change, and status, metrics and the problem document say it too."""
    async with bounded(tmp_path, free=1 << 60) as gate:
        watch = StoreWatch(gate.queue, gate.room, gate.clock)
        for _ in range(3):
            await watch.look()
        space: Space = gate.queue._writer.space
        space.limits = SpaceLimits()
        for _ in range(3):
            await watch.look()
    assert [kind for kind in names(tmp_path / "q.db") if kind.startswith("store.")] == ["store.low", "store.ok"]
    async with served(tmp_path) as api:
        api.queue._writer.space.limits = SpaceLimits(free=1 << 60)
        await api.queue.look_at_space()
        status, problem = await api.ask("POST", "/v1/messages", {"to": "+15550100777", "text": "hello"})
        assert (status, problem["type"], problem["retry_after"]) == (507, "urn:smsgwd:problem:store-full", 60)
        _, told = await api.ask("GET", "/v1/status")
        assert "disk are left" in told["store"]["low"]
        async with api._unix.get("http://localhost/metrics") as answer:
            page = await answer.text()
        assert "smsgwd_store_low 1\n" in page
        assert 'smsgwd_refused_total{why="store-full"} 1\n' in page


async def test_p13_the_log_is_watched(tmp_path):
    """A foreign reader that keeps its snapshot keeps the write-ahead log from being reused: store.log is told once, with
    what to do; when the reader is gone the log is short again after the next texts."""
    async with bounded(tmp_path, "[limits]\nneighbours = 0\n", log=2 << 20) as gate:
        queue, log = gate.queue, tmp_path / "q.db-wal"
        queue._writer._conn.execute("PRAGMA wal_autocheckpoint = 200")
        queue._writer._conn.execute("PRAGMA journal_size_limit = 1048576")
        watch = StoreWatch(queue, gate.room, gate.clock)
        with sql(tmp_path / "q.db") as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM message").fetchone()
            for n in range(40):
                await queue.receive("m1", OURS["m1"], part(f"{n}"), gate.clock.now())
                await gate.send_batch([SendRequest(to="+15550100777", text="x" * 900)] * 30)
                if log.stat().st_size > 2 << 20:
                    break
            await watch.look()
            await watch.look()
            assert queue.capacity().long_log
        for n in range(3):
            await queue.receive("m1", OURS["m1"], part(f"after {n}"), gate.clock.now())
        await watch.look()
        assert log.stat().st_size <= 1 << 20
        (event,) = await queue.events_after(0, 1, "store.log")
        assert "fuser" in event.data["why"]
        assert not queue.capacity().long_log


_QUEUED = """
import asyncio, json, sys
from pathlib import Path
from smsgwd import clock, log
from smsgwd.gateway import SendRequest
from smsgwd.queue.sqlite import open_queue
from tests.queue.inprocess import built
from tests.queue.plainlink import PlainLink

def rss(what="VmRSS"):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(what)) >> 10

async def main(home):
    log.set_up("warning")
    async with open_queue(home / "smsgwd.db", clock=clock.SystemClock()) as queue:
        link = PlainLink()
        made = built(home, queue, clock.SystemClock(), link)
        running = asyncio.create_task(made.run())
        await asyncio.sleep(0.3)
        before = rss()
        await queue.pause_link("m1", True, 0)
        made.roster.note("m1", paused=True)
        for n in range(100):
            some = [SendRequest(to=f"+1555{n:03d}{i:04d}", text=f"text {i} " + "x" * 100) for i in range(1000)]
            await made.gateway.send_batch(some)
        after, depth = rss(), sum(d.count for d in await queue.depth(0))
        assert link.segments == []
        print(json.dumps([depth, before, after, rss("VmHWM")]))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_p13_memory_with_100000_queued(tmp_path):
    """The daemon with 100,000 texts that wait needs less than 60 MiB more than with none, and less than 256 MiB at all: they
    lie in the database, not in memory."""
    from tests.queue.inprocess import CONFIG, furnished

    furnished(tmp_path)
    more = "[limits]\nneighbours = 0\n"
    (tmp_path / "smsgwd.toml").write_text(CONFIG.format(home=tmp_path) + more)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _QUEUED, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    depth, before, after, most = json.loads(done.stdout)
    assert depth == 100_000
    assert after - before < 60, (before, after, most)
    assert most < 256, (before, after, most)
