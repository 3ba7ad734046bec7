"""The outbox worker on a real queue and real endpoints: who is told what, and in which order."""

import asyncio

from smsgwd.model import ConsentChange, Draft, LinkState, Reaction, Refusal, RefusalClass
from smsgwd.outbox import WINDOW
from smsgwd.react import React
from smsgwd.rules.load import load_rules
from smsgwd.sms.encoding import Alphabet
from tests.helpdesk.endpoint import SECRET, serving
from tests.helpdesk.worker import (
    AWAY,
    NUMBER,
    OK,
    SENDER,
    desk,
    forwarded,
    kinds,
    later,
    owed,
    owed_done,
    running,
    sent,
    settled,
    until,
)
from tests.store import StillClock, gateway, inbound, store

# ---- who is told what ----------------------------------------------------------------------------------------------


async def test_forwarded_text(tmp_path):
    """A forwarded text is told with its words, its person and its conversation; the ticket in the answer is linked, and
    later calls carry it."""
    clock = StillClock()
    async with serving((200, {}, b'{"ticket": "T-7"}')) as endpoint, store(tmp_path, clock) as queue:
        message = await forwarded(queue, clock)
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) == 1)
            await forwarded(queue, clock, "Still down")
            await until(lambda: len(endpoint.calls) == 2)
        thread = await queue.conversation((await queue.message(message)).conversation)
        assert thread.tickets == {"support": "T-7"}
        assert await kinds(queue, "ticket.") == ["ticket.linked"]
        assert await owed(queue) == [("done", "", 1), ("done", "", 1)]
    first, second = endpoint.bodies
    assert first["type"] == "message.received"
    assert first["data"]["message"]["text"] == "My internet is down"
    assert first["data"]["contact"]["number"] == SENDER
    assert first["data"]["rules"] == "r1"
    assert [x["data"]["conversation"]["ticket"] for x in (first, second)] == [None, "T-7"]


async def test_events_by_choice(tmp_path):
    """Each desk hears of the kinds that it names, and of no others."""
    clock = StillClock()
    async with serving() as one, serving() as other, store(tmp_path, clock) as queue:
        desks = [desk(one, clock, "one", ["message.sent", "link.up"]), desk(other, clock, "other", ["link.up"])]
        async with running(queue, desks, clock):
            await queue.record_link("m1", "modem", NUMBER, LinkState.UP, "registered", clock.now())
            message = await sent(queue, clock)
            await until(lambda: len(one.calls) == 2 and len(other.calls) == 1)
    bodies = {body["type"]: body["data"] for body in one.bodies}
    assert bodies["link.up"] == {"link": "m1", "why": "registered"}
    assert bodies["message.sent"]["message"]["id"] == message
    assert bodies["message.sent"]["message"]["text"] == "We look into it"
    assert other.bodies[0]["type"] == "link.up"


async def test_every_text_by_choice(tmp_path):
    """A desk that names message.received hears of every text, also where no rule forwards it."""
    clock = StillClock()
    async with (
        serving() as endpoint,
        store(tmp_path, clock) as queue,
        running(queue, [desk(endpoint, clock, events=["message.received"])], clock),
    ):
        await queue.receive("m1", NUMBER, inbound("hello"), clock.now())
        await until(lambda: len(endpoint.calls) == 1)
    assert endpoint.bodies[0]["data"]["message"]["text"] == "hello"


async def test_every_text_once(tmp_path):
    """A desk that names message.received is not told again of a text that a rule forwards to it."""
    clock = StillClock()
    more = '[[helpdesk]]\nname = "all"\nurl = "http://127.0.0.1:9/"\nevents = ["message.received"]\n'
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "1.toml").write_text(
        '[[rule]]\nid = "r"\nthen = [{forward = "all"}, {forward = "support"}]\n'
    )
    rules = load_rules(tmp_path / "rules.d", tmp_path / "templates", desks=("all", "support"))
    async with serving() as all_, serving() as support, store(tmp_path, clock) as queue:
        desks = [desk(all_, clock, "all", ["message.received"]), desk(support, clock)]
        stop = asyncio.Event()
        async with running(queue, desks, clock), asyncio.TaskGroup() as group:
            group.create_task(React(queue, gateway(queue, clock, more), rules, clock).run(stop), name="react")
            await queue.receive("m1", NUMBER, inbound("hello"), clock.now())
            await until(lambda: len(all_.calls) == 1 and len(support.calls) == 1)
            await settled(queue)
            stop.set()
            queue.poke("events:message.received")
        assert len(all_.calls) == len(support.calls) == 1
    assert "rules" in support.bodies[0]["data"]


async def test_callback(tmp_path):
    """A text that names a desk is told to it, whatever kinds that desk wants otherwise."""
    clock = StillClock()
    async with (
        serving() as asked,
        serving() as other,
        store(tmp_path, clock) as queue,
        running(queue, [desk(asked, clock, "shop"), desk(other, clock, "other")], clock),
    ):
        message = await sent(queue, clock, callback="shop")
        await until(lambda: len(asked.calls) == 1)
        await settled(queue)
    assert asked.bodies[0]["type"] == "message.sent"
    assert asked.bodies[0]["data"]["message"]["id"] == message
    assert other.calls == []


async def test_consent(tmp_path):
    """An opt-out by a text is told with the person's number."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        received = await queue.receive("m1", NUMBER, inbound("STOP"), clock.now())
        event = (await queue.events_after(0, 100, "message.received"))[0]
        change = ConsentChange(number=SENDER, action="opt_out", method="keyword", message=received.message)
        thread = (await queue.message(received.message)).conversation
        await queue.react(
            Reaction(event=event.id, message=received.message, conversation=thread, consent=change), clock.now()
        )
        async with running(queue, [desk(endpoint, clock, events=["consent.changed"])], clock):
            await until(lambda: len(endpoint.calls) == 1)
    data = endpoint.bodies[0]["data"]
    assert (data["action"], data["contact"]["number"], data["contact"]["consent"]) == ("opt_out", SENDER, "opted_out")


async def test_nothing_private_is_stored(tmp_path):
    """Neither the outbox nor the events hold a text, a whole number, or the address's key."""
    clock = StillClock()
    async with serving(AWAY) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock, "a private matter")
        async with running(queue, [desk(endpoint, clock, events=["conversation.opened"])], clock):
            await until(lambda: len(endpoint.calls) >= 1)
            await settled(queue)
        stored = repr((await queue.outbox("", "", 100)).items) + repr(await queue.events_after(0, 1000))
    for private in ("private", SENDER, "key-in", SECRET):
        assert private not in stored


async def test_failed_text_is_told_with_its_reason(tmp_path):
    """message.failed says why, so that an agent can act."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        draft = Draft(to=SENDER, text="hello", link="m1", alphabet=Alphabet.GSM7)
        await queue.accept([draft], clock.now())
        (segment,) = await queue.claim("m1", 1, clock.now())
        refusal = Refusal("CMS 1", RefusalClass.PERMANENT, "unassigned number")
        await queue.record_result(segment.submission, refusal, clock.now())
        async with running(queue, [desk(endpoint, clock, events=["message.failed"])], clock):
            await until(lambda: len(endpoint.calls) == 1)
    message = endpoint.bodies[0]["data"]["message"]
    assert (message["state"], message["direction"]) == ("failed", "out")
    assert "unassigned number" in message["reason"]


# ---- once ----------------------------------------------------------------------------------------------------------


async def test_once_over_restarts(tmp_path):
    """Each event is owed once, however often the worker starts; a start with nothing new tells nothing."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        for count in (1, 2, 2):
            if count > len(endpoint.calls):
                await sent(queue, clock)
            async with running(queue, [desk(endpoint, clock, events=["message.sent"])], clock):
                await until(lambda count=count: len(endpoint.calls) == count)
                await settled(queue)
        assert len(await owed(queue)) == 2
    assert len(set(endpoint.ids)) == 2


async def test_new_desk_hears_of_what_is_new(tmp_path):
    """A desk that is added to the configuration is not told of what was before it."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        await sent(queue, clock)
        async with running(queue, [], clock):
            await settled(queue)
        newest = (await queue.events_after(-1, 1))[0].id
        assert await queue.cursor("webhooks") == newest
        async with running(queue, [desk(endpoint, clock, events=["message.sent"])], clock):
            second = await sent(queue, clock)
            await until(lambda: len(endpoint.calls) >= 1)
            await settled(queue)
    assert [body["data"]["message"]["id"] for body in endpoint.bodies] == [second]


# ---- order and lanes -----------------------------------------------------------------------------------------------


async def test_order_within_a_conversation(tmp_path):
    """The second call of a conversation waits until the first is taken, also when that takes tries; other conversations
    do not wait."""
    clock = StillClock()
    async with serving(AWAY, OK) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock, "first")
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) == 1)
            await forwarded(queue, clock, "second")
            await forwarded(queue, clock, "other", sender="+15550100888")
            await until(lambda: len(endpoint.calls) == 2)
            await settled(queue)
            assert [x["data"]["message"]["text"] for x in endpoint.bodies] == ["first", "other"]
            await later(queue, clock, 2)
            await until(lambda: len(endpoint.calls) == 4)
    assert [x["data"]["message"]["text"] for x in endpoint.bodies] == ["first", "other", "first", "second"]
    assert endpoint.ids[0] == endpoint.ids[2]


async def test_report_does_not_overtake_its_conversation(tmp_path):
    """Calls by events are part of their conversation's order: while the ticket is not opened, nothing is told of it."""
    clock = StillClock()
    async with serving(AWAY, OK) as endpoint, store(tmp_path, clock) as queue:
        message = await forwarded(queue, clock, "first")
        thread = (await queue.message(message)).conversation
        async with running(queue, [desk(endpoint, clock, events=["message.sent"])], clock):
            await until(lambda: len(endpoint.calls) == 1)
            await sent(queue, clock, conversation=thread)
            await settled(queue)
            assert len(endpoint.calls) == 1
            await later(queue, clock, 2)
            await until(lambda: len(endpoint.calls) == 3)
    assert [x["type"] for x in endpoint.bodies] == ["message.received", "message.received", "message.sent"]


async def test_slow_desk_holds_nobody(tmp_path):
    """While one desk does not answer, another is told all it is owed."""
    clock = StillClock()
    async with serving() as slow, serving() as quick, store(tmp_path, clock) as queue:
        slow.gate.clear()
        for i in range(5):
            await forwarded(queue, clock, f"text {i}", sender=f"+1555010070{i}", desks=("slow", "quick"))
        async with running(queue, [desk(slow, clock, "slow"), desk(quick, clock, "quick")], clock):
            await until(lambda: len(quick.calls) == 5)
            slow.gate.set()
            await until(lambda: len(slow.calls) == 5)


async def test_window(tmp_path):
    """At most eight calls are under way to a desk, each of another conversation, and none is told twice. One that is slow
    holds up its own conversation alone."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        endpoint.gate.clear()
        for i in range(20):
            await forwarded(queue, clock, f"text {i}", sender=f"+155501007{i:02}")
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: endpoint.under_way == WINDOW)
            await settled(queue)
            assert len(endpoint.calls) == WINDOW
            endpoint.gate.set()
            await until(lambda: len(endpoint.calls) == 20)
    assert endpoint.most_under_way == WINDOW
    assert len(set(endpoint.ids)) == 20


class SlowLook:
    """A queue whose answers to ``owed`` stay away while ``gate`` is not set; all else is the real one."""

    def __init__(self, queue) -> None:
        self._queue, self.gate, self.looked = queue, asyncio.Event(), 0
        self.gate.set()

    def __getattr__(self, verb: str):
        return getattr(self._queue, verb)

    async def owed(self, *args):
        found = await self._queue.owed(*args)
        self.looked += 1
        await self.gate.wait()
        return found


async def test_look_that_is_older_than_the_call(tmp_path):
    """A look at what is owed that began before a call was recorded does not tell the call again."""
    clock = StillClock()
    async with serving() as endpoint, store(tmp_path, clock) as queue:
        slow = SlowLook(queue)
        endpoint.gate.clear()
        await forwarded(queue, clock)
        async with running(slow, [desk(endpoint, clock)], clock):
            await until(lambda: endpoint.under_way == 1)
            slow.gate.clear()
            looked = slow.looked
            queue.poke("outbox")
            await until(lambda: slow.looked > looked)
            endpoint.gate.set()
            await until(lambda: owed_done(queue, 1))
            slow.gate.set()
            await settled(queue)
    assert len(endpoint.calls) == 1
