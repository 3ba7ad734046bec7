"""The outbound worker on a real queue: what goes to the link, in which order, how often, and what is recorded of it."""

import asyncio

import pytest

from smsgwd import dispatch
from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError, Uncertain
from smsgwd.model import Accepted, MessageClass
from smsgwd.queue.interface import Move
from smsgwd.queue.sqlite import Limits, open_queue
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import split
from tests.contract.making import HOUR, LINK, NOW, PERMANENT, SECOND, TEMPORARY, accept, kinds, state
from tests.helpdesk.worker import Flaky, until
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster
from tests.store import StillClock

SILENCE = Uncertain("no answer in 75 s")


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    limits = Limits(policies={"alarm": "retry", "bulk": "assume-sent"})
    async with open_queue(tmp_path / "q.db", clock=clock, limits=limits) as opened:
        yield opened


async def submissions(queue, message) -> list[str]:
    return [s.state.value for s in await queue.submissions(message.id)]


# ---- order ---------------------------------------------------------------------------------------------------------


async def test_intent_is_on_disk_when_the_link_is_asked(queue, clock):
    """When the link gets a segment, its Submission is committed; when it has answered, so is the answer."""
    link, message = PlainLink(), await accept(queue)
    link.gate.clear()
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        assert await submissions(queue, message) == ["in_flight"]
        link.gate.set()
        await reaches(queue, message, "sent")
    assert await submissions(queue, message) == ["accepted"]


@pytest.mark.parametrize("window", [1, 4])
async def test_parts_go_in_order_on_one_link_with_one_reference(queue, clock, window):
    """Parts of one text are never on the wire together, whatever the window; other texts go beside them."""
    link = PlainLink(window=window)
    long, others = await accept(queue, "abc", parts=3), [await accept(queue, str(n)) for n in range(5)]
    async with lanes(queue, clock, [link], roster()):
        for message in (long, *others):
            await reaches(queue, message, "sent")
    mine = [s for s in link.segments if s.message == long.id]
    assert [(s.part, s.parts, s.text) for s in mine] == [(1, 3, "a"), (2, 3, "b"), (3, 3, "c")]
    assert len({s.ref for s in mine}) == 1
    assert link.most <= window


async def test_window_is_filled_and_kept(queue, clock):
    """As many segments as the window allows are under way at once, never more."""
    link = PlainLink(window=3)
    link.gate.clear()
    messages = [await accept(queue, str(n)) for n in range(8)]
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.under_way == 3)
        await quiet()
        assert link.under_way == 3
        link.gate.set()
        for message in messages:
            await reaches(queue, message, "sent")
    assert (link.most, sorted(link.texts)) == (3, [str(n) for n in range(8)])


async def test_alarm_overtakes(queue, clock):
    """An alarm that comes while texts wait is the next one to go."""
    link = PlainLink()
    link.gate.clear()
    for n in range(3):
        await accept(queue, str(n))
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        await accept(queue, "fire", class_=MessageClass.ALARM)
        link.gate.set()
        await until(lambda: len(link.segments) == 4)
    assert link.texts == ["0", "fire", "1", "2"]


async def test_each_link_carries_its_own(queue, clock):
    """Several links work side by side, each on the texts that were routed to it; a silent one keeps no other waiting."""
    one, two = PlainLink("m1"), PlainLink("m2")
    one.gate.clear()
    stuck, free = await accept(queue, "one"), [await accept(queue, str(n), link="m2") for n in range(3)]
    async with lanes(queue, clock, [one, two], roster("m1", "m2")):
        for message in free:
            await reaches(queue, message, "sent")
        assert await state(queue, stuck) == "sending"
        one.gate.set()
    assert (one.texts, two.texts) == (["one"], ["0", "1", "2"])


@pytest.mark.parametrize("texts", [0, 1, 7])
async def test_idle_lane_asks_nothing(queue, clock, monkeypatch, texts):
    """A lane with nothing to do leaves the store alone: a turn for what came, one that found nothing, and no more."""
    turns = []
    real = queue.turn

    async def counted(link, results, room, now):
        turns.append((len(results), room))
        return await real(link, results, room, now)

    monkeypatch.setattr(queue, "turn", counted)
    link = PlainLink(window=3)
    stored = [await accept(queue, str(n)) for n in range(texts)]
    async with lanes(queue, clock, [link], roster()):
        for message in stored:
            await reaches(queue, message, "sent")
        await quiet()
        before = len(turns)
        for _ in range(20):
            await quiet()
        assert len(turns) == before <= 2 * texts + 2


@pytest.mark.parametrize("apart", range(6))
async def test_text_that_comes_while_a_claim_is_under_way(queue, clock, apart):
    """A text that is committed together with a claim that did not see it, or right behind it, goes out all the same."""
    link = PlainLink(window=3)
    async with lanes(queue, clock, [link], roster()):
        for n in range(8):
            stored = [asyncio.create_task(accept(queue, f"{n} a"))]
            for _ in range(apart):
                await asyncio.sleep(0)
            stored.append(asyncio.create_task(accept(queue, f"{n} b")))
            async with asyncio.timeout(2):
                for message in stored:
                    await reaches(queue, await message, "sent")
    assert sorted(link.texts) == sorted(f"{n} {x}" for n in range(8) for x in "ab")


async def test_new_text_wakes_the_lane(queue, clock):
    """A lane that has nothing to do takes a text at once when it is accepted, by its hint, not by polling."""
    link = PlainLink()
    async with lanes(queue, clock, [link], roster()):
        await quiet()
        message = await accept(queue)
        async with asyncio.timeout(1):
            await reaches(queue, message, "sent")


# ---- refusals and silence ------------------------------------------------------------------------------------------


async def test_refused_part_stops_the_rest(queue, clock):
    """A definite refusal of part 2: part 3 never goes, the text has failed, and the reason says what went."""
    link, message = PlainLink(answers=[Accepted("1"), PERMANENT]), await accept(queue, "abc", parts=3)
    async with lanes(queue, clock, [link], roster()):
        await reaches(queue, message, "failed")
        await quiet()
    assert link.texts == ["a", "b"]
    assert "part 1 of 3 went" in (await queue.message(message.id)).reason


async def test_refused_for_now_backs_off_and_ends(queue, clock):
    """A temporary refusal is not tried again before its time; after the last try the text has failed."""
    link, message = PlainLink(answers=[TEMPORARY] * 20), await accept(queue)
    async with lanes(queue, clock, [link], roster()):
        for tries in range(1, 9):
            await until(lambda tries=tries: len(link.segments) == tries)
            await reaches(queue, message, "queued" if tries < 8 else "failed")
            clock.move(29)
            queue.poke("link:m1")
            await quiet()
            assert len(link.segments) == tries
            clock.move(3600)
            queue.poke("link:m1")
        await quiet()
    assert len(link.segments) == 8


async def test_due_by_the_clock_alone(tmp_path):
    """A text that falls due wakes its lane without a hint."""
    clock = SystemClock()
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        link = PlainLink()
        async with lanes(queue, clock, [link], roster()):
            now = clock.now()
            message = await accept(queue, due=now + 60, now=now)
            await reaches(queue, message, "sent")
        assert (await queue.submissions(message.id))[0].at >= now + 60


@pytest.mark.parametrize(
    ("class_", "then", "times"),
    [
        pytest.param(MessageClass.NORMAL, "uncertain", 1, id="hold"),
        pytest.param(MessageClass.ALARM, "sent", 2, id="retry"),
        pytest.param(MessageClass.BULK, "sent", 1, id="assume-sent"),
    ],
)
async def test_silence_by_the_policy_of_its_class(queue, clock, class_, then, times):
    """No answer: held for a person, sent again, or taken as sent, as the class says; how often it went is exact."""
    link, message = PlainLink(answers=[SILENCE]), await accept(queue, class_=class_)
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        await quiet()
        clock.move(3600)
        queue.poke("link:m1")
        await reaches(queue, message, then)
        clock.move(86_400)
        queue.poke("link:m1")
        await quiet()
    assert len(link.segments) == times


async def test_silence_holds_only_its_part(queue, clock):
    """Part 2 of 3 is in doubt: part 3 does not go; other texts do."""
    link, long = PlainLink(answers=[Accepted("1"), SILENCE]), await accept(queue, "abc", parts=3)
    async with lanes(queue, clock, [link], roster()):
        await reaches(queue, long, "uncertain")
        await reaches(queue, await accept(queue, "other"), "sent")
    assert link.texts == ["a", "b", "other"]
    assert [s.state for s in (await queue.message(long.id)).segments] == ["accepted", "uncertain", "queued"]


async def test_validity_runs_out_while_it_waits(queue, clock):
    """A text whose validity ends behind others is not sent any more; the network is told how long is left of others."""
    link = PlainLink()
    link.gate.clear()
    first, short = await accept(queue, "first"), await accept(queue, "short", expires=NOW + 60 * SECOND)
    late = await accept(queue, "late", expires=NOW + HOUR)
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        clock.move(60)
        link.gate.set()
        await reaches(queue, late, "sent")
    assert [await state(queue, m) for m in (first, short, late)] == ["sent", "expired", "sent"]
    assert [(s.text, s.validity) for s in link.segments] == [("first", 0), ("late", 3540)]


async def test_links_own_refusal_waits(queue, clock):
    """A refusal that is the link's fault does not count as a try and is not repeated at once."""
    link, message = PlainLink(answers=[LINK]), await accept(queue)
    async with lanes(queue, clock, [link], roster()):
        await reaches(queue, message, "queued")
        await quiet()
        assert len(link.segments) == 1
        clock.move(60)
        queue.poke("link:m1")
        await reaches(queue, message, "sent")
    assert (await queue.message(message.id)).attempts == 1


# ---- links that leave ----------------------------------------------------------------------------------------------


async def test_link_breaks_before_the_wire(queue, clock, monkeypatch):
    """The link broke before a byte was written: the text goes again from its place, and the try is not counted."""
    monkeypatch.setattr(dispatch, "BROKE_PAUSE", 0.02)
    link, message = PlainLink(answers=[LinkError("port lost")]), await accept(queue)
    await accept(queue, "second")
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        await quiet()
        clock.move(dispatch.BROKE_PAUSE)
        await until(lambda: len(link.segments) == 3)
        await reaches(queue, message, "sent")
    assert (link.texts, (await queue.message(message.id)).attempts) == (["Hello", "Hello", "second"], 1)
    assert await submissions(queue, message) == ["refused", "accepted"]


async def test_link_that_breaks_at_every_try_is_not_flooded(queue, clock):
    """A link that refuses to work while the roster still calls it up is asked once, not in a circle."""
    link = PlainLink(answers=[LinkError("gone")] * 1000)
    await accept(queue)
    async with lanes(queue, clock, [link], roster()):
        await until(lambda: link.segments)
        await quiet()
    assert len(link.segments) == 1


async def test_pauses_of_a_link_that_breaks_at_every_try_grow(queue, clock, monkeypatch):
    """Called up by the roster and broken at each text: it is asked again after 1, 2, 4 and 8 pauses, not in a circle."""
    monkeypatch.setattr(dispatch, "BROKE_PAUSE", 0.02)
    link = PlainLink(answers=[LinkError("gone")] * 4)
    await accept(queue)
    async with lanes(queue, clock, [link], roster()):
        for tries, pauses in enumerate((1, 2, 4, 8), 1):
            await until(lambda n=tries: len(link.segments) == n)
            await quiet()
            clock.move(0.02 * pauses - 0.01)
            await quiet()
            assert len(link.segments) == tries
            clock.move(0.011)
        await until(lambda: len(link.segments) == 5)


async def test_link_leaves_between_two_parts(queue, clock):
    """The link leaves after part 1: part 2 goes back unsent and follows when the link is there again, on that link."""
    route = roster("m1", "m2")
    link, other = PlainLink(), PlainLink("m2")
    message = await accept(queue, "ab", parts=2)
    link.answers.append(lambda: route.note("m1", up=False) or Accepted("1"))
    async with lanes(queue, clock, [link, other], route):
        await reaches(queue, message, "queued")
        clock.move(3600)
        queue.poke("link:m1")
        await quiet()
        assert (link.texts, other.texts) == (["a"], [])
        route.note("m1", up=True)
        queue.poke("link:m1")
        await reaches(queue, message, "sent")
    assert [(s.part, s.text) for s in link.segments] == [(1, "a"), (2, "b")]
    assert len({s.ref for s in link.segments}) == 1


async def test_nothing_is_claimed_while_the_link_is_down(queue, clock):
    """A link that is down, or paused, gets nothing; when it is there again it does."""
    route, link = roster(up=False), PlainLink()
    message = await accept(queue)
    async with lanes(queue, clock, [link], route):
        await quiet()
        assert link.segments == []
        route.note("m1", up=True)
        queue.poke("link:m1")
        await reaches(queue, message, "sent")


async def test_texts_move_after_the_grace(queue, clock):
    """A link that stays away: after a minute its texts go by another one, except those that name their sender."""
    one, two, route = PlainLink("m1"), PlainLink("m2"), roster("m1", "m2")
    route.note("m1", up=False)
    free, pinned = await accept(queue, "free"), await accept(queue, "pinned", pinned=True)
    async with lanes(queue, clock, [one, two], route):
        await quiet()
        clock.move(dispatch.GRACE - 1)
        queue.poke("link:m1")
        await quiet()
        assert (await state(queue, free), two.texts) == ("queued", [])
        clock.move(1)
        queue.poke("link:m1")
        await reaches(queue, free, "sent")
    assert (two.texts, await state(queue, pinned)) == (["free"], "queued")
    assert "message.rerouted" in await kinds(queue, free)


async def test_texts_move_as_the_other_link_sends_them(queue, clock):
    """A text is planned anew for the link that it moves to; one that may not go there stays."""
    one, two, route = PlainLink("m1"), PlainLink("m2"), roster("m1", "m2")
    route.note("m1", up=False)
    good, long = await accept(queue, "good"), await accept(queue, "long")

    def replan(message, link):
        plan = split(f"{message.text} by {link}", alphabet=Alphabet.UCS2)
        return Move(message.id, link, plan) if message.text == "good" else None

    async with lanes(queue, clock, [one, two], route, replan=replan):
        await quiet()
        clock.move(dispatch.GRACE)
        queue.poke("link:m1")
        await reaches(queue, good, "sent")
        assert await state(queue, long) == "queued"
    assert [(s.text, s.alphabet) for s in two.segments] == [("good by m2", Alphabet.UCS2)]


async def test_nothing_is_read_when_there_is_nowhere_to_go(queue, clock):
    """With no other link up, a dead link's lane reads no texts for moving, however many are accepted."""
    flaky = Flaky(queue, waiting=10**9)
    link = PlainLink()
    async with lanes(flaky, clock, [link], roster("m1", "m2", up=False)):
        clock.move(3600)
        for n in range(5):
            await accept(queue, str(n))
            await quiet()
    assert flaky.times["waiting"] == 10**9


async def test_paused_by_an_operator_stays_where_it_is(queue, clock):
    """A paused link that is up keeps its texts: pausing is no failure."""
    one, two, route = PlainLink("m1"), PlainLink("m2"), roster("m1", "m2")
    route.note("m1", paused=True)
    message = await accept(queue)
    async with lanes(queue, clock, [one, two], route):
        await quiet()
        clock.move(3600)
        queue.poke("link:m1")
        await quiet()
    assert (await state(queue, message), one.texts, two.texts) == ("queued", [], [])
