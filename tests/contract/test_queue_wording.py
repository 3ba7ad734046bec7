"""Other words for a text: for one that waits, and for one that its carrier has."""

import pytest

from smsgwd.errors import Conflict, NotFound
from smsgwd.model import Accepted, ReportStatus
from smsgwd.queue.interface import Settled
from smsgwd.queue.question import Wording
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import split
from tests.contract.making import (
    DAY,
    DOUBT,
    HOUR,
    NOW,
    TEMPORARY,
    THEM,
    accept,
    claim,
    counted,
    data,
    kinds,
    received,
    report,
    sent,
    state,
    uncertain,
)

LONG = "x" * 200


def words(message, text: str = "Other words", link: str = "m1") -> Wording:
    return Wording(message=getattr(message, "id", message), link=link, plan=split(text))


async def spent(queue) -> int:
    """Segments that m1 counts for."""
    return sum(row.segments for row in await queue.spent_since("2000-01-01") if (row.kind, row.name) == ("link", "m1"))


# ---- what waits ------------------------------------------------------------------------------------------------------


async def test_queued(queue):
    """The next attempt has the new words; the event says where and no word of either text."""
    message = await accept(queue, "Hello")
    found = await queue.reword(words(message), NOW)
    assert (found.text, found.state, found.updated) == ("Other words", "queued", NOW)
    assert await data(queue, "message.replaced") == {"where": "queue", "parts": 1}
    assert (await claim(queue)).text == "Other words"


async def test_held(queue):
    """A held text stays held."""
    message = await accept(queue, held=True)
    assert (await queue.reword(words(message), NOW)).state == "held"


@pytest.mark.parametrize(
    ("before", "parts", "after", "encoding", "sent_as"),
    [
        pytest.param("Hello", 1, LONG, "gsm7", [LONG[:153], LONG[153:]], id="longer"),
        pytest.param("abc", 3, "Hi", "gsm7", ["Hi"], id="shorter"),
        pytest.param("abc", 3, LONG, "gsm7", [LONG[:153], LONG[153:]], id="other cuts"),
        pytest.param("Hello", 1, "Привет", "ucs2", ["Привет"], id="another alphabet"),
    ],
)
async def test_planned_anew(queue, before, parts, after, encoding, sent_as):
    """Alphabet, parts and cuts are those of the new words, and so many segments are counted."""
    message = await accept(queue, before, parts=parts)
    found = await queue.reword(words(message, after), NOW)
    assert (found.encoding, found.parts, await spent(queue)) == (encoding, len(sent_as), len(sent_as))
    segment = await claim(queue)
    for expected in sent_as:
        assert (segment.text, segment.alphabet) == (expected, encoding)
        segment = await queue.record_result(segment.submission, Accepted(), NOW)
    assert (segment, await state(queue, message)) == (None, "sent")


async def test_schedule_and_due_stay(queue):
    """When it goes is not touched."""
    message = await accept(queue, due=NOW + HOUR, schedule=NOW + DAY)
    await queue.reword(words(message), NOW)
    assert await queue.claim("m1", 1, NOW) == []
    assert (await claim(queue, now=NOW + HOUR)).schedule == NOW + DAY


async def test_after_a_refusal(queue):
    """The network refused it for now: nothing of it went, so it may have other words."""
    message = await accept(queue)
    await queue.record_result((await claim(queue)).submission, TEMPORARY, NOW)
    assert (await queue.reword(words(message), NOW)).text == "Other words"


async def test_what_cannot_be_reworded(queue):
    """Conflict, and the text stays: one that goes now, one whose first part went, one that may have arrived, one that is
    over, one that has moved, data, and an inbound one."""
    going = await accept(queue)
    await claim(queue)
    half = await accept(queue, "ab", parts=2)
    second = await queue.record_result((await claim(queue)).submission, Accepted("1"), NOW)
    await queue.record_result(second.submission, TEMPORARY, NOW)
    doubtful = await accept(queue)
    await queue.record_result((await claim(queue)).submission, DOUBT, NOW)
    again, _ = await uncertain(queue)

    await queue.settle(again.id, Settled("resend", "us"), NOW)
    over = await accept(queue, due=NOW + HOUR)
    await queue.cancel(over.id, NOW)
    moved = await accept(queue, link="m2")

    binary = await accept(queue, alphabet=Alphabet.DATA, due=NOW + HOUR)
    came = await received(queue)
    assert await state(queue, half) == await state(queue, again) == "queued"
    for message in (going, half, doubtful, again, over, moved, binary, came):
        with pytest.raises(Conflict):
            await queue.reword(words(message), NOW)
        assert (await queue.message(message.id)).text == message.text
    assert "message.replaced" not in await kinds(queue)
    with pytest.raises(NotFound):
        await queue.reword(words("msg_0000000000000"), NOW)


async def test_the_old_words_are_gone(queue):
    """They are in no row, and in no event."""
    message = await accept(queue, "a secret of mine")
    await queue.reword(words(message), NOW)
    assert "secret" not in repr(await queue.message(message.id)) + repr(await queue.events_after(0, 100))


async def test_paid_by(queue):
    """The token that a text counts for, for the look at its caps."""
    assert await queue.paid_by((await accept(queue)).id) == ""
    assert await queue.paid_by((await accept(queue, token="tok_1")).id) == "tok_1"
    with pytest.raises(NotFound):
        await queue.paid_by("msg_0000000000000")


# ---- what a carrier has ----------------------------------------------------------------------------------------------


async def test_asked_and_replaced(queue):
    """The question has what the carrier needs; its yes changes the words and nothing else; the receipt counts as ever."""
    message = await sent(queue, reference="c7", sender="+15550100300")
    asked = await queue.rewording(words(message), NOW)
    assert (asked.link, asked.reference, asked.old.text, asked.new.text) == ("m1", "c7", "Hello", "Other words")
    assert (asked.new.sender, asked.new.to.text, asked.new.report) == ("+15550100300", THEM, True)
    assert ((await queue.message(message.id)).text, (await kinds(queue))[-1]) == ("Hello", "message.replacing")
    before = await counted(queue)
    found = await queue.reworded(asked, "", "", NOW)
    assert (found.text, found.state) == ("Other words", "sent")
    assert await data(queue, "message.replaced") == {"where": "carrier", "parts": 1}
    assert await counted(queue) == before
    await queue.record_report("m1", report("c7"), NOW)
    assert await state(queue, message) == "delivered"


@pytest.mark.parametrize(
    ("kept", "unknown", "kind", "told"),
    [
        pytest.param("too late", "", "message.kept", {"why": "too late", "parts": 1}, id="kept"),
        pytest.param("", "no answer", "message.unclear", {"why": "no answer"}, id="nobody knows"),
    ],
)
async def test_not_replaced(queue, kept, unknown, kind, told):
    """Words and state stay, and an event says why; it may be asked again."""
    message = await sent(queue)
    asked = await queue.rewording(words(message), NOW)
    found = await queue.reworded(asked, kept, unknown, NOW)
    assert (found.text, found.state) == ("Hello", "sent")
    assert await data(queue, kind) == told
    assert "message.replaced" not in await kinds(queue)
    assert await queue.rewording(words(message), NOW) == asked


async def test_receipt_overtakes_the_yes(queue):
    """What was delivered are the new words, then."""
    message = await sent(queue)
    asked = await queue.rewording(words(message), NOW)
    await queue.record_report("m1", report(), NOW)
    found = await queue.reworded(asked, "", "", NOW)
    assert (found.text, found.state) == ("Other words", "delivered")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("Привет", "went as gsm7, and the new text needs ucs2", id="another alphabet"),
        pytest.param(LONG, "one part", id="two parts"),
    ],
)
async def test_words_that_do_not_fit(queue, text, why):
    """replace_sm has no data_coding and no parts; nothing is asked, and no event says so."""
    message = await sent(queue)
    with pytest.raises(Conflict, match=why):
        await queue.rewording(words(message, text), NOW)
    assert (await kinds(queue))[-1] == "message.sent"


async def test_what_its_carrier_cannot_replace(queue):
    """Conflict: a text that waits, one in parts, one without an id, and one that arrived."""
    long = await accept(queue, "ab", parts=2)
    segment = await claim(queue)
    for reference in ("a1", "a2"):
        segment = await queue.record_result(segment.submission, Accepted(reference), NOW)
    without = await sent(queue, reference="")
    arrived = await sent(queue, reference="8")
    await queue.record_report("m1", report("8", ReportStatus.DELIVERED), NOW)
    waits = await accept(queue)
    for message in (long, without, arrived, waits):
        with pytest.raises(Conflict):
            await queue.rewording(words(message), NOW)
    assert "message.replacing" not in await kinds(queue)
