"""The life of a text before the wire: wherever it waits, it can be held and cancelled, and never goes out then."""

import pytest

from smsgwd.errors import Conflict
from smsgwd.model import MessageClass, Origin
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import DAY, HOUR, LINK, NOW, SECOND, TEMPORARY, accept, claim, links_up, received, state
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as opened:
        await links_up(opened, "modem")
        yield opened


async def _queued(queue):
    return await accept(queue)


async def _scheduled(queue):
    return await accept(queue, due=NOW + DAY)


async def _backed_off(queue):
    message = await accept(queue)
    await queue.record_result((await claim(queue)).submission, TEMPORARY, NOW)
    return message


async def _link_away(queue):
    message = await accept(queue)
    await queue.record_result((await claim(queue)).submission, LINK, NOW)
    return message


async def _given_back(queue):
    message = await accept(queue)
    await queue.unsubmit((await claim(queue)).submission, "the daemon stops", NOW)
    return message


async def _paused(queue):
    await queue.pause_link("m1", True, NOW)
    return await accept(queue)


async def _behind(queue):
    thread = (await received(queue)).conversation
    _, second = [await accept(queue, t, conversation=thread, origin=Origin.DESK) for t in ("one", "two")]
    assert len(await queue.claim("m1", 10, NOW)) == 1
    return second


WAITS = [_queued, _scheduled, _backed_off, _link_away, _given_back, _paused, _behind]


@pytest.mark.parametrize("waits", WAITS)
@pytest.mark.parametrize("verb", ["cancel", "hold", "hold and cancel"])
async def test_before_the_wire(queue, waits, verb):
    """Held or cancelled wherever it waits; it is claimed at no later time."""
    message = await waits(queue)
    assert await state(queue, message) == "queued"
    for step in verb.split(" and "):
        await getattr(queue, step)(message.id, NOW + SECOND)
    await queue.pause_link("m1", False, NOW + SECOND)
    assert await state(queue, message) == ("held" if verb == "hold" else "cancelled")
    for later in (NOW + 2 * SECOND, NOW + HOUR, NOW + 2 * DAY):
        assert message.id not in [segment.message for segment in await queue.claim("m1", 10, later)]


@pytest.mark.parametrize("waits", WAITS)
async def test_released(queue, waits):
    """Held and released, it goes when it was to go, not before."""
    message = await waits(queue)
    due = (await queue.message(message.id)).due
    await queue.hold(message.id, NOW)
    await queue.pause_link("m1", False, NOW)
    await queue.release(message.id, NOW)
    if due > NOW:
        assert message.id not in [s.message for s in await queue.claim("m1", 10, due - 1)]
    if waits is not _behind:
        assert message.id in [s.message for s in await queue.claim("m1", 10, max(due, NOW))]


async def test_on_the_wire(queue):
    """From the claim on it is too late: the answer says so, and the text goes on."""
    message = await accept(queue)
    await claim(queue)
    for verb in (queue.cancel, queue.hold):
        with pytest.raises(Conflict, match="sending"):
            await verb(message.id, NOW)
    assert await state(queue, message) == "sending"


async def test_each_class_by_itself(queue):
    """However many bulk texts wait, a normal one goes before them, and an alarm before that; within a class the oldest."""
    for n in range(300):
        await accept(queue, f"bulk {n}", class_=MessageClass.BULK)
    for class_ in (MessageClass.NORMAL, MessageClass.ALARM):
        for n in range(2):
            await accept(queue, f"{class_} {n}", class_=class_)
    texts = [s.text for s in await queue.claim("m1", 6, NOW)]
    assert texts == ["alarm 0", "alarm 1", "normal 0", "normal 1", "bulk 0", "bulk 1"]
