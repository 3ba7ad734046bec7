"""kill -9 of a process that writes, again and again on the same database: nothing that was acknowledged is lost."""

import asyncio
import os
import random
import signal

from smsgwd.clock import SystemClock
from smsgwd.model import MESSAGE, SUBMISSION, Accepted, row_id
from smsgwd.queue import submitting
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft
from tests.queue.storing import storing

RUNS, SEED = 24, 20261127


async def _work(path: str, out: int) -> None:
    """Twelve callers and two links at work; each line is what somebody outside was told, or what went to a network."""

    def tell(word: str, id_: str) -> None:
        os.write(out, f"{word} {id_}\n".encode())

    async def caller(queue) -> None:
        while True:
            (message,) = await queue.accept([draft()], NOW)
            tell("accepted", message.id)

    async def lane(queue) -> None:
        while True:
            for segment in await queue.claim("m1", 5, NOW):
                tell("wire", segment.submission)
                await queue.record_result(segment.submission, Accepted("7"), NOW)
                tell("sent", segment.message)

    async with open_queue(path, clock=SystemClock()) as queue, asyncio.TaskGroup() as group:
        for worker in [caller] * 12 + [lane] * 2:
            group.create_task(worker(queue), name=worker.__name__)


def _killed(path: str, lines: int) -> list[list[str]]:
    """Runs the work in a process of its own until it has told so many lines, then kills it; returns all that it told."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(here)
            asyncio.run(_work(path, there))
        finally:
            os._exit(1)
    os.close(there)
    told = b""
    with open(here, "rb", buffering=0) as pipe:
        while told.count(b"\n") < lines and (more := pipe.read(4096)):
            told += more
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "the process ended by itself"
        told += pipe.read()  # what it told until it died counts as well
    return [line.split() for line in told.decode().splitlines()]


def test_nothing_acknowledged_is_lost(tmp_path):
    """Every text that was called accepted is stored, every attempt that reached the wire was on disk before, every text
    that was called sent is; the attempts that were open are as many as were in hand, and become uncertain."""
    path, dice, in_all = str(tmp_path / "q.db"), random.Random(SEED), 0
    for run in range(RUNS):
        told = _killed(path, dice.randrange(1, 150))
        with storing(path) as store:
            for word, id_ in told:
                if word == "wire":
                    assert store.rows("SELECT 1 FROM submission WHERE id = ?", row_id(SUBMISSION, id_)), (run, id_)
                    continue
                found = store.rows("SELECT state FROM message WHERE id = ?", row_id(MESSAGE, id_))
                assert found, (run, word, id_)
                assert word == "accepted" or found == [("sent",)], (run, id_)
            assert store.run(submitting.recover, NOW) <= 10
            assert store.value("PRAGMA integrity_check") == "ok"
        in_all += sum(word == "accepted" for word, _ in told)
    assert in_all > RUNS
