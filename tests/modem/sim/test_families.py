"""How the simulated modem differs by profile."""

import pytest

from smsgwd.modem.sim.families import FAMILIES, find_family
from tests.modem.sim.feeding import HELLO, REPORT, Desk, plugged


def test_generic_is_the_standard():
    """The generic profile leaves the standards nowhere."""
    family = find_family("generic")
    assert (family.noise, family.empty_is_error, family.ds, family.csms) == ("", False, (0, 1, 2), (0, 1))
    assert (family.report_memory, family.shows_stat, family.ok_after_cpin) == ("", True, True)
    assert (family.memories, family.mt, family.ds_listed, family.cmee) == (("SM", "ME", "SR"), (0, 1, 2, 3), (0, 1, 2), 0)
    assert (family.unknown, family.own, family.lacks, family.sent_time) == ("", (), (), False)


def test_unknown_profile():
    """The error names the profiles that there are."""
    with pytest.raises(ValueError, match=r"'nokia' is no profile.*generic, huawei"):
        find_family("nokia")


@pytest.mark.parametrize("profile", FAMILIES)
def test_names(profile):
    """Each profile tells maker and model, takes a text, and stores one."""
    desk = Desk(profile)
    assert desk.ask("AT+CGMI") == [find_family(profile).maker, "OK"]
    assert desk.ask("AT+CGMM") == [find_family(profile).model, "OK"]
    assert desk.send() == ["+CMGS: 1", "OK"]
    desk.ask("AT+CNMI=2,1")
    assert desk.arrives(HELLO) == ['+CMTI: "SM",1']


@pytest.mark.parametrize("profile", FAMILIES)
async def test_restart_notices_and_noise(profile, tmp_path):
    """After a restart comes what the family says then, RDY at least; the talkative ones add a notice to each text."""
    family = find_family(profile)
    async with plugged(tmp_path, profile) as (sim, program):
        answer = await program.send(until_said=family.noise or "OK\r\n")
        assert answer[0].startswith("+CMGS: 1")
        assert answer[1:] == ["OK", *([family.noise] if family.noise else [])]
        await program.ask("AT+CFUN=1,1", until_said=(family.boot or ("RDY",))[-1])
        await program.ask("AT")
        assert sim.phone.settings.echo  # a restart forgets ATE0


@pytest.mark.parametrize("profile", ["qualcomm", "wavecom", "phase2"])
def test_an_empty_place_is_an_error(profile):
    """+CMS ERROR: 321 for an empty place, where others say OK."""
    assert Desk(profile).ask("AT+CMGR=1") == ["+CMS ERROR: 321"]
    assert Desk("generic").ask("AT+CMGR=1") == ["OK"]


def test_qualcomm_lists_what_it_refuses():
    """<ds> = 1 is in the list and is refused; 2 is taken."""
    desk = Desk("qualcomm")
    assert "(0,1,2),(0,1)" in desk.ask("AT+CNMI=?")[0]
    assert desk.ask("AT+CNMI=2,1,0,1") == ["+CMS ERROR: 303"]
    assert desk.ask("AT+CNMI?") == ["+CNMI: 0,0,0,0,0", "OK"]
    assert desk.ask("AT+CNMI=2,1,0,2") == ["OK"]


def test_quectel_has_a_storage_for_reports():
    """A report goes to SR, a text to SM."""
    desk = Desk("quectel")
    desk.ask("AT+CNMI=2,1,0,2")
    assert desk.arrives(REPORT, is_report=True) == ['+CDSI: "SR",1']
    assert desk.arrives(HELLO) == ['+CMTI: "SM",1']
    desk.ask('AT+CPMS="SR"')
    assert desk.ask("AT+CMGR=1")[1] == REPORT


def test_zte_shows_no_state():
    """The place of <stat> is empty."""
    desk = Desk("zte")
    desk.arrives(HELLO)
    assert desk.ask("AT+CMGR=1")[0] == f"+CMGR: ,,{len(HELLO) // 2 - 8}"


def test_wavecom_says_no_ok_after_cpin():
    """The line of AT+CPIN? stands alone; an error and AT+CPIN=? end as usual."""
    desk = Desk("wavecom", pin="1234")
    assert desk.ask("AT+CPIN?") == ["+CPIN: SIM PIN"]
    assert desk.ask("AT+CPIN=?") == desk.ask("AT+CPIN=1234") == ["OK"]


def test_phase2_knows_no_acknowledgement():
    """AT+CSMS=1 is refused, so a direct text waits for nothing."""
    desk = Desk("phase2")
    assert desk.ask("AT+CSMS=?") == ["+CSMS: (0)", "OK"]
    assert desk.ask("AT+CSMS=1") == ["+CMS ERROR: 303"]
    desk.ask("AT+CNMI=2,2")
    assert desk.arrives(HELLO)[1] == desk.arrives(HELLO)[1] == HELLO
    assert desk.ask("AT+CNMA") == ["+CMS ERROR: 340"]
