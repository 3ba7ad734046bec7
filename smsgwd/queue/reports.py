"""Delivery reports: matching them to attempts, and what they say about the text.

A report names the link, a reference (TP-MR wraps at 256) and mostly the recipient, compared by its last 8 digits, since
networks write numbers in national and international form. Of the open attempts that fit, the one belongs to it that began
nearest to when the service centre took the text (TP-SCTS), or the newest where the report names no time.
One that fits nothing is parked: its attempt's own result may still be on its way (it is matched when that is recorded,
if it came after the attempt began). A report that fits exactly one uncertain attempt settles it. A second report on an
attempt whose end is known changes nothing.
"""

from __future__ import annotations

from typing import Any

from smsgwd.events import masked
from smsgwd.model import DeliveryReport, ReportStatus
from smsgwd.queue.progress import part_accepted, report_came
from smsgwd.queue.states import ATTEMPT_COLUMNS, COLUMNS, WIDTH, Attempt, M, Row, S, conclude, tell
from smsgwd.queue.transaction import Transaction, floor_id

#: a second report is looked for among attempts of the last 7 days
_WEEK = 7 * 86_400_000
#: milliseconds within which a service centre takes a text after its attempt began, as far as both clocks are right
_NEAR = 300_000

_JOIN = f"SELECT {ATTEMPT_COLUMNS}, {COLUMNS} FROM submission s JOIN message m ON m.id = s.message "
_OPEN = _JOIN + "WHERE s.open = 1 AND s.link = ? AND s.state = ? AND s.reference = ? ORDER BY s.id DESC LIMIT 600"
_CLOSED = (
    "SELECT s.id FROM message m JOIN submission s ON s.message = m.id "
    "WHERE m.peer = ? AND m.id >= ? AND s.link = ? AND s.reference = ? AND s.open = 0 AND s.report <> ''"
)
_ORPHANS = "SELECT id, recipient, status, code, reason, reference FROM report_orphan WHERE link = ? AND id > ?"


def record_report(tx: Transaction, link: str, report: DeliveryReport, now: int) -> bool:
    """See :meth:`smsgwd.queue.interface.Queue.record_report`."""
    recipient = report.recipient.text if report.recipient else ""
    found = _open(tx, link, S.ACCEPTED, report.reference)
    fitting = [(s, m) for s, m in found if not recipient or tail(recipient) == tail(m.peer)]
    if fitting:
        s, m = min(fitting, key=lambda pair: _apart(pair[0].id, report))
        if not _is_copy(tx, s, m, report, now):
            report_came(tx, s, m, report.status, report.code, report.reason, now)
        return True
    candidate = _uncertain(tx, link, report.reference, recipient)
    if recipient and _said_before(tx, link, candidate, recipient, report, now):
        return True
    if candidate:
        settle(tx, *candidate, report.reference, now)
        report_came(tx, *candidate, report.status, report.code, report.reason, now)
        return True
    _park(tx, link, report, recipient, now)
    return False


def tail(number: str) -> str:
    """What national and international forms of a number have in common: the last 8 digits."""
    return "".join(c for c in number if c.isdigit())[-8:]


def _apart(attempt: int, report: DeliveryReport) -> int:
    """Milliseconds between the beginning of an attempt, by its id, and the time that a report names; 0 without one."""
    return abs((attempt >> 20) - int(report.sent_at.timestamp() * 1000)) if report.sent_at else 0


def _closed(tx: Transaction, link: str, report: DeliveryReport, peer: str, now: int) -> list[int]:
    """For each attempt to this recipient with this reference whose end is known, how far the report is apart from it."""
    found = tx.execute(_CLOSED, (peer, floor_id(now - _WEEK), link, report.reference))
    return [_apart(id_, report) for (id_,) in found.fetchall()]


def _is_copy(tx: Transaction, s: Attempt, m: Row, report: DeliveryReport, now: int) -> bool:
    """The report fits an open attempt, but its time is that of one whose end is known: it came twice."""
    return _apart(s.id, report) > _NEAR and any(apart <= _NEAR for apart in _closed(tx, s.link, report, m.peer, now))


def _said_before(
    tx: Transaction, link: str, candidate: tuple[Attempt, Row] | None, recipient: str, report: DeliveryReport, now: int
) -> bool:
    """The end of an attempt with this reference is known, and nothing speaks for the uncertain one: its time is not that
    of the report, or not more so."""
    closed = _closed(tx, link, report, candidate[1].peer if candidate else recipient, now)
    if not candidate or not closed:
        return bool(closed)
    apart = _apart(candidate[0].id, report)
    return apart > _NEAR or min(closed) <= apart


def _pairs(found: list[tuple[Any, ...]]) -> list[tuple[Attempt, Row]]:
    return [(Attempt(*row[:WIDTH]), Row(*row[WIDTH:])) for row in found]


def _open(tx: Transaction, link: str, state: str, reference: str) -> list[tuple[Attempt, Row]]:
    return _pairs(tx.execute(_OPEN, (link, str(state), reference)).fetchall())


def _uncertain(tx: Transaction, link: str, reference: str, recipient: str) -> tuple[Attempt, Row] | None:
    """The one attempt that may have got this reference; None when there is none, or more than one. One in flight may get
    it as well: its report can overtake its answer."""
    if not recipient:
        return None
    found = [pair for state in (S.UNCERTAIN, S.ACCEPTED, S.IN_FLIGHT) for pair in _open(tx, link, state.value, "")]
    fitting = [(s, m) for s, m in found if tail(m.peer) == tail(recipient)]
    return fitting[0] if len(fitting) == 1 and fitting[0][0].state != S.IN_FLIGHT else None


def settle(tx: Transaction, s: Attempt, m: Row, reference: str, now: int) -> None:
    """A report proves that the network took an uncertain attempt."""
    if s.state == S.ACCEPTED:
        s.reference = reference
        tx.execute("UPDATE submission SET reference = ? WHERE id = ?", (reference, s.id))
        return
    conclude(tx, s, S.ACCEPTED, reference=reference, reason="settled by a report", open=True)
    if m.state == M.UNCERTAIN:
        tell(tx, m, "message.settled", now, how="sent", by="report")
    part_accepted(tx, m, s.part, now)


def _park(tx: Transaction, link: str, report: DeliveryReport, recipient: str, now: int) -> None:
    tx.execute(
        "INSERT INTO report_orphan (id, link, reference, recipient, status, code, reason, raw, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.ids.next(now), link, report.reference, recipient, report.status.value, report.code, report.reason,
            report.raw, now,
        ),
    )  # fmt: skip
    tx.event(
        "report.orphan", now, None, link, reference=report.reference, to=masked(recipient), status=report.status.value
    )


def match_orphans(tx: Transaction, s: Attempt, m: Row, now: int) -> None:
    """Reports that came before the result of their attempt. For an uncertain attempt they are its result."""
    if s.state == S.ACCEPTED:
        found = tx.execute(f"{_ORPHANS} AND reference = ? ORDER BY id", (s.link, s.id, s.reference)).fetchall()
    else:
        found = tx.execute(f"{_ORPHANS} ORDER BY id LIMIT 1000", (s.link, s.id)).fetchall()
    for id_, recipient, status, code, reason, reference in found:
        if recipient and tail(recipient) != tail(m.peer):
            continue
        if s.state == S.UNCERTAIN:
            only = _uncertain(tx, s.link, reference, recipient)
            if only is None or only[0].id != s.id:
                return
            settle(tx, s, m, reference, now)
        if reference == s.reference:
            tx.execute("DELETE FROM report_orphan WHERE id = ?", (id_,))
            report_came(tx, s, m, ReportStatus(status), code, reason, now)
