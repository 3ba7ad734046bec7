"""How a text gets on when something is known about one of its parts: the network took it, or reports on it."""

from __future__ import annotations

from smsgwd.model import ReportStatus
from smsgwd.queue.known import Attempt, Row
from smsgwd.queue.states import M, finish, move, requeue, tell, which_part
from smsgwd.queue.together import update
from smsgwd.queue.transaction import Transaction

R = ReportStatus
_REPORTED = update("submission", "report, open")
#: what an accepted attempt has for a report when none was asked for
UNASKED = "unasked"
#: … and what one has that the carrier is asked to take back, and one that it took back
WITHDRAWING, WITHDRAWN = "withdrawing", "withdrawn"


def part_accepted(tx: Transaction, m: Row, part: int, now: int) -> bool:
    """The network took this part. True when the link that holds the text should go on with the next one."""
    if part != m.done + 1 or m.state not in (M.SENDING, M.UNCERTAIN, M.QUEUED, M.HELD):
        return False  # a late answer about a part that went in another attempt, or about a text that is over
    if m.state == M.SENDING and m.duplicate and _in_flight(tx, m):
        return False  # a second attempt of the same part is under way: its own result counts
    m.done += 1
    if m.parts > 1:
        tell(tx, m, "part.accepted", now, part=part, parts=m.parts)
    if m.done < m.parts:
        return _go_on(tx, m, now)
    if m.state == M.HELD:
        move(tx, m, M.QUEUED, now)
    if m.state == M.QUEUED:
        move(tx, m, M.SENDING, now)  # to be sent again by policy, but the first attempt has arrived: nothing goes twice
    finish(tx, m, M.SENT, now)
    if m.parts > 1:
        sum_up(tx, m, now)
    return False


def moved_on(s: Attempt, m: Row) -> bool:
    """A text in parts went to another link before this attempt turned out well. A phone joins only what one sender sends, so
    all parts go from there, this one once more; the text is marked as a possible duplicate already."""
    return m.parts > 1 and m.link != s.link and m.state in (M.QUEUED, M.HELD)


def _in_flight(tx: Transaction, m: Row) -> bool:
    found = tx.execute("SELECT 1 FROM submission WHERE message = ? AND state = 'in_flight'", (m.id,))
    return found.fetchone() is not None


def _go_on(tx: Transaction, m: Row, now: int) -> bool:
    """Parts are left: from the same hand when one is sending, else by way of the queue."""
    if m.state == M.SENDING:
        lost = _lost_part(tx, m)
        if lost is None:
            return True
        finish(tx, m, M.FAILED, now, lost)
    elif m.state == M.UNCERTAIN:
        requeue(tx, m, 0, now)
    else:
        tx.execute("UPDATE message SET done = ?, updated = ? WHERE id = ?", (m.done, now, m.id))
    return False


def report_came(
    tx: Transaction, s: Attempt, m: Row, status: ReportStatus, code: str, reason: str, now: int, step: str = ""
) -> None:
    """Writes what a report says on its attempt, and on the text where that decides it. ``step`` says how its reference
    was matched; events name it where it is not the same."""
    how = {"matched": str(step)} if step not in ("", "same") else {}
    if status is not R.PENDING or s.report not in (UNASKED, WITHDRAWING):
        s.report = status._value_
    s.open = int(status is R.PENDING)
    tx.defer(_REPORTED, s.id, (s.report, s.open, s.id))
    tx.known.wrote_attempt(s)
    if status is R.PENDING:
        tell(tx, m, "report.pending", now, part=s.part, code=code, **how, **({"reason": reason} if reason else {}))
    elif m.state != M.SENT:
        return  # parts are left, or it is over: sum_up looks at all reports when the last part went
    elif m.parts > 1:
        sum_up(tx, m, now, code, reason, **how)
    elif status is R.DELIVERED:
        finish(tx, m, M.DELIVERED, now, **how)
    elif status is not R.CLOSED:
        finish(tx, m, M.FAILED if status is R.FAILED else M.EXPIRED, now, reason or code, code=code, **how)


def sum_up(tx: Transaction, m: Row, now: int, code: str = "", reason: str = "", **how: str) -> None:
    """A text in parts that is sent: delivered when all parts are on which a report was asked for, over when one part never
    will be."""
    by_part = _reports(tx, m)
    for part, report in sorted(by_part.items()):
        if report in (R.FAILED, R.EXPIRED):
            why = which_part(m, part) + (reason or code or f"the network reports it {report}")
            finish(tx, m, M.FAILED if report == R.FAILED else M.EXPIRED, now, why, code=code, **how)
            return
    said = set(by_part.values())
    if len(by_part) == m.parts and R.DELIVERED in said and said <= {R.DELIVERED, UNASKED}:
        finish(tx, m, M.DELIVERED, now, **how)


def take_back(tx: Transaction, s: Attempt, m: Row, now: int) -> None:
    """The carrier took an accepted part back; the text is cancelled when that was the last one."""
    s.report, s.open = WITHDRAWN, 0
    tx.execute("UPDATE submission SET report = ?, open = 0 WHERE id = ?", (s.report, s.id))
    by_part = _reports(tx, m)
    if m.state == M.SENT and len(by_part) == m.parts and set(by_part.values()) == {WITHDRAWN}:
        finish(tx, m, M.CANCELLED, now, "its carrier took it back")


def _reports(tx: Transaction, m: Row) -> dict[int, str]:
    """part -> what the report on it says, for the parts that the network took; of a text that moved on (:func:`moved_on`)
    those of its link alone."""
    found = tx.execute(
        "SELECT part, report FROM submission WHERE message = ? AND state = 'accepted' AND (link = ? OR ? = 1) ORDER BY id",
        (m.id, m.link, m.parts),
    ).fetchall()
    return {part: report for part, report in found if report}


def _lost_part(tx: Transaction, m: Row) -> str | None:
    """Why no further part of a text should go: one of them was reported as failed for good."""
    for part, report in sorted(_reports(tx, m).items()):
        if report in (R.FAILED, R.EXPIRED):
            return f"{which_part(m, part)}the network reports it {report}"
    return None
