"""Delivery receipts as carriers send them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, ReferenceMatch, ReportStatus
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import MessageState, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.receipt import STATES, Receipts, is_receipt, parse_receipt, reads_like_receipt, receipt_fields, text_of
from smsgwd.sms.address import Address
from tests.smpp.bodies import bodies_of
from tests.smpp.texts import carrier

_S = ReportStatus
PLAIN = b"id:39f99dd5 sub:001 dlvrd:001 submit date:2611231600 done date:2611231601 stat:DELIVRD err:000 text:hello"


def by_text(text: bytes, *tlvs: Tlv) -> DeliveryReport:
    return parse_receipt(ShortMessage(esm_class=4, short_message=text, tlvs=tlvs))


@pytest.mark.parametrize(
    ("text", "reference", "status", "code"),
    [
        pytest.param(PLAIN, "39f99dd5", _S.DELIVERED, "", id="appendix B"),
        pytest.param(PLAIN.replace(b"2611231600", b"261123160059"), "39f99dd5", _S.DELIVERED, "", id="12 digits of date"),
        pytest.param(PLAIN.replace(b"2611231600", b"0000000000"), "39f99dd5", _S.DELIVERED, "", id="a date of zeros"),
        pytest.param(PLAIN.replace(b"2611231600", b"yesterday"), "39f99dd5", _S.DELIVERED, "", id="a date of words"),
        pytest.param(b"id:7 stat:DELIVRD", "7", _S.DELIVERED, "", id="id and stat alone"),
        pytest.param(b"stat:UNDELIV err:011 id:7", "7", _S.FAILED, "err:011", id="another order"),
        pytest.param(b"ID:7 STAT:delivrd ERR:000 Text:x", "7", _S.DELIVERED, "", id="another case"),
        pytest.param(b"Id:7 Submit Date:26 Done Date:26 Stat:Expired Err:0", "7", _S.EXPIRED, "", id="capitals"),
        pytest.param(b"id: 7 stat: REJECTD err: 00B text:", "7", _S.FAILED, "err:00B", id="blanks after the colons"),
        pytest.param(b"id:7\r\nstat:DELETED\r\nerr:E\r\n", "7", _S.FAILED, "err:E", id="lines"),
        pytest.param(b"id:7 stat:UNDELIV err:ABCDEFGHIJ text:", "7", _S.FAILED, "err:ABCDEFGH", id="a long err is cut"),
        pytest.param(b"id:7 err:001 text:", "7", _S.PENDING, "err:001", id="no stat"),
        pytest.param(b"id:7 stat: err:000", "7", _S.PENDING, "", id="empty stat"),
        pytest.param(b"id:1101C1-C9D03D-F000 stat:DELIVRD", "1101C1-C9D03D-F000", _S.DELIVERED, "", id="id with dashes"),
        pytest.param(b"id:9308878062554710043 stat:DELIVRD", "9308878062554710043", _S.DELIVERED, "", id="64 bits of id"),
        pytest.param(b"id:00B8BE19 stat:DELIVRD", "00B8BE19", _S.DELIVERED, "", id="zeros of the id stay"),
        pytest.param(b"id:7 stat:DELIVRD text:id:9 stat:UNDELIV", "7", _S.DELIVERED, "", id="a receipt's words as text"),
        pytest.param(b"id:7 id:9 stat:DELIVRD stat:EXPIRED", "7", _S.DELIVERED, "", id="twice: the first counts"),
        pytest.param(b"\xe4\xf6 id:7 stat:DELIVRD text:\xff\0", "7", _S.DELIVERED, "", id="octets of any coding"),
        pytest.param(b"id:" + b"9" * 80 + b" stat:DELIVRD", "9" * 64, _S.DELIVERED, "", id="a long id is cut"),
    ],
)  # fmt: skip
def test_texts(text, reference, status, code):
    """Fields are found by name; any may be missing but the id."""
    report = by_text(text)
    assert (report.reference, report.status, report.code) == (reference, status, code)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SCHEDULED", _S.PENDING), ("ENROUTE", _S.PENDING), ("ACKED", _S.PENDING), ("BUFFRED", _S.PENDING),
        ("BUFFERD", _S.PENDING), ("DELIVRD", _S.DELIVERED), ("DELIVERED", _S.DELIVERED), ("EXPIRED", _S.EXPIRED),
        ("DELETED", _S.FAILED), ("UNDELIV", _S.FAILED), ("UNDELIVERABLE", _S.FAILED), ("FAILED", _S.FAILED),
        ("ACCEPTD", _S.PENDING), ("ACCEPTED", _S.PENDING), ("UNKNOWN", _S.PENDING), ("REJECTD", _S.FAILED),
        ("REJECTED", _S.FAILED), ("SKIPPED", _S.FAILED), ("PURPLE", _S.PENDING),
    ],
)  # fmt: skip
@pytest.mark.parametrize("case", [str.upper, str.lower], ids=["upper", "lower"])
def test_words(word, status, case):
    """Each word met in the wild; one that nobody knows changes nothing, and is told."""
    report = by_text(f"id:7 stat:{case(word)} err:000".encode())
    assert report.status is status
    assert report.reason == ("" if status is _S.DELIVERED else f"the SMSC says {word}")


@pytest.mark.parametrize("state", MessageState)
def test_message_state(state):
    """The optional parameters alone make a receipt; no text is needed."""
    tlvs = (Tlv(Tag.RECEIPTED_MESSAGE_ID, b"00000001\0"), Tlv(Tag.MESSAGE_STATE, bytes((state,))))
    report = by_text(b"", *tlvs)
    assert (report.reference, report.status) == ("00000001", STATES[state][0])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"\x63", "the SMSC says message_state 99", id="unknown number"),
        pytest.param(b"\0\2", "", id="two octets"),
        pytest.param(b"\xff" * 5000, "the SMSC says message_state 4294967295", id="far too long"),
        pytest.param(b"", "the SMSC names no state", id="empty"),
    ],
)
def test_odd_message_states(value, reason):
    """A message_state of any value and length is read as far as it makes sense."""
    assert by_text(b"id:7", Tlv(Tag.MESSAGE_STATE, value)).reason == reason


def test_parameters_win_over_the_text():
    """They disagree: receipted_message_id, message_state and network_error_code count."""
    report = by_text(
        PLAIN, Tlv(Tag.RECEIPTED_MESSAGE_ID, b"ff\0"), Tlv(Tag.MESSAGE_STATE, b"\5"), Tlv(Tag.NETWORK_ERROR_CODE, b"\3\0\x11")
    )
    assert (report.reference, report.status, report.code) == ("ff", _S.FAILED, "network 3:17")
    assert report.reason == "the SMSC says UNDELIV, network 3:17"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param(b"\3\0\0", "", id="error 0 is none"),
        pytest.param(b"\3\1", "err:011", id="too short: the text counts"),
    ],
)
def test_network_error_codes(value, code):
    """Type and two octets; anything else is not read."""
    assert by_text(b"id:7 stat:UNDELIV err:011", Tlv(Tag.NETWORK_ERROR_CODE, value)).code == code


@pytest.mark.parametrize(
    "named", [b"7", b"7\0", b" 7 \0", b"7\0\0\0", b"7\0junk"], ids=["no NUL", "NUL", "blanks", "NULs", "junk behind the NUL"]
)
def test_receipted_message_id(named):
    """With or without its NUL."""
    assert by_text(b"", Tlv(Tag.RECEIPTED_MESSAGE_ID, named)).reference == "7"


def test_an_empty_parameter_leaves_the_text():
    """An empty receipted_message_id names nothing; the text does."""
    assert by_text(PLAIN, Tlv(Tag.RECEIPTED_MESSAGE_ID, b"\0")).reference == "39f99dd5"


def test_where_the_text_stands():
    """short_message, message_payload, both, or a data_sm."""
    payload = Tlv(Tag.MESSAGE_PAYLOAD, b" stat:EXPIRED")
    assert text_of(ShortMessage(short_message=b"id:7", tlvs=(payload,))) == b"id:7 stat:EXPIRED"
    assert by_text(b"id:7", payload).status is _S.EXPIRED
    data = DataSm(esm_class=4, tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, PLAIN),))
    assert parse_receipt(data).status is _S.DELIVERED


def test_what_is_kept():
    """The raw octets, and who got the text."""
    report = parse_receipt(ShortMessage(esm_class=4, short_message=PLAIN), b"raw", Address("15550100"))
    assert (report.raw, report.recipient) == (b"raw", Address("15550100"))


@pytest.mark.parametrize("text", [b"", b"hello", b"stat:DELIVRD err:000", b"id: stat:DELIVRD", b"grid:7 stat:DELIVRD"])
def test_a_receipt_that_names_no_message(text):
    """Nothing could be matched: a PduError, and the caller keeps the octets."""
    with pytest.raises(PduError, match="names no message"):
        by_text(text)


@pytest.mark.parametrize(
    ("esm_class", "tlvs", "expected"),
    [
        pytest.param(0x04, (), True, id="final"),
        pytest.param(0x20, (), True, id="intermediate"),
        pytest.param(0x44, (), True, id="final with UDHI"),
        pytest.param(0x07, (), True, id="mode bits beside"),
        pytest.param(0x00, (Tlv(Tag.RECEIPTED_MESSAGE_ID, b"1\0"),), True, id="names a message"),
        pytest.param(0x00, (), False, id="text"),
        pytest.param(0x40, (), False, id="text with header"),
        pytest.param(0x08, (), False, id="SME delivery acknowledgement"),
        pytest.param(0x10, (), False, id="SME user acknowledgement"),
        pytest.param(0x24, (), False, id="reserved"),
        pytest.param(0x00, (Tlv(Tag.MESSAGE_STATE, b"\2"),), False, id="a state alone"),
    ],
)
def test_is_receipt(esm_class, tlvs, expected):
    """By esm_class, or because it names a receipted message."""
    assert is_receipt(ShortMessage(esm_class=esm_class, tlvs=tlvs)) is expected


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_junk_texts(text):
    """Any octets: fields, each once, none longer than the text."""
    found = receipt_fields(text)
    assert all(len(value) <= len(text) for value in found.values())


_RECEIPT_TAGS = [Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE, Tag.NETWORK_ERROR_CODE, Tag.MESSAGE_PAYLOAD]


@given(
    bodies_of(ShortMessage) | bodies_of(DataSm),
    st.lists(st.builds(Tlv, st.sampled_from(_RECEIPT_TAGS), st.binary(max_size=80)), max_size=4).map(tuple),
)
@settings(max_examples=300)
def test_junk_receipts(body, tlvs):
    """Whatever comes: a report with a reference that fits, or the one documented error."""
    try:
        report = parse_receipt(replace(body, tlvs=tlvs))
    except PduError:
        return
    assert 1 <= len(report.reference) <= 64
    assert report.status in ReportStatus


# ---- as a link is configured ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("receipt_id", "match"),
    [
        ("auto", ReferenceMatch.AUTO), ("same", ReferenceMatch.SAME), ("string", ReferenceMatch.SAME),
        ("hex>dec", ReferenceMatch.HEX_DEC), ("dec>hex", ReferenceMatch.DEC_HEX),
    ],
)  # fmt: skip
def test_receipt_id(receipt_id, match):
    """How the reference may differ goes along with the report."""
    body = ShortMessage(esm_class=4, short_message=PLAIN)
    assert Receipts(carrier(receipt_id=receipt_id)).read(body, b"", Address("1")).match is match


@pytest.mark.parametrize(
    ("sent", "value", "own"),
    [
        pytest.param(True, b"\x12\x34", 0x1234, id="echoed"), pytest.param(True, b"\x07", 7, id="one octet"),
        pytest.param(True, b"\0\0\1\2", None, id="four octets are none of ours"), pytest.param(True, b"", None, id="empty"),
        pytest.param(False, b"\x12\x34", None, id="we send none: it is somebody else's"),
    ],
)  # fmt: skip
def test_user_message_reference(sent, value, own):
    """Our number counts only where we send one."""
    body = ShortMessage(esm_class=4, short_message=PLAIN, tlvs=(Tlv(Tag.USER_MESSAGE_REFERENCE, value),))
    assert Receipts(carrier(user_message_reference=sent)).read(body, b"", Address("1")).own == own


@pytest.mark.parametrize("word", ["DELIVRD", "UNDELIV", "EXPIRED", "ENROUTE"])
def test_intermediate(word):
    """An intermediate notification is never the end, whatever state it names; its word is told."""
    report = parse_receipt(ShortMessage(esm_class=0x20, short_message=f"id:7 stat:{word}".encode()))
    assert report.status is _S.PENDING
    assert report.reason == f"the SMSC says {word}"


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        pytest.param(PLAIN, True, id="appendix B"), pytest.param(b"id:7 stat:delivrd", True, id="id and stat"),
        pytest.param(b"stat:UNDELIV err:1 id:7", True, id="any order"), pytest.param(b"id:7 stat:PURPLE", False, id="no state"),
        pytest.param(b"id: stat:DELIVRD", False, id="no id"), pytest.param(b"id:7", False, id="no stat"),
        pytest.param(b"my id:7 what is the stat?", False, id="a person's words"), pytest.param(b"", False, id="nothing"),
        pytest.param(b"id:7 stat:DELIVRD text:" + b"x" * 400, False, id="too long for a receipt"),
    ],
)  # fmt: skip
def test_reads_like_a_receipt(text, reads):
    """A name and a state that is known."""
    assert reads_like_receipt(text) is reads


@pytest.mark.parametrize(
    ("config", "body", "found"),
    [
        pytest.param({}, ShortMessage(short_message=PLAIN), True, id="short_message"),
        pytest.param({}, DataSm(tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, PLAIN),)), True, id="message_payload of a data_sm"),
        pytest.param({}, ShortMessage(short_message=b"hello"), False, id="a text"),
        pytest.param({}, ShortMessage(esm_class=0x40, short_message=PLAIN), False, id="with a header"),
        pytest.param({}, ShortMessage(esm_class=0x08, short_message=PLAIN), False, id="SME acknowledgement"),
        pytest.param({"receipt_by_text": False}, ShortMessage(short_message=PLAIN), False, id="switched off"),
        pytest.param({"receipts": "none"}, ShortMessage(short_message=PLAIN), False, id="a link without receipts"),
    ],
)
def test_likely(config, body, found):
    """Nothing marks it as a receipt: the report goes along, and the store decides."""
    report = Receipts(carrier(**config)).likely(body, b"raw", Address("15550100777"))
    assert (report is not None) is found
    if report is not None:
        assert (report.reference, report.status, report.raw) == ("39f99dd5", _S.DELIVERED, b"raw")


@given(bodies_of(ShortMessage) | bodies_of(DataSm))
@settings(max_examples=200)
def test_likely_of_anything(body):
    """Any body: a report, or none, and never an error."""
    report = Receipts(carrier()).likely(body, b"", Address("1"))
    assert report is None or report.reference
