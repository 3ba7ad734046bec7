"""The user data header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms.udh import Concat, Element, Ports, UserDataHeader, decode_header, header_of


def read(octets: str) -> UserDataHeader:
    header, used = decode_header(bytes.fromhex(octets))
    assert used == len(bytes.fromhex(octets))
    return header


@pytest.mark.parametrize(
    ("octets", "concat"),
    [
        pytest.param("0500032A0201", Concat(0x2A, 8, 1, 2), id="8 bit"),
        pytest.param("06080412340201", Concat(0x1234, 16, 1, 2), id="16 bit"),
        pytest.param("060804FFFFFFFF", Concat(0xFFFF, 16, 255, 255), id="255 parts"),
        pytest.param("0B05040B8423F00003CC0201", Concat(0xCC, 8, 1, 2), id="behind ports"),
        pytest.param("0A00030102010003030402", Concat(3, 8, 2, 4), id="twice: the last one"),
        pytest.param("0B0003010201080400010302", Concat(1, 16, 2, 3), id="both sizes: the last one"),
        pytest.param("0401020304", None, id="none"),
        pytest.param("0400022A02", None, id="of a wrong length"),
    ],
)
def test_concatenation(octets: str, concat: Concat | None) -> None:
    """TS 23.040 section 9.2.3.24.1 and .8."""
    assert read(octets).concat == concat
    assert not read(octets).bad_concat


@pytest.mark.parametrize("octets", ["0500032A0200", "0500032A0203", "0500032A0000", "0500032A0001", "06080412340003"])
def test_numbers_that_make_no_sense(octets: str) -> None:
    """Part 0, part above the total, total 0: no concatenation, and a caller can see it."""
    header = read(octets)
    assert header.concat is None
    assert header.bad_concat
    assert header.concat_as_sent is not None


@pytest.mark.parametrize("octets", ["0500042A0201", "0400032A02", "0100", "06080412340201FF"[:-2] + "00"])
def test_lengths_that_lie(octets: str) -> None:
    """The elements mean nothing then, and stay visible as far as they go; the text begins after UDHL all the same."""
    raw = bytes.fromhex(octets)
    header, used = decode_header(raw)
    assert used == 1 + raw[0]
    if used == len(raw):
        assert header.malformed
        assert header.concat is None
        assert (header.locking, header.single, header.ports) == (0, 0, None)


@pytest.mark.parametrize("octets", ["", "01", "200003", "FF"])
def test_longer_than_the_data(octets: str) -> None:
    """PduError."""
    with pytest.raises(PduError, match="header"):
        decode_header(bytes.fromhex(octets))


def test_an_empty_header() -> None:
    """UDHL 0 is no fault."""
    assert decode_header(b"\0text") == (UserDataHeader(), 1)


def test_ports_and_machines() -> None:
    """Both sizes; SIM toolkit headers and message indications are no text of a person."""
    assert read("06050423F40000").ports == Ports(9204, 0, 16)
    assert read("0404020201").ports == Ports(2, 1, 8)
    assert read("06050423F40000").for_machines
    assert read("027000").for_machines
    assert read("0401028003").for_machines
    assert not read("0500032A0201").for_machines


def test_national_tables() -> None:
    """Single and locking shift."""
    header = read("06240101250103")
    assert (header.single, header.locking) == (1, 3)


def test_unknown_elements_are_kept() -> None:
    """In order, with their values."""
    assert read("07C002ABCD240101"[:16]).elements == (Element(0xC0, b"\xab\xcd"), Element(0x24, b"\x01"))


def test_what_goes_out() -> None:
    """8-bit up to 255, single before locking; nothing at all without elements."""
    assert header_of(concat=Concat(0x2A, 8, 1, 2)).encode().hex() == "0500032a0201"
    assert header_of(concat=Concat(0x1234, 16, 1, 2)).encode().hex() == "06080412340201"
    assert header_of(locking=1, single=2).encode().hex() == "06240102250101"
    assert header_of().encode() == b""


def test_a_header_that_does_not_fit() -> None:
    """140 octets are all there is."""
    with pytest.raises(PduError):
        UserDataHeader((Element(0x70, bytes(138)),)).encode()


elements = st.builds(Element, st.integers(0, 255), st.binary(max_size=20))


@given(st.lists(elements, min_size=1, max_size=5).map(lambda e: UserDataHeader(tuple(e))), st.binary(max_size=10))
def test_round_trip(header: UserDataHeader, text: bytes) -> None:
    """And the text begins where it should."""
    octets = header.encode()
    assert decode_header(octets + text) == (header, len(octets))


@given(st.binary(max_size=60))
def test_any_octets(octets: bytes) -> None:
    """A header that can be asked anything, or PduError."""
    try:
        header, used = decode_header(octets)
    except PduError:
        return
    assert used <= len(octets)
    assert header.concat is None or 1 <= header.concat.part <= header.concat.parts
    _ = (header.ports, header.locking, header.single, header.for_machines, header.bad_concat)
