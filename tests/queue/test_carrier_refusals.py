"""What the queue does with refusals of carriers: too fast, a few tries, alarms."""

import pytest

from smsgwd.model import Accepted, MessageClass, Refusal, RefusalClass
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import DAY, DOUBT, HOUR, NOW, SECOND, TEMPORARY, accept, claim, data, events, state
from tests.store import StillClock

BUSY = Refusal("ESME 0x58", RefusalClass.BUSY, "too fast", retry_after=1)
FEW = Refusal("ESME 0x45", RefusalClass.TEMPORARY, "could not take it", retry_after=60, tries=2)
MANY = Refusal("ESME 0x08", RefusalClass.TEMPORARY, "system error", retry_after=30, tries=5)
REBIND = Refusal("ESME 0x02", RefusalClass.LINK, "command length", tries=2)
CONF = Refusal("ESME 0x15", RefusalClass.PERMANENT, "service type", alarm=1)


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW), limits=Limits(attempts=3)) as opened:
        yield opened


async def _refused(queue, message: str, refusal: Refusal) -> float:
    """The next try of a text is refused; seconds until the one after it."""
    due = max((await queue.message(message)).due, NOW)
    segment = await claim(queue, now=due)
    await queue.record_result(segment.submission, refusal, due)
    return ((await queue.message(message)).due - due) / 1000


async def test_too_fast_counts_no_try(queue):
    """It is tried again on the same link, after 1, 2, 4 … 30 seconds, as often as it takes."""
    message = await accept(queue)
    assert [await _refused(queue, message.id, BUSY) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    now = await queue.message(message.id)
    assert (now.state, now.attempts, now.link) == ("queued", 0, "m1")
    assert (await data(queue, "message.retry"))["why"] == "busy"
    await queue.record_result((await claim(queue, now=now.due)).submission, Accepted("7"), now.due)
    assert await state(queue, message) == "sent"


async def test_too_fast_ends_with_the_validity(queue):
    """Nothing but the end of its validity ends such a text."""
    message = await accept(queue, expires=NOW + HOUR)
    await _refused(queue, message.id, BUSY)
    assert await queue.claim("m1", 1, NOW + HOUR) == []
    assert await state(queue, message) == "expired"


async def test_a_long_pause_is_kept(queue):
    """A carrier that asks for minutes gets them, each time."""
    message = await accept(queue)
    asked = Refusal("ESME 0x58", RefusalClass.BUSY, "too fast", retry_after=120)
    assert [await _refused(queue, message.id, asked) for _ in range(2)] == [120, 120]


@pytest.mark.parametrize(
    ("refusals", "ends"),
    [
        pytest.param((FEW, FEW), "refused like this 2 times", id="two of a kind"),
        pytest.param((TEMPORARY, FEW, FEW), "refused like this 2 times", id="others count for themselves"),
        pytest.param((FEW, TEMPORARY, TEMPORARY), "given up after 3 tries", id="as configured"),
        pytest.param((MANY,) * 5, "refused like this 5 times", id="more than configured"),
        pytest.param((MANY, MANY, MANY, MANY, FEW), "given up after 5 tries", id="more, then few"),
        pytest.param((REBIND, REBIND), "refused like this 2 times", id="a fault of the link, twice"),
        pytest.param((BUSY, FEW, BUSY, FEW), "refused like this 2 times", id="too fast between"),
    ],
)  # fmt: skip
async def test_tries(queue, refusals, ends):
    """A text is tried as often as its refusals allow, and fails with the last of them, not before."""
    message = await accept(queue)
    for refusal in refusals[:-1]:
        await _refused(queue, message.id, refusal)
        assert await state(queue, message) == "queued"
    await _refused(queue, message.id, refusals[-1])
    found = await queue.message(message.id)
    assert found.state == "failed"
    assert ends in found.reason


async def test_tries_are_counted_for_each_part(queue):
    """Each part may be refused once."""
    message = await accept(queue, "ab", parts=2)
    await _refused(queue, message.id, FEW)
    segment = await claim(queue, now=NOW + DAY)
    segment = await queue.record_result(segment.submission, Accepted("1"), NOW + DAY)
    await queue.record_result(segment.submission, FEW, NOW + DAY)
    assert await state(queue, message) == "queued"


async def test_a_refusal_never_ends_what_is_in_doubt(queue):
    """Too fast, for the second attempt of an alarm in doubt: it is tried again."""
    message = await accept(queue, class_=MessageClass.ALARM)
    segment = await claim(queue)
    await queue.record_result(segment.submission, DOUBT, NOW)
    await _refused(queue, message.id, BUSY)
    assert await state(queue, message) == "queued"


# ---- alarms --------------------------------------------------------------------------------------------------------


async def _alarms(queue, refusal: Refusal, *times: int) -> int:
    for now in times:
        message = await accept(queue, now=now)
        segment = await claim(queue, now=now)
        assert segment.message == message.id
        await queue.record_result(segment.submission, refusal, now)
    return len(await events(queue, "link.alarm"))


async def test_an_alarm_an_hour(queue):
    """An operator is told once, however many texts fail; and again after an hour."""
    assert await _alarms(queue, CONF, NOW, NOW, NOW + HOUR - SECOND) == 1
    assert (await data(queue, "link.alarm")) == {"what": "service type", "code": "ESME 0x15"}
    assert await _alarms(queue, CONF, NOW + HOUR, NOW + HOUR) == 2


async def test_each_code_has_its_alarm(queue):
    """Another mistake is told at once."""
    other = Refusal("ESME 0x48", RefusalClass.PERMANENT, "TON", alarm=1)
    assert await _alarms(queue, CONF, NOW) == 1
    assert await _alarms(queue, other, NOW) == 2


async def test_alarm_when_it_repeats(queue):
    """A refused source address may be one text's; a second one within the hour is told."""
    twice = Refusal("ESME 0x0A", RefusalClass.PERMANENT, "source", alarm=2)
    assert await _alarms(queue, twice, NOW) == 0
    assert await _alarms(queue, twice, NOW + HOUR) == 0
    assert await _alarms(queue, twice, NOW + HOUR + SECOND) == 1


async def test_no_alarm_from_a_clock_that_was_ahead(queue):
    """An alarm of tomorrow silences nothing today."""
    assert await _alarms(queue, CONF, NOW + DAY, NOW) == 2
