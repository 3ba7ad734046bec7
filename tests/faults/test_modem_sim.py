"""F20 to F22: the SIM and its PIN."""

import asyncio

import pytest

from smsgwd.config import Secret
from smsgwd.errors import LinkError
from smsgwd.intake import Intake
from smsgwd.model import LinkState
from smsgwd.modem.link import ModemLink
from tests.canaries import PIN
from tests.faults.plant import plant, plug, until
from tests.modem.wire import OK, QUICK, wire
from tests.store import StillClock, gateway, store


async def test_f20_sim_removed(tmp_path):
    """The link is down with the reason, and up again when the SIM is back; what waits is sent then."""
    with wire() as modem, wire() as back:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.answers["AT+CPIN?"] = "\r\n+CME ERROR: 10\r\n"
            modem.say("\r\n+CPIN: NOT READY\r\n")
            await gate.is_(LinkState.DOWN, why="no SIM")
            message = await gate.send()
            plug(tmp_path / "tty1", back)
            await gate.up()
            await gate.reaches(message, "sent")


async def test_f20_sim_swapped(tmp_path):
    """Another SIM: nothing is sent from it until a person accepts it, then what waits goes at once."""
    with wire() as modem, wire() as swapped:
        swapped.answers["AT+CCID"] = f"\r\n+CCID: 89430100000000009999\r\n{OK}"
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.close()
            plug(tmp_path / "tty1", swapped)
            await gate.hears("sim.changed")
            message = await gate.send()
            await gate.is_(LinkState.DOWN, why="smsgwd links accept m1")
            assert (await gate.state(message), swapped.pdus) == ("queued", [])
            await gate.queue.accept_device("m1", gate.daemon.clock.now())
            await gate.reaches(message, "sent")
            assert len(await gate.events("link.accepted")) == 1


async def test_f21_pin_once_over_a_hundred_restarts(tmp_path):
    """A wrong PIN is written exactly once, whatever is started anew: link, gateway, or both."""
    clock, written = StillClock(), 0
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        modem.answers["AT+CPIN="] = "\r\n+CME ERROR: 16\r\n"
        modem.answers["AT+CPINR"] = f"\r\n+CPINR: SIM PIN,3,3\r\n{OK}"
        for _ in range(100):
            async with store(tmp_path, clock) as queue:
                gate = gateway(queue, clock)
                row = gate.config.link[0].__class__(name="m1", type="modem", port=modem.path, pin=Secret(PIN))
                link = ModemLink(row, clock, QUICK)
                with pytest.raises(LinkError, match=r"refused"):
                    await asyncio.wait_for(link.run(Intake(queue, gate.roster, clock, {"m1": "modem"}), asyncio.Event()), 5)
        written = sum(c.startswith("AT+CPIN=") for c in modem.sent)
    assert written == 1


@pytest.mark.parametrize("state", ["SIM PUK", "PH-SIM PIN", "PH-NET PUK"])
async def test_f22_puk_is_never_written(tmp_path, state):
    """A person has to look; nothing is written to the SIM."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: {state}\r\n{OK}"
        async with plant(tmp_path, modem, pin=Secret(PIN)) as gate:
            await gate.hears("pin.blocked")
            await gate.is_(LinkState.DOWN, why=state)
    assert not [c for c in modem.sent if c.startswith("AT+CPIN=")]


@pytest.mark.parametrize("state", ["SIM PIN2", "SIM PUK2"])
async def test_f22_pin2_does_not_hinder(tmp_path, state):
    """PIN2 and PUK2 block no texts."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: {state}\r\n{OK}"
        async with plant(tmp_path, modem, pin=Secret(PIN)) as gate:
            await gate.reaches(await gate.send(), "sent")
            await until(lambda: modem.pdus)
    assert not [c for c in modem.sent if c.startswith("AT+CPIN=")]
