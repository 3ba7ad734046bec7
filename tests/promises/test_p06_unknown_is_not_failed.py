"""P6: unknown is never called failed. Only a definite no is a refusal, and one table says how definite.

The same codes through the whole driver are in tests/faults/test_modem_network.py and tests/smpp/test_refusal.py.
"""

import asyncio

import msgspec
import pytest

from smsgwd.errors import CommandError
from smsgwd.model import InDoubt, Refusal, RefusalClass
from smsgwd.modem.causes import Unknown, cause_of
from smsgwd.queue import outbound, submitting
from smsgwd.smpp.refusal import submit_refusal
from tests.contract.making import NOW, draft
from tests.faults.carrier import carried
from tests.faults.plant import CALM, plant, until
from tests.modem.wire import wire
from tests.queue.storing import storing
from tests.smpp.wire import smsc

#: class -> what the text is then; nothing but a definite and permanent no is an end
THEN = {
    RefusalClass.PERMANENT: "failed", RefusalClass.TEMPORARY: "queued", RefusalClass.LINK: "queued",
    RefusalClass.BUSY: "queued", Unknown.UNKNOWN: "uncertain",
}  # fmt: skip
#: the codes that end a text, and no others: the network or the standard says that it can never be taken as it is
#: (TS 24.011 section 8.2.5.4, TS 23.040 section 9.2.3.22, TS 27.005 section 3.2.5, TS 27.007 section 9.2)
ENDS = {
    "CMS": {21, *range(95, 100), *range(128, 131), *range(143, 146), *range(159, 162), 175, 176, 195, 196, 198, 199, 304, 305},
    "CME": {24, 25, 26, 27},
    "": set(),
}
#: codes that the standards have for "nobody knows"
OPEN = {("CMS", 332), ("CMS", 500), ("CME", 31), ("CME", 100), ("CMS", -1), ("CME", -1), ("", -1)}
MODEM = [
    *((("CMS", code)) for code in range(600)),
    *((("CME", code)) for code in range(300)),
    ("CMS", -1), ("CME", -1), ("", -1), ("CMS", 99999),
]  # fmt: skip


def ends(store, outcome) -> str:
    """The state of a fresh text of class normal after this outcome of its first attempt."""
    (message,) = store.run(outbound.accept, [draft()], NOW)
    (segment,) = store.run(submitting.claim, "m1", 1, NOW)
    store.run(submitting.record_result, segment.submission, outcome, NOW)
    state = store.value("SELECT state FROM message ORDER BY id DESC LIMIT 1")
    if state == "queued":
        store.run(outbound.cancel, message.id, NOW)
    return state


def test_p06_every_code_of_modems(tmp_path):
    """Each number, in a table or not, by its class: what tells nothing about the network is uncertain, never failed."""
    seen, failed, unknown = set(), set(), set()
    with storing(tmp_path / "q.db") as store:
        for kind, number in MODEM:
            cause = cause_of(CommandError(kind, number, f"{kind} {number}"))
            outcome = InDoubt(cause.name) if isinstance(cause.class_, Unknown) else _refusal(cause)
            then = ends(store, outcome)
            assert then == THEN[cause.class_], (kind, number)
            seen.add(cause.class_)
            failed |= {(kind, number)} if then == "failed" else set()
            unknown |= {(kind, number)} if then == "uncertain" else set()
    assert failed == {(kind, number) for kind, numbers in ENDS.items() for number in numbers}
    assert unknown >= OPEN
    assert seen == {RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK, Unknown.UNKNOWN}


def _refusal(cause):
    return Refusal(cause.name, cause.class_, cause.name, cause.pause)


def test_p06_every_status_of_carriers(tmp_path):
    """Each command_status of the standard, the reserved and the vendors' ranges; permanent alone is an end."""
    seen = set()
    with storing(tmp_path / "q.db") as store:
        for status in (*range(1, 0x500), 0xFFFFFFFF):
            refusal = submit_refusal(status)
            assert ends(store, refusal) == THEN[refusal.class_], hex(status)
            seen.add(refusal.class_)
    assert seen == set(RefusalClass)


@pytest.mark.parametrize(
    ("code", "meaning", "then"),
    [
        pytest.param(500, None, "uncertain", id="500, no word of the profile"),
        pytest.param(332, None, "uncertain", id="332, no word of the profile"),
        pytest.param(500, "temporary", "queued", id="500 means refused here"),
        pytest.param(332, "temporary", "queued", id="332 means refused here"),
        pytest.param(332, "unknown", "uncertain", id="332 means unknown here"),
    ],
)
async def test_p06_no_answer_from_the_network(tmp_path, code, meaning, then):
    """Codes 500 and 332 after the PDU say that nobody answered the modem: uncertain, unless the profile of the modem knows
    that it means a refusal."""
    profile = msgspec.structs.replace(CALM, cms={str(code): meaning} if meaning else {})
    assert not list(profile.faults())
    with wire() as modem:
        modem.results.append(f"\r\n+CMS ERROR: {code}\r\n")
        async with plant(tmp_path, modem, profile=profile) as gate:
            await gate.up()
            message = await gate.send()
            await until(lambda: modem.pdus)
            await gate.reaches(message, then)
    assert len(modem.pdus) == 1


#: promises, section 3: the last thing known -> the attempt, the text
LAST_KNOWN = [
    pytest.param("no prompt", "refused", "queued", id="prompt not seen"),
    pytest.param("cut at the prompt", "refused", "queued", id="prompt seen, no 0x1A handed over"),
    pytest.param("silence", "uncertain", "uncertain", id="0x1A handed over, no answer in time"),
    pytest.param("cut after the PDU", "uncertain", "uncertain", id="port lost with the attempt in flight"),
    pytest.param("crash", "uncertain", "uncertain", id="process death with the attempt in flight"),
    pytest.param("+CMS ERROR: 21", "refused", "failed", id="+CMS ERROR of a permanent class"),
    pytest.param("+CMS ERROR: 41", "refused", "queued", id="+CMS ERROR of a temporary class"),
    pytest.param("+CMS ERROR: 500", "uncertain", "uncertain", id="code 500"),
    pytest.param("+CMGS without OK", "accepted", "sent", id="+CMGS: mr, OK never follows"),
    pytest.param("+CMGS", "accepted", "sent", id="+CMGS: mr"),
]


@pytest.mark.parametrize(("last", "attempt", "text"), LAST_KNOWN)
async def test_p06_last_thing_known(tmp_path, last, attempt, text):
    """Row by row: what the attempt is called, and what the text is under the policy `hold`."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            await gate.reaches(await gate.send("proof that this SIM can send"), "sent")
            _set_up(modem, last)
            message = await gate.send("x" * 100)
            if last == "crash":
                await until(lambda: len(modem.pdus) == 2)
                await gate.crash()
                await gate.queue.recover(gate.daemon.clock.now())
            await _concluded(gate, message)
            await gate.reaches(message, text)
            assert [s.state for s in await gate.queue.submissions(message)][:1] == [attempt]


async def _concluded(gate, message: str) -> None:
    """Waits until the end of the first attempt is known."""
    async with asyncio.timeout(8):
        while not [s for s in await gate.queue.submissions(message) if s.state != "in_flight"]:
            await asyncio.sleep(0.005)


def _set_up(modem, last: str) -> None:
    """The modem's part of it."""
    if last == "no prompt":
        modem.answers["AT+CMGS="] = None
    elif last == "cut at the prompt":
        answer = modem._answer
        modem._answer = lambda command: (answer(command), modem.close()) if command.startswith("AT+CMGS") else answer(command)
    elif last == "cut after the PDU":
        modem._take = lambda pdu: (modem.pdus.append(pdu), modem.close())
    elif last.startswith("+CMGS"):
        modem.results.append("\r\n+CMGS: 9\r\n" + ("" if "without" in last else "\r\nOK\r\n"))
    else:
        modem.results.append(f"\r\n{last}\r\n" if last.startswith("+") else None)


@pytest.mark.parametrize(
    ("fault", "more", "attempt", "text"),
    [
        pytest.param("swallow", {}, "uncertain", "uncertain", id="session lost with a sequence_number unanswered"),
        pytest.param("no-answer", {}, "uncertain", "uncertain", id="no answer in time"),
        pytest.param("error", {"code": 0x0B}, "refused", "failed", id="a no for good"),
        pytest.param("error", {"code": 0x08}, "refused", "queued", id="a no for now"),
        pytest.param("no-id", {}, "accepted", "sent", id="taken, without an id"),
    ],
)
async def test_p06_last_thing_known_of_a_carrier(tmp_path, fault, more, attempt, text):
    """The rows of a carrier link, under the policy `hold`."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, response_timeout=0.3) as gate:
        await gate.up()
        place.fault(fault, **more)
        message = await gate.send()
        await _concluded(gate, message)
        await gate.reaches(message, text)
        assert [s.state for s in await gate.queue.submissions(message)][:1] == [attempt]
    assert len(place.notes("submit")) <= 1
