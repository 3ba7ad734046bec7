"""TP addresses and the SMSC's."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms.address import Address, TypeOfNumber, encode_address, encode_smsc, read_address, read_smsc
from smsgwd.sms.national import BASIC
from smsgwd.sms.octets import Octets

T = TypeOfNumber


def read(octets: bytes) -> Address:
    source = Octets(octets)
    address = read_address(source, "TP-OA")
    assert source.left == 0
    return address


@pytest.mark.parametrize(
    ("address", "octets"),
    [
        pytest.param(Address("36641234567", T.INTERNATIONAL), "0B916346214365F7", id="international"),
        pytest.param(Address("06641234567", T.NATIONAL), "0BA16046214365F7", id="national"),
        pytest.param(Address("12345"), "05812143F5", id="short code"),
        pytest.param(Address("1234"), "04812143", id="even"),
        pytest.param(Address(""), "0081", id="empty"),
        pytest.param(Address("", T.INTERNATIONAL), "0091", id="empty international"),
        pytest.param(Address("2*1#0"), "0581A2B1F0", id="star and hash"),
        pytest.param(Address("0abc*#9"), "0781C0EDBAF9", id="letters of semi-octets"),
        pytest.param(Address("12345678901234567890", T.INTERNATIONAL), "149121436587092143658709", id="20 digits"),
        pytest.param(Address("ACMEABC", T.ALPHANUMERIC, 0), "0DD0C161B318140E01", id="seven letters"),
        pytest.param(Address("ACMEABCD", T.ALPHANUMERIC, 0), "0ED0C161B318140E89", id="eight letters"),
        pytest.param(Address("BANK", T.ALPHANUMERIC, 0), "07D0C2A07309", id="four letters"),
    ],
)
def test_both_ways(address: Address, octets: str) -> None:
    """Each kind, with the length in semi-octets."""
    raw = bytes.fromhex(octets)
    assert encode_address(address) == raw
    assert read(raw) == address


def test_a_number_without_plus_is_toa_81() -> None:
    """Unknown type, telephone plan."""
    assert encode_address(Address.parse("0664123"))[1] == 0x81
    assert encode_address(Address.parse("+43664123"))[1] == 0x91


def test_seven_letters_show_no_eighth() -> None:
    """Also for a sender that counts 14 semi-octets."""
    assert read(bytes.fromhex("0DD0C161B318140E01")).text == "ACMEABC"
    assert read(bytes.fromhex("0ED0C161B318140E01")).text == "ACMEABC"


def test_letters_may_be_any_of_the_alphabet() -> None:
    """Extension characters take two septets."""
    address = Address("Grüße{1}", T.ALPHANUMERIC, 0)
    assert read(encode_address(address)) == address


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(Address("1" * 21), id="21 digits"),
        pytest.param(Address("A" * 12, T.ALPHANUMERIC, 0), id="12 letters"),
        pytest.param(Address("Ж", T.ALPHANUMERIC, 0), id="a letter that GSM-7 lacks"),
        pytest.param(Address("12d4"), id="no semi-octet"),
        pytest.param(Address("+43"), id="plus among the digits"),
        pytest.param(Address("٣"), id="a digit of another script"),
    ],
)
def test_what_cannot_be_written_is_refused(address: Address) -> None:
    """With PduError, and without the address in its text."""
    with pytest.raises(PduError) as caught:
        encode_address(address)
    assert address.digits not in str(caught.value)


@pytest.mark.parametrize("octets", ["", "0B", "0B91", "0B9163462143", "159121436587092143658709F1", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"])
def test_damaged_addresses(octets: str) -> None:
    """Too short, or longer than the standard allows."""
    with pytest.raises(PduError, match="TP-OA"):
        read_address(Octets(bytes.fromhex(octets)), "TP-OA")


def test_fill_inside_a_number_is_left_out() -> None:
    """Seen in the field; nothing better can be made of it."""
    assert read(bytes.fromhex("0491F1F2")).digits == "12"


@pytest.mark.parametrize(
    ("smsc", "octets"),
    [
        pytest.param(None, "00", id="the modem's own"),
        pytest.param(Address("19436446500", T.INTERNATIONAL), "07919134466405F0", id="international"),
        pytest.param(Address("1234"), "03812143", id="short"),
        pytest.param(Address("", T.INTERNATIONAL), "0191", id="a type alone"),
    ],
)
def test_smsc_both_ways(smsc: Address | None, octets: str) -> None:
    """Its length counts octets."""
    raw = bytes.fromhex(octets)
    assert encode_smsc(smsc) == raw
    assert read_smsc(Octets(raw)) == smsc


def test_a_bad_smsc_is_refused() -> None:
    """Too long, cut, or letters."""
    for octets in ("0C9121436587092143658709F1", "0791", ""):
        with pytest.raises(PduError):
            read_smsc(Octets(bytes.fromhex(octets)))
    with pytest.raises(PduError):
        encode_smsc(Address("BANK", T.ALPHANUMERIC, 0))
    with pytest.raises(PduError):
        encode_smsc(Address("1" * 21))


@pytest.mark.parametrize(
    ("text", "ton"),
    [("+15550100", T.INTERNATIONAL), ("12345", T.UNKNOWN), ("*100#", T.UNKNOWN), ("", T.UNKNOWN), ("BANK", T.ALPHANUMERIC),
     ("+", T.ALPHANUMERIC), ("+٣٤", T.ALPHANUMERIC)],
)  # fmt: skip
def test_what_people_write(text: str, ton: TypeOfNumber) -> None:
    """And it reads the same again."""
    assert Address.parse(text).ton is ton
    assert Address.parse(text).text == text


numbers = st.builds(
    Address,
    st.text("0123456789*#abc", max_size=20),
    st.sampled_from([t for t in T if t is not T.ALPHANUMERIC]),
    st.integers(0, 15),
)
letters = st.builds(
    Address, st.text(sorted(set(BASIC) - {"\x1b", "@"}), max_size=11), st.just(T.ALPHANUMERIC), st.integers(0, 15)
)


@given(numbers | letters)
def test_round_trip(address: Address) -> None:
    """All types, plans and lengths."""
    assert read(encode_address(address)) == address


@given(st.binary(max_size=20))
def test_any_octets(octets: bytes) -> None:
    """An address, or PduError."""
    for reader in (lambda: read_address(Octets(octets), "x"), lambda: read_smsc(Octets(octets))):
        with contextlib.suppress(PduError):
            reader()
