"""A simulated desk at work, and somebody who calls it as a gateway would, with signatures of an independent library."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

from smsgwd.clock import Clock
from smsgwd.helpdesk.sim import Agent, SimDesk, serve
from smsgwd.journal import Journal
from tests.canaries import TOKEN
from tests.helpdesk.endpoint import SECRET
from tests.store import StillClock


class QuickClock(StillClock):
    """Waits take no time, and are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def body(text: str = "hello", conversation: str = "cnv_1", kind: str = "message.received") -> bytes:
    data = {
        "message": {"id": "msg_1", "text": text}, "conversation": {"id": conversation}, "contact": {"name": "Corner Bakery"}
    }  # fmt: skip
    return json.dumps({"type": kind, "timestamp": "2027-01-15T08:00:00.000Z", "data": data}).encode()


def signed(clock: Clock, id_: str, octets: bytes, secret: str = SECRET) -> dict[str, str]:
    """Headers by the verifier of the Standard Webhooks project."""
    library = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed").Webhook(secret)
    now = clock.now() // 1000
    return {
        "webhook-id": id_, "webhook-timestamp": str(now),
        "webhook-signature": library.sign(id_, datetime.fromtimestamp(now, UTC), octets.decode()),
    }  # fmt: skip


class Caller:
    """Calls a simulated desk and reads its journal."""

    def __init__(self, url, session, clock, path) -> None:
        self.url, self.session, self.clock, self.path = url, session, clock, path

    async def call(self, id_: str, octets: bytes, headers: dict[str, str] | None = None):
        headers = signed(self.clock, id_, octets) if headers is None else headers
        async with self.session.post(f"{self.url}/hooks/sms", data=octets, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> str:
        async with self.session.get(self.url + path) as answer:
            assert answer.status == 200
            return await answer.text()

    def journal(self, kind: str = "call") -> list[dict]:
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]


@asynccontextmanager
async def desk(tmp_path, agent_for: str = "", **options):
    """A desk behind ``serve``, as the command runs it."""
    clock, stop, ready = QuickClock(), asyncio.Event(), asyncio.Event()
    address = []
    path = tmp_path / "journal"

    def listening(at: str) -> None:
        address.append(at)
        ready.set()

    with Journal(str(path), clock) as notes:
        agent = Agent(notes, clock, text="We look into it", url=agent_for, token=TOKEN) if agent_for else None
        made = SimDesk(notes, clock, answer=agent.answer if agent else None, **{"secret": SECRET, **options})
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            group.create_task(serve("127.0.0.1", 0, made, agent, stop, listening), name="desk")
            await ready.wait()
            yield Caller(f"http://{address[0]}", session, clock, path)
            stop.set()
