"""Which TPDU it is, where it begins, and that nothing but PduError comes out of junk."""

from __future__ import annotations

import contextlib
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.tpdu import Deliver, Direction, Pdu, StatusReport, Submit, decode_hex, decode_pdu, submit_for, with_smsc
from tests.sms.made import delivers, numbers, reports, submits
from tests.sms.vectors import V

DIRECTIONS = get_args(Direction)
HELLO = V["hello"]
SUBMIT = "0001000B916346214365F7000005E8329BFD06"
#: the SMSC of the vectors: a length and seven octets
SMSC = 16


@pytest.mark.parametrize(
    ("pdu", "direction", "kind"),
    [
        pytest.param(HELLO, "mt", Deliver, id="to us: 00"),
        pytest.param(SUBMIT, "mt", Submit, id="to us: 01, a stored text of our own"),
        pytest.param(V["report"], "mt", StatusReport, id="to us: 10"),
        pytest.param(HELLO.replace("F0040B", "F0070B"), "mt", Deliver, id="to us: 11"),
        pytest.param(SUBMIT, "mo", Submit, id="from us: 01"),
    ],
)
def test_type_by_direction(pdu: str, direction: Direction, kind: type) -> None:
    """TP-MTI, TS 23.040 section 9.2.3.1."""
    assert type(decode_hex(pdu, direction, smsc=True)) is kind


@pytest.mark.parametrize(("first", "name"), [("00", "SMS-DELIVER-REPORT"), ("02", "SMS-COMMAND"), ("03", "reserved")])
def test_what_is_not_read(first: str, name: str) -> None:
    """Said by its name."""
    with pytest.raises(PduError, match=name):
        decode_hex(f"00{first}000B916346214365F7000005E8329BFD06", "mo", smsc=True)


@pytest.mark.parametrize("name", [name for name in V if name not in ("report-42", "udhl-lies")])
def test_the_smsc_is_found(name: str) -> None:
    """With it and without it, with and without being told."""
    whole = decode_hex(V[name], "mt", smsc=True)
    bare = decode_hex(V[name][SMSC:], "mt", smsc=False)
    assert whole.smsc == Address.parse("+19436446500")
    assert bare.smsc is None
    assert whole.encode() == bare.encode()
    assert decode_hex(V[name], "mt") == whole
    assert decode_hex(V[name][SMSC:], "mt") == bare


@pytest.mark.parametrize("pdu", [SUBMIT, SUBMIT[2:], "07919134466405F0" + SUBMIT[2:]])
def test_a_submit_with_and_without_smsc(pdu: str) -> None:
    """One zero octet counts as an SMSC that is none."""
    found = decode_hex(pdu, "mo")
    assert (found.text, found.encode().hex().upper()) == ("hello", SUBMIT[2:])


@pytest.mark.parametrize(
    "bare",
    [
        pytest.param("06340C91987117312403625012218312826250122183128200", id="it would break off"),
        pytest.param(
            "040C9120463199049100006211410223000A1500360000608BCF6640190450A7CD6680181006", id="octets would be left over"
        ),
        pytest.param(
            "040B915854280866F70000622010402372231CE234197D36A30120D0388D66A7C36C50B90C3297D12071190D", id="it would have no time"
        ),
        pytest.param(
            "040B810845098300F20000621120101581001BE130DA0C52A3D5EBB419002083D46C3519A00688CFECB01A", id="nobody would have sent it"
        ),
    ],
)
def test_the_reading_with_fewer_faults(bare: str) -> None:
    """Octets without SMSC that could be read as if they had one, but worse."""
    assert decode_hex(bare, "mt", smsc=True).smsc is not None
    assert decode_hex(bare, "mt") == decode_hex(bare, "mt", smsc=False)


def test_on_a_tie_the_smsc_is_there() -> None:
    """Both readings are without fault: a modem gives the SMSC, and is more often asked."""
    both = "068B04815954629002012173696290020121736900"
    assert decode_hex(both, "mt", smsc=False).encode() == bytes.fromhex(both)
    assert decode_hex(both, "mt") == decode_hex(both, "mt", smsc=True)


def test_the_first_error_is_told() -> None:
    """When neither reading works, the one with the SMSC says why."""
    with pytest.raises(PduError, match="header is longer"):
        decode_hex(V["udhl-lies"], "mt")


@pytest.mark.parametrize("text", ["0", "XY", "07 9", "0x07", "é", "٠٧"])
def test_no_hex(text: str) -> None:
    """PduError that does not repeat the input."""
    with pytest.raises(PduError, match="hexadecimal") as caught:
        decode_hex(text, "mt")
    assert text not in str(caught.value)


def test_hex_in_small_letters() -> None:
    """And empty is too short."""
    assert decode_hex(HELLO.lower(), "mt") == decode_hex(HELLO, "mt")
    with pytest.raises(PduError, match="ends before"):
        decode_hex("", "mt")


def test_with_smsc_writes_what_was_read() -> None:
    """A clean PDU comes back to the octet."""
    for name in ("hello", "ref16", "ref8", "dcs-f5", "dcs-e0", "emoji", "report", "semi-octets", "seven-letters", "locking"):
        assert with_smsc(decode_hex(V[name], "mt")).hex().upper() == V[name]
    assert with_smsc(decode_hex(HELLO[SMSC:], "mt")).hex().upper() == "00" + HELLO[SMSC:]


@given(submits)
def test_the_length_for_cmgs(submit: Submit) -> None:
    """It counts the octets behind the SMSC."""
    assert with_smsc(submit)[0] == 0
    assert len(with_smsc(submit)) - 1 == len(submit.encode())


@given(st.one_of(delivers, reports), numbers)
def test_the_smsc_changes_nothing_else(pdu: Pdu, smsc: Address) -> None:
    """Told that it is there, or not there, the same TPDU is read."""
    bare = pdu.encode()
    octets = with_smsc(type(pdu)(**{name: getattr(pdu, name) for name in pdu.__struct_fields__} | {"smsc": smsc}))
    read = decode_pdu(octets, "mt", smsc=True)
    assert read.encode() == decode_pdu(bare, "mt", smsc=False).encode() == bare
    assert read.smsc == (smsc if octets[0] else None)


def harmless(octets: bytes) -> None:
    """Reads in every way; what comes out can be asked anything, stored and written, or is PduError."""
    for direction in DIRECTIONS:
        for smsc in (None, True, False):
            with contextlib.suppress(PduError):
                pdu = decode_pdu(octets, direction, smsc)
                assert pdu.raw == octets
                assert len(pdu.text) <= 160
                pdu.text.encode("utf-8")
                assert decode_pdu(octets, direction, smsc) == pdu
                with contextlib.suppress(PduError):
                    pdu.encode()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    """PduError is the only exception."""
    harmless(octets)


whole = st.sampled_from([bytes.fromhex(V[name]) for name in V]) | st.one_of(delivers, submits, reports).map(with_smsc)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid PDU with octets changed, put in, left out, cut off or doubled."""
    octets = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(octets)))
        match draw(st.integers(0, 4)):
            case 0:
                octets[at : at + 1] = bytes((draw(st.integers(0, 255)),))
            case 1:
                octets[at:at] = draw(st.binary(max_size=4))
            case 2:
                del octets[at : at + draw(st.integers(1, 4))]
            case 3:
                del octets[at:]
            case _:
                octets += octets[at:]
    return bytes(octets[:1000])


@settings(max_examples=300)
@given(damaged())
def test_damaged_pdus(octets: bytes) -> None:
    """PduError is the only exception, and each answer is the same twice."""
    harmless(octets)


def test_memory_is_bounded_by_the_input() -> None:
    """A megabyte behind a text is excess, whatever the lengths say."""
    found = decode_pdu(bytes.fromhex(HELLO) + bytes(1_000_000), "mt")
    assert (found.text, found.excess) == ("hello", 1_000_000)


def test_the_longest_text_of_one_part() -> None:
    """160 septets fill 140 octets, and each is read."""
    text = "0123456789abcdef" * 10
    octets = submit_for(to=Address("1"), text=text, alphabet=Alphabet.GSM7).encode()
    assert decode_pdu(octets, "mo", smsc=False).text == text
