"""What each family of modems does its own way: storages, notices, errors, tries of the PIN, registration."""

import re

import pytest

from smsgwd.modem.sim import engine
from smsgwd.modem.sim.families import FAMILIES, find_family, help_rows
from smsgwd.modem.sim.makers import MAKERS
from tests.modem.sim.feeding import HELLO, Desk, plugged


def test_every_profile_names_its_device():
    """The help has each profile with the device that it stands for, and no two say the same but the short name."""
    rows = dict(help_rows())
    assert set(rows) == set(FAMILIES)
    assert {"huawei-e173", "huawei-e3372", "sim800", "sim7600", "quectel-ec25", "zte", "wavecom", "telit"} <= set(rows)
    assert len(set(rows.values())) == len(rows) - 1
    assert find_family("quectel") is find_family("quectel-ec25")


@pytest.mark.parametrize("profile", FAMILIES)
def test_rows_hold_together(profile):
    """A row names commands and storages that there are, takes what a text needs, and lists what it takes."""
    family = find_family(profile)
    assert set(family.own) <= set(MAKERS)
    assert family.memories[0] == "SM"
    assert {family.report_memory} - {""} <= set(family.memories)
    desk = Desk(profile)
    assert all(desk.ask(f"AT{name}=?")[-1] == "OK" for name in family.own if name != "^CPIN")
    assert {desk.ask(f"AT{name}?")[-1] for name in family.lacks} <= {family.unknown or "ERROR"}
    assert set(family.own) <= set(desk.ask("AT+CLAC"))
    assert not set(family.lacks) & set(desk.ask("AT+CLAC"))


@pytest.mark.parametrize("profile", FAMILIES)
def test_notices_that_are_taken(profile):
    """AT+CNMI takes each <mt> and <ds> of the row and refuses the others."""
    family, desk = find_family(profile), Desk(profile)
    assert [mt for mt in range(4) if desk.ask(f"AT+CNMI=2,{mt}")[-1] == "OK"] == list(family.mt)
    assert [ds for ds in range(3) if desk.ask(f"AT+CNMI=2,1,0,{ds}")[-1] == "OK"] == list(family.ds)


@pytest.mark.parametrize(
    ("profile", "listed", "refused"),
    [
        pytest.param("huawei-e173", '("SM"),("SM"),("SM")', "ME", id="huawei-e173"),
        pytest.param("huawei-e3372", '("SM","ME"),("SM","ME"),("SM","ME")', "SR", id="huawei-e3372"),
        pytest.param("quectel-ec25", '("SM","ME","SR"),("SM","ME"),("SM","ME")', "MT", id="quectel-ec25"),
    ],
)
def test_storages(profile, listed, refused):
    """AT+CPMS lists the storages of the family and takes no other."""
    desk = Desk(profile)
    assert desk.ask("AT+CPMS=?") == [f"+CPMS: {listed}", "OK"]
    assert desk.ask(f'AT+CPMS="{refused}"') == ["+CMS ERROR: 302"]
    assert desk.ask('AT+CPMS="SM","SM","SM"')[-1] == "OK"


@pytest.mark.parametrize(
    ("profile", "plain", "numbers"),
    [
        pytest.param("generic", "ERROR", "+CME ERROR: 4", id="generic"),
        pytest.param("huawei-e173", "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORT", id="huawei-e173"),
        pytest.param("huawei-e3372", "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORT", id="huawei-e3372"),
        pytest.param("sim800", "ERROR", "ERROR", id="sim800"),
        pytest.param("telit", "ERROR", "ERROR", id="telit"),
        pytest.param("sim7600", "+CME ERROR: operation not supported", "+CME ERROR: 4", id="sim7600"),
    ],
)
def test_unknown_commands(profile, plain, numbers):
    """A command that it does not know, before AT+CMEE=1 and after; another error keeps its code."""
    desk = Desk(profile)
    assert desk.ask("AT+NONE") == [plain]
    assert desk.ask("AT+CMEE=1;+NONE") == [numbers]
    assert desk.ask("AT+CFUN=9") == ["+CME ERROR: 50"]


@pytest.mark.parametrize(
    ("profile", "command", "locked", "last"),
    [
        pytest.param(
            "huawei-e173", "AT^CPIN?", "^CPIN: SIM PIN,3,10,3,10,3", "^CPIN: SIM PIN,2,10,2,10,3", id="huawei"
        ),
        pytest.param("sim800", "AT+SPIC", "+SPIC: 3,10,3,10", "+SPIC: 2,10,3,10", id="sim800"),
        pytest.param("sim7600", "AT+SPIC", "+SPIC: 3,10,3,10", "+SPIC: 2,10,3,10", id="sim7600"),
        pytest.param("quectel-ec25", 'AT+QPINC="SC"', '+QPINC: "SC",3,10', '+QPINC: "SC",2,10', id="quectel-ec25"),
        pytest.param("zte", "AT+ZPINPUK=?", "+ZPINPUK: 3,10", "+ZPINPUK: 2,10", id="zte"),
        pytest.param("wavecom", "AT+CPINC", "+CPINC: 3,3,10,10", "+CPINC: 2,3,10,10", id="wavecom"),
        pytest.param("telit", "AT#PCT", "#PCT: 3", "#PCT: 2", id="telit"),
        pytest.param("ublox", "AT+UPINCNT", "+UPINCNT: 3,3,10,10", "+UPINCNT: 2,3,10,10", id="ublox"),
    ],
)
def test_tries_of_the_pin(profile, command, locked, last):
    """The family's command counts them while the SIM is locked; other families do not know it."""
    desk = Desk(profile, pin="1234")
    assert desk.ask(command) == [locked, "OK"]
    assert desk.ask("AT+CPIN=9999")[-1].endswith(("ERROR", "16", "incorrect password"))
    assert desk.ask(command) == [last, "OK"]
    assert Desk("generic").ask(command) == ["ERROR"]


def test_huawei_tries_when_open_and_when_blocked():
    """Nothing is wanted, so that its place is empty; ten tries of the PUK; AT^CPIN= is no command."""
    assert Desk("huawei-e3372").ask("AT^CPIN?")[0] == "^CPIN: READY,,10,3,10,3"
    desk = Desk("huawei-e3372", pin="1234")
    desk.phone.sim.tries = 0
    assert desk.ask("AT^CPIN?")[0] == "^CPIN: SIM PUK,10,10,0,10,3"
    assert desk.ask("AT^CPIN=1") == ["COMMAND NOT SUPPORT"]


def test_quectel_tries_of_all():
    """AT+QPINC? tells both facilities; one that there is not is an error."""
    desk = Desk("quectel-ec25")
    assert desk.ask("AT+QPINC?") == ['+QPINC: "SC",3,10', '+QPINC: "P2",3,10', "OK"]
    assert desk.ask('AT+QPINC="XX"') == ["ERROR"]


@pytest.mark.parametrize(
    ("profile", "command", "known", "unknown"),
    [
        pytest.param("quectel-ec25", "AT+QCSQ", '+QCSQ: "LTE",-69,-97,130,-10', '+QCSQ: "NOSERVICE"', id="quectel"),
        pytest.param("huawei-e3372", "AT^HCSQ?", '^HCSQ: "LTE",50,45,80,20', '^HCSQ: "NOSERVICE"', id="huawei"),
        pytest.param("zte", "AT+ZPAS?", '+ZPAS: "HSPA","CS_PS"', '+ZPAS: "No Service","CS_PS"', id="zte"),
    ],
)
def test_signal_of_the_maker(profile, command, known, unknown):
    """The maker's own word on the network, with one and without."""
    desk = Desk(profile)
    assert desk.ask(command) == [known, "OK"]
    desk.phone.stat = 2
    assert desk.ask(command) == [unknown, "OK"]


async def test_sim800_tells_the_time_of_a_text(tmp_path):
    """+CMGS has the time of the service centre behind the reference."""
    async with plugged(tmp_path, "sim800") as (_, program):
        head, final = await program.send()
        assert re.fullmatch(r'\+CMGS: 1,"\d\d/\d\d/\d\d,\d\d:\d\d:\d\d\+00"', head)
        assert final == "OK"


async def test_quiet_huawei(tmp_path):
    """AT^CURC=0 ends the notices until a restart."""
    async with plugged(tmp_path, "huawei-e173") as (sim, program):
        assert await program.ask("AT^CURC=0;^CURC?") == ["^CURC: 0", "OK"]
        assert await program.send() == ["+CMGS: 1", "OK"]
        sim.reset()
        await program.ask("ATE0")
        assert await program.send(until_said="RSSI:18\r\n") == ["+CMGS: 2", "OK", "^RSSI:18"]


def test_sim7600_is_registered_for_lte_alone():
    """+CREG says denied, +CGREG nothing, +CEREG home; texts go and come; a lost network is lost in all three."""
    desk = Desk("sim7600")
    ask = [desk.ask(f"AT+{name}?")[0] for name in ("CREG", "CGREG", "CEREG")]
    assert ask == ["+CREG: 0,3", "+CGREG: 0,0", "+CEREG: 0,1"]
    assert desk.send() == ["+CMGS: 1", "OK"]
    desk.arrives(HELLO)
    assert len(desk.phone.stores["SM"]) == 1
    desk.phone.stat = 2
    assert [desk.ask(f"AT+{name}?")[0][-1] for name in ("CREG", "CGREG", "CEREG")] == ["2", "2", "2"]


async def test_sim7600_tells_its_signal(tmp_path, monkeypatch):
    """+CSQ comes unasked from the start, again and again, until AT+AUTOCSQ=0."""
    monkeypatch.setattr(engine, "SIGNAL", 0.01)
    async with plugged(tmp_path, "sim7600") as (sim, program):
        await program.says("+CSQ: 21,99\r\n\r\n+CSQ: 21,99\r\n")
        sim.phone.stat = 2
        await program.says("+CSQ: 99,99\r\n")
        await program.ask("AT+AUTOCSQ=0,1")
        assert not sim.phone.settings.tells_signal
        assert await program.ask("AT+AUTOCSQ?") == ["+AUTOCSQ: 0,0", "OK"]
        assert await program.ask("AT+AUTOCSQ=2", "CME") == ["+CME ERROR: incorrect parameters"]


async def test_boot_tells_the_state_of_the_sim(tmp_path):
    """A SIM that wants its PIN is not READY in the lines after a restart."""
    async with plugged(tmp_path, "quectel-ec25", pin="1234") as (sim, program):
        program.read = b""
        sim.reset()
        await program.says("+QIND: SMS DONE\r\n")
        assert b"+CPIN: SIM PIN\r\n" in program.read
        assert b"READY" not in program.read
