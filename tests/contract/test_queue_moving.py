"""What every engine of the queue promises of texts that move to another link."""

import msgspec

from smsgwd.model import Accepted, InDoubt, MessageClass
from smsgwd.queue.interface import Move
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import split
from tests.contract.making import HOUR, NOW, accept, data, state


async def test_reroute(queue):
    """Queued texts move, oldest first; pinned ones, begun ones and ended ones stay."""
    free, pinned = await accept(queue, "free"), await accept(queue, "pinned", pinned=True)
    begun = await accept(queue, "ab", parts=2, class_=MessageClass.ALARM)
    segment = (await queue.claim("m1", 1, NOW))[0]
    second = await queue.record_result(segment.submission, Accepted("1"), NOW)
    await queue.unsubmit(second.submission, "left", NOW)
    assert [m.id for m in await queue.waiting("m1", 10)] == [free.id]
    assert await queue.reroute([Move(m.id, "m2", split(m.text)) for m in (free, pinned, begun)], NOW) == 1
    assert (await queue.message(free.id)).from_ == "+15550100200"
    assert [s.message for s in await queue.claim("m2", 9, NOW)] == [free.id]
    assert (await data(queue, "message.rerouted"))["from"] == "m1"


async def test_reroute_with_another_plan(queue):
    """A text moves as the other link will send it: alphabet, words, cuts, and a reference once it has parts."""
    before = await accept(queue, "ab", parts=2, link="m2")
    (other,) = await queue.claim("m2", 9, NOW)
    assert other.message == before.id
    m = await accept(queue, "€" * 80)
    plan = split("€" * 80, alphabet=Alphabet.UCS2)
    assert await queue.reroute([Move(m.id, "m2", plan)], NOW) == 1
    moved = await queue.message(m.id)
    assert (moved.parts, moved.encoding, moved.link) == (2, Alphabet.UCS2, "m2")
    (first,) = await queue.claim("m2", 9, NOW)
    second = await queue.record_result(first.submission, Accepted("1"), NOW)
    assert ([first.text, second.text], second.alphabet) == (["€" * 67, "€" * 13], Alphabet.UCS2)
    assert (first.parts, first.ref, first.ref == other.ref) == (2, second.ref, False)
    assert first.ref == (other.ref + 1) % 256
    back = await accept(queue, "ab", parts=2)
    assert await queue.reroute([Move(back.id, "m2", split("ab"))], NOW) == 1
    (whole,) = await queue.claim("m2", 9, NOW)
    assert (whole.text, whole.parts) == ("ab", 1)


async def test_reroute_of_a_text_for_later(queue):
    """What was left to the SMSC of one link waits here for another that does not do so, and there for one that does."""
    here, there = [await accept(queue, "later", schedule=NOW + HOUR) for _ in range(2)]
    moves = [Move(here.id, "m2", split("later")), Move(there.id, "m2", split("later"), waits_there=True)]
    assert await queue.reroute(moves, NOW) == 2
    assert [(s.message, s.schedule) for s in await queue.claim("m2", 9, NOW)] == [(there.id, NOW + HOUR)]
    assert [(s.message, s.schedule) for s in await queue.claim("m2", 9, NOW + HOUR)] == [(here.id, 0)]


async def test_reroute_of_what_may_be_on_its_way(queue):
    """A text whose first part is in doubt moves only with the same number of parts: a late answer counts for a part."""
    m = await accept(queue, "ab", parts=2, class_=MessageClass.ALARM)
    (segment,) = await queue.claim("m1", 1, NOW)
    await queue.record_result(segment.submission, InDoubt("no answer"), NOW)
    assert await state(queue, m) == "queued"
    assert await queue.reroute([Move(m.id, "m2", split("ab"))], NOW) == 0
    two = msgspec.structs.replace(split("ab"), cuts=(0, 1), units=(1, 1))
    assert await queue.reroute([Move(m.id, "m2", two)], NOW) == 1
