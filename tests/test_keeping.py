"""What the gateway forgets by itself, and that a clock that jumped makes it forget nothing."""

import asyncio

import pytest

from smsgwd.config import Retention
from smsgwd.keeping import SEEN, Forgetting, kept
from smsgwd.queue.privacy.keeping import DAY, Keep
from tests.contract.making import NOW, accept, links_up
from tests.store import StillClock, store

HOUR = 3600


class Clock(StillClock):
    """A wall clock that can be set, beside a monotonic one that goes on."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self._gone = 0.0

    def monotonic(self) -> float:
        return self._gone

    def move(self, seconds: float) -> None:
        super().move(seconds)
        self._gone += seconds

    def set(self, days: int) -> None:
        """Somebody sets it."""
        super().move(days * 86400)


@pytest.fixture
async def gate(tmp_path):
    clock = Clock()
    async with store(tmp_path, clock) as queue:
        await links_up(queue, "modem")
        yield clock, queue, Forgetting(queue, clock, Retention)


async def ended(queue, clock):
    m = await accept(queue, now=clock.now())
    await queue.cancel(m.id, clock.now())
    return m.id


async def words(queue, id_):
    return (await queue.message(id_)).text


async def test_a_round_forgets_what_is_old(gate):
    """Hour by hour the clock goes on, and after its time a text has no words any more."""
    clock, queue, forgetting = gate
    old = await ended(queue, clock)
    for _ in range(91):
        assert await words(queue, old) == "Hello"
        await forgetting.round()
        clock.move(24 * HOUR)
    assert (await forgetting.round())["texts"] == 1
    assert await words(queue, old) is None


async def test_a_clock_that_jumps_takes_nothing_with_it(gate):
    """Ten years ahead nothing goes, until it has stood so for a day; set right before that, nothing has gone at all."""
    clock, queue, forgetting = gate
    text = await ended(queue, clock)
    await forgetting.round()
    clock.set(3650)
    for _ in range(20):
        assert await forgetting.round() == {}
        clock.move(HOUR)
    clock.set(-3650)
    await forgetting.round()
    assert await words(queue, text) == "Hello"


async def test_a_jump_that_stays_is_believed_after_a_day(gate):
    """A gateway that was off for a year, or whose clock was set right at last, forgets after a day."""
    clock, queue, forgetting = gate
    text = await ended(queue, clock)
    await forgetting.round()
    clock.set(365)
    hours = 0
    while await words(queue, text) is not None:
        await forgetting.round()
        clock.move(HOUR)
        hours += 1
        assert hours < 30
    assert hours >= 24


async def test_a_second_jump_begins_the_day_anew(gate):
    """A clock that jumps again is not the clock that was waited for."""
    clock, queue, forgetting = gate
    text = await ended(queue, clock)
    await forgetting.round()
    clock.set(365)
    await forgetting.round()
    clock.move(20 * HOUR)
    clock.set(3000)
    await forgetting.round()
    clock.move(20 * HOUR)
    assert await forgetting.round() == {}
    assert await words(queue, text) == "Hello"


async def test_the_clock_is_remembered_over_restarts(gate):
    """Where the clock was seen last stands in the store, so that a start in 2036 forgets nothing at once either."""
    clock, queue, forgetting = gate
    text = await ended(queue, clock)
    await forgetting.round()
    assert await queue.recall(SEEN) == str(NOW)
    clock.set(3650)
    assert await Forgetting(queue, clock, Retention).round() == {}
    assert await words(queue, text) == "Hello"


async def test_who_forgets_by_itself_is_the_clock(gate):
    """The audit chain says that nobody asked."""
    clock, queue, forgetting = gate
    await ended(queue, clock)
    stop = asyncio.Event()
    await forgetting.round()
    for _ in range(91):
        clock.move(24 * HOUR)
        await forgetting.round()
    running = asyncio.ensure_future(forgetting.run(stop))
    stop.set()
    await asyncio.wait_for(running, 5)
    bodies = [e.body for e in await queue.audit_entries(0, 10)]
    assert ['"act":"message.cancel"' in bodies[0], '"act":"store.purge"' in bodies[1]] == [True, True]


def test_what_the_configuration_says():
    """Seconds there, milliseconds in the queue; a shorter word of a person shortens all."""
    keep = kept(Retention(text=86400, metadata=2 * 86400, events=3 * 86400))
    assert keep == Keep(text=DAY, metadata=2 * DAY, events=3 * DAY)
    assert keep.older_than(2 * DAY) == Keep(text=DAY, metadata=2 * DAY, events=2 * DAY)
