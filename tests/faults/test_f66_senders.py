"""F66: senders that nobody can answer."""

import pytest

from smsgwd.modem.mapping import read_pdu
from tests.contract.making import THEM
from tests.faults.answering import answers, suppressed
from tests.faults.arriving import gate, letters, number, septets, swapped
from tests.faults.test_f60_headers import READ_AT

NO_NUMBER, SHORT = "the sender is no number", "the sender is a short code"


@pytest.mark.parametrize(
    ("sender", "shown", "why"),
    [
        pytest.param(letters("BANK"), "BANK", NO_NUMBER, id="letters"),
        pytest.param(letters("+"), "+", NO_NUMBER, id="a plus sign as letters"),
        pytest.param(bytes((0, 0x91)), "", NO_NUMBER, id="international, no digits: only a plus sign"),
        pytest.param(bytes((0, 0x81)), "", NO_NUMBER, id="empty"),
        pytest.param(bytes((0, 0xD0)), "", NO_NUMBER, id="no letters"),
        pytest.param(number("+" + "1234567890" * 2), "+" + "1234567890" * 2, "no-reply-address", id="20 digits"),
        pytest.param(number("1234567890" * 2), "1234567890" * 2, "no-reply-address", id="20 digits, national"),
        pytest.param(number("12345"), "12345", SHORT, id="short code"),
        pytest.param(bytes((5, 0x81)) + swapped("2A1B0"), "2*1#0", NO_NUMBER, id="star and hash"),
        pytest.param(bytes((4, 0x91)) + b"\xff\xff", "", NO_NUMBER, id="fill alone"),
    ],
)
async def test_f66_never_answered(tmp_path, sender, shown, why):
    """A sender that is no number, or none that exists: the text is stored under the sender as it came, and no rule answers
    it."""
    async with gate(tmp_path) as door:
        await door.takes(septets(b"hello", sender=sender))
        assert door.rows("SELECT peer, text, state FROM message") == [(shown, "hello", "received")]
        assert await answers(door, tmp_path) == []
        (reason,) = await suppressed(door)
        assert why in reason


async def test_f66_a_person_is_answered(tmp_path):
    """The same rules answer a number."""
    async with gate(tmp_path) as door:
        await door.takes(septets(b"hello"))
        assert await answers(door, tmp_path) == [THEM]


async def test_f66_sender_longer_than_any(tmp_path):
    """An address that says 21 digits is none: the octets are kept, nobody is a contact, nothing is answered."""
    pdu = septets(b"hello", sender=bytes((21, 0x91)) + swapped("123456789012345678901"))
    async with gate(tmp_path) as door:
        await door.takes(pdu)
        assert door.raw() == [pdu]
        assert door.rows("SELECT count(*) FROM contact") == [(0,)]
        assert await answers(door, tmp_path) == []
    assert read_pdu(pdu, READ_AT).fault
