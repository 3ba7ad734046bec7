"""The one place where a message or a submission changes its state.

:func:`move` and :func:`conclude` check each change against the tables of :mod:`smsgwd.model`; a trigger made from the
same tables checks again, so that no statement written elsewhere can take a text back either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smsgwd.errors import NotFound
from smsgwd.model import (
    MESSAGE,
    MESSAGE_TRANSITIONS,
    SUBMISSION,
    SUBMISSION_TRANSITIONS,
    MessageState,
    SubmissionState,
    public_id,
)
from smsgwd.queue.known import ATTEMPT_COLUMNS, COLUMNS, WIDTH, Attempt, Row
from smsgwd.queue.references import norm
from smsgwd.queue.together import array, lines, update
from smsgwd.queue.transaction import Transaction

M, S = MessageState, SubmissionState

#: states that are counted per day; the others are passed through more than once
_COUNTED = frozenset(
    s.value for s in (M.SENT, M.DELIVERED, M.FAILED, M.EXPIRED, M.CANCELLED, M.UNCERTAIN, M.RECEIVED, M.PARTIAL)
)
#: the tables as the store has them, by the words of the states: what asks an enum asks Python, and this is asked often
_MESSAGE = {old.value: frozenset(s.value for s in new) for old, new in MESSAGE_TRANSITIONS.items()}
_SUBMISSION = {old.value: frozenset(s.value for s in new) for old, new in SUBMISSION_TRANSITIONS.items()}

_MOVE = update("message", "state, reason, done, attempts, due, duplicate, updated")
_CONCLUDE = update("submission", "state, reference, norm, reason, open")
_BY_ID = f"SELECT {COLUMNS} FROM message m WHERE m.id = ?"
_ATTEMPTS = array(
    f"{ATTEMPT_COLUMNS}, {COLUMNS}",
    "FROM submission s JOIN message m ON m.id = s.message WHERE s.id IN (SELECT value FROM json_each(?))",
)


def load(tx: Transaction, message: int) -> Row:
    if (m := tx.known.texts.get(message)) is not None:
        return m
    row = tx.execute(_BY_ID, (message,)).fetchone()
    if row is None:
        raise NotFound(f"there is no message {public_id(MESSAGE, message)}")
    return Row(*row)


def load_attempt(tx: Transaction, submission: int) -> tuple[Attempt, Row]:
    (pair,) = load_attempts(tx, [submission])
    return pair


def load_attempts(tx: Transaction, submissions: Sequence[int]) -> list[tuple[Attempt, Row]]:
    """Attempts in the order asked for; attempts of one text share its row."""
    known = tx.known
    found = {submission: pair for submission in submissions if (pair := known.pair(submission)) is not None}
    if len(found) < len(submissions):
        unknown = ",".join(str(submission) for submission in submissions if submission not in found)
        texts: dict[int, Row] = {}
        for row in lines(tx.execute(_ATTEMPTS, (f"[{unknown}]",))):
            s, m = Attempt(*row[:WIDTH]), Row(*row[WIDTH:])
            found[s.id] = known.attempts.get(s.id) or s, known.texts.get(m.id) or texts.setdefault(m.id, m)
        for submission in submissions:
            if submission not in found:
                raise NotFound(f"there is no submission {public_id(SUBMISSION, submission)}")
    return [found[submission] for submission in submissions]


def move(tx: Transaction, m: Row, state: MessageState, now: int, reason: str = "") -> None:
    """Writes a new state, and with it what the verb changed in the row (done, attempts, due, duplicate)."""
    new = state._value_  # the property "value" is a call of Python
    if new not in _MESSAGE.get(m.state, ()):
        raise AssertionError(f"{public_id(MESSAGE, m.id)}: {m.state} -> {new} is not in the table")
    m.state, m.reason = new, reason
    tx.defer(_MOVE, m.id, (m.state, reason, m.done, m.attempts, m.due, m.duplicate, now, m.id))
    tx.known.wrote(m)
    if new in _COUNTED:
        tx.count(now, m.link, m.direction, m.class_, m.state, m.parts)


def tell(tx: Transaction, m: Row, kind: str, now: int, **data: Any) -> None:
    """An event of an outbound text; it names who wants to hear of it."""
    if m.callback:
        data["callback"] = m.callback
    tx.happened(kind, now, m.id, m.link, data)


def finish(tx: Transaction, m: Row, state: MessageState, now: int, reason: str = "", **data: Any) -> None:
    """:func:`move`, with the event of the same name."""
    move(tx, m, state, now, reason)
    if reason:
        data["reason"] = reason
    tell(tx, m, f"message.{m.state}", now, **data)


def requeue(tx: Transaction, m: Row, due: int, now: int, reason: str = "") -> None:
    """Back to the queue, due then; whoever works on its link is woken."""
    m.due = due
    move(tx, m, M.QUEUED, now, reason)
    tx.hint(f"link:{m.link}")


def conclude(
    tx: Transaction, s: Attempt, state: SubmissionState, *, reference: str = "", reason: str = "", open: bool = False
) -> None:
    """Writes what came of an attempt. ``open`` = a report on it may still come, or a late answer."""
    new = state._value_
    if new not in _SUBMISSION.get(s.state, ()):
        raise AssertionError(f"{public_id(SUBMISSION, s.id)}: {s.state} -> {new} is not in the table")
    s.state, s.reference, s.open = new, reference, int(open)
    tx.defer(_CONCLUDE, s.id, (s.state, reference, norm(reference), reason, s.open, s.id))
    tx.known.wrote_attempt(s)


def which_part(m: Row, part: int) -> str:
    """``"part 2 of 3: "`` before a reason; nothing for a text in one part."""
    return f"part {part} of {m.parts}: " if m.parts > 1 else ""


def went(m: Row) -> str:
    """``"; part 1 of 3 went"`` after a reason, for a text that stops half-way."""
    if m.done == 0 or m.parts == 1:
        return ""
    return f"; {'part 1' if m.done == 1 else f'parts 1 to {m.done}'} of {m.parts} went"
