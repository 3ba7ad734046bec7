"""Lessons from other programs' defects, the rows about octets: one named test for each, findable by its number.

What each input did elsewhere stands in the docstring. The rows about the dialogue are in ``test_lessons.py`` and
``test_lessons_sending.py``.
"""

import contextlib
import sqlite3
from datetime import UTC, datetime

import pytest

from smsgwd.errors import PduError
from smsgwd.model import InboundSegment, RefusalClass
from smsgwd.modem.causes import Unknown, cause_of, command_error
from smsgwd.modem.mapping import read_pdu
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import split
from smsgwd.sms.submit import submit_for
from smsgwd.sms.tpdu import decode_hex
from tests.sms.vectors import V

THEM = Address.parse("+36641234567")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
P, T, L, U = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK, Unknown.UNKNOWN


def text_of(name: str) -> str:
    return decode_hex(V[name], "mt").text


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("hi 😀", (5,), id="one emoji"),
        pytest.param("😀" * 35, (70,), id="35 emoji"),
        pytest.param("😀" * 36, (66, 6), id="36 emoji"),
        pytest.param("я" * 66 + "😀" + "я" * 20, (66, 22), id="a pair at the border"),
        pytest.param("я" * 69 + "😀", (67, 4), id="a pair at the end"),
    ],
)
def test_lesson_01_emoji(text, units):
    """Any text can be sent, as UTF-16BE with DCS 08, and no pair is cut. Another program raised ValueError at ``hi 😀``."""
    plan = split(text)
    assert plan.units == units
    octets = b""
    for part in plan.texts:
        submit = submit_for(to=THEM, text=part, alphabet=plan.alphabet)
        assert submit.tp_dcs == 0x08
        assert decode_hex(submit.encode().hex(), "mo", False).text == part
        octets += submit.payload
    assert octets == text.encode("utf-16-be")


def test_lesson_02_no_fill_bits_after_seven_octets():
    """A header of 7 octets ends at a septet border: ``hello`` with a 16-bit reference was read as ``ello``."""
    pdu = decode_hex(V["ref16"], "mt")
    assert (pdu.text, pdu.concat.ref, pdu.concat.part, pdu.concat.parts) == ("hello", 0x1234, 1, 2)


def test_lesson_03_section_sign_form_feed_backtick():
    """``§`` is 5F, form feed ESC 0A, and there is no backtick. Another program took 5F for a backtick, both ways."""
    assert gsm7.encode("§") == b"\x5f"
    assert text_of("section") == "§"
    assert gsm7.encode("\f") == b"\x1b\x0a"
    assert gsm7.decode(b"\x1b\x0a") == "\f"
    assert gsm7.try_encode("`") is None
    assert split("`").alphabet is Alphabet.UCS2
    assert split("`", alphabet=Alphabet.GSM7).text == "'"


def test_lesson_04_coding_groups_above_c0():
    """DCS F5 is data, E0 is UCS-2. Another program read both as GSM-7: ``hJ1cv`` for the octets of ``hello``."""
    data = decode_hex(V["dcs-f5"], "mt")
    assert (data.alphabet, data.payload) == (Alphabet.DATA, b"hello")
    assert text_of("dcs-e0") == "яя"


@pytest.mark.parametrize(("name", "text"), [("emoji", "😀"), ("half-pair", "я\ufffd")])
def test_lesson_05_text_can_be_stored(name, text):
    """Half a surrogate pair becomes U+FFFD and the octets are kept. A lone surrogate made SQLite raise elsewhere."""
    read = decode_hex(V[name], "mt")
    assert read.text == text
    assert read.raw.hex().upper() == V[name]
    with contextlib.closing(sqlite3.connect(":memory:")) as conn:
        assert conn.execute("SELECT ?", (read.text,)).fetchone() == (text,)


@pytest.mark.parametrize(
    ("name", "text", "timed", "sender"),
    [
        pytest.param("esc-at-end", "A", True, "+36641234567", id="ESC at the end"),
        pytest.param("zero-scts", "hello", False, "+36641234567", id="no time"),
        pytest.param("month-13", "hello", False, "+36641234567", id="month 13"),
        pytest.param("no-sender", "hello", True, "", id="no sender"),
        pytest.param("udl-20", "hello", True, "+36641234567", id="cut short"),
    ],
)
def test_lesson_06_bad_pdus_are_read_leniently(name, text, timed, sender):
    """What can be read is; the rest is empty or marked. StopIteration and ValueError came out of other decoders."""
    read = decode_hex(V[name], "mt")
    assert (read.text, read.tp_scts is not None, read.tp_oa.text) == (text, timed, sender)
    assert read.truncated is (name == "udl-20")


def test_lesson_06_one_error_alone():
    """A header longer than its data is a PduError; so is anything else that ends too early or is cut or changed."""
    with pytest.raises(PduError, match="header"):
        decode_hex(V["udhl-lies"], "mt")
    assert decode_hex(V["udl-16"], "mt").excess
    for pdu in V.values():
        for end in range(len(pdu) + 1):
            with contextlib.suppress(PduError):
                decode_hex(pdu[:end], "mt")
        for at in range(0, len(pdu), 2):
            for octet in ("00", "FF"):
                with contextlib.suppress(PduError):
                    decode_hex(pdu[:at] + octet + pdu[at + 2 :], "mt")
    read = read_pdu(V["udhl-lies"], NOW)
    assert isinstance(read, InboundSegment)
    assert (read.raw.hex().upper(), bool(read.fault)) == (V["udhl-lies"], True)


#: first and last value of TP-ST, and what becomes of the text
STATUS = [
    (0x00, 0x00, "delivered"), (0x01, 0x1F, "closed"), (0x20, 0x3F, "pending"), (0x40, 0x45, "failed"),
    (0x46, 0x46, "expired"), (0x47, 0x7F, "failed"), (0x80, 0xFF, "failed"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "last", "category"), STATUS)
def test_lesson_18_status_by_the_table(first, last, category):
    """TP-ST counts by its range: 01 is no failure, 20 to 3F mean that another report follows. Elsewhere all but 00 was
    failed: 00, 01, 20, 25, 30, 41, 46 were tried."""
    for st in range(first, last + 1):
        report = read_pdu(f"{V['report-42']}{st:02X}", NOW)
        assert (report.reference, report.status.value, report.code) == ("42", category, f"0x{st:02X}")
        assert report.reason


@pytest.mark.parametrize(
    ("more", "first"),
    [({}, 0x01), ({"validity": 3600}, 0x11), ({"report": True}, 0x21), ({"report": True, "validity": 3600}, 0x31)],
)
def test_lesson_19_report_only_when_asked(more, first):
    """TP-SRR is set for a report that was asked for. Elsewhere the first octet was 21 with reports off."""
    submit = submit_for(to=THEM, text="hello", alphabet=Alphabet.GSM7, **more)
    assert submit.encode()[0] == first


@pytest.mark.parametrize(("name", "text"), [("locking", "€"), ("single", "Ş")])
def test_lesson_26_national_tables(name, text):
    """Turkish locking 04 is the euro, single shift ESC 53 is S with cedilla; elsewhere they were ``è`` and nothing."""
    assert text_of(name) == text


#: every code of the two tables, by class after the PDU
CMS = {
    P: (21, *range(95, 100), 128, 129, 130, 143, 144, 145, 159, 160, 161, 175, 176, 195, 196, 198, 199, 304, 305),
    T: (17, 22, 27, 38, 41, 42, 47, 81, 111, 127, 192, 194, *range(208, 213), 255, 314, 317, 318, 320, 321, 322, 340,
        2, 77, 126),
    L: (1, 8, 10, 28, 29, 30, 50, 69, 193, 300, 301, 302, 303, 310, 311, 312, 313, 315, 316, 330, 331),
    U: (197, 332, 500, 512, 513, 515),
}  # fmt: skip
CME = {
    P: (24, 25, 26, 27),
    T: (14, 17, 18, 20, 21, 22, 23),
    L: (0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 30, 32, *range(40, 49), 103, 106, 107, 111, 112, 113),
    U: (31, 100),
}


@pytest.mark.parametrize(("kind", "table"), [("CMS", CMS), ("CME", CME)])
def test_lesson_27_errors_have_classes(kind, table):
    """Every code has one class, and a name for people; elsewhere a single code was special and the rest alike."""
    for class_, codes in table.items():
        for code in codes:
            cause = cause_of(command_error(f"+{kind} ERROR: {code}"))
            assert (code, cause.class_) == (code, class_)
            assert cause.name


def test_lessons_seen_beside():
    """Semi-octets A and B are ``*`` and ``#``; seven letters have no eighth; a reference above 255 has its own header."""
    assert decode_hex(V["semi-octets"], "mt").tp_oa.text == "2*1#0"
    assert decode_hex(V["seven-letters"], "mt").tp_oa.text == "ACMEABC"
    wide = submit_for(to=THEM, text="a", alphabet=Alphabet.GSM7, ref=256, part=1, parts=2)
    assert decode_hex(wide.encode().hex(), "mo", False).concat.ref == 256
    assert Address.parse("12345").toa == 0x81
