"""Faults of the simulated modem that came with the catalogue: odd prompts and answers, storage, line, SIM, names."""

import os
import termios

import pytest

from smsgwd.modem.sim.faults import read_fault
from tests.helpdesk.worker import until
from tests.modem.sim.feeding import HELLO, SUBMIT, Desk, Program, lines, plugged

# ---- in the dialogue -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "prompt"),
    [
        pytest.param("twice", b"\r\n> \r\n> ", id="twice"),
        pytest.param("bare", b"\r\n>", id="bare"),
        pytest.param("in-notice", b'\r\n+CMTI: "SM"\r\n> \r\n^RSSI:21\r\n', id="in-notice"),
    ],
)
def test_odd_prompt(how, prompt):
    """odd-prompt: the prompt once in another way; the PDU is taken all the same, and AT+CMGW sets nothing off."""
    desk = Desk()
    desk.fault("odd-prompt", how=how)
    assert desk.feed(b"AT+CMGW=18\r") == b"\r\n> "
    desk.feed(b"\x1b")
    assert desk.feed(b"AT+CMGS=18\r") == prompt
    desk.feed(SUBMIT[1].encode() + b"\x1a")
    assert desk.pdus == [SUBMIT[1]]
    desk.dialogue.finish(desk.dialogue.token, "+CMGS: 1", "OK")
    assert desk.send() == ["+CMGS: 1", "OK"]


@pytest.mark.parametrize("after", [1, 7, len(SUBMIT[1])])
def test_unplug_after_so_many_bytes(after):
    """unplug-at at=pdu bytes=K: one byte less does nothing, the K-th unplugs, and nothing goes out."""
    desk = Desk()
    desk.fault("unplug-at", at="pdu", bytes=after)
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1][: after - 1].encode())
    assert desk.unplugs == []
    desk.feed(SUBMIT[1][after - 1 : after].encode())
    assert (desk.unplugs, desk.pdus, desk.phone.faults.names()) == (["pdu"], [], [])


def test_unplug_after_more_bytes_than_there_are():
    """unplug-at at=pdu: a PDU that is shorter unplugs at its 0x1A, and is not on the network."""
    desk = Desk()
    desk.fault("unplug-at", at="pdu", bytes=1000)
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a")
    assert (desk.unplugs, desk.pdus) == (["pdu"], [])


def test_echo_stuck():
    """echo-stuck: commands and the PDU are echoed after ATE0 too, until clear."""
    desk = Desk()
    desk.fault("echo-stuck")
    assert desk.feed(b"ATE0\r") == b"ATE0\r\r\nOK\r\n"
    assert desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a") == b"AT+CMGS=18\r\r\n> " + SUBMIT[1].encode()
    desk.phone.faults.clear()
    desk.dialogue.finish(desk.dialogue.token, "OK")
    assert desk.feed(b"AT\r") == b"\r\nOK\r\n"


def test_notice_without_place():
    """notice-without-place: +CMTI: ,-1 once; the text is in the storage."""
    desk = Desk("sim7600")
    desk.ask("AT+CNMI=2,1")
    desk.fault("notice-without-place")
    assert desk.arrives(HELLO) == ["+CMTI: ,-1"]
    assert desk.ask("AT+CMGR=1")[1] == HELLO
    assert desk.arrives(HELLO) == ['+CMTI: "SM",2']


def test_delete_other():
    """delete-other: another text goes, OK all the same; alone it waits for a second text."""
    desk = Desk()
    desk.arrives(HELLO)
    desk.fault("delete-other")
    assert desk.ask("AT+CMGD=1") == ["OK"]
    assert desk.phone.stores["SM"] == {}
    desk.arrives(HELLO)
    desk.arrives(HELLO)
    assert desk.ask("AT+CMGD=1") == ["OK"]
    assert list(desk.phone.stores["SM"]) == [1]
    desk.ask("AT+CMGD=1")
    assert desk.phone.stores["SM"] == {}


def test_signal_error():
    """signal-error: AT+CSQ fails once, its list does not."""
    desk = Desk()
    desk.fault("signal-error")
    assert desk.ask("AT+CSQ=?")[-1] == "OK"
    assert [desk.ask("AT+CSQ")[-1] for _ in range(2)] == ["ERROR", "OK"]


# ---- in the whole modem --------------------------------------------------------------------------------------------


async def test_twice_answered(tmp_path):
    """twice-answered: reference and OK come twice, the text is on the network once."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("twice-answered", {}))
        assert await program.send(until_said="OK\r\n\r\n+CMGS: 1\r\n\r\nOK\r\n") == ["+CMGS: 1", "OK"] * 2
        assert len(sim.journal.of("submit")) == 1
        assert await program.send() == ["+CMGS: 2", "OK"]


async def test_stale_answer(tmp_path):
    """stale-answer: nothing is said until the port was closed, opened and written to; then it comes before all else."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("stale-answer", {}))
        await program.ask("AT+CMGS=18", "> ")
        assert await program.ask(SUBMIT[1] + "\x1aAT\r") == ["OK"]
        program.close()
        await until(lambda: not sim.line.listening)
        again = Program(tmp_path / "tty")
        assert await again.ask("AT+CSQ", "21,99\r\n\r\nOK\r\n") == ["+CMGS: 1", "OK", "+CSQ: 21,99", "OK"]
        again.close()
        assert len(sim.journal.of("submit")) == 1


async def test_empty_notice(tmp_path):
    """empty-notice: the first free place is told, and nothing is in it."""
    async with plugged(tmp_path) as (sim, program):
        sim.pdu(HELLO)
        sim.fault(read_fault("empty-notice", {}))
        await program.says('+CMTI: "SM",2\r\n')
        assert await program.ask("AT+CMGR=2") == ["OK"]


async def test_fill(tmp_path):
    """fill: every place but those that are left has a text of its own; what comes then waits with the network."""
    async with plugged(tmp_path, slots=10) as (sim, program):
        sim.pdu(HELLO)
        sim.fault(read_fault("fill", {"left": 1}))
        assert (await program.ask("AT+CPMS?"))[0] == '+CPMS: "SM",9,10,"SM",9,10,"SM",9,10'
        came = [line["text"] for line in sim.journal.of("deliver")]
        assert came == ["hello", *(f"text {i}" for i in range(1, 9))]
        sim.fault(read_fault("fill", {}))
        sim.pdu(HELLO)
        assert (sim.state()["stored"]["SM"], sim.state()["waiting"]) == (10, 1)
        await program.ask("AT+CMGD=3")
        assert (sim.state()["stored"]["SM"], sim.state()["waiting"]) == (10, 0)


async def test_junk(tmp_path):
    """junk: so many bytes, no text among the first, the same with the same seed, and commands work behind it."""
    said = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        async with plugged(tmp_path / name, seed=seed) as (sim, program):
            program.read = b""
            sim.fault(read_fault("junk", {"bytes": 40}))
            await until(lambda program=program: len(program.read) == 40)
            said.append(program.read)
            assert (await program.ask("AT"))[-1] == "OK"
    assert said[0].startswith(b"\x00\xff\xc3")
    assert said[0] == said[1] != said[2]


async def test_flood_and_trickle(tmp_path):
    """flood: 64 KiB without an end of line. trickle: one byte for each write, until clear; nothing is lost in both."""
    async with plugged(tmp_path) as (sim, program):
        program.read = b""
        sim.fault(read_fault("flood", {}))
        await until(lambda: len(program.read) == 65_536)
        assert set(program.read) == {ord("x")}
        sim.fault(read_fault("trickle", {}))
        program.read = b""
        sim.say(b"abc")
        assert bytes(sim.line._output) == b"bc"
        await program.says("abc")
        assert await program.ask("AT+CGMI") == ["smsgwd", "OK"]
        sim.fault(read_fault("clear", {}))
        sim.say(b"abc")
        assert bytes(sim.line._output) == b""


async def test_baud(tmp_path):
    """baud: noise both ways at another speed, the right speed makes all well, and so does clear."""
    async with plugged(tmp_path, seed=1) as (sim, program):
        sim.fault(read_fault("baud", {"speed": 9600}))
        os.write(program.fd, b"AT+CMGD=1,4\r")
        program.read = b""
        await until(lambda: program.read)
        assert b"OK" not in program.read
        mode = termios.tcgetattr(program.fd)
        old, mode[4], mode[5] = mode[5], termios.B9600, termios.B9600
        termios.tcsetattr(program.fd, termios.TCSANOW, mode)
        assert await program.ask("AT") == ["OK"]
        mode[4], mode[5] = old, old
        termios.tcsetattr(program.fd, termios.TCSANOW, mode)
        assert sim.line.garbled
        sim.fault(read_fault("clear", {}))
        assert await program.ask("AT") == ["OK"]


@pytest.mark.parametrize("pin", ["", "1234"])
async def test_pin_unknown(pin, tmp_path):
    """pin-unknown: the PIN that was right is wrong, three tries, then PUK; a restart changes nothing."""
    async with plugged(tmp_path, pin=pin, seed=1) as (sim, program):
        sim.fault(read_fault("pin-unknown", {}))
        await program.ask("AT+CMEE=1")
        for code in (16, 16, 12):
            assert await program.ask(f"AT+CPIN={pin or '0000'}", f"ERROR: {code}\r\n") == [f"+CME ERROR: {code}"]
        sim.reset()
        await program.ask("ATE0")
        assert await program.ask("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]


async def test_sim_wants(tmp_path):
    """sim-wants: pin2 and puk2 hinder no text and end with clear; puk does, also for the right PIN."""
    async with plugged(tmp_path) as (sim, program):
        for what in ("pin2", "puk2"):
            sim.fault(read_fault("sim-wants", {"what": what}))
            assert await program.ask("AT+CPIN?") == [f"+CPIN: SIM {what.upper()}", "OK"]
            assert (await program.send())[-1] == "OK"
        sim.fault(read_fault("clear", {}))
        assert (await program.ask("AT+CPIN?"))[0] == "+CPIN: READY"
        sim.fault(read_fault("sim-wants", {}))
        await program.ask("AT+CMEE=1")
        assert (await program.ask("AT+CPIN?"))[0] == "+CPIN: SIM PUK"
        assert await program.ask("AT+CPIN=0000", "ERROR: 12\r\n") == ["+CME ERROR: 12"]


async def test_sim_removed(tmp_path):
    """sim-change: without a card +CME ERROR: 10 and +CMS ERROR: 310, no texts; clear puts it back with its texts."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CMEE=1")
        sim.pdu(HELLO)
        sim.fault(read_fault("sim-change", {}))
        await program.says("+CPIN: NOT READY\r\n")
        for command in ("AT+CPIN?", "AT+CCID", "AT+CIMI"):
            assert await program.ask(command, "ERROR: 10\r\n") == ["+CME ERROR: 10"]
        for command in ("AT+CMGS=18", "AT+CMGL=4"):
            assert await program.ask(command, "ERROR: 310\r\n") == ["+CMS ERROR: 310"]
        assert await program.ask("AT+CSQ") == ["+CSQ: 99,99", "OK"]
        sim.pdu(HELLO)
        assert sim.state()["waiting"] == 1
        sim.fault(read_fault("clear", {}))
        await program.says("+CPIN: READY\r\n")
        assert sim.state()["stored"]["SM"] == 2


async def test_sim_swapped(tmp_path):
    """sim-change how=swapped: another ICCID and IMSI, an empty storage, the same modem."""
    async with plugged(tmp_path, seed=1) as (sim, program):
        sim.pdu(HELLO)
        before = [await program.ask(command) for command in ("AT+CCID", "AT+CIMI", "AT+CGSN")]
        sim.fault(read_fault("sim-change", {"how": "swapped"}))
        await program.says("+CPIN: READY\r\n")
        after = [await program.ask(command) for command in ("AT+CCID", "AT+CIMI", "AT+CGSN")]
        assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]
        assert sim.state()["stored"]["SM"] == 0
        assert (await program.send())[-1] == "OK"


async def test_renamed(tmp_path):
    """renamed: the name is gone, the modem is back under another one with IMEI and texts, and goes with its end."""
    async with plugged(tmp_path) as (sim, program):
        imei = (await program.ask("AT+CGSN"))[0]
        sim.pdu(HELLO)
        sim.fault(read_fault("renamed", {"for": 0.01}))
        await until((tmp_path / "tty-2").is_symlink)
        assert not (tmp_path / "tty").is_symlink()
        assert sim.state()["link"] == str(tmp_path / "tty-2")
        again = Program(tmp_path / "tty-2")
        assert imei in await again.ask("ATE0;+CGSN")
        assert HELLO in await again.ask("AT+CMGL=4")
        again.close()
        sim.fault(read_fault("renamed", {"for": 0.01}))
        await until((tmp_path / "tty-3").is_symlink)
    assert list(tmp_path.iterdir()) == []


async def test_gone_at_restart(tmp_path):
    """gone-at-restart: AT+CFUN=1,1 takes the port away once; nothing else does."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("gone-at-restart", {"for": 0.01}))
        assert await program.ask("AT+CFUN=1") == ["OK"]
        os.write(program.fd, b"AT+CFUN=1,1\r")
        await until(lambda: program.gone)
        await until((tmp_path / "tty").is_symlink)
        again = Program(tmp_path / "tty")
        assert lines(again.read) == []
        await again.ask("AT+CFUN=1,1", "SMS Ready\r\n")
        assert not again.gone
        again.close()
