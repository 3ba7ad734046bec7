"""What a history is made of besides store and network: configuration, clock, desks, and the daemon that is put together."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from smsgwd.config import Config
from smsgwd.config.file import parse
from smsgwd.daemon import Daemon, read_rules
from smsgwd.helpdesk.interface import Call, Delivery, Never, NotNow, Taken
from smsgwd.link import Link
from smsgwd.outbox import Outbox
from smsgwd.rules.model import RuleSet

CONFIG = """
[gateway]
country = "US"
rules = "{home}/rules.d"
templates = "{home}/templates"
[[link]]
name = "m1"
type = "modem"
port = "/dev/none"
number = "+15550100100"
[[link]]
name = "c1"
type = "smpp"
host = "127.0.0.1"
system_id = "us"
number = "+15550100200"
[[helpdesk]]
name = "support"
url = "http://127.0.0.1:9/"
events = ["conversation.opened", "message.failed", "message.uncertain"]
[[helpdesk]]
name = "audit"
url = "http://127.0.0.1:9/"
events = ["message.received", "message.sent", "message.delivered", "consent.changed"]
"""
RULES = """
[[rule]]
id = "down"
when.any = [{ phrase = ["internet is down"] }]
then = [{ reply = "We know, {message}" }, { forward = "support" }]
[[rule]]
id = "hello"
when.any = [{ keyword = "hello" }]
then = [{ reply = "Hello, {message}" }]
"""
LINKS = ("m1", "c1")


@functools.cache
def config() -> tuple[Config, RuleSet]:
    """The configuration of every history, with its rules."""
    with tempfile.TemporaryDirectory() as home:
        for folder in ("rules.d", "templates"):
            os.mkdir(os.path.join(home, folder))
        Path(home, "rules.d", "10.toml").write_text(RULES)
        made = parse(CONFIG.format(home=home))
        return made, read_rules(made)


class SteppedClock:
    """Monotonic time is the loop's; the wall clock is right but for the steps that were made."""

    def __init__(self, began: int) -> None:
        self.began, self.wrong = began, 0

    def true(self) -> int:
        return self.began + int(asyncio.get_running_loop().time() * 1000)

    def now(self) -> int:
        return max(self.true() + self.wrong, 0)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Book:
    """What a desk has written down; it outlives the gateway."""

    def __init__(self) -> None:
        #: id -> (kind, message), how often it was told, and whether it was taken
        self.calls: dict[str, tuple[str, str]] = {}
        self.told: dict[str, int] = {}
        self.taken: set[str] = set()
        self.dead: set[str] = set()
        self.tickets: dict[str, str] = {}


class SimDesk:
    """Keeps the protocol of :class:`smsgwd.helpdesk.interface.Desk`: fails, is slow, takes a call and says so too late."""

    def __init__(self, name: str, events: tuple[str, ...], book: Book, chance: random.Random, well: Callable[[], bool]) -> None:
        self.name, self.events, self.book, self.chance, self.well = name, frozenset(events), book, chance, well
        self._open: set[str] = set()

    async def tell(self, call: Call) -> Delivery:
        book = self.book
        message, thread = call.data.get("message") or {}, call.data.get("conversation") or {}
        what = (call.kind, message.get("id", "") if isinstance(message, dict) else str(message))
        assert book.calls.setdefault(call.id, what) == what, f"P12: {call.id} told {book.calls[call.id]}, then {what}"
        conversation = thread.get("id", "") if isinstance(thread, dict) else str(thread)
        assert conversation not in self._open or not conversation, f"P12: two calls of {conversation} at once"
        book.told[call.id] = book.told.get(call.id, 0) + 1
        self._open.add(conversation)
        try:
            return await self._answer(call, conversation)
        finally:
            self._open.discard(conversation)

    async def _answer(self, call: Call, conversation: str) -> Delivery:
        book, chance = self.book, self.chance
        await asyncio.sleep(chance.choice((0.01, 0.1, 0.1, 2.0)) * chance.random())
        fate = 1.0 if self.well() else chance.random()
        if fate < 0.08:
            return NotNow("HTTP 503", after=chance.choice((0.0, 5.0)))
        if fate < 0.10:
            return NotNow("HTTP 400", poison=True)
        if fate < 0.11:
            book.dead.add(call.id)
            return Never("HTTP 410: the endpoint is gone")
        book.taken.add(call.id)
        if fate < 0.2:
            await asyncio.sleep(10.0)
            return NotNow("no answer in 10 s")
        ticket = book.tickets.setdefault(conversation, f"T{len(book.tickets) + 1}") if conversation else ""
        return Taken(ticket)

    async def close(self) -> None:
        """Nothing is open."""


class SimDaemon(Daemon):
    """The daemon with links, desks and callers of the simulation."""

    def furnish(self, links: list[Link], desks: list[SimDesk]) -> None:
        self.links = [(row, link) for row, link in zip(self.config.link, links, strict=True)]
        self.desks = desks
        self.timekeeper.told = lambda: False  # nobody tells the time
        self.gateway.carriers, self.gateway.modems = {}, {}

    async def _outbox(self) -> None:
        await Outbox(self.queue, self.desks, self.clock, begins=self.timekeeper.believed).run(self.stop_workers)

    async def _serve(self) -> None:
        await self.stop_workers.wait()
