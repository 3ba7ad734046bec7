"""The dialogue of the simulated modem below the pty: bytes in, bytes out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.modem.sim.dialogue import MOST_INPUT
from tests.modem.sim.feeding import HELLO, SUBMIT, Desk

OK = b"\r\nOK\r\n"


def test_echo_is_on_until_it_is_turned_off():
    """A modem starts with echo: the command line comes back before its answer; after ATE0 only the answer comes."""
    desk = Desk(echo=True)
    assert desk.feed(b"AT\r") == b"AT\r" + OK
    assert desk.feed(b"ATE0\r") == b"ATE0\r" + OK
    assert desk.feed(b"AT\r") == OK
    assert desk.feed(b"ATE1\r") == OK
    assert desk.feed(b"AT\r") == b"AT\r" + OK


def test_ate_without_a_number_is_ate0():
    """V.250: a basic command without its number means 0."""
    desk = Desk(echo=True)
    desk.feed(b"ATE\r")
    assert desk.feed(b"AT\r") == OK


def test_pdu_is_echoed_without_its_end():
    """With echo the PDU comes back too, as a line discipline of a modem does it."""
    desk = Desk(echo=True)
    desk.feed(b"AT+CMGS=18\r")
    assert desk.feed(SUBMIT[1].encode() + b"\x1a") == SUBMIT[1].encode()


@pytest.mark.parametrize(
    ("fed", "wanted"),
    [
        pytest.param(b"at\r", OK, id="lower-case"),
        pytest.param(b"\x1b\rAT\r", OK, id="esc-cr-first"),
        pytest.param(b"\n\n\x00AT\r\n", OK, id="line-feeds-and-nul"),
        pytest.param(b"ATE0V1&FE0+CMEE=1;+CREG=2\r", OK, id="many-in-one-line"),
        pytest.param(b"ATZ\r", OK, id="reset"),
        pytest.param(b"ATS3=13\r", OK, id="register"),
        pytest.param(b"ATD*99#;\r", OK, id="dial"),
        pytest.param(b"AT\rAT\r", OK + OK, id="two-lines-in-one-read"),
        pytest.param(b"hello\r", b"", id="no-command"),
        pytest.param(b"\xff\xfe\r", b"", id="noise"),
        pytest.param(b"AT", b"", id="unfinished"),
    ],
)
def test_lines(fed, wanted):
    """What counts as a command line, and that every one gets its answer."""
    assert Desk().feed(fed) == wanted


def test_several_commands_have_one_result():
    """The lines of all commands of a line, then one OK; the first that fails ends the line with its error."""
    desk = Desk()
    assert desk.ask("AT+CMEE=1;+CSCS?;+CMGF?") == ['+CSCS: "GSM"', "+CMGF: 0", "OK"]
    assert desk.ask("AT+CSDH=1;+NONE;+CMGF=1") == ["+CME ERROR: 4"]
    assert desk.ask("AT+CSDH?;+CMGF?") == ["+CSDH: 1", "+CMGF: 0", "OK"]


def test_a_semicolon_in_quotes_ends_nothing():
    """The value in quotes may hold a semicolon."""
    desk = Desk()
    assert desk.ask('AT+CUSD=1,"*1;2#",15;+CMGF?') == ["+CMGF: 0", "OK"]
    assert desk.notices == ['+CUSD: 0,"Balance 12.34",15']


@pytest.mark.parametrize(
    ("cmee", "wanted"),
    [
        pytest.param(0, ["ERROR", "ERROR", "+CMS ERROR: 321"], id="off"),
        pytest.param(1, ["+CME ERROR: 4", "+CME ERROR: 50", "+CMS ERROR: 321"], id="numbers"),
        pytest.param(
            2, ["+CME ERROR: operation not supported", "+CME ERROR: incorrect parameters",
                "+CMS ERROR: invalid memory index"], id="words",
        ),
    ],
)  # fmt: skip
def test_cmee(cmee, wanted):
    """AT+CMEE turns +CME ERROR to ERROR, a number or words; +CMS ERROR stays, only its number turns to words."""
    desk = Desk()
    desk.ask(f"AT+CMEE={cmee}")
    assert [desk.ask(x)[0] for x in ("AT+NONE", "AT+CMEE=7", "AT+CMGR=999")] == wanted
    assert desk.ask("AT+CMEE?") == [f"+CMEE: {cmee}", "OK"]
    assert desk.ask("AT+CMEE=?") == ["+CMEE: (0-2)", "OK"]


# ---- the prompt ----------------------------------------------------------------------------------------------------


def test_prompt_and_pdu():
    """CR LF > SP, then the PDU up to 0x1A goes out once, and commands wait until its result."""
    desk = Desk()
    assert desk.feed(b"AT+CMGS=18\r") == b"\r\n> "
    assert desk.feed(SUBMIT[1].encode() + b"\x1aAT\r") == b""
    assert desk.pdus == [SUBMIT[1]]
    desk.dialogue.finish(desk.dialogue.token, "+CMGS: 7", "OK")
    assert desk.said == b"\r\n+CMGS: 7\r\n" + OK + OK


def test_a_late_result_is_said_to_whoever_listens():
    """A result that comes after the line was closed and opened again is said, and ends no other PDU."""
    desk = Desk()
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a")
    old = desk.dialogue.token
    desk.dialogue.drop()
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a")
    desk.said = b""
    desk.dialogue.finish(old, "+CMGS: 1", "OK")
    assert desk.said == b"\r\n+CMGS: 1\r\n" + OK
    assert desk.dialogue.token > old


def test_esc_at_the_prompt_drops_the_pdu():
    """ESC ends a half-typed PDU with OK, and nothing goes out."""
    desk = Desk()
    assert desk.feed(b"AT+CMGS=18\r" + SUBMIT[1][:10].encode() + b"\x1b") == b"\r\n> " + OK
    assert desk.pdus == []
    assert desk.feed(b"AT\r") == OK


@pytest.mark.parametrize("octets", [0, 165, -1, "", "x", "²", "9" * 5000])
def test_impossible_lengths(octets):
    """A length that is no TPDU's gets +CMS ERROR: 304 before any prompt."""
    assert Desk().ask(f"AT+CMGS={octets}") == ["+CMS ERROR: 304"]


@pytest.mark.parametrize(
    ("octets", "pdu"),
    [
        pytest.param(17, SUBMIT[1], id="wrong-length"),
        pytest.param(18, "zz", id="no-hex"),
        pytest.param(18, "", id="nothing"),
        pytest.param(18, SUBMIT[1][:-1], id="odd-digits"),
        pytest.param(17, SUBMIT[1][:-2], id="shorter-than-tp-udl"),
        pytest.param(19, SUBMIT[1] + "00", id="longer-than-tp-udl"),
        pytest.param(len(HELLO) // 2 - 8, HELLO, id="a-deliver"),
        pytest.param(15, "0041000B915155214365F70000032000", id="header-longer-than-its-data"),
    ],
)
def test_bad_pdus(octets, pdu):
    """A PDU that is none, or not of the length that was announced, gets +CMS ERROR: 304 and does not go out."""
    desk = Desk()
    desk.feed(f"AT+CMGS={octets}\r".encode())
    assert desk.feed(pdu.encode() + b"\x1a") == b"\r\n+CMS ERROR: 304\r\n"
    assert desk.pdus == []
    assert desk.feed(b"AT\r") == OK


def test_pdu_in_pieces_with_blanks_and_small_letters():
    """Programs write the PDU with line ends and blanks, in pieces, NUL included; a full SMSC is fine as well."""
    desk = Desk()
    desk.feed(b"AT+CMGS=18\x00\r")
    typed = "07915155100000F0" + SUBMIT[1][2:]
    desk.feed(typed[:7].lower().encode() + b"\r\n ")
    desk.feed(typed[7:].encode() + b"\x00")
    desk.feed(b"\x1a")
    assert desk.pdus == [typed]


@pytest.mark.parametrize("command", ["+CMGS", "+CMGW"])
def test_test_form_of_the_prompt_commands(command):
    """AT+CMGS=? and AT+CMGW=? are answered OK (TS 27.005 section 3.5) and open no prompt."""
    assert Desk().feed(f"AT{command}=?\r".encode()) == OK


# ---- any bytes -----------------------------------------------------------------------------------------------------

_COMMANDS = [
    "+CMGS=", "+CMGW=", "+CMGR=", "+CMGD=", "+CMGL=", "+CNMI=", "+CNMA=", "+CSMS=", "+CSMP=", "+CSCA=", "+CPMS=", "+CSCS=",
    "+CPIN=", "+CREG=", "+COPS=", "+CUSD=1,", "+CLCK=", "+CFUN=", "+CMEE=", "+CMGF=1", "+CMGF=0", "+CSMP=17,167,0,8",
    "+CSMP=17,167,0,4", "+CSMP=0,0,0,245", '+CSCS="UCS2"', '+CMGS="+4366"', '+CMGS="0034"', '+CMGL="ALL"', "+CMGR=1",
]  # fmt: skip
_VALUES = st.text(alphabet='0123456789,"²?=;+AZ \x00\xb9', max_size=10)
_LINES = st.one_of(
    st.builds(lambda name, value: f"AT{name}{value}\r".encode("latin-1"), st.sampled_from(_COMMANDS), _VALUES),
    st.sampled_from(_COMMANDS).map(lambda name: f"AT{name}\r".encode()),
    st.binary(max_size=150).map(lambda x: x + b"\x1a"),
    st.binary(max_size=60).map(lambda x: x.hex().encode() + b"\x1a"),
    st.binary(max_size=60),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_LINES, max_size=10), st.booleans())
def test_any_bytes_are_answered(fed, echo):
    """Whatever a program writes, nothing is raised, and with a clean line the modem answers the next AT with OK."""
    desk = Desk(echo=echo)
    for octets in fed:
        desk.feed(octets)
        desk.dialogue.finish(desk.dialogue.token, "OK")
    desk.phone.sim.locked = False
    assert desk.feed(b"\x1b\rAT\r").endswith(OK)


@settings(max_examples=60, deadline=None)
@given(st.lists(_LINES, max_size=6), st.data())
def test_pieces_make_no_difference(fed, data):
    """The same bytes in any pieces get the same answers, byte for byte."""
    whole, pieces = Desk(), Desk()
    octets = b"".join(fed)
    said = whole.feed(octets)
    heard = b""
    while octets:
        cut = data.draw(st.integers(1, len(octets)))
        heard += pieces.feed(octets[:cut])
        octets = octets[cut:]
    assert heard == said
    assert pieces.pdus == whole.pdus


def test_unfinished_input_is_bounded():
    """A program that never ends its line fills no memory: the oldest bytes go, and the next line works."""
    desk = Desk()
    for _ in range(40):
        desk.feed(b"x" * 1000)
        assert len(desk.dialogue._input) <= MOST_INPUT
    assert desk.feed(b"\rAT\r") == OK
    desk.feed(b"AT+CMGS=18\r")
    for _ in range(40):
        desk.feed(b"A" * 1000)
        assert len(desk.dialogue._input) <= MOST_INPUT


def test_input_behind_a_pdu_is_bounded():
    """What is written while a result is awaited waits, up to the bound."""
    desk = Desk()
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a")
    for _ in range(40):
        desk.feed(b"AT\r" * 300)
        assert len(desk.dialogue._input) <= MOST_INPUT
