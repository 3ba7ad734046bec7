"""The whole simulated modem in this process: a real pty, latency, reports, arrivals, and what programs do to ports."""

import fcntl
import json
import os
import termios

import pytest

from smsgwd.journal import Journal
from smsgwd.modem.sim import engine
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.faults import read_fault
from smsgwd.modem.sim.line import MOST_OUTPUT
from smsgwd.modem.sim.phone import MOST_WAITING, Arrival, Phone
from smsgwd.sms.tpdu import decode_hex
from tests.helpdesk.worker import until
from tests.modem.sim.feeding import HELLO, REPORT, SUBMIT, WISHED, Program, plugged
from tests.store import StillClock

#: asks for the mark of TIOCEXCL (Linux, asm-generic/ioctls.h); the standard library has no name for it
TIOCGEXCL = 0x80045440

# ---- sending -------------------------------------------------------------------------------------------------------


async def test_journal_has_the_text_before_its_answer(tmp_path):
    """With latency the PDU is on the network at once, and +CMGS follows; the reference grows from text to text."""
    async with plugged(tmp_path, latency=0.05) as (sim, program):
        await program.ask("AT+CMGS=18", "> ")
        os.write(program.fd, SUBMIT[1].encode() + b"\x1a")
        await until(lambda: sim.journal.of("submit"))
        assert b"+CMGS" not in program.read
        await program.says("+CMGS: 1\r\n\r\nOK\r\n")
        assert (await program.send())[0] == "+CMGS: 2"
    (line, _) = sim.journal.of("submit")
    assert line == {
        "kind": "submit", "mr": 1, "from": "+15550100100", "to": "+15551234567", "pdu": SUBMIT[1], "text": "hello",
        "ref": None, "part": 1, "parts": 1, "report": False,
    }  # fmt: skip


async def test_reference_wraps(tmp_path):
    """TP-MR is one octet: 0 follows 255."""
    async with plugged(tmp_path) as (sim, program):
        sim.phone.mr = 254
        assert [(await program.send())[0] for _ in range(2)] == ["+CMGS: 255", "+CMGS: 0"]
        assert sim.state()["next_mr"] == 1


async def test_reports_by_themselves(tmp_path):
    """--report-after: a report on each text that asks for one, and on no other."""
    async with plugged(tmp_path, report_after=0.0) as (sim, program):
        await program.ask("AT+CNMI=2,1,0,1")
        await program.send(SUBMIT)
        await program.send(WISHED)
        await program.says("+CDS: ")
        (line,) = sim.journal.of("report")
        assert (line["mr"], line["st"], line["to"]) == (2, 0, "+15551234567")
        read = decode_hex(line["pdu"], "mt", smsc=True)
        assert (read.tp_mr, read.tp_st, read.tp_ra.text) == (2, 0, "+15551234567")


@pytest.mark.parametrize("latency", [0.0, 0.02])
async def test_report_follows_its_answer(latency, tmp_path):
    """A report without delay comes behind the +CMGS of its text, and also when that is never said."""
    async with plugged(tmp_path, latency=latency, report_after=0.0) as (sim, program):
        await program.ask("AT+CNMI=2,1,0,1")
        await program.send(WISHED, until_said="+CDS: ")
        assert program.read.startswith(b"\r\n+CMGS: 1\r\n\r\nOK\r\n")
        sim.fault(read_fault("no-answer", {}))
        await program.send(WISHED, until_said="+CDS: ")
        assert b"+CMGS" not in program.read


async def test_report_on_nothing(tmp_path):
    """A report needs a text that was sent."""
    async with plugged(tmp_path) as (sim, _):
        with pytest.raises(ValueError, match="no text with the reference 9 was sent"):
            sim.report(9, 0)


# ---- receiving -----------------------------------------------------------------------------------------------------


async def test_a_text_comes_in_parts(tmp_path):
    """A long text comes as a network cuts it: a notice a part, one reference, all of the text."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,1")
        text = "Größe 5 € {} " * 30
        parts = sim.text("+36641234567", text)
        await program.says(f'+CMTI: "SM",{parts}\r\n')
        lines = sim.journal.of("deliver")
        assert [(line["part"], line["parts"]) for line in lines] == [(i, parts) for i in range(1, parts + 1)]
        assert "".join(line["text"] for line in lines) == text
        assert {(line["ref"], line["from"], line["to"]) for line in lines} == {(lines[0]["ref"], "+36641234567", "+15550100100")}


@pytest.mark.parametrize(
    ("sender", "text", "error"),
    [
        pytest.param("+1555", "", "1 to 255 parts", id="empty"),
        pytest.param("+1555", "x" * 153 * 256, "1 to 255 parts", id="too-long"),
        pytest.param("+" + "1" * 21, "x", "too long", id="long-number"),
        pytest.param("twelve words", "x", "too long", id="long-name"),
    ],
)
async def test_texts_that_no_network_carries(sender, text, error, tmp_path):
    """They are refused, and nothing of them arrives."""
    async with plugged(tmp_path) as (sim, _):
        with pytest.raises(ValueError, match=error):
            sim.text(sender, text)
        assert sim.journal.of("deliver") == []


async def test_pdus_are_taken_as_they_are(tmp_path):
    """Blanks and small letters are no part of a PDU; what is no PDU comes all the same; what is no hex is refused."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,2")
        sim.pdu(" ".join(HELLO[i : i + 2] for i in range(0, len(HELLO), 2)).lower())
        await program.says(f"\r\n{HELLO}\r\n")
        sim.pdu("ff")
        await program.says("\r\nFF\r\n")
        sim.pdu(REPORT)
        for bad in ("", "zz", "abc"):
            with pytest.raises(ValueError, match="hexadecimal"):
                sim.pdu(bad)
        assert [(x["kind"], x["from"]) for x in sim.journal.lines] == [
            ("deliver", "+36641234567"), ("deliver", ""), ("report", ""),
        ]  # fmt: skip


async def test_too_much_waits(tmp_path):
    """What waits in the network is bounded."""
    async with plugged(tmp_path, slots=1) as (sim, _):
        sim.phone.stat = 2
        for _ in range(MOST_WAITING):
            sim.phone.arrive(Arrival(HELLO))
        with pytest.raises(ValueError, match="10000 PDUs wait"):
            sim.pdu(HELLO)


async def test_nobody_acknowledges(tmp_path, monkeypatch):
    """The time for AT+CNMA runs out: it is written down, and the text is in the storage then."""
    monkeypatch.setattr(engine, "ACKNOWLEDGE", 0.02)
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CSMS=1;+CNMI=2,2")
        sim.pdu(HELLO)
        await until(lambda: sim.journal.of("unacknowledged"))
        assert (await program.ask("AT+CMGR=1"))[1] == HELLO


async def test_a_refused_text_comes_again(tmp_path, monkeypatch):
    """AT+CNMA=2: the network comes again after a while; the journal tells both."""
    monkeypatch.setattr(engine, "AGAIN", 0.02)
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CSMS=1;+CNMI=2,2")
        sim.pdu(HELLO)
        await program.says(HELLO)
        await program.ask("AT+CNMA=2")
        await program.says(HELLO)
        await program.ask("AT+CNMA=1")
        assert [line["kept"] for line in sim.journal.of("acknowledge")] == [True, False]


async def test_ussd(tmp_path):
    """A code has its OK, and then the network's answer."""
    async with plugged(tmp_path) as (_, program):
        assert await program.ask('AT+CUSD=1,"*100#",15', '12.34",15\r\n') == ["OK", '+CUSD: 0,"Balance 12.34",15']


# ---- the line ------------------------------------------------------------------------------------------------------


async def test_programs_come_and_go(tmp_path):
    """What was half typed goes with the program; what comes meanwhile is stored without a notice; the next one is served."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,1")
        os.write(program.fd, b"AT+CMGS=18\r0001")
        await program.says("> ")
        program.close()
        await until(lambda: not sim.line.listening)
        sim.pdu(HELLO)
        again = Program(tmp_path / "tty")
        assert await again.ask("AT+CMGL=4") == [f"+CMGL: 1,0,,{len(HELLO) // 2 - 8}", HELLO, "OK"]
        assert sim.state()["online"]
        again.close()


async def test_a_port_that_was_opened_exclusively_is_free_again(tmp_path):
    """TIOCEXCL of a program that ended keeps nobody out."""
    async with plugged(tmp_path) as (sim, program):
        fcntl.ioctl(program.fd, termios.TIOCEXCL)
        program.close()
        await until(lambda: not sim.line.listening)
        again = Program(tmp_path / "tty")
        # the superuser would be let in all the same
        assert fcntl.ioctl(again.fd, TIOCGEXCL, bytes(4)) == bytes(4)
        assert await again.ask("AT") == ["OK"]
        again.close()


async def test_a_program_that_does_not_read(tmp_path):
    """What it does not take waits, up to a bound; the modem works on."""
    async with plugged(tmp_path) as (sim, program):
        for _ in range(40):
            sim.say(b"x" * 65536)
            assert len(sim.line._output) <= MOST_OUTPUT
        await until(lambda: not sim.line._output)
        assert (await program.ask("AT"))[-1] == "OK"  # the last of the bulk may still come before it


async def test_the_name_is_a_link_and_goes(tmp_path):
    """The name is a link to the pty; an old link is replaced, a file is not; unplugging takes away its own link alone."""
    (tmp_path / "tty").symlink_to("/nowhere")
    async with plugged(tmp_path) as (sim, _):
        assert os.readlink(tmp_path / "tty").startswith("/dev/pts/")
        (tmp_path / "tty").unlink()
        (tmp_path / "tty").symlink_to("/elsewhere")
    assert os.readlink(tmp_path / "tty") == "/elsewhere"
    (tmp_path / "file").write_text("kept")
    clock = StillClock()
    sim = SimModem(Phone("+1555"), str(tmp_path / "file"), Journal("", clock), clock)
    with pytest.raises(FileExistsError, match="is no link"):
        sim.plug()
    assert not sim.line.plugged
    assert (tmp_path / "file").read_text() == "kept"


async def test_state(tmp_path):
    """The state tells number, SIM, registration, storages and the faults that wait; it is JSON."""
    async with plugged(tmp_path, slots=3, pin="1234") as (sim, program):
        await program.ask("AT+CPIN=1234")
        sim.pdu(HELLO)
        state = json.loads(json.dumps(sim.state()))
        assert state == {
            "number": "+15550100100", "link": str(tmp_path / "tty"), "plugged": True, "online": True, "registration": 1,
            "sim": "READY", "tries": 3,
            "stored": {"SM": 1, "ME": 0, "SR": 0}, "slots": 3, "waiting": 0, "faults": [], "next_mr": 1,
        }  # fmt: skip
