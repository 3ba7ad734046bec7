"""What carriers are asked about texts that they took: what became of them, and taking them back."""

import pytest

from smsgwd.errors import Conflict, NotFound
from smsgwd.model import Accepted, LinkState, ReferenceMatch, ReportStatus
from smsgwd.queue.question import Taken
from tests.contract.making import (
    DOUBT,
    HOUR,
    NOW,
    PERMANENT,
    SECOND,
    THEM,
    accept,
    claim,
    data,
    kinds,
    report,
    sent,
    state,
)

R = ReportStatus


@pytest.fixture
async def carrier(queue):
    """The link m1, of a carrier."""
    await queue.record_link("m1", "smpp", "", LinkState.UP, "bound", NOW)
    return queue


async def taken_in_parts(queue, *references: str, reports=()) -> str:
    """A text that the network took, with a reference for each part; parts in ``reports`` alone are reported on."""
    message = await accept(queue, "abc"[: len(references)], parts=len(references))
    segment = await claim(queue)
    for reference in references:
        asked = not reports or segment.part in reports
        segment = await queue.record_result(segment.submission, Accepted(reference, asked), NOW)
    return message.id


def deleted(reference: str = "7"):
    return report(reference, R.FAILED, reason="the SMSC says DELETED", deleted=True)


# ---- what became of it -----------------------------------------------------------------------------------------------


async def test_questions(queue):
    """Each part whose end is not known, with the reference, and the numbers as they were sent."""
    message = await taken_in_parts(queue, "a1", "", "a3")
    first, third = await queue.questions(message)
    assert (first.part, first.parts, first.link, first.reference, first.to, first.sender) == (1, 3, "m1", "a1", THEM, "")
    assert (third.part, third.reference, third.doubtful) == (3, "a3", False)
    await queue.record_report("m1", report("a1"), NOW)
    assert [q.reference for q in await queue.questions(message)] == ["a3"]
    with pytest.raises(NotFound):
        await queue.questions("msg_0000000000000")


async def test_the_sender_that_was_named(queue):
    """query_sm wants the source address as it was sent."""
    message = await sent(queue, sender="+15550100300")
    (question,) = await queue.questions(message.id)
    assert question.sender == "+15550100300"


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        pytest.param(report(), "delivered", id="delivered"),
        pytest.param(report(status=R.FAILED, reason="rejected"), "failed", id="failed"),
        pytest.param(report(status=R.EXPIRED), "expired", id="expired"),
        pytest.param(report(status=R.PENDING), "sent", id="on its way"),
        pytest.param(None, "sent", id="not known there"),
    ],
)
async def test_answer_counts_like_a_report(queue, said, ends):
    """A text whose receipt never came ends by the answer; each question is an event."""
    message = await sent(queue)
    (question,) = await queue.questions(message.id)
    await queue.record_answer(question, said, "clock", NOW)
    assert await state(queue, message) == ends
    assert await data(queue, "report.asked") == {"part": 1, "by": "clock", "status": said.status if said else "unknown"}
    assert "report.orphan" not in await kinds(queue)


async def test_answer_where_no_report_was_asked_for(queue):
    """It tells all the same; that a text is on its way leaves nothing open."""
    message = await sent(queue, report=False)
    (question,) = await queue.questions(message.id)
    await queue.record_answer(question, report(status=R.PENDING), "operator", NOW)
    assert (await queue.submissions(message.id))[0].report == ""
    await queue.record_answer(question, report(), "operator", NOW)
    assert await state(queue, message) == "delivered"


async def test_answer_after_the_report(queue):
    """What a receipt said meanwhile stands; an answer about an older state changes nothing."""
    message = await sent(queue)
    (question,) = await queue.questions(message.id)
    await queue.record_report("m1", report(), NOW)
    await queue.record_answer(question, report(status=R.FAILED), "clock", NOW)
    assert (await queue.submissions(message.id))[0].report == "delivered"
    assert (await kinds(queue)).count("message.failed") == 0


async def test_answer_about_every_part(queue):
    """A text in parts is delivered when the carrier says so of each."""
    message = await taken_in_parts(queue, "a1", "a2")
    for question in await queue.questions(message):
        assert await state(queue, message) == "sent"
        await queue.record_answer(question, report(question.reference), "operator", NOW)
    assert await state(queue, message) == "delivered"


async def in_doubt(queue, *orphans: str) -> str:
    message = await accept(queue)
    segment = await claim(queue)
    await queue.record_result(segment.submission, DOUBT, NOW)
    for reference in orphans:
        assert not await queue.record_report("m1", report(reference, match=ReferenceMatch.AUTO), NOW + SECOND)
    return message.id


async def test_uncertain_without_a_candidate(carrier):
    """No id, no question: an uncertain text stays so."""
    message = await in_doubt(carrier)
    assert await carrier.questions(message) == []


async def test_uncertain_with_one_candidate(carrier):
    """A receipt that matched nothing names an id for its number: that is asked about. The carrier's answer settles the
    text, and the receipt that had waited counts."""
    message = await in_doubt(carrier, "c7")
    assert await state(carrier, message) == "uncertain"
    (question,) = await carrier.questions(message)
    assert (question.reference, question.doubtful) == ("c7", True)
    await carrier.record_answer(question, None, "operator", NOW + HOUR)
    assert await state(carrier, message) == "uncertain"
    await carrier.record_answer(question, report("c7", R.PENDING), "operator", NOW + HOUR)
    assert await state(carrier, message) == "delivered"
    assert (await carrier.submissions(message))[0].reference == "c7"
    assert "message.settled" in await kinds(carrier)


async def test_uncertain_with_two_candidates(carrier):
    """Two ids, or two texts that may be meant: nobody knows which, and nothing is asked."""
    message = await in_doubt(carrier, "c7", "c8")
    assert await carrier.questions(message) == []


async def test_two_uncertain_texts_of_one_number(carrier):
    """One id may be of either text; an answer that was asked for before the second came settles none."""
    message = await in_doubt(carrier, "c7")
    (question,) = await carrier.questions(message)
    other = await in_doubt(carrier)
    assert (await carrier.questions(message), await carrier.questions(other)) == ([], [])
    await carrier.record_answer(question, report("c7"), "operator", NOW)
    assert await state(carrier, message) == "uncertain"


# ---- receipts that do not come ---------------------------------------------------------------------------------------


async def test_overdue(queue):
    """Sent texts without a final report, by when their attempt began, oldest first, in pages."""
    waiting = [(await sent(queue, reference=str(n))).id for n in range(3)]
    await queue.record_report("m1", report("1", R.PENDING), NOW)
    done = await sent(queue, reference="9")
    await queue.record_report("m1", report("9"), NOW)
    await sent(queue, reference="8", report=False)
    await sent(queue, reference="6", link="m2")
    found = await queue.overdue("m1", NOW - 1, NOW, "", 10)
    assert [q.message for q in found] == waiting
    assert done.id not in [q.message for q in found]
    first = await queue.overdue("m1", NOW - 1, NOW, "", 2)
    rest = await queue.overdue("m1", NOW - 1, NOW, first[-1].submission, 2)
    assert [q.message for q in first + rest] == waiting
    assert await queue.overdue("m1", NOW, NOW + HOUR, "", 10) == []
    assert await queue.overdue("m1", NOW - HOUR, NOW - 1, "", 10) == []


# ---- taking it back --------------------------------------------------------------------------------------------------


async def test_taken_back(queue):
    """sent -> cancelled, once the carrier has given back every part; a receipt that says so later changes nothing."""
    message = await taken_in_parts(queue, "a1", "a2")
    questions = await queue.withdraw(message, NOW)
    assert [(q.part, q.reference) for q in questions] == [(1, "a1"), (2, "a2")]
    found = await queue.withdrawn(message, Taken(back=tuple(q.submission for q in questions)), NOW)
    assert (found.state, found.reason) == ("cancelled", "its carrier took it back")
    assert await queue.record_report("m1", deleted("a2"), NOW)
    assert (await state(queue, message), (await kinds(queue))[-1]) == ("cancelled", "message.cancelled")
    assert [s.report for s in await queue.submissions(message)] == ["withdrawn", "withdrawn"]


async def test_receipt_overtakes_the_answer(queue):
    """DELETED on a text that is being taken back is no failure, but the answer; the answer itself changes nothing then."""
    message = (await sent(queue)).id
    (question,) = await queue.withdraw(message, NOW)
    await queue.record_report("m1", deleted(), NOW)
    assert await state(queue, message) == "cancelled"
    assert (await queue.withdrawn(message, Taken(back=(question.submission,)), NOW)).state == "cancelled"
    assert (await kinds(queue)).count("message.cancelled") == 1


async def test_deleted_by_somebody_else(queue):
    """A receipt that says DELETED, when nobody here wanted that, is a failure."""
    message = await sent(queue)
    await queue.record_report("m1", deleted(), NOW)
    assert await state(queue, message) == "failed"


async def test_too_late(queue):
    """The state stays and an event says why; the receipt that comes counts as ever, and says so when it failed."""
    message = (await sent(queue)).id
    await queue.withdraw(message, NOW)
    assert (await queue.withdrawn(message, Taken(why="it is too late"), NOW)).state == "sent"
    assert await data(queue, "message.kept") == {"why": "it is too late", "parts": 1, "taken_back": ""}
    await queue.record_report("m1", deleted(), NOW)
    assert await state(queue, message) == "failed"


async def test_no_answer_leaves_it_to_the_receipt(queue):
    """Nobody knows whether it was taken back: it stays sent, also while it is pending; the receipt decides. It may be
    asked again."""
    message = (await sent(queue)).id
    (question,) = await queue.withdraw(message, NOW)
    found = await queue.withdrawn(message, Taken(unknown=(question.submission,), why="no answer"), NOW)
    assert found.state == "sent"
    assert await queue.withdraw(message, NOW) == [question]
    await queue.record_report("m1", report(status=R.PENDING), NOW)
    await queue.record_report("m1", deleted(), NOW)
    assert await state(queue, message) == "cancelled"


@pytest.mark.parametrize(
    ("said", "ends"), [pytest.param(report(), "delivered", id="it came"), pytest.param(deleted(), "cancelled", id="it was taken back")]
)
async def test_the_question_tells_as_well(queue, said, ends):
    """query_sm after a cancel_sm without an answer."""
    message = (await sent(queue)).id
    (question,) = await queue.withdraw(message, NOW)
    await queue.withdrawn(message, Taken(unknown=(question.submission,), why="no answer"), NOW)
    await queue.record_answer(question, said, "operator", NOW)
    assert await state(queue, message) == ends


async def test_a_part_alone(queue):
    """The carrier gives back the first of two parts: the text stays sent, whatever is reported of the other. The next try
    asks about the rest alone."""
    message = await taken_in_parts(queue, "a1", "a2")
    first, second = await queue.withdraw(message, NOW)
    await queue.withdrawn(message, Taken(back=(first.submission,), why="too late for part 2"), NOW)
    assert (await data(queue, "message.kept"))["taken_back"] == "1"
    assert await queue.withdraw(message, NOW) == [second]
    await queue.withdrawn(message, Taken(why="too late"), NOW)
    await queue.record_report("m1", report("a2"), NOW)
    assert await state(queue, message) == "sent"


async def test_parts_without_a_report(queue):
    """A part on which no report was asked for is taken back like the others, and still counts as before when it was too
    late."""
    message = await taken_in_parts(queue, "a1", "a2", reports=(2,))
    await queue.withdraw(message, NOW)
    await queue.withdrawn(message, Taken(why="too late"), NOW)
    await queue.record_report("m1", report("a2"), NOW)
    assert await state(queue, message) == "delivered"


async def test_what_cannot_be_taken_back(queue):
    """Conflict, and nothing is changed: a text without an id, one of which a part arrived, and one that is over."""
    without = (await sent(queue, reference="")).id
    half = await taken_in_parts(queue, "a1", "a2")
    await queue.record_report("m1", report("a1"), NOW)
    failed = (await accept(queue)).id
    await queue.record_result((await claim(queue)).submission, PERMANENT, NOW)
    for message in (without, half, failed):
        before = [s.report for s in await queue.submissions(message)]
        with pytest.raises(Conflict):
            await queue.withdraw(message, NOW)
        assert [s.report for s in await queue.submissions(message)] == before
    with pytest.raises(NotFound):
        await queue.withdraw("msg_0000000000000", NOW)
