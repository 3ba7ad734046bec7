"""What the configuration says of the bind; the ends of a session; a store that stays away; questions; odd PDUs."""

import asyncio
import socket

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError, Uncertain
from smsgwd.link import Carrier
from smsgwd.model import Accepted, LinkState, RefusalClass, ReportStatus
from smsgwd.smpp.bodies import (
    AlertNotification,
    BindResp,
    CancelSm,
    DataSm,
    MessageResp,
    QuerySm,
    QuerySmResp,
    ShortMessage,
)
from smsgwd.smpp.consts import CommandId, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.link import SmppLink, timers_of
from smsgwd.smpp.session import Session, Timers
from tests.canaries import LONG_PASSWORD
from tests.smpp.wire import HASTY, QUICK, Ear, config, linked, raw_smsc, segment, smsc, until
from tests.store import StillClock

_C = CommandId


async def bound(raw):
    """Takes the bind; gives its body."""
    request = await raw.next()
    raw.say(request.command_id | 0x80000000, request.sequence, BindResp(b"raw"))
    return request.body


# ---- the configuration -----------------------------------------------------------------------------------------------


async def test_the_fields_of_the_bind():
    """Everything that the configuration has about it; a password longer than the standard's is sent and told."""
    seen = []

    async def play(raw):
        seen.append(await bound(raw))
        await asyncio.Event().wait()

    more = {"system_type": "VMA", "interface_version": 0x33, "bind_ton": 5, "bind_npi": 1, "address_range": "^1555"}
    async with raw_smsc(play) as port, linked(port, HASTY, password=LONG_PASSWORD, **more) as (_, ear, *_more):
        await ear.until(lambda: ear.notices)
    (bind,) = seen
    assert (bind.system_id, bind.password, bind.system_type) == (b"user", LONG_PASSWORD.encode(), b"VMA")
    assert (bind.interface_version, bind.addr_ton, bind.addr_npi, bind.address_range) == (0x33, 5, 1, b"^1555")
    assert ["more than 8 characters" in data["what"] and LONG_PASSWORD not in data["what"] for _, data in ear.notices] == [True]


def test_the_timers():
    """Each from its own key."""
    made = timers_of(config(1, bind_timeout=1, enquire_link=2, enquire_timeout=3, inactivity=4, response_timeout=5, pdu_timeout=6))
    assert made == Timers(bind=1, enquire_link=2, enquire_timeout=3, inactivity=4, response=5, pdu=6)


async def test_the_socket():
    """No Nagle, keepalive, and an end for octets that nobody acknowledges."""

    async def play(raw):
        await bound(raw)
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY) as (link, *_):
        s = link._sending[0]._socket
        assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


# ---- ends ------------------------------------------------------------------------------------------------------------


async def test_stop_before_bind_resp():
    """bind_resp comes after the stop: unbind follows, so that the SMSC keeps no session whose connection is gone."""
    asked, stopped, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def play(raw):
        request = await raw.next()
        asked.set()
        await stopped.wait()
        raw.say(_C.BIND_TRANSCEIVER_RESP, request.sequence, BindResp(b"raw"))
        unbind = await raw.next()
        assert unbind.command_id == _C.UNBIND
        raw.say(_C.UNBIND_RESP, unbind.sequence)
        assert await raw.ended()
        left.set()

    async with raw_smsc(play) as port, linked(port, QUICK, up=False) as (_, ear, task, stop):
        await asked.wait()
        stop.set()
        stopped.set()
        await task
        await left.wait()
    assert [state for state, _ in ear.states] == [LinkState.STARTING]


async def test_stop_while_connecting():
    """A host that takes nothing does not hold up the stop."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            async with linked(port, Timers(bind=30.0), up=False) as (_, ear, task, stop):
                await ear.until(lambda: ear.states)
                stop.set()
                async with asyncio.timeout(1):
                    await task


async def test_equal_words_after_an_end_in_order():
    """"yes" before the stop and "yes" after the next start are two texts: unbind was answered, so nothing comes again."""

    async def play(raw):
        await bound(raw)
        raw.say(_C.DELIVER_SM, 1, ShortMessage(short_message=b"yes"))
        assert (await raw.next()).command_id == _C.DELIVER_SM_RESP
        unbind = await raw.next()
        raw.say(_C.UNBIND_RESP, unbind.sequence)

    stored = []
    async with raw_smsc(play) as port:
        link = SmppLink(config(port), SystemClock(), HASTY)
        for _ in range(2):
            async with linked(port, link=link) as (_, ear, *_more):
                await ear.until(lambda ear=ear: ear.texts)
            stored.append(ear.texts[0].raw)
    assert stored[0] != stored[1]


async def test_the_smsc_unbinds():
    """Answered; the next try may begin after the first pause."""
    answered = asyncio.Event()

    async def play(raw):
        await bound(raw)
        raw.say(_C.UNBIND, 7)
        answer = await raw.next()
        assert (answer.command_id, answer.sequence, answer.status) == (_C.UNBIND_RESP, 7, 0)
        answered.set()

    async with raw_smsc(play) as port:
        link = SmppLink(config(port), SystemClock(), QUICK, chance=lambda: 1.0)
        with pytest.raises(LinkError, match="the SMSC ended the session") as caught:
            await link.run(Ear(), asyncio.Event())
        await answered.wait()
    assert caught.value.retry_after == pytest.approx(1.0, abs=0.1)


async def test_a_status_that_asks_for_a_new_bind(tmp_path):
    """RINVBNDSTS: the text waits, and the session is unbound, to be bound anew."""
    async with smsc(tmp_path) as place, linked(place.port) as (link, ear, task, _stop):
        place.fault("error", code=0x04)
        assert (await link.submit(segment())).class_ is RefusalClass.LINK
        with pytest.raises(LinkError, match="bound anew"):
            await task
        await until(lambda: place.notes("left"))
    assert [state for state, _ in ear.states] == [LinkState.STARTING, LinkState.UP, LinkState.DRAINING]


async def test_a_bug_is_no_end_of_a_session(monkeypatch):
    """What the session may not raise comes out of `run` as it is, so that the daemon ends and tells, instead of binding
    again and again."""

    async def play(raw):
        await bound(raw)
        await raw.ended()

    def broken(self, octets, now):
        raise ZeroDivisionError

    monkeypatch.setattr(Session, "receive_data", broken)
    async with raw_smsc(play) as port:
        with pytest.raises(ExceptionGroup) as caught:
            await SmppLink(config(port), SystemClock(), QUICK).run(Ear(), asyncio.Event())
    assert caught.value.split(ZeroDivisionError)[1] is None


async def test_who_gives_up_waiting_takes_no_place(tmp_path):
    """Three texts and a window of one: the second is cancelled while it waits, and the third still gets its turn."""
    async with smsc(tmp_path) as place, linked(place.port, window=1) as (link, *_):
        place.fault("slow", seconds=0.1)
        first, second, third = (asyncio.create_task(link.submit(segment(f"{n}", f"sub_{n}"))) for n in range(3))
        await until(lambda: place.notes("submit"))
        second.cancel()
        assert isinstance(await first, Accepted)
        assert isinstance(await third, Accepted)
        assert [n["text"] for n in place.notes("submit")] == ["0", "2"]


# ---- the store -------------------------------------------------------------------------------------------------------


async def test_a_store_that_stays_away():
    """ESME_RX_T_APPN for five seconds, then the SMSC is not read any more and the link says why; when the store is back,
    what waited is stored and acknowledged, and nothing was lost or stored twice."""
    statuses: dict[int, int] = {}
    away, more = asyncio.Event(), asyncio.Event()

    async def play(raw):
        await bound(raw)
        await away.wait()
        raw.say(_C.DELIVER_SM, 1, ShortMessage(short_message=b"1"))
        statuses[1] = (await raw.next()).status
        await more.wait()
        for n in (2, 3):
            raw.say(_C.DELIVER_SM, n, ShortMessage(short_message=b"%d" % n))
        for _ in range(2):
            answer = await raw.next()
            statuses[answer.sequence] = answer.status
        await asyncio.Event().wait()

    clock = StillClock()
    async with raw_smsc(play) as port, linked(port, link=SmppLink(config(port), clock, HASTY)) as (_, ear, *_more):
        ear.away = True
        away.set()
        await until(lambda: statuses == {1: 0x64})
        clock.move(5.5)
        more.set()
        await ear.until(lambda: ear.state is LinkState.DRAINING)
        assert "the store is away" in ear.states[-1][1]
        ear.away = False
        await ear.until(lambda: ear.state is LinkState.UP)
        await until(lambda: statuses == {1: 0x64, 2: 0, 3: 0})
        assert sorted(t.payload for t in ear.texts) == [b"2", b"3"]


async def test_reading_stops_above_a_thousand():
    """A store that stands still: what was read waits, the rest stays with the SMSC, and all is stored in the end."""
    total = 6_000
    answered: list[int] = []

    async def play(raw):
        await bound(raw)
        text = ShortMessage(short_message=b"x" * 200)
        for n in range(1, total + 1):
            raw.say(_C.DELIVER_SM, n, text)
        while len(answered) < total:
            answered.append((await raw.next()).sequence)
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, QUICK) as (link, ear, *_):
        ear.open.clear()
        inbox = link._sending[0].inbox
        await until(lambda: inbox.waiting > 1_000)
        for _ in range(200):  # the loop could read on
            await asyncio.sleep(0)
        assert inbox.waiting < 4_000
        ear.open.set()
        await until(lambda: len(answered) == total)
    assert len({t.raw for t in ear.texts}) == total


# ---- questions -------------------------------------------------------------------------------------------------------


def asked(answer, seen):
    """An SMSC that answers one question."""

    async def play(raw):
        await bound(raw)
        question = await raw.next()
        seen.append(question.body)
        if answer is not None:
            status, body = answer
            raw.say(question.command_id | 0x80000000, question.sequence, body, status)
        await asyncio.Event().wait()

    return play


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param((0, QuerySmResp(b"1f", b"", 2, 0)), ReportStatus.DELIVERED, id="delivered"),
        pytest.param((0, QuerySmResp(b"1f", b"", 5, 11)), ReportStatus.FAILED, id="failed"),
        pytest.param((0, QuerySmResp(b"1f", b"", 1, 0)), ReportStatus.PENDING, id="on its way"),
        pytest.param((0, QuerySmResp(b"1f", b"", 99, 0)), None, id="a state that nobody knows"),
        pytest.param((0x67, QuerySmResp()), None, id="refused"),
    ],
)
async def test_query(answer, status):
    """What became of a text, or None."""
    seen: list[QuerySm] = []
    async with raw_smsc(asked(answer, seen)) as port, linked(port, HASTY, query=True) as (link, _, task, _stop):
        assert isinstance(link, Carrier)
        report = await link.query("1f", "+15550100777", "")
        assert not task.done()
    assert (report.status if report else None) is status
    assert report is None or (report.reference, report.recipient.text) == ("1f", "+15550100777")
    assert [(q.message_id, q.source_addr_ton, q.source_addr) for q in seen] == [(b"1f", 1, b"15550100100")]


async def test_no_answer_to_a_question():
    """Nobody can know then: Uncertain; the session goes on."""
    async with raw_smsc(asked(None, [])) as port, linked(port, HASTY, query=True, cancel=True) as (link, _, task, _stop):
        for question in (link.query, link.withdraw):
            with pytest.raises(Uncertain):
                await question("1f", "+15550100777", "")
        assert not task.done()


@pytest.mark.parametrize(
    ("answer", "code"),
    [pytest.param((0, None), "", id="taken back"), pytest.param((0x11, None), "ESME 0x11", id="too late")],
)
async def test_withdraw(answer, code):
    """Accepted only when the SMSC says so, else its reason; the addresses are those that were sent."""
    seen: list[CancelSm] = []
    async with raw_smsc(asked(answer, seen)) as port, linked(port, HASTY, cancel=True) as (link, *_):
        said = await link.withdraw("1f", "+15550100777", "+15550100101")
    assert (getattr(said, "code", ""), isinstance(said, Accepted)) == (code, not code)
    (question,) = seen
    assert (question.message_id, question.source_addr, question.destination_addr) == (b"1f", b"15550100101", b"15550100777")


async def test_questions_that_the_carrier_does_not_know(tmp_path):
    """Without `query` and `cancel` nothing is written; before the bind neither."""
    async with smsc(tmp_path) as place:
        async with linked(place.port) as (link, *_):
            with pytest.raises(LinkError, match="query = true"):
                await link.query("1f", "+15550100777", "")
            with pytest.raises(LinkError, match="cancel = true"):
                await link.withdraw("1f", "+15550100777", "")
        with pytest.raises(LinkError, match="not bound"):
            await SmppLink(config(place.port, query=True), SystemClock(), QUICK).query("1f", "+15550100777", "")


# ---- odd and rare PDUs -----------------------------------------------------------------------------------------------


async def test_data_sm_and_alert():
    """data_sm is stored and answered by data_sm_resp; an alert is told with the number masked, and gets no answer."""
    answers = []

    async def play(raw):
        await bound(raw)
        raw.say(_C.ALERT_NOTIFICATION, 1, AlertNotification(1, 1, b"15550100777"))
        raw.say(_C.DATA_SM, 2, DataSm(source_addr=b"1", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"hi"),)))
        answers.append(await raw.next())
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY) as (_, ear, *_more):
        await ear.until(lambda: ear.texts and ear.notices)
        await until(lambda: answers)
    assert [(a.command_id, a.sequence, a.status) for a in answers] == [(_C.DATA_SM_RESP, 2, 0)]
    assert ear.texts[0].payload == b"hi"
    assert [data["what"].split()[0] for _, data in ear.notices] == ["+155…77"]


async def test_a_text_that_is_odd():
    """Both fields of the text are filled: joined, stored, acknowledged, and an operator can see it."""
    answers = []

    async def play(raw):
        await bound(raw)
        raw.say(_C.DELIVER_SM, 1, ShortMessage(short_message=b"a", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"b"),)))
        answers.append(await raw.next())
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY) as (_, ear, *_more):
        await ear.until(lambda: ear.texts and ear.notices)
        await until(lambda: answers)
    assert (ear.texts[0].payload, answers[0].status) == (b"ab", 0)
    assert "both filled" in ear.notices[0][1]["what"]


async def test_congestion_slows_the_link_down():
    """congestion_state 95 in an answer: the rate falls to 0.7."""

    async def play(raw):
        await bound(raw)
        request = await raw.next()
        raw.say(_C.SUBMIT_SM_RESP, request.sequence, MessageResp(b"1", (Tlv(Tag.CONGESTION_STATE, b"\x5f"),)))
        await asyncio.Event().wait()

    async with raw_smsc(play) as port, linked(port, HASTY, throughput=100.0) as (link, *_):
        assert await link.submit(segment()) == Accepted("1")
        assert link._pace.rate == pytest.approx(70)
