"""Commands of the simulated modem about itself, its SIM and the network."""

import pytest

from smsgwd.modem.sim.phone import Phone
from tests.modem.sim.feeding import Desk


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("AT+CGMI", ["smsgwd"]), ("AT+GMI", ["smsgwd"]), ("AT+CGMM", ["simulated"]), ("AT+GMM", ["simulated"]),
        ("AT+CGMI=?", []), ("AT+CNUM", ['+CNUM: ,"+15550100100",145']), ("AT+CPAS", ["+CPAS: 0"]),
        ("AT+CBC", ["+CBC: 0,100"]), ("AT+CGATT?", ["+CGATT: 1"]), ("AT+CCLK?", ['+CCLK: "26/01/31,12:00:00+00"']),
        ("AT+CFUN?", ["+CFUN: 1"]), ("AT+CFUN=?", ["+CFUN: (0,1,4),(0,1)"]),
        ("AT+CSCS?", ['+CSCS: "GSM"']), ("AT+CSCS=?", ['+CSCS: ("GSM","IRA","UCS2")']),
        ("AT+CSQ", ["+CSQ: 21,99"]), ("AT+CSQ=?", ["+CSQ: (0-31,99),(0-7,99)"]),
        ("AT+CESQ", ["+CESQ: 99,99,255,255,20,60"]),
        ("AT+CESQ=?", ["+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-255),(0-34,255),(0-97,255)"]),
        ("AT+COPS?", ['+COPS: 0,0,"Simnet"']), ("AT+COPS=3,2;+COPS?", ['+COPS: 0,2,"00101"']),
        ("AT+COPS=?", ['+COPS: (2,"Simnet","Sim","00101",7),,(0-4),(0-2)']),
        ("AT+CPIN?", ["+CPIN: READY"]), ("AT+CPIN=?", []), ("AT+CPINR", ["+CPINR: SIM PIN,3,3"]), ("AT+CPINR=?", []),
        ('AT+CLCK="SC",2', ["+CLCK: 0"]), ("AT+CLCK=?", ['+CLCK: ("SC","PN")']),
        ("AT+CPBS?", ['+CPBS: "SM",0,250']), ("AT+CPBS=?", ['+CPBS: ("SM","ON")']), ("AT+CHUP", []), ("AT+CHUP=?", []),
        ("AT+CLIP=1;+CLIP?", ["+CLIP: 1"]), ("AT+CRC?", ["+CRC: 0"]), ("AT+CVHU=?", ["+CVHU: (0-2)"]),
        ("AT+CSSN?", ["+CSSN: 0,0"]), ("AT+CCWA=1;+CCWA?", ["+CCWA: 1"]), ("AT+CGSMS?", ["+CGSMS: 3"]),
        ("AT+CUSD=?", ["+CUSD: (0-2)"]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_answers(command, wanted):
    """Each command has the answer of the standard."""
    assert Desk().ask(command) == [*wanted, "OK"]


@pytest.mark.parametrize("command", ["AT+CSCS=\"X\"", "AT+CREG=3", "AT+CFUN=9", "AT+CMEE=²", "AT+CHUP?", "AT+CPBR=1", "AT^WIND=?"])
def test_refused(command):
    """A value that is none and a command that is unknown get a clean error."""
    assert Desk().ask(command) == ["ERROR"]


def test_clac_names_what_works():
    """AT+CLAC lists the commands, those with a prompt too, and each of them is known."""
    desk = Desk()
    *names, ok = desk.ask("AT+CLAC")
    assert ok == "OK"
    assert {"+CMGS", "+CMGW", "+CMGL", "+CLAC", "+CPIN"} <= set(names)
    desk.ask("AT+CMEE=1")
    assert [name for name in names if "+CME ERROR: 4" in desk.ask(f"AT{name}=?")] == []


def test_identities_differ_by_serial():
    """Two simulated modems are told apart by IMEI, IMSI and ICCID; the same serial has the same ones. Check digits hold."""
    first, again, other = (Phone("+1", serial=n) for n in (7, 7, 8))
    assert (first.imei, first.sim.imsi, first.sim.iccid) == (again.imei, again.sim.imsi, again.sim.iccid)
    assert len({first.imei, other.imei}) == len({first.sim.imsi, other.sim.imsi}) == len({first.sim.iccid, other.sim.iccid}) == 2
    assert len(first.imei) == 15
    for number in (first.imei, other.sim.iccid):
        digits = [int(c) for c in reversed(number)]
        assert sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2]) in range(0, 300, 10)
    desk = Desk(serial=7)
    assert desk.ask("AT+CGSN") == [first.imei, "OK"] == desk.ask("AT+GSN")
    assert desk.ask("AT+CIMI") == [first.sim.imsi, "OK"]
    assert desk.ask("AT+CCID") == [f"+CCID: {first.sim.iccid}", "OK"]
    assert desk.ask("AT+QCCID") == [f"+QCCID: {first.sim.iccid}", "OK"]


def test_versions():
    """The firmware names the simulator, in AT+CGMR, AT+GMR and ATI."""
    desk = Desk()
    (version, _) = desk.ask("AT+CGMR")
    assert version.startswith("simulated ")
    assert desk.ask("AT+GMR") == [version, "OK"]
    assert desk.ask("ATI") == ["smsgwd", "simulated", version, "OK"]


# ---- PIN -----------------------------------------------------------------------------------------------------------


def test_locked_sim_wants_its_pin():
    """While locked, what needs the SIM is refused and the rest works; the right PIN opens it."""
    desk = Desk(pin="1234")
    desk.ask("AT+CMEE=1")
    assert desk.ask("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert desk.ask("AT+CIMI") == desk.ask("AT+CMGS=18") == desk.ask("AT+CPMS?") == ["+CME ERROR: 11"]
    assert desk.ask("AT+CGSN")[-1] == "OK"
    assert desk.ask('AT+CLCK="SC",2') == ["+CLCK: 1", "OK"]
    assert desk.ask('AT+CPIN="1234"') == ["OK"]
    assert desk.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]
    assert desk.ask("AT+CIMI")[-1] == "OK"
    assert desk.ask("AT+CPIN=1234") == ["+CME ERROR: 3"]


def test_wrong_pins_lock_the_sim_for_good():
    """Three wrong PINs: tries count down, then the card wants its PUK, and the right PIN opens nothing any more."""
    desk = Desk(pin="1234")
    desk.ask("AT+CMEE=1")
    assert desk.ask("AT+CPIN=0000") == desk.ask("AT+CPIN=0000") == ["+CME ERROR: 16"]
    assert desk.ask("AT+CPINR") == ["+CPINR: SIM PIN,1,3", "OK"]
    assert desk.ask("AT+CPIN=0000") == ["+CME ERROR: 12"]
    assert desk.ask("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
    assert desk.ask("AT+CPIN=1234") == desk.ask("AT+CIMI") == ["+CME ERROR: 12"]


@pytest.mark.parametrize("value", ["", '=""', "=123", "=123456789", "=12a4", "=²²²²"])
def test_what_is_no_pin_costs_no_try(value):
    """The modem refuses what cannot be a PIN by itself; the card is not asked."""
    desk = Desk(pin="1234")
    assert desk.ask(f"AT+CPIN{value}") == ["ERROR"]
    assert desk.phone.sim.tries == 3


def test_a_right_pin_gives_the_tries_back():
    """After a wrong one, the right PIN sets the tries to three again; a restart locks the card again."""
    desk = Desk(pin="1234")
    desk.ask("AT+CPIN=0000")
    desk.ask("AT+CPIN=1234")
    assert desk.phone.sim.tries == 3
    desk.phone.restart()
    assert desk.ask("AT+CPIN?")[-2:] == ["+CPIN: SIM PIN", "OK"]


# ---- network -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CREG", "CGREG", "CEREG"])
def test_registration(name):
    """<n> is kept by command; with 2 the cell is told, when there is one."""
    desk = Desk()
    assert desk.ask(f"AT+{name}?") == [f"+{name}: 0,1", "OK"]
    desk.ask(f"AT+{name}=2")
    assert desk.ask(f"AT+{name}?") == [f'+{name}: 2,1,"00C3","0000A1B2"', "OK"]
    desk.phone.stat = 2
    assert desk.ask(f"AT+{name}?") == [f"+{name}: 2,2", "OK"]
    assert desk.ask(f"AT+{name}=?") == [f"+{name}: (0-2)", "OK"]
    assert desk.ask(f"AT+{name}") == ["OK"]
    assert desk.ask(f"AT+{name}?") == [f"+{name}: 0,2", "OK"]


@pytest.mark.parametrize(("stat", "sends"), [(0, False), (1, True), (2, False), (3, False), (5, True), (6, True), (7, True), (8, False)])
def test_who_may_send(stat, sends):
    """Home, roaming and "SMS only" send; the others get +CMS ERROR: 331 before the prompt."""
    desk = Desk()
    desk.phone.stat = stat
    assert desk.ask("AT+CMGS=18") == (["> "] if sends else ["+CMS ERROR: 331"])


def test_flight_mode():
    """AT+CFUN=4: no network, no signal, nothing goes out; AT+CFUN=1 brings it all back."""
    desk = Desk()
    desk.ask("AT+CFUN=4")
    assert desk.ask("AT+CREG?;+CSQ;+CESQ;+COPS?;+CGATT?") == [
        "+CREG: 0,0", "+CSQ: 99,99", "+CESQ: 99,99,255,255,255,255", "+COPS: 0", "+CGATT: 0", "OK",
    ]  # fmt: skip
    assert desk.ask("AT+CMGS=18") == ["+CMS ERROR: 331"]
    desk.ask("AT+CFUN=1")
    assert desk.ask("AT+CREG?") == ["+CREG: 0,1", "OK"]


def test_restart_by_command():
    """AT+CFUN=1,1 is answered and restarts; AT+CFUN=1 alone restarts nothing."""
    desk = Desk()
    desk.ask("AT+CFUN=1")
    assert desk.restarted == 0
    assert desk.ask("AT+CFUN=1,1") == ["OK"]
    assert desk.restarted == 1


def test_ussd_in_the_character_set():
    """A code is answered by the network, in UCS-2 after AT+CSCS="UCS2"; AT+CUSD=2 asks nothing."""
    desk = Desk()
    assert desk.ask('AT+CUSD=1,"*100#",15') == ["OK"]
    desk.ask('AT+CSCS="UCS2"')
    desk.ask('AT+CUSD=1,"002A0031",15')
    desk.ask("AT+CUSD=2")
    assert desk.notices == ['+CUSD: 0,"Balance 12.34",15', f'+CUSD: 0,"{"Balance 12.34".encode("utf-16-be").hex().upper()}",15']
