"""Delivery reports: matching them to attempts, and what they say about the text.

A report names the link, a reference (TP-MR wraps at 256; a carrier writes its ids in forms of its own, see
:mod:`smsgwd.queue.references`) and mostly the recipient, compared by its last 8 digits, since networks write numbers in
national and international form. Links that share an account get each other's reports, so attempts of all of them are
looked at. Of the open attempts with the same reference, the one belongs to it that began nearest to when the service
centre took the text (TP-SCTS), or the newest where the report names no time; any other form of the reference counts only
when exactly one attempt fits. A report that repeats the number that we gave the attempt settles it when it is uncertain;
one of a modem also when it is the only attempt that may be meant. (A carrier's account may serve other programs.)

One that fits nothing is parked: its attempt's own result may still be on its way (it is matched when that is recorded,
if it came after the attempt began). A second report on an attempt whose end is known changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smsgwd.events import masked
from smsgwd.model import (
    MESSAGE,
    DeliveryReport,
    ReferenceMatch,
    ReportStatus,
    SubmissionState,
    own_reference,
    public_id,
)
from smsgwd.queue import doubt, policies, rows, tally
from smsgwd.queue.ids import floor_id
from smsgwd.queue.known import Attempt, Row
from smsgwd.queue.progress import UNASKED, WITHDRAWING, moved_on, part_accepted, report_came, take_back
from smsgwd.queue.references import STEPS, TEXTUAL, Step, candidates, fits, norm, told
from smsgwd.queue.states import M, S, conclude, load_attempts
from smsgwd.queue.together import array, lines
from smsgwd.queue.transaction import Transaction
from smsgwd.sms.address import Address

#: a second report is looked for among attempts of so many last texts to its recipient; not by age, since a clock that was
#: wrong when they were sent makes them old
_LAST = 50
#: milliseconds within which a service centre takes a text after its attempt began, as far as both clocks are right
_NEAR = 300_000
#: milliseconds for which a report with an unknown reference may speak of an uncertain attempt
_HOUR = 3_600_000

#: what an attempt says that was settled like this
_BY = {policies.REPORT: "settled by a report", policies.QUERY: "settled by what its carrier said when it was asked"}

_OPEN = (
    "SELECT s.id FROM submission s JOIN message m ON m.id = s.message "
    "WHERE s.open = 1 AND s.link = ? AND s.state = ? AND s.norm = ? {} ORDER BY s.id DESC LIMIT 600"
)
#: most open attempts that are read for several reports
_MOST_OPEN = 5_000
_OF_MANY = array(
    "norm, id",
    "FROM (SELECT norm, id FROM submission WHERE open = 1 AND link = ? AND state = ? "
    f"AND norm IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT {_MOST_OPEN})",
)
_ANYBODY, _OF_TAIL = _OPEN.format(""), _OPEN.format("AND ltrim(substr(m.peer, -8), '+') = ?")
_FLIES = (
    "SELECT 1 FROM submission s JOIN message m ON m.id = s.message "
    "WHERE s.open = 1 AND s.link = ? AND s.state = 'in_flight' AND s.norm = '' LIMIT 1"
)
_FLIES_TO = _FLIES.replace(" LIMIT", " AND ltrim(substr(m.peer, -8), '+') = ? LIMIT")
_CLOSED = (
    f"SELECT s.id, s.link, s.reference FROM (SELECT id FROM message WHERE peer = ? ORDER BY id DESC LIMIT {_LAST}) m "
    "CROSS JOIN submission s ON s.message = m.id WHERE s.open = 0 AND s.report <> ''"
)
_ORPHANS = "SELECT id, recipient, status, code, reason, reference, form, own FROM report_orphan WHERE link = ? AND id > ?"

Pair = tuple[Attempt, Row]


def look(tx: Transaction, calls: Sequence[tuple[Any, ...]]) -> None:
    """Reads for several :func:`record_report` the attempts that their references name as they are, with their texts."""
    wanted: dict[str, dict[str, None]] = {}
    for link, report, _ in calls:
        for account in _links(tx, link):
            wanted.setdefault(account, {})[norm(report.reference)] = None
    seen: dict[object, Any] = {link: tally.mode_of(tx, link) for link in {call[0] for call in calls}}
    for link, forms in wanted.items():
        seen |= {(link, form): [] for form in forms}
        found = lines(tx.execute(_OF_MANY, (link, S.ACCEPTED, rows.encode(list(forms)).decode())))
        if len(found) == _MOST_OPEN:  # there may be more: each looks for itself
            return
        for (form, _), pair in zip(found, load_attempts(tx, [id_ for _, id_ in found]), strict=True):
            seen[link, form].append(pair)
    tx.ahead.keep(record_report, seen)


def record_report(tx: Transaction, link: str, report: DeliveryReport, now: int) -> bool:
    """See :meth:`smsgwd.queue.interface.Queue.record_report`."""
    tally.count(tx, now, link, "came")
    if _matched(tx, link, report, now):
        return True
    _park(tx, link, report, now)
    return False


def record_likely(tx: Transaction, link: str, report: DeliveryReport, now: int) -> bool:
    """A text that reads like a report: it is one when it fits an attempt, or when the answer to one is still awaited whose
    recipient sent it (then it is parked). False = it is a person's text."""
    if _matched(tx, link, report, now):
        tally.count(tx, now, link, "came")
        return True
    if not _without_reference(tx, _links(tx, link), _recipient(report), (S.IN_FLIGHT,)):
        return False
    tally.count(tx, now, link, "came")
    _park(tx, link, report, now)
    return True


def _matched(tx: Transaction, link: str, report: DeliveryReport, now: int) -> bool:
    links, recipient = _links(tx, link), _recipient(report)
    free = report.match is ReferenceMatch.AUTO
    mode = (tx.ahead.seen(record_report).get(link) or tally.mode_of(tx, link)) if free else tally.Mode()
    steps = mode.steps if free else STEPS[report.match]
    found = _named(tx, links, report, recipient, steps[:1])
    candidate, copies, awaited = None, [], False
    if found is None:
        awaited = _awaited(tx, links, recipient)
        candidate = _own(tx, links, report, recipient) or (None if awaited else _only(tx, link, links, recipient))
        # numbers that are equal by chance must not make it a copy of another report
        surest = _sure(steps) or steps
        copies = _closed(tx, links, report, {recipient, candidate[1].peer if candidate else recipient}, surest)
        if len(steps) > 1 and not copies:
            found = _named(tx, links, report, recipient, _sure(steps[1:]) if free and awaited else steps[1:])
    if found:
        (s, m), step = found
        if free:
            tally.matched(tx, link, mode, step)
        if not _is_copy(tx, s, m, report):
            if report.deleted and s.report == WITHDRAWING:
                take_back(tx, s, m, now)
            else:
                report_came(tx, s, m, report.status, report.code, report.reason, now, step)
        return True
    if copies and _said_before(candidate, report, copies):
        return True
    if candidate:
        settle(tx, *candidate, told(report.reference, steps[0]), now)
        report_came(tx, *candidate, report.status, report.code, report.reason, now)
        return True
    if not awaited:
        tally.missed(tx, link, mode)
    return False


def _sure(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Those that compare characters. Where the form is ours to find, numbers are not compared while the answer to an
    attempt is awaited that may be meant: a report can overtake the answer, and its number, read otherwise, may be that of
    another attempt by chance."""
    return tuple(step for step in steps if step in TEXTUAL)


# ---- looking -------------------------------------------------------------------------------------------------------


def tail(number: str) -> str:
    """What national and international forms of a number have in common: the last 8 digits."""
    end = number[-8:]
    return end if end.isdigit() else "".join(c for c in number if c.isdigit())[-8:]


def _recipient(report: DeliveryReport) -> str:
    """Who got the text, as far as the report names a number."""
    text = report.recipient.text if report.recipient else ""
    return text if tail(text) else ""


def _links(tx: Transaction, link: str) -> tuple[str, ...]:
    """All links of the account, this one first."""
    return tx.limits.accounts.get(link) or (link,)


def _open(tx: Transaction, links: Sequence[str], state: str, form: str, recipient: str) -> list[Pair]:
    """Open attempts whose reference has this norm, newest first for each link; of this recipient, where one is named."""
    statement, more = (_OF_TAIL, (tail(recipient),)) if recipient else (_ANYBODY, ())
    seen = tx.ahead.seen(record_report) if state == S.ACCEPTED else {}
    pairs: list[Pair] = []
    for link in links:
        if (known := seen.get((link, form))) is not None:
            pairs += [(s, m) for s, m in known if s.open and (not recipient or tail(m.peer) == tail(recipient))]
            continue
        pairs += load_attempts(tx, [id_ for (id_,) in tx.execute(statement, (link, state, form, *more)).fetchall()])
    return pairs


def _named(
    tx: Transaction, links: Sequence[str], report: DeliveryReport, recipient: str, steps: Sequence[Step]
) -> tuple[Pair, Step] | None:
    """The attempt that the report's reference names, and the first step that says so."""
    known: dict[str, list[Pair]] = {}
    for step in steps:
        fitting: list[Pair] = []
        for form in candidates(report.reference, (step,)):
            if form not in known:
                known[form] = _open(tx, links, S.ACCEPTED, form, recipient)
            fitting += [pair for pair in known[form] if fits(step, pair[0].reference, report.reference)]
        if len(fitting) == 1:
            return fitting[0], step
        if fitting and step is Step.SAME:
            return min(fitting, key=lambda pair: _apart(pair[0].id, report)), step
    return None


def _awaited(tx: Transaction, links: Sequence[str], recipient: str) -> bool:
    """Whether the answer to an attempt is awaited that may be meant."""
    statement, more = (_FLIES_TO, (tail(recipient),)) if recipient else (_FLIES, ())
    return any(tx.execute(statement, (link, *more)).fetchone() for link in links)


def _without_reference(tx: Transaction, links: Sequence[str], recipient: str, states: Sequence[SubmissionState]) -> list[Pair]:
    """Attempts to the recipient that have no reference, or none yet."""
    if not recipient:
        return []
    return [pair for state in states for pair in _open(tx, links, state.value, "", recipient)]


def _only(tx: Transaction, link: str, links: Sequence[str], recipient: str) -> Pair | None:
    """The one attempt that may have got this reference; None when there is none, or more than one. One in flight may get
    it as well: its report can overtake its answer. Several of one part (it was sent again) are one: the part has arrived,
    whichever it was. Of a carrier's receipt it is no proof that we sent the text."""
    if not recipient or _awaited(tx, links, recipient):
        return None
    found = _without_reference(tx, links, recipient, (S.UNCERTAIN, S.ACCEPTED))
    if len({(s.message, s.part) for s, _ in found}) != 1:
        return None
    only = next((pair for pair in found if pair[0].state == S.ACCEPTED), found[0])
    return None if only[0].state == S.UNCERTAIN and _is_carrier(tx, link) else only


def _is_carrier(tx: Transaction, link: str) -> bool:
    found = tx.execute("SELECT type FROM link WHERE name = ?", (link,)).fetchone()
    return found is not None and found[0] == "smpp"


def _own(tx: Transaction, links: Sequence[str], report: DeliveryReport, recipient: str) -> Pair | None:
    """The one attempt without a reference whose own number the report repeats."""
    if report.own is None:
        return None
    found = [pair for state in (S.UNCERTAIN, S.ACCEPTED) for pair in _open(tx, links, state.value, "", recipient)]
    fitting = [(s, m) for s, m in found if own_reference(s.id) == report.own]
    return fitting[0] if len(fitting) == 1 else None


# ---- copies --------------------------------------------------------------------------------------------------------


def _apart(attempt: int, report: DeliveryReport) -> int:
    """Milliseconds between the beginning of an attempt, by its id, and the time that a report names; 0 without one."""
    return abs((attempt >> 20) - int(report.sent_at.timestamp() * 1000)) if report.sent_at else 0


def _closed(
    tx: Transaction, links: Sequence[str], report: DeliveryReport, peers: set[str], steps: Sequence[Step]
) -> list[int]:
    """The attempts to one of these with this reference whose end is known."""
    peers = (peers | {f"+{peer}" for peer in peers if peer.isdigit()}) - {""}
    return [
        id_
        for peer in peers
        for id_, link, reference in tx.execute(_CLOSED, (peer,)).fetchall()
        if link in links and any(fits(step, reference, report.reference) for step in steps)
    ]


def _is_copy(tx: Transaction, s: Attempt, m: Row, report: DeliveryReport) -> bool:
    """The report fits an open attempt, but its time is that of one whose end is known: it came twice."""
    if _apart(s.id, report) <= _NEAR:
        return False
    return any(_apart(id_, report) <= _NEAR for id_ in _closed(tx, (s.link,), report, {m.peer}, (Step.SAME,)))


def _said_before(candidate: Pair | None, report: DeliveryReport, copies: list[int]) -> bool:
    """The end of an attempt with this very reference is known. The report may be about the uncertain one all the same, where
    references are used again: when that began later, and the time of the report is its own and not that of the other.
    (Which of two is nearer proves nothing: the service centre takes the first one late, when the second has begun.)"""
    if candidate is None:
        return True
    begun = candidate[0].id
    return _apart(begun, report) > _NEAR or any(id_ > begun or _apart(id_, report) <= _NEAR for id_ in copies)


# ---- what follows --------------------------------------------------------------------------------------------------


def settle(tx: Transaction, s: Attempt, m: Row, reference: str, now: int, by: str = policies.REPORT) -> None:
    """A report, or the carrier that was asked, proves that the network took an uncertain attempt."""
    if s.state == S.ACCEPTED:
        s.reference = reference
        tx.execute("UPDATE submission SET reference = ?, norm = ? WHERE id = ?", (reference, norm(reference), s.id))
        return
    conclude(tx, s, S.ACCEPTED, reference=reference, reason=_BY[by], open=True)
    if m.state == M.UNCERTAIN:
        doubt.settled(tx, m, "sent", by, now)
    if not moved_on(s, m):
        part_accepted(tx, m, s.part, now)


def _park(tx: Transaction, link: str, report: DeliveryReport, now: int) -> None:
    """Keeps a report that fits nothing. Where one uncertain text of the last hour may be meant, the event says which: a
    person may settle it."""
    recipient = _recipient(report)
    tx.facts.pop(f"orphans {link}", None)
    tx.apart(
        "INSERT INTO report_orphan (id, link, reference, norm, recipient, status, code, reason, raw, form, own, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.ids.next(now), link, report.reference, norm(report.reference), recipient, report.status.value, report.code,
            report.reason, report.raw, report.match.value, report.own, now,
        ),
    )  # fmt: skip
    data = {"reference": report.reference, "to": masked(recipient), "status": report.status.value}
    doubtful = _without_reference(tx, _links(tx, link), recipient, (S.UNCERTAIN,))
    recent = [m.id for s, m in doubtful if s.id >= floor_id(now - _HOUR)]
    if len(recent) == 1:
        data["candidate"] = public_id(MESSAGE, recent[0])
    tx.event("report.orphan", now, None, link, **data)


def any_orphans(tx: Transaction, link: str) -> bool:
    """Whether reports wait for attempts of this link."""
    return any(tx.fact(f"orphans {x}", "SELECT 1 FROM report_orphan WHERE link = ? LIMIT 1", x) for x in _links(tx, link))


def match_orphans(tx: Transaction, s: Attempt, m: Row, now: int) -> None:
    """Reports that came before the result of their attempt. For an uncertain attempt they are its result."""
    for link in _links(tx, s.link):
        if s.state == S.ACCEPTED:
            forms = candidates(s.reference, STEPS[ReferenceMatch.AUTO])
            marks = ", ".join("?" * len(forms))
            found = tx.apart(f"{_ORPHANS} AND norm IN ({marks}) ORDER BY id", (link, s.id, *forms)).fetchall()
        else:
            found = tx.apart(f"{_ORPHANS} ORDER BY id LIMIT 1000", (link, s.id)).fetchall()
        for id_, recipient, status, code, reason, reference, form, own in found:
            if recipient and tail(recipient) != tail(m.peer):
                continue
            if s.state == S.UNCERTAIN:
                if own is None:
                    only = _only(tx, link, _links(tx, link), recipient)
                    if only is None or only[0].id != s.id:
                        break
                elif own != own_reference(s.id):
                    continue
                settle(tx, s, m, told(reference, _mode(tx, link, form)[1][0]), now)
            step = _by(tx, link, s, m.peer, reference, form)
            if step is not None:
                tx.apart("DELETE FROM report_orphan WHERE id = ?", (id_,))
                report_came(tx, s, m, ReportStatus(status), code, reason, now, step)
        if s.state == S.ACCEPTED and not tally.mode_of(tx, link).learned:
            _compare(tx, link, m, now)


def _compare(tx: Transaction, link: str, m: Row, now: int) -> None:
    """The reports whose numbers could not be compared while answers were awaited, once none is."""
    waiting = tx.apart(f"{_ORPHANS} ORDER BY id LIMIT 100", (link, floor_id(now - _HOUR))).fetchall()
    if not waiting or _awaited(tx, _links(tx, link), m.peer):
        return
    for id_, recipient, status, code, reason, reference, form, own in waiting:
        if form == ReferenceMatch.AUTO and tail(recipient) == tail(m.peer):
            report = DeliveryReport(
                reference=reference, status=ReportStatus(status), recipient=Address.parse(recipient), code=code,
                reason=reason, match=ReferenceMatch.AUTO, own=own,
            )  # fmt: skip
            if _matched(tx, link, report, now):
                tx.apart("DELETE FROM report_orphan WHERE id = ?", (id_,))


def _mode(tx: Transaction, link: str, form: str) -> tuple[tally.Mode, tuple[Step, ...]]:
    """What was learned of a link, and the steps that a report of this form allows."""
    match = ReferenceMatch(form)
    mode = tally.mode_of(tx, link) if match is ReferenceMatch.AUTO else tally.Mode()
    return mode, mode.steps if match is ReferenceMatch.AUTO else STEPS[match]


def _by(tx: Transaction, link: str, s: Attempt, peer: str, reference: str, form: str) -> Step | None:
    """The step by which an orphan's reference is that of an attempt to ``peer``."""
    mode, steps = _mode(tx, link, form)
    step = next((x for x in steps if fits(x, s.reference, reference)), None)
    if step is None or form != ReferenceMatch.AUTO:
        return step
    if step not in TEXTUAL and not mode.learned and _awaited(tx, _links(tx, link), peer):
        return None
    tally.matched(tx, link, mode, step)
    return step


def unasked(tx: Transaction, s: Attempt) -> None:
    """No report on this part was asked for. One that comes all the same counts where it tells of a failure."""
    s.report = UNASKED
    tx.execute("UPDATE submission SET report = ? WHERE id = ?", (s.report, s.id))
