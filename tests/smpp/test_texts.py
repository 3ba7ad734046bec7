"""From a Segment to submit_sm and from deliver_sm to what the model has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, InboundSegment, MessageClass, Segment
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.texts import read_deliver, relative_time, source_address, submit_sm, unreadable
from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.encoding import Alphabet
from tests.smpp.bodies import bodies_of

_G, _U, _D = Alphabet.GSM7, Alphabet.UCS2, Alphabet.DATA


def segment(text: str = "hello", alphabet: Alphabet = _G, **more) -> Segment:
    given_ = {"to": Address.parse("+15550100777"), **more}
    return Segment(submission="sub_1", message="msg_1", text=text, alphabet=alphabet, **given_)


# ---- out -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(segment("a@£{"), (0x00, 0x00, b"a\0\x01\x1b\x28"), id="GSM-7, one septet an octet"),
        pytest.param(segment("ж😀", _U), (0x00, 0x08, b"\x04\x36\xd8\x3d\xde\x00"), id="UCS-2 with a surrogate pair"),
        pytest.param(segment("\x00\xff", _D), (0x00, 0x04, b"\x00\xff"), id="data"),
        pytest.param(segment("x", ref=7, part=2, parts=3), (0x40, 0x00, b"\x05\0\3\7\3\2x"), id="a part"),
        pytest.param(segment("x", ref=300, part=2, parts=3), (0x40, 0x00, b"\x06\x08\4\1\x2c\3\2x"), id="a wide reference"),
        pytest.param(segment("ğ", single=1), (0x40, 0x00, b"\3\x24\1\1\x1bg"), id="a national table"),
        pytest.param(segment(flash=True), (0x00, 0x10, b"hello"), id="flash"),
        pytest.param(segment("ж", _U, flash=True), (0x00, 0x18, b"\x04\x36"), id="flash in UCS-2"),
    ],
)
def test_text_and_coding(made, expected):
    """esm_class, data_coding and octets of each kind of text."""
    body = submit_sm(made, "+15550100100")
    assert (body.esm_class, body.data_coding, body.short_message) == expected


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+15550100100", (1, 1, b"15550100100")), ("12345", (3, 0, b"12345")), ("ACME", (5, 0, b"ACME")), ("", (0, 0, b"")),
    ],
)  # fmt: skip
def test_source_address(number, address):
    """E.164 without its plus sign, a short code, letters, or nothing."""
    assert source_address(number) == address


def test_other_fields():
    """Destination, receipt, priority and validity."""
    body = submit_sm(segment(class_=MessageClass.ALARM, validity=86400), "+15550100100")
    assert (body.dest_addr_ton, body.dest_addr_npi, body.destination_addr) == (1, 1, b"15550100777")
    assert (body.registered_delivery, body.priority_flag, body.validity_period) == (1, 1, b"000001000000000R")
    plain = submit_sm(segment(report=False, class_=MessageClass.BULK), "")
    assert (plain.registered_delivery, plain.priority_flag, plain.validity_period) == (0, 0, b"")


@pytest.mark.parametrize(
    ("seconds", "octets"),
    [
        (0, b""), (-5, b""), (1, b"000000000001000R"), (3661, b"000000010101000R"), (86400, b"000001000000000R"),
        (30 * 86400, b"000030000000000R"), (400 * 86400, b"000030000000000R"),
    ],
)  # fmt: skip
def test_relative_time(seconds, octets):
    """Section 7.1.1.2, 30 days at most."""
    assert relative_time(seconds) == octets


@pytest.mark.parametrize(
    ("made", "number"),
    [
        pytest.param(segment("ж"), "", id="no GSM-7"),
        pytest.param(segment(), "Müller", id="letters that are no ASCII"),
        pytest.param(segment(to=Address("ж", TypeOfNumber.ALPHANUMERIC)), "", id="destination that is no ASCII"),
        pytest.param(segment("Ā", _D), "", id="data beyond an octet"),
    ],
)
def test_what_cannot_be_written(made, number):
    """A PduError, which the link makes a refusal of."""
    with pytest.raises(PduError):
        submit_sm(made, number)


# ---- in ------------------------------------------------------------------------------------------------------------


def deliver(octets: bytes = b"hello", data_coding: int = 0, **more) -> ShortMessage:
    return ShortMessage(
        source_addr_ton=1, source_addr_npi=1, source_addr=b"15550100777", short_message=octets, data_coding=data_coding,
        **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data_coding", "octets", "alphabet", "payload"),
    [
        pytest.param(0x00, b"a\0\x1b\x28", _G, b"a\0\x1b\x28", id="default: septets"),
        pytest.param(0x00, b"caf\xe9", _U, "café".encode("utf-16-be"), id="default, but no septets: Latin-1"),
        pytest.param(0x01, b"a@b", _U, "a@b".encode("utf-16-be"), id="ASCII"),
        pytest.param(0x03, b"caf\xe9", _U, "café".encode("utf-16-be"), id="Latin-1"),
        pytest.param(0x05, "日".encode("shift_jis"), _U, "日".encode("utf-16-be"), id="JIS"),
        pytest.param(0x06, b"\xb6", _U, "Ж".encode("utf-16-be"), id="Cyrillic"),
        pytest.param(0x07, b"\xe0", _U, "א".encode("utf-16-be"), id="Hebrew"),
        pytest.param(0x0E, "한".encode("euc_kr"), _U, "한".encode("utf-16-be"), id="Korean"),
        pytest.param(0x08, b"\x04\x36", _U, b"\x04\x36", id="UCS-2"),
        pytest.param(0x08, b"\x04\x36\x04", _U, b"\x04\x36\x04", id="UCS-2 with an odd octet"),
        pytest.param(0x02, b"\xff\0", _D, b"\xff\0", id="octets 2"),
        pytest.param(0x04, b"\xff\0", _D, b"\xff\0", id="octets 4"),
        pytest.param(0x0B, b"hi", _G, b"hi", id="reserved: as default"),
        pytest.param(0x7F, b"hi", _G, b"hi", id="reserved 7F"),
        pytest.param(0xC8, b"hi", _G, b"hi", id="message waiting"),
        pytest.param(0xE0, b"\x04\x36", _U, b"\x04\x36", id="message waiting, UCS-2"),
        pytest.param(0xF0, b"hi", _G, b"hi", id="class 0"),
        pytest.param(0xF5, b"\xff", _D, b"\xff", id="class 1, octets"),
        pytest.param(0x10, b"hi", _G, b"hi", id="flash by custom"),
        pytest.param(0x18, b"\x04\x36", _U, b"\x04\x36", id="flash in UCS-2 by custom"),
        pytest.param(0x05, b"\x81", _U, "\ufffd".encode("utf-16-be"), id="JIS that is none"),
    ],
)
def test_codings(data_coding, octets, alphabet, payload):
    """Each data_coding, as the model has it."""
    got = read_deliver(deliver(octets, data_coding), b"raw")
    assert isinstance(got, InboundSegment)
    assert (got.alphabet, got.payload, got.dcs, got.raw, got.fault) == (alphabet, payload, data_coding, b"raw", "")


@pytest.mark.parametrize(
    ("body", "concat"),
    [
        pytest.param(deliver(), (0, 0, 1, 1), id="whole"),
        pytest.param(deliver(b"\5\0\3\7\3\2hello", esm_class=0x40), (7, 8, 2, 3), id="8 bits"),
        pytest.param(deliver(b"\6\x08\4\1\x2c\3\2hello", esm_class=0x40), (300, 16, 2, 3), id="16 bits"),
        pytest.param(
            deliver(tlvs=(Tlv(Tag.SAR_MSG_REF_NUM, b"\1\x2c"), Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\3"), Tlv(Tag.SAR_SEGMENT_SEQNUM, b"\2"))),
            (300, 16, 2, 3), id="sar",
        ),
        pytest.param(
            deliver(tlvs=(Tlv(Tag.SAR_MSG_REF_NUM, b"\1\x2c"), Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\1"), Tlv(Tag.SAR_SEGMENT_SEQNUM, b"\1"))),
            (0, 0, 1, 1), id="sar, one of one",
        ),
        pytest.param(
            deliver(tlvs=(Tlv(Tag.SAR_MSG_REF_NUM, b"\1"), Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\2"), Tlv(Tag.SAR_SEGMENT_SEQNUM, b"\3"))),
            (0, 0, 1, 1), id="sar that makes no sense",
        ),
        pytest.param(deliver(tlvs=(Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\2"),)), (0, 0, 1, 1), id="half of sar"),
    ],
)  # fmt: skip
def test_parts(body, concat):
    """Parts by user data header or by sar_*; numbers that make no sense are none."""
    got = read_deliver(body, b"")
    assert (got.ref, got.ref_bits, got.part, got.parts) == concat
    assert got.payload == b"hello"


def test_a_header_that_lies():
    """Longer than the text: the octets stay as they are, and the fault says so."""
    got = read_deliver(deliver(b"\x40\0\3", esm_class=0x40), b"raw")
    assert (got.payload, got.raw) == (b"\x40\0\3", b"raw")
    assert "longer" in got.fault


@pytest.mark.parametrize(
    ("ton", "octets", "address"),
    [
        (1, b"15550100", Address("15550100", TypeOfNumber.INTERNATIONAL, 1)),
        (0, b"+15550100", Address("15550100", TypeOfNumber.INTERNATIONAL, 1)),
        (2, b"5550100", Address("5550100", TypeOfNumber.NATIONAL, 1)),
        (3, b"12345", Address("12345", TypeOfNumber.NETWORK_SPECIFIC, 1)),
        (9, b"12345", Address("12345", TypeOfNumber.UNKNOWN, 1)),
        (255, b"12345", Address("12345", TypeOfNumber.UNKNOWN, 1)),
        (5, b"12345", Address("12345", TypeOfNumber.UNKNOWN, 1)),
        (1, b"ACME", Address("ACME", TypeOfNumber.ALPHANUMERIC, 1)),
        (0, b"*100#", Address("*100#", TypeOfNumber.UNKNOWN, 1)),
        (0, b"+", Address("+", TypeOfNumber.ALPHANUMERIC, 1)),
        (0, b"", Address("", TypeOfNumber.UNKNOWN, 1)),
        (5, b"\xe9", Address("é", TypeOfNumber.ALPHANUMERIC, 1)),
    ],
)
def test_addresses(ton, octets, address):
    """Any type of number is taken; letters are letters and a plus sign is international, whatever it says."""
    got = read_deliver(ShortMessage(source_addr_ton=ton, source_addr_npi=1, source_addr=octets), b"")
    assert got.sender == address


@pytest.mark.parametrize(
    ("body", "service"),
    [
        pytest.param(deliver(), False, id="text"),
        pytest.param(deliver(tlvs=(Tlv(Tag.DESTINATION_PORT, b"\1\2"),)), True, id="port parameter"),
        pytest.param(deliver(b"\6\5\4\1\2\3\4x", esm_class=0x40), True, id="port in the header"),
        pytest.param(deliver(data_coding=0xC8), True, id="message waiting"),
    ],
)
def test_texts_for_machines(body, service):
    """Nobody answers these automatically."""
    assert read_deliver(body, b"").service is service


def test_the_rest():
    """Class, protocol id and the number that was texted."""
    got = read_deliver(deliver(data_coding=0x10, protocol_id=0x41, dest_addr_ton=1, destination_addr=b"15550100100"), b"")
    assert (got.message_class, got.pid, got.to) == (0, 0x41, "+15550100100")
    assert read_deliver(deliver(), b"").message_class is None


def test_data_sm():
    """The text stands in message_payload."""
    got = read_deliver(DataSm(source_addr=b"15", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"hello"),)), b"raw")
    assert (got.payload, got.pid, got.sender.digits) == (b"hello", 0, "15")


def test_receipts():
    """A receipt becomes a report with the number of who got it; one that names nothing is kept raw."""
    got = read_deliver(deliver(b"id:7 stat:DELIVRD", esm_class=4), b"raw")
    assert isinstance(got, DeliveryReport)
    assert (got.reference, got.recipient.text, got.raw) == ("7", "+15550100777", b"raw")
    lost = read_deliver(deliver(b"hello", esm_class=4), b"raw")
    assert isinstance(lost, InboundSegment)
    assert (lost.fault, lost.raw, lost.sender.text) == ("the delivery receipt names no message", b"raw", "+15550100777")


def test_unreadable():
    """Octets nobody can read have a fault and no sender."""
    got = unreadable(b"raw", "why")
    assert (got.raw, got.fault, got.sender.digits, got.alphabet) == (b"raw", "why", "", _D)


@given(bodies_of(ShortMessage) | bodies_of(DataSm))
@settings(max_examples=400)
def test_nothing_is_refused(body):
    """Whatever comes in becomes something that can be stored."""
    got = read_deliver(body, b"raw")
    assert got.raw == b"raw"


@given(
    st.text(st.characters(codec="ascii", exclude_characters="`"), min_size=1, max_size=60),
    st.integers(0, 255), st.integers(1, 3), st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_out_and_in_again(text, ref, part, wide):
    """What we submit reads as what it was when it comes back as deliver_sm."""
    made = segment(text, _U, ref=ref + 256 if wide else ref, part=part, parts=3)
    got = read_deliver(submit_sm(made, "+15550100100"), b"")
    assert (got.payload.decode("utf-16-be"), got.alphabet) == (text, _U)
    assert (got.ref, got.ref_bits, got.part, got.parts) == (made.ref, 16 if wide else 8, part, 3)
    assert (got.sender.text, got.to) == ("+15550100100", "+15550100777")
