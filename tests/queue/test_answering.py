"""The order of agents' answers within a conversation, whatever becomes of the one in front."""

import pytest

from smsgwd.model import Accepted, Origin
from smsgwd.queue.interface import MessageFilter, Settled
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.submitting import MOST_PASSED
from tests.contract.making import (
    DOUBT,
    LINK,
    NOW,
    PERMANENT,
    SECOND,
    TEMPORARY,
    accept,
    draft,
    links_up,
    received,
    state,
)
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as opened:
        await links_up(opened, "modem")
        yield opened


async def answers(queue, *texts: str, thread: str = "", **more):
    """Agents' answers in one conversation, oldest first."""
    thread = thread or (await received(queue)).conversation
    return [await accept(queue, t, conversation=thread, origin=Origin.DESK, pinned=True, **more) for t in texts]


async def texts(queue, now: int = NOW) -> list[str]:
    """What is claimed, with all the room that there is."""
    return [segment.text for segment in await queue.claim("m1", 10, now)]


async def test_one_after_the_other(queue):
    """However wide the window is, one answer of a conversation is on the wire at a time; the others say what they wait for."""
    first, second, third = await answers(queue, "one", "two", "three")
    segment, now = (await queue.claim("m1", 10, NOW))[0], NOW
    for behind, text in ((second, "two"), (third, "three")):
        assert await texts(queue, now) == []
        assert "waits for the answer before it" in (await queue.message(behind.id)).reason
        await queue.record_result(segment.submission, Accepted("1"), now)
        now += 2 * SECOND
        (segment,) = await queue.claim("m1", 10, now)
        assert segment.text == text
    assert await state(queue, first) == "sent"


@pytest.mark.parametrize("outcome", [TEMPORARY, LINK], ids=["refused for now", "fault of the link"])
async def test_back_off_in_front(queue, outcome):
    """The first waits for its next try: the second waits as long, and goes after it."""
    first, second = await answers(queue, "one", "two")
    (segment,) = await queue.claim("m1", 10, NOW)
    await queue.record_result(segment.submission, outcome, NOW)
    due = (await queue.message(first.id)).due
    assert await texts(queue, NOW + SECOND) == []
    assert (await queue.message(second.id)).due == due
    (segment,) = await queue.claim("m1", 10, due)
    assert segment.text == "one"
    await queue.record_result(segment.submission, Accepted("1"), due)
    assert await texts(queue, due + SECOND) == ["two"]


async def test_parts_in_front(queue):
    """A long answer goes whole before the next one."""
    thread = (await received(queue)).conversation
    await answers(queue, "ab", thread=thread, parts=2)
    await answers(queue, "two", thread=thread)
    (segment,) = await queue.claim("m1", 10, NOW)
    following = await queue.record_result(segment.submission, Accepted("1"), NOW)
    assert await texts(queue, NOW + SECOND) == []
    await queue.record_result(following.submission, Accepted("2"), NOW)
    assert await texts(queue, NOW + 2 * SECOND) == ["two"]


async def _failed(queue, first, attempt):
    await queue.record_result(attempt, PERMANENT, NOW)
    return "failed"


async def _uncertain(queue, first, attempt):
    await queue.record_result(attempt, DOUBT, NOW)
    return "uncertain"


async def _held(queue, first, attempt):
    await queue.unsubmit(attempt, "not sent", NOW)
    await queue.hold(first.id, NOW)
    return "held"


async def _cancelled(queue, first, attempt):
    await queue.unsubmit(attempt, "not sent", NOW)
    await queue.cancel(first.id, NOW)
    return "cancelled"


@pytest.mark.parametrize("end", [_failed, _uncertain, _held, _cancelled])
async def test_what_keeps_nobody_back(queue, end):
    """One that ended, that a person holds, or of which nobody knows: the next one goes."""
    first, _ = await answers(queue, "one", "two")
    (segment,) = await queue.claim("m1", 10, NOW)
    wanted = await end(queue, first, segment.submission)
    assert await state(queue, first) == wanted
    assert await texts(queue, NOW + SECOND) == ["two"]


async def test_sent_again_goes_in_front(queue):
    """An uncertain one that a person sends again goes before those that have not begun."""
    first, second, _ = await answers(queue, "one", "two", "three")
    (segment,) = await queue.claim("m1", 10, NOW)
    await queue.record_result(segment.submission, DOUBT, NOW)
    (segment,) = await queue.claim("m1", 10, NOW + SECOND)
    assert segment.message == second.id
    await queue.settle(first.id, Settled("resend", "ann"), NOW + SECOND)
    await queue.record_result(segment.submission, Accepted("2"), NOW + SECOND)
    assert await texts(queue, NOW + 3 * SECOND) == ["one"]


async def test_after_a_restart(tmp_path, queue):
    """An answer that was in flight when the process died is in doubt, and keeps nobody back."""
    await answers(queue, "one", "two")
    await queue.claim("m1", 10, NOW)
    await queue.recover(NOW)
    assert await texts(queue, NOW + SECOND) == ["two"]


async def test_nobody_else_waits(queue):
    """Other conversations, and texts that are no answers of agents, go on beside it."""
    thread = (await received(queue)).conversation
    other = (await received(queue, sender="+15550100888")).conversation
    await answers(queue, "one", "two", thread=thread)
    await answers(queue, "other", thread=other, to="+15550100888")
    await queue.accept([draft("by a rule", conversation=thread, origin=Origin.RULE), draft("by a program")], NOW)
    assert await texts(queue) == ["one", "other", "by a rule", "by a program"]
    assert await texts(queue, NOW + SECOND) == []


async def test_many_behind(queue):
    """However many answers wait in one conversation, one claim looks at a bounded number of them, and puts those off."""
    thread = (await received(queue)).conversation
    many = [draft(f"{n}", conversation=thread, origin=Origin.DESK, pinned=True) for n in range(700)]
    await queue.accept(many, NOW)
    assert await texts(queue) == ["0"]
    found = (await queue.messages(MessageFilter(direction="out", state="queued"), "", 1000)).items
    assert MOST_PASSED <= len([m for m in found if m.reason]) < MOST_PASSED + 10
