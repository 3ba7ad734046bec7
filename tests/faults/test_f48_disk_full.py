"""F48: the disk is full, at each write: new texts are refused before, all else goes on from the reserve, nothing is lost."""

import asyncio
import errno
import json
import os
import subprocess
import sys

import pytest

from smsgwd.errors import StoreUnavailable
from smsgwd.model import Accepted
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import NOW, OURS, draft, part
from tests.faults.disk import ask, daemon_on, failing_disk, on_sim, send, small_disk, text_in, until
from tests.queue.storing import storing
from tests.store import StillClock

STORE = '\n[store]\nfree = "200K"\nreserve = "256K"\n'


def fill(folder, left: int) -> None:
    """Leaves so many bytes of a file system."""
    found = os.statvfs(folder)
    with (folder / "filler").open("ab") as filler:
        os.posix_fallocate(filler.fileno(), filler.tell(), found.f_bavail * found.f_frsize - left)


def test_f48_the_daemon_on_a_disk_that_fills(tmp_path):
    """A disk of 2 MiB under the real daemon. Below the mark new texts are refused with 75 and the reason, while inbound is
    taken; full to the last byte the reserve takes what people write; with room again texts are taken without a restart and
    the reserve is back. Operators are told once when it begins and once when it is over."""
    with small_disk(tmp_path / "disk") as disk, daemon_on(tmp_path, disk / "q.db", STORE) as running:
        assert send(running.config, "there is room").returncode == 0
        until(lambda: ask(running.config, "queue", "list")["items"][0]["state"] == "sent", 20, "it is sent")
        assert (disk / "q.db.reserve").stat().st_blocks * 512 == 256 << 10
        fill(disk, 100 << 10)
        text_in(tmp_path, "below the mark")
        until(lambda: len(ask(running.config, "inbox", "list")["items"]) == 1, 20, "inbound is taken")
        refused = send(running.config, "no room")
        assert (refused.returncode, "no new texts are taken" in refused.stderr) == (75, True)
        fill(disk, 0)
        for n in range(1, 6):
            text_in(tmp_path, f"nothing is left {n} " + "x" * 120)
            until(lambda n=n: len(ask(running.config, "inbox", "list")["items"]) == 1 + n, 20, "inbound is still taken")
        assert on_sim(tmp_path) == 0
        assert (disk / "q.db.reserve").stat().st_blocks == 0
        assert send(running.config, "no room").returncode == 75
        assert ask(running.config, "status")["store"]["low"]
        (disk / "filler").unlink()
        until(lambda: not ask(running.config, "status")["store"]["low"], 20, "there is room again")
        assert send(running.config, "room again").returncode == 0
        assert (disk / "q.db.reserve").stat().st_blocks * 512 == 256 << 10
        until(lambda: "store.ok" in running.text(), 10, "the event")
        kinds = [json.loads(line)["kind"] for line in running.text().splitlines() if '"kind":"store.' in line]
        assert kinds == ["store.low", "store.ok"]


_EACH = """
import asyncio, json, sys
from smsgwd.errors import StoreUnavailable
from smsgwd.model import Accepted
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import NOW, OURS, draft, part
from tests.faults.disk import control
from tests.store import StillClock

async def main(path):
    disk, kept, sent, came, refused = control(), [], [], 0, 0
    limits = Limits(space=SpaceLimits(reserve=65536))
    async with open_queue(path, clock=StillClock(NOW), limits=limits) as queue:
        for k in range(int(sys.argv[2])):
            (one,) = await queue.accept([draft(f"first {k}")], NOW)
            kept.append(one.id)
            (segment,) = await queue.claim("m1", 1, NOW)
            disk["before"], disk["write"] = k, int(sys.argv[3])
            try:
                (two,) = await queue.accept([draft(f"second {k} " + "x" * 700)], NOW)
                kept.append(two.id)
            except StoreUnavailable:
                refused += 1
            try:
                await queue.record_result(segment.submission, Accepted(str(k)), NOW)
                sent.append(one.id)
            except StoreUnavailable:
                pass
            try:
                await queue.receive("m1", OURS["m1"], part(f"text {k}"), NOW)
                came += 1
            except StoreUnavailable:
                refused += 1
            disk["write"] = 0
            assert not queue.failed.is_set(), k
            await queue.look_at_space()
            if one.id not in sent:
                await queue.record_result(segment.submission, Accepted(str(k)), NOW)
            while queue_left := await queue.claim("m1", 10, NOW):
                for s in queue_left:
                    await queue.record_result(s.submission, Accepted("x"), NOW)
    print(json.dumps([kept, sent, came, refused]))

asyncio.run(main(sys.argv[1]))
"""


def test_f48_full_at_each_write(tmp_path):
    """The disk is full from the k-th write on, for each k: what was acknowledged is there, what was not is not, the store
    goes on as soon as there is room, and it is whole."""
    with failing_disk(tmp_path) as disk:
        path = disk.folder / "q.db"
        done = subprocess.run(
            [sys.executable, "-c", _EACH, str(path), "60", str(errno.ENOSPC)], env=disk.environ, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        kept, sent, came, refused = json.loads(done.stdout)
        assert refused > 20
        assert disk["failed_writes"] > 20
    with storing(path) as store:
        assert store.value("SELECT count(*) FROM message WHERE direction = 'out'") == len(kept)
        assert store.value("SELECT count(*) FROM message WHERE direction = 'out' AND state <> 'sent'") == 0
        assert store.value("SELECT count(*) FROM message WHERE direction = 'in'") == came
        assert len(sent) >= 1
        assert store.value("PRAGMA integrity_check") == "ok"


@pytest.mark.parametrize("reserve", [pytest.param(0, id="no reserve"), pytest.param(256 << 10, id="reserve")])
async def test_f48_the_reserve_lets_states_through(tmp_path, reserve):
    """On a disk that is full to the last byte with texts on the wire: with the reserve every answer is recorded, and no new
    text gets any of it; without a reserve hardly any is."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        path, limits = disk / "q.db", Limits(space=SpaceLimits(reserve=reserve, free=1 if reserve else 0))
        async with open_queue(path, clock=StillClock(NOW), limits=limits) as queue:
            await queue.accept([draft(f"text {n}") for n in range(200)], NOW)
            segments = await queue.claim("m1", 200, NOW)
            fill(disk, 0)
            recorded, refused = 0, False
            for n, segment in enumerate(segments):
                with_room = asyncio.gather(
                    queue.accept([draft(f"new {n} " + "x" * 500)], NOW),
                    queue.record_result(segment.submission, Accepted(str(n)), NOW), return_exceptions=True,
                )  # fmt: skip
                new, result = await with_room
                recorded += not isinstance(result, StoreUnavailable)
                refused = refused or isinstance(new, StoreUnavailable)
                assert not reserve or not refused or isinstance(new, StoreUnavailable)
            states = [row.state async for row in _sent(queue, segments)]
            assert states.count("sent") == recorded
            if reserve:
                assert (recorded, refused) == (200, True)
                assert queue.capacity().low == "the disk is full"
            else:
                assert recorded < 200
            assert not queue.failed.is_set()
            (disk / "filler").unlink()
            await queue.accept([draft("room again")], NOW)
            await queue.receive("m1", OURS["m1"], part("hello"), NOW)


async def _sent(queue, segments):
    for segment in segments:
        yield await queue.message(segment.message)
