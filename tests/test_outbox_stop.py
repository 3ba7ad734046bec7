"""The outbox worker at a stop, with a store that is away, and with an answer that was lost: nothing is lost or told twice."""

import asyncio

import pytest

from smsgwd import outbox
from smsgwd.config import Helpdesk, Secret
from smsgwd.helpdesk.webhook import WebhookDesk
from smsgwd.outbox import Outbox
from tests.helpdesk.endpoint import SECRET, serving
from tests.helpdesk.simulated import desk as simulated
from tests.helpdesk.worker import Flaky, desk, forwarded, owed, owed_done, running, sent, settled, until
from tests.store import StillClock, store


async def test_stop_waits_for_the_call(tmp_path):
    """A call under way at a stop is finished and recorded; no other begins."""
    clock, stop = StillClock(), asyncio.Event()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        endpoint.gate.clear()
        await forwarded(queue, clock, "first")
        await forwarded(queue, clock, "second")
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            worker = group.create_task(Outbox(queue, [desk(endpoint, clock)], clock).run(stop), name="outbox")
            await until(lambda: endpoint.under_way == 1)
            stop.set()
            await settled(queue)
            assert not worker.done()
            endpoint.gate.set()
        assert await owed(queue) == [("done", "", 1), ("pending", "", 0)]


async def test_stop_cuts_off(tmp_path, monkeypatch):
    """A call that does not end is cut off: it stays owed, and the next start tells it with the same id."""
    monkeypatch.setattr(outbox, "LAST_CALL", 0.02)
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        endpoint.gate.clear()
        await forwarded(queue, clock)
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: endpoint.under_way == 1)
        assert await owed(queue) == [("pending", "", 0)]
        endpoint.gate.set()
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) == 2)
    assert endpoint.ids[0] == endpoint.ids[1]


@pytest.mark.parametrize("verb", ["owe_events", "owed", "record_calls"])
async def test_store_is_away(tmp_path, monkeypatch, verb):
    """A store that is away for a moment loses nothing, tells nothing twice, and ends no worker."""
    monkeypatch.setattr(outbox, "STORE_PAUSES", (0.001,))
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock)
        await sent(queue, clock)
        flaky = Flaky(queue, **{verb: 2})
        async with running(flaky, [desk(endpoint, clock, events=["message.sent"])], clock):
            await until(lambda: owed_done(queue, 2))
        assert flaky.times[verb] == 0
    assert len(endpoint.calls) == len(set(endpoint.ids)) == 2


async def test_stop_while_the_store_is_away(tmp_path, monkeypatch):
    """A stop does not wait for a store that does not come back."""
    monkeypatch.setattr(outbox, "STORE_PAUSES", (0.001,))
    monkeypatch.setattr(outbox, "LAST_CALL", 0.02)
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock)
        flaky = Flaky(queue, record_calls=10**9, owe_events=10**9)
        async with running(flaky, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) == 1)
        assert await owed(queue) == [("pending", "", 0)]


async def test_answer_lost(tmp_path, monkeypatch):
    """The desk took a call and we ended before that was stored: the next start tells it again, the desk sees by the id
    that it is a copy, and the ticket is linked. One ticket, one entry."""
    monkeypatch.setattr(outbox, "LAST_CALL", 0.02)
    async with simulated(tmp_path) as caller, store(tmp_path, caller.clock) as queue:
        message = await forwarded(queue, caller.clock)
        for calls, losing in ((1, 10**9), (2, 0)):
            support = WebhookDesk(
                Helpdesk(name="support", url=f"{caller.url}/hooks", secret=Secret(SECRET)), caller.clock
            )
            async with running(Flaky(queue, record_calls=losing), [support], caller.clock):
                await until(lambda calls=calls: len(caller.journal()) == calls)
        thread = await queue.conversation((await queue.message(message)).conversation)
        assert thread.tickets == {"support": "T-1"}
        assert await owed(queue) == [("done", "", 1)]
    first, copy = caller.journal()
    assert (first["verified"], first["duplicate"], copy["duplicate"]) == (True, False, True)
    assert (copy["id"], copy["ticket"]) == (first["id"], first["ticket"])
