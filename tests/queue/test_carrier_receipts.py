"""Receipts of carriers over the real store: ids in other forms, before and after the answer, over another link."""

import pytest
from msgspec.structs import replace

from smsgwd.model import SUBMISSION, Accepted, ReferenceMatch, ReportStatus, own_reference, row_id
from smsgwd.sms.address import Address, TypeOfNumber
from tests.contract.making import (
    DAY,
    DOUBT,
    HOUR,
    NOW,
    PERMANENT,
    SECOND,
    data,
    events,
    kinds,
    report,
    state,
)
from tests.queue.carriers import begun, facts, receipt, taken
from tests.queue.test_references import PAIRS

_R = ReportStatus
OTHER = "+15550100888"


# ---- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("told", "reported", "step"), PAIRS)
async def test_each_form_finds_its_text(queue, told, reported, step):
    """Whatever a carrier makes of its id; the event says by which step, unless it is the same."""
    message = await taken(queue, told)
    assert await queue.record_report("c1", receipt(reported), NOW) is True
    assert await state(queue, message) == "delivered"
    assert (await data(queue, "message.delivered")).get("matched", "same") == step


@pytest.mark.parametrize(("told", "reported", "step"), PAIRS)
async def test_each_form_before_the_answer(queue, told, reported, step):
    """The receipt is there first: it waits, and the answer finds it in the same commit."""
    segment = await begun(queue)
    assert await queue.record_report("c1", receipt(reported), NOW) is False
    await queue.record_result(segment.submission, Accepted(told), NOW)
    assert await state(queue, segment.message) == "delivered"
    assert (await facts(queue))["orphans"] == 0


async def test_a_modem_compares_characters(queue):
    """TP-MR 16 is not 0x10, and the report of 10 is not for it."""
    message = await taken(queue, "16")
    assert await queue.record_report("c1", report("10"), NOW) is False
    assert await state(queue, message) == "sent"


async def test_exactly_one(queue):
    """Two texts of one person whose ids differ by their zeros: a third form is for neither, their own forms are."""
    first, second = await taken(queue, "0AB"), await taken(queue, "00AB")
    assert await queue.record_report("c1", receipt("ab"), NOW) is False
    await queue.record_report("c1", receipt("00ab"), NOW)
    assert (await state(queue, first), await state(queue, second)) == ("sent", "delivered")


async def test_the_same_comes_first(queue):
    """An id that one text has as it is, and another as a number, is the first one's."""
    number, exact = await taken(queue, "16"), await taken(queue, "10")
    await queue.record_report("c1", receipt("10"), NOW)
    assert (await state(queue, number), await state(queue, exact)) == ("sent", "delivered")


async def test_a_double_is_no_other_texts(queue):
    """A receipt that comes twice does not go on to a text whose id is the same as a number."""
    await taken(queue, "10")
    await queue.record_report("c1", receipt("10"), NOW)
    other = await taken(queue, "16")
    assert await queue.record_report("c1", receipt("10", _R.FAILED), NOW) is True
    assert await state(queue, other) == "sent"
    assert (await facts(queue))["orphans"] == 0


async def test_a_double_without_a_plus(queue):
    """The same receipt twice, its source written without a plus: the second is no orphan."""
    await taken(queue, "7")
    for _ in range(2):
        digits = Address("15550100777", TypeOfNumber.UNKNOWN)
        assert await queue.record_report("c1", replace(receipt("7"), recipient=digits), NOW) is True
    assert (await facts(queue))["orphans"] == 0


async def test_reports_are_no_texts(queue):
    """What is counted of receipts does not show among the texts of the day."""
    await taken(queue, "7")
    await queue.record_report("c1", receipt("7"), NOW)
    assert {row["direction"] for row in await queue.rollup(1, NOW)} == {"out"}


@pytest.mark.parametrize(
    ("to", "fits"),
    [
        pytest.param("+15550100777", True, id="the same number"), pytest.param("0100777", False, id="too short"),
        pytest.param("50100777", True, id="the last 8 digits"), pytest.param(OTHER, False, id="another number"),
        pytest.param("", True, id="none"), pytest.param("ACME", True, id="letters name nobody"),
    ],
)  # fmt: skip
async def test_the_recipient_is_checked(queue, to, fits):
    """The receipt's source must be who got the text, when both are numbers."""
    await taken(queue, "ff")
    assert await queue.record_report("c1", receipt("255", to=to), NOW) is fits


async def test_a_final_state_never_changes(queue):
    """ENROUTE and FAILED after DELIVRD change nothing."""
    message = await taken(queue, "7")
    for status in (_R.PENDING, _R.DELIVERED, _R.PENDING, _R.FAILED):
        assert await queue.record_report("c1", receipt("7", status, reason="the SMSC says so"), NOW) is True
    assert await state(queue, message) == "delivered"
    assert [e.data["reason"] for e in await events(queue, "report.pending")] == ["the SMSC says so"]


async def test_a_receipt_after_a_refusal(queue):
    """The carrier said no, and sends a receipt all the same: it is kept, the text stays failed."""
    segment = await begun(queue)
    await queue.record_result(segment.submission, PERMANENT, NOW)
    assert await queue.record_report("c1", receipt("7"), NOW) is False
    assert await state(queue, segment.message) == "failed"
    assert "report.orphan" in await kinds(queue)


# ---- what is learned -----------------------------------------------------------------------------------------------


async def _matches(queue, told, reported, times: int = 20) -> None:
    for i in range(times):
        await taken(queue, told(0xA000 + i))
        assert await queue.record_report("c1", receipt(reported(0xA000 + i)), NOW) is True


def _hex(n: int) -> str:
    return f"{n:x}"


async def test_twenty_matches_make_a_mode(queue):
    """It is shown, and no other step is tried any more."""
    await _matches(queue, _hex, str, 19)
    assert "receipt_id" not in await facts(queue)
    await _matches(queue, _hex, str, 1)
    assert (await facts(queue))["receipt_id"] == "hex>dec (learned)"
    message = await taken(queue, "500")
    assert await queue.record_report("c1", receipt("500"), NOW) is False
    assert await queue.record_report("c1", receipt("1280"), NOW) is True
    assert await state(queue, message) == "delivered"


async def test_another_step_begins_anew(queue):
    """Nineteen and one by another step are no mode."""
    await _matches(queue, _hex, str, 19)
    await _matches(queue, str, str, 1)
    await _matches(queue, _hex, str, 1)
    assert "receipt_id" not in await facts(queue)


async def test_a_mode_of_characters_leaves_numbers_alone(queue):
    """A carrier that always writes the same: a number that is equal by chance is no match any more, case still is."""
    await _matches(queue, str, str)
    await taken(queue, "00AB")
    assert await queue.record_report("c1", receipt("ab"), NOW) is True
    await _matches(queue, str, str)
    await taken(queue, "16")
    assert await queue.record_report("c1", receipt("10"), NOW) is False


async def test_the_configuration_wins(queue):
    """receipt_id names a step: what was learned is not asked."""
    await _matches(queue, str, str)
    await taken(queue, "ff")
    assert await queue.record_report("c1", receipt("255", match=ReferenceMatch.HEX_DEC), NOW) is True


async def test_a_carrier_that_changes_its_ways_is_forgotten(queue):
    """After 21 orphans, however many matches there were before, every step is tried again."""
    await _matches(queue, str, str, 60)
    for i in range(20):
        await queue.record_report("c1", receipt(f"nobody{i}"), NOW)
    assert "receipt_id" in await facts(queue)
    await queue.record_report("c1", receipt("nobody"), NOW)
    assert "receipt_id" not in await facts(queue)
    await taken(queue, "16")
    assert await queue.record_report("c1", receipt("10"), NOW) is True


# ---- accounts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("link", "fits"), [("c2", True), ("c3", False)], ids=["the same account", "another account"])
async def test_receipt_over_another_link(queue, link, fits):
    """A carrier sends receipts over any session of the account."""
    message = await taken(queue, "39f99dd5")
    assert await queue.record_report(link, receipt("972660181"), NOW) is fits
    assert await state(queue, message) == ("delivered" if fits else "sent")


async def test_early_receipt_over_another_link(queue):
    """So may the receipt that comes before the answer."""
    segment = await begun(queue)
    await queue.record_report("c2", receipt("7"), NOW)
    await queue.record_result(segment.submission, Accepted("7"), NOW)
    assert await state(queue, segment.message) == "delivered"


# ---- uncertain -----------------------------------------------------------------------------------------------------


async def _doubtful(queue, **more):
    segment = await begun(queue, **more)
    await queue.record_result(segment.submission, DOUBT, NOW)
    return segment


def _own(segment) -> int:
    return own_reference(row_id(SUBMISSION, segment.submission))


@pytest.mark.parametrize("match", ReferenceMatch)
async def test_our_number_settles(queue, match):
    """A receipt that repeats our number proves that the text was taken; later receipts of its id are for it too."""
    segment = await _doubtful(queue)
    assert await queue.record_report("c1", receipt("972660181", _R.PENDING, own=_own(segment), match=match), NOW) is True
    assert await state(queue, segment.message) == "sent"
    assert await queue.record_report("c1", receipt("972660181", match=match), NOW) is True
    assert await state(queue, segment.message) == "delivered"


@pytest.mark.parametrize("match", ReferenceMatch)
async def test_our_number_before_the_doubt(queue, match):
    """The receipt came while the answer was awaited: with the doubt it is found, and later ones go on from there."""
    segment = await begun(queue)
    await queue.record_report("c1", receipt("972660181", _R.PENDING, own=_own(segment), match=match), NOW)
    await queue.record_result(segment.submission, DOUBT, NOW)
    assert await state(queue, segment.message) == "sent"
    assert await queue.record_report("c1", receipt("972660181", match=match), NOW) is True
    assert await state(queue, segment.message) == "delivered"


async def test_another_number_before_the_doubt(queue):
    """The number of another text settles nothing."""
    segment = await begun(queue)
    await queue.record_report("c1", receipt("7", own=_own(segment) ^ 1), NOW)
    await queue.record_result(segment.submission, DOUBT, NOW)
    assert await state(queue, segment.message) == "uncertain"


async def test_an_answer_without_an_id(queue):
    """The carrier tells no id: the first receipt of the recipient names it, and the text keeps that."""
    first = await taken(queue, "")
    await queue.record_report("c1", receipt("7", _R.PENDING), NOW)
    second = await taken(queue, "")
    await queue.record_report("c1", receipt("7"), NOW)
    assert (await state(queue, first), await state(queue, second)) == ("delivered", "sent")


@pytest.mark.parametrize("off", [None, 1], ids=["no number", "another number"])
async def test_a_recipient_alone_settles_nothing(queue, off):
    """The account may serve another program: a person decides, and the event says about which text."""
    segment = await _doubtful(queue)
    own = None if off is None else _own(segment) ^ off
    assert await queue.record_report("c1", receipt("7", own=own), NOW) is False
    assert await state(queue, segment.message) == "uncertain"
    assert (await data(queue, "report.orphan"))["candidate"] == segment.message


async def test_no_candidate_after_an_hour(queue):
    """A text that has been uncertain for longer is not named."""
    await _doubtful(queue)
    await queue.record_report("c1", receipt("7"), NOW + HOUR + SECOND)
    assert "candidate" not in await data(queue, "report.orphan")


# ---- orphans -------------------------------------------------------------------------------------------------------


async def test_orphans_are_dropped_and_counted(queue):
    """After 7 days, not before; links show says how many."""
    for i in range(3):
        await queue.record_report("c1", receipt(f"x{i}"), NOW)
    assert (await facts(queue)) == {"reports": 3, "orphans": 3, "orphan_share": "100.0 %"}
    await queue.expire(NOW + 7 * DAY)
    assert (await facts(queue))["orphans"] == 3
    assert await queue.expire(NOW + 7 * DAY + SECOND) == 3
    assert (await facts(queue))["orphans_dropped"] == 3


async def _day(queue, matched: int, lost: int, now: int = NOW) -> list:
    """Alarms after a look at so many receipts that matched, and so many that did not."""
    for i in range(matched):
        await taken(queue, f"{now}-{i}")
        await queue.record_report("c1", receipt(f"{now}-{i}"), now)
    for i in range(lost):
        await queue.record_report("c1", receipt(f"{now}-lost-{i}"), now)
    await queue.expire(now + HOUR)
    return await events(queue, "link.alarm")


@pytest.mark.parametrize(
    ("matched", "lost", "alarms"),
    [
        pytest.param(0, 3, 1, id="nothing matches"), pytest.param(0, 2, 0, id="too few to say"),
        pytest.param(10, 3, 1, id="above a hundredth"), pytest.param(300, 3, 0, id="below a hundredth"),
    ],
)  # fmt: skip
async def test_alarm_by_the_share_of_orphans(queue, matched, lost, alarms):
    """More than 1 % of a day's receipts without a text is an alarm."""
    found = await _day(queue, matched, lost)
    assert [(e.link, e.data["orphans"], e.data["reports"]) for e in found] == [("c1", lost, matched + lost)] * alarms


async def test_one_alarm_a_day(queue):
    """The next look says nothing, the next day does."""
    assert len(await _day(queue, 0, 3)) == 1
    assert len(await _day(queue, 0, 3, NOW + 2 * HOUR)) == 1
    assert len(await _day(queue, 0, 3, NOW + DAY)) == 2


async def test_orphans_are_looked_at_every_ten_minutes(queue):
    """Not with each tick of the clock."""
    assert await _day(queue, 0, 1) == []
    for i in range(5):
        await queue.record_report("c1", receipt(f"y{i}"), NOW)
    await queue.expire(NOW + HOUR + 9 * 60 * SECOND)
    assert await events(queue, "link.alarm") == []
    await queue.expire(NOW + HOUR + 10 * 60 * SECOND)
    assert len(await events(queue, "link.alarm")) == 1


async def test_a_receipt_that_is_early_is_no_orphan(queue):
    """Receipts of the last minute may still find their text."""
    for i in range(5):
        await queue.record_report("c1", receipt(f"x{i}"), NOW)
    await queue.expire(NOW + SECOND)
    assert await events(queue, "link.alarm") == []


# ---- receipts that overtake answers --------------------------------------------------------------------------------


async def test_overtaking_receipts_of_ids_that_read_both_ways(queue):
    """Ids in a row whose receipts come before their answers: 50 in hexadecimal is 80, but the receipt of 80 is for 80, whose
    answer is still awaited, and not for 50, which was told."""
    first, second = await begun(queue), await begun(queue)
    await queue.record_result(first.submission, Accepted("00000050"), NOW)
    assert await queue.record_report("c1", receipt("00000080"), NOW) is False
    assert await state(queue, first.message) == "sent"
    await queue.record_result(second.submission, Accepted("00000080"), NOW)
    assert (await state(queue, first.message), await state(queue, second.message)) == ("sent", "delivered")
    assert await queue.record_report("c1", receipt("00000050"), NOW) is True
    assert await state(queue, first.message) == "delivered"


async def test_overtaking_receipt_and_the_answer_of_another(queue):
    """The same, where the receipt came before both answers: the first answer does not take it."""
    first, second = await begun(queue), await begun(queue)
    assert await queue.record_report("c1", receipt("00000080"), NOW) is False
    await queue.record_result(first.submission, Accepted("00000050"), NOW)
    assert await state(queue, first.message) == "sent"
    await queue.record_result(second.submission, Accepted("00000080"), NOW)
    assert (await state(queue, first.message), await state(queue, second.message)) == ("sent", "delivered")


async def test_numbers_are_compared_once_nothing_is_awaited(queue):
    """A receipt in decimal of an id in hexadecimal that came while another answer was awaited finds its text with that
    answer."""
    first, second = await begun(queue), await begun(queue)
    await queue.record_result(first.submission, Accepted("1f"), NOW)
    assert await queue.record_report("c1", receipt("31"), NOW) is False
    await queue.record_result(second.submission, Accepted("20"), NOW)
    assert (await state(queue, first.message), await state(queue, second.message)) == ("delivered", "sent")
    assert (await facts(queue))["orphans"] == 0
