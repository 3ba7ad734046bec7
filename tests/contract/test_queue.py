"""What every engine of the queue promises of outbound texts: accept, claim, results."""

import pytest

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.model import Accepted, Message, MessageClass, Origin, Refusal, RefusalClass, SubmissionState
from tests.contract.making import (
    DAY,
    DOUBT,
    HOUR,
    LINK,
    NOW,
    PERMANENT,
    SECOND,
    TEMPORARY,
    THEM,
    accept,
    claim,
    consent,
    counted,
    data,
    draft,
    events,
    kinds,
    reaction,
    received,
    sent,
    state,
    uncertain,
)

# ---- accept --------------------------------------------------------------------------------------------------------


async def test_accepted_as_given(queue):
    """An accepted text is queued, has its id, our number, and an event that names neither text nor whole number."""
    message = await accept(queue, "My secret text", origin=Origin.CLI, author="ann", callback="support")
    assert (message.state, message.to, message.from_, message.text) == ("queued", THEM, "+15550100100", "My secret text")
    assert message == await queue.message(message.id)
    (event,) = await events(queue, "message.accepted")
    assert (event.message, event.link, event.at) == (message.id, "m1", NOW)
    assert (event.data["origin"], event.data["parts"], event.data["callback"]) == ("cli", 1, "support")
    assert "secret" not in str(event)
    assert THEM not in str(event)


async def test_accepted_in_order(queue):
    """Drafts of one call get ids in their order."""
    stored = await queue.accept([draft(str(n)) for n in range(20)], NOW)
    assert [m.text for m in sorted(stored, key=lambda m: m.id)] == [str(n) for n in range(20)]


async def test_key_again_gives_the_first_message(queue):
    """The same key with the same request stores nothing and answers with the message of then, in its state of now."""
    first = await accept(queue, key="order-1", key_digest="aa")
    await queue.cancel(first.id, NOW)
    again = await accept(queue, key="order-1", key_digest="aa")
    assert (again.id, again.state) == (first.id, "cancelled")
    assert len(await events(queue, "message.accepted")) == 1


async def test_key_with_another_request(queue):
    """The same key with another request is a Conflict in its place; the others of the call are stored."""
    await accept(queue, key="k", key_digest="aa")
    first, second, third = await queue.accept([draft("1"), draft("2", key="k", key_digest="bb"), draft("3")], NOW)
    assert isinstance(first, Message)
    assert isinstance(second, Conflict)
    assert isinstance(third, Message)


async def test_key_twice_in_one_call(queue):
    """The same key twice in one call is one message."""
    first, second = await queue.accept([draft(key="k", key_digest="aa")] * 2, NOW)
    assert first.id == second.id


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        pytest.param({}, False, id="api"),
        pytest.param({"origin": Origin.RULE}, False, id="rule"),
        pytest.param({"origin": Origin.DESK}, True, id="an agent's own words"),
        pytest.param({"origin": Origin.CONSENT}, True, id="the answer to STOP"),
        pytest.param({"class_": MessageClass.ALARM}, True, id="alarm"),
    ],
)
async def test_opted_out(queue, more, taken):
    """A person who opted out gets alarms, agents' words and the answer to STOP alone."""
    message = await received(queue, "STOP")
    await queue.react(await reaction(queue, message, consent=consent("opt_out")), NOW)
    (answer,) = await queue.accept([draft(**more)], NOW)
    assert isinstance(answer, Message) is taken
    if not taken:
        assert isinstance(answer, RequestRefused)
        assert answer.code == "opted-out"


async def test_refused_draft_leaves_no_trace(queue):
    """A draft that cannot be stored (no such conversation, half a surrogate pair) leaves no event and no count."""
    before = await counted(queue)
    unknown = draft(conversation="cnv_0000000000000")
    half = draft("half \ud83d")
    first, second = await queue.accept([unknown, half], NOW)
    assert isinstance(first, NotFound)
    assert isinstance(second, RequestRefused)
    assert await counted(queue) == before
    assert await kinds(queue) == ["link.up", "link.up"]


async def test_joins_the_open_conversation(queue):
    """A text to a person with an open conversation on that link belongs to it."""
    message = await received(queue)
    assert (await accept(queue)).conversation == message.conversation
    assert (await accept(queue, link="m2")).conversation == ""


# ---- claim ---------------------------------------------------------------------------------------------------------


async def test_best_priority_first_then_age(queue):
    """Alarms before normal texts before bulk; within a class the oldest first, up to the limit."""
    for class_ in (MessageClass.BULK, MessageClass.NORMAL, MessageClass.ALARM):
        for n in (1, 2):
            await accept(queue, f"{class_} {n}", class_=class_)
    first = await queue.claim("m1", 4, NOW)
    rest = await queue.claim("m1", 4, NOW)
    assert [s.text for s in first] == ["alarm 1", "alarm 2", "normal 1", "normal 2"]
    assert [s.text for s in rest] == ["bulk 1", "bulk 2"]


async def test_put_off_is_not_starved(queue):
    """A text whose time has come goes before those of its class that wait from the start, and never before its time."""
    await accept(queue, "at noon", due=NOW + HOUR)
    await accept(queue, "one")
    await accept(queue, "two")
    assert [s.text for s in await queue.claim("m1", 1, NOW)] == ["one"]
    assert await queue.next_due("m1") == 0
    assert [s.text for s in await queue.claim("m1", 9, NOW + HOUR)] == ["at noon", "two"]


async def test_next_due(queue):
    """When the next text of a link falls due; None when nothing waits."""
    assert await queue.next_due("m1") is None
    await accept(queue, due=NOW + HOUR)
    await accept(queue, due=NOW + SECOND, class_=MessageClass.BULK)
    assert await queue.next_due("m1") == NOW + SECOND
    assert await queue.next_due("m2") is None


async def test_intent_is_stored_before_the_act(queue):
    """When claim returns, an attempt in flight is stored for each segment and the text is being sent."""
    message = await accept(queue)
    segment = await claim(queue)
    (attempt,) = await queue.submissions(message.id)
    assert (attempt.id, attempt.state, attempt.part, attempt.link) == (segment.submission, "in_flight", 1, "m1")
    stored = await queue.message(message.id)
    assert (stored.state, stored.attempts, stored.segments[0].state) == ("sending", 1, "in_flight")
    assert await queue.claim("m1", 10, NOW) == []


async def test_segment_as_the_link_needs_it(queue):
    """The segment carries alphabet, flash, report and the validity that is left."""
    await accept(queue, flash=True, report=False, expires=NOW + HOUR)
    segment = await claim(queue, now=NOW + 10 * SECOND)
    assert (segment.to.text, segment.flash, segment.report, segment.validity) == (THEM, True, False, 3590)


async def test_expired_instead_of_claimed(queue):
    """A text past its validity expires when it would be claimed, and the next one takes its place."""
    old = await accept(queue, "old", expires=NOW + SECOND)
    await accept(queue, "new")
    segments = await queue.claim("m1", 1, NOW + SECOND)
    assert [s.text for s in segments] == ["new"]
    assert await state(queue, old) == "expired"
    assert (await data(queue, "message.expired"))["reason"] == "its validity ended before it was sent"


async def test_parts_in_order_with_one_reference(queue):
    """Parts go one after the other with one reference; each acceptance claims the next part in the same commit."""
    message = await accept(queue, "abc", parts=3)
    segment, seen = await claim(queue), []
    while segment is not None:
        seen.append((segment.part, segment.parts, segment.text, segment.ref))
        assert await queue.claim("m1", 9, NOW) == []
        segment = await queue.record_result(segment.submission, Accepted(f"r{segment.part}"), NOW)
    ref = seen[0][3]
    assert seen == [(1, 3, "a", ref), (2, 3, "b", ref), (3, 3, "c", ref)]
    stored = await queue.message(message.id)
    assert (stored.state, [s.state for s in stored.segments]) == ("sent", ["accepted"] * 3)
    assert (await kinds(queue, message)).count("part.accepted") == 3


async def test_references_of_long_texts_differ(queue):
    """Two long texts to one person never share a reference, else the phone mixes them."""
    for text in ("ab", "cd"):
        await accept(queue, text, parts=2)
    first, second = await queue.claim("m1", 2, NOW)
    assert (first.ref + 1) % 256 == second.ref


async def test_pause(queue):
    """A paused link claims nothing and has nothing due; resumed it goes on. Both are events; the state stays."""
    await accept(queue)
    status = await queue.pause_link("m1", True, NOW)
    assert (status.paused, status.state, status.queued) == (True, "up", 1)
    assert (await queue.claim("m1", 1, NOW), await queue.next_due("m1")) == ([], None)
    await queue.pause_link("m1", True, NOW)
    await queue.pause_link("m1", False, NOW)
    assert (await kinds(queue))[-2:] == ["link.paused", "link.resumed"]
    assert len(await queue.claim("m1", 1, NOW)) == 1
    with pytest.raises(NotFound):
        await queue.pause_link("nobody", True, NOW)


# ---- results -------------------------------------------------------------------------------------------------------


async def test_accepted_is_sent(queue):
    """The network took the only part: sent, with its reference."""
    message = await sent(queue, "42")
    assert (message.state, message.segments[0].reference) == ("sent", "42")
    assert await kinds(queue, message) == ["message.accepted", "message.sending", "message.sent"]


@pytest.mark.parametrize(
    ("outcome", "then", "attempts"),
    [
        pytest.param(PERMANENT, "failed", 1, id="permanent"),
        pytest.param(TEMPORARY, "queued", 1, id="temporary"),
        pytest.param(LINK, "queued", 0, id="link: the try is not counted"),
        pytest.param(DOUBT, "uncertain", 1, id="in doubt"),
    ],
)
async def test_outcomes(queue, outcome, then, attempts):
    """What a refusal or a silence means for the text; the reason is stored."""
    message = await accept(queue)
    segment = await claim(queue)
    assert await queue.record_result(segment.submission, outcome, NOW) is None
    stored = await queue.message(message.id)
    assert (stored.state, stored.attempts) == (then, attempts)
    assert outcome.reason in stored.reason


async def test_back_off_grows_and_ends(queue):
    """Temporary refusals: 30 s, doubling; the eighth is the last and the text has failed."""
    message, now, pauses = await accept(queue), NOW, []
    for _ in range(8):
        segment = await claim(queue, now=now)
        await queue.record_result(segment.submission, TEMPORARY, now)
        stored = await queue.message(message.id)
        if stored.state == "queued":
            assert await queue.claim("m1", 1, stored.due - 1) == []
            pauses.append((stored.due - now) // SECOND)
            now = stored.due
    assert pauses == [30, 60, 120, 240, 480, 960, 1920]
    assert (stored.state, "after 8 tries" in stored.reason) == ("failed", True)
    assert len(await queue.submissions(message.id)) == 8


@pytest.mark.parametrize(
    ("asked", "pause"), [pytest.param(5, 30, id="less"), pytest.param(600, 600, id="more"), pytest.param(9e9, 86_400, id="absurd")]
)
async def test_the_network_asks_for_a_pause(queue, asked, pause):
    """A pause that the network asks for is kept, if longer than our own, up to a day."""
    message, segment = await accept(queue), await claim(queue)
    refusal = Refusal(code="", class_=RefusalClass.TEMPORARY, reason="throttled", retry_after=asked)
    await queue.record_result(segment.submission, refusal, NOW)
    assert (await queue.message(message.id)).due == NOW + pause * SECOND


async def test_refusal_of_a_later_part(queue):
    """A permanent refusal of part 2 stops the rest, and the reason says which parts went."""
    message, segment = await accept(queue, "abc", parts=3), await claim(queue)
    segment = await queue.record_result(segment.submission, Accepted("1"), NOW)
    assert await queue.record_result(segment.submission, PERMANENT, NOW) is None
    stored = await queue.message(message.id)
    assert (stored.state, [s.state for s in stored.segments]) == ("failed", ["accepted", "refused", "queued"])
    assert "part 2 of 3" in stored.reason
    assert "part 1 of 3 went" in stored.reason


async def test_goes_on_with_the_part_that_was_refused(queue):
    """After a temporary refusal of part 2 the next claim is part 2, with the same reference; part 1 goes once."""
    await accept(queue, "abc", parts=3)
    first = await claim(queue)
    second = await queue.record_result(first.submission, Accepted("1"), NOW)
    await queue.record_result(second.submission, TEMPORARY, NOW)
    again = await claim(queue, now=NOW + HOUR)
    assert (again.part, again.text, again.ref) == (2, "b", first.ref)


async def test_uncertain_is_held(queue):
    """A silent attempt is never repeated by itself; the text waits for an answer or a person."""
    message, attempt = await uncertain(queue)
    assert await queue.claim("m1", 9, NOW + DAY) == []
    assert [(s.id, s.state) for s in await queue.submissions(message.id)] == [(attempt, SubmissionState.UNCERTAIN)]
    assert (await kinds(queue, message))[-1] == "message.uncertain"


async def test_an_alarm_in_doubt_is_sent_again(queue):
    """Twice is better than never for an alarm: it goes again, and its event says "possible duplicate"."""
    message, _ = await uncertain(queue, class_=MessageClass.ALARM)
    assert message.state == "queued"
    assert (await data(queue, "message.retry"))["possible_duplicate"] is True
    assert (await claim(queue, now=message.due)).message == message.id


async def test_late_answer_of_an_uncertain_attempt(queue):
    """The modem's late answer settles the text: accepted as sent, refused as refused."""
    message, attempt = await uncertain(queue)
    await queue.record_result(attempt, Accepted("9"), NOW)
    assert await state(queue, message) == "sent"
    message, attempt = await uncertain(queue)
    await queue.record_result(attempt, PERMANENT, NOW)
    assert await state(queue, message) == "failed"


async def test_late_answer_before_the_second_attempt(queue):
    """An alarm that waits to be sent again is not, when the first attempt turns out as accepted."""
    message, attempt = await uncertain(queue, class_=MessageClass.ALARM)
    await queue.record_result(attempt, Accepted("9"), NOW)
    assert await state(queue, message) == "sent"
    assert await queue.claim("m1", 9, NOW + DAY) == []


async def test_second_result_changes_nothing(queue):
    """A result of an attempt whose end is known is ignored."""
    message, segment = await accept(queue), await claim(queue)
    await queue.record_result(segment.submission, Accepted("1"), NOW)
    before = await kinds(queue)
    for outcome in (PERMANENT, DOUBT, Accepted("2")):
        assert await queue.record_result(segment.submission, outcome, NOW) is None
    assert (await state(queue, message), await kinds(queue)) == ("sent", before)
    with pytest.raises(NotFound):
        await queue.record_result("sub_0000000000000", Accepted(""), NOW)


async def test_unsubmit(queue):
    """A segment that never reached the wire is given back: queued in its place, the try not counted. Once."""
    message = await accept(queue)
    await accept(queue, "later")
    segment = (await queue.claim("m1", 1, NOW))[0]
    await queue.unsubmit(segment.submission, "the link left", NOW)
    stored = await queue.message(message.id)
    assert (stored.state, stored.attempts, stored.due, stored.segments[0].state) == ("queued", 0, 0, "refused")
    assert (await queue.claim("m1", 1, NOW))[0].message == message.id
    with pytest.raises(Conflict):
        await queue.unsubmit(segment.submission, "again", NOW)


async def test_recover(queue):
    """At start every attempt in flight is uncertain, by the policy of its class; nothing is sent twice by itself."""
    normal, alarm = await accept(queue), await accept(queue, class_=MessageClass.ALARM)
    await queue.claim("m1", 9, NOW)
    assert await queue.recover(NOW) == 2
    assert (await state(queue, normal), await state(queue, alarm)) == ("uncertain", "queued")
    assert (await data(queue, "daemon.recovered"))["submissions"] == 2
    assert await queue.recover(NOW) == 0
    assert len(await events(queue, "daemon.recovered")) == 1
