"""How texts of which nobody knows whether they were sent get out of that: by the policy of :mod:`smsgwd.queue.policies`, or
because something becomes known.

Each doubt that ends is an event ``message.settled`` that says how, and is counted by what ended it. The counts stand in
the store, so that they go on over restarts.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

import msgspec

from smsgwd.events import masked
from smsgwd.queue.known import Row
from smsgwd.queue.policies import HOLD, WAYS
from smsgwd.queue.states import tell
from smsgwd.queue.transaction import Transaction

_COUNT = "settled "


def policy_of(tx: Transaction, m: Row) -> str:
    """What is to be done about this text now that it is in doubt."""
    (own,) = tx.execute("SELECT uncertain FROM message WHERE id = ?", (m.id,)).fetchone()
    return own or tx.limits.policies.get(m.class_, HOLD)


def settled(tx: Transaction, m: Row, how: str, by: str, now: int, *, who: str = "", why: str = "") -> None:
    """Tells that a doubt has ended: ``how`` is sent, refused, resend or fail, ``by`` one of :data:`~smsgwd.queue.policies.WAYS`."""
    more = {name: value for name, value in (("who", who), ("why", why)) if value}
    tell(tx, m, "message.settled", now, how=how, by=by, **more)
    count(tx, by)


def discreet(words: str) -> str:
    """What a person wrote, with numbers masked: it goes to events and logs."""
    return re.sub(r"\+?[0-9]{7,15}", lambda found: masked(found[0]), words)


def count(tx: Transaction, by: str) -> None:
    """One doubt more was ended like this."""
    tx.apart(
        "INSERT INTO store (name, value) VALUES (?, '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
        (_COUNT + by,),
    )


def set_policies(tx: Transaction, policies: Mapping[str, str]) -> None:
    """See :meth:`~smsgwd.queue.policies.DoubtVerbs.set_policies`. Run twice it does the same."""
    tx.limits = msgspec.structs.replace(tx.limits, policies=dict(policies))


def doubts_settled(conn: sqlite3.Connection) -> dict[str, int]:
    """See :meth:`~smsgwd.queue.policies.DoubtVerbs.doubts_settled`."""
    found = dict(conn.execute("SELECT name, value FROM store WHERE name BETWEEN ? AND ?", (_COUNT, _COUNT + "~")).fetchall())
    return {way: int(found.get(_COUNT + way, 0)) for way in WAYS}
