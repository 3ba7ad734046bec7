"""From deliver_sm and data_sm to what the model has."""

import pytest
from hypothesis import given, settings

from smsgwd.config.smpp import DataCoding, Parameter
from smsgwd.model import DeliveryReport, InboundSegment
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.incoming import Reader, oddities, unreadable
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.encoding import Alphabet
from tests.smpp.bodies import bodies_of
from tests.smpp.texts import carrier

_G, _U, _D = Alphabet.GSM7, Alphabet.UCS2, Alphabet.DATA
READER = Reader(carrier())


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
        pytest.param(0x0A, "日".encode("iso2022_jp"), _U, "日".encode("utf-16-be"), id="ISO-2022-JP"),
        pytest.param(0x0D, "日".encode("iso2022_jp_1"), _U, "日".encode("utf-16-be"), id="extended JIS"),
        pytest.param(0x09, b"\xff\0", _D, b"\xff\0", id="pictograms"),
        pytest.param(0x08, b"\x04\x36", _U, b"\x04\x36", id="UCS-2"),
        pytest.param(0x08, b"\x04\x36\x04", _U, b"\x04\x36\xff\xfd", id="UCS-2: half a character is marked"),
        pytest.param(0x08, b"\xff\xfe\x36\x04\x36", _U, b"\xff\xfe\x36\x04\xfd\xff", id="half a character, little-endian"),
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
    got = READER.read(deliver(octets, data_coding), b"raw")
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
    got = READER.read(body, b"")
    assert (got.ref, got.ref_bits, got.part, got.parts) == concat
    assert got.payload == b"hello"


def test_a_header_and_parameters():
    """Where both tell a part, the header counts."""
    sar = (Tlv(Tag.SAR_MSG_REF_NUM, b"\1\x2c"), Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\4"), Tlv(Tag.SAR_SEGMENT_SEQNUM, b"\1"))
    got = READER.read(deliver(b"\5\0\3\7\3\2hello", esm_class=0x40, tlvs=sar), b"")
    assert (got.ref, got.ref_bits, got.part, got.parts, got.payload) == (7, 8, 2, 3, b"hello")


def test_half_a_character_at_the_end_of_a_part():
    """It stays: the other half may stand in the next part."""
    got = READER.read(deliver(b"\5\0\3\7\3\2\x04\x36\x04", 8, esm_class=0x40), b"")
    assert got.payload == b"\x04\x36\x04"


def test_a_header_that_lies():
    """Longer than the text: the octets stay as they are, and the fault says so."""
    got = READER.read(deliver(b"\x40\0\3", esm_class=0x40), b"raw")
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
    got = READER.read(ShortMessage(source_addr_ton=ton, source_addr_npi=1, source_addr=octets), b"")
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
    assert READER.read(body, b"").service is service


def test_the_rest():
    """Class, protocol id and the number that was texted."""
    got = READER.read(deliver(data_coding=0x10, protocol_id=0x41, dest_addr_ton=1, destination_addr=b"15550100100"), b"")
    assert (got.message_class, got.pid, got.to) == (0, 0x41, "+15550100100")
    assert READER.read(deliver(), b"").message_class is None


def test_data_sm():
    """The text stands in message_payload."""
    got = READER.read(DataSm(source_addr=b"15", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"hello"),)), b"raw")
    assert (got.payload, got.pid, got.sender.digits) == (b"hello", 0, "15")


def test_receipts():
    """A receipt becomes a report with the number of who got it; one that names nothing is kept raw."""
    got = READER.read(deliver(b"id:7 stat:DELIVRD", esm_class=4), b"raw")
    assert isinstance(got, DeliveryReport)
    assert (got.reference, got.recipient.text, got.raw) == ("7", "+15550100777", b"raw")
    lost = READER.read(deliver(b"hello", esm_class=4), b"raw")
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
    got = READER.read(body, b"raw")
    assert got.raw == b"raw"


# ---- by the carrier ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "data_coding", "octets", "text"),
    [
        pytest.param({"default_alphabet": "latin1"}, 0, b"@caf\xe9", "@café", id="Latin-1"),
        pytest.param({"default_alphabet": "latin1"}, 0x10, b"@caf\xe9", "@café", id="Latin-1, flash"),
        pytest.param({"default_alphabet": "ascii"}, 0, b"a@b", "a@b", id="ASCII"),
        pytest.param({"default_alphabet": "ascii"}, 0, b"caf\xe9", "café", id="ASCII that is none: Latin-1"),
        pytest.param({"default_alphabet": "utf8"}, 0, "café €".encode(), "café €", id="UTF-8"),
        pytest.param({"default_alphabet": "utf8"}, 0, b"caf\xe9", "café", id="UTF-8 that is none: Latin-1"),
        pytest.param({"default_alphabet": "latin1"}, 0x0F, b"caf\xe9", "café", id="a reserved coding is the default"),
        pytest.param({"data_coding": DataCoding(ucs2=0x0B)}, 0x0B, b"\x04\x36", "ж", id="another number of UCS-2"),
        pytest.param({"data_coding": DataCoding(latin1=0xF7)}, 0xF7, b"\xe9", "é", id="another number of Latin-1"),
        pytest.param({"data_coding": DataCoding(gsm7=1), "default_alphabet": "utf8"}, 1, b"\xc3\xa9", "é", id="another 0"),
    ],
)
def test_alphabets_of_a_carrier(keys, data_coding, octets, text):
    """What a data_coding means is what the configuration says of the carrier."""
    got = Reader(carrier(**keys)).read(deliver(octets, data_coding), b"")
    assert (got.alphabet, got.payload.decode("utf-16-be")) == (_U, text)


@pytest.mark.parametrize(
    ("octets", "esm_class", "payload"),
    [
        pytest.param(gsm7.pack(b"hello"), 0, b"hello", id="five"),
        pytest.param(gsm7.pack(b"12345678"), 0, b"12345678", id="eight fill all bits"),
        pytest.param(gsm7.pack(b"1234567"), 0, b"1234567", id="seven: the rest is no @"),
        pytest.param(b"\5\0\3\7\3\2" + gsm7.pack(b"hello", 1), 0x40, b"hello", id="a fill bit after the header"),
        pytest.param(gsm7.pack(b"abc\0"), 0, b"abc\0", id="an @ that can be no fill"),
        pytest.param(b"", 0, b"", id="nothing"),
    ],
)
def test_packed(octets, esm_class, payload):
    """Eight septets in seven octets, after a header from the next septet on."""
    got = Reader(carrier(packed=True)).read(deliver(octets, esm_class=esm_class), b"")
    assert (got.alphabet, got.payload) == (_G, payload)


@pytest.mark.parametrize(("charset", "octets", "sender"), [
    ("ascii", b"Caf\xe9", "Café"), ("latin1", b"Caf\xe9", "Café"), ("cp1252", b"Caf\x80", "Caf€"),
    ("utf8", "Café".encode(), "Café"), ("utf8", b"Caf\xe9", "Café"),
])  # fmt: skip
def test_letters_of_a_sender(charset, octets, sender):
    """Letters are read in the carrier's character set, and as Latin-1 where they do not fit."""
    got = Reader(carrier(address_charset=charset)).read(ShortMessage(source_addr_ton=5, source_addr=octets), b"")
    assert got.sender.text == sender


# ---- optional parameters -------------------------------------------------------------------------------------------

KEEPING = Reader(
    carrier(
        tlv=(
            Parameter(tag=0x1401, name="template"), Parameter(tag=0x1402, name="price", type="int4"),
            Parameter(tag=0x1403, name="raw", type="octets"), Parameter(tag=0x020A, name="port", type="int2"),
            Parameter(tag=0x1404, value="out alone"),
        )
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("tlv", "meta"),
    [
        pytest.param(Tlv(0x1401, b"abc\0"), {"template": "abc"}, id="string"),
        pytest.param(Tlv(0x1401, "é".encode()), {"template": "é"}, id="string in UTF-8 without end"),
        pytest.param(Tlv(0x1401, b"\xe9\0x"), {"template": "é"}, id="string in Latin-1 with octets behind its end"),
        pytest.param(Tlv(0x1402, b"\1\2"), {"price": "258"}, id="number, shorter than its type"),
        pytest.param(Tlv(0x1402, b""), {"price": "0"}, id="number of no octets"),
        pytest.param(Tlv(0x1403, b"\xff\1"), {"raw": "ff01"}, id="octets"),
        pytest.param(Tlv(0x1404, b"\xff"), {"0x1404": "ff"}, id="one that is only sent"),
        pytest.param(Tlv(0x1501, b"abc"), {"0x1501": "616263"}, id="unknown"),
        pytest.param(Tlv(0x001, b""), {"0x0001": ""}, id="unknown and empty"),
        pytest.param(Tlv(0x020A, b"\1\0"), {"port": "256"}, id="one of the standard that is named"),
        pytest.param(Tlv(Tag.SAR_MSG_REF_NUM, b"\1\0"), {}, id="one of the standard"),
    ],
)
def test_parameters_are_kept(tlv, meta):
    """By the name of the configuration, or by tag in hex; those of the standard are not for rules and webhooks."""
    assert KEEPING.read(deliver(tlvs=(tlv,)), b"").meta == meta
    assert KEEPING.read(DataSm(source_addr=b"15", tlvs=(tlv,)), b"").meta == meta


def test_parameters_are_bounded():
    """32 of them, 255 octets each; of one that stands twice the first counts."""
    flood = (Tlv(0x1500, b"x" * 300), Tlv(0x1500, b"y"), *(Tlv(0x1501 + i, b"z") for i in range(100)))
    meta = READER.read(deliver(tlvs=flood), b"").meta
    assert (len(meta), meta["0x1500"]) == (32, "78" * 255)


def test_oddities():
    """What can be read all the same, but an operator should know."""
    assert oddities(deliver(data_coding=8)) == ()
    both = deliver(b"short ", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"and long"),))
    assert READER.read(both, b"").payload == b"short and long"
    assert "both filled" in oddities(both)[0]
    assert "0x7F is reserved" in oddities(deliver(data_coding=0x7F))[0]
