"""Each fault of the simulated SMSC once, as our link sees it; and peers that are worse than that."""

import asyncio

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError, Uncertain
from smsgwd.model import Accepted, InboundSegment, LinkState, Refusal, RefusalClass, ReportStatus
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BindResp, MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.session import Timers
from smsgwd.smpp.sim.faults import FAULTS
from tests.smpp.dialogue import header_only
from tests.smpp.test_pdu import frame
from tests.smpp.test_sim_faults import MORE
from tests.smpp.wire import HASTY, QUICK, Ear, broken, config, linked, raw_smsc, segment, smsc, until

_C = CommandId


# ---- faults of the simulator ----------------------------------------------------------------------------------------


async def no_answer(place):
    """Uncertain, and the SMSC has the text once."""
    async with linked(place.port, HASTY) as (link, *_):
        with pytest.raises(Uncertain, match="no answer"):
            await link.submit(segment())
        assert isinstance(await link.submit(segment("next", "sub_2")), Accepted)
    assert [n["text"] for n in place.notes("submit")] == ["hello", "next"]


async def error(place):
    """Refused with the status, and only once."""
    async with linked(place.port) as (link, *_):
        refused = await link.submit(segment())
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.class_, refused.retry_after) == ("ESME 0x08", RefusalClass.TEMPORARY, 30)
        assert isinstance(await link.submit(segment("next", "sub_2")), Accepted)


async def slow(place):
    """Later answers overtake it."""
    place.fault("clear")
    place.fault("slow", seconds=0.1)
    order = []
    async with linked(place.port) as (link, *_):

        async def send(n):
            await link.submit(segment(n, n))
            order.append(n)

        await asyncio.gather(send("1"), send("2"))
    assert order == ["2", "1"]


async def drop(place):
    """The connection ends instead of the answer: uncertain, and the link is down with a reason."""
    async with linked(place.port) as (link, _, task, _stop):
        with pytest.raises(Uncertain, match="ended before"):
            await link.submit(segment())
        with pytest.raises(LinkError, match=place.address):
            await task
        with pytest.raises(LinkError, match="not bound"):
            await link.submit(segment())
    assert len(place.notes("submit")) == 1


async def nack(place):
    """generic_nack refuses that text."""
    async with linked(place.port) as (link, *_):
        refused = await link.submit(segment())
        assert (refused.code, refused.class_) == ("ESME 0x03", RefusalClass.PERMANENT)
        assert isinstance(await link.submit(segment("next", "sub_2")), Accepted)


async def no_id(place):
    """Accepted without a reference."""
    async with linked(place.port) as (link, *_):
        assert await link.submit(segment()) == Accepted("")


async def undeliverable(place):
    """The receipt says that it failed."""
    async with linked(place.port) as (link, ear, *_):
        accepted = await link.submit(segment())
        await ear.until(lambda: ear.reports)
        (report,) = ear.reports
    assert (report.reference, report.status, report.code) == (accepted.reference, ReportStatus.FAILED, "err:001")


async def report_first(place):
    """The receipt before the answer: both are told, with the same id."""
    async with linked(place.port) as (link, ear, *_):
        accepted = await link.submit(segment())
        await ear.until(lambda: ear.reports)
    assert [r.reference for r in ear.reports] == [accepted.reference]


async def refuse_bind(place):
    """LinkError with the reason, a pause of ten seconds, and the next bind is taken."""
    link = SmppLink(config(place.port), SystemClock(), QUICK, chance=lambda: 0.0)
    ear = Ear()
    with pytest.raises(LinkError, match=r"refused the bind: it gives no reason \(ESME_RBINDFAIL\)") as caught:
        await broken(link, ear)
    assert caught.value.retry_after == pytest.approx(10, abs=1)
    assert [state for state, _ in ear.states] == [LinkState.STARTING]
    async with linked(place.port, link=link) as (_, again, *_more):
        assert again.state is LinkState.UP


async def mute(place):
    """A dead peer is noticed: here at the bind, and when bound by enquire_link."""
    with pytest.raises(LinkError, match="does not answer bind_transceiver"):
        await broken(SmppLink(config(place.port), SystemClock(), Timers(bind=0.05)))
    place.fault("clear")
    async with linked(place.port, Timers(enquire_link=0.05, enquire_timeout=0.05, unbind=0.2)) as (_, _ear, task, _stop):
        place.fault("mute")
        with pytest.raises(LinkError, match="does not answer enquire_link"):
            await task


async def unbind(place):
    """The SMSC wants the end: answered, LinkError, what is open is uncertain."""
    async with linked(place.port) as (link, _, task, _stop):
        place.fault("no-answer")
        open_ = asyncio.create_task(link.submit(segment()))
        await until(lambda: place.notes("submit"))
        place.fault("unbind")
        with pytest.raises(LinkError, match="the SMSC ended the session"):
            await task
        with pytest.raises(Uncertain):
            await open_
    await until(lambda: not place.centre.esmes)


async def cut(place):
    """LinkError; the same link binds again and works."""
    async with linked(place.port) as (link, _, task, _stop):
        place.fault("cut")
        with pytest.raises(LinkError, match=place.address):
            await task
    async with linked(place.port, link=link):
        assert isinstance(await link.submit(segment()), Accepted)
    assert len(place.notes("bind")) == 2


async def garbage(place):
    """A length that cannot be: closed at once, with the length in the reason."""
    async with linked(place.port) as (_, _ear, task, _stop):
        place.fault("garbage")
        with pytest.raises(LinkError, match="command_length 4 "):
            await task


async def clear(place):
    """Nothing goes wrong any more."""
    place.fault("error", count=0)
    place.fault("clear")
    async with linked(place.port) as (link, *_):
        assert isinstance(await link.submit(segment()), Accepted)


CASES = {
    "no-answer": no_answer, "error": error, "slow": slow, "drop": drop, "nack": nack, "no-id": no_id,
    "undeliverable": undeliverable, "report-first": report_first, "refuse-bind": refuse_bind, "mute": mute,
    "unbind": unbind, "cut": cut, "garbage": garbage, "clear": clear,
}  # fmt: skip


def test_every_fault_has_its_case():
    """A new fault needs a test here."""
    assert set(CASES) | set(MORE) == set(FAULTS)


@pytest.mark.parametrize("name", CASES)
async def test_fault(tmp_path, name):
    """The fault waits at the SMSC (or is asked for by its case), and the link does what the case says."""
    async with smsc(tmp_path, report_after=0.0) as place:
        if not FAULTS[name].at_once:
            place.fault(name)
        await CASES[name](place)


async def test_dropped_and_not_taken(tmp_path):
    """The SMSC cut the line before it took the text: uncertain all the same, since nobody can know."""
    async with smsc(tmp_path) as place:
        place.fault("drop", taken=0)
        async with linked(place.port) as (link, *_):
            with pytest.raises(Uncertain):
                await link.submit(segment())
    assert place.notes("submit") == []


async def test_three_without_an_answer(tmp_path):
    """Three texts in a row: each uncertain, and the link is given up."""
    async with smsc(tmp_path) as place:
        place.fault("no-answer", count=0)
        async with linked(place.port, HASTY) as (link, _, task, _stop):
            results = await asyncio.gather(
                *(link.submit(segment(str(n), str(n))) for n in range(3)), return_exceptions=True
            )
            with pytest.raises(LinkError, match="3 submissions in a row"):
                await task
    assert [type(r) for r in results] == [Uncertain] * 3


# ---- peers by hand --------------------------------------------------------------------------------------------------


async def bound(raw) -> None:
    request = await raw.next()
    raw.say(_C.BIND_TRANSCEIVER_RESP, request.sequence, BindResp(b"raw"))


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(frame(_C.DELIVER_SM, b"\0" * 16 + b"\xc8hi", 0, 77), id="sm_length lies"),
        pytest.param(frame(_C.DELIVER_SM, b"", 0, 77), id="no body"),
        pytest.param(frame(_C.DELIVER_SM, b"CMT", 0, 77), id="no terminator"),
        pytest.param(pdu.pack(_C.DELIVER_SM, 0, 77, ShortMessage(esm_class=4, short_message=b"?")), id="receipt of nothing"),
        pytest.param(pdu.pack(_C.DELIVER_SM, 0, 77, ShortMessage(esm_class=0x40, short_message=b"\x40x")), id="header lies"),
        pytest.param(
            pdu.pack(_C.DELIVER_SM, 0, 77, ShortMessage(source_addr=b"1", esm_class=4, short_message=b"id:1", tlvs=(
                Tlv(Tag.MESSAGE_STATE, b"\xff" * 5000), Tlv(Tag.SAR_TOTAL_SEGMENTS, b"\xff" * 5000)))),
            id="numbers of 5000 octets",
        ),
    ],
)  # fmt: skip
async def test_poison_is_stored_and_acknowledged(octets):
    """What cannot be read is kept raw and acknowledged, so that it does not come back; the link lives on."""
    acknowledged = asyncio.Event()

    async def play(raw):
        await bound(raw)
        raw.send(octets)
        answer = await raw.next()
        assert (answer.command_id, answer.sequence, answer.status) == (_C.DELIVER_SM_RESP, 77, 0)
        raw.say(_C.ENQUIRE_LINK, 5)
        assert (await raw.next()).command_id == _C.ENQUIRE_LINK_RESP
        acknowledged.set()
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY) as (_, ear, *_more):
        async with asyncio.timeout(5):
            await acknowledged.wait()
        assert len(ear.texts) + len(ear.reports) == 1
        assert all(t.fault and octets[16:] in t.raw for t in ear.texts if isinstance(t, InboundSegment))


async def test_half_a_pdu_and_the_answer_behind_it():
    """A pause in the middle of a PDU loses nothing: the receipt and the answer glued to it arrive."""

    async def play(raw):
        await bound(raw)
        request = await raw.next()
        octets = pdu.pack(_C.DELIVER_SM, 0, 3, ShortMessage(short_message=b"id:1f stat:DELIVRD", esm_class=4))
        octets += pdu.pack(_C.SUBMIT_SM_RESP, 0, request.sequence, MessageResp(b"1f"))
        for octet in octets:
            raw.send(bytes((octet,)))
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, QUICK) as (link, ear, task, _stop):
        assert await link.submit(segment()) == Accepted("1f")
        await ear.until(lambda: ear.reports)
        task.cancel()


async def test_odd_pdus_are_told_and_then_no_more():
    """Twenty of them become events; a peer cannot fill the event list."""

    async def play(raw):
        await bound(raw)
        raw.send(header_only(0x80000123, 9) * 500)
        raw.say(_C.DELIVER_SM, 10, ShortMessage(short_message=b"end"))
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY) as (_, ear, *_more):
        await ear.until(lambda: ear.texts)
        assert len(ear.notices) == 21
        assert "no more of them" in ear.notices[-1][1]["what"]


async def test_a_flood_does_not_hold_up_answers():
    """3000 texts in one go with a store that stands still: what was answered before is told, and when the store is
    back every text is acknowledged once."""
    answered: list[int] = []

    async def play(raw):
        await bound(raw)
        request = await raw.next()
        flood = b"".join(pdu.pack(_C.DELIVER_SM, 0, n, ShortMessage(short_message=b"%d" % n)) for n in range(1, 3001))
        raw.send(pdu.pack(_C.SUBMIT_SM_RESP, 0, request.sequence, MessageResp(b"1f")) + flood)
        while len(answered) < 3000:
            answered.append((await raw.next()).sequence)
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, QUICK) as (link, ear, task, _stop):
        ear.open.clear()
        assert await link.submit(segment()) == Accepted("1f")
        await ear.until(lambda: ear.waiting == 32)
        assert ear.texts == []
        ear.open.set()
        await until(lambda: len(answered) == 3000)
        task.cancel()
    assert sorted(answered) == list(range(1, 3001))
    assert len({t.raw for t in ear.texts}) == 3000


async def test_refused_stored_cut_and_repeated():
    """The store was away, the text came again and was stored, the line broke before our answer was read, and it came
    once more: stored with the same octets, so that the store sees one text."""
    text, turn = ShortMessage(short_message=b"yes"), 0

    async def play(raw):
        nonlocal turn
        turn += 1
        await bound(raw)
        if turn == 1:
            raw.say(_C.DELIVER_SM, 1, text)
            assert (await raw.next()).status == 0x64
            ear.away = False
            raw.say(_C.DELIVER_SM, 2, text)
            assert (await raw.next()).status == 0
            return
        raw.say(_C.DELIVER_SM, 1, text)
        await asyncio.Event().wait()

    ear = Ear()
    ear.away = True
    async with raw_smsc(play) as port:
        link = SmppLink(config(port), SystemClock(), HASTY)
        with pytest.raises(LinkError, match="closed the connection"):
            await broken(link, ear)
        async with linked(port, HASTY, link=link) as (_, again, *_more):
            await again.until(lambda: again.texts)
    assert [t.raw for t in again.texts] == [t.raw for t in ear.texts]
