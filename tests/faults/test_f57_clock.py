"""F57. The clock is wrong: 1970 at boot, ten years ahead, an hour back, a change of summer time. No TLS, no webhook and no
expiry before it is set; texts go out and come in all the same."""

import asyncio
import os
import time
from contextlib import asynccontextmanager

import pytest

from smsgwd.config.file import parse
from smsgwd.gateway import SendRequest, parse_at
from smsgwd.model import LinkState
from smsgwd.outbox import Outbox
from smsgwd.timekeeper import Timekeeper
from smsgwd.web import plant
from smsgwd.web.operations import Call
from tests.contract.making import kinds, state
from tests.helpdesk.endpoint import serving
from tests.helpdesk.worker import desk, forwarded, settled, until
from tests.promises.test_p18_clock import NOW, YEARS, SteppingClock, kept, stepped
from tests.queue.inprocess import built, furnished
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster, same_everywhere
from tests.store import gateway, store

CARRIER = """
[gateway]
country = "US"
[[link]]
name = "m1"
type = "smpp"
host = "127.0.0.1"
system_id = "us"
number = "+15550100100"
tls = {tls}
"""


@asynccontextmanager
async def booted(tmp_path, wrong: int):
    """A gateway's store on a machine that has just booted, and nobody tells the time."""
    clock = SteppingClock()
    clock.wrong = wrong
    async with kept(tmp_path, clock) as (queue, keeper):
        yield clock, queue, keeper


async def test_no_webhook_before_the_clock_is_set(tmp_path):
    """A desk hears of a text of 1970 only when its signature tells the right time; then at once."""
    async with booted(tmp_path, -NOW) as (clock, queue, keeper), serving() as endpoint:
        await forwarded(queue, clock)
        stop = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            desks = [desk(endpoint, clock)]
            group.create_task(Outbox(queue, desks, clock, jitter=lambda: 1.0, begins=keeper.believed).run(stop))
            await settled(queue)
            assert endpoint.calls == []
            await stepped(clock, keeper, NOW)
            await until(lambda: endpoint.calls)
            stop.set()
        told = int(endpoint.calls[0][0]["webhook-timestamp"])
        assert abs(told - NOW // 1000) < 60


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
async def test_no_tls_before_the_clock_is_set(tmp_path, tls):
    """A link with TLS waits, and says for what; one without does not. It begins when the clock is set."""
    row = parse(CARRIER.format(tls=str(tls).lower())).link[0]
    async with booted(tmp_path, -NOW) as (clock, queue, keeper):
        link = PlainLink()
        daemon = built(furnished(tmp_path), queue, clock, link)
        daemon.timekeeper = keeper
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(daemon.supervise(row, link))
            await quiet()
            assert bool(link.began) == (not tls)
            if tls:
                (told,) = await queue.links()
                assert told.state is LinkState.DOWN
                assert "waits for the clock: it says 1970-01-01" in told.reason
            await stepped(clock, keeper, NOW)
            await until(lambda: link.began)
            daemon.stop_links.set()


@pytest.mark.parametrize("wrong", [-NOW, -YEARS, YEARS], ids=["1970", "ten years back", "ten years ahead"])
async def test_texts_go_out_and_come_in_by_a_wrong_clock(tmp_path, wrong):
    """What waits for the clock is no text: one goes out, one comes in, and neither expires when the clock is set."""
    async with booted(tmp_path, wrong) as (clock, queue, keeper):
        link, gate = PlainLink(), gateway(queue, clock)
        async with lanes(queue, clock, [link], roster()):
            out = await gate.send(SendRequest(to="+15550100777", text="Hello", validity="5m"))
            await reaches(queue, out.id, "sent")
        waits = await gate.send(SendRequest(to="+15550100777", text="Hello", validity="5m"))
        came_in = await forwarded(queue, clock)
        await stepped(clock, keeper, -wrong)
        await queue.expire(clock.now())
        if wrong != YEARS:  # after a boot nobody can tell it from a long rest
            assert await state(queue, waits) == "queued"
        assert await state(queue, came_in) == "received"


async def test_an_hour_back_and_ahead_changes_nothing(tmp_path):
    """A clock of local time that is set at a change of summer time: nothing waits, nothing expires, nothing is sent twice."""
    async with booted(tmp_path, 0) as (clock, queue, keeper):
        link, gate = PlainLink(), gateway(queue, clock)
        text = await gate.send(SendRequest(to="+15550100777", text="Hello", validity="90m"))
        for step in (-3_600_000, 3_600_000):
            await stepped(clock, keeper, step)
            assert keeper.believed.is_set()
            await queue.expire(clock.now())
            assert await state(queue, text) == "queued"
        async with lanes(queue, clock, [link], roster(), replan=same_everywhere):
            await reaches(queue, text.id, "sent")
        assert len(link.segments) == 1
        assert "clock.waiting" not in await kinds(queue)


def test_summer_time(monkeypatch):
    """`at` without a zone is local: 09:30 of the day after the clocks went back is 25 hours after 09:30 of the day before."""
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    try:
        saturday = parse_at("2026-10-24T09:30", NOW - 365 * 86_400_000)
        sunday = parse_at("2026-10-25T09:30", NOW - 365 * 86_400_000)
        assert sunday - saturday == 25 * 3_600_000
    finally:
        monkeypatch.undo()
        os.environ.pop("TZ", None) if "TZ" not in os.environ else None
        time.tzset()


async def test_operators_see_it(tmp_path):
    """status says that the clock is waited for, why, and for how long at most; then that it is set."""
    async with booted(tmp_path, -NOW) as (clock, queue, keeper):
        gate = gateway(queue, clock)
        gate.time = keeper.state
        _, body = await plant.status(Call(gateway=gate, path={}, query={}, body=b"", token=None))
        assert (body["clock"]["state"], body["clock"]["seconds"]) == ("waiting", 3600)
        assert "1970" in body["clock"]["why"]
        await stepped(clock, keeper, NOW)
        _, body = await plant.status(Call(gateway=gate, path={}, query={}, body=b"", token=None))
        assert body["clock"] == {"state": "set", "why": "", "seconds": 0}


async def test_the_store_is_away_when_the_clock_steps(tmp_path):
    """A step that could not be stored is stored by the next look; it is not lost, and not counted twice."""
    clock = SteppingClock()
    async with store(tmp_path, clock) as queue:
        keeper = Timekeeper(queue, clock, lambda: False)
        await keeper.begin()
        await queue._writer.close()
        await stepped(clock, keeper, -3_600_000)
    async with store(tmp_path, clock) as queue:
        keeper.queue = queue
        await keeper.look()
        await keeper.look()
        assert (await kinds(queue)).count("clock.stepped") == 1
