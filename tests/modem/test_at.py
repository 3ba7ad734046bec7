"""The parser sorts what a modem says, however it comes in."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.modem.at import LONGEST_LINE, Expectation, Final, Line, Parser, Prompt, Unsolicited

PDU = "07919134466405F0040B916346214365F700006211326100508005E8329BFD06"
CSQ = Expectation("AT+CSQ", "+CSQ:")
CMGR = Expectation("AT+CMGR=3", "+CMGR:", pdus=True)
CMGL = Expectation("AT+CMGL=4", "+CMGL:", pdus=True)
CGMI = Expectation("AT+CGMI", bare=True)
CMGS = Expectation("AT+CMGS=20", "+CMGS:", prompt=True)
CREG = Expectation("AT+CREG?", "+CREG:")
PDU_SENT = Expectation("0011000B", "+CMGS:")

CASES = [
    pytest.param(CSQ, "\r\n+CSQ: 20,99\r\n\r\nOK\r\n", [Line("+CSQ: 20,99"), Final("OK")], id="answer"),
    pytest.param(CSQ, "AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n", [Line("+CSQ: 20,99"), Final("OK")], id="echo"),
    pytest.param(CSQ, "\n+CSQ: 20,99\n\nOK\n", [Line("+CSQ: 20,99"), Final("OK")], id="lone LF"),
    pytest.param(CSQ, "\r\r\n+CSQ: 1,2\r\r\n\r\r\nOK\r\r\n", [Line("+CSQ: 1,2"), Final("OK")], id="CR CR LF"),
    pytest.param(
        CSQ, '\r\n+CMTI: "SM",3\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n',
        [Unsolicited('+CMTI: "SM",3'), Line("+CSQ: 20,99"), Final("OK")], id="code before the answer",
    ),
    pytest.param(
        PDU_SENT, '\r\n+CMTI: "SM",3\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n',
        [Unsolicited('+CMTI: "SM",3'), Line("+CMGS: 5"), Final("OK")], id="code before +CMGS",
    ),
    pytest.param(
        PDU_SENT, f"\r\n+CDS: 25\r\n{PDU}\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n",
        [Unsolicited("+CDS: 25", PDU), Line("+CMGS: 5"), Final("OK")], id="report before +CMGS",
    ),
    pytest.param(PDU_SENT, "0011000B\r\r\n+CMGS: 5\r\n\r\nOK\r\n", [Line("+CMGS: 5"), Final("OK")], id="echo of the PDU"),
    pytest.param(
        None, '\r\n+CMTI: "SM",3\r\n\r\n+CMTI: "SM",4\r\n',
        [Unsolicited('+CMTI: "SM",3'), Unsolicited('+CMTI: "SM",4')], id="burst",
    ),
    pytest.param(None, f'\r\n+CMT: ,24\r\n{PDU}\r\n', [Unsolicited("+CMT: ,24", PDU)], id="direct text"),
    pytest.param(
        CMGR, f"\r\n+CMGR: 0,,24\r\n{PDU}\r\n\r\nOK\r\n", [Line("+CMGR: 0,,24", PDU), Final("OK")], id="stored text"
    ),
    pytest.param(
        CMGR, f"\r\n+CMGR: 0,,24\r\n^RSSI: 20\r\n{PDU}\r\n\r\nOK\r\n",
        [Unsolicited("^RSSI: 20"), Line("+CMGR: 0,,24", PDU), Final("OK")], id="noise before the PDU",
    ),
    pytest.param(CMGR, "\r\nOK\r\n", [Final("OK")], id="empty slot"),
    pytest.param(CMGR, "\r\n+CMGR: 0,,24\r\n\r\nOK\r\n", [Line("+CMGR: 0,,24"), Final("OK")], id="head without PDU"),
    pytest.param(
        CMGL, f"\r\n+CMGL: 1,1,,24\r\n{PDU}\r\n+CMGL: 2,1,,24\r\n{PDU}\r\n\r\nOK\r\n",
        [Line("+CMGL: 1,1,,24", PDU), Line("+CMGL: 2,1,,24", PDU), Final("OK")], id="list",
    ),
    pytest.param(CGMI, "\r\nQuectel\r\n\r\nOK\r\n", [Line("Quectel"), Final("OK")], id="bare answer"),
    pytest.param(CGMI, "\r\nOKAY see you\r\nERROR in text\r\nOK\r\n",
                 [Line("OKAY see you"), Line("ERROR in text"), Final("OK")], id="finals are whole lines"),
    pytest.param(CSQ, "\r\n+CME ERROR: SIM not inserted\r\n", [Final("+CME ERROR: SIM not inserted")], id="verbal error"),
    pytest.param(CSQ, "\r\nCOMMAND NOT SUPPORT\r\n", [Final("COMMAND NOT SUPPORT")], id="Huawei's error"),
    pytest.param(CMGS, "\r\n> ", [Prompt()], id="prompt"),
    pytest.param(CMGS, ">", [Prompt()], id="bare prompt"),
    pytest.param(CMGS, "\r\n> \r\n+CMTI: \"SM\",1\r\n", [Prompt(), Unsolicited('+CMTI: "SM",1')], id="code behind a prompt"),
    pytest.param(CMGS, "\r\n+CMS ERROR: 302\r\n", [Final("+CMS ERROR: 302")], id="error instead of a prompt"),
    pytest.param(CSQ, "\r\n> \r\n", [Unsolicited(">", known=False)], id="no prompt was awaited"),
    pytest.param(CREG, '\r\n+CREG: 2,1,"00C3","A1B2"\r\n\r\nOK\r\n',
                 [Line('+CREG: 2,1,"00C3","A1B2"'), Final("OK")], id="registration asked"),
    pytest.param(CREG, '\r\n+CREG: 1,"00C3","A1B2"\r\n+CREG: 2,5\r\n\r\nOK\r\n',
                 [Unsolicited('+CREG: 1,"00C3","A1B2"'), Line("+CREG: 2,5"), Final("OK")], id="registration unasked"),
    pytest.param(None, "\r\nRING\r\n\r\nNO CARRIER\r\n", [Unsolicited("RING"), Unsolicited("NO CARRIER")], id="a call"),
    pytest.param(None, "\r\n+CMGS: 7\r\n\r\nOK\r\n", [Unsolicited("+CMGS: 7")], id="late result"),
    pytest.param(None, "\r\n\xff\xfe^BOOT\r\n", [Unsolicited("\xff\xfe^BOOT", known=False)], id="noise"),
    pytest.param(CSQ, "\x00\x00\r\n+CSQ: 1,2\r\n\x00\r\nOK\r\n", [Line("+CSQ: 1,2"), Final("OK")], id="NUL"),
]  # fmt: skip


def play(expectation: Expectation | None, chunks: list[bytes]) -> list[object]:
    parser = Parser()
    if expectation is not None:
        parser.expect(expectation)
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(("expectation", "said", "events"), CASES)
def test_sorting(expectation, said, events):
    """Each line becomes what it is, and nothing is lost: whole, byte by byte, and with bytes behind it."""
    octets = said.encode("latin-1")
    assert play(expectation, [octets]) == events
    assert play(expectation, [bytes((o,)) for o in octets]) == events
    assert play(expectation, [octets, b"\r\n+CM"]) == events


@given(st.sampled_from([case.values for case in CASES]), st.lists(st.integers(0, 80), max_size=6))
@settings(max_examples=150)
def test_chunks_make_no_difference(case, cuts):
    """Where the port cuts the bytes changes nothing."""
    expectation, said, events = case
    octets = said.encode("latin-1")
    edges = sorted({0, len(octets), *(min(c, len(octets)) for c in cuts)})
    assert play(expectation, [octets[a:b] for a, b in pairwise(edges)]) == events


@given(st.binary(max_size=300), st.sampled_from([None, CSQ, CMGR, CGMI, CMGS]))
@settings(max_examples=200)
def test_noise_never_stops_it(noise, expectation):
    """After any bytes a whole answer is read."""
    parser = Parser()
    if expectation is not None:
        parser.expect(expectation)
    parser.feed(noise + b"\r\n")
    parser.expect(CSQ)
    events = parser.feed(b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
    assert events[-2:] == [Line("+CSQ: 20,99"), Final("OK")]


def test_a_line_without_end_is_bounded():
    """A line of more than 4 KiB is dropped to its end and counted; the next line is read."""
    parser = Parser()
    for _ in range(20):
        assert parser.feed(b"x" * 1000) == []
    assert parser.dropped == 1
    assert len(parser._buffer) <= LONGEST_LINE
    assert parser.feed(b'\r\n+CMTI: "SM",1\r\n') == [Unsolicited('+CMTI: "SM",1')]


def test_a_final_that_nobody_waits_for_is_counted():
    """A stray OK is no event; it cannot end the next command."""
    parser = Parser()
    assert parser.feed(b"\r\nOK\r\n") == []
    assert parser.dropped == 1
