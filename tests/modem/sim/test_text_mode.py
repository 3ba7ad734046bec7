"""Text mode of the simulated modem: PDUs as fields, and texts without a PDU."""

import pytest

from smsgwd.sms.tpdu import decode_hex
from tests.modem.sim.feeding import BROKEN, CLASS2, HELLO, REPORT, SUBMIT, Desk

TIME, DONE = '"26/11/23,16:00:05+08"', '"26/11/23,16:01:05+08"'
#: "hello" in UCS-2, as hex
HELLO_UCS2 = "00680065006C006C006F"
#: "hello" with the alphabet UCS-2 from +36641234567
IN_UCS2 = HELLO.replace("F70000", "F70008").replace("05E8329BFD06", "0A" + HELLO_UCS2)


def text_desk(*commands: str, **phone) -> Desk:
    desk = Desk(**phone)
    for command in ("AT+CMGF=1", *commands):
        assert desk.ask(command)[-1] == "OK"
    return desk


def typed(desk: Desk, command: str, octets: bytes) -> list[str]:
    """A text behind the prompt, and what is said to it."""
    assert desk.feed(command.encode() + b"\r") == b"\r\n> "
    return desk.feed(octets + b"\x1a").decode().split()


# ---- shown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pdu", "cscs", "fields", "text"),
    [
        pytest.param(HELLO, "GSM", '"+36641234567",', "hello", id="gsm"),
        pytest.param(HELLO, "IRA", '"+36641234567",', "hello", id="ira"),
        pytest.param(HELLO, "UCS2", f'"{"+36641234567".encode("utf-16-be").hex().upper()}",', HELLO_UCS2, id="ucs2"),
        pytest.param(IN_UCS2, "GSM", '"+36641234567",', HELLO_UCS2, id="ucs2-is-hex"),
    ],
)
def test_read(pdu, cscs, fields, text):
    """+CMGR shows state, sender, time and text in the character set; UCS-2 data is hex whatever that is."""
    desk = text_desk(f'AT+CSCS="{cscs}"')
    desk.arrives(pdu)
    assert desk.ask("AT+CMGR=1") == [f'+CMGR: "REC UNREAD",{fields},{TIME}', text, "OK"]
    assert desk.ask("AT+CMGR=1")[0] == f'+CMGR: "REC READ",{fields},{TIME}'


def test_all_fields():
    """AT+CSDH=1: type of the sender, first octet, PID, DCS, SMSC with its type, length (TS 27.005 section 3.4.3); a list
    shows type and length alone (section 3.4.2)."""
    desk = text_desk("AT+CSDH=1")
    desk.arrives(CLASS2)
    head = f'"+36641234567",,{TIME},145'
    assert desk.ask('AT+CMGL="REC UNREAD"')[0] == f'+CMGL: 1,"REC UNREAD",{head},5'
    assert desk.ask("AT+CMGR=1")[0] == f'+CMGR: "REC READ",{head},4,0,242,"+19436446500",145,5'


def test_all_fields_of_a_text_of_our_own():
    """A stored text to somebody has its validity between DCS and SMSC, which are empty where there are none."""
    desk = text_desk("AT+CSDH=1")
    assert typed(desk, 'AT+CMGW="+15551234567"', b"hello") == ["+CMGW:", "1", "OK"]
    assert desk.ask("AT+CMGR=1") == ['+CMGR: "STO UNSENT","+15551234567",,145,17,0,0,167,,,5', "hello", "OK"]


def test_list_by_state():
    """The states are words, in any case; the list of none is OK alone."""
    desk = text_desk()
    assert desk.ask("AT+CMGL=?") == ['+CMGL: ("REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL")', "OK"]
    desk.arrives(HELLO)
    assert desk.ask('AT+CMGL="rec read"') == ["OK"]
    assert desk.ask("AT+CMGL") == [f'+CMGL: 1,"REC UNREAD","+36641234567",,{TIME}', "hello", "OK"]
    assert desk.ask('AT+CMGL="ALL"') == [f'+CMGL: 1,"REC READ","+36641234567",,{TIME}', "hello", "OK"]
    assert desk.ask("AT+CMGL=4") == desk.ask('AT+CMGL="XX"') == ["+CMS ERROR: 302"]


@pytest.mark.parametrize(
    ("pdu", "is_report", "wanted"),
    [
        pytest.param(HELLO, False, [f'+CMT: "+36641234567",,{TIME}', "hello"], id="text"),
        pytest.param(REPORT, True, [f'+CDS: 6,5,"+36641234567",145,{TIME},{DONE},0'], id="report"),
        pytest.param("FF", False, ["+CMT: ,0", "FF"], id="no-pdu"),
    ],
)
def test_directly(pdu, is_report, wanted):
    """+CMT and +CDS in text mode; what cannot be shown so comes as PDU."""
    desk = text_desk("AT+CNMI=2,2,0,1")
    assert desk.arrives(pdu, is_report=is_report) == wanted


def test_stored_report():
    """A report in the storage shows its fields, and no text."""
    desk = text_desk("AT+CNMI=2,1,0,2")
    desk.arrives(REPORT, is_report=True)
    assert desk.ask("AT+CMGR=1") == [f'+CMGR: "REC UNREAD",6,5,"+36641234567",145,{TIME},{DONE},0', "OK"]


def test_a_broken_text_cannot_be_shown():
    """A text whose lengths lie has no fields: +CMS ERROR: 320 in text mode, and the PDU in PDU mode."""
    desk = text_desk()
    desk.arrives(BROKEN)
    assert desk.ask("AT+CMGR=1") == desk.ask('AT+CMGL="ALL"') == ["+CMS ERROR: 320"]
    assert desk.ask("AT+CMGF=0;+CMGR=1")[1:] == [BROKEN, "OK"]


# ---- written -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commands", "number", "octets", "text"),
    [
        pytest.param([], "+15551234567", b"hello", "hello", id="gsm"),
        pytest.param([], "+15551234567", b"\x00 \x02", "@ $", id="gsm-septets"),
        pytest.param(['AT+CSCS="IRA"'], "+15551234567", b"@ $", "@ $", id="ira"),
        pytest.param(['AT+CSCS="UCS2"'], "+15551234567".encode("utf-16-be").hex(), HELLO_UCS2.encode(), "hello", id="ucs2"),
        pytest.param(["AT+CSMP=17,167,0,8"], "+15551234567", b"20AC0035", "€5", id="ucs2-data"),
        pytest.param([], "+15551234567", b"\none\r\ntwo\rthree", "one\ntwo\nthree", id="lines"),
        pytest.param([], "12345", b"short", "short", id="short-number"),
    ],
)
def test_send(commands, number, octets, text):
    """What is typed behind the prompt goes out as a PDU with the parameters of AT+CSMP."""
    desk = text_desk(*commands)
    desk.feed(f'AT+CMGS="{number}"\r'.encode())
    desk.feed(octets + b"\x1a")
    sent = decode_hex(desk.pdus[0], "mo", smsc=True)
    assert (sent.text, sent.tp_da.text) == (text, "12345" if number == "12345" else "+15551234567")
    assert (sent.tp_vpf, sent.tp_vp, sent.tp_srr) == (2, b"\xa7", False)


def test_parameters():
    """AT+CSMP: first octet (report, validity), PID and DCS are those of the PDU."""
    desk = text_desk("AT+CSMP=33,0,65,245")
    assert typed(desk, 'AT+CMGS="+15551234567"', b"68656C6C6F") == []
    sent = decode_hex(desk.pdus[0], "mo", smsc=True)
    assert (sent.tp_srr, sent.tp_vpf, sent.tp_pid, sent.tp_dcs, sent.payload) == (True, 0, 65, 245, b"hello")


@pytest.mark.parametrize(
    ("commands", "octets"),
    [
        pytest.param([], b"x" * 161, id="too-long"),
        pytest.param([], b"\xe9", id="no-septet"),
        pytest.param(["AT+CSMP=17,167,0,8"], b"zz", id="no-hex"),
        pytest.param(["AT+CSMP=17,167,0,8"], b"20A", id="odd-hex"),
        pytest.param(['AT+CSCS="UCS2"'], b"0", id="odd-hex-in-ucs2"),
    ],
)
def test_what_cannot_be_sent(commands, octets):
    """A text that does not fit, or is not in the character set, gets +CMS ERROR: 305 and does not go out."""
    desk = text_desk(*commands)
    number = "+15551234567".encode("utf-16-be").hex() if "UCS2" in "".join(commands) else "+15551234567"
    assert typed(desk, f'AT+CMGS="{number}"', octets) == ["+CMS", "ERROR:", "305"]
    assert desk.pdus == []


def test_no_number_no_prompt():
    """AT+CMGS without a number is refused before the prompt."""
    assert text_desk().ask('AT+CMGS=""') == ["+CMS ERROR: 305"]


def test_the_mode_is_of_the_prompt_that_was_opened():
    """A length is no number: what is in PDU mode is a TPDU length, and back in PDU mode it is one again."""
    desk = text_desk()
    desk.ask("AT+CMGF=0")
    assert desk.send()[-2:] == ["+CMGS: 1", "OK"]
    assert desk.pdus == [SUBMIT[1]]
