"""Carriers asked about texts that they have taken: what became of them, and taking them back.

Taking back is marked on each attempt (``report`` = withdrawing) before the carrier is asked, since its receipt, which
calls the text deleted, may overtake its answer: it is no failure then, but the answer. The same receipt ends what a crash
left open.
"""

from __future__ import annotations

import sqlite3

from smsgwd.errors import Conflict
from smsgwd.model import MESSAGE, SUBMISSION, DeliveryReport, Message, ReportStatus, public_id, row_id
from smsgwd.queue import policies, reports, rows
from smsgwd.queue.ids import floor_id
from smsgwd.queue.known import Row
from smsgwd.queue.progress import UNASKED, WITHDRAWING, WITHDRAWN, report_came, take_back
from smsgwd.queue.question import Question, Taken
from smsgwd.queue.states import M, S, load, load_attempt, tell
from smsgwd.queue.transaction import Transaction

R = ReportStatus
#: reports of an attempt whose end is known
ENDS = frozenset({R.DELIVERED.value, R.CLOSED.value, R.FAILED.value, R.EXPIRED.value, WITHDRAWN})
_ASKABLE = (
    "SELECT s.id, s.message, s.link, s.part, m.parts, s.reference, m.peer, m.ours "
    "FROM submission s JOIN message m ON m.id = s.message "
)
_OF_MESSAGE = _ASKABLE + (
    "WHERE s.message = ? AND s.state = 'accepted' AND s.reference <> '' "
    "AND s.report NOT IN ('delivered', 'closed', 'failed', 'expired', 'withdrawn') ORDER BY s.part, s.id"
)
#: by the row's number, so that one look costs what began in that time and not all that is open
OVERDUE = _ASKABLE + (
    "WHERE s.id > ? AND s.id < ? AND +s.open = 1 AND s.state = 'accepted' AND s.reference <> '' "
    "AND s.report IN ('', 'pending') AND m.state = 'sent' AND +s.link = ? ORDER BY s.id LIMIT ?"
)
_DOUBTFUL = _ASKABLE + (
    "WHERE s.message = ? AND s.state = 'uncertain' AND s.part = m.done + 1 AND m.state = 'uncertain' "
    "ORDER BY s.id DESC LIMIT 1"
)
#: uncertain attempts to a number, on its link
_ALIKE = (
    "SELECT count(*) FROM submission s JOIN message m ON m.id = s.message "
    "WHERE s.open = 1 AND s.link = ? AND s.state = 'uncertain' AND s.norm = '' AND m.peer = ?"
)
_ORPHANS = "SELECT DISTINCT reference, recipient FROM report_orphan WHERE link = ? AND id > ? AND own IS NULL AND recipient <> ''"


# ---- what became of it ---------------------------------------------------------------------------------------------


def questions(conn: sqlite3.Connection, message: str) -> list[Question]:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.questions`."""
    id_ = row_id(MESSAGE, message)
    rows.message(conn, id_)  # NotFound
    found = [_question(row) for row in conn.execute(_OF_MESSAGE, (id_,)).fetchall()]
    doubtful = conn.execute(_DOUBTFUL, (id_,)).fetchone()
    reference = _candidate(conn, doubtful[2], doubtful[0], doubtful[6]) if doubtful else ""
    if reference:
        found.append(_question((*doubtful[:5], reference, *doubtful[6:]), doubtful=True))
    return found


def _question(row: tuple[int, int, str, int, int, str, str, str], *, doubtful: bool = False) -> Question:
    id_, message, link, part, parts, reference, to, sender = row
    return Question(
        submission=public_id(SUBMISSION, id_), message=public_id(MESSAGE, message), link=link, part=part, parts=parts,
        reference=reference, to=to, sender=sender, doubtful=doubtful,
    )  # fmt: skip


def _candidate(conn: sqlite3.Connection, link: str, attempt: int, peer: str) -> str:
    """The one reference that reports named that came after an uncertain attempt, to its number, and matched nothing; ""
    when there is none, or more than one, or more than one attempt that may be meant."""
    if conn.execute(_ALIKE, (link, peer)).fetchone() != (1,):
        return ""
    orphans = conn.execute(_ORPHANS, (link, attempt)).fetchall()
    named = {reference for reference, recipient in orphans if reports.tail(recipient) == reports.tail(peer)}
    return named.pop() if len(named) == 1 else ""


def overdue(conn: sqlite3.Connection, link: str, after: int, until: int, beyond: str, limit: int) -> list[Question]:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.overdue`."""
    first = max(floor_id(after + 1) - 1, row_id(SUBMISSION, beyond) if beyond else 0)
    found = conn.execute(OVERDUE, (first, floor_id(until + 1), link, limit)).fetchall()
    return [_question(row) for row in found]


def record_answer(tx: Transaction, question: Question, report: DeliveryReport | None, by: str, now: int) -> None:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.record_answer`."""
    s, m = load_attempt(tx, row_id(SUBMISSION, question.submission))
    tell(tx, m, "report.asked", now, part=s.part, by=by, status=report.status.value if report else "unknown")
    if report is None:
        return
    if s.state == S.UNCERTAIN and question.reference == _candidate(tx.conn, s.link, s.id, m.peer):
        reports.settle(tx, s, m, question.reference, now, policies.QUERY)
        reports.match_orphans(tx, s, m, now)  # the receipt that named it
    if s.state != S.ACCEPTED or s.report in ENDS:
        return
    if report.deleted and s.report == WITHDRAWING:
        take_back(tx, s, m, now)
    elif report.status is not R.PENDING or s.open:
        report_came(tx, s, m, report.status, report.code, report.reason, now)


# ---- taking it back ------------------------------------------------------------------------------------------------


def withdraw(tx: Transaction, message: str, now: int) -> list[Question]:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.withdraw`."""
    m = load(tx, row_id(MESSAGE, message))
    if m.direction != "out" or m.state != M.SENT:
        raise Conflict(f"{message} is {m.state}; its carrier cannot be asked to take it back")
    asked: list[Question] = []
    newest = _taken(tx, m)
    for (id_, report), question in newest:
        if report == WITHDRAWN:
            continue
        if report in ENDS:
            raise Conflict(f"{message} cannot be taken back: the network reports part {question.part} of it {report}")
        if not question.reference:
            raise Conflict(f"{message} cannot be taken back: its carrier gave no id for part {question.part} of it")
        if report != UNASKED:  # no receipt is awaited for that one
            tx.execute("UPDATE submission SET report = ? WHERE id = ?", (WITHDRAWING, id_))
        asked.append(question)
    if not asked:
        raise Conflict(f"{message} has no part that could be taken back")
    return asked


def _taken(tx: Transaction, m: Row) -> list[tuple[tuple[int, str], Question]]:
    """The newest accepted attempt of each part, with what is reported of it."""
    found = tx.execute(
        _ASKABLE.replace("SELECT ", "SELECT s.report, ") + "WHERE s.message = ? AND s.state = 'accepted' ORDER BY s.id", (m.id,)
    ).fetchall()
    by_part = {row[4]: ((row[1], row[0]), _question(row[1:])) for row in found}
    return [by_part[part] for part in sorted(by_part)]


def withdrawn(tx: Transaction, message: str, taken: Taken, now: int) -> Message:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.withdrawn`."""
    m = load(tx, row_id(MESSAGE, message))
    back, unknown = ({row_id(SUBMISSION, x) for x in some} for some in (taken.back, taken.unknown))
    for (id_, _), _ in _taken(tx, m):
        s, m = load_attempt(tx, id_)
        if id_ in back and s.report not in ENDS:
            take_back(tx, s, m, now)
        elif s.report == WITHDRAWING and id_ not in unknown:
            tx.execute("UPDATE submission SET report = '' WHERE id = ?", (id_,))
    if m.state == M.SENT:
        parts = [str(question.part) for (_, report), question in _taken(tx, m) if report == WITHDRAWN]
        tell(tx, m, "message.kept", now, why=taken.why, parts=m.parts, taken_back=", ".join(parts))
    return rows.message(tx.conn, m.id)
