"""Every fault of the simulated modem, by name, and how a request for one is read."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.modem.sim.faults import FAULTS, Fault, Faults, help_rows, read_fault
from tests.helpdesk.worker import until
from tests.modem.sim.feeding import HELLO, SUBMIT, WISHED, Desk, Program, lines, plugged

# ---- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given_", "wanted"),
    [
        pytest.param("no-ok", {}, Fault("no-ok", {"count": 1}, 1), id="default-is-once"),
        pytest.param("no-ok", {"count": "3"}, Fault("no-ok", {"count": 3}, 3), id="from-a-shell"),
        pytest.param("no-ok", {"count": 0}, Fault("no-ok", {"count": 0}, None), id="until-cleared"),
        pytest.param("hang", {}, Fault("hang", {"count": 0}, None), id="lasting-by-default"),
        pytest.param("unplug", {"for": "0.5"}, Fault("unplug", {"for": 0.5}, 1), id="seconds"),
    ],
)
def test_read(name, given_, wanted):
    """Arguments have defaults, come as numbers or as texts, and a count of 0 lasts until it is cleared."""
    assert read_fault(name, given_) == wanted


@pytest.mark.parametrize(
    ("name", "given_", "error"),
    [
        pytest.param("nope", {}, r"'nope' is no fault; faults: no-prompt, odd-prompt, refuse", id="name"),
        pytest.param(None, {}, "None is no fault", id="no-name"),
        pytest.param("no-ok", {"code": 1}, "no-ok takes no 'code'; it takes: count", id="argument"),
        pytest.param("reset", {"count": 1}, "reset takes no 'count'; it takes: nothing", id="at-once"),
        pytest.param("error", {"kind": "xxx"}, "kind is one of: cms, cme", id="choice"),
        pytest.param("unplug-at", {"at": []}, "at is one of: prompt, pdu, answer", id="choice-of-another-type"),
        pytest.param("error", {"code": "x"}, "code is a whole number from 0 to 9999", id="no-number"),
        pytest.param("error", {"code": 10000}, "code is a whole number from 0 to 9999", id="too-large"),
        pytest.param("error", {"code": True}, "code is a whole number", id="boolean"),
        pytest.param("error", {"code": float("inf")}, "code is a whole number", id="infinite"),
        pytest.param("unplug", {"for": "nan"}, "for is a number from 0 to 86400", id="nan"),
        pytest.param("no-ok", {"count": -1}, "count is a whole number", id="negative"),
    ],
)
def test_bad_requests(name, given_, error):
    """A request that makes no sense says what is wrong and what there is."""
    with pytest.raises(ValueError, match=error):
        read_fault(name, given_)


@settings(max_examples=200)
@given(
    st.sampled_from([*FAULTS, "nope"]),
    st.dictionaries(
        st.sampled_from(["count", "code", "kind", "at", "for", "seconds", "stat", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]),
        max_size=3,
    ),
)
def test_any_request_is_read_or_refused(name, given_):
    """A fault with all its arguments in range, or a ValueError; nothing else."""
    try:
        fault = read_fault(name, given_)
    except ValueError:
        assert name == "nope" or given_  # the defaults alone are never refused
    else:
        assert set(fault.arguments) == set(FAULTS[name].takes)
        assert fault.left is None or fault.left > 0


def test_help_has_every_fault():
    """The help of `smsgwd sim fault` names each with its arguments."""
    rows = dict(help_rows())
    assert set(rows) == set(FAULTS)
    assert rows["late-answer"].endswith("[count=1 seconds=5]")
    assert rows["clear"].endswith("network")


def test_uses_are_counted():
    """A fault happens as often as it was asked for, the oldest first; one that lasts ends with clear."""
    faults = Faults()
    faults.add(read_fault("error", {"count": 2, "code": 1}))
    faults.add(read_fault("error", {"code": 2}))
    faults.add(read_fault("storage-full", {}))
    taken = [faults.take("error") for _ in range(4)]
    assert [fault.arguments["code"] if fault else None for fault in taken] == [1, 1, 2, None]
    assert all(faults.take("storage-full") for _ in range(5))
    assert "storage-full" in faults
    assert faults.names() == ["storage-full"]
    faults.clear()
    assert faults.take("storage-full") is None


# ---- in the dialogue -----------------------------------------------------------------------------------------------


def test_no_prompt():
    """no-prompt: AT+CMGS gets nothing, the next one gets its prompt."""
    desk = Desk()
    desk.fault("no-prompt")
    assert desk.feed(b"AT+CMGS=18\r") == b""
    assert desk.send() == ["+CMGS: 1", "OK"]


def test_refuse():
    """refuse: the error instead of the prompt, as often as asked, of the kind asked."""
    desk = Desk()
    desk.fault("refuse", count=2)
    desk.fault("refuse", kind="cme", code=14)
    desk.ask("AT+CMEE=1")
    assert [desk.ask("AT+CMGS=18")[0] for _ in range(3)] == ["+CMS ERROR: 302", "+CMS ERROR: 302", "+CME ERROR: 14"]
    assert desk.send() == ["+CMGS: 1", "OK"]


def test_busy():
    """busy: what needs the SIM says so three times; what does not, works, and AT+CPIN? has the code of its own."""
    desk = Desk()
    desk.ask("AT+CMEE=1")
    desk.fault("busy")
    assert desk.ask("AT+CSQ")[-1] == "OK"
    assert desk.ask("AT+CPIN?") == ["+CME ERROR: 14"]
    assert desk.ask("AT+CPMS?") == desk.ask("AT+CMGS=18") == ["+CMS ERROR: 314"]
    assert desk.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]


def test_list_hangs():
    """list-hangs: AT+CMGL is never answered, what follows is."""
    desk = Desk()
    desk.fault("list-hangs")
    assert desk.ask("AT+CMGL=?")[-1] == "OK"
    assert desk.ask("AT+CMGL=4") == []
    assert desk.ask("AT") == desk.ask("AT+CMGL=4") == ["OK"]


def test_delete_fails():
    """delete-fails: the text stays, the next try works."""
    desk = Desk()
    desk.arrives(HELLO)
    desk.fault("delete-fails")
    assert desk.ask("AT+CMGD=1") == ["+CMS ERROR: 320"]
    assert len(desk.phone.stores["SM"]) == 1
    assert desk.ask("AT+CMGD=1") == ["OK"]
    assert desk.phone.stores["SM"] == {}


def test_hang():
    """hang: not even the echo comes; with a count it ends after so many lines."""
    desk = Desk(echo=True)
    desk.fault("hang", count=2)
    assert desk.feed(b"AT\rAT") == b""
    assert desk.feed(b"\r") == b""
    assert desk.feed(b"AT\r") == b"AT\r\r\nOK\r\n"
    desk.fault("hang")
    desk.dialogue.lines("RING")
    assert [desk.feed(b"AT\r") for _ in range(9)] == [b""] * 9
    desk.phone.faults.clear()
    assert desk.ask("ATE0")[-1] == "OK"


def test_hang_swallows_the_result_of_a_pdu():
    """A PDU that was taken before: its result is not said, and after the hang the modem takes commands again."""
    desk = Desk()
    desk.feed(b"AT+CMGS=18\r" + SUBMIT[1].encode() + b"\x1a")
    desk.fault("hang")
    desk.said = b""
    desk.dialogue.finish(desk.dialogue.token, "+CMGS: 1", "OK")
    assert desk.said == b""
    desk.phone.faults.clear()
    assert desk.ask("AT") == ["OK"]


def test_no_signal():
    """no-signal: AT+CSQ and AT+CESQ know nothing, as often as asked."""
    desk = Desk()
    desk.fault("no-signal", count=2)
    assert desk.ask("AT+CSQ")[0] == "+CSQ: 99,99"
    assert desk.ask("AT+CESQ")[0] == "+CESQ: 99,99,255,255,255,255"
    assert desk.ask("AT+CSQ")[0] == "+CSQ: 21,99"
    desk.fault("no-signal")
    assert {desk.ask("AT+CSQ")[0] for _ in range(5)} == {"+CSQ: 99,99"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        pytest.param("lost-notification", [], id="lost-notification"),
        pytest.param("twice-notified", ['+CMTI: "SM",1'] * 2, id="twice-notified"),
    ],
)
def test_notices(name, wanted):
    """lost-notification, twice-notified: the text is stored once all the same, and the next one has its one notice."""
    desk = Desk()
    desk.fault(name)
    desk.arrives(HELLO)  # AT+CNMI=0,0: no notice, so that the fault waits
    desk.ask("AT+CMGD=1;+CNMI=2,1")
    assert desk.arrives(HELLO) == wanted
    assert desk.arrives(HELLO) == ['+CMTI: "SM",2']


def test_storage_full():
    """storage-full: nothing is stored and nothing is lost."""
    desk = Desk()
    desk.ask("AT+CNMI=2,1")
    desk.fault("storage-full")
    assert desk.arrives(HELLO) == []
    assert desk.feed(b"AT+CMGW=18\r" + SUBMIT[1].encode() + b"\x1a").endswith(b"+CMS ERROR: 322\r\n")
    desk.phone.faults.clear()
    assert desk.brought() == ['+CMTI: "SM",1']


@pytest.mark.parametrize("at", ["prompt", "pdu"])
def test_unplug_at(at):
    """unplug-at: at AT+CMGS, or at its PDU, before anything went out; writing to the storage sets nothing off."""
    desk = Desk()
    desk.fault("unplug-at", at=at)
    desk.feed(b"AT+CMGW=18\r" + SUBMIT[1].encode() + b"\x1a")
    assert desk.unplugs == []
    assert desk.feed(b"AT+CMGS=18\r") == (b"" if at == "prompt" else b"\r\n> ")
    desk.feed(SUBMIT[1][:4].encode())
    assert desk.unplugs == [at]
    assert desk.pdus == []


# ---- in the whole modem --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        pytest.param("error", {}, ["+CMS ERROR: 38"], id="error"),
        pytest.param("error", {"kind": "cme", "code": 30}, ["+CME ERROR: 30"], id="error-cme"),
        pytest.param("no-reference", {}, ["OK"], id="no-reference"),
        pytest.param("no-ok", {}, ["+CMGS: 1"], id="no-ok"),
        pytest.param("urc-in-answer", {}, ["+CMGS: 1", "^RSSI:21", "RING", "OK"], id="urc-in-answer"),
    ],
)
async def test_answers_to_a_pdu(name, arguments, wanted, tmp_path):
    """error, no-reference, no-ok, urc-in-answer: what the PDU is answered with once, and whether it is on the network."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault(name, arguments))
        assert await program.send(until_said=wanted[-1] + "\r\n") == wanted
        assert len(sim.journal.of("refused" if name == "error" else "submit")) == 1
        assert (await program.send())[-1] == "OK"
        assert sim.phone.faults.names() == []


async def test_no_answer(tmp_path):
    """no-answer: the text is on the network, nothing is said of it, and the modem takes the next command."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("no-answer", {}))
        await program.ask("AT+CMGS=18", "> ")
        assert await program.ask(SUBMIT[1] + "\x1aAT\r") == ["OK"]
        assert len(sim.journal.of("submit")) == 1


async def test_late_answer(tmp_path):
    """late-answer: commands are answered meanwhile, the result comes on top of them."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("late-answer", {"seconds": 0.03}))
        await program.ask("AT+CMGS=18", "> ")
        assert await program.ask(SUBMIT[1] + "\x1aAT\r") == ["OK"]
        await program.says("+CMGS: 1\r\n\r\nOK\r\n")


async def test_report_first(tmp_path):
    """report-first: the report comes before its own +CMGS."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CNMI=2,1,0,1")
        sim.fault(read_fault("report-first", {}))
        answer = await program.send(WISHED)
        assert answer[0].startswith("+CDS: ")
        assert answer[2:] == ["+CMGS: 1", "OK"]


async def test_unregistered_and_clear(tmp_path):
    """unregistered: told at once where it was asked for, and nothing goes out; clear comes home and ends all faults."""
    async with plugged(tmp_path) as (sim, program):
        await program.ask("AT+CREG=1;+CEREG=2")
        program.read = b""
        sim.fault(read_fault("unregistered", {"stat": 3}))
        await program.says("+CREG: 3\r\n\r\n+CEREG: 3")
        assert await program.ask("AT+CMGS=18", "331") == ["+CMS ERROR: 331"]
        sim.fault(read_fault("no-answer", {"count": 0}))
        program.read = b""
        sim.fault(read_fault("clear", {}))
        await program.says('+CREG: 1\r\n\r\n+CEREG: 1,"00C3","0000A1B2"')
        assert await program.send() == ["+CMGS: 1", "OK"]


async def test_echo_back_and_junk(tmp_path):
    """echo-back: the echo is on again. junk-urc: bytes that are no lines come between, and commands still work."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("echo-back", {}))
        assert await program.ask("AT") == ["AT\r", "OK"]
        program.read = b""
        sim.fault(read_fault("junk-urc", {}))
        await program.says('*NOTE: "nobody knows",7')
        assert b"\xff\xfe\xc3^BOOT" in program.read
        assert (await program.ask("ATE0"))[-1] == "OK"


async def test_pin_locked(tmp_path):
    """pin-locked: the SIM wants its PIN, 0000 where it had none."""
    async with plugged(tmp_path) as (sim, program):
        sim.fault(read_fault("pin-locked", {}))
        assert (await program.ask("AT+CPIN?"))[0] == "+CPIN: SIM PIN"
        assert await program.ask("AT+CPIN=0000") == ["OK"]


async def test_reset(tmp_path):
    """reset: boot notices, settings forgotten, the answer that was due never comes."""
    async with plugged(tmp_path, latency=0.02) as (sim, program):
        await program.ask("AT+CMEE=2")
        await program.ask("AT+CMGS=18", "> ")
        await program.ask(SUBMIT[1] + "\x1a", "")
        await until(lambda: sim.journal.of("submit"))
        sim.fault(read_fault("reset", {}))
        await program.says("RDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n")
        assert await program.ask("AT+CMEE?") == ["AT+CMEE?\r", "+CMEE: 0", "OK"]
        await program.send(until_said="+CMGS: 2\r\n\r\nOK\r\n")
        assert b"+CMGS: 1" not in program.read


@pytest.mark.parametrize("reset", [False, True], ids=["alone", "with-a-reset-meanwhile"])
async def test_unplug(reset, tmp_path):
    """unplug: the program reads its end, the name is gone, and comes back with the texts on the SIM; a reset while it is
    away changes nothing."""
    async with plugged(tmp_path) as (sim, program):
        sim.pdu(HELLO)
        sim.fault(read_fault("unplug", {"for": 0.03}))
        assert not (tmp_path / "tty").is_symlink()
        if reset:
            sim.fault(read_fault("reset", {}))
        await until(lambda: program.gone)
        await until((tmp_path / "tty").is_symlink)
        again = Program(tmp_path / "tty")
        assert HELLO in await again.ask("ATE0;+CMGL=4")
        again.close()


async def test_unplug_at_answer(tmp_path):
    """unplug-at at=answer: the text is on the network, the modem is gone before it says so; the report comes all the same."""
    async with plugged(tmp_path, report_after=0.01) as (sim, program):
        sim.fault(read_fault("unplug-at", {"for": 0.01}))
        await program.ask(f"AT+CMGS={WISHED[0]}", "> ")
        await program.ask(WISHED[1] + "\x1a", "")
        await until(lambda: program.gone)
        await until(lambda: sim.journal.of("report"))
        assert [line["mr"] for line in sim.journal.of("submit")] == [1]
        assert lines(program.read) == []


def test_every_fault_is_tested_here():
    """A fault that is added to the table gets a test."""
    here = Path(__file__)
    source = here.read_text(encoding="utf-8") + here.with_name("test_more_faults.py").read_text(encoding="utf-8")
    assert [name for name in FAULTS if f'"{name}"' not in source] == []
