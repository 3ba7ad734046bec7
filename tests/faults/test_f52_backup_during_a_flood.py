"""F52: a backup while texts pour in: it ends, what it holds is one moment, the write-ahead log is bounded, and what was
copied can be restored."""

import asyncio
import os
import sys

from smsgwd.clock import SystemClock
from smsgwd.model import Accepted
from smsgwd.queue.care.health import look_through
from smsgwd.queue.care.restoring import restore
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft
from tests.queue.storing import sql
from tests.store import StillClock
from tests.story.programs import write_config

#: texts of one commit, and at the start: the copy takes longer than many commits
BATCH, BEFORE = 50, 6000
#: bytes: checkpoints come at 16 MB; what is written while the copy is made comes on top
LOG = 48 << 20


async def _send(queue, first: int) -> None:
    """A batch goes its whole way."""
    await queue.accept([draft(f"{first + n} " + "lorem ipsum " * 8) for n in range(BATCH)], NOW)
    segments = await queue.claim("m1", BATCH, NOW)
    await asyncio.gather(*(queue.record_result(s.submission, Accepted(str(first + n)), NOW) for n, s in enumerate(segments)))


async def test_f52_backup_during_a_flood(tmp_path):
    """The flood never stops while `smsgwd db backup` runs as a process of its own. The copy has a moment in the middle of it:
    no text that was accepted before it began is missing, and none is in it without its count and its event."""
    config, target = write_config(tmp_path), tmp_path / "copy.db"
    path, largest, sent = tmp_path / "smsgwd.db", 0, 0
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        while sent < BEFORE:
            await _send(queue, sent)
            sent += BATCH
        before = sent
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smsgwd", "--config", str(config), "--json", "db", "backup", str(target),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        ends = asyncio.create_task(process.communicate(), name="backup")
        async with asyncio.timeout(60):
            while not ends.done():
                await _send(queue, sent)
                sent += BATCH
                largest = max(largest, os.stat(f"{path}-wal").st_size)
        out, err = ends.result()
        assert process.returncode == 0, err.decode()
        assert out.startswith(b'{"path":')
        for _ in range(4):
            await _send(queue, sent)
            sent += BATCH
    assert sent > before + 4 * BATCH, "texts came while the copy was made"
    assert largest < LOG
    assert not os.path.exists(f"{path}-wal"), "the log is used again, and goes with a clean end"
    with sql(target) as conn:
        texts, events = (conn.execute(f"SELECT count(*) FROM {what}").fetchone()[0] for what in
                         ("message", "event WHERE kind = 'message.accepted'"))  # fmt: skip
        assert before <= texts == events < sent
        assert texts % BATCH == 0, "a commit is in it whole or not at all"
    restored = tmp_path / "other.db"
    done = restore(str(target), str(restored), clock=SystemClock(), progress=lambda what, share: None)
    assert done.held + done.uncertain <= BATCH
    assert look_through(str(restored), full=True, clock=SystemClock()).problems == ()
