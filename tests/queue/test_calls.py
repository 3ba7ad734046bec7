"""Calls that events cause, owed in the commit of the event: each event once, whatever ends when."""

import json

import pytest

from smsgwd.model import Accepted, ConsentState, LinkState, row_id
from smsgwd.queue import links, outbound, owing, submitting
from smsgwd.queue.calls import cursor
from smsgwd.queue.interface import CallResult
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, OURS, accept, draft, kinds, part, sent
from tests.queue.storing import Gate, sql, storing, writing
from tests.store import StillClock

SHOP = {"shop": frozenset({"message.sent", "link.up"})}


def up(store, why: str) -> None:
    store.run(links.record_link, "m1", "modem", OURS["m1"], LinkState.UP, why, NOW)


def owed(store) -> list[str]:
    """What each call says, in the calls' order."""
    return [json.loads(data)["why"] for (data,) in store.rows("SELECT data FROM outbox ORDER BY id")]


def newest(store) -> int:
    return store.value("SELECT max(id) FROM event")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "q.db"


# ---- in the same commit --------------------------------------------------------------------------------------------


def test_call_is_there_with_its_event(path):
    """No reader is needed: the commit of the event has the call, and the cursor behind the event."""
    with storing(path) as store:
        assert store.run(owing.owe_events, SHOP) is False
        up(store, "registered")
        assert owed(store) == ["registered"]
        assert cursor(store.conn) == newest(store)


def test_nothing_before_desks_are_known(path):
    """While nobody has said which desks there are, nothing is owed and the cursor stays."""
    with storing(path) as store:
        up(store, "registered")
        assert (owed(store), cursor(store.conn)) == ([], 0)


def test_events_of_before(path):
    """They are turned in their order, so many in each commit. New ones wait behind them, and none comes twice."""
    with storing(path) as store:
        for n in range(5):
            up(store, f"before {n}")
        assert store.run(owing.owe_events, SHOP, 2) is True
        assert owed(store) == ["before 0", "before 1"]
        up(store, "meanwhile")
        assert owed(store) == ["before 0", "before 1"]
        while store.run(owing.owe_events, SHOP, 2):
            pass
        up(store, "after")
        assert owed(store) == [*(f"before {n}" for n in range(5)), "meanwhile", "after"]


def test_the_last_step_and_an_event_in_one_commit(path):
    """What happens in the commit that turns the last event of before is owed too."""

    def both(tx) -> None:
        owing.owe_events(tx, SHOP)
        links.record_link(tx, "m1", "modem", OURS["m1"], LinkState.UP, "new", NOW)

    with storing(path) as store:
        up(store, "old")
        store.run(both)
        assert owed(store) == ["old", "new"]
        assert cursor(store.conn) == newest(store)


def test_rolled_back(path):
    """A commit that fails owes nothing and moves no cursor; what it would have turned is turned later, once."""

    def broken(tx) -> None:
        owing.owe_events(tx, SHOP)
        raise ZeroDivisionError

    with storing(path) as store:
        up(store, "old")
        with pytest.raises(ZeroDivisionError):
            store.run(broken)
        up(store, "next")
        assert (owed(store), cursor(store.conn)) == ([], 0)
        assert store.run(owing.owe_events, SHOP) is False
        assert owed(store) == ["old", "next"]


async def test_verb_that_is_taken_out(path):
    """A batch that is run again without a verb that failed owes the calls of the others once."""

    def bad(tx) -> None:
        links.record_link(tx, "m2", "modem", OURS["m2"], LinkState.UP, "bad", NOW)
        raise ZeroDivisionError

    async with writing(path) as writer:
        await writer.put(owing.owe_events, SHOP)
        gate = Gate()
        waits = await gate.close(writer)
        good = writer.put(links.record_link, "m1", "modem", OURS["m1"], LinkState.UP, "good", NOW)
        failed = writer.put(bad)
        gate.open.set()
        await waits
        await good
        with pytest.raises(ZeroDivisionError):
            await failed
    with storing(path) as store:
        assert owed(store) == ["good"]
        assert cursor(store.conn) == newest(store)


# ---- over starts ---------------------------------------------------------------------------------------------------


def test_new_start(path):
    """A start turns what came after the cursor and nothing before it, for the desks of now."""
    with storing(path) as store:
        store.run(owing.owe_events, SHOP)
        up(store, "first start")
    with storing(path) as store:
        up(store, "desks not known yet")
        assert store.run(owing.owe_events, {**SHOP, "new": frozenset({"link.up"})}) is False
        found = store.rows("SELECT endpoint, json_extract(data, '$.why') FROM outbox ORDER BY id")
    assert found == [("shop", "first start"), ("shop", "desks not known yet"), ("new", "desks not known yet")]


def test_start_without_desks(path):
    """The cursor moves on all the same: a desk that is added later hears of nothing before it."""
    with storing(path) as store:
        store.run(owing.owe_events, {})
        up(store, "nobody hears")
        assert cursor(store.conn) == newest(store)
    with storing(path) as store:
        store.run(owing.owe_events, SHOP)
        assert owed(store) == []


# ---- what is owed --------------------------------------------------------------------------------------------------


async def test_conversation_and_callback(path):
    """A text that names a desk is told to it alone, in the order of its conversation; one that names no desk we know, or
    none, is not told."""
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.owe_events({"shop": frozenset(), "other": frozenset()})
        received = await queue.receive("m1", OURS["m1"], part("Hello?"), NOW)
        thread = (await queue.message(received.message)).conversation
        message = await sent(queue, callback="shop", conversation=thread)
        await sent(queue, callback="gone")
        await sent(queue)
        (item,) = (await queue.outbox("", "", 10)).items
    assert (item.endpoint, item.kind, item.message, item.conversation) == ("shop", "message.sent", message.id, thread)
    assert item.data["callback"] == "shop"


async def test_what_a_look_gives(path):
    """Each call with its text as it is now, its conversation and its person; those in hand are left out, and of each
    conversation there is only the oldest."""
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.owe_events({"shop": frozenset({"message.received", "link.up"})})
        await queue.record_link("m1", "modem", OURS["m1"], LinkState.UP, "registered", NOW)
        received = await queue.receive("m1", OURS["m1"], part("Hello?"), NOW)
        await queue.receive("m1", OURS["m1"], part("Anybody?"), NOW)
        link, text = await queue.owed("shop", 10, NOW)
        rest = await queue.owed("shop", 1, NOW, [link.item.id])
        later = await queue.owed("shop", 10, NOW, [link.item.id, text.item.id])
    assert (link.message, link.conversation, link.contact) == (None, None, None)
    assert None not in text
    assert (text.message.id, text.message.text, text.message.segments) == (received.message, "Hello?", ())
    assert text.conversation.id == text.message.conversation
    assert (text.contact.number, text.contact.consent) == (text.conversation.contact, ConsentState.NONE)
    assert rest == [text]
    assert later == []


async def test_results_together(path):
    """Many results in one verb: done, retry, dead; one that is told twice, or of a call that is over, changes nothing."""
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.owe_events({"shop": frozenset({"message.sent"})})
        for _ in range(3):
            await sent(queue)
        a, b, c = (call.item.id for call in await queue.owed("shop", 10, NOW))
        results = [
            CallResult(a, "done"),
            CallResult(b, "retry", "HTTP 503", NOW + 9),
            CallResult(c, "dead", "HTTP 410"),
        ]
        await queue.record_calls([*results, CallResult(a, "dead", "no")], NOW)
        await queue.record_calls([CallResult(a, "retry", "no"), CallResult(c, "done")], NOW)
        items = {item.id: item for item in (await queue.outbox("", "", 10)).items}
        assert {x: (items[x].state, items[x].reason, items[x].attempts) for x in items} == {
            a: ("done", "", 1), b: ("pending", "HTTP 503", 1), c: ("dead", "HTTP 410", 1),
        }  # fmt: skip
        assert items[b].due == NOW + 9
        told = [kind for kind in await kinds(queue) if kind.startswith("webhook.")]
    assert told == ["webhook.delivered", "webhook.retry", "webhook.dead"]


def test_the_cursor_is_moved_once(path):
    """A commit that owes a hundred calls moves the cursor once, and asks for it no more once all events are turned."""
    with storing(path) as store:
        store.run(owing.owe_events, SHOP)
        store.run(outbound.accept, [draft() for _ in range(100)], NOW)
        claimed = store.run(submitting.claim, "m1", 100, NOW)
        seen: list[str] = []
        store.conn.set_trace_callback(seen.append)
        store.run(submitting.turn, "m1", [(s.submission, Accepted(str(n))) for n, s in enumerate(claimed)], 0, NOW)
        store.conn.set_trace_callback(None)
        assert store.value("SELECT count(*) FROM outbox WHERE state = 'pending'") == 100
    assert sum("cursor" in statement for statement in seen) == 1


async def test_seen_by_others(path):
    """The call is on disk when the verb that caused it returns."""
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.owe_events(SHOP)
        await accept(queue)
        (segment,) = await queue.claim("m1", 1, NOW)
        await queue.record_result(segment.submission, Accepted("7"), NOW)
        with sql(path) as beside:
            assert beside.execute("SELECT message FROM outbox").fetchall() == [(row_id("msg", segment.message),)]
