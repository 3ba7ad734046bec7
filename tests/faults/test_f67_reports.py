"""F67: status reports of every kind, of texts that nobody sent, and twice."""

import pytest

from smsgwd.model import Accepted
from tests.contract.making import DOUBT, THEM, accept, claim, kinds, state
from tests.faults.arriving import gate, report

#: TP-ST -> what becomes of a text that was sent (TS 23.040 section 9.2.3.15); gaps are reserved or the centre's own
TABLE: list[tuple[range, str]] = [
    (range(0x01), "delivered"),  # received
    (range(0x01, 0x20), "sent"),  # forwarded, replaced, and unknown but good: nothing more comes
    (range(0x20, 0x40), "sent"),  # the service centre is still trying
    (range(0x40, 0x46), "failed"),  # permanent
    (range(0x46, 0x47), "expired"),  # validity period expired
    (range(0x47, 0x60), "failed"),
    (range(0x60, 0x80), "failed"),  # temporary, but the service centre gave up
    (range(0x80, 0x100), "failed"),  # reserved
]
CASES = [(st, wanted) for values, wanted in TABLE for st in values]
TRYING = range(0x20, 0x40)


async def sent(door, mr: int, to: str = THEM):
    """A text that the network took under this reference."""
    message = await accept(door.queue, to=to)
    segment = await claim(door.queue)
    await door.queue.record_result(segment.submission, Accepted(str(mr)), door.clock.now())
    return message


async def test_f67_every_value_by_the_table(tmp_path):
    """A report of each of the 256 values of TP-ST does what the table says, and no other text is touched."""
    assert [st for st, _ in CASES] == list(range(256))
    async with gate(tmp_path) as door:
        bystander = await sent(door, 0, to="+15550100888")
        for st, wanted in CASES:
            message = await sent(door, st)
            await door.takes(report(st, st, done=st))
            assert (f"0x{st:02X}", await state(door.queue, message)) == (f"0x{st:02X}", wanted)
        assert await state(door.queue, bystander) == "sent"
        assert "report.orphan" not in await kinds(door.queue)


@pytest.mark.parametrize("st", TRYING)
async def test_f67_still_trying_then_delivered(tmp_path, st):
    """While the service centre is still trying, a further report is waited for, and counts."""
    async with gate(tmp_path) as door:
        message = await sent(door, 7)
        await door.takes(report(7, st))
        assert (await kinds(door.queue))[-1] == "report.pending"
        await door.takes(report(7, 0x00, done=60))
        assert await state(door.queue, message) == "delivered"


@pytest.mark.parametrize("again", [st for st, _ in CASES if st < 0x80], ids="{:02X}".format)
async def test_f67_after_the_end_nothing_counts(tmp_path, again):
    """A report after a delivery, of whatever value, changes nothing and is no orphan: a delivered text stays so."""
    async with gate(tmp_path) as door:
        message = await sent(door, 7)
        await door.takes(report(7))
        before = await kinds(door.queue)
        await door.takes(report(7, again, done=2))
        assert await state(door.queue, message) == "delivered"
        assert await kinds(door.queue) == before


async def test_f67_twice(tmp_path):
    """The very same report again, after a failure too, changes nothing."""
    async with gate(tmp_path) as door:
        message = await sent(door, 7)
        for _ in range(3):
            await door.takes(report(7, 0x41))
        assert await state(door.queue, message) == "failed"
        assert (await kinds(door.queue)).count("message.failed") == 1


@pytest.mark.parametrize(
    ("mr", "to"),
    [
        pytest.param(8, THEM, id="a reference never given"),
        pytest.param(7, "+15550100888", id="somebody never written to"),
        pytest.param(8, "+15550100888", id="neither"),
    ],
)
async def test_f67_of_a_part_never_sent(tmp_path, mr, to):
    """A report that fits no text of ours touches none, is kept with its octets, and is told to operators; so is a copy."""
    async with gate(tmp_path) as door:
        message = await sent(door, 7)
        await door.takes(report(mr, 0x41, to=to), report(mr, 0x41, to=to))
        assert await state(door.queue, message) == "sent"
        kept = door.rows("SELECT hex(raw) FROM report_orphan")
        assert set(kept) == {(report(mr, 0x41, to=to),)}
        assert "report.orphan" in await kinds(door.queue)


async def test_f67_of_one_part_of_three(tmp_path):
    """Each part has its report: the text is delivered with the last one, and a report on a part that was never sent is
    nobody's."""
    async with gate(tmp_path) as door:
        message = await accept(door.queue, "abc", parts=3)
        segment = await claim(door.queue)
        for mr in (10, 11):
            segment = await door.queue.record_result(segment.submission, Accepted(str(mr)), door.clock.now())
        await door.takes(report(10), report(11), report(12, 0x41))
        assert (await kinds(door.queue))[-1] == "report.orphan"
        await door.queue.record_result(segment.submission, Accepted("13"), door.clock.now())
        assert await state(door.queue, message) == "sent"
        await door.takes(report(13))
        assert await state(door.queue, message) == "delivered"


async def test_f67_settles_the_one_in_doubt(tmp_path):
    """A report that fits the one text in doubt settles it; where two may be meant, both stay in doubt."""
    async with gate(tmp_path) as door:
        message = await accept(door.queue)
        await door.queue.record_result((await claim(door.queue)).submission, DOUBT, door.clock.now())
        await door.takes(report(77))
        assert await state(door.queue, message) == "delivered"
        two = [await accept(door.queue) for _ in range(2)]
        for _ in two:
            (segment,) = await door.queue.claim("m1", 1, door.clock.now())
            await door.queue.record_result(segment.submission, DOUBT, door.clock.now())
        await door.takes(report(78))
        assert [await state(door.queue, m) for m in two] == ["uncertain", "uncertain"]
