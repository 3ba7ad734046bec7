"""What people ask for: accept, cancel, hold, release, retry, settle."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from smsgwd.errors import Conflict, NotFound, RequestRefused, SmsgwdError
from smsgwd.events import masked
from smsgwd.model import (
    CONVERSATION,
    MESSAGE,
    PRIORITY,
    Direction,
    Draft,
    Message,
    MessageClass,
    MessageState,
    Origin,
    SegmentState,
    public_id,
    row_id,
)
from smsgwd.queue import doubt, policies, rows, together
from smsgwd.queue.interface import Settled
from smsgwd.queue.known import ATTEMPT_COLUMNS, Attempt, Row
from smsgwd.queue.privacy import persons
from smsgwd.queue.progress import part_accepted
from smsgwd.queue.states import M, S, conclude, finish, load, requeue, tell
from smsgwd.queue.transaction import Transaction

_INSERT = together.insert(
    "message",
    "id, direction, state, priority, link, peer, ours, class, text, encoding, locking, single, parts, cuts, ref, done, flash, "
    "report, pinned, due, expires, attempts, duplicate, origin, key, key_digest, callback, conversation, answers, rule, "
    "author, reason, created, updated, schedule, meta, token, uncertain",
    "(?, 'out', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
)
_PERSON = (
    "(SELECT consent FROM contact WHERE number = {number}), "
    "(SELECT id FROM conversation WHERE contact = {number} AND link = {link} AND state = 'open')"
)
_ONE = "SELECT " + _PERSON.format(number="?1", link="?2")
_MANY = together.array(_PERSON.format(number="value ->> 0", link="value ->> 1"), "FROM json_each(?)")


_KNOWN = "SELECT id, key_digest FROM message WHERE key = ? AND key <> ''"
_USED = together.array("key", "FROM message WHERE key IN (SELECT value FROM json_each(?)) AND key <> ''")
_ONE_PART = (SegmentState(part=1, parts=1, state="queued"),)


def look(tx: Transaction, calls: Sequence[tuple[Any, ...]]) -> None:
    """Reads for several :func:`accept` what each wants to know of the recipients of its drafts, and whether their keys are
    known."""
    keys = [draft.key for drafts, _ in calls for draft in drafts if draft.key]
    used = {key for (key,) in together.lines(tx.apart(_USED, (rows.encode(keys).decode(),)))} if keys else set()
    people = list({(draft.to, draft.link): None for drafts, _ in calls for draft in drafts})
    found = together.lines(tx.apart(_MANY, (rows.encode(people).decode(),)))
    tx.ahead.keep(accept, {**dict(zip(people, found, strict=True)), **{key: key in used for key in keys}}, apart=True)


def accept(tx: Transaction, drafts: Sequence[Draft], now: int) -> list[Message | SmsgwdError]:
    """See :meth:`smsgwd.queue.interface.Queue.accept`."""
    answers: list[Message | SmsgwdError] = []
    for draft in drafts:
        try:
            known = same_key(tx, draft) if draft.key else None
            answers.append(known or insert(tx, draft, now))
        except SmsgwdError as e:  # checked before anything of this draft was written
            answers.append(e)
    return answers


def same_key(tx: Transaction, draft: Draft) -> Message | None:
    """The message that was accepted under the same key; Conflict when the request was another one."""
    if draft.key not in tx.keys:  # no text of this batch has it, so nothing that was put off matters
        seen = tx.ahead.seen(accept)
        if not (seen[draft.key] if draft.key in seen else tx.apart(_KNOWN, (draft.key,)).fetchone()):
            tx.keys.add(draft.key)
            return None
    return known(tx.conn, draft.key, draft.key_digest)


def known(conn: sqlite3.Connection, key: str, digest: str) -> Message | None:
    """See :meth:`smsgwd.queue.interface.Queue.known`."""
    row = conn.execute(_KNOWN, (key,)).fetchone()
    if row is None:
        return None
    if row[1] != digest:
        raise Conflict("this idempotency key was used with another request")
    return rows.message(conn, row[0])


def insert(tx: Transaction, draft: Draft, now: int) -> Message:
    """Stores one draft, with its event."""
    person = draft.to, draft.link
    consent, thread = tx.ahead.seen(accept).get(person) or tx.apart(_ONE, person).fetchone()
    _check(tx, draft, consent)
    answers = row_id(MESSAGE, draft.answers) if draft.answers else None
    conversation = _named(tx, draft, now) if draft.conversation else thread
    id_ = tx.ids.next(now)
    state = M.HELD if draft.held else M.QUEUED
    class_, encoding, origin, parts = draft.class_._value_, draft.alphabet._value_, draft.origin._value_, len(draft.cuts)
    due = draft.due if draft.due > now else 0  # 0 = at once: no step of the clock puts it off
    cuts, ref = ("", 0) if parts == 1 else (",".join(map(str, draft.cuts)), next_ref(tx, draft.to, id_))
    meta = rows.encode(draft.meta).decode() if draft.meta else ""
    tx.defer(
        _INSERT, id_,
        (
            id_, state._value_, PRIORITY[draft.class_]._value_, draft.link, draft.to, draft.sender, class_, draft.text,
            encoding, draft.locking, draft.single, parts, cuts, ref, draft.flash, draft.report, draft.pinned, due, draft.expires,
            origin, draft.key, draft.key_digest, draft.callback, conversation, answers, draft.rule, draft.author, draft.waits, now, now,
            draft.schedule, meta, draft.token, draft.uncertain,
        ),
    )  # fmt: skip
    if state is M.QUEUED and not due:  # a link will take it soon
        tx.known.keep(Row(
            id_, "out", "queued", draft.link, draft.to, class_, parts, 0, 0, 0, draft.expires, draft.report, 0, draft.pinned,
            origin, draft.callback, draft.waits, (
                draft.text, cuts, encoding, draft.locking, draft.single, ref, draft.flash, draft.sender, draft.schedule, meta,
            ),
        ))  # fmt: skip
    extra = {"callback": draft.callback} if draft.callback else {}
    if draft.held:
        extra["held"] = "yes"
    if draft.waits:
        extra["waits"] = draft.waits
    tx.event(
        "message.accepted", now, id_, draft.link,
        to=masked(draft.to), **{"class": class_}, parts=parts, origin=origin, **extra,
    )  # fmt: skip
    tx.count(now, draft.link, "out", class_, "accepted", parts)
    tx.spend(now, draft.link, draft.token, draft.to, parts, draft)
    tx.topics.add(f"link:{draft.link}")
    return Message(
        id=public_id(MESSAGE, id_), direction=Direction.OUT, state=state, to=draft.to, from_=draft.sender or _number(tx, draft.link),
        text=draft.text, class_=draft.class_, link=draft.link, created=now, updated=now, encoding=draft.alphabet,
        parts=parts, due=due, expires=draft.expires, origin=origin, key=draft.key, reason=draft.waits,
        conversation=public_id(CONVERSATION, conversation) if conversation else "", answers=draft.answers,
        rule=draft.rule, author=draft.author, meta=draft.meta, uncertain=draft.uncertain,
        segments=_ONE_PART if parts == 1 else tuple(
            SegmentState(part=i, parts=parts, state="queued") for i in range(1, parts + 1)
        ),
    )  # fmt: skip


def _check(tx: Transaction, draft: Draft, consent: str | None) -> None:
    """Refuses what must not be stored, before anything is written."""
    if not draft.text.isascii():
        try:
            draft.text.encode()
        except UnicodeEncodeError:
            raise RequestRefused("invalid-text", "the text holds half of a surrogate pair") from None
    exempt = draft.origin in (Origin.DESK, Origin.CONSENT) or draft.class_ == MessageClass.ALARM
    if not exempt and (persons.consent_of(tx, draft.to) if consent is None else consent) == "opted_out":
        raise RequestRefused("opted-out", f"{masked(draft.to)} opted out of texts")
    if draft.answers and draft.rule and answered(tx, draft):
        raise Conflict("this rule answered that text already")


def answered(tx: Transaction, draft: Draft) -> bool:
    """True when the rule of this draft has answered the same text before."""
    found = tx.execute(
        "SELECT 1 FROM message WHERE answers = ? AND rule = ? AND answers IS NOT NULL AND rule <> ''",
        (row_id(MESSAGE, draft.answers), draft.rule),
    )
    return found.fetchone() is not None


def _named(tx: Transaction, draft: Draft, now: int) -> int:
    """The conversation that a draft names; it goes on now."""
    id_ = row_id(CONVERSATION, draft.conversation)
    if tx.apart("UPDATE conversation SET updated = ? WHERE id = ?", (now, id_)).rowcount == 0:
        raise NotFound(f"there is no conversation {draft.conversation}")
    return id_


def _number(tx: Transaction, link: str) -> str:
    """Our number on a link."""
    return tx.fact(f"number {link}", "SELECT number FROM link WHERE name = ?", link) or ""


def next_ref(tx: Transaction, peer: str, id_: int) -> int:
    """A concatenation reference that this person's phone has not seen for the last 255 long texts."""
    last = tx.execute(
        "SELECT ref FROM (SELECT id, ref, parts, direction FROM message WHERE peer = ? ORDER BY id DESC LIMIT 50) "
        "WHERE parts > 1 AND direction = 'out' ORDER BY id DESC LIMIT 1",
        (peer,),
    ).fetchone()
    return (last[0] + 1 if last else id_ >> 20) & 0xFF


def _of(tx: Transaction, message: str) -> Row:
    m = load(tx, row_id(MESSAGE, message))
    if m.direction != "out":
        raise Conflict(f"{message} is an inbound text")
    return m


def _must_be(m: Row, verb: str, *states: MessageState) -> None:
    if m.state not in states:
        raise Conflict(f"{public_id(MESSAGE, m.id)} is {m.state}; it cannot be {verb}")


def cancel(tx: Transaction, message: str, now: int) -> Message:
    """See :meth:`smsgwd.queue.interface.Queue.cancel`."""
    m = _of(tx, message)
    _must_be(m, "cancelled", M.QUEUED, M.HELD)
    if tx.execute("SELECT 1 FROM submission WHERE message = ? AND state <> 'refused'", (m.id,)).fetchone():
        raise Conflict(f"{message} went to the network already, or part of it")
    finish(tx, m, M.CANCELLED, now)
    return rows.message(tx.conn, m.id)


def hold(tx: Transaction, message: str, now: int) -> Message:
    """queued -> held."""
    m = _of(tx, message)
    _must_be(m, "held", M.QUEUED)
    finish(tx, m, M.HELD, now)
    return rows.message(tx.conn, m.id)


def release(tx: Transaction, message: str, now: int) -> Message:
    """held -> queued."""
    m = _of(tx, message)
    _must_be(m, "released", M.HELD)
    requeue(tx, m, m.due, now)
    tell(tx, m, "message.released", now)
    return rows.message(tx.conn, m.id)


def retry(tx: Transaction, message: str, now: int) -> Message:
    """See :meth:`smsgwd.queue.interface.Queue.retry`."""
    m = _of(tx, message)
    _must_be(m, "tried again", M.QUEUED, M.FAILED, M.EXPIRED, M.CANCELLED)
    if m.state != M.QUEUED:
        return insert(tx, _copy(tx.conn, m, now), now)
    tx.execute("UPDATE message SET due = 0, updated = ? WHERE id = ?", (now, m.id))
    tell(tx, m, "message.retry", now, by="operator")
    tx.hint(f"link:{m.link}")
    return rows.message(tx.conn, m.id)


def _copy(conn: sqlite3.Connection, m: Row, now: int) -> Draft:
    """A draft with everything of an ended text but its key; it may wait as long as the first one might."""
    draft, created = rows.draft(conn, m.id)
    if draft is None:
        raise Conflict(f"the text of {public_id(MESSAGE, m.id)} is not kept any more")
    expires = now + (m.expires - created) if m.expires else 0
    return msgspec.structs.replace(draft, expires=expires)


def settle(tx: Transaction, message: str, decision: Settled, now: int) -> Message:
    """See :meth:`smsgwd.queue.interface.Queue.settle`. After ``resend`` or ``fail`` the old attempt stays uncertain: it
    is what nobody knows."""
    if decision.how not in ("sent", "resend", "fail"):
        raise RequestRefused("invalid-decision", f"{decision.how!r} is none of sent, resend, fail")
    m = _of(tx, message)
    _must_be(m, "settled", M.UNCERTAIN)
    words = doubt.discreet(decision.why)
    doubt.settled(tx, m, decision.how, policies.OPERATOR, now, who=decision.by, why=words)
    why = f"{decision.by}: {words}" if words else decision.by
    if decision.how == "resend":
        if tx.execute("SELECT 1 FROM message WHERE id = ? AND text IS NULL", (m.id,)).fetchone():
            raise Conflict(f"the text of {message} is not kept any more; it cannot be sent again")
        m.duplicate = 1
        requeue(tx, m, 0, now, f"sent again, a possible duplicate, by {why}")
    elif decision.how == "fail":
        tx.execute("UPDATE submission SET open = 0 WHERE message = ? AND state = 'uncertain'", (m.id,))
        finish(tx, m, M.FAILED, now, f"settled as not sent by {why}")
    else:
        newest = tx.execute(
            f"SELECT {ATTEMPT_COLUMNS} FROM submission s WHERE s.message = ? AND s.state = 'uncertain' AND s.part = ? "
            "ORDER BY s.id DESC LIMIT 1",
            (m.id, m.done + 1),
        ).fetchone()
        if newest is not None:
            conclude(tx, Attempt(*newest), S.ACCEPTED, reason=f"settled by {why}", open=bool(m.report))
        part_accepted(tx, m, m.done + 1, now)
    return rows.message(tx.conn, m.id)
