"""Our own gateway on each profile of the simulated modem: the link comes up, a text goes out, one comes in."""

from types import SimpleNamespace

import pytest

from smsgwd.clock import SystemClock
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.families import FAMILIES, find_family
from smsgwd.modem.sim.phone import Phone
from tests.faults.plant import plant, until
from tests.modem.sim.feeding import Kept


@pytest.mark.parametrize("profile", FAMILIES)
async def test_driven(profile, tmp_path):
    """Whatever a family does its own way, a text is sent once, the next one too, and one that comes is in the inbox."""
    sim = SimModem(Phone("+15550100100", family=find_family(profile)), str(tmp_path / "sim"), Kept(), SystemClock())
    sim.plug()
    try:
        async with plant(tmp_path, SimpleNamespace(path=tmp_path / "sim")) as gate:
            await gate.up()
            for text in ("one", "two"):
                assert await gate.reaches(await gate.send(text), "sent", "failed", "uncertain") == "sent"
            sim.text("+36641234567", "hello")
            await gate.hears("message.received")
            assert await gate.inbox() == ["hello"]
            assert [line["text"] for line in sim.journal.of("submit")] == ["one", "two"]
            await until(lambda: sim.state()["stored"]["SM"] == 0)
    finally:
        sim.unplug()
