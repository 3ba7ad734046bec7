"""Texts of which nobody knows whether they were sent: policies of classes and of texts, what ends a doubt, and its counts."""

import pytest

from smsgwd.model import Accepted, MessageClass
from smsgwd.queue.interface import Settled
from smsgwd.queue.policies import WAYS
from smsgwd.queue.question import Question
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import (
    DOUBT,
    NOW,
    PERMANENT,
    TEMPORARY,
    accept,
    claim,
    data,
    draft,
    events,
    kinds,
    links_up,
    report,
    state,
    uncertain,
)
from tests.store import StillClock

POLICIES = {"alarm": "retry", "bulk": "assume-sent", "normal": "hold"}


@pytest.fixture
async def queue(tmp_path):
    async with opened(tmp_path) as queue:
        yield queue


def opened(folder, **policies):
    return open_queue(folder / "q.db", clock=StillClock(NOW), limits=Limits(policies={**POLICIES, **policies}))


@pytest.mark.parametrize(
    ("class_", "own", "then"),
    [
        pytest.param("normal", "", "uncertain", id="its class: hold"),
        pytest.param("alarm", "", "queued", id="its class: retry"),
        pytest.param("bulk", "", "sent", id="its class: assume-sent"),
        pytest.param("normal", "retry", "queued", id="its own: retry"),
        pytest.param("alarm", "hold", "uncertain", id="its own: hold"),
        pytest.param("alarm", "assume-sent", "sent", id="its own: assume-sent"),
        pytest.param("bulk", "hold", "uncertain", id="its own before its class"),
    ],
)
async def test_policy(queue, class_, own, then):
    """The policy of the text counts, else that of its class; the text says which it has, and a copy of it has it too."""
    message, _ = await uncertain(queue, class_=MessageClass(class_), uncertain=own)
    assert (message.state, message.uncertain) == (then, own)
    if then == "uncertain":
        await queue.settle(message.id, Settled("fail", "ann"), NOW)
        assert (await queue.retry(message.id, NOW)).uncertain == own


async def test_policies_of_a_reload(queue, tmp_path):
    """New policies hold for the next text in doubt; one that is in doubt already stays as it is."""
    before, _ = await uncertain(queue)
    await queue.set_policies({"normal": "assume-sent"})
    after, _ = await uncertain(queue)
    alarm, _ = await uncertain(queue, class_=MessageClass.ALARM)
    assert [await state(queue, m) for m in (before, after, alarm)] == ["uncertain", "sent", "uncertain"]


async def test_sent_again_is_marked(queue):
    """Policy retry: the event and the text say that it may arrive twice; one that was never in doubt does not."""
    plain = await accept(queue)
    await queue.record_result((await claim(queue)).submission, Accepted("1"), NOW)
    message, _ = await uncertain(queue, class_=MessageClass.ALARM)
    told = await data(queue, "message.retry")
    assert (told["why"], told["possible_duplicate"], told["reason"]) == ("uncertain", True, DOUBT.reason)
    assert (await queue.message(message.id)).possible_duplicate
    assert not (await queue.message(plain.id)).possible_duplicate


async def test_reason_stands_in_the_event(queue):
    """What is not known, and which part it is about; and what is done about it."""
    message = await accept(queue, "abc", parts=3)
    first = await claim(queue)
    second = await queue.record_result(first.submission, Accepted("1"), NOW)
    await queue.record_result(second.submission, DOUBT, NOW)
    told = await data(queue, "message.uncertain")
    assert told == {"part": 2, "parts": 3, "policy": "hold", "reason": f"part 2 of 3: {DOUBT.reason}; part 1 of 3 went"}
    assert [s.state for s in (await queue.message(message.id)).segments] == ["accepted", "uncertain", "queued"]


async def test_only_the_uncertain_part_is_held(queue):
    """Settled as sent, the parts that are left go; the one that had gone and the one in doubt do not go again."""
    message = await accept(queue, "abc", parts=3)
    first = await claim(queue)
    second = await queue.record_result(first.submission, Accepted("1"), NOW)
    await queue.record_result(second.submission, DOUBT, NOW)
    await queue.settle(message.id, Settled("sent", "ann"), NOW)
    last = await claim(queue)
    assert (last.part, last.text) == (3, "c")
    await queue.record_result(last.submission, Accepted("3"), NOW)
    assert await state(queue, message) == "sent"


# ---- what ends it ---------------------------------------------------------------------------------------------------


async def _late_answer(queue):
    message, attempt = await uncertain(queue)
    await queue.record_result(attempt, Accepted("9"), NOW)
    return message


async def _late_refusal(queue):
    message, attempt = await uncertain(queue)
    await queue.record_result(attempt, PERMANENT, NOW)
    return message


async def _late_for_now(queue):
    message, attempt = await uncertain(queue)
    await queue.record_result(attempt, TEMPORARY, NOW)
    return message


async def _report(queue):
    message, _ = await uncertain(queue)
    assert await queue.record_report("m1", report("77"), NOW)
    return message


async def _query(queue):
    await links_up(queue, "smpp")
    message, _ = await uncertain(queue)
    await queue.record_report("m1", report("c7"), NOW)
    (question,) = await queue.questions(message.id)
    assert isinstance(question, Question)
    await queue.record_answer(question, report("c7"), "operator", NOW)
    return message


async def _retry(queue):
    return (await uncertain(queue, class_=MessageClass.ALARM))[0]


async def _assumed(queue):
    return (await uncertain(queue, class_=MessageClass.BULK))[0]


async def _operator(queue):
    message, _ = await uncertain(queue)
    await queue.settle(message.id, Settled("resend", "ann", "he never got it"), NOW)
    return message


ENDS = [
    pytest.param(_late_answer, "late-answer", "sent", "sent", id="late answer"),
    pytest.param(_late_refusal, "late-answer", "refused", "failed", id="late no"),
    pytest.param(_late_for_now, "late-answer", "refused", "queued", id="late no for now"),
    pytest.param(_report, "report", "sent", "delivered", id="report"),
    pytest.param(_query, "query", "sent", "delivered", id="carrier asked"),
    pytest.param(_retry, "retry", "resend", "queued", id="sent again by policy"),
    pytest.param(_assumed, "assumed", "sent", "sent", id="taken as sent by policy"),
    pytest.param(_operator, "operator", "resend", "queued", id="operator"),
]


@pytest.mark.parametrize(("end", "by", "how", "then"), ENDS)
async def test_what_ends_a_doubt(queue, tmp_path, end, by, how, then):
    """Each way has its event, and is counted once, by its name."""
    message = await end(queue)
    assert await state(queue, message) == then
    (told,) = await events(queue, "message.settled", message)
    assert (told.data["by"], told.data["how"]) == (by, how)
    assert await queue.doubts_settled() == {way: int(way == by) for way in WAYS}


def test_every_way_has_a_test():
    """The table above knows all ways."""
    assert {row.values[1] for row in ENDS} == set(WAYS)


async def test_settled_by_a_person(queue):
    """Who said so, and why, stands in the event and at the text; a number in it is masked."""
    message, _ = await uncertain(queue)
    why, kept = "+15550100777 has not got it", "+155…77 has not got it"
    found = await queue.settle(message.id, Settled("fail", "ann", why), NOW)
    assert found.reason == f"settled as not sent by ann: {kept}"
    told = await data(queue, "message.settled")
    assert told == {"how": "fail", "by": "operator", "who": "ann", "why": kept}


async def test_counts_over_a_restart(tmp_path):
    """The counts go on where they were, and a verb that fails counts nothing."""
    async with opened(tmp_path) as queue:
        await _late_answer(queue)
        await _report(queue)
    async with opened(tmp_path) as queue:
        message = await _late_answer(queue)
        with pytest.raises(Exception, match="cannot be settled"):
            await queue.settle(message.id, Settled("sent", "ann"), NOW)
        counts = await queue.doubts_settled()
    assert {way: n for way, n in counts.items() if n} == {"late-answer": 2, "report": 1}


async def test_retry_has_an_end(tmp_path):
    """Doubt after doubt, a text is sent again as often as configured; then it waits for a person."""
    limits = Limits(policies=POLICIES, attempts=3)
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW), limits=limits) as queue:
        message, now, sends = await accept(queue, class_=MessageClass.ALARM), NOW, 0
        while await state(queue, message) == "queued":
            segment = await claim(queue, now=now)
            sends += 1
            await queue.record_result(segment.submission, DOUBT, now)
            now = max(now, (await queue.message(message.id)).due)
        assert (sends, await state(queue, message)) == (3, "uncertain")
        assert (await queue.doubts_settled())["retry"] == 2


async def test_found_at_the_start(tmp_path):
    """What was in flight when the process died is in doubt at the next start, by the policy of each."""
    async with opened(tmp_path) as queue:
        held, again = await accept(queue, "a"), await accept(queue, "b", uncertain="retry")
        assert len(await queue.claim("m1", 9, NOW)) == 2
    async with opened(tmp_path) as queue:
        assert await queue.recover(NOW) == 2
        assert (await state(queue, held), await state(queue, again)) == ("uncertain", "queued")
        assert "message.uncertain" in await kinds(queue, held)


async def test_own_policy_costs_nobody_else(queue):
    """A draft without a policy of its own writes nothing more than before; one batch may hold both."""
    taken = await queue.accept([draft("a"), draft("b", uncertain="retry"), draft("c")], NOW)
    assert [m.uncertain for m in taken] == ["", "retry", ""]
    assert [(await queue.message(m.id)).uncertain for m in taken] == ["", "retry", ""]
