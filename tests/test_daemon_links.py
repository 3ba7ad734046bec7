"""The supervision of links: pauses between tries, what resets them, what ends them, and what is told."""

import asyncio
import itertools
from contextlib import asynccontextmanager

import pytest

from smsgwd import daemon as module
from smsgwd.errors import LinkError
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import events
from tests.helpdesk.worker import until
from tests.queue.inprocess import built, furnished
from tests.queue.plainlink import PlainLink, quiet
from tests.store import StillClock


@pytest.fixture
def home(tmp_path):
    return furnished(tmp_path)


@pytest.fixture
async def queue(home):
    async with open_queue(home / "smsgwd.db", clock=StillClock()) as opened:
        yield opened


@asynccontextmanager
async def supervised(home, queue, clock, link):
    """A link under supervision; yields the daemon."""
    made = built(home, queue, clock, link)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(made.supervise(made.links[0][0], link), name="supervise")
        try:
            yield made, task
        finally:
            made.stop_links.set()


def pauses(link: PlainLink) -> list[float]:
    return [b - a for a, b in itertools.pairwise(link.began)]


@pytest.fixture
def quick(monkeypatch):
    """Pauses from 30 ms to 240 ms, without the dice."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.03)
    monkeypatch.setattr(module, "LAST_PAUSE", 0.24)
    monkeypatch.setattr(module.random, "uniform", lambda low, high: 1.0)


@pytest.mark.usefixtures("quick")
async def test_pauses_double_up_to_the_last(home, queue):
    """A link that breaks at once is tried again after pauses that double, up to a bound; the store says down and why."""
    link = PlainLink()
    link.runs.extend([LinkError("no such port")] * 5)
    async with supervised(home, queue, StillClock(), link):
        await until(lambda: len(link.began) == 6)
    for pause, wanted in zip(pauses(link), (0.03, 0.06, 0.12, 0.24, 0.24), strict=True):
        assert wanted * 0.9 <= pause < wanted + 0.2
    assert "no such port" in [e.data["why"] for e in await events(queue, "link.down")]


@pytest.mark.usefixtures("quick")
async def test_link_that_was_up_for_a_minute_starts_anew(home, queue):
    """After a minute at work the next pause is the first one again."""
    clock, link = StillClock(), PlainLink()
    link.runs.extend([LinkError("x")] * 4 + [lambda: clock.move(60) or LinkError("port lost")])
    async with supervised(home, queue, clock, link):
        await until(lambda: len(link.began) == 6)
    assert pauses(link)[3] >= 0.2
    assert pauses(link)[4] < 0.2


@pytest.mark.usefixtures("quick")
async def test_link_may_name_its_pause(home, queue):
    """A link that knows when it may be tried again (an account that a carrier locks) gets that, not the pauses of others."""
    link = PlainLink()
    link.runs.extend([LinkError("wrong password", retry_after=0.15), *[LinkError("closed", retry_after=0.0)] * 3])
    async with supervised(home, queue, StillClock(), link):
        await until(lambda: len(link.began) == 5)
    assert pauses(link)[0] >= 0.14
    assert sum(pauses(link)[1:]) < 0.06 + 0.12  # what doubling would have made of the last two alone


async def test_stop_during_a_pause(home, queue):
    """A stop ends the wait for the next try at once."""
    link = PlainLink()
    link.runs.append(LinkError("x"))
    async with supervised(home, queue, StillClock(), link) as (made, task):
        await until(lambda: not made.roster.get("m1").up and link.began)
        await quiet()
        made.stop_links.set()
        async with asyncio.timeout(0.5):
            await asyncio.wait([task])
    assert len(link.began) == 1


@pytest.mark.usefixtures("quick")
async def test_dead_link_is_one_event(home, queue, monkeypatch):
    """A link that is down for the same reason again and again is one event, not one for each try."""
    monkeypatch.setattr(module, "LAST_PAUSE", 0.03)
    link = PlainLink()

    async def dead(sink, stop):
        link.began.append(0.0)
        raise LinkError("/dev/none: no such file")

    link.run = dead
    async with supervised(home, queue, StillClock(), link):
        await until(lambda: len(link.began) == 5)
    assert [e.data["why"] for e in await events(queue, "link.down")] == ["/dev/none: no such file"]
