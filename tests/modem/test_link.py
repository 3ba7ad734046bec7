"""ModemLink on a real pty: the dialogue, and what libraries before it got wrong."""

import asyncio

import msgspec
import pytest

from smsgwd.config import Secret
from smsgwd.errors import LinkError, Uncertain
from smsgwd.model import Accepted, LinkState, Refusal, RefusalClass, ReportStatus
from smsgwd.modem import link as modem_link
from tests.canaries import PIN
from tests.modem.wire import BROKEN, HELLO, OK, QUICK, REPORT, running, segment, until, wire


async def test_set_up_and_send():
    """From an open port to an accepted text: no text mode, echo off, reference of +CMGS."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            assert await link.submit(segment()) == Accepted("1")
    assert modem.sent[:2] == ["AT", "ATE0V1"]
    assert "AT+CMGF=0" in modem.sent
    assert modem.pdus == ["0021000B916346214365F7000005E8329BFD06"]
    assert [state for state, _ in ear.states] == [LinkState.STARTING, LinkState.UP, LinkState.DRAINING]
    assert ear.states[1][1] == "Acme M1, home network"


async def test_no_command_without_use():
    """A text costs one AT+CMGS and nothing else."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            before = len(modem.sent)
            for i in range(50):
                await link.submit(segment(f"text {i}"))
            assert modem.sent[before:] == ["AT+CMGS=19"] * 10 + ["AT+CMGS=20"] * 40
            assert len(set(modem.pdus)) == 50


async def test_one_transaction_at_a_time():
    """Many senders at once: every PDU is whole, and nothing is written between AT+CMGS and its PDU."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            results = await asyncio.gather(*(link.submit(segment(f"{i:03}")) for i in range(60)))
    assert sorted(int(r.reference) for r in results) == list(range(1, 61))
    assert len(modem.pdus) == 60
    assert all(len(pdu) == len(modem.pdus[0]) for pdu in modem.pdus)


async def test_a_notice_inside_a_result_is_kept():
    """+CMTI before +CMGS: the text is accepted, and the other one read, committed and deleted."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            modem.slots[3] = HELLO
            modem.results.append('\r\n+CMTI: "SM",3\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n')
            assert await link.submit(segment()) == Accepted("5")
            await ear.until(lambda: ear.received_, "the text")
            await until(lambda: not modem.slots)
    assert ear.received_[0].payload == b"hello"


async def test_a_burst_of_notices():
    """Two notices in one read: both texts are read, without selecting the memory that is selected already."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            modem.slots = {3: HELLO, 4: HELLO}
            before = len(modem.sent)
            modem.say('\r\n+CMTI: "SM",3\r\n\r\n+CMTI: "SM",4\r\n')
            await until(lambda: not modem.slots)
    assert len(ear.received_) == 2
    assert modem.sent[before:] == ["AT+CMGR=3", "AT+CMGD=3", "AT+CMGR=4", "AT+CMGD=4"]


async def test_deleted_only_after_the_commit():
    """The store is away: the text stays in the SIM, and is taken when the store is back."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            ear.away = True
            modem.slots[3] = HELLO
            modem.say('\r\n+CMTI: "SM",3\r\n')
            await until(lambda: modem.count("AT+CMGR=3") or modem.count("AT+CMGL=4") > 1)
            assert modem.count("AT+CMGD=3") == 0
            assert modem.slots == {3: HELLO}
            ear.away = False
            await until(lambda: not modem.slots)
    assert len(ear.received_) == 1


async def test_an_undecodable_text_leaves_the_sim():
    """A PDU that cannot be read is stored raw, and its slot is freed; the one behind it keeps its index."""
    with wire() as modem:
        modem.slots = {1: BROKEN, 2: HELLO}
        async with running(modem) as (_, ear, _task):
            await until(lambda: not modem.slots)
    assert [(bool(s.fault), s.payload) for s in ear.received_] == [(True, b""), (False, b"hello")]
    assert ear.received_[0].raw.hex().upper() == BROKEN


async def test_found_on_the_sim_is_marked():
    """What lay in the SIM for more than an hour is marked, so that rules leave it alone."""
    with wire() as modem:
        modem.slots = {1: HELLO.replace("62113261005080", "52113261005080")}
        async with running(modem) as (_, ear, _task):
            await until(lambda: not modem.slots)
    assert ear.received_[0].stored is True


async def test_direct_text_is_acknowledged_once_after_the_commit():
    """+CMT with AT+CSMS=1: committed, then one AT+CNMA; none while the store is away."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            ear.away = True
            modem.say(f"\r\n+CMT: ,24\r\n{HELLO}\r\n")
            modem.say('\r\n+CMTI: "SM",9\r\n')
            await until(lambda: modem.count("AT+CMGR=9"))
            assert modem.count("AT+CNMA") == 0
            ear.away = False
            modem.say(f"\r\n+CMT: ,24\r\n{HELLO}\r\n")
            await until(lambda: modem.count("AT+CNMA"))
    assert len(ear.received_) == 1
    assert modem.count("AT+CNMA") == 1


@pytest.mark.parametrize("how", ["direct", "stored", "before the result"])
async def test_reports(how):
    """A status report is told, whether it comes as +CDS, as +CDSI, or before the +CMGS it belongs to."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            if how == "direct":
                modem.say(f"\r\n+CDS: 25\r\n{REPORT}\r\n")
            elif how == "stored":
                modem.slots[7] = REPORT
                modem.say('\r\n+CDSI: "SM",7\r\n')
            else:
                modem.results.append(f"\r\n+CDS: 25\r\n{REPORT}\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n")
                assert await link.submit(segment()) == Accepted("5")
            await ear.until(lambda: ear.reports, "the report")
    report = ear.reports[0]
    assert (report.reference, report.status, report.code) == ("5", ReportStatus.DELIVERED, "0x00")


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        pytest.param('\r\n+CMGS: 5,"26/11/23,16:00:00+04"\r\n\r\nOK\r\n', Accepted("5"), id="more fields"),
        pytest.param("\r\n+CMGS: 5\r\n", Accepted("5"), id="no OK"),
        pytest.param("\r\nOK\r\n", Accepted(""), id="no reference"),
        pytest.param("\r\n+CMS ERROR: 38\r\n", ("CMS 38", RefusalClass.TEMPORARY), id="network out of order"),
        pytest.param("\r\n+CMS ERROR: 21\r\n", ("CMS 21", RefusalClass.PERMANENT), id="rejected"),
        pytest.param("\r\n+CMS ERROR: 330\r\n", ("CMS 330", RefusalClass.LINK), id="no SMSC"),
        pytest.param("\r\n+CMS ERROR: SMSC address unknown\r\n", ("CMS 330", RefusalClass.LINK), id="verbal"),
        pytest.param("\r\n+CME ERROR: SIM not inserted\r\n", ("CME 10", RefusalClass.LINK), id="no SIM"),
        pytest.param("\r\n+CMS ERROR: 500\r\n", Uncertain, id="unknown after the PDU"),
        pytest.param("\r\n+CMS ERROR: 332\r\n", Uncertain, id="network time-out"),
        pytest.param("\r\nERROR\r\n", Uncertain, id="plain ERROR after the PDU"),
    ],
)
async def test_results(result, outcome):
    """What the modem says after the PDU, and what it means."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            await link.submit(segment("proof that this SIM can send"))
            modem.results.append(result)
            if outcome is Uncertain:
                with pytest.raises(Uncertain):
                    await link.submit(segment())
            else:
                got = await link.submit(segment())
                assert got == outcome if isinstance(outcome, Accepted) else (got.code, got.class_) == outcome
            assert isinstance(await link.submit(segment("next")), Accepted)


async def test_an_error_before_the_prompt_sent_nothing():
    """Whatever code comes instead of the prompt, the text was not sent: refused, never uncertain."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            modem.answers["AT+CMGS="] = "\r\n+CMS ERROR: 500\r\n"
            refused = await link.submit(segment())
            assert isinstance(refused, Refusal)
            assert refused.class_ is RefusalClass.TEMPORARY
            del modem.answers["AT+CMGS="]
            assert isinstance(await link.submit(segment()), Accepted)
    assert len(modem.pdus) == 1


async def test_no_prompt_is_left_by_escape():
    """Silence instead of the prompt: ESC, AT, refused; the next text goes as usual and nothing became text."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            modem.answers["AT+CMGS="] = None
            refused = await link.submit(segment())
            assert (refused.code, refused.class_) == ("no prompt", RefusalClass.TEMPORARY)
            assert modem.sent[-1] == "AT"
            del modem.answers["AT+CMGS="]
            assert isinstance(await link.submit(segment()), Accepted)


async def test_silence_is_uncertain_and_a_late_result_settles_it():
    """No answer to the PDU: uncertain, and nothing is written; the late +CMGS belongs to that text."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            modem.results.append(None)
            with pytest.raises(Uncertain):
                await link.submit(segment(submission="sub_7"))
            before = len(modem.sent)
            modem.say("\r\n+CMGS: 9\r\n\r\nOK\r\n")
            await ear.until(lambda: ear.settlements, "the late result")
            assert modem.sent[before:] == []
    assert ear.settlements == [("sub_7", Accepted("9"))]


async def test_silence_over_then_the_next_text():
    """After the longest answer time the modem is asked whether it lives, and goes on."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            modem.results.append(None)
            with pytest.raises(Uncertain):
                await link.submit(segment())
            assert await link.submit(segment("next")) == Accepted("2")
    assert ear.settlements == []


async def test_unplugged_with_a_text_in_the_modem():
    """The port goes away after the PDU: uncertain; the link breaks with a reason."""
    with wire() as modem:
        async with running(modem) as (link, _, task):
            modem.results.append(None)
            sending = asyncio.create_task(link.submit(segment()))
            await until(lambda: modem.pdus)
            modem.close()
            with pytest.raises(Uncertain):
                await sending
            with pytest.raises(LinkError):
                await asyncio.wait_for(task, 5)
            with pytest.raises(LinkError, match="down"):
                await link.submit(segment())


async def test_unplugged_at_the_prompt_sent_nothing():
    """The port goes away before the PDU: LinkError, so that the text goes back to the queue."""
    with wire() as modem:
        async with running(modem, profile=QUICK) as (link, _, task):
            modem.answers["AT+CMGS="] = None
            sending = asyncio.create_task(link.submit(segment()))
            await until(lambda: modem.sent[-1].startswith("AT+CMGS"))
            modem.close()
            with pytest.raises(LinkError):
                await sending
            with pytest.raises(LinkError):
                await asyncio.wait_for(task, 5)


async def test_a_modem_that_answers_nothing():
    """Nothing answers AT: LinkError that says so."""
    with wire() as modem:
        modem.answers["AT"] = None
        async with running(modem, up=False) as (_, _ear, task):
            with pytest.raises(LinkError, match="does not answer"):
                await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("state", "told", "why"),
    [
        pytest.param("SIM PUK", "pin.blocked", "SIM PUK", id="PUK is never touched"),
        pytest.param("PH-NET PIN", "pin.blocked", "PH-NET PIN", id="network lock"),
        pytest.param("NOT INSERTED", None, "no SIM", id="no SIM"),
    ],
)
async def test_locked_sims(state, told, why):
    """A SIM that a PIN does not open: nothing is written to it, an operator is told."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: {state}\r\n{OK}"
        async with running(modem, up=False, pin=Secret(PIN)) as (_, ear, task):
            with pytest.raises(LinkError, match=why):
                await asyncio.wait_for(task, 5)
    assert not [c for c in modem.sent if c.startswith("AT+CPIN=")]
    assert [kind for kind, _ in ear.notices] == ([told] if told else [])


async def test_pin_is_tried_once():
    """A refused PIN is not written again when the link starts again, and never shown."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        modem.answers["AT+CPIN="] = "\r\n+CME ERROR: 16\r\n"
        modem.answers["AT+CPINR"] = f"\r\n+CPINR: SIM PIN,3,3\r\n{OK}"
        async with running(modem, up=False, pin=Secret(PIN)) as (link, ear, task):
            with pytest.raises(LinkError, match="refused") as first:
                await asyncio.wait_for(task, 5)
            with pytest.raises(LinkError, match="before"):
                await asyncio.wait_for(link.run(ear, asyncio.Event()), 5)
    assert modem.count(f'AT+CPIN="{PIN}"') == 1
    assert [kind for kind, _ in ear.notices] == ["pin.sent", "pin.refused"]
    assert "4321" not in f"{first.value}{ear.notices}{ear.states}"


async def test_few_tries_left_are_left_alone():
    """Fewer than three tries: no PIN is written."""
    with wire() as modem:
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        modem.answers["AT+CPINR"] = f"\r\n+CPINR: SIM PIN,2,3\r\n{OK}"
        async with running(modem, up=False, pin=Secret(PIN)) as (_, ear, task):
            with pytest.raises(LinkError, match="2 tries"):
                await asyncio.wait_for(task, 5)
    assert ear.notices == [("pin.blocked", {"state": "SIM PIN", "tries": 2})]


@pytest.mark.parametrize(
    ("answers", "state", "why"),
    [
        pytest.param({"AT+CREG?": "+CREG: 2,3", "AT+CEREG?": "+CEREG: 2,1"}, "up", "home network", id="LTE only"),
        pytest.param({"AT+CREG?": "+CREG: 2,7"}, "up", "SMS only", id="SMS only"),
        pytest.param({"AT+CREG?": "+CREG: 2,3"}, "starting", "denied", id="denied"),
        pytest.param({"AT+CREG?": "+CREG: 2,2"}, "starting", "searching", id="searching"),
        pytest.param({"AT+CREG?": "ERROR"}, "up", "unknown", id="no such command"),
    ],
)
async def test_registration(answers, state, why):
    """Up when any of the three domains can send; a text is not taken before."""
    with wire() as modem:
        modem.answers |= {command: f"\r\n{line}\r\n{'' if line == 'ERROR' else OK}" for command, line in answers.items()}
        async with running(modem, up=False) as (link, ear, _):
            await ear.until(lambda: any(why in reason for _, reason in ear.states), why)
            assert ear.state.value == state
            if state != "up":
                with pytest.raises(LinkError):
                    await link.submit(segment())
                modem.say("\r\n+CREG: 1\r\n")
                await ear.until(lambda: ear.state is LinkState.UP, "up")


async def test_roaming_by_policy():
    """`roaming = false`: a modem that roams does not send."""
    with wire() as modem:
        modem.answers["AT+CREG?"] = f"\r\n+CREG: 2,5\r\n{OK}"
        async with running(modem, up=False, roaming=False) as (_, ear, _task):
            await ear.until(lambda: any("roaming" in why for _, why in ear.states), "roaming")
            assert ear.state is LinkState.STARTING


async def test_a_modem_that_forgot_its_settings_is_set_up_again():
    """RDY out of the blue: the poll sees that the notifications are off, and sets the modem up."""
    with wire() as modem:
        async with running(modem) as (link, _ear, _task):
            modem.answers["AT+CNMI?"] = f"\r\n+CNMI: 0,0,0,0,0\r\n{OK}"
            modem.say("\r\nRDY\r\n")
            await until(lambda: modem.count("AT+CMGF=0") == 2)
            assert isinstance(await link.submit(segment()), Accepted)


async def test_notifications_that_were_turned_off_late(monkeypatch):
    """The program before died and acknowledged nothing: the modem turns notices off when we have set them, and looked. That
    is seen long before a minute is over."""
    monkeypatch.setattr(modem_link, "FIRST_POLL", 0.02)
    with wire() as modem:
        async with running(modem, profile=msgspec.structs.replace(QUICK, poll=60.0)):
            await until(lambda: modem.count("AT+CNMI?") >= 1)
            modem.answers["AT+CNMI?"] = f"\r\n+CNMI: 2,0,0,0,0\r\n{OK}"
            await until(lambda: modem.count("AT+CMGF=0") == 2)


async def test_notifications_fall_back_one_by_one():
    """The first CNMI setting that is taken wins; a modem that takes none is polled, and that is said."""
    with wire() as modem:
        modem.answers["AT+CNMI="] = "\r\nERROR\r\n"
        modem.answers["AT+CNMI=2,1,0,2,0"] = OK
        async with running(modem):
            pass
    assert [c for c in modem.sent if c.startswith("AT+CNMI=")] == ["AT+CNMI=2,1,0,1,0", "AT+CNMI=2,1,0,2,0"]
    with wire() as modem:
        modem.answers["AT+CNMI="] = "\r\nERROR\r\n"
        async with running(modem) as (_, ear, _task):
            assert [kind for kind, _ in ear.notices] == ["link.notice"]


async def test_full_storage_is_told_once():
    """At 80 % operators are told, once."""
    with wire() as modem:
        modem.answers["AT+CPMS?"] = f'\r\n+CPMS: "SM",45,50,"SM",45,50,"SM",45,50\r\n{OK}'
        async with running(modem) as (_, ear, _task):
            modem.say("\r\n^SMMEMFULL\r\n")
            await until(lambda: modem.count("AT+CMGL=4") == 2 and modem.sent[-1] == "AT+CSQ")
    assert ear.notices == [("storage.high", {"used": 45, "total": 50, "memory": "SM"})]


async def test_a_call_is_one_event():
    """RING RING RING is one call."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            modem.say("\r\nRING\r\n\r\nRING\r\n\r\nRING\r\n")
            await ear.until(lambda: ear.notices, "the call")
            await until(lambda: True)
    assert [kind for kind, _ in ear.notices] == ["call.incoming"]


async def test_noise_and_restored_echo():
    """Bytes that are no text, and a modem that echoes again, do no harm."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            modem.say("\r\n\xff\xfe^BOOT\r\n\x00")
            modem.results.append("0021000B916346214365F7000005E8329BFD06\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n")
            assert await link.submit(segment()) == Accepted("5")
