"""P5: uncertain is settled by a late answer, by the one report that fits, or by a person; always with the reason."""

from itertools import permutations

import pytest

from smsgwd.config import Helpdesk
from smsgwd.model import Accepted
from smsgwd.queue.interface import Settled
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import DOUBT, NOW, SECOND, accept, claim, events, links_up, report, state
from tests.helpdesk.endpoint import serving
from tests.helpdesk.worker import desk, running, settled, until
from tests.store import StillClock

#: what may still come, in any order, each or not: the late answer, the report on it, a restart of the gateway
NEWS = ("late answer", "report", "restart")
ORDERS = [order for n in range(4) for order in permutations(NEWS, n)]


def opened(home):
    return open_queue(home / "q.db", clock=StillClock(NOW))


@pytest.mark.parametrize("began", ["no answer", "crash"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ", ".join(order) or "nothing")
async def test_p05_any_order(tmp_path, began, order):
    """Whatever comes, in whatever order, over however many restarts: what is known at the end is what was said, one event
    says what settled it, nothing is sent again, and what comes twice changes nothing."""
    async with opened(tmp_path) as queue:
        await links_up(queue, "modem")
        message = await accept(queue)
        attempt = (await claim(queue)).submission
        if began == "no answer":
            await queue.record_result(attempt, DOUBT, NOW)
    for place, news in enumerate(("start", *order, *order)):
        now = NOW + (place + 1) * SECOND
        async with opened(tmp_path) as queue:
            await queue.recover(now)
            if news == "late answer":
                await queue.record_result(attempt, Accepted("7"), now)
            elif news == "report":
                await queue.record_report("m1", report("7"), now)
            assert await queue.claim("m1", 10, now + 10**6) == []
    async with opened(tmp_path) as queue:
        wanted = "delivered" if "report" in order else "sent" if "late answer" in order else "uncertain"
        assert await state(queue, message) == wanted
        told = [(e.data["how"], e.data["by"]) for e in await events(queue, "message.settled", message)]
        known = [news for news in order if news != "restart"]
        by = {"late answer": "late-answer", "report": "report"}
        assert told == ([("sent", by[known[0]])] if known else [])


@pytest.mark.parametrize("candidates", [2, 3])
async def test_p05_more_than_one_candidate(tmp_path, candidates):
    """A report that may be about more than one text in doubt settles none: a person says what it is about."""
    async with opened(tmp_path) as queue:
        await links_up(queue, "modem")
        messages = []
        for n in range(candidates):
            messages.append(await accept(queue, f"text {n}"))
            await queue.record_result((await claim(queue)).submission, DOUBT, NOW)
        await queue.record_report("m1", report("7"), NOW)
        assert [await state(queue, m) for m in messages] == ["uncertain"] * candidates
        assert len(await events(queue, "report.orphan")) == 1


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        pytest.param({"to": "+15550100778"}, False, id="another person"),
        pytest.param({"link": "m2"}, False, id="another SIM"),
        pytest.param({}, True, id="this one"),
    ],
)
async def test_p05_what_fits(tmp_path, other, fits):
    """A report settles a text in doubt of the same SIM and the same recipient only."""
    async with opened(tmp_path) as queue:
        await links_up(queue, "modem")
        message = await accept(queue)
        await queue.record_result((await claim(queue)).submission, DOUBT, NOW)
        await queue.record_report(other.get("link", "m1"), report("7", to=other.get("to", message.to)), NOW)
        assert await state(queue, message) == ("delivered" if fits else "uncertain")


@pytest.mark.parametrize(("how", "then"), [("sent", "sent"), ("resend", "queued"), ("fail", "failed")])
async def test_p05_by_a_person(tmp_path, how, then):
    """A person ends it, with name and reason in the event; over a restart it stays so."""
    async with opened(tmp_path) as queue:
        message = await accept(queue)
        await queue.record_result((await claim(queue)).submission, DOUBT, NOW)
        await queue.settle(message.id, Settled(how, "ann", "he called"), NOW)
    async with opened(tmp_path) as queue:
        await queue.recover(NOW)
        assert await state(queue, message) == then
        (told,) = await events(queue, "message.settled", message)
        assert told.data == {"how": how, "by": "operator", "who": "ann", "why": "he called"}


async def test_p05_desks_are_told(tmp_path):
    """A desk with the events of the shipped configuration hears that a text is in doubt, why, and what became of it."""
    clock = StillClock(NOW)
    async with serving() as endpoint, opened(tmp_path) as queue:
        support = desk(endpoint, clock, events=Helpdesk(name="x", url="http://127.0.0.1/").events)
        async with running(queue, [support], clock):
            await settled(queue)
            message = await accept(queue)
            await queue.record_result((await claim(queue)).submission, DOUBT, NOW)
            await until(lambda: len(endpoint.calls) == 1)
            await queue.settle(message.id, Settled("sent", "ann"), NOW)
            await until(lambda: len(endpoint.calls) == 2)
    doubt, sent = endpoint.bodies
    assert (doubt["type"], doubt["data"]["reason"]) == ("message.uncertain", DOUBT.reason)
    assert doubt["data"]["message"]["id"] == sent["data"]["message"]["id"] == message.id
    assert sent["type"] == "message.sent"

