"""F71: the event loop, or the thread that writes, is blocked: the gauge shows it, and the watchdog is not fed."""

import asyncio
import os
import socket
import subprocess
import sys
import threading

import pytest

from smsgwd import pulse as module
from smsgwd.pulse import Pulse
from tests.helpdesk.worker import until
from tests.queue.inprocess import built, furnished
from tests.queue.storing import Gate, writing
from tests.store import StillClock, store


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)


@pytest.mark.usefixtures("quick")
async def test_f71_a_blocked_loop_shows_in_the_gauge():
    """The gauge is the longest time of the last minute in which the loop did nothing else."""
    pulse, stop, blocked = Pulse(lambda: 0.0, lambda line: None, {}), asyncio.Event(), threading.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(pulse.run(stop), name="pulse")
        await until(lambda: len(pulse._seen) > 3)
        assert pulse.lag() < 0.1
        blocked.wait(0.3)  # a slow rule: nothing else runs
        await until(lambda: pulse.lag() > 0.2)
        stop.set()


@pytest.mark.usefixtures("quick")
async def test_f71_a_stuck_writer_is_not_life(tmp_path):
    """While the thread that writes does not come back systemd is told nothing, though the loop turns; when it comes back
    it is told again."""
    told, gate = [], Gate()
    async with writing(tmp_path / "q.db") as writer:
        assert writer.stuck_for() == 0.0
        first = await gate.close(writer)
        await until(lambda: writer.stuck_for() > 0.05)
        pulse, stop = Pulse(writer.stuck_for, told.append, {"WATCHDOG_USEC": "100000"}), asyncio.Event()
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(pulse.run(stop), name="pulse")
            await until(lambda: len(pulse._seen) > 10)
            assert told == []
            gate.open.set()
            await first
            await until(lambda: len(told) > 2)
            stop.set()
    assert set(told) == {"WATCHDOG=1"}


@pytest.mark.parametrize(
    ("environ", "every"),
    [
        pytest.param({}, 15.0, id="a unit without one"),
        pytest.param({"WATCHDOG_USEC": "60000000"}, 15.0, id="as shipped"),
        pytest.param({"WATCHDOG_USEC": "2000000"}, 0.5, id="a short one"),
    ],
)
def test_f71_the_watchdog_is_fed_often_enough(environ, every):
    """Four times within its time, and every 15 s at least."""
    assert Pulse(lambda: 0.0, lambda line: None, environ)._every == every


async def test_f71_the_gauge_is_a_metric(tmp_path):
    """``/metrics`` has it under its name, and so the daemon tells it."""
    from smsgwd.web.metrics import metrics

    furnished(tmp_path)
    async with store(tmp_path, StillClock()) as queue:
        made = built(tmp_path, queue, StillClock())
        made.gateway.lag = lambda: 5.25
        assert "smsgwd_event_loop_lag_seconds 5.25\n" in await metrics(made.gateway)


_CHILD = """
import asyncio, sys, threading
from pathlib import Path
from smsgwd import clock, daemon, log
from smsgwd.queue.sqlite import open_queue
from tests.queue.inprocess import built

async def main(home):
    async with open_queue(home / "smsgwd.db", clock=clock.SystemClock()) as queue:
        made = built(home, queue, clock.SystemClock())
        async def block():
            await asyncio.to_thread(sys.stdin.readline)
            threading.Event().wait(60)  # the loop is blocked for good
        async with asyncio.TaskGroup() as group:
            group.create_task(made.run())
            group.create_task(block())

asyncio.run(main(Path(sys.argv[1])))
"""


def heard_all(systemd: socket.socket) -> None:
    """Takes what was sent before, and waits for more."""
    for _ in range(20):
        systemd.recv(100)


async def test_f71_systemd_starts_a_blocked_daemon_again(tmp_path):
    """A fake systemd with a watchdog of 0.4 s: it hears from a daemon that lives, and nothing more from one whose loop is
    blocked, so it kills it as systemd does."""
    furnished(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(tmp_path)], env=environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as child:
            try:
                heard = [systemd.recv(100).decode() for _ in range(6)]
                assert "READY=1" in heard
                assert heard.count("WATCHDOG=1") >= 4
                child.stdin.write(b"block\n")
                child.stdin.flush()
                systemd.settimeout(0.8)  # twice the watchdog
                with pytest.raises(TimeoutError):
                    heard_all(systemd)
            finally:
                child.kill()
