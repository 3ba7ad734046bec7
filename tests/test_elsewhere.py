"""A text that one link refuses for now goes over another at once; one that is uncertain never does."""

import pytest

from smsgwd.elsewhere import refused_for_now, try_elsewhere
from smsgwd.errors import Uncertain
from smsgwd.model import Accepted, LinkState, Refusal, RefusalClass
from tests.contract.making import DOUBT, LINK, NOW, OURS, PERMANENT, TEMPORARY, accept, data, draft, events, state
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster, same_everywhere
from tests.store import StillClock, store

BUSY = Refusal(code="CMS 42", class_=RefusalClass.BUSY, reason="congestion", retry_after=1.0)


@pytest.fixture
async def queue(tmp_path):
    async with store(tmp_path, StillClock(NOW)) as opened:
        for link, number in OURS.items():
            await opened.record_link(link, "modem", number, LinkState.UP, "registered", NOW)
        yield opened


async def tried(queue, outcome, link: str = "m1"):
    """(segment, outcome) of what the link takes next, recorded."""
    (segment,) = await queue.claim(link, 1, NOW)
    await queue.record_result(segment.submission, outcome, NOW)
    return segment, outcome


async def moved(queue, result, links=None, link: str = "m1", ended=None) -> int:
    ended = [] if ended is None else ended
    return await try_elsewhere(
        queue, links or roster("m1", "m2"), link, refused_for_now([result]), same_everywhere, ended.extend, NOW
    )


async def test_it_goes_at_once(queue):
    """The other link has it without a pause; the event says why."""
    message, ended = await accept(queue), []
    assert await moved(queue, await tried(queue, TEMPORARY), ended=ended) == 1
    (segment,) = await queue.claim("m2", 1, NOW)
    assert (segment.message, ended) == (message.id, [message.id])
    assert await data(queue, "message.rerouted") == {"from": "m1", "why": "refused"}


async def test_a_lane_does_it(queue):
    """At work: refused by one link, sent by the other, though the clock stands still."""
    first, second = PlainLink("m1", answers=[TEMPORARY]), PlainLink("m2")
    message = await accept(queue, link="m1")
    async with lanes(queue, StillClock(NOW), [first, second], roster("m1", "m2")):
        await reaches(queue, message, "sent")
    assert (first.texts, second.texts) == (["Hello"], ["Hello"])


async def test_a_lane_never_does_it_with_what_is_uncertain(queue):
    """An uncertain segment never fails over by itself."""
    first, second = PlainLink("m1", answers=[Uncertain("no answer")]), PlainLink("m2")
    message = await accept(queue, link="m1")
    async with lanes(queue, StillClock(NOW), [first, second], roster("m1", "m2")):
        await reaches(queue, message, "uncertain")
        await quiet()
    assert (first.texts, second.texts) == (["Hello"], [])


async def test_no_ping_pong(queue):
    """What the second link refuses too waits for its pause there."""
    message = await accept(queue)
    await moved(queue, await tried(queue, TEMPORARY))
    assert await moved(queue, await tried(queue, TEMPORARY, "m2"), link="m2") == 0
    found = await queue.message(message.id)
    assert (found.link, found.state, found.due > NOW) == ("m2", "queued", True)


@pytest.mark.parametrize(
    "outcome", [DOUBT, PERMANENT, LINK, BUSY, Accepted("7")], ids=["uncertain", "permanent", "link", "busy", "accepted"]
)
async def test_other_outcomes_stay(queue, outcome):
    """Only a refusal for now moves a text; above all not an uncertain outcome."""
    await accept(queue)
    assert await moved(queue, await tried(queue, outcome)) == 0
    assert await events(queue, "message.rerouted") == []


@pytest.mark.parametrize(
    ("more", "links"),
    [
        pytest.param({"pinned": True}, roster("m1", "m2"), id="pinned"),
        pytest.param({}, roster("m1", "m2", failover=False), id="no failover"),
        pytest.param({}, roster("m1", "m2", up=False), id="the other is away"),
        pytest.param({}, roster("m1"), id="no other"),
        pytest.param({"to": "+436641234567"}, roster("m1", "m2", prefixes=("+1",)), id="not allowed there"),
    ],
)
async def test_it_stays(queue, more, links):
    """A text that may not move, or has nowhere to go, waits for its pause."""
    (message,) = await queue.accept([draft(**more)], NOW)
    assert await moved(queue, await tried(queue, TEMPORARY), links) == 0
    found = await queue.message(message.id)
    assert (found.link, found.due > NOW) == ("m1", True)


async def test_after_a_part_went(queue):
    """A long text of which a part went stays with its link."""
    message = await accept(queue, "ab", parts=2)
    (first,) = await queue.claim("m1", 1, NOW)
    second = await queue.record_result(first.submission, Accepted("1"), NOW)
    await queue.record_result(second.submission, TEMPORARY, NOW)
    assert refused_for_now([(second, TEMPORARY)]) == []
    assert (await state(queue, message), (await queue.message(message.id)).link) == ("queued", "m1")
