"""A simulated phone with its dialogue, fed by hand; and a program at the other end of a simulated modem's pty."""

import asyncio
import os
from contextlib import asynccontextmanager

from smsgwd.clock import SystemClock
from smsgwd.journal import Journal
from smsgwd.modem.sim.dialogue import Dialogue
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.families import find_family
from smsgwd.modem.sim.faults import read_fault
from smsgwd.modem.sim.phone import Arrival, Phone
from tests.helpdesk.worker import until

#: "hello" to +15551234567 without and with a wish for a report: TPDU octets, PDU
SUBMIT = 18, "0001000B915155214365F7000005E8329BFD06"
WISHED = 18, "0021000B915155214365F7000005E8329BFD06"
#: "hello" from +36641234567, the same in class 2 and in class 3, and a report on a text to that number, TP-MR 5
HELLO = "07919134466405F0040B916346214365F700006211326100508005E8329BFD06"
CLASS2 = HELLO.replace("F70000", "F700F2")
CLASS3 = HELLO.replace("F70000", "F700F3")
REPORT = "07919134466405F006050B916346214365F7621132610050806211326110508000"
#: a PDU whose user data header is longer than its data
BROKEN = "07919134466405F0440B916346214365F700006211326100508003200003"


class Desk:
    """Phone and dialogue, and the outside world that remembers what it was told."""

    def __init__(self, profile: str = "generic", *, echo: bool = False, **phone) -> None:
        self.phone = Phone("+15550100100", family=find_family(profile), **phone)
        self.dialogue = Dialogue(self.phone, self)
        self.said = b""
        self.pdus: list[str] = []
        self.notices: list[str] = []
        self.restarted = 0
        self.unplugs: list[str] = []
        self.phone.settings.echo = echo

    def say(self, octets: bytes) -> None:
        self.said += octets

    def submitted(self, submit, pdu: str) -> None:
        self.pdus.append(pdu)

    def ussd(self, answer: str) -> None:
        self.notices.append(answer)

    def restarts(self) -> None:
        self.restarted += 1

    def unplugged(self, fault) -> None:
        self.unplugs.append(fault.arguments["at"])
        self.dialogue.drop()

    # ---- what tests do ---------------------------------------------------------------------------------------------

    def feed(self, octets: bytes) -> bytes:
        """What the modem says to it."""
        self.said = b""
        self.dialogue.feed(octets)
        return self.said

    def ask(self, command: str) -> list[str]:
        """The lines of the answer to one command."""
        return lines(self.feed(command.encode("latin-1") + b"\r"))

    def fault(self, name: str, **arguments) -> None:
        self.phone.faults.add(read_fault(name, arguments))

    def arrives(self, pdu: str, *, is_report: bool = False, listening: bool = True) -> list[str]:
        """The network brings a PDU; the lines that tell of it."""
        self.phone.arrive(Arrival(pdu, is_report))
        return self.brought(listening=listening)

    def brought(self, *, listening: bool = True) -> list[str]:
        """What waits is brought, as far as it goes; the lines that tell of it."""
        told = self.phone.take_waiting(listening=listening)
        return [line for block in told for line in block.split("\r\n")]

    def send(self, what: tuple[int, str] = SUBMIT) -> list[str]:
        """Prompt, PDU, and the answer with which the network takes it."""
        assert self.feed(f"AT+CMGS={what[0]}\r".encode()) == b"\r\n> "
        self.feed(what[1].encode() + b"\x1a")
        if self.dialogue.token:
            self.dialogue.finish(self.dialogue.token, "+CMGS: 1", "OK")
        return lines(self.said)


def lines(said: bytes) -> list[str]:
    """Lines without their ends, and without the empty ones between them."""
    return [line for line in said.decode("latin-1").split("\r\n") if line]


class Program:
    """What drives the modem: writes to the far end of the pty, keeps what it reads."""

    def __init__(self, path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.read = b""
        self.gone = False
        asyncio.get_running_loop().add_reader(self.fd, self._read)

    def _read(self) -> None:
        try:
            octets = os.read(self.fd, 65536)
        except OSError:
            octets = b""
        self.read += octets
        if not octets:
            self.gone = True
            asyncio.get_running_loop().remove_reader(self.fd)

    async def ask(self, command: str, until_said: str = "OK\r\n") -> list[str]:
        """Writes a command (or a PDU with its 0x1A) and waits until the modem has said that."""
        self.read = b""
        os.write(self.fd, command.encode("latin-1") + (b"" if command.endswith("\x1a") else b"\r"))
        await self.says(until_said)
        return lines(self.read)

    async def says(self, what: str) -> None:
        await until(lambda: what.encode() in self.read)

    async def send(self, what: tuple[int, str] = SUBMIT, until_said: str = "OK\r\n") -> list[str]:
        await self.ask(f"AT+CMGS={what[0]}", "> ")
        return await self.ask(what[1] + "\x1a", until_said)

    def close(self) -> None:
        if self.fd >= 0:
            asyncio.get_running_loop().remove_reader(self.fd)
            os.close(self.fd)
            self.fd = -1


class Kept(Journal):
    """A journal whose lines a test can look at."""

    def __init__(self) -> None:
        super().__init__("", SystemClock())
        self.lines: list[dict] = []

    def note(self, kind: str, **line) -> None:
        self.lines.append({"kind": kind, **line})

    def of(self, kind: str) -> list[dict]:
        return [line for line in self.lines if line["kind"] == kind]


@asynccontextmanager
async def plugged(path, profile: str = "generic", *, slots: int = 50, pin: str = "", **engine):
    """A whole simulated modem on a pty and a program that has it open, echo off."""
    phone = Phone("+15550100100", family=find_family(profile), slots=slots, pin=pin)
    sim = SimModem(phone, str(path / "tty"), Kept(), SystemClock(), **engine)
    sim.plug()
    program = Program(path / "tty")
    try:
        await program.ask("ATE0")
        yield sim, program
    finally:
        program.close()
        sim.unplug()
