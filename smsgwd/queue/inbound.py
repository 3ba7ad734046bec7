"""Inbound segments: stored once, joined, threaded.

Every segment is an ``inbound_part`` row with its raw bytes. The digest of (link, raw PDU) says whether the same came in
the last 7 days (a year, where it has a time in it): a modem that could not delete a text gives it again. Parts of a text belong together by (link, sender,
reference, 8 or 16 bit, total). A part that its set has already is ignored; the same number with other content, or after
the set was whole, begins another set (references are used again, by some phones for every text), so nothing that was
acknowledged is lost. Sets are rows: any number may be incomplete. :func:`give_up` makes a partial message of what came
after an hour; a part that comes later than that still completes it.

Rules and desks hear of every text by ``message.received``: of a whole one, of a partial one after ``message.partial``
(``partial`` in its data), and once more when a late part completes it (``late``).
"""

from __future__ import annotations

import hashlib
from typing import Any

from smsgwd.events import masked
from smsgwd.model import CONVERSATION, MESSAGE, InboundSegment, MessageState, Received, public_id
from smsgwd.queue import reports, rows
from smsgwd.queue.ids import floor_id
from smsgwd.queue.privacy import persons
from smsgwd.queue.states import load, move
from smsgwd.queue.transaction import Transaction
from smsgwd.sms.encoding import Alphabet

_HOUR, _DAY = 3_600_000, 86_400_000
#: the same PDU is the same text for so long; one that holds the time at which its service centre took it is for longer, else
#: a text that a SIM does not give up would come in as a new one every week
DUPLICATES, DATED = 7 * _DAY, 366 * _DAY
#: parts of one text come within so long
LATEST_PART = _DAY

_PART = (
    "INSERT INTO inbound_part (id, first, message, digest, seen, link, ours, sender, ref, ref_bits, part, parts, alphabet, "
    "locking, single, payload, raw, dcs, pid, message_class, service, stored, sent_at, fault, at, meta) "
    "VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SET = (
    "SELECT first, part, payload, message FROM inbound_part WHERE link = ? AND sender = ? AND ref = ? AND ref_bits = ? "
    "AND parts = ? AND parts > 1 AND id > ? AND payload IS NOT NULL ORDER BY id"
)
_MESSAGE = (
    "INSERT INTO message (id, direction, state, priority, link, peer, ours, class, text, encoding, locking, single, parts, "
    "cuts, ref, done, flash, report, pinned, due, expires, attempts, duplicate, origin, key, key_digest, callback, "
    "conversation, answers, rule, author, reason, created, updated) "
    "VALUES (?, 'in', ?, 1, ?, ?, ?, 'normal', ?, ?, ?, ?, ?, '', ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, '', '', '', ?, NULL, '', "
    "'', ?, ?, ?)"
)
_HEAD = "SELECT link, ours, sender, parts, ref FROM inbound_part WHERE id = ?"
_OWN = "UPDATE inbound_part SET message = ? WHERE first = ?"
#: +first, else the planner walks through all segments there ever were, by the index of their sets
_WAITING = (
    "SELECT +first FROM inbound_part WHERE message IS NULL AND at <= ? UNION "
    "SELECT +first FROM inbound_part WHERE message IS NULL AND at > ? ORDER BY 1 LIMIT ?"
)
_JOINED = "alphabet, locking, single, payload, part, service, stored, message_class, meta"


def receive(tx: Transaction, link: str, number: str, segment: InboundSegment, now: int) -> Received:
    """See :meth:`smsgwd.queue.interface.Queue.receive`."""
    digest = hashlib.blake2b(link.encode() + b"\0" + segment.raw, digest_size=16).digest()
    known = _seen(tx, digest, segment, link, now)
    if known is not None:
        return known
    if segment.receipt is not None and reports.record_likely(tx, link, segment.receipt, now):
        return Received()
    if segment.fault:
        return _undecodable(tx, link, number, segment, digest, now)
    if not 1 <= segment.part <= segment.parts or segment.parts == 1 or segment.ref_bits == 0:
        return Received(message=public_id(MESSAGE, _single(tx, link, number, segment, digest, now)))
    first, complete, message, same = _place(tx, link, segment, now)
    if same:
        tx.event("message.duplicate", now, message, link, part=segment.part, parts=segment.parts)
        return Received(message=public_id(MESSAGE, message) if message else "", duplicate=True)
    id_ = _store(tx, link, number, segment, digest, now, first=first)
    if message is not None:
        return _late(tx, first or id_, message, segment, complete, now)
    if complete:
        return Received(message=public_id(MESSAGE, _whole(tx, first or id_, now)))
    tx.event(
        "message.part", now, None, link,
        **{"from": masked(segment.sender.text)}, part=segment.part, parts=segment.parts,
    )  # fmt: skip
    return Received()


def _seen(tx: Transaction, digest: bytes, segment: InboundSegment, link: str, now: int) -> Received | None:
    """Counts a PDU that came before; None for a new one."""
    found = tx.execute(
        "SELECT id, message FROM inbound_part WHERE digest = ? AND id >= ? ORDER BY id DESC LIMIT 1",
        (digest, floor_id(now - (DATED if segment.sent_at else DUPLICATES))),
    ).fetchone()
    if found is None or not segment.raw:
        return None
    id_, message = found
    tx.execute("UPDATE inbound_part SET seen = seen + 1 WHERE id = ?", (id_,))
    tx.event("message.duplicate", now, message, link, part=segment.part, parts=segment.parts)
    return Received(message=public_id(MESSAGE, message) if message else "", duplicate=True)


def _place(tx: Transaction, link: str, segment: InboundSegment, now: int) -> tuple[int | None, bool, int | None, bool]:
    """Where a part belongs: (first row of its set or None for a new set, whether the set is whole with it, the partial
    message that was made of the set, whether the very same part is there already)."""
    found = tx.execute(
        _SET,
        (
            link, segment.sender.text, segment.ref, segment.ref_bits, segment.parts, floor_id(now - LATEST_PART),
        ),
    ).fetchall()  # fmt: skip
    sets: dict[int, dict[int, bytes]] = {}
    messages: dict[int, int | None] = {}
    for first, part, payload, message in found:
        sets.setdefault(first, {})[part] = payload
        messages[first] = message
    for first, parts in sets.items():
        if parts.get(segment.part) == segment.payload and len(parts) < segment.parts:
            return first, False, messages[first], True
    for first, parts in sets.items():
        if segment.part not in parts:
            return first, len(parts) + 1 == segment.parts, messages[first], False
    return None, False, None, False


def _store(
    tx: Transaction, link: str, number: str, segment: InboundSegment, digest: bytes, now: int,
    first: int | None, single: bool = False, message: int | None = None,
) -> int:  # fmt: skip
    """The row of a segment. ``single`` = its part numbers mean nothing (part 0, part 4 of 3): a text of its own."""
    id_ = tx.ids.next(now)
    part, parts = (1, 1) if single else (segment.part, segment.parts)
    tx.execute(
        _PART,
        (
            id_, first or id_, message, digest, link, segment.to or number, segment.sender.text, segment.ref,
            segment.ref_bits, part, parts, segment.alphabet.value, segment.locking, segment.single, segment.payload,
            segment.raw, segment.dcs, segment.pid, segment.message_class, segment.service, segment.stored,
            int(segment.sent_at.timestamp() * 1000) if segment.sent_at else None, segment.fault, now,
            rows.encode(segment.meta).decode() if segment.meta else "",
        ),
    )  # fmt: skip
    return id_


def _joined(rows: list[tuple[Any, ...]]) -> tuple[str, str]:
    """(text, encoding) of parts in order; 8-bit data is no text."""
    from smsgwd.sms.join import join

    alphabets = [Alphabet(row[0]) for row in rows]
    if Alphabet.DATA in alphabets:
        return "", Alphabet.DATA.value
    text = join([(alphabet, row[1], row[2], row[3]) for alphabet, row in zip(alphabets, rows, strict=True)])
    # half of a surrogate pair cannot be stored; the raw bytes stay
    return text.encode("utf-8", "replace").decode(), (
        Alphabet.UCS2.value if Alphabet.UCS2 in alphabets else Alphabet.GSM7.value
    )


def _rows_of(tx: Transaction, first: int) -> list[tuple[Any, ...]]:
    """The parts of a set in order."""
    return tx.execute(f"SELECT {_JOINED} FROM inbound_part WHERE first = ? ORDER BY part", (first,)).fetchall()


def _single(tx: Transaction, link: str, number: str, segment: InboundSegment, digest: bytes, now: int) -> int:
    """Makes a message of a segment that is a whole text, as :func:`_whole` does, without reading it back."""
    sender, ours, meta = segment.sender.text, segment.to or number, rows.encode(segment.meta).decode() if segment.meta else ""
    found: list[tuple[Any, ...]] = [
        (
            segment.alphabet, segment.locking, segment.single, segment.payload, 1, segment.service, segment.stored,
            segment.message_class, meta,
        ),
    ]  # fmt: skip
    text, encoding = _joined(found)
    conversation = open_conversation(tx, sender, link, ours, now)
    id_ = tx.ids.next(now)
    _store(tx, link, number, segment, digest, now, first=None, single=True, message=id_)
    _insert(
        tx, id_, MessageState.RECEIVED, link, sender, ours, text, encoding, 1, segment.ref, 1, conversation, "", now
    )
    if meta:
        tx.execute("UPDATE message SET meta = ? WHERE id = ?", (meta, id_))
    _told(tx, id_, link, sender, 1, found, encoding, conversation, now)
    return id_


def _whole(tx: Transaction, first: int, now: int, state: MessageState = MessageState.RECEIVED) -> int:
    """Makes a message of a set: message, contact, conversation, events."""
    link, ours, sender, parts, ref = tx.execute(_HEAD, (first,)).fetchone()
    found = _rows_of(tx, first)
    text, encoding = _joined(found)
    conversation = open_conversation(tx, sender, link, ours, now)
    id_ = tx.ids.next(now)
    reason = "" if state is MessageState.RECEIVED else f"{len(found)} of {parts} parts came"
    _insert(tx, id_, state, link, sender, ours, text, encoding, parts, ref, len(found), conversation, reason, now)
    tx.execute(_OWN, (id_, first))
    if meta := next((row[8] for row in found if row[8]), ""):  # the parts of a text carry the same
        tx.execute("UPDATE message SET meta = ? WHERE id = ?", (meta, id_))
    if state is MessageState.PARTIAL:
        tx.event("message.partial", now, id_, link, **{"from": masked(sender)}, parts=parts, came=len(found))
        _told(tx, id_, link, sender, parts, found, encoding, conversation, now, partial=True)
    else:
        _told(tx, id_, link, sender, parts, found, encoding, conversation, now)
    return id_


def _told(
    tx: Transaction, message: int, link: str, sender: str, parts: int, found: list[tuple[Any, ...]], encoding: str,
    conversation: int, now: int, **more: bool,
) -> None:  # fmt: skip
    """``message.received``, with all that the rules ask of a text besides its words. Data is never for a person."""
    service = encoding == Alphabet.DATA or any(row[5] for row in found)
    tx.event(
        "message.received", now, message, link,
        **{"from": masked(sender)}, parts=parts, came=len(found), encoding=encoding,
        service=service, stored=any(row[6] for row in found), message_class=found[0][7],
        conversation=public_id(CONVERSATION, conversation), **more,
    )  # fmt: skip


def _insert(
    tx: Transaction, id_: int, state: MessageState, link: str, sender: str, ours: str, text: str, encoding: str,
    parts: int, ref: int, came: int, conversation: int | None, reason: str, now: int, origin: str = "",
) -> None:  # fmt: skip
    tx.execute(
        _MESSAGE,
        (
            id_, state.value, link, sender, ours, text, encoding, 0, 0, parts, ref, came, 0, origin, conversation, reason,
            now, now,
        ),
    )  # fmt: skip
    if not origin:  # a call is no text in the statistics
        tx.count(now, link, "in", "normal", state.value, came)


def _late(
    tx: Transaction, first: int, message: int, segment: InboundSegment, complete: bool, now: int
) -> Received:
    """A part of a text that was given up already: it is added, and the text is whole when it was the last."""
    link, ours, sender, parts, _ = tx.execute(_HEAD, (first,)).fetchone()
    found = _rows_of(tx, first)
    text, encoding = _joined(found)
    tx.execute(_OWN, (message, first))
    m = load(tx, message)
    m.done = len(found)
    # the thread of then may be closed: what comes now belongs to the open one, as every text that comes in
    conversation = open_conversation(tx, sender, link, ours, now)
    tx.execute(
        "UPDATE message SET text = ?, encoding = ?, done = ?, reason = ?, conversation = ?, updated = ? WHERE id = ?",
        (text, encoding, m.done, f"{m.done} of {parts} parts came", conversation, now, message),
    )
    tx.event(
        "message.part", now, message, link, **{"from": masked(sender)}, part=segment.part, parts=parts, late=True
    )
    if complete:
        move(tx, m, MessageState.RECEIVED, now)
        _told(tx, message, link, sender, parts, found, encoding, conversation, now, late=True)
    return Received(message=public_id(MESSAGE, message))


def _undecodable(
    tx: Transaction, link: str, number: str, segment: InboundSegment, digest: bytes, now: int
) -> Received:
    """Bytes that nobody understands: kept raw under a message without text; no conversation, no rule."""
    first = _store(tx, link, number, segment, digest, now, first=None, single=True)
    id_, sender = tx.ids.next(now), segment.sender.text
    _insert(
        tx, id_, MessageState.RECEIVED, link, sender, segment.to or number, "", segment.alphabet.value, 1, 0, 1, None,
        segment.fault, now,
    )  # fmt: skip
    tx.execute(_OWN, (id_, first))
    tx.event("message.undecodable", now, id_, link, reason=segment.fault)
    return Received(message=public_id(MESSAGE, id_))


def called(tx: Transaction, link: str, number: str, caller: str, now: int) -> Received:
    """See :meth:`smsgwd.queue.interface.Queue.called`: a message without words, for rules that are about calls."""
    conversation = open_conversation(tx, caller, link, number, now)
    id_ = tx.ids.next(now)
    _insert(
        tx, id_, MessageState.RECEIVED, link, caller, number, "", Alphabet.GSM7.value, 1, 0, 1, conversation, "a voice call",
        now, origin="call",
    )  # fmt: skip
    tx.event(
        "message.received", now, id_, link, **{"from": masked(caller)}, parts=0, came=0, call=True,
        conversation=public_id(CONVERSATION, conversation),
    )  # fmt: skip
    return Received(message=public_id(MESSAGE, id_))


def open_conversation(tx: Transaction, peer: str, link: str, number: str, now: int) -> int:
    """The open thread of a person with this link, or a new one; the person is a contact from now on."""
    found = tx.execute(
        "SELECT id FROM conversation WHERE contact = ? AND link = ? AND state = 'open'", (peer, link)
    ).fetchone()
    if found is not None:
        tx.execute("UPDATE conversation SET updated = ? WHERE id = ?", (now, found[0]))
        return int(found[0])
    tx.execute(
        "INSERT INTO contact (number, consent, name, tags, first_seen) VALUES (?, ?, '', '[]', ?) ON CONFLICT DO NOTHING",
        (peer, persons.consent_of(tx, peer), now),
    )
    id_ = tx.ids.next(now)
    tx.execute(
        "INSERT INTO conversation (id, contact, link, number, state, tags, opened, updated) "
        "VALUES (?, ?, ?, ?, 'open', '[]', ?, ?)",
        (id_, peer, link, number, now, now),
    )
    tx.event(
        "conversation.opened", now, None, link, conversation=public_id(CONVERSATION, id_), contact=masked(peer)
    )
    return id_


def give_up(tx: Transaction, now: int, limit: int) -> int:
    """Makes partial messages of incomplete sets whose first part came more than an hour ago, or will have come in more
    than an hour by a clock that was set back since."""
    waiting = tx.execute(_WAITING, (now - _HOUR, now + _HOUR, limit)).fetchall()
    for (first,) in waiting:
        _whole(tx, first, now, MessageState.PARTIAL)
    return len(waiting)
