"""What a link is reminded of at the start: texts whose answer may never have left."""

import pytest

from smsgwd.model import LinkState
from tests.contract.making import NOW, SECOND, draft, part

MINUTE = 60 * SECOND


async def came(queue, text: str, now: int, link: str = "c1") -> bytes:
    """Somebody's text over a carrier; the octets that were stored of it."""
    segment = part(text)
    await queue.receive(link, "+15550100100", segment, now)
    return segment.raw


async def test_after_a_crash(queue):
    """What came over that link in the last minute of the life before, oldest first."""
    await queue.record_event("daemon.started", NOW)
    await came(queue, "long ago", NOW)
    await came(queue, "elsewhere", NOW + 2 * MINUTE, "c3")
    expected = [await came(queue, word, NOW + 2 * MINUTE) for word in ("yes", "no")]
    assert await queue.unanswered("c1", MINUTE) == expected


async def test_nothing_came(queue):
    """A store in which nothing was said."""
    assert await queue.unanswered("c1", MINUTE) == []


@pytest.mark.parametrize(
    ("ends", "doubt"),
    [
        pytest.param(["daemon.stopping", "down"], False, id="told to stop, the link ended"),
        pytest.param(["daemon.stopping"], True, id="told to stop, killed before the link ended"),
        pytest.param(["down"], True, id="the link broke, then a crash"),
        pytest.param(["down", "daemon.stopping"], True, id="the link broke, then it was told to stop and killed"),
        pytest.param(["daemon.stopping", "down", "daemon.started"], True, id="a crash in the life after"),
    ],
)
async def test_how_it_ended(queue, ends, doubt):
    """Only when the link went down after the gateway was told to stop did all answers arrive."""
    await queue.record_event("daemon.started", NOW)
    raw = await came(queue, "yes", NOW)
    for kind in ends:
        if kind == "down":
            await queue.record_link("c1", "smpp", "+15550100100", LinkState.DOWN, "over", NOW)
        else:
            await queue.record_event(kind, NOW)
    assert await queue.unanswered("c1", MINUTE) == ([raw] if doubt else [])


async def test_starts_that_came_to_nothing(queue):
    """A start that recovered and was killed at once is no life of which the window is counted."""
    raw = await came(queue, "yes", NOW)
    (message,) = await queue.accept([draft(link="c1")], NOW)
    assert len(await queue.claim("c1", 1, NOW)) == 1
    assert await queue.recover(NOW + 60 * MINUTE) == 1
    assert message.id
    assert await queue.unanswered("c1", MINUTE) == [raw]
