"""SMS-DELIVER."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.tpdu import decode_hex, decode_pdu
from smsgwd.sms.udh import Concat, Ports
from smsgwd.sms.userdata import UserData
from tests.sms.made import delivers
from tests.sms.vectors import V

TIME = datetime(2026, 11, 23, 16, 0, 5, tzinfo=timezone(timedelta(hours=2)))
FROM = Address.parse("+36641234567")
OA = "0B916346214365F7"
SCTS = "62113261005080"


def read(octets: str) -> Deliver:
    found = decode_pdu(bytes.fromhex(octets), "mt", smsc=False)
    assert isinstance(found, Deliver)
    return found


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("hello", {"text": "hello", "tp_scts": TIME, "tp_oa": FROM, "service": False}, id="whole"),
        pytest.param("zero-scts", {"text": "hello", "tp_scts": None}, id="no time"),
        pytest.param("month-13", {"text": "hello", "tp_scts": None}, id="month 13"),
        pytest.param("no-sender", {"text": "hello", "tp_oa": Address("", 1)}, id="no sender"),
        pytest.param("ref16", {"text": "hello", "concat": Concat(0x1234, 16, 1, 2)}, id="16-bit reference: no fill bits"),
        pytest.param("ref8", {"text": "hello", "concat": Concat(0x2A, 8, 1, 2)}, id="8-bit reference: one fill bit"),
        pytest.param("dcs-f5", {"text": "", "payload": b"hello", "alphabet": Alphabet.DATA, "message_class": 1}, id="data"),
        pytest.param("dcs-e0", {"text": "яя", "service": True}, id="message waiting in UCS-2"),
        pytest.param("emoji", {"text": "😀"}, id="a pair"),
        pytest.param("half-pair", {"text": "я\ufffd"}, id="half a pair"),
        pytest.param("section", {"text": "§"}, id="section sign"),
        pytest.param("esc-at-end", {"text": "A"}, id="ESC at the end"),
        pytest.param("udl-20", {"text": "hello", "truncated": True}, id="TP-UDL larger than the data"),
        pytest.param("udl-16", {"concat": Concat(0xCC, 8, 1, 2), "service": True, "excess": 3}, id="TP-UDL smaller than the data"),
        pytest.param("locking", {"text": "€", "locking": 1, "single": 0}, id="locking table"),
        pytest.param("single", {"text": "Ş", "single": 1, "locking": 0}, id="single table"),
        pytest.param("semi-octets", {"tp_oa": Address("2*1#0")}, id="star and hash"),
        pytest.param("seven-letters", {"tp_oa": Address("ACMEABC", 5, 0)}, id="no eighth letter"),
    ],
)
def test_known_texts(name: str, fields: dict) -> None:
    """Real-life shapes, each with one meaning."""
    found = decode_hex(V[name], "mt")
    assert {field: getattr(found, field) for field in fields} == fields
    assert found.smsc == Address.parse("+19436446500")
    assert found.raw.hex().upper() == V[name]


def test_ports_are_read_from_a_cut_text() -> None:
    """The header is whole, so its ports count."""
    found = decode_hex(V["udl-16"], "mt")
    assert isinstance(found, Deliver)
    assert found.ud.header.ports == Ports(0x0B84, 0x23F0, 16)


def test_a_header_that_is_longer_than_the_data_is_refused() -> None:
    """Nothing sensible can be read then."""
    with pytest.raises(PduError, match="header"):
        decode_hex(V["udhl-lies"], "mt")


@pytest.mark.parametrize(
    ("bits", "field", "value"),
    [("00", "tp_mms", False), ("04", "tp_mms", True), ("0C", "tp_lp", True), ("24", "tp_sri", True), ("84", "tp_rp", True)],
)
def test_bits_of_the_first_octet(bits: str, field: str, value: bool) -> None:
    """TS 23.040 section 9.2.2.1, both ways."""
    octets = f"{bits}{OA}0000{SCTS}05E8329BFD06"
    assert getattr(read(octets), field) is value
    assert read(octets).encode().hex().upper() == octets


@pytest.mark.parametrize("pid", [0x40, 0x7C, 0x7D, 0x7E, 0x7F])
def test_silent_types_are_for_machines(pid: int) -> None:
    """TS 23.040 section 9.2.3.9."""
    assert read(f"04{OA}{pid:02X}00{SCTS}05E8329BFD06").service
    assert not read(f"04{OA}4100{SCTS}05E8329BFD06").service


def test_the_reserved_type_is_a_deliver() -> None:
    """TP-MTI 11 from the network: "as if it were an SMS-DELIVER"."""
    assert read(f"07{OA}0000{SCTS}05E8329BFD06").text == "hello"


def test_an_unknown_element_is_kept() -> None:
    """And written again."""
    octets = f"44{OA}0000{SCTS}0A03C001424097D9EC37"
    found = read(octets)
    assert [(e.iei, e.value) for e in found.ud.header.elements] == [(0xC0, b"\x42")]
    assert found.text == "hello"
    assert found.encode().hex().upper() == octets


def test_cut_at_every_octet() -> None:
    """Before TP-UDL PduError, after it the text that is there, marked."""
    octets = bytes.fromhex(f"04{OA}0000{SCTS}05E8329BFD06")
    until_udl = len(octets) - 6
    for at in range(until_udl + 1):
        with pytest.raises(PduError):
            decode_pdu(octets[:at], "mt", smsc=False)
    texts = [read(octets[:at].hex()) for at in range(until_udl + 1, len(octets))]
    assert [found.text for found in texts] == ["", "h", "he", "hel", "hell"]
    assert all(found.truncated for found in texts)


def test_trailing_octets() -> None:
    """They are counted and change nothing else."""
    found = read(f"04{OA}0000{SCTS}05E8329BFD06FF00FF")
    assert (found.text, found.excess, found.truncated) == ("hello", 3, False)


def test_too_long_to_write() -> None:
    """140 octets are the most."""
    with pytest.raises(PduError, match="140"):
        Deliver(tp_oa=FROM, tp_dcs=8, ud=UserData(Alphabet.UCS2, bytes(142))).encode()


@settings(max_examples=150)
@given(delivers)
def test_round_trip(deliver: Deliver) -> None:
    """decode(encode(x)) is x, for every field the type has."""
    octets = deliver.encode()
    found = decode_pdu(octets, "mt", smsc=False)
    assert found == msgspec.structs.replace(deliver, raw=octets)
