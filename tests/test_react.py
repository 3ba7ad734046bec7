"""Inbound texts, rules and what comes of them: each exactly once, in one commit."""

import asyncio
import contextlib

import msgspec
import pytest

from smsgwd.model import ConsentState
from smsgwd.queue.interface import MessageFilter
from smsgwd.react import React
from smsgwd.routing.caps import Caps
from smsgwd.rules.load import load_rules
from smsgwd.rules.model import RuleSet
from tests.store import StillClock, gateway, inbound, store

RULES = """
[[rule]]
id = "price"
priority = 10
when.any = [ { keyword = "price" } ]
then = [ { reply = "Hello {contact.name|you}, it is 5 EUR" }, { tag = "sales" }, { forward = "support" } ]

[[rule]]
id = "abroad"
when.any = [ { meta = { operator = ["26201", "26202"] } } ]
then = [ { tag = "abroad" } ]

[[rule]]
id = "rest"
then = [ { forward = "support" } ]
"""


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "10.toml").write_text(RULES)
    return load_rules(tmp_path / "rules.d", tmp_path / "templates", desks=("support",))


async def react(queue, gate, rules, clock) -> None:
    """Runs the worker until it has read all events there are."""
    stop = asyncio.Event()
    task = asyncio.create_task(React(queue, gate, rules, clock).run(stop), name="react")
    received = [e.id for e in await queue.events_after(0, 1000, "message.received")]
    hint = queue.hint("events", "outbox")
    async with asyncio.timeout(5):
        while await queue.cursor("react") < max(received, default=0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hint.wait(), 0.01)
            hint.clear()
        stop.set()
        queue.poke("events:message.received")
        await task


async def kinds(queue) -> list[str]:
    return [e.kind for e in await queue.events_after(0, 1000)]


async def outbound(queue):
    return (await queue.messages(MessageFilter(direction="out"), "", 100)).items


async def test_rules_see_the_parameters_of_a_carrier(tmp_path, rules):
    """A rule may ask for an optional parameter that came with the text."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        text = msgspec.structs.replace(inbound("hello"), meta={"operator": "26202", "0x1401": "ff"})
        received = await queue.receive("m1", "+15550100100", text, clock.now())
        await react(queue, gateway(queue, clock), rules, clock)
        thread = await queue.conversation((await queue.message(received.message)).conversation)
    assert thread.tags == ("abroad",)


async def test_texts_of_which_nothing_comes_are_over(tmp_path, rules):
    """Nothing is stored about them but that they were read, up to the last one: rules that come later answer none."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        for text in ("price", "price?", "the price"):
            await queue.receive("m1", "+15550100100", inbound(text), clock.now())
        before = await kinds(queue)
        await react(queue, gate, RuleSet(), clock)
        assert await queue.cursor("react") == max(e.id for e in await queue.events_after(0, 1000, "message.received"))
        assert await kinds(queue) == before
        await react(queue, gate, rules, clock)
        assert await outbound(queue) == ()


async def test_answer_ticket_and_tag(tmp_path, rules):
    """A matching text is answered from the number it was sent to, tagged, and goes to the desk."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        received = await queue.receive("m1", "+15550100100", inbound("What is the price?"), clock.now())
        await react(queue, gate, rules, clock)
        (answer,) = await outbound(queue)
        ((item, *_),) = await queue.owed("support", 10, clock.now())
        thread = await queue.conversation(answer.conversation)
    assert (answer.to, answer.text, answer.rule) == ("+15550100777", "Hello you, it is 5 EUR", "price")
    assert answer.answers == received.message
    assert (item.kind, item.message, item.conversation) == ("message.received", received.message, thread.id)
    assert thread.tags == ("sales",)


async def test_answered_once_whatever_is_repeated(tmp_path, rules):
    """The worker starts again, with the same texts in the store: nothing is answered or forwarded twice."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        await queue.receive("m1", "+15550100100", inbound("price"), clock.now())
        await react(queue, gate, rules, clock)
        await react(queue, gate, rules, clock)
        await queue.receive("m1", "+15550100100", inbound("price"), clock.now())  # the same PDU again
        await react(queue, gate, rules, clock)
        assert len(await outbound(queue)) == 1
        assert len(await queue.owed("support", 10, clock.now())) == 1


async def test_stop_takes_back_what_waits(tmp_path, rules):
    """STOP: recorded, confirmed once, what waits is cancelled, and the desk is not bothered."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        await queue.receive("m1", "+15550100100", inbound("price"), clock.now())
        await react(queue, gate, rules, clock)
        await queue.receive("m1", "+15550100100", inbound("Stop!"), clock.now())
        await react(queue, gate, rules, clock)
        texts = {m.text: m.state.value for m in await outbound(queue)}
        contact = await queue.contact("+15550100777")
        kinds_ = await kinds(queue)
    assert texts["Hello you, it is 5 EUR"] == "cancelled"
    assert texts[gate.config.consent.stop_reply] == "queued"
    assert contact.consent is ConsentState.OPTED_OUT
    assert "consent.changed" in kinds_


async def test_one_answer_in_ten_minutes(tmp_path, rules):
    """The loop guard holds the second answer back, says so, and the desk still hears of the text."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        for text in ("price", "price please"):
            await queue.receive("m1", "+15550100100", inbound(text), clock.now())
            await react(queue, gate, rules, clock)
        assert len(await outbound(queue)) == 1
        assert len(await queue.owed("support", 10, clock.now())) == 1  # the second waits for the first of its thread
        (held,) = await queue.events_after(0, 100, "reply.suppressed")
        assert "loops.per_rule" in str(held.data["why"])
        clock.move(601)
        await queue.receive("m1", "+15550100100", inbound("price again"), clock.now())
        await react(queue, gate, rules, clock)
        assert len(await outbound(queue)) == 2


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        pytest.param(inbound("price", "Bank"), "no number", id="letters"),
        pytest.param(inbound("price", "4711"), "short code", id="short code"),
        pytest.param(inbound("price", "+15550100100"), "our own", id="our own number"),
        pytest.param(inbound("price", message_class=0), "flash", id="flash"),
        pytest.param(inbound("price", service=True), "no text for a person", id="service"),
        pytest.param(inbound("price", stored=True), "on the SIM", id="found on the SIM"),
    ],
)
async def test_never_answered(tmp_path, rules, segment, why):
    """Robots and old texts are not answered, and the reason is an event; the desk hears of them all the same."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        await queue.receive("m1", "+15550100100", segment, clock.now())
        await react(queue, gateway(queue, clock), rules, clock)
        assert await outbound(queue) == ()
        (held,) = await queue.events_after(0, 100, "reply.suppressed")
        assert why in str(held.data["why"])
        assert len(await queue.owed("support", 10, clock.now())) == 1


async def test_an_answer_that_cannot_be_sent_stops_nothing(tmp_path):
    """A rule's answer that is too long is held back with its reason; the rest of the rule happens."""
    clock = StillClock()
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "10.toml").write_text(
        '[[rule]]\nid = "long"\nthen = [ { reply = "' + "x" * 400 + '" }, { forward = "support" } ]\n'
    )
    rules = load_rules(tmp_path / "rules.d", tmp_path / "templates", desks=("support",))
    async with store(tmp_path, clock) as queue:
        await queue.receive("m1", "+15550100100", inbound("anything"), clock.now())
        await react(queue, gateway(queue, clock, "[limits]\nsegments = 2\n"), rules, clock)
        (held,) = await queue.events_after(0, 100, "reply.suppressed")
        assert "too-long" in str(held.data["why"])
        assert len(await queue.owed("support", 10, clock.now())) == 1


async def test_automatic_texts_to_a_person_are_limited(tmp_path, rules):
    """Whatever the loop limits allow: one automatic text a minute to a person, by default. What is held back is told once
    and not counted; people's own texts do not count."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock, "[loops]\nper_rule = 100\nper_sender = 100\n")
        held = []
        for second in (0, 30, 60, 90, 120):
            clock.move(30 if second else 0)
            await queue.receive("m1", "+15550100100", inbound(f"price {second}"), clock.now())
            await react(queue, gate, rules, clock)
            held.append(len(await queue.events_after(0, 100, "reply.suppressed")))
        assert held == [0, 1, 1, 2, 2]
        assert len(await outbound(queue)) == 3
        (first, _) = await queue.events_after(0, 100, "reply.suppressed")
        assert first.data == {"what": "reply of price", "why": "limits.per_number: 1 automatic texts in 1m"}


async def test_an_answer_that_is_not_stored_gives_its_room_back(tmp_path, rules):
    """The same inbound text decided twice (as after a crash) is answered once, and counted once."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock, "[loops]\nper_rule = 100\n")
        await queue.receive("m1", "+15550100100", inbound("price"), clock.now())
        (event,) = await queue.events_after(0, 10, "message.received")
        worker = React(queue, gate, rules, clock)
        for _ in range(2):
            await worker._answer(event)
            clock.move(61)
        assert len(await outbound(queue)) == 1
        assert gate.bounds.ledger.used("link", "m1", clock.now() // 86_400_000) == (1, 0)


async def test_answers_to_stop_go_in_spite_of_the_limits(tmp_path, rules):
    """A person who was answered a moment ago and says STOP gets the confirmation, even when the link's cap is reached."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        gate.bounds.ledger._caps["link", "m1"] = Caps(segments_per_day=1)
        for words in ("price", "STOP"):
            await queue.receive("m1", "+15550100100", inbound(words), clock.now())
            await react(queue, gate, rules, clock)
        assert [m.origin for m in await outbound(queue)] == ["consent", "rule"]
        assert not gate.bounds.ledger._promised
