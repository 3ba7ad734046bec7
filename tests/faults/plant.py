"""A gateway on a modem whose every byte a test can write: the real daemon, queue and driver, in this process, on a pty.

Only the waits are short (:data:`tests.modem.wire.QUICK`) and the pauses of the supervisor; everything else is as shipped.
"""

import asyncio
import contextlib
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from smsgwd import daemon as module
from smsgwd.clock import SystemClock
from smsgwd.config import Config, Gateway, ModemConfig
from smsgwd.daemon import Daemon, queue_limits
from smsgwd.gateway import SendRequest
from smsgwd.model import LinkState
from smsgwd.modem.link import ModemLink
from smsgwd.queue.sqlite import open_queue
from smsgwd.rules.model import RuleSet
from tests.modem.wire import QUICK, Wire, until

NUMBER = "+36641234567"
#: a text that is uncertain stays so for longer than a test looks
CALM = msgspec.structs.replace(QUICK, answer=0.25, silence=0.3)


class Plant:
    """What tests ask of the running gateway."""

    def __init__(self, daemon: Daemon, task: asyncio.Task) -> None:
        self.daemon, self.queue, self.task = daemon, daemon.queue, task

    async def send(self, text: str = "hello", to: str = NUMBER, **more) -> str:
        return (await self.daemon.gateway.send(SendRequest(to=to, text=text, **more))).id

    async def state(self, message: str) -> str:
        return (await self.queue.message(message)).state.value

    async def reaches(self, message: str, *states: str) -> str:
        """Waits for one of the states."""
        async with asyncio.timeout(8):
            while (found := await self.state(message)) not in states:
                await asyncio.sleep(0.005)
        return found

    async def link(self, name: str = "m1"):
        return next(x for x in await self.queue.links() if x.name == name)

    async def is_(self, state: LinkState, name: str = "m1", why: str = "") -> None:
        async with asyncio.timeout(8):
            while True:
                links = {x.name: x for x in await self.queue.links()}
                if name in links and links[name].state is state and why in links[name].reason:
                    return
                await asyncio.sleep(0.005)

    async def up(self, name: str = "m1") -> None:
        await self.is_(LinkState.UP, name)

    async def kinds(self) -> list[str]:
        return [e.kind for e in await self.queue.events_after(0, 1000)]

    async def events(self, kind: str) -> list:
        return await self.queue.events_after(0, 1000, kind)

    async def hears(self, kind: str) -> None:
        async with asyncio.timeout(8):
            while not await self.events(kind):
                await asyncio.sleep(0.005)

    async def inbox(self) -> list[str]:
        """Texts that came in, oldest first."""
        found = []
        for event in await self.events("message.received"):
            found.append((await self.queue.message(event.message)).text)
        return found

    async def crash(self) -> None:
        """The process is gone in the middle of what it does: nothing more is recorded."""
        self.task.cancel()
        done, _ = await asyncio.wait([self.task], timeout=5)
        assert done, "the daemon does not end when it is cancelled"
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
            await self.task


async def stop(task: asyncio.Task) -> None:
    """SIGTERM for a daemon in this process; once it listens, since before that the signal would end the tests."""
    while not task.done() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        await asyncio.sleep(0.001)
    if not task.done():
        os.kill(os.getpid(), signal.SIGTERM)


def plug(path: Path, modem: Wire) -> None:
    """The port's name leads to this modem from now on."""
    path.unlink(missing_ok=True)
    path.symlink_to(modem.path)


@asynccontextmanager
async def plant(home: Path, *modems: Wire, profile=CALM, finder=None, **config):
    """A gateway with a link m1, m2 … for each modem; ``config`` is for all of them. Stops by SIGTERM, as in life."""
    rows = []
    for i, modem in enumerate(modems, 1):
        plug(home / f"tty{i}", modem)
        rows.append(ModemConfig(**{"name": f"m{i}", "type": "modem", "port": str(home / f"tty{i}"), **config}))
    (home / "none").mkdir(exist_ok=True)
    gateway = Gateway(
        country="HU", database=str(home / "q.db"), socket=str(home / "s.sock"), rules=str(home / "none"),
        templates=str(home / "none"), modems="",
    )  # fmt: skip
    whole, clock = Config(gateway=gateway, link=tuple(rows)), SystemClock()
    pauses, module.FIRST_PAUSE, module.LAST_PAUSE = (module.FIRST_PAUSE, module.LAST_PAUSE), 0.02, 0.1
    try:
        async with open_queue(gateway.database, clock=clock, limits=queue_limits(whole)) as queue:
            daemon = Daemon("", whole, RuleSet(), queue, clock)
            daemon.links = [(row, ModemLink(row, clock, profile, finder=finder)) for row in rows]
            daemon.gateway.modems = {link.name: link.ussd for _, link in daemon.links}
            running = Plant(daemon, asyncio.create_task(daemon.run(), name="daemon under test"))
            try:
                yield running
            finally:
                async with asyncio.timeout(10):
                    await stop(running.task)
                    await asyncio.gather(running.task, return_exceptions=running.task.cancelled())
    finally:
        module.FIRST_PAUSE, module.LAST_PAUSE = pauses


__all__ = ["CALM", "NUMBER", "Plant", "plant", "plug", "until"]
