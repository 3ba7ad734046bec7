"""TP-UDL and TP-UD: where the text begins behind a header, and what fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.udh import NO_HEADER, Element, UserDataHeader
from smsgwd.sms.userdata import UserData, compose_user_data, decode_user_data, payload_of, user_data
from tests.sms.made import headers, octet, user_data_of
from tests.sms.test_gsm7 import packed_by_definition

G, D, U = Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2


@pytest.mark.parametrize(
    ("octets_of_header", "fill", "septets_of_header"),
    [(3, 4, 4), (4, 3, 5), (5, 2, 6), (6, 1, 7), (7, 0, 8), (8, 6, 10), (9, 5, 11), (10, 4, 12), (14, 0, 16)],
)
def test_fill_bits(octets_of_header: int, fill: int, septets_of_header: int) -> None:
    """Septets begin at a septet border after the header (section 9.2.3.24); TP-UDL counts header and fill."""
    header = UserDataHeader((Element(0xC0, bytes(octets_of_header - 3)),))
    octets = UserData(G, b"hello", header).encode()
    assert octets[0] == septets_of_header + 5
    assert octets[1 + octets_of_header :] == packed_by_definition(b"hello", fill)


@given(headers, st.lists(st.integers(0, 127), max_size=80).map(bytes))
def test_fill_bits_by_definition(header: UserDataHeader, septets: bytes) -> None:
    """Header and septets, bit by bit, whatever the header's length."""
    head = header.encode()
    octets = UserData(G, septets, header).encode()
    bits = -(8 * len(head)) % 7
    assert octets == bytes(((8 * len(head) + bits) // 7 + len(septets),)) + head + packed_by_definition(septets, bits)


def test_hellohello() -> None:
    """Ten septets are nine octets, by the figures of TS 23.038 section 6.1.2.1.1."""
    assert UserData(G, b"hellohello").encode().hex().upper() == "0AE8329BFD4697D9EC37"
    assert packed_by_definition(b"hellohello", 0).hex().upper() == "E8329BFD4697D9EC37"


@pytest.mark.parametrize("count", [6, 7, 8, 9, 14, 15, 16])
def test_the_septet_left_over_is_no_character(count: int) -> None:
    """Seven septets leave seven bits free in their seventh octet; TP-UDL tells that they are not an ``@``."""
    octets = UserData(G, b"a" * count).encode()
    found, used = decode_user_data(octets[0], octets[1:], False, decode_dcs(0))
    assert (found.text, used) == ("a" * count, (7 * count + 7) // 8)


@pytest.mark.parametrize(
    ("dcs", "length", "rest", "payload", "truncated", "used"),
    [
        pytest.param(0x00, 5, "E8329BFD06", b"hello", False, 5, id="septets"),
        pytest.param(0x00, 5, "E8329BFD06FFFF", b"hello", False, 5, id="trailing octets are not taken"),
        pytest.param(0x00, 5, "E8329B", b"hel", True, 3, id="septets that are there"),
        pytest.param(0x00, 0, "", b"", False, 0, id="empty"),
        pytest.param(0x00, 255, "E8", b"h", True, 1, id="a length that no TPDU has"),
        pytest.param(0x08, 4, "044F044F", b"\x04\x4f\x04\x4f", False, 4, id="octets of UCS-2"),
        pytest.param(0x08, 4, "044F04", b"\x04\x4f\x04", True, 3, id="half a character"),
        pytest.param(0x04, 2, "DEADBEEF", b"\xde\xad", False, 2, id="data"),
        pytest.param(0x20, 2, "DEAD", b"\xde\xad", False, 2, id="compressed: raw, counted in octets"),
    ],
)
def test_reading(dcs: int, length: int, rest: str, payload: bytes, truncated: bool, used: int) -> None:
    """TP-UDL counts septets or octets; what is missing is marked."""
    found, taken = decode_user_data(length, bytes.fromhex(rest), False, decode_dcs(dcs))
    assert (found.payload, found.truncated, found.header, taken) == (payload, truncated, NO_HEADER, used)


def test_a_header_and_nothing_else() -> None:
    """TP-UDL ends inside the fill bits, or right behind the header."""
    for length in (7, 6):
        found, used = decode_user_data(length, bytes.fromhex("0500032A0201"), True, decode_dcs(0))
        assert (found.payload, used, found.header.concat is not None) == (b"", 6, True)


@pytest.mark.parametrize("rest", ["", "05", "0500032A02"])
def test_a_header_that_is_cut(rest: str) -> None:
    """PduError."""
    with pytest.raises(PduError, match="header"):
        decode_user_data(12, bytes.fromhex(rest), True, decode_dcs(0))


def test_data_has_no_text() -> None:
    """Nobody should read it as one."""
    assert UserData(D, b"hello").text == ""


def test_payloads() -> None:
    """Septets, UTF-16BE, octets; PduError for what cannot be written."""
    assert payload_of("€", G) == b"\x1b\x65"
    assert payload_of("ğ", G, single=1) == b"\x1b\x67"
    assert payload_of("😀", U).hex() == "d83dde00"
    assert payload_of("\xff", D) == b"\xff"
    for text, alphabet in (("я", G), ("Ā", D)):
        with pytest.raises(PduError):
            payload_of(text, alphabet)


def test_header_and_payload_apart() -> None:
    """What SMPP sends: no fill bits, no TP-UDL."""
    assert user_data("hi", G) == (b"", b"hi")
    head, payload = user_data("hi", G, locking=1, single=1, ref=7, part=1, parts=2)
    assert (head.hex(), payload) == ("0b0003070201240101250101", b"hi")


def test_a_table_alone_takes_a_header() -> None:
    """And part one of one takes none."""
    assert compose_user_data("a", G, single=2).header.single == 2
    assert compose_user_data("a", G, ref=300).header == NO_HEADER


@given(octet.flatmap(lambda dcs: st.tuples(st.just(dcs), user_data_of(dcs))), st.binary(max_size=5))
def test_round_trip(made: tuple[int, UserData], behind: bytes) -> None:
    """In every data coding, with and without header, whatever follows."""
    dcs, ud = made
    octets = ud.encode()
    assert len(octets) <= 141
    found, used = decode_user_data(octets[0], octets[1:] + behind, bool(ud.header.elements), decode_dcs(dcs))
    assert (found, used) == (ud, len(octets) - 1)


@given(octet, st.binary(max_size=300), st.booleans(), octet)
def test_any_octets(length: int, rest: bytes, has_header: bool, dcs: int) -> None:
    """PduError, or no more than there was."""
    try:
        found, used = decode_user_data(length, rest, has_header, decode_dcs(dcs))
    except PduError:
        assert has_header
        return
    assert used <= min(len(rest), 255)
    assert len(found.payload) <= max(length, 0)
    assert found.text.encode("utf-8").decode() == found.text
