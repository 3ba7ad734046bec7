"""Answers and reports that come late, while a second attempt is under way; and clocks that jump."""

from datetime import UTC, datetime

import pytest

from smsgwd.model import Accepted, MessageClass, ReportStatus
from smsgwd.queue.interface import CallResult, Move, Settled
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from smsgwd.sms.split import split
from tests.contract.making import (
    DAY,
    DOUBT,
    HOUR,
    LINK,
    NOW,
    OURS,
    PERMANENT,
    SECOND,
    TEMPORARY,
    accept,
    all_messages,
    claim,
    data,
    draft,
    kinds,
    links_up,
    part,
    report,
    sent,
    state,
    uncertain,
)
from tests.store import StillClock

YEARS = 3650 * DAY


@pytest.fixture
async def queue(tmp_path):
    limits = Limits(policies={"alarm": "retry", "bulk": "assume-sent"})
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW), limits=limits) as opened:
        yield opened


async def twice(queue, **more):
    """(an alarm, its first attempt, which is in doubt, and its second, which is in flight)."""
    message, first = await uncertain(queue, class_=MessageClass.ALARM, **more)
    second = await claim(queue, now=message.due)
    assert (second.message, second.part) == (message.id, 1)
    return message, first, second.submission


# ---- a second attempt is in flight ---------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [PERMANENT, TEMPORARY, LINK, DOUBT, Accepted("8")])
async def test_first_attempt_arrived_after_all(queue, outcome):
    """The first attempt turns out as accepted while the second is in flight: whatever comes of the second, the text is
    sent and is not sent a third time."""
    message, first, second = await twice(queue)
    await queue.record_result(first, Accepted("7"), NOW)
    assert await state(queue, message) == "sending"
    await queue.record_result(second, outcome, NOW)
    assert await state(queue, message) == "sent"
    assert await queue.claim("m1", 9, NOW + DAY) == []


async def test_first_attempt_arrived_and_the_second_is_given_back(queue):
    """The second attempt never reached the wire: the text is not sent again, since the first one arrived."""
    message, first, second = await twice(queue)
    await queue.record_result(first, Accepted("7"), NOW)
    await queue.unsubmit(second, "the link left", NOW)
    assert await state(queue, message) == "sent"
    assert await queue.claim("m1", 9, NOW + DAY) == []


async def test_first_attempt_arrived_then_a_restart(queue):
    """The same, with a restart while the second attempt is in flight."""
    message, first, _ = await twice(queue)
    await queue.record_result(first, Accepted("7"), NOW)
    assert await queue.recover(NOW) == 1
    assert await state(queue, message) == "sent"


async def test_given_back_part_goes_on_with_the_next(queue):
    """Of a text in parts the first one arrived after all: the next claim is part 2."""
    message, first, second = await twice(queue, text="ab", parts=2)
    await queue.record_result(first, Accepted("7"), NOW)
    await queue.unsubmit(second, "the link left", NOW)
    following = await claim(queue, now=NOW + DAY)
    assert (following.message, following.part) == (message.id, 2)


async def test_late_no_does_not_disturb_the_second_attempt(queue):
    """A late refusal of the first attempt says nothing about the second one, which is in flight."""
    message, first, second = await twice(queue)
    await queue.record_result(first, PERMANENT, NOW)
    assert await state(queue, message) == "sending"
    await queue.record_result(second, Accepted("8"), NOW)
    assert await state(queue, message) == "sent"


async def test_refusal_of_the_second_attempt_says_nothing_about_the_first(queue):
    """The first attempt is in doubt and the second one is refused for good: nobody knows, so it is not called failed; a
    late yes to the first settles it."""
    message, first, second = await twice(queue)
    await queue.record_result(second, PERMANENT, NOW)
    stored = await queue.message(message.id)
    assert (stored.state, "an earlier attempt is in doubt" in stored.reason) == ("uncertain", True)
    await queue.record_result(first, Accepted("7"), NOW)
    assert await state(queue, message) == "sent"


@pytest.mark.parametrize("outcome", [PERMANENT, TEMPORARY, LINK])
async def test_late_no_to_one_of_two_in_doubt(queue, outcome):
    """An operator sent a text again and both attempts are in doubt: a late "no" to one leaves the other in doubt, and the
    text is not sent a third time by itself."""
    message, first = await uncertain(queue)
    await queue.settle(message.id, Settled("resend", "ann"), NOW)
    second = await claim(queue)
    await queue.record_result(second.submission, DOUBT, NOW)
    await queue.record_result(first, outcome, NOW)
    assert await state(queue, message) == "uncertain"
    assert await queue.claim("m1", 9, NOW + DAY) == []
    await queue.record_result(second.submission, PERMANENT, NOW)
    assert await state(queue, message) == "failed"


async def test_retry_ends_in_uncertain(queue):
    """An alarm that nobody answers is tried as often as the limit says; then it is uncertain, never "failed"."""
    message, now = await accept(queue, class_=MessageClass.ALARM), NOW
    for _ in range(8):
        segment = await claim(queue, now=now)
        await queue.record_result(segment.submission, DOUBT, now)
        now += HOUR
    stored = await queue.message(message.id)
    assert (stored.state, len(await queue.submissions(message.id))) == ("uncertain", 8)
    assert await queue.claim("m1", 9, NOW + DAY) == []


async def test_assume_sent(queue):
    """Policy assume-sent: the text counts as sent, its events say by whom, and a late "no" changes nothing."""
    message, attempt = await uncertain(queue, class_=MessageClass.BULK)
    assert message.state == "sent"
    assert (await data(queue, "message.settled")) == {"how": "sent", "by": "assumed"}
    await queue.record_result(attempt, PERMANENT, NOW)
    assert await state(queue, message) == "sent"


async def test_assume_sent_in_parts(queue):
    """Policy assume-sent on part 1: the parts that are left go."""
    message, _ = await uncertain(queue, text="ab", parts=2, class_=MessageClass.BULK)
    segment = await claim(queue)
    assert (segment.message, segment.part) == (message.id, 2)


# ---- reports -------------------------------------------------------------------------------------------------------


async def test_report_settles_the_only_candidate(queue):
    """A report that fits one uncertain text alone proves that it was sent."""
    message, _ = await uncertain(queue)
    assert await queue.record_report("m1", report("33"), NOW) is True
    assert await state(queue, message) == "delivered"
    assert (await data(queue, "message.settled"))["by"] == "report"


async def test_report_with_two_candidates_settles_neither(queue):
    """Two uncertain texts to one person: nobody can say which one the report is about."""
    first, second = (await uncertain(queue))[0], (await uncertain(queue))[0]
    assert await queue.record_report("m1", report("33"), NOW) is False
    assert (await state(queue, first), await state(queue, second)) == ("uncertain", "uncertain")


async def test_report_that_overtakes_its_answer(queue):
    """A report comes before the answer of the attempt that it is about, while an older text to the same person is
    uncertain: it belongs to the attempt, and the older text stays what it is."""
    older, _ = await uncertain(queue)
    newer = await accept(queue)
    segment = await claim(queue)
    assert await queue.record_report("m1", report("33"), NOW) is False
    assert await state(queue, older) == "uncertain"
    await queue.record_result(segment.submission, Accepted("33"), NOW)
    assert (await state(queue, newer), await state(queue, older)) == ("delivered", "uncertain")


@pytest.mark.parametrize("to", ["+15550109999", "15550100777", "0100777"])
async def test_report_names_another_person(queue, to):
    """Numbers are compared by their last 8 digits: a national form fits, another person and a fragment do not."""
    message, _ = await uncertain(queue)
    fits = to == "15550100777"
    assert await queue.record_report("m1", report("33", to=to), NOW) is fits
    assert await state(queue, message) == ("delivered" if fits else "uncertain")


async def test_report_after_settled_as_not_sent(queue):
    """An operator said "not sent": the report that comes later is kept as one that fits nothing; the end stays."""
    message, _ = await uncertain(queue)
    await queue.settle(message.id, Settled("fail", "ann"), NOW)
    assert await queue.record_report("m1", report("33"), NOW) is False
    assert (await state(queue, message), (await kinds(queue))[-1]) == ("failed", "report.orphan")


async def test_orphans_are_kept_for_a_week(queue):
    """A report that fits nothing is thrown away after seven days."""
    await queue.record_report("m1", report("33"), NOW)
    assert await queue.expire(NOW + 7 * DAY) == 0
    assert await queue.expire(NOW + 7 * DAY + SECOND) == 1


async def test_reference_that_wrapped(queue):
    """TP-MR comes round: the report belongs to the newest text with that reference, the next one to the older."""
    texts = []
    for _ in range(2):
        texts.append(await accept(queue))
        await queue.record_result((await claim(queue)).submission, Accepted("5"), NOW)
    await queue.record_report("m1", report("5"), NOW)
    assert [await state(queue, m) for m in texts] == ["sent", "delivered"]
    await queue.record_report("m1", report("5", ReportStatus.FAILED), NOW)
    assert [await state(queue, m) for m in texts] == ["failed", "delivered"]


# ---- clocks that jump ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [TEMPORARY, LINK], ids=["refused", "the link's fault"])
@pytest.mark.parametrize("back", [2 * DAY, YEARS])
async def test_back_off_from_a_clock_that_was_ahead(queue, outcome, back):
    """A pause counted from a clock that was ahead ends when the clock is right again, whatever the refusal."""
    message = await accept(queue, now=NOW + back)
    await queue.record_result((await claim(queue, now=NOW + back)).submission, outcome, NOW + back)
    assert await queue.claim("m1", 1, NOW) == []
    assert await queue.expire(NOW) == 1
    assert (await claim(queue)).message == message.id


async def test_put_off_by_a_person_stays_put_off(queue):
    """A text that a person wants to go in a month is not taken for one in back-off."""
    await accept(queue, due=NOW + 30 * DAY)
    assert await queue.expire(NOW) == 0
    assert await queue.next_due("m1") == NOW + 30 * DAY


@pytest.mark.parametrize("step", [YEARS, -YEARS], ids=["ahead", "back"])
async def test_order_after_a_jump(queue, step):
    """Texts keep the order in which they were accepted, whatever the clock does between; at once is at once."""
    for n, now in enumerate((NOW, NOW + step, NOW, NOW + step)):
        await accept(queue, str(n), now=now)
    assert [s.text for s in await queue.claim("m1", 9, min(NOW, NOW + step))] == ["0", "1", "2", "3"]
    assert [m.text for m in await all_messages(queue)] == ["3", "2", "1", "0"]


async def test_incomplete_set_from_a_clock_that_was_ahead(queue):
    """Parts that came by a clock that was years ahead are not kept back for years: they are given out as partial, and
    the missing one still completes them."""
    await queue.receive("m1", OURS["m1"], part("one ", 1, 2), NOW + YEARS)
    assert await queue.expire(NOW) == 1
    (message,) = await all_messages(queue, direction="in")
    assert (message.state, message.text) == ("partial", "one ")
    await queue.receive("m1", OURS["m1"], part("two", 2, 2), NOW)
    assert ((await queue.message(message.id)).state, (await queue.message(message.id)).text) == ("received", "one two")


# ---- bounds --------------------------------------------------------------------------------------------------------


async def test_claim_clears_a_bounded_number_of_expired_texts(queue):
    """A great many texts that expired while a link was away are cleared in steps; those that may go come next."""
    await queue.accept([*[draft(expires=NOW + SECOND)] * 1200, draft()], NOW)
    for left in (700, 200):
        assert await queue.claim("m1", 1, NOW + HOUR) == []
        assert (await queue.depth(NOW + HOUR))[0].count == left + 1
    assert len(await queue.claim("m1", 1, NOW + HOUR)) == 1



@pytest.mark.parametrize("how", ["answer", "report"])
async def test_parts_of_one_sender(queue, how):
    """The first part is in doubt, the text goes on over another link, and only then it is known that the part went: all parts
    go over the other link, since a phone joins no parts of two senders."""
    message = await accept(queue, "x" * 200, parts=2, class_=MessageClass.ALARM)
    first = (await claim(queue)).submission
    await queue.record_result(first, DOUBT, NOW)
    assert await queue.reroute([Move(message.id, "m2", split("x" * 200))], NOW) == 1
    if how == "answer":
        assert await queue.record_result(first, Accepted("7"), NOW) is None
    else:
        assert await queue.record_report("m1", report("7"), NOW)
    assert {s.id: s.state.value for s in await queue.submissions(message.id)} == {first: "accepted"}
    if how == "answer":
        assert await queue.record_report("m1", report("7"), NOW)
    segment = await claim(queue, "m2", now=NOW + HOUR)
    sent_ = [segment.part]
    while segment := await queue.record_result(segment.submission, Accepted(f"b{segment.part}"), NOW + HOUR):
        sent_.append(segment.part)
    assert (sent_, await state(queue, message)) == ([1, 2], "sent")
    for part_, then in ((2, "sent"), (1, "delivered")):  # what the phone has of the other sender counts for nothing
        assert await queue.record_report("m2", report(f"b{part_}"), NOW + HOUR)
        assert await state(queue, message) == then


# ---- a report that comes again -------------------------------------------------------------------------------------


def told(reference: str, ms: int, **more):
    """A report on a text that its service centre took then."""
    return report(reference, sent_at=datetime.fromtimestamp(ms / 1000, UTC), **more)


@pytest.mark.parametrize(
    ("doubtful", "delivered", "taken"),
    [
        pytest.param(NOW, NOW + 60 * SECOND, NOW + 70 * SECOND, id="the other is newer"),
        pytest.param(NOW + 60 * SECOND, NOW, NOW + 55 * SECOND, id="taken late, nearer to the one in doubt"),
        pytest.param(NOW, NOW + HOUR, NOW + 60 * SECOND, id="the other began by a clock that was ahead"),
    ],
)
async def test_copy_of_a_report_settles_no_other_text(queue, doubtful, delivered, taken):
    """The report on a text whose end is known comes once more, while another one to the same person is in doubt: that one
    stays so, whichever began first and however near the times are."""
    texts = {}
    for at in sorted({doubtful, delivered}):
        texts[at] = await accept(queue, now=at)
        segment = await claim(queue, now=at)
        await queue.record_result(segment.submission, DOUBT if at == doubtful else Accepted("7"), at)
    for _ in range(2):
        assert await queue.record_report("m1", told("7", taken), NOW + 2 * HOUR)
    assert [await state(queue, texts[at]) for at in (doubtful, delivered)] == ["uncertain", "delivered"]


async def test_copy_of_a_report_from_before_the_clock_was_set(queue):
    """Both texts were sent while the clock was years behind; it was set, and the report on one of them comes once more: by
    the clock of now both are old, and the other stays in doubt all the same."""
    doubtful, _ = await uncertain(queue)
    delivered = await sent(queue)
    true = NOW + YEARS
    for _ in range(2):
        assert await queue.record_report("m1", told("7", true), true + HOUR)
    assert [await state(queue, text) for text in (doubtful, delivered)] == ["uncertain", "delivered"]


async def test_reference_that_is_used_again_settles(queue):
    """A modem counts to 255 and begins anew: a report whose time is that of the text in doubt, and not that of the old text
    with the same reference, settles it."""
    await accept(queue)
    await queue.record_result((await claim(queue)).submission, Accepted("7"), NOW)
    assert await queue.record_report("m1", told("7", NOW), NOW)
    later = NOW + DAY
    message = await accept(queue, now=later)
    await queue.record_result((await claim(queue, now=later)).submission, DOUBT, later)
    assert await queue.record_report("m1", told("7", later + 5 * SECOND), later + HOUR)
    assert await state(queue, message) == "delivered"


async def test_report_on_a_part_that_was_sent_twice(queue):
    """Both attempts of a part are in doubt, or one was called sent: the report tells that the part has arrived, whichever of
    them it is about."""
    await links_up(queue, "modem")
    message, _ = await uncertain(queue)
    await queue.settle(message.id, Settled("resend", "me"), NOW)
    again = await claim(queue)
    await queue.record_result(again.submission, DOUBT, NOW)
    assert await queue.record_report("m1", report("9"), NOW)
    assert await state(queue, message) == "delivered"


async def test_call_counted_by_a_clock_that_was_ahead_is_due(queue):
    """The pause of a call to a desk was counted while the clock was years ahead: it ends when the clock is right again."""
    await queue.owe_events({"desk": frozenset({"message.sent"})})
    await sent(queue)
    (owed,) = await queue.owed("desk", 10, NOW)
    await queue.record_calls([CallResult(owed.item.id, "retry", "HTTP 503", NOW + YEARS)], NOW + YEARS)
    assert await queue.owed("desk", 10, NOW + HOUR) == []
    assert await queue.expire(NOW + HOUR) == 1
    assert [call.item.id for call in await queue.owed("desk", 10, NOW + HOUR)] == [owed.item.id]
