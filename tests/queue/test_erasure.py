"""Erasure of a person: nothing of them is left in any file, what must stay stays, and the audit chain proves it."""

import asyncio
import json

import pytest

from smsgwd import keeping
from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.model import MessageClass, Origin
from smsgwd.queue.interface import MessageFilter, Settled
from smsgwd.queue.privacy.acting import Actor, acting
from smsgwd.queue.privacy.keeping import Keep, Place
from tests.contract.making import (
    DAY,
    NOW,
    accept,
    claim,
    consent,
    counted,
    draft,
    events,
    links_up,
    part,
    reaction,
    received,
    report,
    sent,
    state,
    uncertain,
)
from tests.queue.storing import sql
from tests.store import StillClock, store

#: the person, and words that stand nowhere else
THEM = "+15550100777"
WORDS = "zwetschgenkuchen"
OTHER, OTHERS_WORDS = "+15550100888", "powidltascherl"
CLOCK = StillClock(NOW)


@pytest.fixture
async def queue(tmp_path):
    async with store(tmp_path, CLOCK) as opened:
        await links_up(opened, "modem")
        yield opened


def octets(folder) -> bytes:
    """All files of the store as they lie on the disk."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.name.startswith("smsgwd.db"))


async def life(queue, number: str = THEM, words: str = WORDS) -> None:
    """A bit of everything that a person leaves: texts both ways, in one part and in several, one whose rest never came, keys,
    parameters, a name, tags, a ticket, calls, a report that fits nothing, an opt-out with the words that made it."""
    await queue.owe_events({"support": frozenset({"message.received"})})
    m = await received(queue, f"{words} one", sender=number)
    for i in (2, 1):
        await queue.receive("m1", "+15550100100", part(f"{words} {i}", i, 2, sender=number, ref=7), NOW)
    await queue.receive("m1", "+15550100100", part(f"{words} lost", 1, 2, sender=number, ref=8), NOW)
    await sent(queue, reference=f"ref-{number[-4:]}", text=f"{words} out", to=number, key=f"key-{words}", key_digest="d",
               meta={"case": words}, author="anna", conversation=m.conversation)  # fmt: skip
    await queue.record_report("m1", report("999", to=number, raw=words.encode()), NOW)
    await queue.set_contact(number, name=f"Ada {words}", tags=(words,), now=NOW)
    stop = consent("opt_out", number)
    await queue.react(await reaction(queue, m, tags=(words,), forwards=("support",), consent=stop), NOW)


async def test_nothing_of_the_person_is_left(queue, tmp_path):
    """After an erasure the number and the words are in no file of the store, neither in the database nor in its log; what was
    written to and by others is as it was."""
    await life(queue)
    await life(queue, OTHER, OTHERS_WORDS)
    await queue.settle((await uncertain(queue, to=THEM, text=WORDS, origin=Origin.DESK))[0].id, Settled("fail", "me", WORDS), NOW)
    before = octets(tmp_path)
    assert THEM[1:].encode() in before
    assert WORDS.encode() in before
    proof, log_empty = await keeping.erase(queue, THEM, CLOCK)
    assert log_empty
    after = octets(tmp_path)
    for trace in (THEM[1:], WORDS, "Ada"):
        assert trace.encode() not in after.replace(f"Ada {OTHERS_WORDS}".encode(), b""), trace
    assert OTHER[1:].encode() in after
    assert OTHERS_WORDS.encode() in after
    assert proof.counts["texts"] == 4
    assert proof.counts["parts"] == 4
    assert proof.counts["orphans"] == 1


async def test_secure_delete_is_what_does_it(queue, tmp_path):
    """The control: with secure_delete off the same erasure leaves words in freed places, so the test above can fail."""
    await queue._put(lambda tx: tx.execute("PRAGMA secure_delete = OFF"))
    await life(queue)
    await keeping.erase(queue, THEM, CLOCK)
    assert WORDS.encode() in octets(tmp_path)


async def test_an_old_log_is_what_the_checkpoint_empties(queue, tmp_path):
    """The control: before its checkpoint the log still holds the words; a reader who keeps it is told."""
    await life(queue)
    with sql(tmp_path / "smsgwd.db") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM message").fetchone()
        at: Place | None = Place()
        while at is not None:
            at = (await queue.erase(THEM, at, NOW)).next
        await queue.erased(THEM, {}, NOW)
        assert not await queue.shred()
        assert WORDS.encode() in octets(tmp_path)
    assert await queue.shred()
    assert WORDS.encode() not in octets(tmp_path)


async def test_words_that_are_old_leave_every_file(queue, tmp_path):
    """Retention leaves no more of a text than an erasure: neither words nor raw octets, in the database or its log."""
    await received(queue, WORDS)
    m = await accept(queue, text=WORDS)
    await queue.cancel(m.id, NOW)
    await keeping.purge(queue, Keep(text=DAY, metadata=400 * DAY, events=DAY), NOW + 2 * DAY)
    assert WORDS.encode() not in octets(tmp_path)
    assert (await queue.message(m.id)).to == THEM


async def test_the_proof(queue):
    """The audit chain says who erased, when and how much, names the person by a keyed hash alone, and is whole with what was
    personal in it gone."""
    await life(queue)
    await queue.hold((await accept(queue, to=THEM, origin=Origin.DESK)).id, NOW)
    with acting(Actor("uid:1000", "asked by letter")):
        proof, _ = await keeping.erase(queue, THEM, CLOCK)
    entry = (await queue.audit_entries(proof.audit - 1, 1))[0]
    assert json.loads(entry.body) == {
        "act": "contact.erase", "at": "2027-01-15T08:00:00.000Z", "who": "uid:1000",
        "of": {"person": proof.person, "counts": proof.counts, "opted_out": True},
    }  # fmt: skip
    assert entry.hash.hex() == proof.hash
    assert proof.counts["audit"] == 2  # the name that was set, and the text that was held
    found = await keeping.verify(queue)
    assert (found.broken, found.erased, found.head.seq) == (0, 2, 3)
    assert (await events(queue, "contact.erased"))[-1].data["contact"] == proof.person


async def test_counts_and_states_stay(queue):
    """Statistics are not about persons: daily counts are as they were, and texts keep their states."""
    await life(queue)
    before = await counted(queue)
    proof, _ = await keeping.erase(queue, THEM, CLOCK)
    assert await counted(queue) == before
    left = (await queue.messages(MessageFilter(), "", 100)).items
    assert {m.to if m.direction == "out" else m.from_ for m in left} == {proof.person}
    assert sorted(m.state for m in left) == ["received", "received", "sent"]
    assert all(m.text is None and not m.key and not m.meta for m in left)


async def test_what_waits_is_cancelled_first(queue):
    """Nothing goes to somebody who was erased: queued and held texts are cancelled, even an alarm or an agent's answer."""
    waiting = [
        await accept(queue, to=THEM, **more)
        for more in ({}, {"held": True}, {"due": NOW + DAY}, {"class_": MessageClass.ALARM}, {"origin": Origin.DESK})
    ]
    proof, _ = await keeping.erase(queue, THEM, CLOCK)
    assert [await state(queue, m) for m in waiting] == ["cancelled"] * 5
    assert proof.counts["cancelled"] == 5
    assert await queue.claim("m1", 10, NOW + 2 * DAY) == []


async def test_not_while_a_text_is_on_its_way(queue):
    """A text that a link has in hand keeps its person until it has ended; nothing is erased by halves."""
    await life(queue)
    await accept(queue, to=THEM, origin=Origin.DESK)
    segment = await claim(queue)
    with pytest.raises(Conflict, match="on its way"):
        await keeping.erase(queue, THEM, CLOCK)
    assert (await queue.contact(THEM)).name == f"Ada {WORDS}"
    await queue.unsubmit(segment.submission, "left", NOW)
    await keeping.erase(queue, THEM, CLOCK)


async def test_doubt_stays_doubt(queue):
    """An uncertain text stays uncertain, since nobody knows more now; it can be settled, but its words cannot go again."""
    m, _ = await uncertain(queue, to=THEM)
    await keeping.erase(queue, THEM, CLOCK)
    assert await state(queue, m) == "uncertain"
    with pytest.raises(Conflict, match="not kept any more"):
        await queue.settle(m.id, Settled("resend", "me"), NOW)
    assert (await queue.settle(m.id, Settled("sent", "me"), NOW)).state == "sent"


async def refused(queue, **more) -> bool:
    (answer,) = await queue.accept([draft(to=THEM, **more)], NOW)
    return isinstance(answer, RequestRefused) and answer.code == "opted-out"


async def test_an_opt_out_holds(queue):
    """Who opted out and was erased is still not written to; neither after another text from them, nor another erasure."""
    await life(queue)
    await keeping.erase(queue, THEM, CLOCK)
    assert await refused(queue)
    m = await received(queue, "who is this", sender=THEM)
    assert (await queue.contact(THEM)).consent == "opted_out"
    assert await refused(queue)
    await keeping.erase(queue, THEM, CLOCK)
    assert await refused(queue)
    assert await state(queue, m) == "received"


async def test_an_opt_out_holds_over_a_restart(tmp_path):
    """The hash is on disk, and so is its key."""
    async with store(tmp_path, CLOCK) as queue:
        await life(queue)
        await keeping.erase(queue, THEM, CLOCK)
    async with store(tmp_path, CLOCK) as queue:
        assert await refused(queue)


async def test_who_opts_in_again_is_written_to(queue):
    """START of an erased person ends the old opt-out; the next erasure keeps none."""
    await life(queue)
    await keeping.erase(queue, THEM, CLOCK)
    m = await received(queue, "START", sender=THEM)
    await queue.react(await reaction(queue, m, consent=consent("opt_in", THEM)), NOW)
    assert not await refused(queue)
    proof, _ = await keeping.erase(queue, THEM, CLOCK)
    assert not proof.opted_out
    assert not await refused(queue)


async def test_a_later_text_starts_anew(queue):
    """A text after the erasure is a new contact with a new thread, with nothing of before."""
    await life(queue)
    old = (await queue.messages(MessageFilter(direction="in"), "", 1)).items[0]
    await keeping.erase(queue, THEM, CLOCK)
    m = await received(queue, "hello again", sender=THEM)
    contact, thread = await queue.contact(THEM), await queue.conversation(m.conversation)
    assert (contact.name, contact.tags, thread.tags, thread.tickets) == ("", (), (), {})
    assert m.conversation != old.conversation
    assert [x.id for x in (await queue.messages(MessageFilter(from_=THEM), "", 100)).items] == [m.id]


async def test_a_modem_that_gives_the_text_again(queue):
    """A SIM that kept a text for some days does not bring it back after the erasure."""
    await received(queue, WORDS, sender=THEM)
    await keeping.erase(queue, THEM, CLOCK)
    again = await queue.receive("m1", "+15550100100", part(WORDS, sender=THEM), NOW + DAY)
    assert again.duplicate
    with pytest.raises(NotFound):
        await queue.contact(THEM)


async def test_nobody(queue):
    """Somebody of whom there is nothing is NotFound, and no act; the number is not shown whole."""
    with pytest.raises(NotFound, match=r"\+155…77"):
        await keeping.erase(queue, THEM, CLOCK)
    assert (await queue.audit_head()).seq == 0


async def test_very_many_texts_go_in_small_steps(queue, tmp_path):
    """A person with thousands of texts is erased whole, and other texts are accepted meanwhile."""
    for _ in range(3):
        await queue.accept([draft(WORDS, to=THEM, key="") for _ in range(500)], NOW)
    erasing = asyncio.ensure_future(keeping.erase(queue, THEM, CLOCK))
    others = 0
    while not erasing.done():
        await accept(queue, to=OTHER)
        others += 1
    proof, _ = erasing.result()
    assert (proof.counts["cancelled"], proof.counts["texts"]) == (1500, 1500)
    assert others >= 3
    assert WORDS.encode() not in octets(tmp_path)


async def test_a_text_that_comes_meanwhile_goes_too(queue):
    """The last commit does nothing while texts of the person are left: it is asked for again."""
    await life(queue)
    at: Place | None = Place()
    while at is not None:
        at = (await queue.erase(THEM, at, NOW)).next
    await received(queue, "meanwhile", sender=THEM)
    with pytest.raises(Conflict):
        await queue.erased(THEM, {}, NOW)
    proof, _ = await keeping.erase(queue, THEM, CLOCK)
    assert proof.counts["texts"] == 1


async def test_desks_hear_nothing_of_the_erased(queue):
    """Calls about the person that are still owed, or that were given up, are not made any more."""
    await life(queue)
    assert await queue.owed("support", 100, NOW)
    await keeping.erase(queue, THEM, CLOCK)
    assert await queue.owed("support", 100, NOW) == []
