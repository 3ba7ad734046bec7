"""A real queue on disk, a clock that stands still unless it is told, and drafts, for tests of what works on the queue."""

from contextlib import asynccontextmanager
from pathlib import Path

from smsgwd.clock import SystemClock
from smsgwd.config import Config, ModemConfig
from smsgwd.config.file import parse
from smsgwd.gateway import Gateway
from smsgwd.model import InboundSegment
from smsgwd.queue.sqlite import SqliteQueue, open_queue
from smsgwd.routing import Roster, RouteLink
from smsgwd.sms.address import Address

CONFIG = """
[gateway]
country = "US"
[[link]]
name = "m1"
type = "modem"
port = "/dev/none"
number = "+15550100100"
[[helpdesk]]
name = "support"
url = "http://127.0.0.1:9/"
"""


class StillClock(SystemClock):
    """Wall clock and monotonic clock move together, by :meth:`move` alone; waits are real ones of the loop."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._now / 1000

    def move(self, seconds: float) -> None:
        self._now += int(seconds * 1000)


@asynccontextmanager
async def store(path: Path, clock: StillClock):
    """An open queue in a folder."""
    async with open_queue(path / "smsgwd.db", clock=clock) as queue:
        yield queue


def gateway(queue: SqliteQueue, clock: StillClock, more: str = "") -> Gateway:
    """A gateway with one modem that is up and one helpdesk."""
    config: Config = parse(CONFIG + more)
    modem = config.link[0]
    assert isinstance(modem, ModemConfig)
    roster = Roster([RouteLink(name=x.name, number=x.number, up=True) for x in config.link])
    return Gateway(config, queue, roster, clock)


def inbound(text: str, sender: str = "+15550100777", **more) -> InboundSegment:
    """A text from somebody; ``raw`` differs by text, so that none is taken for a copy of another."""
    return InboundSegment(
        raw=f"{sender} {text} {sorted(more.items())!r}".encode(), sender=Address.parse(sender), payload=text.encode("ascii"),
        **more,
    )  # fmt: skip
