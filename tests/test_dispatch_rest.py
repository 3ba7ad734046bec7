"""A link that fails text after text rests; others take over; a trial ends the rest."""

import pytest

from smsgwd.errors import Uncertain
from smsgwd.model import Refusal, RefusalClass
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, accept, state
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster
from tests.store import StillClock

BARRED = Refusal("CMS 8", RefusalClass.LINK, "operator determined barring", 300.0)
NETWORK = Refusal("CMS 17", RefusalClass.TEMPORARY, "network failure", 30.0)
SILENCE = Uncertain("the modem says CMS 500: unknown error")


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    async with open_queue(tmp_path / "q.db", clock=clock) as opened:
        yield opened


async def events(queue, kind: str):
    return await queue.events_after(0, 1000, kind)


async def test_a_fault_of_the_link_moves_its_texts(queue, clock):
    """Barred: the link rests at once, one event says why, and what waits goes by the other link."""
    one, two, route = PlainLink("m1", answers=[BARRED] * 5), PlainLink("m2"), roster("m1", "m2")
    first, second = await accept(queue, "first"), await accept(queue, "second")
    async with lanes(queue, clock, [one, two], route):
        await reaches(queue, second, "sent")
        assert (one.texts, two.texts) == (["first"], ["second"])
        clock.move(30)
        queue.poke("link:m2")
        await reaches(queue, first, "sent")
        (told,) = await events(queue, "link.tripped")
    assert (told.link, told.data) == ("m1", {"why": "CMS 8: operator determined barring", "seconds": 300.0})
    assert route.get("m1").resting == "CMS 8: operator determined barring"


async def test_texts_that_may_not_move_wait(queue, clock):
    """Without failover nothing moves; after the rest one text is the trial, then the others follow."""
    one, two = PlainLink("m1", answers=[BARRED]), PlainLink("m2")
    route = roster("m1", "m2", failover=False)
    messages = [await accept(queue, str(n)) for n in range(4)]
    async with lanes(queue, clock, [one, two], route):
        await quiet()
        assert (len(one.texts), two.texts) == (1, [])
        clock.move(299)
        queue.poke("link:m1")
        await quiet()
        assert len(one.texts) == 1
        clock.move(1)
        queue.poke("link:m1")
        for message in messages:
            await reaches(queue, message, "sent")
    assert two.texts == []
    assert route.get("m1").ready


async def test_every_text_uncertain(queue, clock):
    """A modem that says CMS 500 to everything: after three numbers it rests, and the fourth text goes elsewhere. The
    three stay uncertain and are not sent again."""
    one, two, route = PlainLink("m1", answers=[SILENCE] * 9), PlainLink("m2"), roster("m1", "m2")
    messages = [await accept(queue, str(n), to=f"+1555010080{n}") for n in range(5)]
    async with lanes(queue, clock, [one, two], route):
        await reaches(queue, messages[4], "sent")
    assert [await state(queue, m) for m in messages] == ["uncertain"] * 3 + ["sent"] * 2
    assert sorted(one.texts + two.texts) == ["0", "1", "2", "3", "4"]


async def test_one_bad_number_is_no_reason(queue, clock):
    """The same number failing again and again leaves the link at work."""
    one, route = PlainLink("m1", answers=[SILENCE] * 6), roster("m1")
    messages = [await accept(queue, str(n), to="+15550100800") for n in range(7)]
    async with lanes(queue, clock, [one], route):
        await reaches(queue, messages[6], "sent")
    assert route.get("m1").ready
    assert await events(queue, "link.tripped") == []


async def test_a_trial_is_one_text(queue, clock):
    """With a wide window the trial is one text all the same; when it fails, the rest is twice as long."""
    one, route = PlainLink("m1", window=5, answers=[BARRED, NETWORK]), roster("m1")
    first = await accept(queue, "first")
    async with lanes(queue, clock, [one], route):
        await reaches(queue, first, "queued")
        await quiet()
        one.gate.clear()
        messages = [await accept(queue, str(n), to=f"+1555010080{n}") for n in range(4)]
        clock.move(300)
        queue.poke("link:m1")
        await quiet()
        assert one.under_way == 1
        one.gate.set()
        await quiet()
        assert len(one.texts) == 2
        clock.move(600)
        queue.poke("link:m1")
        for message in messages:
            await reaches(queue, message, "sent")
        assert [e.data["seconds"] for e in await events(queue, "link.tripped")] == [300.0, 600.0]
