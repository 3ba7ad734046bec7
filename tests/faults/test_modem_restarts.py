"""F25 to F28: wrong speed, a modem that restarts by itself, one that is gone for long, a second reader."""

import asyncio
import subprocess
import sys
import termios

import msgspec
import pytest

from smsgwd.model import LinkState
from tests.faults.plant import CALM, plant, plug, until
from tests.modem.wire import ANSWERS, OK, Wire, wire


class Slow(Wire):
    """A modem on a real line: at another speed it reads and says noise."""

    speed = termios.B9600

    def _feed(self, octets: bytes) -> None:
        if termios.tcgetattr(self.slave)[4] == self.speed:
            super()._feed(octets)
        else:
            self.say("\x00\xfe\x80\xf8")


async def test_f25_wrong_speed(tmp_path):
    """The speeds of the profile are tried in turn, one for each opening, and the one that answers stays."""
    modem = Slow()
    try:
        profile = msgspec.structs.replace(CALM, speeds=(115200, 19200, 9600))
        async with plant(tmp_path, modem, profile=profile) as gate:
            await gate.up()
            assert len(await gate.events("link.recovery")) == 2
            await gate.reaches(await gate.send(), "sent")
    finally:
        modem.close()


@pytest.mark.parametrize("boot", ["^SYSSTART", "RDY", "+CPIN: READY", "SMS Ready"])
async def test_f26_restarts_by_itself(tmp_path, boot):
    """It has forgotten PDU mode: it is set up again before the next AT+CMGS, also when a text waits already."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.say(f"\r\n{boot}\r\n")
            message = await gate.send()
            await gate.reaches(message, "sent")
            modes = [i for i, c in enumerate(modem.sent) if c == "AT+CMGF=0"]
            first_send = next(i for i, c in enumerate(modem.sent) if c.startswith("AT+CMGS"))
            assert len(modes) == 2
            assert modes[1] < first_send


async def test_f26_restart_that_nobody_announced(tmp_path):
    """The regular look reads the settings back and finds it."""
    with wire() as modem:
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.05)) as gate:
            await gate.up()
            modem.answers["AT+CNMI?"] = f"\r\n+CNMI: 0,0,0,0,0\r\n{OK}"
            await until(lambda: modem.count("AT+CMGF=0") >= 2)
            modem.answers["AT+CNMI?"] = ANSWERS["AT+CNMI?"]
            await gate.reaches(await gate.send(), "sent")


async def test_f27_away_for_long(tmp_path):
    """The stick comes back as storage for a while: no port, one event, tries without end, and then it is opened again."""
    with wire() as modem, wire() as back:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            (tmp_path / "tty1").unlink()
            modem.close()
            await gate.is_(LinkState.DOWN, why="there is no such port")
            message = await gate.send()
            await asyncio.sleep(0.5)
            told = [e for e in await gate.events("link.down") if "no such port" in str(e.data["why"])]
            assert len(told) == 1
            plug(tmp_path / "tty1", back)
            await gate.reaches(message, "sent")


THIEF = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("ready", flush=True)
while os.read(fd, 1):
    pass
"""


async def test_f28_another_program_reads_too(tmp_path):
    """Half of the answers go to somebody else: the link is down, and the reason names the other program with its pid."""
    with wire() as modem:
        thief = subprocess.Popen([sys.executable, "-c", THIEF, modem.path], stdout=subprocess.PIPE)
        try:
            assert thief.stdout is not None
            await asyncio.to_thread(thief.stdout.readline)
            modem.answers["AT"] = None  # the thief was faster
            async with plant(tmp_path, modem) as gate:
                await gate.is_(LinkState.DOWN, why=f"(pid {thief.pid})")
        finally:
            thief.kill()
            thief.wait()
            thief.stdout.close()
