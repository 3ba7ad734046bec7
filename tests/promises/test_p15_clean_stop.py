"""P15: a clean stop makes nothing uncertain: what is on the wire is finished, for as long as systemd waits."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from smsgwd.config.smpp import SmppConfig
from smsgwd.modem.profile import profiles
from tests.faults.plant import plant, until
from tests.faults.test_cut_anywhere import ANSWERED, PDU, WRITTEN
from tests.modem.wire import Wire

UNIT = Path(__file__).parents[2] / "systemd" / "smsgwd.service"
#: every octet of the dialogue: those that the gateway writes, and those that the modem answers
POINTS = [("reads", n) for n in range(WRITTEN + 1)] + [("says", n) for n in range(ANSWERED + 1)]


class Slow(Wire):
    """A modem that stops in the middle of the send dialogue: after so many octets that it reads, or that it says, it does
    nothing until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.says = 10**9
        self.waits = asyncio.Event()
        self._sending = self._free = False
        self._kept_in, self._kept_out = b"", ""

    def _feed(self, octets: bytes) -> None:
        self._sending = self._sending or b"AT+CMGS" in octets
        if self._sending and not self._free:
            octets, later = octets[: self.reads], octets[self.reads :]
            self.reads -= len(octets)
            self._kept_in += later
            if self.reads <= 0:
                self.waits.set()
        super()._feed(octets)

    def say(self, text: str) -> None:
        if self._sending and not self._free:
            text, later = text[: self.says], text[self.says :]
            self.says -= len(text)
            self._kept_out += later
            if self.says <= 0:
                self.waits.set()
        super().say(text)

    def go_on(self) -> None:
        self._free = True
        text, octets = self._kept_out, self._kept_in
        super().say(text)
        super()._feed(octets)


def test_p15_there_are_fifty_points():
    """The promise names fifty; these are all that there are."""
    assert len(POINTS) >= 50


@pytest.mark.parametrize(("way", "octets"), POINTS, ids=[f"{way} {n}" for way, n in POINTS])
async def test_p15_stopped_anywhere(tmp_path, way, octets):
    """SIGTERM while the modem has come this far with the text, then the modem goes on: the daemon ends when the text is
    sent and recorded, once; the next start finds nothing open."""
    modem = Slow()
    setattr(modem, way, octets)
    try:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send()
            await asyncio.wait_for(modem.waits.wait(), 5)
            os.kill(os.getpid(), signal.SIGTERM)
            await until(gate.daemon.stop_workers.is_set)
            assert not gate.task.done()
            modem.go_on()
            await asyncio.wait_for(asyncio.shield(gate.task), 5)
            assert await gate.queue.recover(gate.daemon.clock.now()) == 0
            assert await gate.state(message) == "sent"
    finally:
        modem.close()
        await asyncio.sleep(0)
    assert modem.pdus == [PDU]


async def test_p15_nothing_new_is_begun(tmp_path):
    """Texts that wait stay queued; the one on the wire is finished. The next start sends them, each once."""
    modem = Slow()
    modem.says = 0
    try:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            first = await gate.send("one")
            await asyncio.wait_for(modem.waits.wait(), 5)
            others = [await gate.send(text) for text in ("two", "three")]
            os.kill(os.getpid(), signal.SIGTERM)
            await until(gate.daemon.stop_workers.is_set)
            modem.go_on()
            await asyncio.wait_for(asyncio.shield(gate.task), 5)
            assert [await gate.state(m) for m in (first, *others)] == ["sent", "queued", "queued"]
        async with plant(tmp_path, modem) as gate:
            for message in others:
                await gate.reaches(message, "sent")
    finally:
        modem.close()
    assert len(modem.pdus) == len(set(modem.pdus)) == 3


def test_p15_systemd_waits_longer_than_the_modem():
    """TimeoutStopSec is 15 seconds longer than the longest wait for an answer, of every profile that we ship and of a
    carrier link as it is by default."""
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    waits = {name: row.answer for name, row in profiles().items()}
    waits["carrier"] = float(SmppConfig(name="c", type="smpp", host="h", system_id="s").response_timeout)
    assert {name: wait for name, wait in waits.items() if wait + 15 > int(stop)} == {}
