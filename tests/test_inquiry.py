"""Carriers are asked about texts that they have: what people get to hear, and when the clock asks by itself."""

import asyncio
from collections import deque

import pytest

from smsgwd import inquiry
from smsgwd.errors import Conflict, LinkError, NotFound, RequestRefused, Uncertain
from smsgwd.inquiry import MOST, Overdue, Said, ask, cancel
from smsgwd.model import Accepted, Refusal, RefusalClass, ReportStatus, Segment
from tests.contract.making import NOW, OURS, accept, data, events, kinds, links_up, report, sent, state, uncertain
from tests.faults.carrier import account
from tests.store import StillClock, gateway, store

R = ReportStatus
TOO_LATE = Refusal("ESME 0x11", RefusalClass.PERMANENT, "it is too late to take it back")


class Desk:
    """A carrier that answers what the test says, in turn; then it knows every text as delivered, and gives every text
    back."""

    def __init__(self, *answers) -> None:
        self.answers, self.asked = deque(answers), []

    async def query(self, reference: str, to: str, sender: str):
        return await self._answer(reference, report(reference, to=to))

    async def withdraw(self, reference: str, to: str, sender: str):
        return await self._answer(reference, Accepted(reference))

    async def replace(self, reference: str, old: Segment, new: Segment):
        return await self._answer(reference, Accepted())

    async def _answer(self, reference: str, usual):
        self.asked.append(reference)
        answer = self.answers.popleft() if self.answers else usual
        if isinstance(answer, Exception):
            raise answer
        return answer


class Silent(Desk):
    """A carrier that knows of no text."""

    async def query(self, reference: str, to: str, sender: str):
        self.asked.append(reference)


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    async with store(tmp_path, clock) as opened:
        await links_up(opened, "smpp")
        yield opened


def carried(queue, clock, desk: Desk | None, **config):
    """A gateway whose link m1 is the account of a carrier; without a desk it does not run."""
    made = gateway(queue, clock)
    row = account(1, **{"name": "m1", "number": OURS["m1"], "query": True, "cancel": True, "replace": True, **config})
    made.config = type(made.config)(gateway=made.config.gateway, link=(row,))
    made.carriers = {"m1": desk} if desk else {}
    return made


async def in_parts(queue, *references: str) -> str:
    message = await accept(queue, "abc"[: len(references)], parts=len(references))
    (segment,) = await queue.claim("m1", 1, NOW)
    for reference in references:
        segment = await queue.record_result(segment.submission, Accepted(reference), NOW)
    return message.id


# ---- asking ----------------------------------------------------------------------------------------------------------


async def test_ask(queue, clock):
    """Each part is asked about, and the text is delivered when the carrier says so of all."""
    message = await in_parts(queue, "a1", "a2")
    said = await ask(carried(queue, clock, Desk()), message)
    assert said == [Said(part=n, link="m1", reference=f"a{n}", status="delivered") for n in (1, 2)]
    assert await state(queue, message) == "delivered"
    assert await data(queue, "report.asked") == {"part": 2, "by": "operator", "status": "delivered"}


async def test_ask_what_is_not_known(queue, clock):
    """The carrier knows of nothing: that is said, and changes nothing."""
    message = (await sent(queue)).id
    (said,) = await ask(carried(queue, clock, Silent()), message)
    assert (said.status, said.reason) == ("unknown", "the SMSC does not say")
    assert await state(queue, message) == "sent"


async def test_one_answer_of_two(queue, clock):
    """What one part got is shown, and recorded."""
    message = await in_parts(queue, "a1", "a2")
    said = await ask(carried(queue, clock, Desk(Uncertain("no answer in 15 s"))), message)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("config", "desk", "code", "words"),
    [
        pytest.param({"query": False}, Desk(), "not-offered", "query = true", id="not offered"),
        pytest.param({}, None, "link-not-up", "running daemon", id="stopped"),
        pytest.param({}, Desk(LinkError("c1: not bound")), "link-not-up", "not bound", id="not bound"),
        pytest.param({}, Desk(Uncertain("m1: no answer in 15 s")), "no-answer", "15 s", id="no answer"),
    ],
)
async def test_cannot_ask(queue, clock, config, desk, code, words):
    """It says why, and nothing is recorded."""
    message = (await sent(queue)).id
    before = await kinds(queue)
    with pytest.raises(RequestRefused, match=words) as caught:
        await ask(carried(queue, clock, desk, **config), message)
    assert caught.value.code == code
    assert await kinds(queue) == before


async def test_a_modem_cannot_be_asked(queue, clock):
    """A reference of a modem is no id that any network would know."""
    message = (await sent(queue)).id
    with pytest.raises(RequestRefused, match="is a modem"):
        await ask(gateway(queue, clock), message)


async def test_nothing_to_ask(queue, clock):
    """A text that is over, or uncertain without an id: the reason in words."""
    made = carried(queue, clock, Desk())
    message, _ = await uncertain(queue)
    with pytest.raises(Conflict, match="there is no id"):
        await ask(made, message.id)
    with pytest.raises(Conflict, match="is queued"):
        await ask(made, (await accept(queue)).id)
    with pytest.raises(NotFound):
        await ask(made, "msg_0000000000000")


# ---- taking back -----------------------------------------------------------------------------------------------------


async def test_cancel_what_waits(queue, clock):
    """A text that has not gone is cancelled without a word to anybody."""
    message, desk = (await accept(queue)).id, Desk()
    assert (await cancel(carried(queue, clock, desk), message)).state == "cancelled"
    assert desk.asked == []


async def test_cancel_after_acceptance(queue, clock):
    """The carrier gives back every part."""
    message, desk = await in_parts(queue, "a1", "a2", "a3"), Desk()
    assert (await cancel(carried(queue, clock, desk), message)).state == "cancelled"
    assert desk.asked == ["a1", "a2", "a3"]


@pytest.mark.parametrize(
    ("answers", "asked", "words", "back"),
    [
        pytest.param([TOO_LATE], ["a1"], "0 of 2 parts were taken back, then part 1: the carrier does not give it back", "", id="too late"),
        pytest.param([Accepted("a1"), TOO_LATE], ["a1", "a2"], "1 of 2 parts", "1", id="half"),
        pytest.param([LinkError("not bound")], ["a1"], "not bound", "", id="not bound"),
        pytest.param([Uncertain("no answer in 15 s")], ["a1"], "no answer in 15 s", "", id="no answer"),
    ],
)
async def test_not_taken_back(queue, clock, answers, asked, words, back):
    """It stops at the first part that does not come back; the state stays, the caller and an event are told."""
    message, desk = await in_parts(queue, "a1", "a2"), Desk(*answers)
    with pytest.raises(Conflict, match=words):
        await cancel(carried(queue, clock, desk), message)
    assert (desk.asked, await state(queue, message)) == (asked, "sent")
    assert (await data(queue, "message.kept"))["taken_back"] == back


@pytest.mark.parametrize(
    ("config", "desk", "error", "words"),
    [
        pytest.param({"cancel": False}, Desk(), Conflict, "is sent", id="the carrier gives nothing back"),
        pytest.param({}, None, RequestRefused, "running daemon", id="stopped"),
    ],
)
async def test_cannot_cancel(queue, clock, config, desk, error, words):
    """Nothing is marked, nothing asked."""
    message = (await sent(queue)).id
    with pytest.raises(error, match=words):
        await cancel(carried(queue, clock, desk, **config), message)
    assert (await queue.submissions(message))[0].report == ""


# ---- receipts that do not come ---------------------------------------------------------------------------------------


@pytest.fixture
def stop(monkeypatch):
    monkeypatch.setattr(inquiry, "PACE", 0)
    return asyncio.Event()


async def looks(overdue: Overdue, clock: StillClock, hours: int, stop) -> None:
    """Time goes by, with two looks each hour, after those that catch up with the time before the start."""
    for _ in range(50):
        await overdue.look(stop)
    for _ in range(2 * hours):
        clock.move(1800)
        await overdue.look(stop)


async def test_overdue_at_a_day_and_at_three(queue, clock, stop):
    """Asked about once after 24 hours, once more after 72 if it is still on its way, then never again."""
    message = (await sent(queue)).id
    desk = Desk(report(status=R.PENDING), report(status=R.PENDING))
    overdue = Overdue(carried(queue, clock, desk))
    await looks(overdue, clock, 23, stop)
    assert desk.asked == []
    await looks(overdue, clock, 48, stop)
    assert desk.asked == ["7"]
    await looks(overdue, clock, 60, stop)
    assert desk.asked == ["7", "7"]
    assert await state(queue, message) == "sent"
    assert [e.data["by"] for e in await events(queue, "report.asked")] == ["clock", "clock"]


async def test_overdue_becomes_delivered(queue, clock, stop):
    """The answer is the receipt that never came; one that came in time is not asked about."""
    late, done = await sent(queue, reference="1"), await sent(queue, reference="2")
    await queue.record_report("m1", report("2"), NOW)
    desk = Desk()
    await looks(Overdue(carried(queue, clock, desk)), clock, 26, stop)
    assert desk.asked == ["1"]
    assert [await state(queue, m) for m in (late, done)] == ["delivered", "delivered"]


async def test_overdue_since_before_the_start(queue, clock, stop):
    """A text that was overdue when the gateway began is found within the first looks."""
    await sent(queue)
    clock.move(40 * 3600)
    desk = Desk(report(status=R.PENDING))
    overdue = Overdue(carried(queue, clock, desk))
    for _ in range(50):
        await overdue.look(stop)
    assert desk.asked == ["7"]


async def test_overdue_is_bounded(queue, clock, stop):
    """So many in one look and no more; the next looks go on behind them, though all began in the same millisecond."""
    for n in range(MOST + 5):
        await sent(queue, reference=str(n))
    desk = Desk(*[report(status=R.PENDING)] * (MOST + 5))
    overdue = Overdue(carried(queue, clock, desk))
    await looks(overdue, clock, 23, stop)
    clock.move(3600)
    counts = [await overdue.look(stop) for _ in range(60)]
    assert (max(counts), sum(counts)) == (MOST, MOST + 5)
    assert sorted(map(int, desk.asked)) == list(range(MOST + 5))


async def test_overdue_waits_for_its_link(queue, clock, stop):
    """While the link is away nothing is asked, and nothing is lost by that."""
    await sent(queue)
    desk = Desk(LinkError("not bound"))
    made = carried(queue, clock, desk)
    overdue = Overdue(made)
    made.roster.note("m1", up=False)
    await looks(overdue, clock, 30, stop)
    assert desk.asked == []
    made.roster.note("m1", up=True)
    for _ in range(100):  # the first question fails; the next look asks again
        await overdue.look(stop)
    assert desk.asked == ["7", "7"]


async def test_overdue_without_an_answer(queue, clock, stop):
    """A carrier that does not answer about one text is not asked about it again and again; the others have their turn."""
    await sent(queue, reference="1")
    await sent(queue, reference="2")
    desk = Desk(Uncertain("no answer"))
    await looks(Overdue(carried(queue, clock, desk)), clock, 30, stop)
    assert desk.asked == ["1", "2"]


@pytest.mark.parametrize("config", [{"query": False}, {"receipts": "none"}], ids=str)
async def test_overdue_is_not_asked(queue, clock, stop, config):
    """A carrier that answers no query_sm is left alone, and so is one that is asked for no receipts."""
    await sent(queue)
    desk = Desk()
    await looks(Overdue(carried(queue, clock, desk, **config)), clock, 30, stop)
    assert desk.asked == []
