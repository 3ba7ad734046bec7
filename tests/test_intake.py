"""The sink of the links on a real queue: what is stored when a call returns, and what a link is told when it is not."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.errors import StoreUnavailable
from smsgwd.intake import Intake
from smsgwd.model import Accepted, LinkState, ReportStatus
from smsgwd.queue import inbound
from smsgwd.queue.sqlite import open_queue
from smsgwd.sms.address import Address
from tests.contract.making import (
    DAY,
    DOUBT,
    HOUR,
    NOW,
    OURS,
    PERMANENT,
    SECOND,
    THEM,
    accept,
    all_messages,
    claim,
    data,
    events,
    kinds,
    part,
    report,
    state,
    uncertain,
)
from tests.helpdesk.worker import Flaky
from tests.queue.plainlink import roster
from tests.queue.storing import sql, storing
from tests.store import StillClock


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    async with open_queue(tmp_path / "q.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def sink(queue, clock):
    """The sink of m1, whose number is known."""
    return Intake(queue, roster(number=OURS["m1"], up=False), clock, {"m1": "modem"})


async def inbox(queue) -> list[tuple[str, str]]:
    """(state, text) of all that came in, oldest first."""
    return [(m.state.value, m.text) for m in reversed(await all_messages(queue, direction="in"))]


# ---- returned means committed --------------------------------------------------------------------------------------


async def test_returned_means_on_disk(sink, tmp_path):
    """When ``received`` returns, somebody else sees the text in the database; only then may the SIM be cleared."""
    await sink.received("m1", part("Hi"))
    with sql(tmp_path / "q.db") as conn:
        assert conn.execute("SELECT peer, ours, text FROM message").fetchall() == [(THEM, OURS["m1"], "Hi")]


@pytest.mark.parametrize("call", ["received", "reported", "settled"])
async def test_store_away_is_told_to_the_link(queue, clock, call):
    """What could not be stored raises: the link does not acknowledge, and gives it again. Then it is stored once."""
    _, attempt = await uncertain(queue)
    verb = {"received": "receive", "reported": "record_report", "settled": "record_result"}[call]
    given_ = {"received": [part("Hi")], "reported": [report("33")], "settled": [attempt, Accepted("33")]}[call]
    flaky = Flaky(queue, **{verb: 1})
    sink = Intake(flaky, roster(), clock, {"m1": "modem"})
    before = await kinds(queue)
    with pytest.raises(StoreUnavailable):
        await getattr(sink, call)("m1", *given_)
    assert await kinds(queue) == before
    await getattr(sink, call)("m1", *given_)
    assert len(await kinds(queue)) > len(before)


# ---- once ----------------------------------------------------------------------------------------------------------


async def test_the_same_pdu_again(queue, sink, clock, tmp_path):
    """A modem that could not delete a text lists it again: it is stored once, and the row counts how often it came.
    After a week the same octets are a new text."""
    for _ in range(3):
        await sink.received("m1", part("Hi"))
    assert await inbox(queue) == [("received", "Hi")]
    with sql(tmp_path / "q.db") as conn:
        assert conn.execute("SELECT seen FROM inbound_part").fetchall() == [(3,)]
    clock.move(7 * DAY / SECOND - 1)
    await sink.received("m1", part("Hi"))
    assert len(await inbox(queue)) == 1
    clock.move(2)
    await sink.received("m1", part("Hi"))
    assert len(await inbox(queue)) == 2


async def test_same_words_at_another_time_are_another_text(queue, sink):
    """Who writes "yes" twice has written twice: the octets differ by the time stamp in them."""
    for stamp in (b"1", b"2"):
        await sink.received("m1", part("yes", raw=b"yes" + stamp))
    assert await inbox(queue) == [("received", "yes")] * 2


async def test_same_pdu_on_another_link(queue, clock):
    """Two SIMs that get the same octets got a text each."""
    sink = Intake(queue, roster("m1", "m2"), clock, {"m1": "modem", "m2": "modem"})
    for link in ("m1", "m2"):
        await sink.received(link, part("Hi"))
    assert len(await inbox(queue)) == 2


# ---- parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
async def test_parts_in_any_order(queue, sink, order):
    """A text comes together from parts in any order, each of which may come twice; rules hear of it once."""
    words = {1: "one ", 2: "two ", 3: "three"}
    for number in order:
        for _ in range(2):
            await sink.received("m1", part(words[number], number, 3))
    assert await inbox(queue) == [("received", "one two three")]
    assert len(await events(queue, "message.received")) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_many_texts_at_once(tmp_path_factory, drawn):
    """Parts of several texts, from several people with the same references, mixed and doubled in any way: each text
    comes out whole and once."""
    texts = {
        (sender, ref): drawn.draw(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4))
        for sender in ("+15550100777", "+15550100888")
        for ref in (1, 2)
    }
    segments = [
        part(words, number, len(parts), ref=ref, sender=sender)
        for (sender, ref), parts in texts.items()
        for number, words in enumerate(parts, 1)
    ]
    order = drawn.draw(st.permutations(segments + drawn.draw(st.lists(st.sampled_from(segments), max_size=5))))
    alone = {}
    for (sender, ref), parts in texts.items():
        if len(parts) == 1:  # a text in one part has no reference: the same octets are the same text
            alone.setdefault((sender, parts[0]), ref)
    wanted = [(s, "".join(p)) for (s, r), p in texts.items() if len(p) > 1 or alone[s, p[0]] == r]
    with storing(tmp_path_factory.mktemp("parts") / "q.db") as store:
        store.conn.execute("PRAGMA synchronous = OFF")
        for segment in order:
            store.run(inbound.receive, "m1", OURS["m1"], _unlike(segment), NOW)
        assert sorted(store.rows("SELECT peer, text FROM message")) == sorted(wanted)


def _unlike(segment):
    """Raw octets of a text in one part do not name its reference."""
    if segment.parts > 1:
        return segment
    return part(segment.payload.decode(), sender=segment.sender.text, raw=segment.sender.text.encode() + segment.payload)


async def test_gap_is_given_up_after_an_hour_and_still_closed(queue, sink, clock):
    """Parts 1 and 3 of 3: nothing for an hour, then a partial text; part 2 that comes much later completes it."""
    await sink.received("m1", part("one ", 1, 3))
    clock.move(1800)
    await sink.received("m1", part("three", 3, 3))
    clock.move(1799)
    assert (await queue.expire(clock.now()), await inbox(queue)) == (0, [])
    clock.move(1)
    assert await queue.expire(clock.now()) == 1
    assert await inbox(queue) == [("partial", "one three")]
    assert (await data(queue, "message.partial"))["came"] == 2
    clock.move(HOUR / SECOND)
    await sink.received("m1", part("two ", 2, 3))
    assert await inbox(queue) == [("received", "one two three")]
    assert (await data(queue, "message.received"))["late"] is True


async def test_reference_used_again(queue, sink):
    """A phone that uses the same reference for its next long text: two texts, not one mixed of both."""
    for words in ("a", "b"):
        for number in (1, 2):
            await sink.received("m1", part(f"{words}{number}", number, 2))
    assert await inbox(queue) == [("received", "a1a2"), ("received", "b1b2")]


@pytest.mark.parametrize(("number", "of"), [(0, 3), (4, 3), (255, 3), (1, 0), (0, 0)])
async def test_part_numbers_that_mean_nothing(queue, sink, number, of):
    """Part 0, or 4 of 3, is a text of its own at once: it waits for nothing and joins nothing."""
    await sink.received("m1", part("one", 1, 3))
    segment = part("strange", raw=b"strange")
    segment = type(segment)(
        raw=b"strange", sender=segment.sender, payload=b"strange", ref=9, ref_bits=8, part=number, parts=of
    )
    await sink.received("m1", segment)
    assert await inbox(queue) == [("received", "strange")]


async def test_255_parts(queue, sink):
    """The longest text there can be comes together, last part first."""
    for number in range(255, 0, -1):
        await sink.received("m1", part(f"{number} ", number, 255))
    assert await inbox(queue) == [("received", "".join(f"{n} " for n in range(1, 256)))]


# ---- what cannot be read -------------------------------------------------------------------------------------------


async def test_undecodable_is_kept_raw(queue, sink, tmp_path):
    """Octets that nobody understands are stored as they came, with an event that says why; no conversation begins, and
    the next text is taken."""
    segment = part("", raw=b"\x00\xff\x13")
    await sink.received("m1", type(segment)(raw=segment.raw, sender=Address(""), fault="TP-UDL runs past the end"))
    await sink.received("m1", part("fine"))
    (event,) = await events(queue, "message.undecodable")
    assert event.data == {"reason": "TP-UDL runs past the end"}
    message = await queue.message(event.message)
    assert (message.state, message.text, message.reason, message.conversation) == (
        "received", "", "TP-UDL runs past the end", "",
    )  # fmt: skip
    with sql(tmp_path / "q.db") as conn:
        assert conn.execute("SELECT raw FROM inbound_part ORDER BY id LIMIT 1").fetchone() == (b"\x00\xff\x13",)
    assert [e.data["from"] for e in await events(queue, "message.received")] == ["+155…77"]


# ---- reports -------------------------------------------------------------------------------------------------------


async def test_report_before_its_answer(queue, sink):
    """A report that overtakes the answer of its attempt is kept, with an event, and counts when the answer comes."""
    message, segment = await accept(queue), await claim(queue)
    await sink.reported("m1", report("42"))
    assert (await kinds(queue))[-1] == "report.orphan"
    await queue.record_result(segment.submission, Accepted("42"), NOW)
    assert await state(queue, message) == "delivered"


async def test_report_of_nobody(queue, sink):
    """A report that fits no text of ours changes nothing and stays to be seen, the number masked."""
    message, segment = await accept(queue), await claim(queue)
    await queue.record_result(segment.submission, Accepted("1"), NOW)
    await sink.reported("m1", report("99", ReportStatus.FAILED, to="+15550109999"))
    assert await state(queue, message) == "sent"
    assert (await data(queue, "report.orphan"))["to"] == "+155…99"


@pytest.mark.parametrize("again", list(ReportStatus))
async def test_second_report(queue, sink, again):
    """A report that comes again, or another one after the end, changes nothing and is no orphan."""
    message, segment = await accept(queue), await claim(queue)
    await queue.record_result(segment.submission, Accepted("1"), NOW)
    await sink.reported("m1", report("1"))
    before = await kinds(queue)
    await sink.reported("m1", report("1", again))
    assert (await state(queue, message), await kinds(queue)) == ("delivered", before)


# ---- late answers and states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("result", "then"), [(Accepted("5"), "sent"), (PERMANENT, "failed")])
async def test_late_answer_settles(queue, sink, result, then):
    """A late answer of the modem settles an uncertain text, either way."""
    message, attempt = await uncertain(queue)
    await sink.settled("m1", attempt, result)
    assert await state(queue, message) == then


async def test_late_answer_of_part_one(queue, sink):
    """A late yes to part 1 of 2: part 2 waits for its lane, and no attempt stays open that nobody works on."""
    message, segment = await accept(queue, "ab", parts=2), await claim(queue)
    await queue.record_result(segment.submission, DOUBT, NOW)
    await sink.settled("m1", segment.submission, Accepted("5"))
    assert await state(queue, message) == "queued"
    assert await queue.recover(NOW) == 0
    assert (await claim(queue)).part == 2


async def test_change_of_a_link(queue, sink):
    """A change is stored with the number and the reason, known to routing, and wakes the lane; said twice it is one
    event."""
    hint = queue.hint("link:m1")
    for _ in range(2):
        await sink.changed("m1", LinkState.UP, "registered")
    (status,) = await queue.links()
    assert (status.state, status.number, status.type, status.reason) == ("up", OURS["m1"], "modem", "registered")
    assert sink.roster.get("m1").up
    assert hint.is_set()
    await sink.changed("m1", LinkState.DOWN, "port lost")
    assert not sink.roster.get("m1").up
    assert await kinds(queue) == ["link.up", "link.down"]


async def test_change_while_the_store_is_away(queue, clock):
    """A change, or a notice, that cannot be stored does not bring the link down; routing knows the change all the same."""
    flaky = Flaky(queue, record_link=1, record_event=1)
    sink = Intake(flaky, roster(up=False), clock, {"m1": "modem"})
    await sink.changed("m1", LinkState.UP, "registered")
    await sink.noticed("m1", "storage.high", used=40, total=50)
    assert sink.roster.get("m1").up
    assert await kinds(queue) == []
    await sink.noticed("m1", "storage.high", used=41, total=50)
    assert await data(queue, "storage.high") == {"used": 41, "total": 50}
