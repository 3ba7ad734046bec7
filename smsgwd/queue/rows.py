"""Rows to structs and back: public ids, enums and lists live on this side, integers and text in the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from smsgwd.errors import NotFound
from smsgwd.model import (
    CONVERSATION,
    MESSAGE,
    OUTBOX,
    SUBMISSION,
    TOKEN,
    ConsentState,
    Contact,
    Conversation,
    Direction,
    Draft,
    Event,
    LinkState,
    LinkStatus,
    Message,
    MessageClass,
    MessageState,
    Origin,
    OutboxItem,
    Segment,
    SegmentState,
    Submission,
    SubmissionState,
    Token,
    public_id,
)
from smsgwd.queue.known import Row
from smsgwd.queue.together import array, lines
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet

encode = msgspec.json.Encoder().encode
decode = msgspec.json.decode

_CLASSES = {c.value: c for c in MessageClass}
_ALPHABETS = {a.value: a for a in Alphabet}

MESSAGE_COLUMNS = (
    "m.id, m.direction, m.state, m.peer, m.ours, m.text, m.class, m.link, m.created, m.updated, m.reason, m.encoding, "
    "m.parts, m.due, m.expires, m.attempts, m.origin, m.key, m.conversation, m.answers, m.rule, m.author, m.meta, m.uncertain, m.duplicate, "
    "l.number"
)
FROM_MESSAGE = "FROM message m LEFT JOIN link l ON l.name = m.link"


_ALONE = array(MESSAGE_COLUMNS, f"{FROM_MESSAGE} WHERE m.id IN (SELECT value FROM json_each(?))")


def optional_id(prefix: str, row: int | None) -> str:
    return "" if row is None else public_id(prefix, row)


def to_message(row: Sequence[Any], segments: tuple[SegmentState, ...]) -> Message:
    (
        id_, direction, state, peer, ours, text, class_, link, created, updated, reason, encoding, parts, due, expires,
        attempts, origin, key, conversation, answers, rule, author, meta, uncertain, duplicate, number,
    ) = row  # fmt: skip
    out = direction == "out"
    return Message(
        id=public_id(MESSAGE, id_),
        direction=Direction(direction),
        state=MessageState(state),
        to=peer if out else ours,
        from_=(ours or number or "") if out else peer,
        text=text,
        class_=_CLASSES[class_],
        link=link,
        created=created,
        updated=updated,
        reason=reason,
        encoding=_ALPHABETS[encoding],
        parts=parts,
        due=due,
        expires=expires,
        attempts=attempts,
        origin=origin,
        key=key,
        conversation=optional_id(CONVERSATION, conversation),
        answers=optional_id(MESSAGE, answers),
        rule=rule,
        author=author,
        meta=decode(meta) if meta else {},
        uncertain=uncertain,
        possible_duplicate=bool(duplicate),
        segments=segments,
    )


def segment(m: Row, submission: int, part: int, wire: Sequence[Any], now: int) -> Segment:
    """What a link gets; ``wire`` is text, cuts, encoding, locking, single, ref, flash, ours, schedule, meta."""
    text, cuts, encoding, locking, single, ref, flash, sender, schedule, meta = wire
    if cuts:
        at = [*map(int, cuts.split(",")), len(text)]
        text = text[at[part - 1] : at[part]]
    return Segment(
        submission=public_id(SUBMISSION, submission),
        message=public_id(MESSAGE, m.id),
        to=Address.parse(m.peer),
        text=text,
        alphabet=_ALPHABETS[encoding],
        locking=locking,
        single=single,
        ref=ref,
        part=part,
        parts=m.parts,
        flash=bool(flash),
        report=bool(m.report),
        validity=max(1, (m.expires - now) // 1000) if m.expires else 0,
        class_=_CLASSES[m.class_],
        schedule=schedule,
        sender=sender,
        meta=decode(meta) if meta else {},
    )


def messages(conn: sqlite3.Connection, where: str, args: tuple[Any, ...]) -> list[Message]:
    """Messages with their segments. ``where`` is SQL that follows ``FROM message m …``."""
    found = conn.execute(f"SELECT {MESSAGE_COLUMNS} {FROM_MESSAGE} {where}", args).fetchall()
    return [to_message(row, _segments(conn, row[0], row[1], row[12])) for row in found]


def messages_alone(conn: sqlite3.Connection, ids: Collection[int]) -> dict[int, Message]:
    """Messages without their segments, by their numbers; those that are gone are left out."""
    if not ids:
        return {}
    found = lines(conn.execute(_ALONE, (f"[{','.join(map(str, ids))}]",)))
    return {row[0]: to_message(row, ()) for row in found}


def message(conn: sqlite3.Connection, id_: int) -> Message:
    found = messages(conn, "WHERE m.id = ?", (id_,))
    if not found:
        raise NotFound(f"there is no message {public_id(MESSAGE, id_)}")
    return found[0]


def _segments(conn: sqlite3.Connection, id_: int, direction: str, parts: int) -> tuple[SegmentState, ...]:
    """How far each part has come: what the report on its newest attempt says, else the state of that attempt."""
    if direction == "in":
        came = conn.execute("SELECT part, link FROM inbound_part WHERE message = ? ORDER BY id", (id_,)).fetchall()
        known = {part if parts > 1 else 1: ("received", link, "", "") for part, link in came}
        absent = "missing"
    else:
        tried = conn.execute(
            "SELECT part, CASE report WHEN '' THEN state ELSE report END, link, reference, reason FROM submission "
            "WHERE message = ? ORDER BY id",
            (id_,),
        ).fetchall()
        known = {part: (state, link, reference, reason) for part, state, link, reference, reason in tried}
        absent = "queued"
    segments = []
    for part in range(1, parts + 1):
        state, link, reference, reason = known.get(part, (absent, "", "", ""))
        segments.append(
            SegmentState(part=part, parts=parts, state=state, link=link, reference=reference, reason=reason)
        )
    return tuple(segments)


_DRAFT = (
    "SELECT peer, text, link, encoding, locking, single, cuts, pinned, class, flash, report, origin, callback, "
    "conversation, author, ours, schedule, meta, token, uncertain, created FROM message WHERE id = ?"
)


def draft(conn: sqlite3.Connection, id_: int) -> tuple[Draft | None, int]:
    """A stored outbound text as a new draft, and when it was created; None when its text is not kept any more."""
    (
        peer, text, link, encoding, locking, single, cuts, pinned, class_, flash, report, origin, callback, conversation,
        author, sender, schedule, meta, token, uncertain, created,
    ) = conn.execute(_DRAFT, (id_,)).fetchone()  # fmt: skip
    if text is None:
        return None, created
    return Draft(
        to=peer, text=text, link=link, alphabet=_ALPHABETS[encoding], locking=locking, single=single,
        cuts=tuple(map(int, cuts.split(","))) if cuts else (0,), pinned=bool(pinned), class_=_CLASSES[class_],
        flash=bool(flash), report=bool(report), origin=Origin(origin), callback=callback,
        conversation=optional_id(CONVERSATION, conversation), author=author, sender=sender, schedule=schedule,
        meta=decode(meta) if meta else {}, token=token, uncertain=uncertain,
    ), created  # fmt: skip


SUBMISSION_COLUMNS = "id, message, link, part, state, reference, reason, report, at"


def to_submission(row: tuple[Any, ...]) -> Submission:
    id_, message_, link, part, state, reference, reason, report, at = row
    return Submission(
        id=public_id(SUBMISSION, id_), message=public_id(MESSAGE, message_), link=link, part=part,
        state=SubmissionState(state), reference=reference, reason=reason, report=report, at=at,
    )  # fmt: skip


EVENT_COLUMNS = "id, at, kind, message, link, data"


def to_event(row: tuple[Any, ...]) -> Event:
    id_, at, kind, message_, link, data = row
    return Event(
        id=id_, at=at, kind=kind, message=optional_id(MESSAGE, message_), link=link, data=decode(data) if data else {}
    )


def to_contact(row: tuple[Any, ...]) -> Contact:
    number, consent, name, tags, first_seen = row
    return Contact(
        number=number, consent=ConsentState(consent), name=name, tags=tuple(decode(tags)), first_seen=first_seen
    )


CONVERSATION_COLUMNS = "id, contact, link, number, state, tags, opened, updated"


def to_conversation(conn: sqlite3.Connection, row: tuple[Any, ...]) -> Conversation:
    id_, contact, link, number, state, tags, opened, updated = row
    tickets = conn.execute("SELECT endpoint, ticket FROM ticket WHERE conversation = ?", (id_,)).fetchall()
    return Conversation(
        id=public_id(CONVERSATION, id_), contact=contact, link=link, number=number, state=state, opened=opened,
        updated=updated, tags=tuple(decode(tags)), tickets=dict(tickets),
    )  # fmt: skip


def conversation(conn: sqlite3.Connection, id_: int) -> Conversation:
    row = conn.execute(f"SELECT {CONVERSATION_COLUMNS} FROM conversation WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise NotFound(f"there is no conversation {public_id(CONVERSATION, id_)}")
    return to_conversation(conn, row)


LINK_COLUMNS = (
    "l.name, l.type, l.state, l.reason, l.since, l.paused, l.number, "
    "(SELECT count(*) FROM message m WHERE m.state = 'queued' AND m.link = l.name)"
)


def to_link(row: tuple[Any, ...]) -> LinkStatus:
    name, type_, state, reason, since, paused, number, queued = row
    return LinkStatus(
        name=name, type=type_, state=LinkState(state), reason=reason, since=since, paused=bool(paused), number=number,
        queued=queued,
    )  # fmt: skip


OUTBOX_COLUMNS = "id, endpoint, kind, message, conversation, at, due, attempts, state, reason, data"


def to_outbox(row: Sequence[Any]) -> OutboxItem:
    id_, endpoint, kind, message_, conversation_, at, due, attempts, state, reason, data = row
    return OutboxItem(
        id=public_id(OUTBOX, id_), endpoint=endpoint, kind=kind, message=optional_id(MESSAGE, message_),
        conversation=optional_id(CONVERSATION, conversation_), at=at, due=due, attempts=attempts, state=state,
        reason=reason, data=decode(data) if data else {},
    )  # fmt: skip


TOKEN_COLUMNS = "id, scopes, created, revoked, caps"


def to_token(row: tuple[Any, ...]) -> Token:
    id_, scopes, created, revoked, caps = row
    return Token(
        id=public_id(TOKEN, id_), scopes=tuple(scopes.split()), created=created, revoked=revoked,
        caps=decode(caps) if caps else {},
    )  # fmt: skip


