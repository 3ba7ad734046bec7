"""A gateway on a simulated SMSC whose faults a test sets off: the real daemon, queue and link, in this process.

Only waits are short: those of the link (its configuration) and the pauses between two binds.
"""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path

from smsgwd import daemon as module
from smsgwd.clock import SystemClock
from smsgwd.config import Config, Gateway, Secret, SmppConfig
from smsgwd.daemon import Daemon, queue_limits
from smsgwd.queue.sqlite import open_queue
from smsgwd.rules.model import RuleSet
from smsgwd.smpp.link import SmppLink
from tests.canaries import PASSWORD
from tests.faults.plant import Plant, stop

NUMBER = "+15550100777"
#: seconds; answers come within milliseconds over loopback
SHORT = {
    "bind_timeout": 2.0, "enquire_link": 0.0, "enquire_timeout": 0.2, "response_timeout": 2.0, "pdu_timeout": 0.3,
    "inactivity": 0.0, "reconnect": 0.05,
}  # fmt: skip


class Carried(Plant):
    """``place`` is the simulated SMSC."""

    def __init__(self, daemon: Daemon, task: asyncio.Task, home: Path) -> None:
        super().__init__(daemon, task)
        self.home = home

    async def send(self, text: str = "hello", to: str = NUMBER, **more) -> str:
        return await super().send(text, to, **more)

    async def up(self, name: str = "c1") -> None:
        await super().up(name)

    async def downs(self) -> list[str]:
        """Why the link was down, each time."""
        return [e.data.get("why", "") for e in await self.events("link.down")]

    async def breaks(self, why: str = "") -> str:
        """Waits until the link has been down for this reason."""
        async with asyncio.timeout(8):
            while not (found := [said for said in await self.downs() if why in said]):
                await asyncio.sleep(0.005)
        return found[-1]

    def rows(self, query: str, *values) -> list[tuple]:
        """What somebody else sees in the database."""
        with closing(sqlite3.connect(self.home / "q.db")) as conn:
            return conn.execute(query, values).fetchall()


def account(port: int, **config) -> SmppConfig:
    """The link's section of the configuration."""
    return SmppConfig(**{
        "name": "c1", "type": "smpp", "host": "127.0.0.1", "port": port, "system_id": "user", "password": Secret(PASSWORD), "number": "+15550100200",
        **SHORT, **config,
    })  # fmt: skip


@asynccontextmanager
async def carried(home: Path, port: int, **config):
    """A gateway with the link c1 to the SMSC at ``port``; stops by SIGTERM, as in life."""
    row = account(port, **config)
    (home / "none").mkdir(exist_ok=True)
    gateway = Gateway(
        country="US", database=str(home / "q.db"), socket=str(home / "s.sock"), rules=str(home / "none"),
        templates=str(home / "none"), modems="",
    )  # fmt: skip
    whole, clock = Config(gateway=gateway, link=(row,)), SystemClock()
    pauses, module.FIRST_PAUSE, module.LAST_PAUSE = (module.FIRST_PAUSE, module.LAST_PAUSE), 0.02, 0.1
    try:
        async with open_queue(gateway.database, clock=clock, limits=queue_limits(whole)) as queue:
            daemon = Daemon("", whole, RuleSet(), queue, clock)
            assert [type(link) for _, link in daemon.links] == [SmppLink]
            running = Carried(daemon, asyncio.create_task(daemon.run(), name="daemon under test"), home)
            try:
                yield running
            finally:
                async with asyncio.timeout(10):
                    await stop(running.task)
                    await running.task
    finally:
        module.FIRST_PAUSE, module.LAST_PAUSE = pauses
