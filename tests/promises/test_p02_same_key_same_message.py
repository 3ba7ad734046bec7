"""P2: the same idempotency key is the same message, for a day and longer, over restarts and kills."""

import json
import signal
import subprocess
import sys

import pytest

from smsgwd.errors import Conflict
from smsgwd.gateway import SendRequest
from tests.store import StillClock, gateway, store

#: accepts one text under a key, and dies by kill -9 between the commit and the answer; or answers, when it may
_PROGRAM = """
import asyncio, json, os, signal, sys
from pathlib import Path
from smsgwd.gateway import SendRequest
from tests.store import StillClock, gateway, store

async def main(home, dies, text):
    async with store(Path(home), StillClock()) as queue:
        taken = await gateway(queue, StillClock()).send(SendRequest(to="+15550100777", text=text, key="order 7"))
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        print(json.dumps({"id": taken.id}))

asyncio.run(main(sys.argv[1], sys.argv[2] == "dies", sys.argv[3]))
"""


def run(home, how: str, text: str = "Hello") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(home), how, text], capture_output=True, text=True, timeout=60, check=False
    )


def test_p02_kill_between_commit_and_answer(tmp_path):
    """The caller never heard of the first try: the second one gives the message that was stored, and there is one."""
    assert run(tmp_path, "dies").returncode == -signal.SIGKILL
    answers = [json.loads(run(tmp_path, "answers").stdout)["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    refused = run(tmp_path, "answers", "Hello, other body")
    assert refused.returncode == 1
    assert "another request" in refused.stderr


@pytest.mark.parametrize("hours", [0, 1, 23, 25, 24 * 30], ids=lambda h: f"{h} h")
async def test_p02_over_time_and_restarts(tmp_path, hours):
    """The key is known after a restart, however old; the body under it counts whole, a changed class is another one."""
    clock = StillClock()
    request = SendRequest(to="+15550100777", text="Hello", key="order 7")
    async with store(tmp_path, clock) as queue:
        first = await gateway(queue, clock).send(request)
    clock.move(hours * 3600)
    async with store(tmp_path, clock) as queue:
        again = gateway(queue, clock)
        assert (await again.send(request)).id == first.id
        for other in ({"text": "Hello!"}, {"class_": "bulk"}, {"at": "+2h"}, {"uncertain": "retry"}):
            with pytest.raises(Conflict, match="another request"):
                await again.send(SendRequest(**{"to": "+15550100777", "text": "Hello", "key": "order 7", **other}))
        assert (await again.send(SendRequest(to="+15550100777", text="Hello", key="order 8"))).id != first.id


async def test_p02_also_when_it_has_been_sent_or_cancelled(tmp_path):
    """What became of the message meanwhile does not matter: the key still gives it."""
    clock = StillClock()
    request = SendRequest(to="+15550100777", text="Hello", key="order 7")
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        first = await gate.send(request)
        await queue.cancel(first.id, clock.now())
        again = await gate.send(request)
    assert (again.id, again.state) == (first.id, "cancelled")
