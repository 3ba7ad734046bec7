"""PDUs made octet by octet, and the way that they go from a modem: read, taken in, stored in a real queue."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smsgwd.intake import Intake
from smsgwd.modem.storage import store
from smsgwd.queue.sqlite import SqliteQueue, open_queue
from tests.contract.making import NOW, OURS, THEM, all_messages
from tests.queue.plainlink import roster
from tests.queue.storing import sql
from tests.store import StillClock

#: the service centre before each TPDU
SMSC = bytes.fromhex("07919134466405F0")
#: septets of "hello", packed
HELLO = bytes.fromhex("E8329BFD06")


def swapped(digits: str) -> bytes:
    """Semi-octets, low one first, filled with 15."""
    digits += "F" * (len(digits) % 2)
    return bytes.fromhex("".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2)))


def number(text: str) -> bytes:
    """A TP address of digits: international with a plus sign, else unknown."""
    digits = text.lstrip("+")
    return bytes((len(digits), 0x91 if text.startswith("+") else 0x81)) + swapped(digits)


def letters(text: str) -> bytes:
    """An alphanumeric TP address."""
    return bytes(((7 * len(text) + 3) // 4, 0xD0)) + packed(text.encode("ascii"))


def stamp(seconds: int = 0) -> bytes:
    """Seven octets of a time in UTC, counted from the start of a test."""
    return swapped(f"{datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(seconds=seconds):%y%m%d%H%M%S}00")


def packed(septets: bytes, fill: int = 0) -> bytes:
    """Septets bit by bit into octets, after ``fill`` zero bits."""
    bits = sum(septet << (fill + 7 * i) for i, septet in enumerate(septets))
    return bits.to_bytes((fill + 7 * len(septets) + 7) // 8, "little")


def deliver(
    ud: bytes, *, udl: int | None = None, header: bytes = b"", dcs: int = 0, pid: int = 0, sender: bytes = number(THEM),
    at: int = 0,
) -> str:  # fmt: skip
    """An SMS-DELIVER as a modem shows it. ``header`` with its UDHL; ``udl`` counts octets unless it is given."""
    data = header + ud
    length = len(data) if udl is None else udl
    octets = SMSC + bytes((0x44 if header else 0x04,)) + sender + bytes((pid, dcs)) + stamp(at) + bytes((length,)) + data
    return octets.hex().upper()


def septets(text: bytes, **more) -> str:
    """An SMS-DELIVER of septets without a header; its length counts them."""
    return deliver(packed(text), udl=len(text), **more)


def ucs2(octets: str | bytes, **more) -> str:
    """An SMS-DELIVER in UCS-2, of a text or of octets as they are."""
    return deliver(octets.encode("utf-16-be") if isinstance(octets, str) else octets, dcs=0x08, **more)


def concat(part: int, parts: int, ref: int = 9, bits: int = 8) -> bytes:
    """A header that says: this part of so many."""
    if bits == 8:
        return bytes((5, 0, 3, ref, parts, part))
    return bytes((6, 8, 4)) + ref.to_bytes(2, "big") + bytes((parts, part))


def report(mr: int, st: int = 0, *, to: str = THEM, sent: int = 0, done: int = 1) -> str:
    """An SMS-STATUS-REPORT; ``sent`` and ``done`` are seconds."""
    return (SMSC + bytes((0x06, mr)) + number(to) + stamp(sent) + stamp(done) + bytes((st,))).hex().upper()


class Gate:
    """The sink of one modem on a real queue. What it takes goes through the driver's own reading."""

    def __init__(self, queue: SqliteQueue, clock: StillClock, path: Path) -> None:
        self.queue, self.clock, self.path = queue, clock, path
        self.sink = Intake(queue, roster(number=OURS["m1"]), clock, {"m1": "modem"})

    async def takes(self, *pdus: str, stored: bool = False) -> None:
        """One after the other, as a modem gives them; each returns when it is committed."""
        for pdu in pdus:
            await store("m1", self.sink, self.clock, pdu, stored=stored)

    async def takes_at_once(self, pdus: list[str], batch: int = 2000) -> None:
        """Many at the same time, so that they share commits."""
        for start in range(0, len(pdus), batch):
            await asyncio.gather(*(store("m1", self.sink, self.clock, pdu) for pdu in pdus[start : start + batch]))

    async def inbox(self) -> list[tuple[str, str]]:
        """(state, text) of what came in, oldest first."""
        return [(m.state.value, m.text) for m in reversed(await all_messages(self.queue, direction="in"))]

    def rows(self, query: str, *values) -> list[tuple]:
        """What somebody else sees in the database."""
        with sql(self.path) as conn:
            return conn.execute(query, values).fetchall()

    def raw(self) -> list[str]:
        """The octets of all that came in, in hex, oldest first."""
        return [raw.hex().upper() for (raw,) in self.rows("SELECT raw FROM inbound_part ORDER BY id")]


@asynccontextmanager
async def gate(folder: Path):
    """A queue on disk with one modem, and a clock that stands still."""
    clock = StillClock(NOW)
    async with open_queue(folder / "q.db", clock=clock) as queue:
        yield Gate(queue, clock, folder / "q.db")
