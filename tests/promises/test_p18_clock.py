"""P18. A step of the clock changes no retry and no order, and nothing expires before the clock is set."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.clock import SANE, TOLERANCE, doubt
from smsgwd.model import Accepted, LinkState
from smsgwd.timekeeper import LONGEST, Timekeeper
from tests.contract.making import TEMPORARY, accept, claim, data, kinds, state
from tests.store import StillClock, store

NOW = 1_800_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
YEARS = 3650 * DAY
SMALL = [pytest.param(-HOUR, id="one hour back"), pytest.param(HOUR, id="one hour ahead"), pytest.param(30_000, id="ntp")]
STEPS = [pytest.param(YEARS, id="ten years ahead"), pytest.param(-YEARS, id="ten years back"),
         pytest.param(-NOW, id="1970"), *SMALL]  # fmt: skip


class SteppingClock(StillClock):
    """A clock whose wall can be set apart from its monotonic time."""

    def __init__(self, now: int = NOW) -> None:
        super().__init__(now)
        self.wrong = 0

    def now(self) -> int:
        return max(super().now() + self.wrong, 0)


@asynccontextmanager
async def kept(path, clock, told=lambda: False):
    """A store, and who watches the clock for it; nobody tells the time."""
    async with store(path, clock) as queue:
        await queue.record_link("m1", "modem", "+15550100100", LinkState.UP, "ready", clock.now())
        keeper = Timekeeper(queue, clock, told)
        await keeper.begin()
        yield queue, keeper


async def stepped(clock, keeper, step: int) -> None:
    """The clock is set, and the watch sees it."""
    clock.wrong += step
    clock.move(1)
    await keeper.look()


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_changes_no_retry(tmp_path, step):
    """A text in back-off is tried again after the same pause, neither at once nor in ten years."""
    clock = SteppingClock()
    async with kept(tmp_path, clock) as (queue, keeper):
        text = await accept(queue, now=clock.now())
        segment = await claim(queue, now=clock.now())
        await queue.record_result(segment.submission, TEMPORARY, clock.now())
        await stepped(clock, keeper, step)
        clock.move(27)
        await queue.expire(clock.now())
        assert await queue.claim("m1", 10, clock.now()) == []
        clock.move(3)
        assert (await claim(queue, now=clock.now())).message == text.id


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_changes_no_order(tmp_path, step):
    """Texts go in the order in which they were accepted, on both sides of a step, and so are their ids."""
    clock = SteppingClock()
    async with kept(tmp_path, clock) as (queue, keeper):
        before = [await accept(queue, f"{n}", now=clock.now()) for n in range(3)]
        await stepped(clock, keeper, step)
        after = [await accept(queue, f"{n}", now=clock.now()) for n in range(3)]
        ids = [message.id for message in (*before, *after)]
        assert ids == sorted(ids)
        assert [s.message for s in await queue.claim("m1", 10, clock.now())] == ids


@pytest.mark.parametrize("step", STEPS)
async def test_nothing_expires_by_a_step(tmp_path, step):
    """A text whose validity is long has it still; the end of an hour of validity comes after an hour all the same."""
    clock = SteppingClock()
    async with kept(tmp_path, clock) as (queue, keeper):
        long = await accept(queue, expires=clock.now() + 3 * HOUR, now=clock.now(), due=clock.now() + 2 * HOUR)
        await stepped(clock, keeper, step)
        await queue.expire(clock.now())
        assert await state(queue, long) == "queued"
        await stepped(clock, keeper, -step)
        await queue.expire(clock.now())
        assert await state(queue, long) == "queued"
        clock.move(3.1 * 3600)
        await queue.expire(clock.now())
        assert await state(queue, long) == "expired"


async def test_what_was_accepted_in_1970_is_valid_as_long_as_was_asked(tmp_path):
    """A Pi boots in 1970, takes a text that is valid for an hour and one for in ten minutes; then the clock is set. Neither
    expires, and the second waits its ten minutes."""
    clock = SteppingClock()
    clock.wrong = -NOW + 10_000
    async with kept(tmp_path, clock) as (queue, keeper):
        assert not keeper.believed.is_set()
        now = clock.now()
        first = await accept(queue, "first", now=now, expires=now + HOUR)
        later = await accept(queue, "later", now=now, due=now + 10 * MINUTE, expires=now + HOUR)
        clock.move(60)
        await stepped(clock, keeper, NOW - 10_000)
        assert keeper.believed.is_set()
        await queue.expire(clock.now())
        assert [s.message for s in await queue.claim("m1", 10, clock.now())] == [first.id]
        clock.move(9 * 60)
        assert (await claim(queue, now=clock.now())).message == later.id
        assert [k for k in await kinds(queue) if k.startswith("clock.")] == ["clock.waiting", "clock.stepped", "clock.set"]


async def test_a_step_is_told_with_its_seconds(tmp_path):
    """Operators see how far it went; slewing by a part of a second is no step."""
    clock = SteppingClock()
    async with kept(tmp_path, clock) as (queue, keeper):
        await stepped(clock, keeper, 400)
        assert "clock.stepped" not in await kinds(queue)
        await stepped(clock, keeper, -HOUR)
        assert (await data(queue, "clock.stepped"))["seconds"] == -3600


async def test_the_wait_ends(tmp_path):
    """A machine that nobody tells the time takes it as it is after an hour, and says how long it waited."""
    clock = SteppingClock()
    clock.wrong = -NOW
    async with kept(tmp_path, clock) as (queue, keeper):
        clock.move(LONGEST - 1)
        await keeper.look()
        assert (keeper.believed.is_set(), keeper.state().state, keeper.state().seconds) == (False, "waiting", 1)
        clock.move(1)
        await keeper.look()
        assert (keeper.believed.is_set(), keeper.state().state) == (True, "set")
        assert (await data(queue, "clock.set"))["waited"] == LONGEST


async def test_a_clock_that_went_back_while_the_machine_was_off(tmp_path):
    """The newest time that was believed is remembered over restarts; an hour back is no reason to doubt, a week is."""
    clock = SteppingClock()
    async with kept(tmp_path, clock):
        pass
    for wrong, believed in ((-HOUR, True), (-7 * DAY, False)):
        clock.wrong = wrong
        async with kept(tmp_path, clock) as (_, keeper):
            assert keeper.believed.is_set() == believed
    async with kept(tmp_path, clock, told=lambda: True) as (_, keeper):
        assert keeper.believed.is_set()


async def test_a_text_for_a_time_that_a_wrong_clock_has_named(tmp_path):
    """Accepted for in five minutes by a clock that was ten years ahead, and nobody knew: it goes five minutes after the
    clock is right, not in ten years."""
    clock = SteppingClock()
    async with store(tmp_path, clock) as queue:
        ahead = NOW + YEARS
        text = await accept(queue, now=ahead, due=ahead + 5 * MINUTE, expires=ahead + HOUR)
        await queue.expire(clock.now())
        assert await queue.next_due("m1") == NOW + 5 * MINUTE
        assert (await queue.message(text.id)).expires == NOW + HOUR


async def test_results_are_recorded_while_the_clock_is_doubted(tmp_path):
    """A doubted clock stops no text."""
    clock = SteppingClock()
    clock.wrong = -NOW
    async with kept(tmp_path, clock) as (queue, _):
        text = await accept(queue, now=clock.now())
        segment = await claim(queue, now=clock.now())
        await queue.record_result(segment.submission, Accepted("1"), clock.now())
        assert await state(queue, text) == "sent"


@pytest.mark.parametrize(
    ("now", "known", "running", "told", "doubted"),
    [
        pytest.param(0, 0, False, False, True, id="1970 on an empty store"),
        pytest.param(0, NOW, False, True, True, id="1970, whoever calls it set"),
        pytest.param(NOW, 0, False, False, False, id="an empty store"),
        pytest.param(NOW, NOW - YEARS, False, False, False, id="a long rest"),
        pytest.param(NOW, NOW - 2 * DAY, True, False, True, id="a jump ahead"),
        pytest.param(NOW, NOW - 2 * DAY, True, True, False, id="a jump ahead that the system has made"),
        pytest.param(NOW, NOW + HOUR, True, False, False, id="an hour back"),
        pytest.param(NOW, NOW + 2 * DAY, True, False, True, id="two days back"),
        pytest.param(NOW, 1000, True, False, False, id="from 1970 to now"),
    ],
)  # fmt: skip
def test_the_rule(now, known, running, told, doubted):
    """What is believed, and what is not."""
    assert bool(doubt(now, known, running=running, synchronised=told)) == doubted


@given(known=st.integers(SANE, 2 * NOW), off=st.integers(-TOLERANCE, TOLERANCE), running=st.booleans())
def test_small_differences_are_no_reason_to_doubt(known, off, running):
    """Up to a day either way."""
    now = max(known + off, SANE)
    assert doubt(now, known, running=running, synchronised=False) == ""


async def test_the_watch_ends_with_the_daemon(tmp_path):
    """It looks again and again, and ends when it is told to."""
    clock = SteppingClock()
    async with kept(tmp_path, clock) as (_, keeper):
        stop = asyncio.Event()
        async with asyncio.timeout(5):
            running = asyncio.create_task(keeper.run(stop))
            await asyncio.sleep(0)
            stop.set()
            await running
