"""A disk that is full, and a disk that fails: what was acknowledged stays, what was not is told, and when it is over."""

import asyncio
import json
import subprocess
import sys

import pytest

from smsgwd.errors import StoreUnavailable
from smsgwd.model import Accepted
from smsgwd.queue import outbound, submitting
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft
from tests.faults import disk
from tests.queue.storing import Gate, sql, storing, writing
from tests.store import StillClock

LONG = "x" * 900


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB."""
    with disk.small_disk(tmp_path / "disk", "1m") as folder:
        yield folder


async def test_full_disk_refuses_and_goes_on_after(small_disk):
    """A full disk: every acknowledged text is there, the others were refused for now, looking goes on, and with room
    again texts are taken without a restart."""
    path, filler = small_disk / "q.db", small_disk / "filler"
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        filler.write_bytes(bytes(400_000))
        taken, refused = [], []
        for n in range(400):
            try:
                (message,) = await queue.accept([draft(f"{n} {LONG}")], NOW)
                taken.append(message.id)
            except StoreUnavailable as e:
                refused.append(str(e))
                if len(refused) == 3:
                    break
        assert refused == [f"{path}: the disk is full"] * 3
        assert not queue.failed.is_set()
        assert [(await queue.message(id_)).state for id_ in taken] == ["queued"] * len(taken)
        filler.unlink()
        (message,) = await queue.accept([draft("room again")], NOW)
        taken.append(message.id)
    with storing(path) as store:
        assert store.value("SELECT count(*) FROM message") == len(taken)
        assert store.value("PRAGMA integrity_check") == "ok"


async def test_small_change_fits_where_a_large_one_does_not(tmp_path):
    """At the bound of the database a long text is refused for now while, in the same batch, what came of an attempt is
    still recorded."""

    def bounded(conn):
        conn.execute(f"PRAGMA max_page_count = {conn.execute('PRAGMA page_count').fetchone()[0] + 4}")

    path = tmp_path / "q.db"
    with storing(path) as store:
        store.run(outbound.accept, [draft("short")], NOW)
        (segment,) = store.run(submitting.claim, "m1", 1, NOW)
    async with writing(path, bounded) as writer:
        gate = Gate()
        first = await gate.close(writer)
        large = writer.put(outbound.accept, [draft(LONG * 10)], NOW)
        small = writer.put(submitting.record_result, segment.submission, Accepted("7"), NOW)
        gate.open.set()
        answers = await asyncio.gather(first, large, small, return_exceptions=True)
        assert [type(a) for a in answers] == [type(None), StoreUnavailable, type(None)]
        assert not writer.failed.is_set()
    with storing(path) as store:
        assert store.rows("SELECT state FROM message") == [("sent",)]


_CHILD = """
import asyncio, json, os, resource, signal, sys
from smsgwd.clock import SystemClock
from smsgwd.errors import StoreUnusable
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft
from tests.faults import disk

async def main(path):
    taken, error, after, failed = [], "", "", False
    async with open_queue(path, clock=SystemClock()) as queue:
        size = os.stat(path + "-wal").st_size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60_000, resource.RLIM_INFINITY))
        for n in range(500):
            try:
                (message,) = await queue.accept([draft(f"{n} " + "x" * 900)], NOW)
                taken.append(message.id)
            except StoreUnusable as e:
                error = str(e)
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        try:
            await queue.accept([draft("after")], NOW)
        except StoreUnusable as e:
            after = str(e)
        await asyncio.wait_for(queue.failed.wait(), 5)
    print(json.dumps([taken, error, after]))

asyncio.run(main(sys.argv[1]))
"""


async def test_io_error_is_for_good(tmp_path):
    """An I/O error in a commit: that text is not acknowledged, no other is taken although the disk would work again,
    the end is not noted as clean, and all that was acknowledged is there at the next start."""
    path = tmp_path / "q.db"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _CHILD, str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    taken, error, after = json.loads(done.stdout)
    assert "the disk failed" in error
    assert after == error
    with sql(path) as conn:
        assert conn.execute("SELECT value FROM store WHERE name = 'clean'").fetchone() == ("0",)
    assert taken
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        assert [s.message for s in await queue.claim("m1", 1000, NOW)] == taken
