"""Rules that answer everything, on a gate: who gets an answer, and why another one does not."""

import asyncio
import contextlib
from pathlib import Path

from smsgwd.react import React
from smsgwd.rules.load import load_rules
from smsgwd.rules.model import RuleSet
from tests.faults.arriving import Gate
from tests.store import gateway

ANSWER_ALL = '[[rule]]\nid = "all"\nthen = [ { reply = "We got it" } ]\n'


def answer_all(folder: Path) -> RuleSet:
    """A rule that matches every text, with and without words, and answers it."""
    (folder / "rules.d").mkdir()
    (folder / "rules.d" / "10.toml").write_text(ANSWER_ALL)
    return load_rules(folder / "rules.d", folder / "templates", desks=("support",))


async def answers(door: Gate, folder: Path) -> list[str]:
    """Lets the rules see all that came; the numbers that they answered."""
    stop, hint = asyncio.Event(), door.queue.hint("events", "outbox")
    last = max((e.id for e in await door.queue.events_after(0, 1000, "message.received")), default=0)
    react = React(door.queue, gateway(door.queue, door.clock), answer_all(folder), door.clock)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(react.run(stop), name="react")
        while await door.queue.cursor("react") < last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hint.wait(), 0.01)
            hint.clear()
        stop.set()
        door.queue.poke("events:message.received")
    return [peer for (peer,) in door.rows("SELECT peer FROM message WHERE direction = 'out' ORDER BY id")]


async def suppressed(door: Gate) -> list[str]:
    """Why answers were held back, oldest first."""
    return [e.data["why"] for e in await door.queue.events_after(0, 1000, "reply.suppressed")]
