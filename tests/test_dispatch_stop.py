"""The outbound worker's pace, its stop, and a store that is away: nothing too fast, nothing lost, nothing twice."""

import asyncio

import pytest

from smsgwd import dispatch
from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import DAY, NOW, accept, draft, state
from tests.helpdesk.worker import Flaky, until
from tests.queue.plainlink import PlainLink, halt, lanes, quiet, reaches, roster, same_everywhere
from tests.store import StillClock


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    async with open_queue(tmp_path / "q.db", clock=clock) as opened:
        yield opened


# ---- rate ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "parts"), [pytest.param(1, 1, id="one by one"), pytest.param(5, 1, id="window"), pytest.param(3, 3, id="parts")]
)
async def test_rate(tmp_path, window, parts):
    """Segments go no faster than the rate, whatever the window, and the parts of texts that go side by side as well."""
    clock, interval, link = SystemClock(), 0.02, PlainLink(window=window)
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        now = clock.now()
        stored = await queue.accept([draft("abc"[:parts], parts=parts) for _ in range(9 // parts)], now)
        async with lanes(queue, clock, [link], roster(), rate=1 / interval):
            for message in stored:
                await reaches(queue, message, "sent")
    assert len(link.times) == 9
    # between its slot and the link a text is committed, which takes as long as the disk likes: single gaps tell nothing
    fours = [b - a for a, b in zip(link.times, link.times[4:], strict=False)]
    assert min(fours) >= 2 * interval
    assert link.times[-1] - link.times[0] >= 8 * interval * 0.75


async def test_rate_does_not_keep_back_after_a_pause(tmp_path):
    """A lane that had nothing to do sends the next text at once."""
    clock, link = SystemClock(), PlainLink()
    async with open_queue(tmp_path / "q.db", clock=clock) as queue, lanes(queue, clock, [link], roster(), rate=0.5):
        await quiet()
        async with asyncio.timeout(1):
            await reaches(queue, await accept(queue, now=clock.now()), "sent")


# ---- stopping ------------------------------------------------------------------------------------------------------


async def test_stop_finishes_what_is_on_the_wire(queue, clock):
    """At a stop the segments on the wire are finished and recorded, the next parts go back, nothing else is claimed:
    nothing is uncertain."""
    link = PlainLink(window=2)
    link.gate.clear()
    long, short, waits = await accept(queue, "ab", parts=2), await accept(queue, "x"), await accept(queue, "y")
    async with lanes(queue, clock, [link], roster()) as stop:
        await until(lambda: link.under_way == 2)
        halt(queue, stop, [link])
        await quiet()
        assert await state(queue, long) == "sending"
        link.gate.set()
    assert [await state(queue, m) for m in (long, short, waits)] == ["queued", "sent", "queued"]
    assert [s.text for s in link.segments] == ["a", "x"]
    assert await queue.recover(NOW) == 0
    (segment,) = await queue.claim("m1", 1, NOW)
    assert (segment.message, segment.part) == (long.id, 2)


async def test_stop_during_the_wait_for_the_rate(queue, clock):
    """A lane that waits for its next slot stops at once and has claimed nothing."""
    link = PlainLink()
    await accept(queue, "first")
    waits = await accept(queue, "waits")
    async with lanes(queue, clock, [link], roster(), rate=0.01):
        await until(lambda: link.segments)
        await quiet()
    assert (link.texts, await state(queue, waits)) == (["first"], "queued")


@pytest.mark.parametrize("claimed", range(6))
async def test_cut_short(queue, clock, claimed):
    """A second SIGTERM cuts a submit off: what was on the wire is uncertain at the next start; what was being claimed
    is not lost: it is queued, or found as an open attempt."""
    link = PlainLink(window=4)
    link.gate.clear()
    messages = [await accept(queue, str(n)) for n in range(claimed)]
    async with asyncio.timeout(5):
        task = asyncio.create_task(dispatch.Lane(link, queue, roster(), clock, same_everywhere).run(asyncio.Event()))
        for _ in range(claimed):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await quiet()
        on_the_wire = {s.message for s in link.segments}
        await queue.recover(NOW)
        for message in messages:
            assert await state(queue, message) == ("uncertain" if message.id in on_the_wire else "queued")


# ---- the store is away ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["turn", "unsubmit"])
@pytest.mark.parametrize("times", [1, 3])
async def test_store_is_away(queue, monkeypatch, verb, times):
    """A store that is away for a moment: nothing goes twice and nothing is lost."""
    monkeypatch.setattr(dispatch, "BROKE_PAUSE", 0.001)
    monkeypatch.setattr(dispatch, "STORE_PAUSE", 0.02)
    monkeypatch.setattr(dispatch, "RECORD_PAUSES", (0.001,))
    flaky, link = Flaky(queue, **{verb: times}), PlainLink(answers=[LinkError("gone")])
    messages = [await accept(queue, str(n)) for n in range(3)]
    async with lanes(flaky, SystemClock(), [link], roster()):
        for message in messages:
            await reaches(queue, message, "sent")
        await until(lambda: flaky.times[verb] == 0)
    assert link.texts == ["0", "0", "1", "2"]  # the link did not take the first the first time


async def test_no_claim_on_a_slot_whose_result_is_not_stored(queue, monkeypatch):
    """While what came of an attempt cannot be stored, its slot sends nothing else."""
    monkeypatch.setattr(dispatch, "RECORD_PAUSES", (0.001,))
    flaky, link = Flaky(queue), PlainLink()
    link.gate.clear()
    first, second = await accept(queue, "first"), await accept(queue, "second")
    async with lanes(flaky, SystemClock(), [link], roster()):
        await until(lambda: link.under_way)
        flaky.times["turn"] = 10**9
        link.gate.set()
        await until(lambda: flaky.times["turn"] < 10**9 - 3)
        assert link.texts == ["first"]
        assert (await state(queue, first), await state(queue, second)) == ("sending", "queued")
        flaky.times["turn"] = 0
        await reaches(queue, second, "sent")


async def test_bug_in_a_link_ends_the_lane(queue, clock):
    """An error that no link may raise is a bug: it ends the lane (and with it the daemon); the attempt is found later."""
    link, message = PlainLink(answers=[ZeroDivisionError()]), await accept(queue)

    async def work() -> None:
        async with lanes(queue, clock, [link], roster()):
            await until(lambda: link.segments)
            await quiet()

    with pytest.raises(ExceptionGroup) as caught:
        await work()
    assert caught.group_contains(ZeroDivisionError)
    assert await queue.recover(NOW + DAY) == 1
    assert await state(queue, message) == "uncertain"
