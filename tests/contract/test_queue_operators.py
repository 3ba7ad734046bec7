"""What every engine of the queue promises to operators: cancel, hold, release, retry, settle, and the end of validity."""

import pytest

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.model import Accepted, MessageClass, MessageState
from smsgwd.queue.interface import Settled
from tests.contract.making import (
    DAY,
    HOUR,
    NOW,
    PERMANENT,
    SECOND,
    TEMPORARY,
    accept,
    claim,
    data,
    kinds,
    received,
    sent,
    state,
    uncertain,
)

# ---- operators -----------------------------------------------------------------------------------------------------


async def test_cancel(queue):
    """A text that waits, or is held, can be cancelled, after a refusal too."""
    waits, held = await accept(queue), await accept(queue, held=True)
    assert (await queue.cancel(waits.id, NOW)).state == "cancelled"
    assert (await queue.cancel(held.id, NOW)).state == "cancelled"
    refused = await accept(queue)
    await queue.record_result((await claim(queue)).submission, TEMPORARY, NOW)
    assert (await queue.cancel(refused.id, NOW)).state == "cancelled"


async def test_hold_and_release(queue):
    """A held text is not claimed until it is released."""
    message = await accept(queue)
    assert (await queue.hold(message.id, NOW)).state == "held"
    assert await queue.claim("m1", 9, NOW) == []
    assert (await queue.release(message.id, NOW)).state == "queued"
    assert len(await queue.claim("m1", 9, NOW)) == 1
    assert (await kinds(queue, message))[1:3] == ["message.held", "message.released"]


async def test_retry_now(queue):
    """A text in back-off is due at once when an operator says so."""
    message = await accept(queue)
    await queue.record_result((await claim(queue)).submission, TEMPORARY, NOW)
    assert (await queue.retry(message.id, NOW)).due == 0
    assert (await claim(queue)).message == message.id


@pytest.mark.parametrize("end", [MessageState.FAILED, MessageState.CANCELLED, MessageState.EXPIRED])
async def test_retry_of_an_ended_text_is_a_copy(queue, end):
    """What is over stays over: retry makes a new text with the same words and as much time; its key is not taken."""
    message = await accept(queue, "again", key="k", key_digest="aa", expires=NOW + HOUR)
    if end is MessageState.CANCELLED:
        await queue.cancel(message.id, NOW)
    elif end is MessageState.EXPIRED:
        await queue.expire(NOW + HOUR)
    else:
        await queue.record_result((await claim(queue)).submission, PERMANENT, NOW)
    copy = await queue.retry(message.id, NOW + DAY)
    assert (copy.state, copy.text, copy.key, copy.expires) == ("queued", "again", "", NOW + DAY + HOUR)
    assert copy.id != message.id
    assert await state(queue, message) == end


async def _in(queue, state_: str) -> str:
    """The id of a text in a state."""
    if state_ == "uncertain":
        return (await uncertain(queue))[0].id
    if state_ == "sent":
        return (await sent(queue)).id
    if state_ == "received":
        return (await received(queue)).id
    message = await accept(queue, held=state_ == "held")
    if state_ == "sending":
        await claim(queue)
    if state_ == "cancelled":
        await queue.cancel(message.id, NOW)
    return message.id


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        pytest.param("cancel", ("sending", "sent", "uncertain", "cancelled", "received"), id="cancel"),
        pytest.param("hold", ("held", "sending", "sent", "uncertain", "cancelled", "received"), id="hold"),
        pytest.param("release", ("sending", "sent", "uncertain", "cancelled", "received", "queued"), id="release"),
        pytest.param("retry", ("held", "sending", "sent", "uncertain", "received"), id="retry"),
        pytest.param("settle", ("held", "sending", "sent", "cancelled", "received", "queued"), id="settle"),
    ],
)
async def test_conflicts(queue, verb, states):
    """In every other state the verb is a Conflict that changes nothing; an unknown id is NotFound."""

    async def call(id_: str):
        more = (Settled("sent", "ann"),) if verb == "settle" else ()
        await getattr(queue, verb)(id_, *more, NOW)

    for state_ in states:
        id_ = await _in(queue, state_)
        before = await kinds(queue)
        with pytest.raises(Conflict):
            await call(id_)
        assert (await state(queue, id_), await kinds(queue)) == (state_, before)
    with pytest.raises(NotFound):
        await call("msg_0000000000000")


async def test_cancel_after_a_part_went(queue):
    """A text of which a part went cannot be cancelled any more."""
    message, segment = await accept(queue, "ab", parts=2), await claim(queue)
    second = await queue.record_result(segment.submission, Accepted("1"), NOW)
    await queue.unsubmit(second.submission, "left", NOW)
    with pytest.raises(Conflict):
        await queue.cancel(message.id, NOW)


# ---- settle --------------------------------------------------------------------------------------------------------


async def test_settle_sent(queue):
    """Settled as sent: the attempt counts as accepted; who said so is in the event."""
    message, _ = await uncertain(queue)
    assert (await queue.settle(message.id, Settled("sent", "ann", "she called"), NOW)).state == "sent"
    settled = await data(queue, "message.settled")
    assert settled == {"how": "sent", "by": "operator", "who": "ann", "why": "she called"}


async def test_settle_sent_goes_on(queue):
    """Part 1 of 2 settled as sent: part 2 is claimed next, part 1 never again."""
    message, _ = await uncertain(queue, text="ab", parts=2)
    assert (await queue.settle(message.id, Settled("sent", "ann"), NOW)).state == "queued"
    assert (await claim(queue)).part == 2


async def test_settle_resend(queue):
    """Sent again: marked as a possible duplicate; a late yes to the first attempt before that stops the second."""
    message, attempt = await uncertain(queue)
    settled = await queue.settle(message.id, Settled("resend", "ann"), NOW)
    assert (settled.state, "possible duplicate" in settled.reason) == ("queued", True)
    await queue.record_result(attempt, Accepted("5"), NOW)
    assert await state(queue, message) == "sent"


async def test_settle_fail(queue):
    """Settled as not sent: failed, and a report that comes later changes nothing."""
    message, attempt = await uncertain(queue)
    assert (await queue.settle(message.id, Settled("fail", "ann"), NOW)).state == "failed"
    await queue.record_result(attempt, Accepted("5"), NOW)
    assert await state(queue, message) == "failed"


async def test_settle_wants_a_known_word(queue):
    """Any other decision is refused and nothing changes."""
    message, _ = await uncertain(queue)
    with pytest.raises(RequestRefused):
        await queue.settle(message.id, Settled("maybe", "ann"), NOW)
    assert await state(queue, message) == "uncertain"


# ---- expire --------------------------------------------------------------------------------------------------------


async def test_expire(queue):
    """Queued and held texts past their validity expire; the others stay, and so does what is on its way."""
    soon = {"expires": NOW + SECOND}
    under_way = [(await uncertain(queue, **soon))[0], await accept(queue, **soon)]
    await claim(queue)
    in_back_off, _ = await uncertain(queue, class_=MessageClass.ALARM, **soon)
    gone = [in_back_off, await accept(queue, **soon), await accept(queue, held=True, **soon)]
    stay = [*under_way, await accept(queue), await accept(queue, expires=NOW + HOUR)]
    assert await queue.expire(NOW + SECOND - 1) == 0
    assert await queue.expire(NOW + SECOND) == 3
    assert [await state(queue, m) for m in gone] == ["expired"] * 3
    assert [await state(queue, m) for m in stay] == ["uncertain", "sending", "queued", "queued"]


async def test_clock_that_was_wrong(queue):
    """A back-off counted from a clock that was years ahead ends when the clock is right again."""
    message, segment = await accept(queue, now=NOW + 4000 * DAY), await claim(queue, now=NOW + 4000 * DAY)
    await queue.record_result(segment.submission, TEMPORARY, NOW + 4000 * DAY)
    assert await queue.claim("m1", 1, NOW) == []
    assert await queue.expire(NOW) == 1
    assert (await claim(queue)).message == message.id
