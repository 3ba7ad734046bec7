"""The gateway on a real store: caps, threads, quiet hours, rates and pumping, as callers meet them."""

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from smsgwd import dispatch
from smsgwd.config.file import parse
from smsgwd.daemon import queue_limits, route_links
from smsgwd.errors import Conflict, RequestRefused
from smsgwd.explain import explain
from smsgwd.gateway import Gateway, SendRequest
from smsgwd.model import ConsentChange, InDoubt, Message, Origin, Reaction
from smsgwd.queue.sqlite import open_queue
from smsgwd.routing import Roster
from smsgwd.routing.caps import LINK, TOKEN
from tests.helpdesk.worker import Flaky
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches
from tests.store import StillClock, inbound

BASE = """
[gateway]
country = "US"
[[link]]
name = "m1"
type = "modem"
port = "/dev/none"
number = "+15550100100"
{m1}
[[link]]
name = "m2"
type = "modem"
port = "/dev/none"
number = "+15550100200"
{m2}
"""
#: a Wednesday noon in Vienna
NOON = int(datetime.fromisoformat("2026-07-01T12:00+02:00").timestamp() * 1000)
DAY = 86_400_000


@asynccontextmanager
async def opened(folder, clock, *, m1: str = "", m2: str = "", more: str = "", up=("m1", "m2")):
    """A gateway over two modems that are up, with what the disk knows."""
    config = parse(BASE.format(m1=m1, m2=m2) + more)
    async with open_queue(folder / "smsgwd.db", clock=clock, limits=queue_limits(config)) as queue:
        roster = Roster(route_links(config))
        for name in up:
            roster.note(name, up=True)
        gateway = Gateway(config, queue, roster, clock)
        await gateway.begin()
        yield gateway


@pytest.fixture
def clock():
    return StillClock(NOON)


def to(n: int = 777) -> str:
    return f"+1212555{n:04}"


async def sent(gateway, n: int = 777, text: str = "hello", **more):
    """Accepts a text, or gives the slug of the refusal."""
    token = more.pop("token", None)
    try:
        return await gateway.send(SendRequest(to=more.pop("to", to(n)), text=text, **more), token)
    except RequestRefused as e:
        return e.code


async def alarms(queue):
    return [(e.link, e.data["cap"], e.data["share"]) for e in await queue.events_after(0, 100, "cap.reached")]


# ---- caps ----------------------------------------------------------------------------------------------------------


async def test_a_capped_link_hands_over_and_tells(tmp_path, clock):
    """Texts go over the link with room; when all are full they are refused until midnight; alarms at 50, 80, 100 %."""
    async with opened(tmp_path, clock, m1="segments_per_day = 10\ncost = 0", m2="segments_per_day = 3\ncost = 1.0") as gateway:
        links = [(await sent(gateway, i * 100)).link for i in range(13)]
        assert (links.count("m1"), links.count("m2")) == (10, 3)
        with pytest.raises(RequestRefused) as caught:
            await gateway.send(SendRequest(to=to(), text="one too many"))
        assert (caught.value.code, caught.value.retry_after) == ("cap-reached", 14 * 3600)
        told = await alarms(gateway.queue)
        assert [x for x in told if x[0] == "m1"] == [("m1", "segments_per_day", share) for share in (50, 80, 100)]
        assert len(told) == len(set(told))
        clock.move(14 * 3600)
        assert isinstance(await sent(gateway), Message)


async def test_counts_outlive_the_process(tmp_path, clock):
    """After a restart the cap is where it was, and its alarms are not repeated."""
    async with opened(tmp_path, clock, m1="segments_per_month = 4", up=("m1",), m2='prefixes = ["+43"]') as gateway:
        for i in range(3):
            assert isinstance(await sent(gateway, i * 100), Message)
    clock.move(5 * 86400)
    async with opened(tmp_path, clock, m1="segments_per_month = 4", up=("m1",), m2='prefixes = ["+43"]') as gateway:
        assert isinstance(await sent(gateway), Message)
        assert await sent(gateway) == "cap-reached"
        assert [share for *_, share in await alarms(gateway.queue)] == [50, 80, 100]


async def test_exact_when_all_come_at_once(tmp_path, clock):
    """A hundred callers at the same moment: as many texts as the cap has room for, neither more nor fewer."""
    async with opened(tmp_path, clock, m1="segments_per_day = 30", m2="segments_per_day = 31") as gateway:
        answers = await asyncio.gather(*(sent(gateway, i * 100 % 10_000) for i in range(100)))
        assert sum(isinstance(a, Message) for a in answers) == 61
        assert gateway.bounds.ledger.used(LINK, "m1", clock.now() // DAY) == (30, 0)


async def test_failed_texts_give_their_room_back(tmp_path, clock):
    """A refusal by the store, a second text with a used key, and one with another body leave the cap as it was."""
    async with opened(tmp_path, clock, m1="segments_per_day = 3", m2='prefixes = ["+43"]') as gateway:
        first = await sent(gateway, key="k")
        assert (await sent(gateway, key="k")).id == first.id
        with pytest.raises(Conflict):
            await gateway.send(SendRequest(to=to(), text="other words", key="k"))
        assert gateway.bounds.ledger.used(LINK, "m1", clock.now() // DAY) == (1, 0)
        assert [isinstance(await sent(gateway), Message) for _ in range(3)] == [True, True, False]
        # what was accepted before stays the answer to its key, although there is no room now
        assert (await sent(gateway, key="k")).id == first.id


async def test_a_long_text_goes_where_there_is_room_for_it(tmp_path, clock):
    """A text that needs more segments than a link has left goes over the other one."""
    async with opened(tmp_path, clock, m1="segments_per_day = 2\ncost = 0.0", m2="cost = 1.0") as gateway:
        assert (await sent(gateway, text="x" * 400)).link == "m2"
        assert (await sent(gateway)).link == "m1"
        assert await sent(gateway, text="x" * 400, from_="m1") == "cap-reached"


async def test_caps_of_a_token(tmp_path, clock):
    """A token has its own caps, in money too; other callers are not touched, and alarms name it."""
    async with opened(tmp_path, clock, m1="cost = 0.25", m2="cost = 0.25") as gateway:
        token = await gateway.queue.add_token(b"t" * 32, ("messages:send",), clock.now(), {"cost_per_day": 1.0})
        answers = [await sent(gateway, i * 100, token=token) for i in range(5)]
        assert [isinstance(a, Message) for a in answers] == [True] * 4 + [False]
        assert answers[-1] == "cap-reached"
        assert await sent(gateway, token=token, class_="alarm") == "cap-reached"
        assert isinstance(await sent(gateway), Message)
        assert gateway.bounds.ledger.used(TOKEN, token.id, clock.now() // DAY) == (4, 1_000_000)
        events = await gateway.queue.events_after(0, 100, "cap.reached")
        assert [(e.data["token"], e.data["share"]) for e in events] == [(token.id, s) for s in (50, 80, 100)]


async def test_alarms_go_in_spite_of_a_link_cap(tmp_path, clock):
    """An operator's alarm is counted, never held back; a token's is."""
    async with opened(tmp_path, clock, m1="segments_per_day = 1", m2='prefixes = ["+43"]') as gateway:
        token = await gateway.queue.add_token(b"t" * 32, ("messages:send",), clock.now())
        assert isinstance(await sent(gateway, class_="alarm"), Message)
        assert isinstance(await sent(gateway, class_="alarm"), Message)
        assert await sent(gateway, class_="alarm", token=token) == "cap-reached"
        assert gateway.bounds.ledger.used(LINK, "m1", clock.now() // DAY) == (2, 0)


async def test_moving_to_a_link_minds_its_caps(tmp_path, clock):
    """Texts of a dead link move as far as the other has room; the rest waits; the counts move along."""
    async with opened(tmp_path, clock, m2="segments_per_day = 2", up=("m1",)) as gateway:
        texts = [await sent(gateway, i * 100) for i in range(3)]
        assert {t.link for t in texts} == {"m1"}
        gateway.roster.note("m1", up=False)
        gateway.roster.note("m2", up=True)
        one, two = PlainLink("m1"), PlainLink("m2")
        async with lanes(
            gateway.queue, clock, [one, two], gateway.roster, replan=gateway.replan, settled=gateway.settled
        ):
            await quiet()
            clock.move(dispatch.GRACE)
            gateway.queue.poke("link:m1")
            await reaches(gateway.queue, texts[1], "sent")
            await quiet()
        assert len(two.texts) == 2
        used = [gateway.bounds.ledger.used(LINK, name, clock.now() // DAY)[0] for name in ("m1", "m2")]
        assert used == [1, 2]
        assert not gateway.bounds.ledger._promised


async def test_moving_passes_full_links_by(tmp_path, clock):
    """The cheapest of the other links is full: the text goes to the next one."""
    third = '[[link]]\nname = "m3"\ntype = "modem"\nport = "/dev/none"\ncost = 1.0\n'
    async with opened(tmp_path, clock, m2="segments_per_day = 1", more=third, up=("m1", "m2")) as gateway:
        await sent(gateway, from_="m2")
        text = await sent(gateway, 100)
        gateway.roster.note("m1", up=False)
        gateway.roster.note("m3", up=True)
        one, three = PlainLink("m1"), PlainLink("m3")
        async with lanes(
            gateway.queue, clock, [one, three], gateway.roster, replan=gateway.replan, settled=gateway.settled
        ):
            await quiet()
            clock.move(dispatch.GRACE)
            gateway.queue.poke("link:m1")
            await reaches(gateway.queue, text, "sent")
        assert len(three.texts) == 1


async def test_a_move_that_fails_gives_its_room_back(tmp_path, clock):
    """When the store is away in the middle of a move, nothing stays promised."""
    async with opened(tmp_path, clock, m2="segments_per_day = 5", up=("m1",)) as gateway:
        text = await sent(gateway)
        gateway.roster.note("m1", up=False)
        gateway.roster.note("m2", up=True)
        flaky = Flaky(gateway.queue, reroute=1)
        one = PlainLink("m1")
        async with lanes(flaky, clock, [one], gateway.roster, replan=gateway.replan, settled=gateway.settled):
            await quiet()
            clock.move(dispatch.GRACE)
            gateway.queue.poke("link:m1")
            await quiet()
        assert flaky.times["reroute"] == 0
        assert (await gateway.queue.message(text.id)).link == "m1"
        assert gateway.bounds.ledger.used(LINK, "m2", clock.now() // DAY) == (0, 0)


async def test_an_uncertain_text_fails_over_to_nobody(tmp_path, clock):
    """The link takes a text, says nothing and dies: the text stays uncertain there, however long the link is away."""
    async with opened(tmp_path, clock, up=("m1",)) as gateway:
        text = await sent(gateway)
        one, two = PlainLink("m1", answers=[InDoubt("no answer in 75 s")]), PlainLink("m2")
        async with lanes(
            gateway.queue, clock, [one, two], gateway.roster, replan=gateway.replan, settled=gateway.settled
        ):
            await reaches(gateway.queue, text, "uncertain")
            gateway.roster.note("m1", up=False)
            gateway.roster.note("m2", up=True)
            for _ in range(5):
                clock.move(3600)
                gateway.queue.poke("link:m1")
                await quiet()
        found = await gateway.queue.message(text.id)
        assert (found.state, found.link, one.texts, two.texts) == ("uncertain", "m1", ["hello"], [])


# ---- threads -------------------------------------------------------------------------------------------------------


async def test_sticky_sender(tmp_path, clock):
    """A new text to a person goes over the link that they write to, in a batch too; a sender that is named is first."""
    async with opened(tmp_path, clock, m1="cost = 0.0", m2="cost = 1.0") as gateway:
        await gateway.queue.receive("m2", "+15550100200", inbound("hi", to(1)), clock.now())
        assert (await sent(gateway, 1)).link == "m2"
        requests = [SendRequest(to=to(n), text="x") for n in (1, 2)]
        assert [m.link for m in await gateway.send_batch(requests)] == ["m2", "m1"]
        assert (await sent(gateway, 1, from_="m1")).link == "m1"
        gateway.roster.note("m2", up=False)
        assert (await sent(gateway, 1)).link == "m1"


# ---- time ----------------------------------------------------------------------------------------------------------


QUIET = '[quiet]\nfrom = "21:00"\nuntil = "08:00"\n'


async def test_bulk_waits_for_the_morning(tmp_path, clock):
    """A bulk text of the recipient's night is accepted with a later due, says why, and lives its validity from there."""
    async with opened(tmp_path, clock, more=QUIET) as gateway:
        text = await sent(gateway, class_="bulk", validity="1h")  # 06:00 in New York
        assert text.due == NOON + 2 * 3_600_000
        assert text.expires == text.due + 3_600_000
        assert "quiet hours" in text.reason
        assert "America/New_York" in text.reason
        later = await sent(gateway, class_="bulk", at="2026-07-01T22:00-04:00")
        assert later.due == int(datetime.fromisoformat("2026-07-02T08:00-04:00").timestamp() * 1000)
        assert ((await sent(gateway)).due, (await sent(gateway, class_="alarm")).due) == (0, 0)


async def test_reload_changes_quiet_hours(tmp_path, clock):
    """A new configuration counts for the next text."""
    async with opened(tmp_path, clock, more=QUIET) as gateway:
        gateway.config = parse(BASE.format(m1="", m2=""))
        assert (await sent(gateway, class_="bulk")).due == 0


async def test_a_slow_prefix_keeps_nobody_waiting(tmp_path, clock):
    """Texts to a prefix with a rate are due one after the other; others go at once; the row has an end."""
    slow = '[[link]]\nname = "m3"\ntype = "modem"\nport = "/dev/none"\nprefixes = ["+1212"]\nprefix_rates = { "+1212" = "1/m" }\n'
    async with opened(tmp_path, clock, more=slow, up=("m1", "m2", "m3")) as gateway:
        dues = [(await sent(gateway, i * 100)).due for i in range(3)]
        assert dues == [0, NOON + 60_000, NOON + 120_000]
        assert (await sent(gateway, to="+13035550100")).due == 0
        assert await sent(gateway, 5000, validity="2m") == "prefix-rate"
        assert (await sent(gateway, 6000, class_="alarm")).due == 0


# ---- pumping -------------------------------------------------------------------------------------------------------


async def test_pumping(tmp_path, clock):
    """A row of neighbouring numbers is refused after the limit, with one event; operators and alarms are let through."""
    async with opened(tmp_path, clock, more="[limits]\nneighbours = 3\n") as gateway:
        token = await gateway.queue.add_token(b"t" * 32, ("messages:send",), clock.now())
        answers = [await sent(gateway, i, token=token) for i in range(6)]
        assert [isinstance(a, Message) for a in answers] == [True] * 3 + [False] * 3
        assert answers[3] == "pumping"
        assert await sent(gateway, 9, token=token, origin="cli") == "pumping"
        assert isinstance(await sent(gateway, 9, origin="cli"), Message)
        assert isinstance(await sent(gateway, 10, class_="alarm"), Message)
        (event,) = await gateway.queue.events_after(0, 100, "pumping.suspected")
        assert event.data == {"to": "+121…03", "numbers": 3, "origin": "api", "token": token.id}
        clock.move(3600)
        assert isinstance(await sent(gateway, 50, token=token), Message)


async def test_premium_and_short_codes(tmp_path, clock):
    """They are refused unless they are listed, whoever asks; an agent may answer a short code that wrote to us."""
    more = '[limits]\npremium = ["+1900555"]\nshort_codes = ["12345"]\n'
    async with opened(tmp_path, clock, more=more) as gateway:
        assert await sent(gateway, to="+19002345678") == "premium-not-allowed"
        assert await sent(gateway, to="54321") == "short-code-not-allowed"
        assert isinstance(await sent(gateway, to="+19005550100"), Message)
        assert (await sent(gateway, to="12345")).to == "12345"
        threads = []
        for who in ("54321", "+19002345678"):
            got = await gateway.queue.receive("m1", "+15550100100", inbound("hi", who), clock.now())
            threads.append((await gateway.queue.message(got.message)).conversation)
        assert (await gateway.reply(threads[0], "yes?", "agent", "")).origin == Origin.DESK
        with pytest.raises(RequestRefused) as caught:
            await gateway.reply(threads[1], "yes?", "agent", "")
        assert caught.value.code == "premium-not-allowed"


# ---- explaining ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "answer", "step"),
    [
        pytest.param({}, "route", "time", id="good"),
        pytest.param({"class_": "bulk"}, "later", "time", id="quiet hours"),
        pytest.param({"to": to(1)}, "refused", "consent", id="opted out"),
        pytest.param({"to": to(1), "class_": "alarm"}, "route", "time", id="an alarm in spite of it"),
        pytest.param({"to": to(9900)}, "refused", "neighbours", id="pumping"),
        pytest.param({"from_": "m2"}, "refused", "caps", id="cap"),
    ],
)
async def test_explain_says_what_would_be(tmp_path, clock, request_, answer, step):
    """The explanation ends where the text would, with the same link; it promises and stores nothing."""
    m2 = "segments_per_day = 1"
    async with opened(tmp_path, clock, m2=m2, more=QUIET + "[limits]\nneighbours = 2\n") as gateway:
        await sent(gateway, from_="m2")
        for n in (9901, 9902):
            await sent(gateway, n, from_="m1")
        await opt_out(gateway, to(1))
        request = SendRequest(**{"to": to(), "text": "hello", **request_})
        before = await gateway.queue.events_after(0, 1000)
        found = await explain(gateway, request)
        assert (found.answer, found.steps[-1].step) == (answer, step)
        assert await gateway.queue.events_after(0, 1000) == before
        assert not gateway.bounds.ledger._promised
        if answer == "refused":
            with pytest.raises(RequestRefused) as caught:
                await gateway.send(request)
            assert caught.value.code == found.code
        else:
            text = await gateway.send(request)
            assert (text.link, text.parts, text.due) == (found.link, found.segments, found.not_before)


async def opt_out(gateway, number):
    """The person texts STOP."""
    got = await gateway.queue.receive("m1", "+15550100100", inbound("STOP", number), gateway.clock.now())
    (event,) = await gateway.queue.events_after(0, 10, "message.received")
    change = ConsentChange(number=number, action="opt_out", method="keyword", message=got.message)
    thread = (await gateway.queue.message(got.message)).conversation
    reaction = Reaction(event=event.id, message=got.message, conversation=thread, consent=change)
    await gateway.queue.react(reaction, gateway.clock.now())
