"""F62: septets at their edges: escapes that lead nowhere, and fill bits that look like a letter."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.model import InboundSegment
from smsgwd.modem.mapping import read_pdu
from smsgwd.sms.join import join
from tests.faults.arriving import concat, deliver, gate, letters, packed, septets
from tests.faults.test_f60_headers import READ_AT

ESC = b"\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(b"A" + ESC, "A", id="ESC at the end"),
        pytest.param(ESC, "", id="ESC alone"),
        pytest.param(b"A" + ESC + ESC + b"B", "A B", id="ESC ESC is a space"),
        pytest.param(b"A" + ESC + ESC, "A ", id="ESC ESC at the end"),
        pytest.param(ESC + ESC + ESC + b"e", " €", id="ESC ESC, then a euro sign"),
        pytest.param(ESC + b"AB", "AB", id="unknown escape is its letter"),
        pytest.param(ESC + b"\x00", "@", id="unknown escape of code 0"),
        pytest.param(ESC + b"\x0a!", "\f!", id="ESC LF is a form feed"),
        pytest.param(ESC + b"e", "€", id="a known one"),
    ],
)
async def test_f62_escapes(tmp_path, text, shown):
    """Each way in which an escape can go wrong gives one text, always the same, and the octets are kept."""
    async with gate(tmp_path) as door:
        await door.takes(septets(text))
        assert await door.inbox() == [("received", shown)]
        assert door.raw() == [septets(text)]


@pytest.mark.parametrize("fill", [0x00, 0x55, 0x7F])
@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        pytest.param(b"seventy", 7, "seventy", id="7 septets and 7 bits left over"),
        pytest.param(b"hello", 5, "hello", id="5 septets and 5 bits left over"),
        pytest.param(b"seventy" * 22 + b"abcde", 159, "seventy" * 22 + "abcde", id="159 septets, 7 bits left over"),
    ],
)
async def test_f62_bits_left_over_are_no_letter(tmp_path, text, length, shown, fill):
    """What fills the last octet is never read, whatever it holds: no ``@`` at the end, nor anything else."""
    octets = (int.from_bytes(packed(text), "little") | fill << 7 * len(text)) & ((1 << 8 * len(packed(text))) - 1)
    pdu = deliver(octets.to_bytes(len(packed(text)), "little"), udl=length)
    async with gate(tmp_path) as door:
        await door.takes(pdu)
        assert await door.inbox() == [("received", shown)]


async def test_f62_an_at_sign_that_was_meant(tmp_path):
    """Eight septets of which the last is 0 are seven letters and ``@``: the length says so."""
    async with gate(tmp_path) as door:
        await door.takes(septets(b"seventy\x00"))
        assert await door.inbox() == [("received", "seventy@")]


@pytest.mark.parametrize("bits", range(7))
async def test_f62_fill_bits_after_a_header(tmp_path, bits):
    """Behind a header the text begins at a septet border, 0 to 6 bits later; the header's length decides it."""
    size = next(n for n in range(2, 9) if (-8 * (n + 1)) % 7 == bits)
    header = bytes((size, 0x2A, size - 2)) + bytes(size - 2)
    before = (8 * len(header) + 6) // 7
    async with gate(tmp_path) as door:
        await door.takes(deliver(packed(b"hello", bits), udl=before + 5, header=header))
        assert await door.inbox() == [("received", "hello")]


async def test_f62_an_escape_over_the_border_of_two_parts(tmp_path):
    """A phone that puts ESC at the end of part 1 and its code at the start of part 2 meant one character."""
    first, second = b"costs 5 " + ESC, b"e each"
    pdus = [
        deliver(packed(text, 1), udl=7 + len(text), header=concat(n, 2)) for n, text in enumerate((first, second), 1)
    ]
    async with gate(tmp_path) as door:
        await door.takes(*pdus)
        assert await door.inbox() == [("received", "costs 5 € each")]


async def test_f62_sender_of_seven_letters(tmp_path):
    """Seven letters fill 49 of 56 bits: the sender has no ``@`` at its end."""
    async with gate(tmp_path) as door:
        await door.takes(septets(b"hi", sender=letters("ACMEABC")))
        assert door.rows("SELECT peer FROM message") == [("ACMEABC",)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=140), st.integers(0, 160))
def test_f62_any_septets_give_a_text(octets, length):
    """Any octets under any length are read without an error, twice to the same text, which can be stored."""
    texts = set()
    for _ in range(2):
        read = read_pdu(deliver(octets, udl=length), READ_AT)
        assert isinstance(read, InboundSegment)
        assert read.fault == ""
        texts.add(join([(read.alphabet, read.locking, read.single, read.payload)]))
    (text,) = texts
    assert len(text) <= length
    assert text.encode("utf-8").decode() == text
