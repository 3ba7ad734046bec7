"""A modem is asked, and what its answers mean; nothing is set, and no PIN is written."""

import re
import termios

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smsgwd.config import ModemConfig, Secret
from smsgwd.doctor import modems
from smsgwd.doctor.modems import Answers, judge
from smsgwd.modem.commands import Usage
from tests.canaries import PIN
from tests.doctor.trees import lines
from tests.modem.wire import QUICK, Wire, wire

#: all that is no question: how answers are written
SET = {"AT", "ATE0V1", "AT+CMEE=1"}
WHOLE = {
    "maker": "Acme", "model": "M1", "firmware": "1.0", "imei": "861121778331597", "profile": "generic",
    "iccid": "89430100000000000001", "pin": "READY", "network": (True, "home network"), "operator": "Op, LTE",
    "signal": (-73,), "storage": Usage(1, 50), "smsc": "+436640501", "pdu_mode": True,
}  # fmt: skip


def config(**more) -> ModemConfig:
    return ModemConfig(name="m1", type="modem", **{"port": "/dev/none", **more})


async def asked(modem, profile=QUICK, seconds=20.0, **more):
    link = config(port=modem.path, **more)
    return link, await modems.ask(modem.path, link, profile, {"generic": QUICK}, seconds)


async def test_everything_is_asked_and_nothing_is_set():
    """A modem in order: all facts are there, every line is well, and only questions went out."""
    with wire() as modem:
        modem.answers["AT+CMGF=?"] = "\r\n+CMGF: (0,1)\r\n\r\nOK\r\n"
        modem.answers["AT+COPS?"] = '\r\n+COPS: 0,0,"Op",7\r\n\r\nOK\r\n'
        link, answers = await asked(modem)
    checks = judge(link, answers)
    assert [check.name for check in checks] == ["modem", "sim", "network", "signal", "storage", "smsc", "pdu mode"]
    assert {check.level for check in checks} == {"ok"}
    assert answers.operator == "Op, LTE"
    assert [c for c in modem.sent if not c.endswith("?") and c not in SET] == [
        "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+CCID", "AT+CSQ",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [pytest.param("\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n", id="told"), pytest.param("\r\n+CME ERROR: 11\r\n", id="as an error")],
)
async def test_a_locked_sim_is_left_alone(answer):
    """A configured PIN is not written, the tries left are told, and nothing is asked that needs the SIM."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = answer
        modem.answers["AT+CPINR"] = "\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n"
        link, answers = await asked(modem, pin=Secret(PIN))
        assert not [command for command in modem.sent if PIN in command or command.startswith("AT+CPIN=")]
        assert "AT+CPMS?" not in modem.sent
    (check,) = lines(judge(link, answers), "sim")
    assert (check.level, answers.tries) == ("ok", 3)
    assert "3 tries left" in check.message


@pytest.mark.parametrize(
    ("more", "answers", "level", "said"),
    [
        pytest.param({}, {"pin": "SIM PIN", "tries": 3}, "error", "none is configured", id="no pin"),
        pytest.param({"pin": Secret(PIN)}, {"pin": "SIM PIN", "tries": 2}, "error", "2 tries left", id="few tries"),
        pytest.param({"pin": Secret(PIN)}, {"pin": "SIM PIN"}, "ok", "locked", id="tries unknown"),
        pytest.param({}, {"pin": "SIM PUK"}, "error", "SIM PUK", id="puk"),
        pytest.param({}, {"pin": "PH-NET PIN"}, "error", "PH-NET PIN", id="locked to a network"),
        pytest.param({}, {"pin": "ABSENT"}, "error", "no SIM", id="absent"),
        pytest.param({}, {"pin": "FAILURE"}, "error", "does not work", id="broken"),
        pytest.param({}, {"pin": "BUSY"}, "warning", "not ready", id="busy"),
        pytest.param({}, {"pin": "SIM PIN2"}, "ok", "open", id="pin2"),
        pytest.param({"iccid": "8943010000000000002"}, {"iccid": "89430100000000000001"}, "error", "…0001", id="another"),
    ],
)
def test_sims(more, answers, level, said):
    """What each state of a SIM means, and the next step; at most four digits of it are shown."""
    checks = [c for c in judge(config(**more), Answers(**{**WHOLE, **answers})) if c.name == "sim" and c.level == level]
    assert len(checks) == 1
    assert said in checks[0].message
    assert bool(checks[0].mend) == (level != "ok")


@pytest.mark.parametrize(
    ("answers", "name", "level", "mend"),
    [
        pytest.param({"network": (False, "no network: registration denied")}, "network", "error", "operator", id="denied"),
        pytest.param({"network": (False, "no network: searching")}, "network", "error", "antenna", id="searching"),
        pytest.param({"network": (False, "no network: roaming (`roaming` is off)")}, "network", "error", "roaming = true",
                     id="roaming"),
        pytest.param({"signal": (None,)}, "signal", "warning", "antenna", id="no signal"),
        pytest.param({"signal": (-109,)}, "signal", "warning", "antenna", id="weak"),
        pytest.param({"storage": Usage(45, 50)}, "storage", "warning", "start the daemon", id="full"),
        pytest.param({"storage": Usage(0, 0)}, "storage", "ok", "", id="no places"),
        pytest.param({"smsc": ""}, "smsc", "error", "set `smsc`", id="no smsc"),
        pytest.param({"pdu_mode": False}, "pdu mode", "error", "another modem", id="text mode"),
        pytest.param({"broken": "the modem does not answer"}, "modem", "error", "power", id="broke off"),
    ],
)  # fmt: skip
def test_judgement(answers, name, level, mend):
    """Each answer that is not well has a line of its own, with what to do; the others stay well."""
    checks = judge(config(), Answers(**{**WHOLE, **answers}))
    found = [check for check in checks if check.name == name and check.level == level]
    assert len(found) == 1
    assert mend in found[0].mend
    assert all(check.level == "ok" for check in checks if check.name != name)


def test_what_the_configuration_adds():
    """`smsc` stands in for a SIM without; another IMEI than the wanted one is an error."""
    assert lines(judge(config(smsc="+436640501"), Answers(smsc="")), "smsc")[0].level == "ok"
    (check,) = lines(judge(config(imei="123456789012345"), Answers(**WHOLE)), "modem")
    assert check.level == "error"
    assert "…1597" in check.message


def test_what_was_not_asked_has_no_line():
    """A modem that did not answer has one line: that."""
    (check,) = judge(config(), Answers(broken="the modem does not answer"))
    assert (check.level, check.name) == ("error", "modem")
    assert "baudrate" in check.mend


async def test_a_silent_modem():
    """It costs its probes, and is told."""
    with wire() as modem:
        modem.answers["AT"] = None
        link, answers = await asked(modem)
    assert answers.broken == "the modem does not answer"
    assert [check.level for check in judge(link, answers)] == ["error"]


async def test_a_modem_that_hangs_in_the_middle():
    """What it said before is told; the time is bounded, the port is closed."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = None
        link, answers = await asked(modem, seconds=0.5)
    checks = judge(link, answers)
    assert [check.level for check in checks] == ["ok", "error"]
    assert "0.5 s" in checks[1].message


class Slow(Wire):
    """A modem on a real serial line of 9600: at another speed it hears noise."""

    def _answer(self, command: str) -> None:
        if termios.tcgetattr(self.slave)[5] == termios.B9600:
            super()._answer(command)


async def test_other_speeds_are_tried():
    """A modem that is silent at the configured speed is asked at those of its profile."""
    modem = Slow()
    try:
        link, answers = await asked(modem)
        assert lines(judge(link, answers), "modem")[0].level == "error"
        link, answers = await asked(modem, replace(QUICK, speeds=(19200, 9600)))
        assert lines(judge(link, answers), "modem")[0].level == "ok"
    finally:
        modem.close()


async def test_a_port_that_is_gone(tmp_path):
    """Between the look and the opening a stick may be pulled."""
    answers = await modems.ask(str(tmp_path / "none"), config(), QUICK, {"generic": QUICK})
    assert "no such port" in answers.broken


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param({"imei": "861121778331597"}, True, id="imei"),
        pytest.param({"imei": "861121778331590"}, False, id="another imei"),
        pytest.param({"iccid": "8943010000000000000"}, True, id="iccid of 19 digits"),
        pytest.param({"iccid": "8943010000000000009"}, False, id="another sim"),
        pytest.param({"imei": "861121778331597", "iccid": "8943010000000000009"}, False, id="right modem, wrong sim"),
    ],
)
def test_which_modem_is_meant(more, wanted):
    """By IMEI, by SIM, or by both."""
    assert modems.is_wanted(config(**more), Answers(**WHOLE)) is wanted


TEXT = st.text(max_size=20)


@settings(max_examples=60)
@given(
    st.builds(
        Answers, maker=TEXT, model=TEXT, firmware=TEXT, imei=st.from_regex(r"[0-9]{15}", fullmatch=True),
        iccid=st.from_regex(r"[0-9]{19,20}", fullmatch=True), pin=st.none() | st.sampled_from(["READY", "SIM PIN", "X"]),
        tries=st.none() | st.integers(-1, 99), smsc=st.none() | st.from_regex(r"\+[0-9]{8,15}", fullmatch=True),
        network=st.none() | st.tuples(st.booleans(), TEXT), signal=st.none() | st.tuples(st.none() | st.integers(-140, 0)),
        storage=st.none() | st.builds(Usage, st.integers(0, 300), st.integers(0, 300)), broken=TEXT,
    ),
    st.sampled_from([{}, {"pin": Secret(PIN)}, {"imei": "123456789012345"}, {"iccid": "8943010000000000002"}]),
)  # fmt: skip
def test_whatever_a_modem_says(answers, more):
    """Judgement never fails; all that is not well has a mend; no whole IMEI, ICCID, SMSC or PIN is shown."""
    checks = judge(config(**more), answers)
    shown = " ".join(f"{check.message} {check.mend}" for check in checks)
    assert all(check.mend or check.level == "ok" for check in checks)
    secret = [answers.imei, answers.iccid, answers.smsc, PIN, "123456789012345", "8943010000000000002"]
    said = answers.maker + answers.model + answers.firmware + answers.broken
    assert not [s for s in secret if s and re.search(re.escape(s), shown) and s not in said]
