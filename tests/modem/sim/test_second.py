"""The second port of the simulated modem, on a pty of its own."""

import json
import os

import pytest

from smsgwd.clock import SystemClock
from smsgwd.modem.sim.control import Control
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.faults import read_fault
from smsgwd.modem.sim.phone import Phone
from tests.helpdesk.worker import until
from tests.modem.sim.feeding import HELLO, SUBMIT, Kept, Program, plugged
from tests.story.programs import modem, smsgwd


@pytest.fixture
async def ports(tmp_path):
    """The modem, its first port and its second, both open."""
    async with plugged(tmp_path, second=str(tmp_path / "status")) as (sim, first):
        second = Program(tmp_path / "status")
        await second.ask("ATE0")
        yield sim, first, second
        second.close()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        pytest.param("AT", ["OK"], id="at"),
        pytest.param("AT+CGMI", ["smsgwd", "OK"], id="maker"),
        pytest.param("AT+CSQ", ["+CSQ: 21,99", "OK"], id="signal"),
        pytest.param("AT+COPS?", ['+COPS: 0,0,"Simnet"', "OK"], id="operator"),
        pytest.param("AT+CREG?", ["+CREG: 0,1", "OK"], id="registration"),
        pytest.param("AT+CPIN?", ["+CPIN: READY", "OK"], id="sim"),
    ],
)
async def test_status(ports, command, answer):
    """Questions about modem, SIM and network are answered as on the first port."""
    _, first, second = ports
    assert await second.ask(command) == await first.ask(command) == answer


@pytest.mark.parametrize(
    "command",
    ["AT+CMGF=0", "AT+CMGS=18", "AT+CMGW=18", "AT+CMGL=4", "AT+CMGR=1", "AT+CMGD=1", "AT+CPMS?", "AT+CNMI=2,1", "AT+CSMS?",
     "AT+CPIN=1234", "AT+CFUN=1,1", 'AT+CUSD=1,"*100#"'],
)  # fmt: skip
async def test_no_texts(ports, command):
    """Commands about texts, and those that change the modem, are ERROR even with AT+CMEE=1; nothing happens."""
    sim, first, second = ports
    sim.pdu(HELLO)
    await second.ask("AT+CMEE=1")
    assert await second.ask(command, "ERROR\r\n") == ["ERROR"]
    assert len(sim.phone.stores["SM"]) == 1
    assert await first.send() == ["+CMGS: 1", "OK"]


async def test_notices_go_to_the_first(ports):
    """A text, and a change of registration that both ports asked for, are told on the first port alone."""
    sim, first, second = ports
    await first.ask("AT+CNMI=2,1;+CREG=1")
    await second.ask("AT+CREG=1")
    second.read = b""
    sim.pdu(HELLO)
    sim.fault(read_fault("unregistered", {"stat": 5}))
    await first.says('+CMTI: "SM",1\r\n\r\n+CREG: 5\r\n')
    assert await second.ask("AT") == ["OK"]


async def test_settings_of_its_own(ports):
    """Echo, error codes and ATZ of one port leave those of the other alone, also while a prompt is open."""
    _, first, second = ports
    await first.ask("AT+CMEE=2;+CMGF=1")
    assert await second.ask("AT+CMEE?") == ["+CMEE: 0", "OK"]
    await second.ask("ATZ")
    assert await second.ask("AT") == ["AT\r", "OK"]
    assert await first.ask("AT+CMEE?;+CMGF?") == ["+CMEE: 2", "+CMGF: 1", "OK"]
    await first.ask("AT+CMGF=0")
    await first.ask("AT+CMGS=18", "> ")
    await second.ask("ATE0")
    assert await first.ask(SUBMIT[1] + "\x1a") == ["+CMGS: 1", "OK"]


async def test_restart_and_hang_are_the_modems(ports):
    """A restart forgets the settings of both ports; a modem that hangs hangs on both."""
    sim, _, second = ports
    sim.reset()
    assert await second.ask("ATE0") == ["ATE0\r", "OK"]
    sim.fault(read_fault("hang", {"count": 2}))
    second.read = b""
    os.write(second.fd, b"AT\rAT\r")
    await until(lambda: "hang" not in sim.phone.faults)
    assert second.read == b""
    assert await second.ask("AT+CSQ") == ["+CSQ: 21,99", "OK"]


async def test_unplugged_together(ports, tmp_path):
    """Both names go and both come back."""
    sim, _, second = ports
    sim.fault(read_fault("unplug", {"for": 0.03}))
    assert not (tmp_path / "tty").is_symlink()
    assert not (tmp_path / "status").is_symlink()
    await until(lambda: second.gone)
    await until((tmp_path / "status").is_symlink)
    again = Program(tmp_path / "status")
    assert (await again.ask("AT"))[-1] == "OK"
    again.close()


async def test_a_second_name_that_cannot_be_made(tmp_path):
    """The error names it, and the first port is not left behind."""
    sim = SimModem(Phone("+1"), str(tmp_path / "tty"), Kept(), SystemClock(), second=str(tmp_path / "no" / "status"))
    with pytest.raises(FileNotFoundError):
        sim.plug()
    assert list(tmp_path.iterdir()) == []
    assert Control(sim).answer(b'{"do":"state"}')["plugged"] is False


@pytest.mark.story
async def test_as_a_program(tmp_path):
    """`--second PATH` is there when `ready` is said, and gone at the end."""
    status = tmp_path / "status"
    with modem(tmp_path, "m1", "--second", str(status), "--profile", "sim7600") as process:
        program = Program(status)
        assert (await program.ask("ATE0;+CGMM"))[-2:] == ["SIMCOM_SIM7600E-H", "OK"]
        assert await program.ask("AT+CMGL=4", "ERROR\r\n") == ["ERROR"]
        program.close()
        process.terminate()
        assert process.wait(20) == 0
    assert not status.is_symlink()


@pytest.mark.story
def test_one_name_for_both(tmp_path):
    """Both ports under one name are refused."""
    done = smsgwd("--json", "sim", "modem", "--link", str(tmp_path / "tty"), "--second", f"{tmp_path}/./tty")
    assert done.returncode == 2
    assert "is the same as --link" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert json.dumps(done.stdout) == '""'
