"""Paced throughput as a carrier counts it: ``../shared/peers/refsmsc.py`` shares no code with this project."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsgwd.clock import SystemClock
from smsgwd.smpp.link import SmppLink
from tests.smpp.wire import QUICK, config, linked, segment

REFSMSC = Path(__file__).resolve().parents[3] / "shared" / "peers" / "refsmsc.py"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not REFSMSC.exists(), reason="the reference SMSC ../shared/peers/refsmsc.py is not here"),
]


@contextmanager
def refsmsc():
    """The reference SMSC; gives its port and a function that ends it and gives its counters."""
    process = subprocess.Popen(
        [sys.executable, str(REFSMSC), "--port", "0", "--stats-port", "0"], stdout=subprocess.PIPE, text=True
    )

    def counters() -> dict:
        process.send_signal(signal.SIGTERM)
        return json.loads(process.communicate(timeout=10)[0].splitlines()[-1])

    try:
        yield int(process.stdout.readline().split()[1].rpartition(":")[2]), counters
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize("binds", [1, 3])
async def test_a_hundred_a_second(binds):
    """`throughput = 100`: never more than 11 in a tenth of a second nor 101 in a second, over one session or several, and
    not much less than a hundred all the same (a busy machine fires timers late, which is never made up for in a burst)."""
    with refsmsc() as (port, counters):
        link = SmppLink(config(port, throughput=100.0, binds=binds), SystemClock(), QUICK)
        async with linked(port, link=link) as (_, ear, *_more):
            await ear.until(lambda: link.window == 10 * binds)
            await asyncio.gather(*(link.submit(segment(f"{n}", f"sub_{n}")) for n in range(210)))
        told = counters()
    assert (told["submits"], told["binds"], told["unbinds"]) == (210, binds, binds)
    assert told["burst_100ms"] <= 11
    assert told["burst_1s"] <= 101
    assert told["msg_per_s"] >= 60
