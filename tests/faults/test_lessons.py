"""Lessons from other programs' defects, the rows about what comes in and about the line: one named test for each.

What each input did elsewhere stands in the docstring. The rows about octets are in ``test_lessons_codec.py``, those about
sending in ``test_lessons_sending.py``.
"""

import asyncio
import sqlite3
import termios

import msgspec
import pytest
from structlog.testing import capture_logs

from smsgwd.config import Secret
from smsgwd.errors import LinkError
from smsgwd.model import Accepted, LinkState
from smsgwd.modem.profile import Profile
from tests.canaries import PIN
from tests.faults.plant import plant, plug, until
from tests.modem.wire import BROKEN, HELLO, OK, QUICK, REPORT, Ear, running, segment, wire
from tests.sms.vectors import V

NOTICE = '\r\n+CMTI: "SM",{}\r\n'


async def test_lesson_07_an_undecodable_pdu_leaves_the_sim(tmp_path):
    """A header longer than its data: the octets are stored raw, then the place is freed. Elsewhere the thread died and
    the place was taken for ever."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots = {1: BROKEN}
            modem.say(NOTICE.format(1))
            await until(lambda: modem.count("AT+CMGD=1"))
            await gate.hears("message.undecodable")
    rows = sqlite3.connect(tmp_path / "q.db").execute("SELECT raw FROM inbound_part").fetchall()
    assert [raw.hex().upper() for (raw,) in rows] == [BROKEN]
    assert modem.slots == {}


@pytest.mark.parametrize("first", [V["zero-scts"], BROKEN], ids=["no time", "undecodable"])
async def test_lesson_08_index_and_pdu_stay_together(first):
    """An odd PDU before a good one in AT+CMGL: each is taken with its own index. Elsewhere the good one was taken as
    index 1, the odd one deleted unread, and the good one taken again later."""
    with wire() as modem:
        modem.slots = {1: first, 2: HELLO}
        modem.answers["AT+CMGD=1"] = "\r\n+CMS ERROR: 320\r\n"
        async with running(modem) as (_, ear, _task):
            await until(lambda: modem.count("AT+CMGD=2"))
    assert modem.slots == {1: first}
    assert [s.raw.hex().upper() for s in ear.received_] == [first, HELLO]


async def test_lesson_09_deleted_only_after_the_commit():
    """The commit fails: nothing is deleted, and the text is read again after a pause, not at once without end. Elsewhere
    it was deleted before anybody had it."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            ear.away = True
            modem.slots[3] = HELLO
            modem.say(NOTICE.format(3))
            await until(lambda: modem.count("AT+CMGL=4") > 4)
            assert modem.count("AT+CMGR=3") <= modem.count("AT+CMGL=4")
            assert (modem.slots, [c for c in modem.sent if c.startswith("AT+CMGD")]) == ({3: HELLO}, [])
            ear.away = False
            await until(lambda: not modem.slots)
    assert len(ear.received_) == 1


async def test_lesson_09_the_process_dies_before_the_commit():
    """The process ends between AT+CMGR and the commit: the text is in the SIM, and the next process takes it."""
    with wire() as modem:
        ear = Ear()
        begun = asyncio.Event()

        async def hangs(link, segment) -> None:
            begun.set()
            await asyncio.Event().wait()

        ear.received = hangs
        async with running(modem, ear=ear) as (_, _ear, task):
            modem.slots[3] = HELLO
            modem.say(NOTICE.format(3))
            await asyncio.wait_for(begun.wait(), 5)
            task.cancel()
            await asyncio.wait([task])
        assert modem.slots == {3: HELLO}
        async with running(modem) as (_, after, _task):
            await until(lambda: not modem.slots)
        assert [s.payload for s in after.received_] == [b"hello"]


async def test_lesson_12_every_notice_of_a_burst():
    """Two +CMTI in one piece: both texts are read. Elsewhere only the first was."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            modem.slots = {3: HELLO, 4: V["emoji"]}
            modem.say(NOTICE.format(3) + NOTICE.format(4))
            await until(lambda: not modem.slots)
    assert [s.raw.hex().upper() for s in ear.received_] == [HELLO, V["emoji"]]


async def test_lesson_13_a_notice_before_the_answer():
    """+CMTI before +CSQ: the signal is known and the text read. Elsewhere the command failed."""
    with wire() as modem:
        modem.answers["AT+CSQ"] = NOTICE.format(3) + "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
        async with running(modem, profile=msgspec.structs.replace(QUICK, poll=0.05)) as (_, ear, _task):
            modem.slots[3] = HELLO
            await ear.until(lambda: ear.received_ and "signal_dbm" in ear.facts, "the text and the signal")
    assert ear.facts["signal_dbm"] == -73
    assert ear.received_[0].payload == b"hello"


async def test_lesson_15_noise_never_stops_the_reader():
    """Octets that are no text: the link lives and sends. Elsewhere the reader was dead and ``alive`` still true."""
    with wire() as modem:
        async with running(modem) as (link, ear, task):
            modem.say("\r\n\xff\xfe^BOOT\r\n")
            assert await link.submit(segment()) == Accepted("1")
            assert (task.done(), ear.state) == (False, LinkState.UP)


async def test_lesson_20_final_results_are_whole_lines():
    """``OKAY see you`` and ``ERROR in text`` are lines of an answer; elsewhere they ended it."""
    with wire() as modem:
        modem.answers["AT+CGMI"] = f"\r\nOKAY see you\r\n{OK}"
        modem.answers["AT+CGMM"] = f"\r\nERROR in text\r\n{OK}"
        async with running(modem) as (_, ear, _task):
            await ear.until(lambda: ear.facts, "what the modem is")
    assert ear.facts["device"] == "OKAY see you ERROR in text"


async def test_lesson_20_verbal_errors_end_an_answer():
    """``+CME ERROR: SIM not inserted`` is a final result at once; elsewhere it was waited for until a time-out."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = "\r\n+CME ERROR: SIM not inserted\r\n"
        profile = msgspec.structs.replace(QUICK, stretch=1.0)  # a time-out would take longer than the test waits
        async with running(modem, up=False, profile=profile) as (_, _ear, task):
            with pytest.raises(LinkError, match="no SIM"):
                await asyncio.wait_for(task, 5)


async def test_lesson_22_busy_answers_end():
    """``+CMS ERROR: 515`` for ever to AT+CPMS: one patience for all commands together, 30 s as shipped. Elsewhere it was
    asked again without end, each time one call deeper."""
    assert Profile().patience <= 30
    profile = msgspec.structs.replace(QUICK, patience=0.3, retry=0.02)
    with wire() as modem:
        modem.answers["AT+CPMS="] = "\r\n+CMS ERROR: 515\r\n"
        async with running(modem, up=False, profile=profile) as (_, _ear, task):
            with pytest.raises(LinkError, match="no storage"):
                await asyncio.wait_for(task, 10)
    tries = sum(c.startswith("AT+CPMS=") for c in modem.sent)
    assert 1 < tries <= 0.3 / 0.02 + 1 + 3 * len(profile.memories)


async def test_lesson_22_a_busy_sim_ends():
    """``+CME ERROR: 14`` for ever to AT+CPIN?: the link says that the SIM is not ready and starts anew later."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = "\r\n+CME ERROR: 14\r\n"
        async with running(modem, up=False) as (_, _ear, task):
            with pytest.raises(LinkError, match="not ready"):
                await asyncio.wait_for(task, 5)
    assert 1 < modem.count("AT+CPIN?") <= QUICK.patience / QUICK.retry + 1


async def test_lesson_24_direct_text_is_acknowledged_once():
    """+CMT with AT+CSMS=1: one AT+CNMA, after the commit. Elsewhere it was ignored and never acknowledged."""
    with wire() as modem:
        ear = Ear()
        stored, take = asyncio.Event(), ear.received

        async def slowly(link, segment) -> None:
            await stored.wait()
            await take(link, segment)

        ear.received = slowly
        async with running(modem, ear=ear) as (link, _ear, _task):
            modem.say(f"\r\n+CMT: ,24\r\n{HELLO}\r\n")
            sending = asyncio.create_task(link.submit(segment()))
            await asyncio.sleep(0.05)
            assert modem.count("AT+CNMA") == 0
            stored.set()
            await sending
            await until(lambda: modem.count("AT+CNMA"))
    assert modem.count("AT+CNMA") == 1
    assert [s.payload for s in ear.received_] == [b"hello"]


async def test_lesson_25_the_pin_is_for_sim_pin_alone():
    """``SIM PUK`` with a PIN configured: nothing is written, an alarm is told. Elsewhere AT+CPIN="1234" was sent."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PUK\r\n{OK}"
        async with running(modem, up=False, pin=Secret(PIN)) as (_, ear, task):
            with pytest.raises(LinkError, match="SIM PUK"):
                await asyncio.wait_for(task, 5)
    assert [c for c in modem.sent if c.startswith("AT+CPIN=")] == []
    assert [kind for kind, _ in ear.notices] == ["pin.blocked"]


@pytest.mark.parametrize("rtscts", [False, True])
async def test_lesson_29_line_settings_are_data(rtscts):
    """Hardware flow control is a value of the profile, off unless named: a line without CTS works. Elsewhere it was
    fixed on."""
    assert Profile().rtscts is False
    with wire() as modem:
        async with running(modem, profile=msgspec.structs.replace(QUICK, rtscts=rtscts)) as (link, *_):
            assert bool(termios.tcgetattr(modem.slave)[2] & termios.CRTSCTS) is rtscts
            assert await link.submit(segment()) == Accepted("1")


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        pytest.param(f"+CDS: 25\r\n{REPORT}", True, id="report"),
        pytest.param(f"+CDS: 24\r\n{REPORT}", False, id="report, one too few"),
        pytest.param(f"+CMT: ,24\r\n{HELLO}", True, id="text"),
        pytest.param(f"+CMT: ,25\r\n{HELLO}", False, id="text, one too many"),
    ],
)
async def test_lesson_30_the_length_is_compared(said, fits):
    """A length that differs from the octets is logged, and the PDU used all the same. Elsewhere the pattern of +CDS had
    a stray quote and never matched, and no length was used."""
    with wire() as modem, capture_logs() as lines:
        async with running(modem) as (_, ear, _task):
            modem.say(f"\r\n{said}\r\n")
            await until(lambda: ear.reports or ear.received_)
    assert [line["event"] for line in lines if "length" in line["event"]] == (
        [] if fits else ["a text has another length than it says"]
    )


@pytest.mark.parametrize(("length", "fits"), [(24, True), (32, True), (23, False), (25, False)])
async def test_lesson_30_the_length_of_a_stored_text_is_compared(length, fits):
    """The same for +CMGR: 24 octets behind the SMSC, 32 with it; the text is taken and deleted either way."""
    with wire() as modem, capture_logs() as lines:
        async with running(modem) as (_, ear, _task):
            modem.slots[3] = HELLO
            modem.answers["AT+CMGR=3"] = f"\r\n+CMGR: 0,,{length}\r\n{HELLO}\r\n{OK}"
            modem.say(NOTICE.format(3))
            await until(lambda: not modem.slots)
    assert len(ear.received_) == 1
    assert any("length" in line["event"] for line in lines) is not fits


async def test_lesson_30_memory_is_selected_when_it_changes():
    """Ten notices for one memory: none costs an AT+CPMS of its own. Elsewhere each did."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            before = len(modem.sent)
            modem.slots = dict.fromkeys(range(1, 11), HELLO)
            modem.say("".join(NOTICE.format(i) for i in range(1, 11)))
            await until(lambda: not modem.slots)
    assert len(ear.received_) == 10
    assert [c for c in modem.sent[before:] if c.startswith("AT+CPMS=")] == []


async def test_lesson_31_full_storage_is_drained(tmp_path):
    """``+CMS ERROR: 322``: what lies in the SIM is taken at once, unannounced as it is, and the text goes out later.
    Elsewhere it was an error that nobody handled."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots = {1: HELLO, 2: V["emoji"]}
            modem.results.append("\r\n+CMS ERROR: 322\r\n")
            message = await gate.send()
            await until(lambda: not modem.slots)
            assert await gate.inbox() == ["hello", "😀"]
            await gate.hears("message.retry")
            await gate.queue.retry(message, gate.daemon.clock.now())
            await gate.reaches(message, "sent")


async def test_lesson_31_unplugged_and_back(tmp_path):
    """The device goes away: the link is down, and up again when it is back. Elsewhere one callback came and no more."""
    with wire() as modem, wire() as back:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.close()
            await gate.is_(LinkState.DOWN)
            plug(tmp_path / "tty1", back)
            await gate.up()
            await gate.reaches(await gate.send(), "sent")
    assert len(back.pdus) == 1
