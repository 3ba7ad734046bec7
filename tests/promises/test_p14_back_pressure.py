"""P14: who brings more than can be taken is told to come again later; nothing grows without bound meanwhile."""

import asyncio

import pytest

from smsgwd import room as module
from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.gateway import SendRequest
from smsgwd.model import Accepted
from smsgwd.queue import writer as writing_module
from tests.contract.making import OURS, part
from tests.queue.storing import Gate
from tests.store import StillClock, gateway, store
from tests.web.served import served

TEXT = {"to": "+15550100777", "text": "hello"}


async def test_p14_slow_store_under_a_flood_is_429(tmp_path, monkeypatch):
    """While the disk does not keep up, new texts are answered 429 `too-busy` with Retry-After; inbound still finds room
    before the writer; when the disk has caught up texts are taken, and each accepted one is there."""
    monkeypatch.setattr(module, "MOST_WAITING", 20)
    async with served(tmp_path) as api:
        gate = Gate()
        first = await gate.close(api.queue._writer)
        waiting = [asyncio.create_task(api.ask("POST", "/v1/messages", TEXT)) for _ in range(20)]
        async with asyncio.timeout(5):
            while api.queue.waiting_changes() < 20:
                await asyncio.sleep(0.002)
        async with api._unix.post("http://localhost/v1/messages", json=TEXT) as answer:
            problem = await answer.json(content_type=None)
        assert (answer.status, answer.headers["Retry-After"], problem["type"]) == (429, "2", "urn:smsgwd:problem:too-busy")
        inbound = asyncio.create_task(api.queue.receive("m1", OURS["m1"], part("hello"), api.clock.now()))
        gate.open.set()
        await asyncio.gather(first, inbound)
        assert {status for status, _ in await asyncio.gather(*waiting)} == {202}
        assert (await api.ask("POST", "/v1/messages", TEXT))[0] == 202


async def test_p14_the_writer_itself_is_bounded(tmp_path, monkeypatch):
    """Beyond its own bound the writer takes nothing of anybody: who links a network leaves it there."""
    monkeypatch.setattr(writing_module, "WAITING", 5)
    async with store(tmp_path, StillClock()) as queue:
        gate = Gate()
        first = await gate.close(queue._writer)
        waiting = [asyncio.create_task(queue.receive("m1", OURS["m1"], part(f"{n}"), 1)) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="wait for the disk"):
            await queue.receive("m1", OURS["m1"], part("too much"), 1)
        gate.open.set()
        await asyncio.gather(first, *waiting)


async def test_p14_a_lane_that_is_too_full(tmp_path):
    """`backlog` of a link: 429 `lane-full` and when to come again; alarms pass; a sent text makes room."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        gate.room._backlogs = {"m1": 2}
        for _ in range(2):
            await gate.send(SendRequest(**TEXT))
        with pytest.raises(RequestRefused, match="wait for m1") as refused:
            await gate.send(SendRequest(**TEXT))
        assert (refused.value.code, refused.value.retry_after) == ("lane-full", 15.0)
        await gate.send(SendRequest(**TEXT, class_="alarm"))
        for segment in await queue.claim("m1", 10, clock.now()):
            await queue.record_result(segment.submission, Accepted("1"), clock.now())
        await gate.room.count(clock.now())
        await gate.send(SendRequest(**TEXT))


async def test_p14_another_link_takes_what_a_full_lane_cannot(tmp_path):
    """A full lane is left out by routing where another link may have the text."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock, '[[link]]\nname = "m2"\ntype = "modem"\nport = "/dev/none"\nnumber = "+15550100200"\n')
        gate.room._backlogs = {"m1": 1}
        links = [(await gate.send(SendRequest(**TEXT, from_=""))).link for _ in range(6)]
    assert links.count("m1") <= 1
    assert links.count("m2") >= 5
