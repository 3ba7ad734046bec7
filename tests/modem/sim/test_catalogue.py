"""The names F1 to F29 of the fault catalogue: what each does to a program at the other end of the pty."""

import os
import re

import pytest

from smsgwd.modem.sim.catalogue import CATALOGUE, help_rows, made_by, read_faults
from smsgwd.modem.sim.control import Control
from smsgwd.modem.sim.faults import FAULTS, read_fault
from tests.helpdesk.worker import until
from tests.modem.sim.feeding import HELLO, SUBMIT, Program, plugged
from tests.story.programs import modem, smsgwd


def test_the_catalogue_is_whole():
    """F1 to F29, each made of faults with arguments that these take, or with a reason why a modem alone cannot."""
    assert list(CATALOGUE) == [f"F{n}" for n in range(1, 30)]
    for entry in CATALOGUE.values():
        assert bool(entry.steps) is not bool(entry.why)
        assert all(set(fixed) <= set(FAULTS[step].takes) for step, fixed in entry.steps)
    assert [name for name, entry in CATALOGUE.items() if entry.why] == ["F28"]


def test_help():
    """Each name has what happens and what makes it, as one would type it."""
    rows = dict(help_rows())
    assert list(rows) == list(CATALOGUE)
    assert made_by(CATALOGUE["F12"]) == "flood, trickle"
    assert rows["F7"] == "+CMGS after the time-out [late-answer seconds=80]"
    assert "not by a simulator alone" in rows["F28"]


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        pytest.param("F7", {}, [("late-answer", {"count": 1, "seconds": 80.0})], id="its-own-default"),
        pytest.param("f7", {"seconds": "5"}, [("late-answer", {"count": 1, "seconds": 5.0})], id="lower-case-argument"),
        pytest.param(
            "F10", {"kind": "cme", "code": 515}, [("error", {"count": 1, "kind": "cme", "code": 515})], id="any-code"
        ),
        pytest.param(
            "F24", {"count": 2}, [("signal-error", {"count": 2}), ("no-signal", {"count": 2})], id="to-all-that-take-it"
        ),
        pytest.param("F12", {"bytes": 9}, [("flood", {"bytes": 9}), ("trickle", {})], id="to-the-one-that-takes-it"),
        pytest.param("hang", {}, [("hang", {"count": 0})], id="a-fault-by-its-name"),
    ],
)
def test_read(name, given, wanted):
    """A name gives its faults in their order; arguments go to those that take them."""
    assert [(fault.name, fault.arguments) for fault in read_faults(name, given)] == wanted


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        pytest.param(
            "F28", {}, r"F28 \(another program reads the port too\): a modem cannot make a second reader", id="F28"
        ),
        pytest.param("F30", {}, "'F30' is no fault; faults: no-prompt", id="not-of-modems"),
        pytest.param("F12", {"count": 1}, "F12 takes no 'count'; it takes: bytes", id="argument"),
        pytest.param("F26", {"x": 1}, "F26 takes no 'x'; it takes: nothing", id="no-arguments"),
        pytest.param("F10", {"code": "x"}, "code is a whole number", id="value"),
        pytest.param(None, {}, "None is no fault", id="no-name"),
    ],
)
def test_bad_requests(name, given, error):
    """What cannot be made says why."""
    with pytest.raises(ValueError, match=error):
        read_faults(name, given)


# ---- on the pty ----------------------------------------------------------------------------------------------------

AT = b"AT+CMGS=18\r"
PDU = SUBMIT[1].encode()
TEXT = AT + PDU + b"\x1a"

#: name, arguments, what the program writes then, and what it reads; END stands for the end of the port
END = "gone"
EFFECTS = [
    ("F1", {"for": 9}, AT, END),
    ("F2", {"for": 9}, TEXT, END),
    ("F3", {"for": 9, "bytes": 5}, AT + PDU[:5], END),
    ("F4", {"for": 9}, b"", END),
    ("F5", {}, AT + b"AT+CSQ\r", r"^\r\n\+CSQ: 21,99"),
    ("F6", {}, AT, r"^\r\n> \r\n> $"),
    ("F7", {"seconds": 0.03}, TEXT + b"AT+CSQ\r", r"> \r\n\+CSQ.*OK\r\n\r\n\+CMGS: 1\r\n\r\nOK"),
    ("F8", {}, TEXT * 3, r"^\r\n> \r\nOK\r\n\r\n> \r\n\+CMGS: 2\r\n\r\n> (\r\n\+CMGS: 3\r\n\r\nOK\r\n){2}$"),
    ("F9", {}, TEXT + b"AT+CSQ\r", r"^\r\n> \r\n\+CSQ: 21,99\r\n\r\nOK\r\n$"),
    ("F10", {"code": 301}, TEXT, r"\+CMS ERROR: 301"),
    ("F11", {}, b"AT\r", r"^\x00\xff\xc3.*\r\nOK\r\n$"),
    ("F12", {"bytes": 5000}, b"AT\r", r"^x{5000}\r\nOK\r\n$"),
    ("F13", {}, TEXT, r"\+CMGS: 1\r\n\r\n\^RSSI:21\r\n\r\nRING\r\n\r\nOK"),
    ("F14", {}, b"ATE0\r" + TEXT, "^ATE0\r\r\nOK\r\n" + r"AT\+CMGS=18" + "\r\r\n> " + SUBMIT[1]),
    ("F15", {}, b"", r'\+CMTI: "SM",1\r\n'),
    ("F16", {}, b"", ""),
    ("F17", {}, b"AT+CPMS?\r", r'"SM",50,50'),
    ("F18", {}, b"AT+CMGD=1\r", r"\+CMS ERROR: 320"),
    ("F19", {}, b"AT+CMGL=4\rAT+CSQ\r", r"^\r\n\+CSQ: 21,99"),
    ("F20", {}, b"AT+CMEE=1;+CPIN?\r", r"\+CME ERROR: 10"),
    ("F21", {}, b"AT+CMEE=1;+CPIN=0000\r", r"\+CME ERROR: 16"),
    ("F22", {}, b"AT+CPIN?\r", r"\+CPIN: SIM PUK"),
    ("F23", {}, b"AT+CREG?\r", r"\+CREG: 0,3"),
    ("F24", {}, b"AT+CSQ\rAT+CSQ\r", r"^\r\nERROR\r\n\r\n\+CSQ: 99,99"),
    ("F25", {}, b"AT+CGMI\r", r"^(?!.*smsgwd).{8,}"),
    ("F26", {}, b"AT\r", r"SMS Ready\r\nAT" + "\r\r\nOK"),
    ("F27", {}, b"AT+CFUN=1,1\r", END),
    ("F29", {}, TEXT * 3, r"^(\r\n> \r\n\+CMS ERROR: 500\r\n){3}$"),
]


def test_every_name_has_its_effect_here():
    """A name that is added gets one."""
    assert [name for name, *_ in EFFECTS] == [name for name, entry in CATALOGUE.items() if not entry.why]


@pytest.mark.parametrize(("name", "given", "writes", "reads"), EFFECTS, ids=[name for name, *_ in EFFECTS])
async def test_effect(name, given, writes, reads, tmp_path):
    """Set off by its name over the control requests, each does what the catalogue says of it."""
    async with plugged(tmp_path, seed=3) as (sim, program):
        program.read = b""
        assert Control(sim).do({"do": "fault", "name": name, **given}) == {}
        if writes:
            os.write(program.fd, writes)
        if reads == END:
            await until(lambda: program.gone)
            assert len(sim.journal.of("submit")) == int(name == "F2")
        else:
            await until(lambda: re.search(reads, program.read.decode("latin-1"), re.S))
        assert [line["name"] for line in sim.journal.of("fault")] == [step for step, _ in CATALOGUE[name].steps]


async def test_garbage_of_a_seed(tmp_path):
    """`seed` in the request makes the junk of F11 the same each time; a bad one is refused and nothing happens."""
    async with plugged(tmp_path) as (sim, program):
        control, said = Control(sim), []
        for seed in (7, "7", 8):
            program.read = b""
            control.do({"do": "fault", "name": "F11", "seed": seed})
            await until(lambda: len(program.read) == 64)
            said.append(program.read)
        assert said[0] == said[1] != said[2]
        for bad in ("x", "", 1.5, True, [], "9" * 5000):
            with pytest.raises(ValueError, match="`seed` is a whole number"):
                control.do({"do": "fault", "name": "F11", "seed": bad})
        assert len(sim.journal.of("fault")) == 3


async def test_no_notice_at_all(tmp_path):
    """F16: text after text is stored without a word."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,1")
        program.read = b""
        Control(sim).do({"do": "fault", "name": "F16"})
        for _ in range(3):
            sim.pdu(HELLO)
        assert await program.ask("AT") == ["OK"]
        assert sim.state()["stored"]["SM"] == 3


async def test_twice_and_for_nothing(tmp_path):
    """F15: one notice for a place that is empty, two for the next text."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,1")
        program.read = b""
        Control(sim).do({"do": "fault", "name": "F15"})
        sim.pdu(HELLO)
        await program.says('+CMTI: "SM",1\r\n' + '\r\n+CMTI: "SM",1\r\n' * 2)
        assert sim.state()["stored"]["SM"] == 1


async def test_another_one_deleted(tmp_path):
    """F18: the first AT+CMGD fails, the second deletes another text."""
    async with plugged(tmp_path) as (sim, program):
        sim.pdu(HELLO)
        sim.pdu(HELLO)
        Control(sim).do({"do": "fault", "name": "F18"})
        await program.ask("AT+CMGD=1", "320")
        await program.ask("AT+CMGD=1")
        assert list(sim.phone.stores["SM"]) == [1]


async def test_clear_ends_the_catalogue_too(tmp_path):
    """After `clear` no fault of any name is left, but what the SIM and the storage went through."""
    async with plugged(tmp_path) as (sim, program):
        control = Control(sim)
        for name in ("F5", "F7", "F8", "F12", "F14", "F16", "F20", "F23", "F24", "F25", "F29"):
            control.do({"do": "fault", "name": name, **({"bytes": 1} if name == "F12" else {})})
        sim.fault(read_fault("clear", {}))
        await program.ask("AT")  # what was still on its way is read
        assert await program.ask("AT+CPIN?;+CREG?;+CSQ") == ["+CPIN: READY", "+CREG: 0,1", "+CSQ: 21,99", "OK"]
        assert await program.send() == ["+CMGS: 1", "OK"]
        assert sim.state()["faults"] == []


# ---- as programs ---------------------------------------------------------------------------------------------------


@pytest.mark.story
async def test_from_a_shell(tmp_path):
    """`sim fault --control SOCK --seed N F11`, and F28 with its reason."""
    with modem(tmp_path):
        program = Program(tmp_path / "m1")
        await program.ask("ATE0")
        said = []
        for _ in range(2):
            program.read = b""
            done = smsgwd("sim", "fault", "--control", str(tmp_path / "m1.ctl"), "--seed", "4", "F11", "bytes=30")
            assert (done.returncode, done.stdout) == (0, "done\n")
            await until(lambda: len(program.read) == 30)
            said.append(program.read)
        assert said[0] == said[1]
        program.close()
        done = smsgwd("sim", "fault", "--control", str(tmp_path / "m1.ctl"), "F28")
    assert (done.returncode, done.stdout) == (1, "")
    assert "F28 (another program reads the port too): a modem cannot make a second reader" in done.stderr


@pytest.mark.story
def test_helps():
    """`sim modem --help` has profiles, faults and the catalogue; `sim fault --help` the last two."""
    of_modem, of_fault = smsgwd("sim", "modem", "--help").stdout, smsgwd("sim", "fault", "--help").stdout
    for text in (of_modem, of_fault):
        assert [name for name in [*FAULTS, *CATALOGUE] if not re.search(rf"^ +{name}(?: |$)", text, re.M)] == []
    assert re.search(r"^ +huawei-e173 +Huawei E173 stick", of_modem, re.M)
    assert "Huawei" not in of_fault
