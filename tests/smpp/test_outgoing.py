"""From a Segment to submit_sm: what the configuration of a carrier makes of it."""

import pytest

from smsgwd.config.smpp import DataCoding, Parameter, Priorities
from smsgwd.errors import PduError
from smsgwd.model import MessageClass, own_reference
from smsgwd.smpp.bodies import ShortMessage
from smsgwd.smpp.consts import Tag
from smsgwd.smpp.outgoing import Writer
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.encoding import Alphabet
from tests.smpp.texts import carrier, segment

_G, _U, _D = Alphabet.GSM7, Alphabet.UCS2, Alphabet.DATA
NOW = 1_800_000_000_000  # 2027-01-15 08:00:00 UTC
PART = {"ref": 7, "part": 2, "parts": 3}


def written(made=None, now: int = NOW, **keys) -> ShortMessage:
    return Writer(carrier(**keys)).submit_sm(made or segment(), now)


def tlvs(body: ShortMessage) -> dict[int, bytes]:
    return {tlv.tag: tlv.value for tlv in body.tlvs}


# ---- alphabets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(segment("a@£{"), (0x00, 0x00, b"a\0\x01\x1b\x28"), id="GSM-7, one septet an octet"),
        pytest.param(segment("ж😀", _U), (0x00, 0x08, b"\x04\x36\xd8\x3d\xde\x00"), id="UCS-2 with a surrogate pair"),
        pytest.param(segment("\x00\xff", _D), (0x00, 0x04, b"\x00\xff"), id="data"),
        pytest.param(segment("x", **PART), (0x40, 0x00, b"\x05\0\3\7\3\2x"), id="a part"),
        pytest.param(segment("x", ref=300, part=2, parts=3), (0x40, 0x00, b"\x06\x08\4\1\x2c\3\2x"), id="a wide reference"),
        pytest.param(segment("ğ", single=1), (0x40, 0x00, b"\3\x24\1\1\x1bg"), id="a national table"),
        pytest.param(segment("ğ", single=1, **PART), (0x40, 0x00, b"\x08\0\3\7\3\2\x24\1\1\x1bg"), id="both"),
    ],
)
def test_text_and_coding(made, expected):
    """esm_class, data_coding and octets of each kind of text."""
    body = written(made)
    assert (body.esm_class, body.data_coding, body.short_message, body.tlvs) == (*expected, ())


@pytest.mark.parametrize(
    ("keys", "made", "expected"),
    [
        pytest.param({"default_alphabet": "latin1"}, segment("é@_"), (0, b"\xe9@_"), id="Latin-1"),
        pytest.param({"default_alphabet": "ascii"}, segment("@_"), (0, b"@_"), id="ASCII"),
        pytest.param({"default_alphabet": "utf8"}, segment("é€"), (0, b"\xc3\xa9\xe2\x82\xac"), id="UTF-8"),
        pytest.param({"default_alphabet": "ascii"}, segment("é"), (8, b"\0\xe9"), id="not ASCII: UCS-2"),
        pytest.param({"default_alphabet": "latin1"}, segment("€"), (8, b"\x20\xac"), id="not Latin-1: UCS-2"),
        pytest.param(
            {"default_alphabet": "ascii", "data_coding": DataCoding(latin1=3)}, segment("é"), (3, b"\xe9"), id="Latin-1 as 3"
        ),
        pytest.param({"data_coding": DataCoding(latin1=3)}, segment("é@"), (3, b"\xe9@"), id="Latin-1 before GSM-7"),
        pytest.param({"data_coding": DataCoding(latin1=3)}, segment("€"), (0, b"\x1be"), id="GSM-7 beside Latin-1"),
        pytest.param(
            {"data_coding": DataCoding(gsm7=1, ucs2=0x18, binary=2)}, segment("ж", _U), (0x18, b"\x04\x36"), id="map: UCS-2"
        ),
        pytest.param({"data_coding": DataCoding(gsm7=1)}, segment("@"), (1, b"\0"), id="map: GSM-7"),
        pytest.param({"data_coding": DataCoding(binary=2)}, segment("x", _D), (2, b"x"), id="map: data"),
        pytest.param({"packed": True}, segment("hello"), (0, gsm7.pack(b"hello")), id="packed"),
        pytest.param({"packed": True}, segment("ж", _U), (8, b"\x04\x36"), id="UCS-2 is never packed"),
        pytest.param({"packed": True, "default_alphabet": "latin1"}, segment("hi"), (0, b"hi"), id="nor Latin-1"),
        pytest.param(
            {"packed": True}, segment("x", **PART), (0, b"\5\0\3\7\3\2" + gsm7.pack(b"x", 1)), id="packed after a header"
        ),
    ],
)
def test_alphabet_of_a_carrier(keys, made, expected):
    """data_coding and octets as the carrier wants them."""
    body = written(made, **keys)
    assert (body.data_coding, body.short_message) == expected


@pytest.mark.parametrize(
    ("keys", "made", "data_coding", "octets"),
    [
        pytest.param({}, segment(), 0x10, None, id="0x10"),
        pytest.param({}, segment("ж", _U), 0x18, None, id="0x10, UCS-2"),
        pytest.param({}, segment("x", _D), 0x14, None, id="0x10, data"),
        pytest.param({"flash": "0xF0"}, segment(), 0xF0, None, id="0xF0"),
        pytest.param({"flash": "0xF0"}, segment("x", _D), 0xF4, None, id="0xF0, data"),
        pytest.param({"flash": "0xF0"}, segment("ж", _U), 0x18, None, id="0xF0 has no UCS-2"),
        pytest.param({"data_coding": DataCoding(gsm7=1, ucs2=0x20)}, segment("ж", _U), 0x18, None, id="not by the map"),
        pytest.param({"data_coding": DataCoding(latin1=3)}, segment("é"), 0x10, b"\5", id="no class beside Latin-1"),
        pytest.param(
            {"data_coding": DataCoding(latin1=3), "default_alphabet": "ascii"}, segment("é" * 71), 3, b"\xe9" * 71,
            id="too long for UCS-2: Latin-1, and no flash",
        ),
        pytest.param({"flash": "dest_addr_subunit"}, segment(), 0, None, id="parameter"),
        pytest.param({"flash": "dest_addr_subunit"}, segment("ж", _U), 8, None, id="parameter, UCS-2"),
    ],
)
def test_flash(keys, made, data_coding, octets):
    """A flash text is marked by its coding, or by dest_addr_subunit."""
    import msgspec

    body = written(msgspec.structs.replace(made, flash=True), **keys)
    assert body.data_coding == data_coding
    assert octets is None or body.short_message == octets
    assert tlvs(body) == ({Tag.DEST_ADDR_SUBUNIT: b"\1"} if keys.get("flash") == "dest_addr_subunit" else {})
    assert Tag.DEST_ADDR_SUBUNIT not in tlvs(written(made, **keys))


# ---- parts ---------------------------------------------------------------------------------------------------------


def test_sar():
    """The parts are told by parameters, and there is no header."""
    body = written(segment("x", **PART), segmentation="sar")
    assert (body.esm_class, body.short_message) == (0, b"x")
    found = tlvs(body)
    assert found.keys() == {Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM}
    assert (found[Tag.SAR_TOTAL_SEGMENTS], found[Tag.SAR_SEGMENT_SEQNUM]) == (b"\3", b"\2")
    assert found[Tag.SAR_MSG_REF_NUM][1] == 7
    assert written(segmentation="sar").tlvs == ()


def test_sar_with_a_national_table():
    """A table needs a header; then the part is told there too, and never in both places."""
    body = written(segment("ğ", single=1, **PART), segmentation="sar")
    assert (body.esm_class, body.short_message[:6], body.tlvs) == (0x40, b"\x08\0\3\7\3\2", ())


def test_wide_references():
    """16 bits, the same for all parts of a text, and mostly another one for another text with the same 8 bits."""
    import msgspec

    first, second = (written(segment("x", ref=7, part=n, parts=3), segmentation="udh16").short_message for n in (1, 2))
    assert (first[:3], first[5:]) == (b"\6\x08\4", b"\3\1x")
    assert (second[3:5], second[5:]) == (first[3:5], b"\3\2x")
    others = {
        written(msgspec.structs.replace(segment("x", **PART), message=f"msg_{n:013}"), segmentation="udh16").short_message
        for n in range(20)
    }
    assert len(others) > 10


def test_payload():
    """The whole text stands in message_payload, and sm_length is 0."""
    body = written(segment("x" * 1000), segmentation="payload")
    assert (body.short_message, body.esm_class, tlvs(body)) == (b"", 0, {Tag.MESSAGE_PAYLOAD: b"x" * 1000})
    assert tlvs(written(segmentation="payload")) == {Tag.MESSAGE_PAYLOAD: b"hello"}
    part = written(segment("x", **PART), segmentation="payload")  # planned before the link was changed
    assert (part.esm_class, part.short_message) == (0x40, b"\5\0\3\7\3\2x")


def test_what_short_message_cannot_hold():
    """More than 254 octets go to message_payload, header and all."""
    body = written(segment("Δ" * 153, **PART), default_alphabet="utf8")
    assert (body.short_message, tlvs(body)) == (b"", {Tag.MESSAGE_PAYLOAD: b"\5\0\3\7\3\2" + "Δ".encode() * 153})
    assert written(segment("x" * 254)).tlvs == ()


# ---- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sender", "address"),
    [
        pytest.param({}, "", (1, 1, b"15550100100"), id="our number"),
        pytest.param({}, "+15550100200", (1, 1, b"15550100200"), id="another number"),
        pytest.param({"plus": True}, "", (1, 1, b"+15550100100"), id="with plus"),
        pytest.param({}, "12345678", (3, 0, b"12345678"), id="short code"),
        pytest.param({}, "123456789", (2, 1, b"123456789"), id="no short code"),
        pytest.param({"short_code": "0/1"}, "12345", (0, 1, b"12345"), id="short code as the carrier wants it"),
        pytest.param({}, "5550100200", (2, 1, b"5550100200"), id="national"),
        pytest.param({}, "ACME", (5, 0, b"ACME"), id="letters"),
        pytest.param({}, "me@home", (5, 0, b"me@home"), id="@ is no NUL"),
        pytest.param({"address_charset": "latin1"}, "Müller", (5, 0, b"M\xfcller"), id="letters in Latin-1"),
        pytest.param({"address_charset": "utf8"}, "Müller", (5, 0, "Müller".encode()), id="letters in UTF-8"),
        pytest.param({"source_npi": 1}, "ACME", (5, 1, b"ACME"), id="NPI of the carrier"),
        pytest.param({"source_ton": 0, "source_npi": 0}, "", (0, 0, b"15550100100"), id="both of the carrier"),
        pytest.param({"number": ""}, "", (0, 0, b""), id="the SMSC's choice"),
        pytest.param({"dest_ton": 9}, "", (1, 1, b"15550100100"), id="not by the destination's"),
    ],
)
def test_source(keys, sender, address):
    """Type, plan and octets of our address."""
    body = written(segment(sender=sender), **keys)
    assert (body.source_addr_ton, body.source_addr_npi, body.source_addr) == address


@pytest.mark.parametrize(
    ("keys", "to", "address"),
    [
        pytest.param({}, "+15550100777", (1, 1, b"15550100777"), id="international"),
        pytest.param({"plus": True}, "+15550100777", (1, 1, b"+15550100777"), id="with plus"),
        pytest.param({}, "12345", (3, 0, b"12345"), id="short code"),
        pytest.param({"short_code": "6/0"}, "12345", (6, 0, b"12345"), id="short code as the carrier wants it"),
        pytest.param({}, "0155501007", (2, 1, b"0155501007"), id="national"),
        pytest.param({}, "*100#", (0, 1, b"*100#"), id="a code"),
        pytest.param({"dest_ton": 0}, "+15550100777", (0, 1, b"15550100777"), id="TON of the carrier"),
        pytest.param({"dest_ton": 0, "dest_npi": 0}, "12345", (0, 0, b"12345"), id="both of the carrier"),
    ],
)
def test_destination(keys, to, address):
    """Type, plan and octets of theirs."""
    body = written(segment(to=Address.parse(to)), **keys)
    assert (body.dest_addr_ton, body.dest_addr_npi, body.destination_addr) == address


# ---- other fields --------------------------------------------------------------------------------------------------


def test_fields_that_are_handed_through():
    """service_type, protocol_id, messaging mode and replace_if_present; 0 and empty by default."""
    body = written(segment(**PART), service_type="VMA", protocol_id=0x41, esm_mode=3, replace_if_present=True)
    assert (body.service_type, body.protocol_id, body.esm_class, body.replace_if_present_flag) == (b"VMA", 0x41, 0x43, 1)
    plain = written()
    assert (plain.service_type, plain.protocol_id, plain.esm_class, plain.replace_if_present_flag) == (b"", 0, 0, 0)


@pytest.mark.parametrize(("class_", "plain", "mapped"), [("bulk", 0, 3), ("normal", 0, 2), ("alarm", 1, 0)])
def test_priority(class_, plain, mapped):
    """By class, as the carrier's table says."""
    made = segment(class_=MessageClass(class_))
    assert written(made).priority_flag == plain
    assert written(made, priority=Priorities(bulk=3, normal=2, alarm=0)).priority_flag == mapped


@pytest.mark.parametrize(
    ("keys", "validity", "octets"),
    [
        pytest.param({}, 0, b"", id="none"),
        pytest.param({}, 86400, b"000001000000000R", id="relative"),
        pytest.param({}, 3661, b"000000010101000R", id="hours, minutes, seconds"),
        pytest.param({}, 400 * 86400, b"000030000000000R", id="30 days at most"),
        pytest.param({"max_validity": 3600}, 86400, b"000000010000000R", id="no longer than the carrier takes"),
        pytest.param({"max_validity": 3600}, 60, b"000000000100000R", id="shorter"),
        pytest.param({"max_validity": 3600}, 0, b"", id="none stays none"),
        pytest.param({"time": "absolute"}, 86400, b"270116080000000+", id="absolute"),
        pytest.param({"time": "absolute", "max_validity": 60}, 86400, b"270115080100000+", id="absolute, limited"),
    ],
)
def test_validity(keys, validity, octets):
    """What is left of the validity, as the carrier writes times."""
    assert written(segment(validity=validity), **keys).validity_period == octets


@pytest.mark.parametrize(
    ("keys", "schedule", "octets"),
    [
        pytest.param({"smsc_schedule": True}, NOW + 3_600_000, b"000000010000000R", id="relative"),
        pytest.param({"smsc_schedule": True, "time": "absolute"}, NOW + 3_600_000, b"270115090000000+", id="absolute"),
        pytest.param({"smsc_schedule": True}, NOW - 1, b"", id="gone by"),
        pytest.param({"smsc_schedule": True, "time": "absolute"}, NOW - 1, b"", id="gone by, absolute"),
        pytest.param({"smsc_schedule": True}, 0, b"", id="at once"),
        pytest.param({}, NOW + 3_600_000, b"", id="the link does not leave it to the SMSC"),
    ],
)
def test_schedule(keys, schedule, octets):
    """When the SMSC is to deliver, where the link leaves that to it."""
    assert written(segment(schedule=schedule), **keys).schedule_delivery_time == octets


@pytest.mark.parametrize(
    ("keys", "part", "registered"),
    [
        pytest.param({}, 1, 1, id="final"), pytest.param({"receipts": "failure"}, 1, 2, id="failure"),
        pytest.param({"receipts": "none", "intermediate": True}, 1, 0, id="none"),
        pytest.param({"intermediate": True}, 1, 0x11, id="intermediate"),
        pytest.param({"receipt_parts": "first"}, 1, 1, id="first of first"),
        pytest.param({"receipt_parts": "first"}, 2, 0, id="second of first"),
        pytest.param({"receipt_parts": "last"}, 2, 0, id="second of last"),
        pytest.param({"receipt_parts": "last"}, 3, 1, id="last of last"),
        pytest.param({"receipt_parts": "all"}, 2, 1, id="second of all"),
    ],
)  # fmt: skip
def test_receipts(keys, part, registered):
    """registered_delivery, and which part asks; a text that wants no report asks for none."""
    made = segment("x", ref=7, part=part, parts=3)
    assert written(made, **keys).registered_delivery == registered
    assert written(segment("x", report=False), **keys).registered_delivery == 0


def test_user_message_reference():
    """A number of ours goes with each text: two octets made of the submission's id."""
    assert tlvs(written(user_message_reference=True)) == {Tag.USER_MESSAGE_REFERENCE: b"\0\1"}
    assert own_reference(1 << 20) != own_reference(2 << 20)
    assert {own_reference((5 << 20) + n) for n in range(1000)} == {(5 + n) & 0xFFFF for n in range(1000)}


# ---- optional parameters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "octets"),
    [
        pytest.param({"value": "1201"}, b"1201\0", id="string"),
        pytest.param({"value": "c0ffee", "type": "octets"}, b"\xc0\xff\xee", id="octets"),
        pytest.param({"value": "7", "type": "int1"}, b"\7", id="int1"),
        pytest.param({"value": "0x1234", "type": "int2"}, b"\x12\x34", id="int2"),
        pytest.param({"value": "1", "type": "int4"}, b"\0\0\0\1", id="int4"),
        pytest.param({"from_": "meta.pe_id"}, b"1101\0", id="of the caller"),
        pytest.param({"from_": "meta.other", "value": "x"}, b"x\0", id="of the caller, who gave none: the constant"),
        pytest.param({"from_": "meta.other"}, None, id="of the caller, who gave none"),
        pytest.param({"from_": "id"}, b"msg_0000000000002\0", id="id"),
        pytest.param({"from_": "class"}, b"alarm\0", id="class"),
        pytest.param({"from_": "to"}, b"+15550100777\0", id="to"),
        pytest.param({"from_": "from"}, b"ACME\0", id="from"),
        pytest.param({"name": "seen"}, None, id="one that is only read"),
    ],
)
def test_parameters(parameter, octets):
    """Parameters of the carrier's own: constants, or what the text has."""
    made = segment(class_=MessageClass.ALARM, sender="ACME", meta={"pe_id": "1101"})
    body = written(made, tlv=(Parameter(tag=0x1400, **parameter),))
    assert tlvs(body) == ({} if octets is None else {0x1400: octets})


def test_from_is_the_number_that_is_sent():
    """A text that names no sender goes with the link's number, also in a parameter."""
    assert tlvs(written(tlv=(Parameter(tag=0x1400, from_="from"),))) == {0x1400: b"+15550100100\0"}


# ---- what cannot be written ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "keys"),
    [
        pytest.param(segment("ж"), {}, id="no GSM-7"),
        pytest.param(segment("ж" * 71), {"default_alphabet": "latin1"}, id="no Latin-1, too long for UCS-2"),
        pytest.param(segment("ж" * 68, **PART), {"default_alphabet": "latin1"}, id="a part too long for UCS-2"),
        pytest.param(segment(sender="Müller"), {}, id="letters that are no ASCII"),
        pytest.param(segment(sender="ABCDEFGHIJKL"), {}, id="twelve letters"),
        pytest.param(segment(to=Address("ж", TypeOfNumber.ALPHANUMERIC)), {}, id="destination that is no ASCII"),
        pytest.param(segment("Ā", _D), {}, id="data beyond an octet"),
        pytest.param(segment(ref=7, part=4, parts=3), {}, id="part 4 of 3"),
        pytest.param(segment(ref=7, part=4, parts=3), {"segmentation": "sar"}, id="part 4 of 3, sar"),
        pytest.param(segment(ref=1 << 16, part=1, parts=3), {}, id="a reference of 17 bits"),
        pytest.param(segment(validity=10**12), {"time": "absolute"}, id="a time in another century"),
        pytest.param(segment(), {"tlv": (Parameter(tag=1, type="int1", value="256"),)}, id="256 in an octet"),
        pytest.param(segment(), {"tlv": (Parameter(tag=1, type="octets", value="xyz"),)}, id="octets that are no hex"),
        pytest.param(segment(meta={"a": "1\0"}), {"tlv": (Parameter(tag=1, from_="meta.a"),)}, id="NUL in a string"),
    ],
)
def test_what_cannot_be_written(made, keys):
    """A PduError, which the link makes a refusal of."""
    with pytest.raises(PduError):
        written(made, **keys)
