"""What the queue writes down of segments and money, and what it tells of it."""

import pytest

from smsgwd.errors import Conflict, RequestRefused
from smsgwd.model import InboundSegment, Message, Origin
from smsgwd.prices import Prices
from smsgwd.queue.interface import Move, Settled, Spending
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from smsgwd.sms.address import Address
from smsgwd.sms.split import split
from tests.contract.making import DAY, DOUBT, HOUR, NOW, THEM, accept, claim, draft
from tests.store import StillClock

TODAY = NOW // DAY


@pytest.fixture
async def priced(tmp_path):
    """A queue that knows what m1 costs."""
    limits = Limits(prices={"m1": Prices(0.1, {"+1555": 0.2})})
    async with open_queue(tmp_path / "smsgwd.db", clock=StillClock(NOW), limits=limits) as queue:
        yield queue


def spending(name: str, segments: int, cost: int, kind: str = "link", day: int = TODAY) -> Spending:
    return Spending(day=day, kind=kind, name=name, segments=segments, cost=cost)


async def test_accepted_texts_are_counted(priced):
    """Segments and money by day, for the link and for the token; the price is that of the longest prefix."""
    await accept(priced, parts=3, token="tok_1")
    await accept(priced, to="+4366412345")
    await accept(priced, link="m2", now=NOW + DAY)
    assert await priced.spent_since("2027-01-15") == [
        spending("m1", 4, 700_000), spending("tok_1", 3, 600_000, "token"), spending("m2", 1, 0, day=TODAY + 1),
    ]  # fmt: skip
    assert await priced.spent_since("2027-01-16") == [spending("m2", 1, 0, day=TODAY + 1)]


async def test_what_is_not_stored_is_not_counted(priced):
    """The same key again, a refused draft, and a batch whose other half fails count once or not at all."""
    await accept(priced, key="k", key_digest="d")
    await accept(priced, key="k", key_digest="d")
    answers = await priced.accept([draft(key="k", key_digest="other"), draft("half \ud800"), draft("good")], NOW)
    assert [type(a) for a in answers] == [Conflict, RequestRefused, Message]
    assert await priced.spent_since("2027-01-01") == [spending("m1", 2, 400_000)]


async def test_the_listener_hears_of_each_commit_first(priced):
    """It is told the very draft, before the verb returns; of what failed it hears nothing."""
    heard: list = []
    priced.on_counted(heard.extend)
    mine = draft(token="tok_1")
    await priced.accept([mine, draft("half \ud800")], NOW)
    ((at, link, token, segments, cost, told),) = heard
    assert (at, link, token, segments, cost) == (NOW, "m1", "tok_1", 1, 200_000)
    assert told is mine


async def test_a_moved_text_is_counted_where_it_goes(priced):
    """Moving takes the count from the one link and gives it to the other, on the day of the acceptance, in the new cuts."""
    text = await accept(priced, "x" * 200, parts=2, token="tok_1")
    heard: list = []
    priced.on_counted(heard.extend)
    move = Move(text.id, "m2", split("x" * 20))
    assert await priced.reroute([move], NOW + DAY) == 1
    assert await priced.spent_since("2027-01-01") == [
        spending("m1", 0, 0), spending("m2", 1, 0), spending("tok_1", 1, 0, "token"),
    ]  # fmt: skip
    assert [(c.link, c.segments) for c in heard] == [("m1", -2), ("m2", 1)]
    assert heard[1].draft is move.message


async def test_an_uncertain_text_never_moves(priced):
    """Nobody knows whether it went: it stays on its link, and on its account, until a person settles it."""
    text = await accept(priced)
    segment = await claim(priced)
    await priced.record_result(segment.submission, DOUBT, NOW)
    move = Move(text.id, "m2", split("Hello"))
    assert await priced.waiting("m1", 10) == []
    assert await priced.reroute([move], NOW) == 0
    assert ((await priced.message(text.id)).link, (await priced.message(text.id)).state) == ("m1", "uncertain")
    await priced.settle(text.id, Settled("resend", "me"), NOW)
    assert await priced.reroute([move], NOW) == 1


async def test_known_by_its_key(queue):
    """What was accepted under a key, without accepting anything."""
    text = await accept(queue, key="k", key_digest="d")
    found = await queue.known("k", "d")
    assert found is not None
    assert (found.id, await queue.known("other", "d"), await queue.known("", "")) == (text.id, None, None)
    with pytest.raises(Conflict):
        await queue.known("k", "e")


async def test_automatic_texts_to_a_person(queue):
    """Answers of rules and of the consent stage count, by number and time; others do not."""
    await accept(queue, origin=Origin.RULE, now=NOW - HOUR)
    await accept(queue, origin=Origin.CONSENT, now=NOW - 10)
    await accept(queue, origin=Origin.RULE, to="+15550100778", now=NOW)
    await accept(queue, origin=Origin.API, now=NOW)
    assert await queue.automatic_since(THEM, NOW - 2 * HOUR) == [NOW - HOUR, NOW - 10]
    assert await queue.automatic_since(THEM, NOW - HOUR + 1) == [NOW - 10]


async def test_open_threads(queue):
    """The newest open conversation of each person; closed ones and strangers are left out."""
    for i, (link, who) in enumerate([("m1", THEM), ("m2", THEM), ("m1", "+15550100778")]):
        segment = InboundSegment(raw=b"%d" % i, sender=Address.parse(who), payload=b"hi")
        await queue.receive(link, "+15550100100", segment, NOW + i)
    assert await queue.open_threads((THEM, "+15550100778", "+15550100779")) == {THEM: "m2", "+15550100778": "m1"}
    newest = (await queue.conversations("open", "", 10)).items
    await queue.close_conversation(next(c.id for c in newest if c.link == "m2"), NOW + 9)
    assert await queue.open_threads((THEM,)) == {THEM: "m1"}


async def test_caps_of_a_token(queue):
    """They are kept with the token."""
    made = await queue.add_token(b"d" * 32, ("admin",), NOW, {"segments_per_day": 5, "cost_per_month": 1.5})
    assert made.caps == {"segments_per_day": 5, "cost_per_month": 1.5}
    found = await queue.find_token(b"d" * 32)
    assert found is not None
    assert found.caps == made.caps


async def test_why_a_text_waits(queue):
    """It is the text's reason and stands in the event."""
    text = await accept(queue, due=NOW + HOUR, waits="quiet hours of the recipient")
    assert (text.reason, (await queue.message(text.id)).reason) == ("quiet hours of the recipient",) * 2
    (event,) = await queue.events_after(0, 10, "message.accepted")
    assert event.data["waits"] == "quiet hours of the recipient"
