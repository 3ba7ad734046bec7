"""What the store knows about the sender of an inbound text, when the rules are asked."""

from __future__ import annotations

import sqlite3

from smsgwd.errors import Conflict, NotFound
from smsgwd.model import MESSAGE, Contact, PeerFacts, row_id
from smsgwd.queue import looking, rows
from smsgwd.queue.ids import floor_id

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

#: most texts of one sender that are looked at
_LOOK_BACK = 100


def peer_facts(conn: sqlite3.Connection, message: str, now: int) -> PeerFacts:
    """See :meth:`smsgwd.queue.interface.Queue.peer_facts`. Conflict for a text without a conversation."""
    id_ = row_id(MESSAGE, message)
    row = conn.execute("SELECT peer, text, conversation FROM message WHERE id = ? AND direction = 'in'", (id_,)).fetchone()
    if row is None:
        raise NotFound(f"there is no inbound message {message}")
    peer, text, conversation = row
    if conversation is None:
        raise Conflict(f"{message} belongs to no conversation")
    first = "SELECT 1 FROM message WHERE peer = ? AND id < ? AND direction = 'in' LIMIT 1"
    return PeerFacts(
        contact=_contact(conn, peer),
        conversation=rows.conversation(conn, conversation),
        first_contact=conn.execute(first, (peer, id_)).fetchone() is None,
        rule_replies_10m=_by_rule(conn, peer, now),
        replies_24h=_replies(conn, peer, now),
        replies_1m=_replies_to_all(conn, now),
        identical_1h=_identical(conn, peer, id_, text, now),
        last_outbound=_last_outbound(conn, peer),
    )


def _contact(conn: sqlite3.Connection, peer: str) -> Contact:
    try:
        return looking.contact(conn, peer)
    except NotFound:
        return Contact(number=peer)


def _by_rule(conn: sqlite3.Connection, peer: str, now: int) -> dict[str, int]:
    since = now - 10 * _MINUTE
    return dict(
        conn.execute(
            "SELECT rule, count(*) FROM message WHERE peer = ? AND id >= ? AND direction = 'out' AND origin = 'rule' "
            "AND created >= ? GROUP BY rule",
            (peer, floor_id(since), since),
        ).fetchall()
    )


def _replies(conn: sqlite3.Connection, peer: str, now: int) -> int:
    row = conn.execute(
        "SELECT count(*) FROM message WHERE peer = ? AND id >= ? AND direction = 'out' AND origin = 'rule' "
        "AND created >= ?",
        (peer, floor_id(now - _DAY), now - _DAY),
    ).fetchone()
    return int(row[0])


def _replies_to_all(conn: sqlite3.Connection, now: int) -> int:
    row = conn.execute("SELECT count(*) FROM message WHERE origin = 'rule' AND created >= ?", (now - _MINUTE,)).fetchone()
    return int(row[0])


def _identical(conn: sqlite3.Connection, peer: str, id_: int, text: str | None, now: int) -> int:
    """Earlier texts with the same words, whatever their case and spacing."""
    words = (text or "").casefold().split()
    earlier = conn.execute(
        "SELECT text FROM message WHERE peer = ? AND id >= ? AND id < ? AND direction = 'in' AND created >= ? "
        "ORDER BY id DESC LIMIT ?",
        (peer, floor_id(now - _HOUR), id_, now - _HOUR, _LOOK_BACK),
    )
    return sum((other or "").casefold().split() == words for (other,) in earlier)


def _last_outbound(conn: sqlite3.Connection, peer: str) -> str | None:
    row = conn.execute(
        "SELECT text FROM message WHERE peer = ? AND direction = 'out' ORDER BY id DESC LIMIT 1", (peer,)
    ).fetchone()
    return None if row is None else row[0]
