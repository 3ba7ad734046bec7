"""SmppLink against the simulated SMSC over a real socket."""

import asyncio

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError, Uncertain
from smsgwd.model import Accepted, LinkState, RefusalClass, ReportStatus
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.session import Timers
from smsgwd.smpp.sim import centre
from tests.canaries import LONG_PASSWORD, PASSWORD, WRONG_PASSWORD
from tests.smpp.wire import HASTY, QUICK, Ear, broken, config, linked, segment, smsc, until


@pytest.mark.parametrize("kind", ["transceiver", "transmitter", "receiver"])
async def test_bind_and_unbind(tmp_path, kind):
    """Starting, up, draining; the SMSC saw the bind with its mode, and an end in order."""
    async with smsc(tmp_path) as place:
        async with linked(place.port, bind=kind) as (link, ear, task, stop):
            assert link.window == (0 if kind == "receiver" else 10)
            stop.set()
            await task
        await until(lambda: place.notes("left"))
    assert [(n["system_id"], n["mode"], n["status"]) for n in place.notes("bind")] == [("user", kind, 0)]
    assert [state for state, _ in ear.states] == [LinkState.STARTING, LinkState.UP, LinkState.DRAINING]
    assert ear.states[1][1] == f"bound to {place.address}"


async def test_an_accepted_text(tmp_path):
    """Its reference is the SMSC's message_id, and the SMSC has its words and numbers."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, *_):
        result = await link.submit(segment("hello {€}"))
        (note,) = place.notes("submit")
    assert result == Accepted(note["id"])
    assert (note["text"], note["to"], note["from"]) == ("hello {€}", "+15550100777", "+15550100100")


async def test_parts_of_a_long_text(tmp_path):
    """Each part goes with its header."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, *_):
        for part in (1, 2, 3):
            await link.submit(segment(f"part {part}", ref=77, part=part, parts=3))
        notes = place.notes("submit")
    assert [(n["ref"], n["part"], n["parts"], n["text"]) for n in notes] == [(77, i, 3, f"part {i}") for i in (1, 2, 3)]


async def test_many_at_once(tmp_path):
    """200 senders with a window of 10: all accepted, each with an id of its own, and each text once."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, *_):
        results = await asyncio.gather(*(link.submit(segment(f"{n}", f"sub_{n}")) for n in range(200)))
        notes = place.notes("submit")
    assert {r.reference for r in results} == {n["id"] for n in notes}
    assert sorted(int(n["text"]) for n in notes) == list(range(200))


async def test_the_window_is_kept(tmp_path):
    """No more than the window is unanswered at the SMSC."""
    async with smsc(tmp_path) as place, linked(place.port, window=3) as (link, *_):
        place.fault("slow", count=3, seconds=0.2)
        tasks = [asyncio.create_task(link.submit(segment(f"{n}", f"sub_{n}"))) for n in range(5)]
        await until(lambda: len(place.notes("submit")) == 3)
        assert not any(task.done() for task in tasks)
        assert len(place.notes("submit")) == 3
        await asyncio.gather(*tasks)
        assert len(place.notes("submit")) == 5


async def test_throughput_is_paced(tmp_path):
    """At 50 a second five texts take four intervals at least."""
    async with smsc(tmp_path) as place, linked(place.port, throughput=50.0) as (link, *_):
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(link.submit(segment(f"{n}", f"sub_{n}")) for n in range(5)))
        assert asyncio.get_running_loop().time() - start >= 0.08


async def test_throttling_slows_the_link_down(tmp_path):
    """ESME_RTHROTTLED is a refusal for now, and the next text waits for a second."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, *_):
        place.fault("error", code=0x58)
        refused = await link.submit(segment())
        assert (refused.code, refused.class_) == ("ESME 0x58", RefusalClass.BUSY)
        start = asyncio.get_running_loop().time()
        await link.submit(segment("next"))
        assert asyncio.get_running_loop().time() - start >= 0.9


async def test_a_text_that_cannot_be_written(tmp_path):
    """Refused for good, and nothing went out; the link goes on."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, *_):
        refused = await link.submit(segment("ж"))
        assert (refused.code, refused.class_) == ("PDU", RefusalClass.PERMANENT)
        assert isinstance(await link.submit(segment()), Accepted)
        assert len(place.notes("submit")) == 1


async def test_not_bound(tmp_path):
    """Before the bind, after the end, and as a receiver: LinkError, nothing was sent."""
    async with smsc(tmp_path) as place:
        link = SmppLink(config(place.port), SystemClock(), QUICK)
        with pytest.raises(LinkError, match="not bound"):
            await link.submit(segment())
        async with linked(place.port, link=link):
            pass
        with pytest.raises(LinkError, match="not bound"):
            await link.submit(segment())
        async with linked(place.port, bind="receiver") as (receiver, *_):
            with pytest.raises(LinkError, match="not bound"):
                await receiver.submit(segment())
    assert place.notes("submit") == []


# ---- receipts and texts ---------------------------------------------------------------------------------------------


async def test_a_receipt(tmp_path):
    """It names what was accepted, and is acknowledged once it is stored."""
    async with smsc(tmp_path, report_after=0.0) as place, linked(place.port) as (link, ear, *_):
        accepted = await link.submit(segment())
        await ear.until(lambda: ear.reports)
        await until(lambda: place.notes("answer"))
        (report,) = ear.reports
        assert (report.reference, report.status) == (accepted.reference, ReportStatus.DELIVERED)
        assert report.recipient.text == "+15550100777"
        assert [(n["of"], n["status"]) for n in place.notes("answer")] == [("report", 0)]


async def test_no_receipt_unless_asked(tmp_path):
    """report=False asks for none: the only receipt is that of the other text."""
    async with smsc(tmp_path, report_after=0.0) as place, linked(place.port) as (link, ear, *_):
        await link.submit(segment("quiet", report=False))
        loud = await link.submit(segment("loud", "sub_2"))
        await ear.until(lambda: ear.reports)
        assert [r.reference for r in ear.reports] == [loud.reference]


async def test_a_text_is_acknowledged_after_the_commit(tmp_path):
    """No deliver_sm_resp while the sink has not returned; one when it has."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, ear, *_):
        ear.open.clear()
        place.do("text", **{"from": "+15550100777", "to": "+15550100100", "text": "help"})
        await ear.until(lambda: ear.waiting)
        await link.submit(segment())  # the link works on meanwhile
        assert place.notes("answer") == []
        ear.open.set()
        await until(lambda: place.notes("answer"))
        (text,) = ear.texts
    assert (text.payload, text.sender.text, text.to) == (b"help", "+15550100777", "+15550100100")


async def test_a_long_text_comes_in_parts(tmp_path):
    """Parts with one reference, in their order."""
    async with smsc(tmp_path) as place, linked(place.port) as (_, ear, *_more):
        assert place.do("text", **{"from": "+15550100777", "text": "ж" * 150}) == {"parts": 3}
        await ear.until(lambda: len(ear.texts) == 3)
    assert [(t.part, t.parts) for t in ear.texts] == [(1, 3), (2, 3), (3, 3)]
    assert len({t.ref for t in ear.texts}) == 1
    assert b"".join(t.payload for t in ear.texts).decode("utf-16-be") == "ж" * 150


async def test_the_store_is_away(tmp_path, monkeypatch):
    """Refused for now, so that the SMSC keeps it; it comes again and is stored once."""
    monkeypatch.setattr(centre, "RETRY", 0.02)
    async with smsc(tmp_path) as place, linked(place.port) as (_, ear, *_more):
        ear.away = True
        place.do("text", **{"from": "+15550100777", "text": "help"})
        await until(lambda: place.notes("answer"))
        assert place.notes("answer")[0]["status"] == 0x64
        ear.away = False
        await ear.until(lambda: ear.texts)
        await until(lambda: place.notes("answer")[-1]["status"] == 0)
    assert len(ear.texts) == 1


async def test_what_waited_comes_after_the_bind(tmp_path):
    """Texts for an account that is away wait, and come at once when it is back."""
    async with smsc(tmp_path, system_id="user") as place:
        for n in range(20):
            place.do("text", **{"from": "+15550100777", "text": f"text {n}"})
        async with linked(place.port) as (_, ear, *_more):
            await ear.until(lambda: len(ear.texts) == 20)
    assert [t.payload for t in ear.texts] == [b"text %d" % n for n in range(20)]


async def test_equal_texts_differ_and_repeats_do_not(tmp_path):
    """"yes" twice is stored with different octets; a repeat after a break has those of the first."""
    async with smsc(tmp_path) as place:
        link = SmppLink(config(place.port), SystemClock(), QUICK)
        async with linked(place.port, link=link) as (_, ear, task, _stop):
            for _ in range(2):
                place.do("text", **{"from": "+15550100777", "text": "yes"})
            await ear.until(lambda: len(ear.texts) == 2)
            ear.open.clear()
            place.do("text", **{"from": "+15550100777", "text": "no"})
            await ear.until(lambda: ear.waiting)
            place.fault("cut")
            with pytest.raises(LinkError):
                await task
        async with linked(place.port, link=link) as (_, again, *_more):
            await again.until(lambda: again.texts)
    assert ear.texts[0].raw != ear.texts[1].raw
    assert again.texts[0].payload == b"no"


# ---- the end ---------------------------------------------------------------------------------------------------------


async def test_stop_waits_for_what_has_begun(tmp_path):
    """A slow answer still comes; the window is emptied before the unbind, and nothing new is taken."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, ear, task, stop):
        place.fault("slow", seconds=0.1)
        open_ = asyncio.create_task(link.submit(segment()))
        await until(lambda: place.notes("submit"))
        stop.set()
        await ear.until(lambda: ear.state is LinkState.DRAINING)
        with pytest.raises(LinkError, match="not bound"):
            await link.submit(segment("new"))
        await task
        assert isinstance(await open_, Accepted)


async def test_stop_waits_for_the_store(tmp_path):
    """A text that is being stored is acknowledged before the unbind."""
    async with smsc(tmp_path) as place, linked(place.port) as (_, ear, task, stop):
        ear.open.clear()
        place.do("text", **{"from": "+15550100777", "text": "help"})
        await ear.until(lambda: ear.waiting)
        stop.set()
        await ear.until(lambda: ear.state is LinkState.DRAINING)
        ear.open.set()
        await task
        await until(lambda: place.notes("left"))
    assert [n["kind"] for n in place.notes() if n["kind"] in ("answer", "left")] == ["answer", "left"]


async def test_cut_while_it_drains(tmp_path):
    """The end of the connection ends the drain at once: nobody waits for answers that cannot come."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, ear, task, stop):
        place.fault("no-answer")
        open_ = asyncio.create_task(link.submit(segment()))
        await until(lambda: place.notes("submit"))
        stop.set()
        await ear.until(lambda: ear.state is LinkState.DRAINING)
        place.fault("cut")
        async with asyncio.timeout(1):
            await task
        with pytest.raises(Uncertain, match="ended before"):
            await open_


async def test_stop_before_the_bind_is_answered(tmp_path):
    """Ends without error once the SMSC has had the time that unbind_resp has."""
    async with smsc(tmp_path) as place:
        place.fault("mute")
        async with linked(place.port, up=False) as (_, ear, task, stop):
            await until(lambda: place.centre.esmes)
            stop.set()
            async with asyncio.timeout(2):
                await task
    assert [state for state, _ in ear.states] == [LinkState.STARTING]


async def test_nobody_listens(tmp_path):
    """LinkError with the place and the reason."""
    async with smsc(tmp_path) as place:
        port = place.port
    with pytest.raises(LinkError, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        await broken(SmppLink(config(port), SystemClock(), QUICK))


async def test_a_wrong_password(tmp_path):
    """The bind is refused with words, and the next one has to wait for minutes."""
    async with smsc(tmp_path, system_id="user", password=PASSWORD) as place:
        link, ear = SmppLink(config(place.port, WRONG_PASSWORD), SystemClock(), QUICK, chance=lambda: 0.0), Ear()
        with pytest.raises(LinkError, match="refused the bind: wrong password") as caught:
            await broken(link, ear)
        assert caught.value.retry_after == pytest.approx(300, abs=1)
        ((kind, data),) = ear.notices
        assert (kind, "nothing is tried for 5 min" in data["what"]) == ("link.alarm", True)
        assert WRONG_PASSWORD not in str(caught.value) + str(data)
        async with linked(place.port, password=PASSWORD):
            pass
    assert [n["status"] for n in place.notes("bind")] == [0x0E, 0]


async def test_a_bind_that_cannot_be_written(tmp_path):
    """A password that no PDU holds is a LinkError with the field, without the password."""
    async with smsc(tmp_path) as place:
        link = SmppLink(config(place.port, LONG_PASSWORD * 2), SystemClock(), QUICK)
        with pytest.raises(LinkError, match="password has at most 16 octets") as caught:
            await broken(link)
    assert LONG_PASSWORD not in str(caught.value)


async def test_tls_to_a_plain_port(tmp_path):
    """No handshake: LinkError that names TLS."""
    async with smsc(tmp_path) as place:
        timers = Timers(bind=1.0)
        with pytest.raises(LinkError, match="TLS failed: "):
            await broken(SmppLink(config(place.port, tls=True), SystemClock(), timers))


async def test_a_late_answer_settles(tmp_path):
    """Uncertain after the time-out; the answer that comes later tells what became of it."""
    async with smsc(tmp_path) as place, linked(place.port, HASTY) as (link, ear, *_):
        place.fault("slow", seconds=0.4)
        with pytest.raises(Uncertain, match=r"no answer in 0\.1 s"):
            await link.submit(segment(submission="sub_9"))
        await ear.until(lambda: ear.settlements)
        (note,) = place.notes("submit")
    assert ear.settlements == [("sub_9", Accepted(note["id"]))]


async def test_a_late_answer_to_a_part_without_a_receipt(tmp_path):
    """It says that no report on this part will come, so that nobody waits for one."""
    async with smsc(tmp_path) as place, linked(place.port, HASTY, receipt_parts="last") as (link, ear, *_):
        for part in (1, 2):
            place.fault("slow", seconds=0.4)
            with pytest.raises(Uncertain):
                await link.submit(segment(submission=f"sub_{part}", part=part, parts=2, ref=9))
        await ear.until(lambda: len(ear.settlements) == 2)
    assert [(name, result.report) for name, result in ear.settlements] == [("sub_1", False), ("sub_2", True)]
