"""F63: UCS-2 that is no valid UTF-16."""

import pytest

from tests.contract.making import HOUR, SECOND
from tests.faults.arriving import concat, gate, ucs2

#: the two halves of an emoji, U+1F600
HIGH, LOW = b"\xd8\x3d", b"\xde\x00"
YA = "я".encode("utf-16-be")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param(YA + b"\x04", "я", id="odd length"),
        pytest.param(b"\x04", "", id="one octet"),
        pytest.param(YA + HIGH, "я\ufffd", id="high half at the end"),
        pytest.param(HIGH + YA, "\ufffdя", id="high half before a letter"),
        pytest.param(LOW + YA, "\ufffdя", id="low half alone"),
        pytest.param(LOW + HIGH, "\ufffd\ufffd", id="halves the wrong way round"),
        pytest.param(HIGH + HIGH + LOW, "\ufffd😀", id="half before a whole one"),
        pytest.param(b"\xfe\xff" + YA, "я", id="byte order mark"),
        pytest.param(b"\xff\xfe" + "я".encode("utf-16-le"), "я", id="mark of the other order"),
        pytest.param(YA + b"\xff\xff" + YA, "я\uffffя", id="no character"),
        pytest.param(b"\0\0" + YA, "\0я", id="NUL"),
    ],
)
async def test_f63_text_is_valid_and_octets_are_kept(tmp_path, octets, text):
    """What is no character becomes U+FFFD, an odd octet goes, a byte order mark is obeyed; the text is stored whatever
    came, its octets are kept as they were, and the next text is taken."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2(octets), ucs2("next"))
        assert await door.inbox() == [("received", text), ("received", "next")]
        assert door.raw() == [ucs2(octets), ucs2("next")]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in order", "second first"])
async def test_f63_a_pair_over_two_parts(tmp_path, order):
    """A phone that cuts an emoji in two halves, one at the end of part 1 and one at the start of part 2: it comes out
    whole."""
    pdus = {1: ucs2(YA + HIGH, header=concat(1, 2)), 2: ucs2(LOW + YA, header=concat(2, 2))}
    async with gate(tmp_path) as door:
        await door.takes(*(pdus[n] for n in order))
        assert await door.inbox() == [("received", "я😀я")]


async def test_f63_half_a_pair_whose_other_part_is_late(tmp_path):
    """While the part with the other half is missing, the half shows as U+FFFD; when it comes after all, the emoji is whole:
    nothing was lost by the replacement."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2(YA + HIGH, header=concat(1, 2)))
        door.clock.move(HOUR / SECOND)
        await door.queue.expire(door.clock.now())
        assert await door.inbox() == [("partial", "я\ufffd")]
        await door.takes(ucs2(LOW, header=concat(2, 2)))
        assert await door.inbox() == [("received", "я😀")]


async def test_f63_an_odd_part_does_not_shift_the_next(tmp_path):
    """Part 1 of an odd length: its last octet goes, and part 2 is read from its own start."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2(YA + b"\x04", header=concat(1, 2)), ucs2("да", header=concat(2, 2)))
        assert await door.inbox() == [("received", "яда")]


async def test_f63_a_character_over_two_odd_parts(tmp_path):
    """Two parts of odd lengths whose whole is even: the octets at the border are one character."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2(YA + b"\x04", header=concat(1, 2)), ucs2(b"\x34" + YA, header=concat(2, 2)))
        assert await door.inbox() == [("received", "ядя")]
