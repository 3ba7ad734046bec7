"""Commands of the simulated modem about texts, in PDU mode, and what the network brings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.modem.sim.feeding import BROKEN, CLASS2, CLASS3, HELLO, REPORT, SUBMIT, Desk

#: octets of the TPDUs without the SMSC
N_HELLO, N_REPORT = len(HELLO) // 2 - 8, len(REPORT) // 2 - 8


def full(n: int, **options) -> Desk:
    """A phone with so many texts stored and read by nobody."""
    desk = Desk(**options)
    for _ in range(n):
        assert desk.arrives(HELLO, listening=False) == []
    return desk


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("AT+CMGF?", ["+CMGF: 0"]), ("AT+CMGF=?", ["+CMGF: (0,1)"]), ("AT+CMGF=1;+CMGF?", ["+CMGF: 1"]),
        ("AT+CSMS?", ["+CSMS: 0,1,1,1"]), ("AT+CSMS=?", ["+CSMS: (0,1)"]), ("AT+CSMS=1", ["+CSMS: 1,1,1"]),
        ("AT+CSCA?", ['+CSCA: "+15550100000",145']), ('AT+CSCA="436640501",129;+CSCA?', ['+CSCA: "436640501",129']),
        ('AT+CSCA="+4366";+CSCA?', ['+CSCA: "+4366",145']), ("AT+CSCA=?", []),
        ("AT+CSMP?", ["+CSMP: 17,167,0,0"]), ("AT+CSMP=49,,,8;+CSMP?", ["+CSMP: 49,167,0,8"]), ("AT+CSMP=?", []),
        ("AT+CSDH=1;+CSDH?", ["+CSDH: 1"]), ("AT+CSDH=?", ["+CSDH: (0,1)"]),
        ("AT+CNMI?", ["+CNMI: 0,0,0,0,0"]), ("AT+CNMI=2,1;+CNMI?", ["+CNMI: 2,1,0,0,0"]),
        ("AT+CNMI=2,1,0,2,1;+CNMI=1;+CNMI?", ["+CNMI: 1,1,0,2,1"]),
        ("AT+CNMI=?", ["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)"]), ("AT+CNMA=?", ["+CNMA: (0-2)"]),
        ("AT+CPMS?", ['+CPMS: "SM",0,50,"SM",0,50,"SM",0,50']),
        ("AT+CPMS=?", ['+CPMS: ("SM","ME","SR"),("SM","ME"),("SM","ME")']),
        ('AT+CPMS="ME";+CPMS?', ["+CPMS: 0,50,0,50,0,50", '+CPMS: "ME",0,50,"SM",0,50,"SM",0,50']),
        ("AT+CMGL=?", ["+CMGL: (0-4)"]), ("AT+CMGL=4", []), ("AT+CMGL", []), ("AT+CMGR=?", []), ("AT+CMGD=?", ["+CMGD: (),(0-4)"]),
        ("AT+CSAS", []), ("AT+CRES", []), ("AT+CMMS=2", []), ("AT+CMMS?", ["+CMMS: 0"]), ("AT+CMMS=?", ["+CMMS: (0-2)"]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_answers(command, wanted):
    """Each command has the answer of TS 27.005, and keeps what it was told."""
    assert Desk().ask(command) == [*wanted, "OK"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("AT+CSMS=9", 303), ("AT+CSMS=²", 303), ("AT+CSCA=x", 305), ('AT+CSCA="+4366",²', 305), ("AT+CSCA=1,999", 305),
        ("AT+CSMP=256", 305), ("AT+CSMP=x", 305), ("AT+CNMI=3", 302), ("AT+CNMI=2,1,1", 302), ("AT+CNMI=x", 302),
        ("AT+CNMI=1,1,0,0,0,0", 302), ("AT+CNMI=²", 302), ('AT+CPMS="XX"', 302), ('AT+CPMS="SM","SR"', 302),
        ("AT+CPMS=", 302), ("AT+CMGL=5", 302), ("AT+CMGL=²", 302), ("AT+CMGR=0", 321), ("AT+CMGR=51", 321), ("AT+CMGR=²", 321),
        ("AT+CMGD=51", 321), ("AT+CMGD", 321), ("AT+CMGD=" + "1" * 5000, 302), ("AT+CNMA", 340),
    ],
    ids=lambda x: str(x)[:24],
)  # fmt: skip
def test_refused(command, code):
    """A value that is none gets its +CMS ERROR, and changes nothing."""
    desk = Desk()
    before = desk.phone.settings
    assert desk.ask(command) == [f"+CMS ERROR: {code}"]
    assert desk.phone.settings == before


# ---- the storages --------------------------------------------------------------------------------------------------


def test_list_read_delete():
    """+CMGL shows what is stored by state and marks it read, +CMGR too, +CMGD empties the place, which is used again."""
    desk = full(2)
    head = f",,{N_HELLO}"
    assert desk.ask("AT+CMGR=1") == [f"+CMGR: 0{head}", HELLO, "OK"]
    assert desk.ask("AT+CMGR=1") == [f"+CMGR: 1{head}", HELLO, "OK"]
    assert desk.ask("AT+CMGL=0") == [f"+CMGL: 2,0{head}", HELLO, "OK"]
    assert desk.ask("AT+CMGL=0") == ["OK"]
    assert desk.ask("AT+CMGL=4") == [f"+CMGL: 1,1{head}", HELLO, f"+CMGL: 2,1{head}", HELLO, "OK"]
    assert desk.ask("AT+CMGD=?") == ["+CMGD: (1,2),(0-4)", "OK"]
    assert desk.ask("AT+CMGD=1") == desk.ask("AT+CMGD=1") == desk.ask("AT+CMGR=1") == ["OK"]
    assert [kind for kind, _ in desk.phone.happened] == ["delete"]
    assert desk.ask("AT+CPMS?") == ['+CPMS: "SM",1,50,"SM",1,50,"SM",1,50', "OK"]
    desk.arrives(BROKEN)
    assert desk.ask("AT+CMGR=1")[1] == BROKEN


@pytest.mark.parametrize(("flag", "left"), [(0, [2, 3, 4]), (1, [1, 3, 4]), (2, [1, 3]), (3, [1]), (4, [])])
def test_delete_by_state(flag, left):
    """<delflag> of TS 27.005 section 3.5.4: read ones, also sent, also unsent, all. Here 1 is unread, 2 read, 3 unsent, 4 sent."""
    desk = full(2)
    desk.ask("AT+CMGR=2")
    for stat in (2, 3):
        desk.feed(f"AT+CMGW=18,{stat}\r".encode() + SUBMIT[1].encode() + b"\x1a")
    assert desk.ask(f"AT+CMGD=1,{flag}") == ["OK"]
    assert sorted(desk.phone.stores["SM"]) == left
    assert desk.ask("AT+CMGD=1,9")[0] == "ERROR"


def test_write_to_the_storage():
    """AT+CMGW keeps a PDU in <mem2> as unsent or sent, and refuses a state that is none before the prompt."""
    desk = Desk(slots=1)
    desk.ask('AT+CPMS="ME","ME"')
    assert desk.feed(b"AT+CMGW=18\r") == b"\r\n> "
    assert desk.feed(SUBMIT[1].encode() + b"\x1a") == b"\r\n+CMGW: 1\r\n\r\nOK\r\n"
    assert desk.ask("AT+CMGL=2") == ["+CMGL: 1,2,,18", SUBMIT[1], "OK"]
    desk.feed(b"AT+CMGW=18,3\r")
    assert desk.feed(SUBMIT[1].encode() + b"\x1a") == b"\r\n+CMS ERROR: 322\r\n"
    assert desk.ask("AT+CMGW=18,7") == ["ERROR"]
    assert desk.pdus == []


def test_two_storages():
    """SM and ME are two: a text goes into <mem3>, and is read from <mem1>."""
    desk = Desk()
    desk.ask('AT+CPMS="SM","SM","ME";+CNMI=2,1')
    assert desk.arrives(HELLO) == ['+CMTI: "ME",1']
    assert desk.ask("AT+CMGR=1") == ["OK"]
    assert desk.ask('AT+CPMS="me"') == ["+CPMS: 1,50,0,50,1,50", "OK"]
    assert desk.ask("AT+CMGR=1")[1] == HELLO


def test_full_storage_keeps_the_rest_with_the_network():
    """With all places full a text waits in the network, without a notice, and comes when a place is free."""
    desk = full(2, slots=2)
    desk.ask("AT+CNMI=2,1")
    assert desk.arrives(HELLO) == []
    assert len(desk.phone.waiting) == 1
    desk.ask("AT+CMGD=2")
    assert desk.brought() == ['+CMTI: "SM",2']
    assert not desk.phone.waiting


# ---- what comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cnmi", "pdu", "wanted"),
    [
        pytest.param("0,0", HELLO, [], id="mt0"),
        pytest.param("2,1", HELLO, ['+CMTI: "SM",1'], id="mt1"),
        pytest.param("2,2", HELLO, [f"+CMT: ,{N_HELLO}", HELLO], id="mt2"),
        pytest.param("2,2", CLASS2, ['+CMTI: "SM",1'], id="mt2-class2"),
        pytest.param("2,2", CLASS3, [f"+CMT: ,{N_HELLO}", CLASS3], id="mt2-class3"),
        pytest.param("2,3", HELLO, ['+CMTI: "SM",1'], id="mt3"),
        pytest.param("2,3", CLASS3, [f"+CMT: ,{N_HELLO}", CLASS3], id="mt3-class3"),
        pytest.param("2,2", BROKEN, [f"+CMT: ,{len(BROKEN) // 2 - 8}", BROKEN], id="mt2-broken"),
        pytest.param("2,2", "FF", ["+CMT: ,0", "FF"], id="mt2-no-pdu"),
    ],
)
def test_texts(cnmi, pdu, wanted):
    """<mt> of TS 27.005 section 3.4.1: nothing, a notice, directly but for class 2, directly for class 3 alone."""
    desk = Desk()
    desk.ask(f"AT+CNMI={cnmi}")
    assert desk.arrives(pdu) == wanted
    assert len(desk.phone.stores["SM"]) == (0 if "+CMT:" in "".join(wanted) else 1)


@pytest.mark.parametrize(
    ("ds", "wanted", "stored"),
    [
        pytest.param(0, [], 0, id="dropped"),
        pytest.param(1, [f"+CDS: {N_REPORT}", REPORT], 0, id="directly"),
        pytest.param(2, ['+CDSI: "SM",1'], 1, id="stored"),
    ],
)
def test_reports(ds, wanted, stored):
    """<ds>: a report is dropped, comes directly, or is stored with a notice."""
    desk = Desk()
    desk.ask(f"AT+CNMI=2,1,0,{ds}")
    assert desk.arrives(REPORT, is_report=True) == wanted
    assert len(desk.phone.stores["SM"]) == stored
    assert not desk.phone.waiting


def test_nobody_listens():
    """With the port closed a text is stored without a notice, even in direct mode, and a direct report waits."""
    desk = Desk()
    desk.ask("AT+CNMI=2,2,0,1")
    assert desk.arrives(HELLO, listening=False) == desk.arrives(REPORT, is_report=True, listening=False) == []
    assert len(desk.phone.stores["SM"]) == 1
    assert desk.brought() == [f"+CDS: {N_REPORT}", REPORT]


@pytest.mark.parametrize("locked", ["pin", "flight"])
def test_who_is_not_reachable_gets_nothing(locked):
    """A locked SIM and flight mode: the text waits in the network until the phone is back."""
    desk = Desk(pin="1234" if locked == "pin" else "")
    desk.ask("AT+CFUN=4" if locked == "flight" else "AT")
    assert desk.arrives(HELLO) == []
    assert desk.phone.stores["SM"] == {}
    desk.ask("AT+CPIN=1234" if locked == "pin" else "AT+CFUN=1")
    desk.brought()
    assert len(desk.phone.stores["SM"]) == 1


# ---- acknowledgement -----------------------------------------------------------------------------------------------


def direct() -> Desk:
    desk = Desk()
    desk.ask("AT+CSMS=1;+CNMI=2,2,0,1")
    return desk


@pytest.mark.parametrize("command", ["AT+CNMA", "AT+CNMA=0", "AT+CNMA=1"])
def test_acknowledged_once(command):
    """With AT+CSMS=1 the next one waits for AT+CNMA; a second AT+CNMA has nothing to acknowledge."""
    desk = direct()
    assert desk.arrives(HELLO)[0].startswith("+CMT")
    assert desk.arrives(REPORT, is_report=True) == []
    assert desk.ask(command) == ["OK"]
    assert desk.brought() == [f"+CDS: {N_REPORT}", REPORT]
    assert desk.ask("AT+CNMA") == ["OK"]
    assert desk.ask("AT+CNMA") == ["+CMS ERROR: 340"]
    assert [fields["kept"] for _, fields in desk.phone.happened] == [False, False]


def test_asking_is_no_acknowledgement():
    """AT+CNMA? is no command of the standard: it acknowledges nothing."""
    desk = direct()
    desk.arrives(HELLO)
    assert desk.ask("AT+CNMA?") == ["ERROR"]
    assert desk.phone.unacknowledged is not None


def test_refused_ones_come_again():
    """AT+CNMA=2 leaves it with the network, which waits a little and comes again with it first."""
    desk = direct()
    desk.arrives(HELLO)
    desk.arrives(CLASS3)
    assert desk.ask("AT+CNMA=2") == ["OK"]
    assert desk.brought() == []
    desk.phone.resume()
    assert desk.brought() == [f"+CMT: ,{N_HELLO}", HELLO]


def test_late_acknowledgement_turns_direct_mode_off():
    """Nobody acknowledges: <mt> and <ds> go to 0 (TS 27.005 section 3.4.1), and the text comes into the storage."""
    desk = direct()
    desk.arrives(HELLO)
    desk.phone.acknowledgement_is_late()
    assert desk.ask("AT+CNMI?") == ["+CNMI: 2,0,0,0,0", "OK"]
    assert desk.brought() == []
    assert [slot.pdu for slot in desk.phone.stores["SM"].values()] == [HELLO]


def test_a_report_nobody_acknowledged_waits():
    """A report that was tried directly is not dropped when <ds> went to 0: it waits until somebody asks for reports."""
    desk = direct()
    desk.arrives(REPORT, is_report=True)
    desk.phone.acknowledgement_is_late()
    assert desk.brought() == []
    desk.ask("AT+CNMI=2,1,0,2")
    assert desk.brought() == ['+CDSI: "SM",1']


def test_a_restart_gives_the_unacknowledged_back():
    """What was not acknowledged before a restart stays with the network; settings are as after power-up, texts stay."""
    desk = direct()
    desk.arrives(HELLO, listening=False)
    desk.arrives(HELLO)
    desk.phone.restart()
    assert desk.phone.unacknowledged is None
    assert len(desk.phone.waiting) == len(desk.phone.stores["SM"]) == 1
    assert desk.phone.settings.cnmi == [0, 0, 0, 0, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["text", "delete", "read", "list"]), max_size=30), st.integers(1, 4))
def test_no_text_is_lost_and_no_storage_overflows(steps, slots):
    """Whatever is read and deleted in between: each text is stored, deleted or waits, and no more are stored than fit."""
    desk = Desk(slots=slots)
    came = gone = 0
    for step in steps:
        if step == "text":
            came += 1
            desk.arrives(HELLO)
        elif step == "delete":
            gone += bool(desk.phone.stores["SM"].get(1))
            desk.ask("AT+CMGD=1")
            desk.brought()
        else:
            assert desk.ask("AT+CMGR=1" if step == "read" else "AT+CMGL=4")[-1] == "OK"
        assert len(desk.phone.stores["SM"]) <= slots
    assert len(desk.phone.stores["SM"]) + len(desk.phone.waiting) + gone == came
