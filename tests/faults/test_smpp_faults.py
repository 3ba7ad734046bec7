"""F30 to F40: what goes wrong between the gateway and a carrier's SMSC, each set off by its name in the simulator."""

import asyncio
import resource
import sqlite3
from contextlib import closing

import pytest

from smsgwd.config import Tls
from smsgwd.errors import LinkError
from smsgwd.model import LinkState
from smsgwd.queue import opening
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.sim import centre
from smsgwd.smpp.sim.serve import serving, show, tls_context
from tests.faults.carrier import account, carried
from tests.smpp.certificates import Certificates
from tests.smpp.wire import Ear, smsc, until
from tests.store import StillClock


def submitted(place) -> list[str]:
    return [n["text"] for n in place.notes("submit")]


async def test_f30_throttled_and_full(tmp_path):
    """ESME_RTHROTTLED: nothing more is sent for a second, and the text counts as never tried; ESME_RMSGQFUL: that text
    waits for half a minute. Nothing is lost, nothing is sent twice."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, window=1) as gate:
        await gate.up()
        place.fault("f30")
        start = asyncio.get_running_loop().time()
        first, second, third = [await gate.send(text) for text in ("one", "two", "three")]
        states = {}
        async with asyncio.timeout(8):
            while sorted(states.values()) != ["queued", "sent", "sent"]:
                states = {message: await gate.state(message) for message in (first, second, third)}
                await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - start >= 0.9
        retries = await gate.events("message.retry")
        waiting = next(message for message, state in states.items() if state == "queued")
        ((due,),) = gate.rows("SELECT due FROM message WHERE direction = 'out' AND state = 'queued'")
        assert due - gate.daemon.clock.now() > 20_000
        assert {e.message for e in retries} >= {waiting}
    assert len(submitted(place)) == len(set(submitted(place))) == 2


async def test_f31_line_lost_with_texts_unanswered(tmp_path):
    """Three texts without an answer when the line is reset: all three are uncertain and none is sent again; the link
    comes back and takes the next text."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        place.fault("f31", texts=3)
        messages = [await gate.send(f"text {n}") for n in range(3)]
        for message in messages:
            await gate.reaches(message, "uncertain")
        await gate.breaks()
        await gate.up()
        await gate.reaches(await gate.send("next"), "sent")
        assert [await gate.state(message) for message in messages] == ["uncertain"] * 3
    assert sorted(submitted(place)) == ["next", "text 0", "text 1", "text 2"]


async def test_f32_answers_out_of_order_strange_and_twice(tmp_path):
    """Each answer is matched by its sequence_number: every text has the id that the SMSC gave it. The strange one and the
    second one are told, and change nothing."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        place.fault("f32")
        messages = [await gate.send(f"text {n}") for n in range(3)]
        for message in messages:
            await gate.reaches(message, "sent")
        stored = dict(gate.rows("SELECT message.text, submission.reference FROM submission JOIN message ON message.id = "
                                "submission.message"))  # fmt: skip
        assert stored == {n["text"]: n["id"] for n in place.notes("submit")}
        async with asyncio.timeout(5):
            while len(await gate.events("link.notice")) < 2:
                await asyncio.sleep(0.01)
        assert await gate.downs() == []


async def test_f33_receipt_before_its_answer(tmp_path):
    """The receipt is kept until the answer names its id, and then the text is delivered."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        place.fault("f33")
        await gate.reaches(await gate.send(), "delivered")
        await until(lambda: [n["status"] for n in place.notes("answer")] == [0])


async def test_f34_unknown_receipt_and_other_digits(tmp_path):
    """A receipt on a text that nobody sent is acknowledged, kept and counted; one whose id is in decimal instead of
    hexadecimal digits finds its text."""
    async with smsc(tmp_path, report_after=0.0) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        place.fault("f34")
        await gate.reaches(await gate.send(), "delivered")
        await gate.hears("report.orphan")
        assert len(await gate.events("report.orphan")) == 1
        assert gate.rows("SELECT count(*) FROM report_orphan")[0][0] >= 1
        await until(lambda: [n["status"] for n in place.notes("answer")] == [0, 0])


async def test_f35_deliver_sm_twice(tmp_path):
    """The SMSC never saw our answer and brings the text again after the next bind: one text came in, and both were
    acknowledged. The same words a second time are a second text."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        place.fault("f35")
        place.do("text", **{"from": "+15550100777", "text": "my internet is down"})
        await until(lambda: len(place.notes("bind")) == 2)
        await until(lambda: [n["status"] for n in place.notes("answer")] == [0])
        assert await gate.inbox() == ["my internet is down"]
        place.do("text", **{"from": "+15550100777", "text": "my internet is down"})
        await until(lambda: len(place.notes("answer")) == 2)
        assert await gate.inbox() == ["my internet is down"] * 2


async def test_f36_database_locked_while_a_text_comes(tmp_path, monkeypatch):
    """Another program has locked the database: the text is refused for now (ESME_RX_T_APPN), never acknowledged; when
    the lock is gone it comes again and is stored once."""
    monkeypatch.setattr(centre, "RETRY", 0.2)
    monkeypatch.setattr(opening, "_SETTINGS", opening._SETTINGS.replace("busy_timeout = 5000", "busy_timeout = 50"))
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        with closing(sqlite3.connect(tmp_path / "q.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            place.fault("f36")
            async with asyncio.timeout(30):
                while not place.notes("answer"):
                    await asyncio.sleep(0.02)
            assert {n["status"] for n in place.notes("answer")} == {0x64}
            other.execute("ROLLBACK")
        async with asyncio.timeout(30):
            while place.notes("answer")[-1]["status"] != 0:
                await asyncio.sleep(0.02)
        assert await gate.inbox() == ["a text of the simulator"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param({"name": "f37"}, "command_length 0 ", id="0"),
        pytest.param({"name": "f37", "length": 15}, "command_length 15 ", id="15"),
        pytest.param({"name": "f37", "length": 0x80000000}, "command_length 2147483648 ", id="2 to the 31st"),
        pytest.param({"name": "half"}, "did not end it", id="cut short"),
        pytest.param({"name": "drip", "seconds": 0.05}, "did not end it", id="octet by octet"),
    ],
)
async def test_f37_lengths_and_pieces(tmp_path, fault, said):
    """Closed with the reason, nothing of it is waited for in memory; the link comes back, and what was cut comes whole."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        await gate.up()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        place.fault(**fault)
        why = await gate.breaks(said)
        assert why
        await gate.up()
        await gate.reaches(await gate.send(), "sent")
        if fault["name"] == "drip":
            await until(lambda: place.notes("answer"))
            assert await gate.inbox() == ["drop by drop"]
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_f38_bind_refused_again_and_again(tmp_path):
    """A wrong password: one try, then none for minutes, whatever the supervisor's own pauses are; the link is down, says
    why, and an operator is called. The password stands in no event."""
    async with smsc(tmp_path) as place:
        place.fault("f38")
        async with carried(tmp_path, place.port) as gate:
            await until(lambda: place.notes("bind"))
            await gate.breaks("wrong password")
            start = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - start < 0.5:  # five times the supervisor's longest pause
                await asyncio.sleep(0.05)
            assert [n["status"] for n in place.notes("bind")] == [0x0E]
            assert (await gate.link("c1")).state is LinkState.DOWN
            assert ["nothing is tried" in e.data["what"] for e in await gate.events("link.alarm")] == [True]


async def test_f38_waits_of_hours(tmp_path):
    """Refused ten times in a row, on a clock of the test's own: at least 60 s before each next try, and longer ones later."""
    clock, waits = StillClock(), []
    async with smsc(tmp_path) as place:
        place.fault("f38")
        link = SmppLink(account(place.port), clock)
        for _ in range(10):
            with pytest.raises(LinkError, match="wrong password") as refused:
                await link.run(Ear(), asyncio.Event())
            waits.append(refused.value.retry_after)
            clock.move(waits[-1])
        assert len(place.notes("bind")) == 10
    assert min(waits) >= 60
    assert max(waits) > 2 * waits[0]


async def test_f39_enquire_link_unanswered(tmp_path):
    """A peer that answers no enquire_link is dropped within two intervals, and bound anew."""
    interval = 0.4
    timers = {"enquire_link": interval, "enquire_timeout": interval / 2, "response_timeout": interval / 2}
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, **timers) as gate:
        await gate.up()
        start = asyncio.get_running_loop().time()
        place.fault("f39")
        await gate.breaks("enquire_link")
        assert asyncio.get_running_loop().time() - start <= 2 * interval + 0.3
        place.fault("clear")
        await until(lambda: len(place.notes("bind")) >= 2)
        await gate.up()


@pytest.mark.parametrize(
    ("made", "said"),
    [pytest.param({"days": -1}, "expired", id="expired"), pytest.param({"names": "DNS:other.test"}, "127.0.0.1", id="wrong name")],
)
async def test_f40_certificates(tmp_path, made, said):
    """An SMSC whose certificate becomes bad: no bind and no password goes to it, and the reason is told; with the good one
    the link binds by itself."""
    certificates = Certificates(tmp_path)
    good, bad = certificates.issue("good", days=30), certificates.issue("bad", **{"days": 30, **made})
    async with smsc(tmp_path) as place:
        context = tls_context(*good)
        place.centre.other_certificate = lambda: show(context, *bad)
        async with serving(place.centre, "127.0.0.1", 0, context) as address:
            place.fault("f40")
            port = int(address.rpartition(":")[2])
            async with carried(tmp_path, port, tls=Tls(ca=certificates.ca)) as gate:
                why = await gate.breaks("certificate")
                assert said in why
                assert place.notes("bind") == []
                show(context, *good)
                await gate.up()


