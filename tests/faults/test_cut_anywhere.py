"""F3, and P4: the line cut at every octet of a send dialogue, in both directions, with a restart of the gateway and
without. Whatever the place: at most one text at the network, and nobody says more than is known."""

import asyncio
import os

import pytest

from smsgwd.model import LinkState
from tests.faults.plant import plant, plug, until
from tests.modem.wire import Wire

#: what the gateway writes to send "hello", and what the modem answers
PDU = "0031000B916346214365F70000A805E8329BFD06"
WRITTEN = len("AT+CMGS=19\r") + len(PDU) + 1
ANSWERED = len("\r\n> ") + len("\r\n+CMGS: 1\r\n\r\nOK\r\n")


class Cut(Wire):
    """A modem whose line ends in the send dialogue: after so many octets that it reads, or that it says."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.says = 10**9
        self._sending = False

    def _read(self) -> None:
        octets = os.read(self.master, 4096)
        start = octets.find(b"AT+CMGS")
        if start >= 0:
            self._sending = True
        if self._sending:
            octets, self.reads = octets[: max(self.reads, 0)], self.reads - len(octets)
        self._feed(octets)
        if self._sending and self.reads <= 0:
            self.close()

    def say(self, text: str) -> None:
        if self._sending and self.master >= 0:
            text, self.says = text[: max(self.says, 0)], self.says - len(text)
        if self.master >= 0:
            super().say(text)
        if self._sending and self.says <= 0:
            self.close()


CUTS = [("reads", n) for n in range(1, WRITTEN + 1)] + [("says", n) for n in range(1, ANSWERED + 1)]


@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "restarted"])
@pytest.mark.parametrize(("way", "octets"), CUTS, ids=[f"{way} {n}" for way, n in CUTS])
async def test_f03_cut_at_every_octet(tmp_path, way, octets, restart):
    """At most one text at the network under the policy `hold`; sent when the modem said so, queued when nothing was
    handed over, uncertain when nobody knows; and a modem that comes back changes that only for a queued one."""
    modem, back = Cut(), Wire()
    setattr(modem, way, octets)
    try:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send()
            await until(lambda: modem.master < 0)
            if restart:
                await gate.crash()
            else:
                await gate.is_(LinkState.DOWN)
        plug(tmp_path / "tty1", back)
        async with plant(tmp_path, back) as gate:
            await gate.up()
            state = await gate.reaches(message, "sent", "uncertain")
            other = await gate.send("another")
            await gate.reaches(other, "sent")
            assert await gate.state(message) == state
        texts = modem.pdus.count(PDU) + back.pdus.count(PDU)
        assert texts <= 1
        assert texts == 1 or state == "uncertain"
        if (way, octets) < ("reads", len("AT+CMGS=19\r")) and not restart:
            assert state == "sent"  # nothing had been handed over: it was queued, and went by the modem that came back
    finally:
        modem.close()
        back.close()
        await asyncio.sleep(0)
