"""F68: TP-MR has 256 values, and more texts than that wait for their reports."""

import random

import pytest

from smsgwd.model import Accepted
from tests.contract.making import DAY, DOUBT, SECOND, THEM, accept, claim, kinds, state
from tests.faults.arriving import gate, report

OUTSTANDING = 300
#: seconds between two texts
PACE = 6


async def send(door, people: list[str]) -> list[tuple[str, int, int, str]]:
    """A text to each, one every six seconds, under references that wrap: (message, reference, second, to)."""
    sent = []
    for n, to in enumerate(people):
        mr, seconds = (n + 200) % 256, n * PACE
        message = await accept(door.queue, f"text {n}", to=to, now=door.clock.now())
        segment = await claim(door.queue, now=door.clock.now())
        await door.queue.record_result(segment.submission, Accepted(str(mr)), door.clock.now())
        sent.append((message.id, mr, seconds, to))
        door.clock.move(PACE)
    return sent


@pytest.mark.parametrize("seed", [1, 2])
async def test_f68_300_people(tmp_path, seed):
    """300 texts to 300 people wait when their reports come, shuffled: each report finds the text of its reference and its
    recipient; every third one failed, and it is that text that failed."""
    people = [f"+1555{n:07}" for n in range(OUTSTANDING)]
    async with gate(tmp_path) as door:
        sent = await send(door, people)
        await judged(door, sent, seed)


@pytest.mark.parametrize("seed", [1, 2])
async def test_f68_300_to_one_person(tmp_path, seed):
    """300 texts to one person: 44 references are outstanding twice, and the time at which the service centre took the text,
    which the report names, says which of the two is meant."""
    async with gate(tmp_path) as door:
        sent = await send(door, [THEM] * OUTSTANDING)
        await judged(door, sent, seed)


async def judged(door, sent, seed: int) -> None:
    """Reports on all texts in any order; every third says that it failed."""
    wanted = {message: "failed" if n % 3 == 0 else "delivered" for n, (message, *_) in enumerate(sent)}
    order = list(enumerate(sent))
    random.Random(seed).shuffle(order)
    end = len(sent) * PACE
    await door.takes(
        *(report(mr, 0x41 if n % 3 == 0 else 0, to=to, sent=at + 2, done=end + n) for n, (_, mr, at, to) in order)
    )
    assert {message: await state(door.queue, message) for message in wanted} == wanted
    assert "report.orphan" not in await kinds(door.queue)


async def test_f68_a_copy_is_not_for_the_text_before(tmp_path):
    """The report on the newer of two texts with one reference comes twice: the older one still waits for its own."""
    async with gate(tmp_path) as door:
        sent = await send(door, [THEM] * 257)
        (old, mr, at_old, _), (new, same, at_new, _) = sent[0], sent[-1]
        assert mr == same
        for _ in range(2):
            await door.takes(report(mr, 0x00, sent=at_new + 2, done=at_new + 9))
        assert (await state(door.queue, new), await state(door.queue, old)) == ("delivered", "sent")
        await door.takes(report(mr, 0x41, sent=at_old + 2, done=at_new + 20))
        assert (await state(door.queue, new), await state(door.queue, old)) == ("delivered", "failed")


async def test_f68_a_clock_that_is_wrong(tmp_path):
    """A service centre whose clock is hours off: a report still finds the only text that it can mean."""
    async with gate(tmp_path) as door:
        ((message, mr, at, to),) = await send(door, [THEM])
        await door.takes(report(mr, sent=at - 7200, done=at - 7100, to=to))
        assert await state(door.queue, message) == "delivered"


async def test_f68_the_same_reference_of_another_person(tmp_path):
    """A report under a reference of ours about somebody else's number is nobody's, in whatever form the number is written;
    the national form of the right one is known."""
    async with gate(tmp_path) as door:
        ((message, mr, at, _),) = await send(door, [THEM])
        await door.takes(report(mr, sent=at, to="+15550100778"))
        assert await state(door.queue, message) == "sent"
        await door.takes(report(mr, sent=at, to=THEM.removeprefix("+1")))
        assert await state(door.queue, message) == "delivered"


async def test_f68_a_reference_used_again_by_one_in_doubt(tmp_path):
    """A text was delivered yesterday; today another one to the same person is in doubt. A copy of yesterday's report says
    nothing about it; a report under the same reference whose time is today's settles it."""
    day = DAY // SECOND
    async with gate(tmp_path) as door:
        ((old, mr, at, _),) = await send(door, [THEM])
        await door.takes(report(mr, sent=at))
        door.clock.move(day - PACE)
        message = await accept(door.queue, "today", now=door.clock.now())
        segment = await claim(door.queue, now=door.clock.now())
        await door.queue.record_result(segment.submission, DOUBT, door.clock.now())
        await door.takes(report(mr, sent=at, done=day))
        assert (await state(door.queue, old), await state(door.queue, message)) == ("delivered", "uncertain")
        await door.takes(report(mr, sent=day + 1, done=day + 2))
        assert await state(door.queue, message) == "delivered"
