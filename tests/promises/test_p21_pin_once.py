"""P21: a PIN is tried once for each SIM and value, over restarts; never with fewer than 3 tries left; a PUK never.

The hundred restarts are in tests/faults/test_modem_sim.py.
"""

import asyncio

import pytest

from smsgwd.config import Secret
from smsgwd.errors import LinkError
from smsgwd.intake import Intake
from smsgwd.modem.link import ModemLink
from tests.modem.wire import OK, QUICK, wire
from tests.store import StillClock, gateway, store

#: numbers that nobody uses
FIRST, SECOND = "59083", "59084"


async def tried(home, modem, *pins: str) -> list[str]:
    """What was written to the SIM while the gateway was started with each of these PINs in turn."""
    clock = StillClock()
    for pin in pins:
        async with store(home, clock) as queue:
            gate = gateway(queue, clock)
            row = gate.config.link[0].__class__(name="m1", type="modem", port=modem.path, pin=Secret(pin))
            link = ModemLink(row, clock, QUICK)
            with pytest.raises(LinkError):
                await asyncio.wait_for(link.run(Intake(queue, gate.roster, clock, {"m1": "modem"}), asyncio.Event()), 5)
    return [command.partition("=")[2].strip('"') for command in modem.sent if command.startswith("AT+CPIN=")]


@pytest.mark.parametrize(
    ("pins", "left", "wanted"),
    [
        pytest.param([FIRST] * 5, "3,3", [FIRST], id="the same value, five starts"),
        pytest.param([FIRST, SECOND, FIRST, SECOND], "3,3", [FIRST, SECOND], id="another value is another try"),
        pytest.param([FIRST, SECOND], "2,3", [], id="two tries left"),
        pytest.param([FIRST], "1,3", [], id="one try left"),
        pytest.param([FIRST], "0,3", [], id="none left"),
    ],
)
async def test_p21_once(tmp_path, pins, left, wanted):
    """A SIM that refuses whatever it is told, and says how many tries are left."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        modem.answers["AT+CPIN="] = "\r\n+CME ERROR: 16\r\n"
        modem.answers["AT+CPINR"] = f"\r\n+CPINR: SIM PIN,{left}\r\n{OK}"
        assert await tried(tmp_path, modem, *pins) == wanted


@pytest.mark.parametrize("state", ["SIM PUK", "PH-SIM PUK", "PH-NET PUK"])
async def test_p21_never_a_puk(tmp_path, state):
    """A SIM that wants a PUK is left to a person: nothing is written to it."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: {state}\r\n{OK}"
        assert await tried(tmp_path, modem, FIRST, SECOND) == []
