"""Receipts of carriers that nothing marks, and those of texts in parts, over the real store."""

import pytest

from smsgwd.model import Accepted
from smsgwd.model import ReportStatus as _R
from tests.contract.making import NOW, all_messages, claim, draft, kinds, part, state
from tests.queue.carriers import begun, facts, receipt, taken

BY_TEXT = "id:7 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"


# ---- texts that read like receipts ---------------------------------------------------------------------------------


async def test_a_text_that_names_ours_is_a_receipt(queue):
    """Nothing marks it; its id is known: the text is delivered, and there is no message in the inbox."""
    message = await taken(queue, "7")
    for _ in range(2):
        await queue.receive("c1", "+15550100100", part(BY_TEXT, receipt=receipt("7")), NOW)
    assert await state(queue, message) == "delivered"
    assert await all_messages(queue, direction="in") == []


async def test_a_text_that_names_nothing_is_a_text(queue):
    """A person may write the like."""
    await queue.receive("c1", "+15550100100", part(BY_TEXT, receipt=receipt("8")), NOW)
    assert [m.text for m in await all_messages(queue, direction="in")] == [BY_TEXT]
    assert "report.orphan" not in await kinds(queue)


async def test_a_text_that_reads_like_a_receipt_before_the_answer(queue):
    """Its recipient is being sent something: it waits for the answer."""
    segment = await begun(queue)
    await queue.receive("c1", "+15550100100", part(BY_TEXT, receipt=receipt("7")), NOW)
    await queue.record_result(segment.submission, Accepted("7"), NOW)
    assert await state(queue, segment.message) == "delivered"
    assert await all_messages(queue, direction="in") == []


# ---- parts ---------------------------------------------------------------------------------------------------------


async def _in_parts(queue, asked: tuple[bool, ...], early: tuple[str, ...] = ()) -> str:
    """A text in parts 1, 2, …, of which the carrier is asked for receipts of some."""
    (message,) = await queue.accept([draft("abc", parts=len(asked), link="c1")], NOW)
    segment = await claim(queue, "c1")
    for reference in early:
        await queue.record_report("c1", receipt(reference), NOW)
    for number, wanted in enumerate(asked, 1):
        segment = await queue.record_result(segment.submission, Accepted(str(number), wanted), NOW)
    assert segment is None
    return message.id


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        pytest.param((True, True, True), "312", id="all"), pytest.param((True, False, False), "1", id="first"),
        pytest.param((False, False, True), "3", id="last"),
    ],
)  # fmt: skip
async def test_parts_that_count(queue, asked, reported):
    """Delivered with the last report that is expected, not before."""
    message = await _in_parts(queue, asked)
    for reference in reported:
        assert await state(queue, message) == "sent"
        await queue.record_report("c1", receipt(reference), NOW)
    assert await state(queue, message) == "delivered"


async def test_a_part_that_is_still_on_its_way(queue):
    """ENROUTE of one part, DELIVRD of the other: not delivered yet."""
    message = await _in_parts(queue, (True, True))
    await queue.record_report("c1", receipt("1", _R.PENDING), NOW)
    await queue.record_report("c1", receipt("2"), NOW)
    assert await state(queue, message) == "sent"
    await queue.record_report("c1", receipt("1"), NOW)
    assert await state(queue, message) == "delivered"


async def test_report_of_the_first_part_before_the_last_goes(queue):
    """The only report that is expected is there before all parts went: the text is delivered with the last part."""
    message = await _in_parts(queue, (True, False), early=("1",))
    assert await state(queue, message) == "delivered"


@pytest.mark.parametrize("status", [_R.FAILED, _R.EXPIRED])
async def test_a_part_nobody_asked_about_fails(queue, status):
    """A failure of any part is one of the text."""
    message = await _in_parts(queue, (False, False, True))
    await queue.record_report("c1", receipt("2", status), NOW)
    assert await state(queue, message) == status.value
    assert (await queue.message(message)).reason.startswith("part 2 of 3: ")


async def test_a_part_nobody_asked_about_tells_more(queue):
    """ENROUTE or DELIVRD of such a part changes nothing about what is waited for."""
    message = await _in_parts(queue, (False, True))
    await queue.record_report("c1", receipt("1", _R.PENDING), NOW)
    await queue.record_report("c1", receipt("2"), NOW)
    assert await state(queue, message) == "delivered"
    assert (await facts(queue))["orphans"] == 0


async def test_no_report_is_expected(queue):
    """receipts = none: the text stays sent."""
    message = await _in_parts(queue, (False, False))
    assert await state(queue, message) == "sent"
