"""The write paths: every way in which the gateway changes its database, each as a step that a history can take.

A step looks for what it may work on and gives the verbs' coroutines, or nothing when there is nothing to do. The verbs are
those of :class:`smsgwd.queue.interface.Queue`; where it says ``together`` several of them are left at once, so that the
writer puts them in one commit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from smsgwd.model import (
    CONVERSATION,
    MESSAGE,
    OUTBOX,
    SUBMISSION,
    Accepted,
    LinkState,
    ReportStatus,
    public_id,
    row_id,
)
from smsgwd.queue.care import restored
from smsgwd.queue.care.aside import REASON, REPLAY, WAYS
from smsgwd.queue.interface import CallResult, Move, Settled
from smsgwd.queue.privacy.keeping import Keep, Place
from smsgwd.queue.question import Question, Taken, Wording
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import Plan
from tests.contract import making
from tests.powercut.world import HOUR, LINKS, World, together

Work = Awaitable[Any] | None
DESKS = {"support": frozenset({"message.received", "message.sent", "message.failed", "message.delivered"})}


# ---- out -----------------------------------------------------------------------------------------------------------


def accept(w: World) -> Work:
    def one() -> Awaitable[Any]:
        key = {"key": f"k{w.rng.randrange(40)}", "key_digest": "d"} if w.rng.random() < 0.4 else {}
        return w.queue.accept([w.draft(**key) for _ in range(w.rng.choice((1, 1, 4)))], w.now)

    return together(*(one() for _ in range(w.rng.choice((1, 1, 3)))))


def claim(w: World) -> Work:
    link = w.rng.choice(LINKS)
    due = w.value("SELECT 1 FROM message WHERE state = 'queued' AND link = ? AND due <= ?", link, w.now)
    return w.queue.claim(link, w.rng.choice((1, 3)), w.now) if due else None


def _reference(w: World) -> str:
    return str(w.rng.randrange(256))


def _outcome(w: World) -> Any:
    refused = (making.PERMANENT, making.TEMPORARY, making.LINK)
    return w.rng.choice((Accepted(_reference(w)), Accepted(_reference(w)), making.DOUBT, *refused))


def turn(w: World) -> Work:
    link = w.rng.choice(LINKS)
    some = w.in_flight(link)
    results = [(s, _outcome(w)) for s in w.rng.sample(some, min(len(some), 3))]
    return w.queue.turn(link, results, w.rng.choice((0, 1, 3)), w.now) if results else None


def _result(w: World, outcome: Any) -> Work:
    some = w.in_flight()
    chosen = w.rng.sample(some, min(len(some), w.rng.choice((1, 1, 3))))
    return together(*(w.queue.record_result(s, outcome, w.now) for s in chosen)) if chosen else None


def accepted(w: World) -> Work:
    return _result(w, Accepted(_reference(w)))


def refused(w: World) -> Work:
    return _result(w, w.rng.choice((making.PERMANENT, making.TEMPORARY, making.LINK)))


def in_doubt(w: World) -> Work:
    return _result(w, making.DOUBT)


def move(w: World) -> Work:
    """Given back unsent, or over another link."""
    if (some := w.in_flight()) and w.rng.random() < 0.5:
        return w.queue.unsubmit(w.rng.choice(some), "the link ended", w.now)
    message = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'queued' AND done = 0 AND link = 'm1'")
    plan = Plan(w.word(), Alphabet.GSM7)
    return w.queue.reroute([Move(message, "m2", plan, at_once=True)], w.now) if message else None


# ---- reports -------------------------------------------------------------------------------------------------------

_AWAITED = (
    "SELECT s.link, s.reference, m.peer FROM submission s JOIN message m ON m.id = s.message WHERE s.open = 1 AND s.state = "
)


def report(w: World) -> Work:
    """On an accepted attempt, or on one in doubt, which it settles."""
    state = w.rng.choice(("'accepted'", "'accepted'", "'uncertain'"))
    found = w.life.conn.execute(_AWAITED + state).fetchall()
    if not found:
        return None
    link, reference, peer = w.rng.choice(found)
    return w.queue.record_report(link, making.report(reference or "77", w.rng.choice((*ReportStatus,)), peer), w.now)


def orphan(w: World) -> Work:
    """It fits nothing, and is kept."""
    return w.queue.record_report(w.rng.choice(LINKS), making.report(f"x{w.rng.getrandbits(30)}", to="+15550109999"), w.now)


def carrier(w: World) -> Work:
    """Asked about a text that it has, and to take it back or to change its words."""
    sent = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'sent' AND link = 'm1'")
    waits = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'queued' AND done = 0")
    asked = w.life.conn.execute(
        "SELECT s.id, s.message, s.link, s.part, m.parts, s.reference, m.peer, m.ours FROM submission s "
        "JOIN message m ON m.id = s.message WHERE s.state = 'accepted' AND s.open = 1"
    ).fetchall()
    choices: list[Callable[[], Awaitable[Any]]] = []
    if sent:
        taken = Taken(back=tuple(_accepted_of(w, sent)))
        choices += [
            lambda: w.queue.withdraw(sent, w.now),
            lambda: w.queue.withdrawn(sent, taken, w.now),
            lambda: _rewording(w, sent),
        ]
    if w.asked is not None:
        asked_for, w.asked = w.asked, None
        choices.append(lambda: w.queue.reworded(asked_for, "", w.rng.choice(("", "no answer")), w.now))
    if waits and w.rng.random() < 0.3:
        link = w.value("SELECT link FROM message WHERE id = ?", row_id(MESSAGE, waits))
        choices.append(lambda: w.queue.reword(_words(w, waits, link), w.now))
    if asked:
        choices.append(lambda: _answered(w, w.rng.choice(asked)))
    return together(w.rng.choice(choices)()) if choices else None


async def _rewording(w: World, message: str) -> None:
    w.asked = await w.queue.rewording(_words(w, message, "m1"), w.now)


def _words(w: World, message: str, link: str) -> Wording:
    return Wording(message=message, link=link, plan=Plan(w.word(), Alphabet.GSM7))


def _answered(w: World, row: Any) -> Awaitable[Any]:
    id_, message, link, part, parts, reference, to, sender = row
    question = Question(
        submission=public_id(SUBMISSION, id_), message=public_id(MESSAGE, message), link=link, part=part, parts=parts,
        reference=reference, to=to, sender=sender,
    )  # fmt: skip
    return w.queue.record_answer(question, making.report(reference, to=to), "operator", w.now)


def _accepted_of(w: World, message: str) -> list[str]:
    found = w.life.conn.execute("SELECT id FROM submission WHERE state = 'accepted' AND message = ?", (row_id(MESSAGE, message),))
    return [public_id(SUBMISSION, id_) for (id_,) in found.fetchall()]


# ---- in ------------------------------------------------------------------------------------------------------------


def _in(w: World, *args: Any, **more: Any) -> Awaitable[Any]:
    link = w.rng.choice(LINKS)
    return w.queue.receive(link, making.OURS[link], making.part(*args, **more), w.now)


def receive(w: World) -> Work:
    """Whole texts, some of them twice; a call."""
    if w.rng.random() < 0.1:
        return w.queue.called("m1", making.OURS["m1"], w.number(), w.now)
    word = w.word() if w.rng.random() < 0.8 else "again"
    return together(*(_in(w, f"{word} {i}", sender=w.number()) for i in range(w.rng.choice((1, 1, 3)))))


def parts(w: World) -> Work:
    """One part of a text, of few sets, so that some become whole."""
    ref, of = w.rng.randrange(4), 3
    number = w.rng.randrange(1, of + 1)
    return w.queue.receive("m1", making.OURS["m1"], making.part(f"part {number} of {ref}", number, of, ref=ref), w.now)


# ---- what it causes ------------------------------------------------------------------------------------------------


def _react(w: World, **more: Any) -> Work:
    cursor = w.value("SELECT event FROM cursor WHERE name = 'react'") or 0
    found = w.life.conn.execute(
        "SELECT e.id, e.message, m.conversation FROM event e JOIN message m ON m.id = e.message "
        "WHERE e.kind = 'message.received' AND e.id > ? AND m.conversation IS NOT NULL ORDER BY e.id LIMIT 1",
        (cursor,),
    ).fetchone()
    if not found:
        return None
    event, message, conversation = found
    answer = more.pop("answer", False)
    reaction = making.Reaction(
        event=event, message=public_id(MESSAGE, message), conversation=public_id(CONVERSATION, conversation),
        replies=(w.draft(answers=public_id(MESSAGE, message), rule="hello"),) if answer else (), **more,
    )  # fmt: skip
    return w.queue.react(reaction, w.now)


def reply(w: World) -> Work:
    return _react(w, answer=True, rules=("hello",), tags=("greeted",))


def opt_out(w: World) -> Work:
    """It takes back what waits for the number."""
    return _react(w, consent=making.consent(w.rng.choice(("opt_out", "opt_out", "opt_in")), w.number()))


def ticket(w: World) -> Work:
    return _react(w, forwards=("support",), rules=("desk",), tags=("desk",))


def owe(w: World) -> Work:
    """Calls for events that came before the desks were known."""
    behind = (w.value("SELECT max(id) FROM event") or 0) - (w.value("SELECT event FROM cursor WHERE name = 'webhooks'") or 0)
    return w.queue.owe_events(DESKS) if behind else None


def calls(w: World) -> Work:
    """What came of calls; a dead one is tried again."""
    dead = w.pick(OUTBOX, "SELECT id FROM outbox WHERE state = 'dead'")
    if dead and w.rng.random() < 0.3:
        return w.queue.replay(dead, w.now)
    found = w.life.conn.execute("SELECT id FROM outbox WHERE state = 'pending' LIMIT 20").fetchall()
    items = [public_id(OUTBOX, id_) for (id_,) in w.rng.sample(found, min(len(found), 3))]
    results = [
        CallResult(item, w.rng.choice(("done", "retry", "dead")), "502", w.now + 1000, w.rng.choice(("", "T1", "T2")))
        for item in items
    ]
    return w.queue.record_calls(results, w.now) if results else None


# ---- people, the clock, and the rest -------------------------------------------------------------------------------


def operator(w: World) -> Work:
    """cancel, hold, release, retry."""
    queued = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'queued'")
    held = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'held'")
    over = w.pick(MESSAGE, "SELECT id FROM message WHERE direction = 'out' AND state IN ('failed', 'expired', 'cancelled')")
    choices = [(w.queue.cancel, queued), (w.queue.hold, queued), (w.queue.retry, queued), (w.queue.release, held),
               (w.queue.cancel, held), (w.queue.retry, over)]  # fmt: skip
    possible = [(verb, message) for verb, message in choices if message]
    if not possible:
        return None
    verb, message = w.rng.choice(possible)
    return together(verb(message, w.now))


def settle(w: World) -> Work:
    doubtful = w.pick(MESSAGE, "SELECT id FROM message WHERE state = 'uncertain'")
    how = w.rng.choice(("sent", "resend", "fail"))
    return w.queue.settle(doubtful, Settled(how, "operator"), w.now) if doubtful else None


def expire(w: World) -> Work:
    """Validity that ends, parts that never came; a clock that steps."""
    if w.rng.random() < 0.3:
        return w.queue.clock_stepped(w.rng.choice((-HOUR, HOUR)), None, w.now)
    if w.value("SELECT 1 FROM inbound_part WHERE message IS NULL") or w.value("SELECT 1 FROM message WHERE expires > 0"):
        w.now += 2 * HOUR
        return w.queue.expire(w.now)
    return None


def recover(w: World) -> Work:
    """What the first start after a cut does with the attempts that it finds open."""
    return w.queue.recover(w.now) if w.in_flight() else None


def aside(w: World) -> Work:
    """What a restored store does not do by itself, and how it is let go."""
    held = w.value("SELECT 1 FROM message WHERE state = 'held' AND reason = ?", REASON)
    dead = w.value("SELECT 1 FROM outbox WHERE state = 'dead' AND reason = ?", REASON)
    if not (held or dead):
        return _put_aside(w)
    return w.queue.let_go(w.rng.choice(WAYS[:2]) if held else REPLAY, 0, 3, w.now)


async def _put_aside(w: World) -> None:
    await w.life.writer.put(restored.put_aside, w.now)


def keep(w: World) -> Work:
    """Retention, and the erasure of a person; both go on from commit to commit."""
    if w.erasing is not None:
        number, place = w.erasing
        return _erase(w, number, place) if place is not None else _erased(w, number)
    choices: list[Callable[[], Awaitable[Any]]] = [
        lambda: w.queue.purge(Keep(text=HOUR, metadata=HOUR, events=HOUR), Place(w.rng.randrange(8)), w.now, True),
        lambda: w.queue.purged({"texts": 1}, Keep(text=HOUR, metadata=HOUR, events=HOUR), w.now),
        lambda: _erase(w, w.number(), Place()),
        lambda: _erase(w, w.number(), Place()),
        lambda: w.queue.record_act("restore", w.now, {"what": "noted"}),
        lambda: w.queue.shred(),
    ]
    if w.rng.random() < 0.3:
        w.now += 20 * making.DAY
    return together(w.rng.choice(choices)())


async def _erase(w: World, number: str, place: Place) -> None:
    w.erasing = None
    batch = await w.queue.erase(number, place, w.now)
    w.erasing = (number, batch.next)


async def _erased(w: World, number: str) -> None:
    w.erasing = None
    await w.queue.erased(number, {"texts": 1}, w.now)


def nouns(w: World) -> Work:
    """Links, contacts, conversations, tokens, notes, events, cursors."""
    link, thread = w.rng.choice(LINKS), w.pick(CONVERSATION, "SELECT id FROM conversation WHERE state = 'open'")
    live = w.value("SELECT id FROM token WHERE revoked = 0")
    choices: list[Callable[[], Awaitable[Any]]] = [
        lambda: w.queue.record_link(link, "modem", making.OURS[link], w.rng.choice((*LinkState,)), w.word(), w.now),
        lambda: w.queue.pause_link(link, False, w.now),
        lambda: w.queue.accept_device(link, w.now),
        lambda: w.queue.remember(f"sim {link}", w.word()),
        lambda: w.queue.set_contact(w.number(), name=w.word(), tags=("vip",), now=w.now),
        lambda: w.queue.record_event("link.notice", w.now, {"what": "noted"}, link=link),
        lambda: w.queue.skip("reader", w.value("SELECT coalesce(max(id), 0) FROM event")),
        lambda: w.queue.add_token(w.rng.randbytes(32), ("admin",), w.now),
    ]
    if thread:
        choices.append(lambda: w.queue.close_conversation(thread, w.now))
    if live:
        choices.append(lambda: w.queue.revoke_token(public_id("tok", live), w.now))
    return together(w.rng.choice(choices)())


def several(w: World) -> Work:
    """Verbs of many kinds in one commit, as in life."""
    work = [step(w) for step in w.rng.sample((accept, claim, accepted, receive, orphan, nouns), 4)]
    return together(*(some for some in work if some is not None))


@dataclass(frozen=True)
class Path:
    """A write path, with the verbs that it is about."""

    step: Callable[[World], Work]
    verbs: tuple[str, ...]


PATHS: dict[str, Path] = {
    "accept": Path(accept, ("outbound.accept",)),
    "claim": Path(claim, ("submitting.claim",)),
    "turn": Path(turn, ("submitting.turn",)),
    "accepted": Path(accepted, ("submitting.record_result",)),
    "refused": Path(refused, ("submitting.record_result",)),
    "in doubt": Path(in_doubt, ("submitting.record_result",)),
    "move": Path(move, ("submitting.unsubmit", "submitting.reroute")),
    "report": Path(report, ("reports.record_report",)),
    "orphan": Path(orphan, ("reports.record_report",)),
    "carrier": Path(
        carrier, ("asking.record_answer", "asking.withdraw", "asking.withdrawn", "wording.reword", "wording.rewording", "wording.reworded")
    ),
    "receive": Path(receive, ("inbound.receive", "inbound.called")),
    "parts": Path(parts, ("inbound.receive",)),
    "reply": Path(reply, ("reactions.react",)),
    "opt-out": Path(opt_out, ("reactions.react",)),
    "ticket": Path(ticket, ("reactions.react",)),
    "owe": Path(owe, ("owing.owe_events",)),
    "calls": Path(calls, ("owing.record_calls", "owing.replay")),
    "operator": Path(operator, ("outbound.cancel", "outbound.hold", "outbound.release", "outbound.retry")),
    "settle": Path(settle, ("outbound.settle",)),
    "expire": Path(expire, ("expiry.expire", "stepping.clock_stepped")),
    "recover": Path(recover, ("submitting.recover",)),
    "aside": Path(aside, ("restored.put_aside", "restored.let_go")),
    "keep": Path(
        keep,
        ("retention.purge", "acts.purged", "erasure.erase", "acts.erased", "acts.note", "shredding.shred"),
    ),
    "nouns": Path(
        nouns,
        (
            "links.record_link", "links.pause_link", "links.accept_device", "links.remember", "links.record_event",
            "links.skip", "contacts.set_contact", "tokens.add_token", "tokens.revoke_token", "reactions.close_conversation",
        ),
    ),
    "several": Path(several, ("outbound.accept", "inbound.receive", "submitting.claim")),
}  # fmt: skip
#: how a history begins: something is sent, something came in
FIRST = ("accept", "accept", "claim", "accept", "claim", "accepted", "receive", "claim", "accepted")
#: what it does so that there is something to work on, more often than the rest
USUAL = ("accept", "accept", "claim", "accepted", "receive", "in doubt", "parts", "report", "refused", "ticket", "nouns")
#: … and what it never does unless it is about that
SELDOM = ("aside", "keep")
