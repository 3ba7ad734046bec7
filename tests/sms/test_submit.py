"""SMS-SUBMIT."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.submit import ABSOLUTE, ENHANCED, RELATIVE, Submit
from smsgwd.sms.tpdu import decode_pdu, submit_for
from smsgwd.sms.udh import Concat
from smsgwd.sms.userdata import UserData
from tests.sms.made import submits

G, D, U = Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2
TO = Address.parse("+36641234567")
DA = "0B916346214365F7"
HELLO = UserData(G, b"hello")
HELLO_UD = "05E8329BFD06"


def read(octets: str) -> Submit:
    found = decode_pdu(bytes.fromhex(octets), "mo", smsc=False)
    assert isinstance(found, Submit)
    return found


@pytest.mark.parametrize(
    ("submit", "octets"),
    [
        pytest.param(Submit(tp_da=TO, ud=HELLO), f"0100{DA}0000{HELLO_UD}", id="plain"),
        pytest.param(Submit(tp_da=TO, ud=UserData(G, b"hello" * 2)), f"0100{DA}00000AE8329BFD4697D9EC37", id="hellohello"),
        pytest.param(Submit(tp_da=TO, tp_mr=255, ud=HELLO), f"01FF{DA}0000{HELLO_UD}", id="reference"),
        pytest.param(Submit(tp_da=TO, tp_rd=True, ud=HELLO), f"0500{DA}0000{HELLO_UD}", id="reject duplicates"),
        pytest.param(Submit(tp_da=TO, tp_srr=True, ud=HELLO), f"2100{DA}0000{HELLO_UD}", id="report wanted"),
        pytest.param(Submit(tp_da=TO, tp_rp=True, ud=HELLO), f"8100{DA}0000{HELLO_UD}", id="reply path"),
        pytest.param(Submit(tp_da=TO, tp_pid=0x41, ud=HELLO), f"0100{DA}4100{HELLO_UD}", id="replace type 1"),
        pytest.param(Submit(tp_da=TO, tp_vpf=RELATIVE, tp_vp=b"\xaa", ud=HELLO), f"1100{DA}0000AA{HELLO_UD}", id="relative"),
        pytest.param(
            Submit(tp_da=TO, tp_vpf=ABSOLUTE, tp_vp=bytes.fromhex("62113261005080"), ud=HELLO),
            f"1900{DA}000062113261005080{HELLO_UD}", id="absolute",
        ),
        pytest.param(
            Submit(tp_da=TO, tp_vpf=ENHANCED, tp_vp=bytes.fromhex("023C0000000000"), ud=HELLO),
            f"0900{DA}0000023C0000000000{HELLO_UD}", id="enhanced",
        ),
        pytest.param(Submit(tp_da=TO, tp_dcs=8, ud=UserData(U, b"\x04\x4f" * 2)), f"0100{DA}000804044F044F", id="UCS-2"),
        pytest.param(Submit(tp_da=TO, tp_dcs=0xF5, ud=UserData(D, b"\xde\xad")), f"0100{DA}00F502DEAD", id="data"),
        pytest.param(Submit(tp_da=TO, tp_dcs=0x20, ud=UserData(D, b"\xde\xad")), f"0100{DA}002002DEAD", id="compressed: raw"),
        pytest.param(Submit(tp_da=Address(""), ud=UserData()), "01000081000000", id="nothing at all"),
    ],
)  # fmt: skip
def test_both_ways(submit: Submit, octets: str) -> None:
    """Each field where TS 23.040 section 9.2.2.2 has it."""
    assert submit.encode().hex().upper() == octets
    found = read(octets)
    assert (found.excess, found.truncated, found.raw) == (0, False, bytes.fromhex(octets))
    assert msgspec.structs.replace(found, raw=b"") == submit


@pytest.mark.parametrize(
    ("vpf", "vp", "validity"),
    [
        pytest.param("01", "", None, id="none"),
        pytest.param("11", "00", 300, id="5 minutes"),
        pytest.param("11", "A7", 86400, id="a day"),
        pytest.param("11", "FF", 63 * 7 * 86400, id="63 weeks"),
        pytest.param("19", "62113261005080", datetime(2026, 11, 23, 16, 0, 5, tzinfo=timezone(timedelta(hours=2))), id="a time"),
        pytest.param("19", "62313261005080", None, id="month 13"),
        pytest.param("09", "01050000000000", None, id="the enhanced form is kept raw"),
    ],
)
def test_validity(vpf: str, vp: str, validity: int | datetime | None) -> None:
    """Seconds, a time or None; the octets stay as sent."""
    found = read(f"{vpf}00{DA}0000{vp}{HELLO_UD}")
    assert found.validity == validity
    assert found.tp_vp.hex().upper() == vp
    assert found.text == "hello"


@pytest.mark.parametrize(
    ("more", "octets"),
    [
        pytest.param({}, f"0100{DA}0000{HELLO_UD}", id="plain"),
        pytest.param({"report": True}, f"2100{DA}0000{HELLO_UD}", id="report"),
        pytest.param({"validity": 3601}, f"1100{DA}00000C{HELLO_UD}", id="an hour and a second: 65 minutes"),
        pytest.param({"flash": True}, f"0100{DA}0010{HELLO_UD}", id="flash"),
        pytest.param({"flash": True, "alphabet": U}, f"0100{DA}00180A00680065006C006C006F", id="flash in UCS-2"),
        pytest.param({"alphabet": D}, f"0100{DA}00040568656C6C6F", id="data"),
        pytest.param(
            {"ref": 42, "part": 1, "parts": 2}, f"4100{DA}00000C0500032A0201D06536FB0D", id="8-bit reference"
        ),
        pytest.param(
            {"ref": 0x1234, "part": 1, "parts": 2}, f"4100{DA}00000D06080412340201E8329BFD06", id="16-bit reference: no fill bits"
        ),
        pytest.param({"locking": 1}, f"4100{DA}00000A032501014097D9EC37", id="Turkish locking table"),
    ],
)
def test_what_is_sent(more: dict, octets: str) -> None:
    """From the wishes of a caller to octets."""
    made = submit_for(**{"to": TO, "text": "hello", "alphabet": G, **more})
    assert made.encode().hex().upper() == octets
    assert read(octets).text == ("" if read(octets).alphabet is D else "hello")
    assert read(octets).encode() == made.encode()


def test_concat_comes_back() -> None:
    """Part and total are read where they were written."""
    made = submit_for(to=TO, text="x", alphabet=G, ref=300, part=2, parts=3)
    assert read(made.encode().hex()).concat == Concat(300, 16, 2, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"part": 0, "parts": 2}, {"part": 3, "parts": 2}, {"part": 1, "parts": 256}, {"ref": 65536, "parts": 2}, {"ref": -1, "parts": 2},
     {"text": "я"}, {"text": "ÿ€", "alphabet": D}],
)  # fmt: skip
def test_what_cannot_be_sent(wrong: dict) -> None:
    """PduError, before anything is written."""
    with pytest.raises(PduError):
        submit_for(**{"to": TO, "text": "x", "alphabet": G, **wrong})


@pytest.mark.parametrize(
    ("text", "alphabet", "fits"),
    [("a" * 160, G, True), ("a" * 161, G, False), ("€" * 80, G, True), ("я" * 70, U, True), ("я" * 71, U, False), ("\xff" * 140, D, True),
     ("\xff" * 141, D, False)],
)  # fmt: skip
def test_the_most_that_fits(text: str, alphabet: Alphabet, fits: bool) -> None:
    """140 octets of user data."""
    made = submit_for(to=TO, text=text, alphabet=alphabet)
    if fits:
        assert read(made.encode().hex()).text == (text if alphabet is not D else "")
    else:
        with pytest.raises(PduError, match="140"):
            made.encode()


def test_cut_at_every_octet() -> None:
    """Before TP-UDL PduError with the name of what is missing, after it the text that is there, marked."""
    octets = bytes.fromhex(f"1100{DA}0000AA{HELLO_UD}")
    until_udl = len(octets) - 6
    named = []
    for at in range(until_udl + 1):
        with pytest.raises(PduError) as caught:
            decode_pdu(octets[:at], "mo", smsc=False)
        named.append(str(caught.value))
    assert [any(name in line for line in named) for name in ("TP-MR", "TP-DA", "TP-PID", "TP-DCS", "TP-VP", "TP-UDL")] == [True] * 6
    texts = [read(octets[:at].hex()) for at in range(until_udl + 1, len(octets))]
    assert [found.text for found in texts] == ["", "h", "he", "hel", "hell"]
    assert all(found.truncated for found in texts)


def test_trailing_octets() -> None:
    """They are counted and change nothing else."""
    found = read(f"0100{DA}0000{HELLO_UD}FFFF")
    assert (found.text, found.excess, found.truncated) == ("hello", 2, False)


@settings(max_examples=150)
@given(submits)
def test_round_trip(submit: Submit) -> None:
    """decode(encode(x)) is x, for every field the type has."""
    octets = submit.encode()
    found = decode_pdu(octets, "mo", smsc=False)
    assert found == msgspec.structs.replace(submit, raw=octets)
