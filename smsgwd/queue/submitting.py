"""What links do with outbound texts: claim, record what came of it, give back, move, recover.

An attempt (Submission) is on disk before the wire sees a byte. Parts of a text go one after the other on one link with one
reference; ``done`` says how many the network took. What nobody can know is uncertain and is not sent again, except
where the policy of its class says so; a late answer still counts then, and cancels a second attempt that has not begun.
"""

from __future__ import annotations

from collections.abc import Sequence

from smsgwd.errors import Conflict
from smsgwd.model import (
    MESSAGE,
    SUBMISSION,
    Accepted,
    InDoubt,
    Outcome,
    Refusal,
    RefusalClass,
    Segment,
    row_id,
)
from smsgwd.queue import answering, doubt, looking, policies, reports, rows, tally
from smsgwd.queue.interface import Move, Turn
from smsgwd.queue.known import COLUMNS, ROW, WIRE, Attempt, Row
from smsgwd.queue.outbound import next_ref
from smsgwd.queue.progress import moved_on, part_accepted
from smsgwd.queue.states import (
    M,
    S,
    conclude,
    finish,
    load,
    load_attempt,
    load_attempts,
    move,
    requeue,
    tell,
    went,
    which_part,
)
from smsgwd.queue.together import array, insert, lines, update
from smsgwd.queue.transaction import Transaction

#: seconds until a text that a link could not take is looked at again; it may be rerouted before
LINK_PAUSE = 30
#: longest pause of a text for which its link has no room now, in seconds, where the network asks for none longer
BUSY_PAUSE = 30.0
#: longest pause between two tries that a network may ask for, in seconds
LONGEST_PAUSE = 86_400
#: most texts that one claim passes over (their validity is over, an answer before them has not left), so that it never keeps
#: other verbs waiting for long
MOST_PASSED = 500

_SEEK = (
    "SELECT id FROM (SELECT id FROM message WHERE state = 'queued' AND link = ?1 "
    "AND priority = {} AND due {} ORDER BY due, id LIMIT ?3)"
)
#: bounded seeks for each priority: rows that are due later never stand before rows that are due now. A text that was put
#: off and is due now goes before those that never were (due 0), else a backlog would keep it waiting for ever
_DUE = (
    " UNION ALL ".join(_SEEK.format(priority, due) for priority in (0, 1, 2) for due in ("BETWEEN 1 AND ?2", "= 0"))
    + " LIMIT ?3"
)
_CLAIM = array("id", f"FROM ({_DUE})")
_TEXTS = array(f"{COLUMNS}, {WIRE}", "FROM message m WHERE m.id IN (SELECT value FROM json_each(?))")
WIRE_OF = f"SELECT {WIRE} FROM message m WHERE m.id = ?"
_PAUSED = "SELECT paused FROM link WHERE name = ?"
_INSERT = insert(
    "submission", "id, message, link, part, state, reference, reason, report, open, at",
    "(?, ?, ?, ?, 'in_flight', '', '', '', 1, ?)",
)  # fmt: skip
_GONE_ON = update("message", "done, updated")


def claim(tx: Transaction, link: str, limit: int, now: int) -> list[Segment]:
    """See :meth:`smsgwd.queue.interface.Queue.claim`. A paused link gets nothing."""
    if tx.fact(f"paused {link}", _PAUSED, link):
        return []
    claimed: list[Segment] = []
    passed = 0
    while len(claimed) < limit and passed < MOST_PASSED:
        found = lines(tx.execute(_CLAIM, (link, now, limit - len(claimed))))
        if not found:
            break
        for m in _texts(tx, [id_ for (id_,) in found]):
            if 0 < m.expires <= now and not tx.doubted:
                expire_one(tx, m, now)
                passed += 1
                continue
            if m.origin == "desk" and answering.waits(tx, m, now):
                passed += 1
                continue
            m.attempts += 1
            move(tx, m, M.SENDING, now)
            claimed.append(_attempt(tx, m, now))
    return claimed


def _texts(tx: Transaction, ids: Sequence[int]) -> list[Row]:
    """These texts with their words, in this order."""
    texts = {id_: m for id_ in ids if (m := tx.known.texts.get(id_)) is not None and m.wire is not None}
    if len(texts) < len(ids):
        unknown = ",".join(str(id_) for id_ in ids if id_ not in texts)
        for columns in lines(tx.execute(_TEXTS, (f"[{unknown}]",))):
            texts[columns[0]] = m = Row(*columns[:ROW])
            m.wire = tuple(columns[ROW:])
    return [texts[id_] for id_ in ids]


def expire_one(tx: Transaction, m: Row, now: int) -> None:
    """The validity of a text that waits has ended."""
    finish(tx, m, M.EXPIRED, now, "its validity ended before it was sent" + went(m))


def _attempt(tx: Transaction, m: Row, now: int) -> Segment:
    """Puts an attempt for the next part on disk and gives the segment."""
    id_, part = tx.ids.next(now), m.done + 1
    tx.defer(_INSERT, id_, (id_, m.id, m.link, part, now))
    tx.known.keep_attempt(Attempt(id_, m.id, m.link, part, "in_flight", "", "", 1), m)
    tell(tx, m, "message.sending", now, part=part, parts=m.parts)
    return rows.segment(m, id_, part, m.wire or (), now)


def record_result(tx: Transaction, submission: str, outcome: Outcome, now: int) -> Segment | None:
    """See :meth:`smsgwd.queue.interface.Queue.record_result`."""
    return _came(tx, *load_attempt(tx, row_id(SUBMISSION, submission)), outcome, now)


def turn(tx: Transaction, link: str, results: Sequence[tuple[str, Outcome]], room: int, now: int) -> Turn:
    """See :meth:`smsgwd.queue.interface.Queue.turn`."""
    attempts = load_attempts(tx, [row_id(SUBMISSION, submission) for submission, _ in results])
    waits = reports.any_orphans(tx, link)
    following = [_came(tx, s, m, outcome, now, waits) for (s, m), (_, outcome) in zip(attempts, results, strict=True)]
    claimed = claim(tx, link, room, now) if room > 0 else []
    due = looking.next_due(tx.conn, link) if len(claimed) < room else None
    return Turn(tuple(following), tuple(claimed), due)


def _came(tx: Transaction, s: Attempt, m: Row, outcome: Outcome, now: int, orphans: bool = True) -> Segment | None:
    """Records what came of an attempt; the following part, where the text goes on.

    A late outcome of an attempt that was called uncertain counts as well; one of an attempt whose end is known already
    changes nothing. ``orphans``: reports wait for their attempts.
    """
    if s.state not in (S.IN_FLIGHT, S.UNCERTAIN):
        return None
    late = s.state == S.UNCERTAIN
    if isinstance(outcome, Accepted):
        if late and m.state == M.UNCERTAIN:
            doubt.settled(tx, m, "sent", policies.LATE_ANSWER, now)
        conclude(tx, s, S.ACCEPTED, reference=outcome.reference, open=bool(m.report) and (outcome.report or m.parts > 1))
        if s.open and not outcome.report:
            reports.unasked(tx, s)
        following = not moved_on(s, m) and part_accepted(tx, m, s.part, now)
        if m.report and orphans:
            reports.match_orphans(tx, s, m, now)
        return _next(tx, m, now) if following else None
    if isinstance(outcome, Refusal):
        conclude(tx, s, S.REFUSED, reason=f"{outcome.code}: {outcome.reason}" if outcome.code else outcome.reason)
        if m.state == (M.UNCERTAIN if late else M.SENDING):
            _refused(tx, s, m, outcome, now)
        return None
    if s.state == S.IN_FLIGHT:
        in_doubt(tx, s, m, outcome, now)
    return None


def _next(tx: Transaction, m: Row, now: int) -> Segment:
    """The following part, in the same commit."""
    m.wire = m.wire or tx.execute(WIRE_OF, (m.id,)).fetchone()
    tx.defer(_GONE_ON, m.id, (m.done, now, m.id))
    tx.known.wrote(m)
    return _attempt(tx, m, now)


def _arrived(tx: Transaction, s: Attempt, m: Row, now: int) -> bool:
    """Another attempt of the same part turned out as accepted meanwhile: then that counts, whatever came of this one."""
    found = tx.execute(
        "SELECT 1 FROM submission WHERE message = ? AND part = ? AND state = 'accepted' AND (link = ? OR ? = 1)",
        (m.id, s.part, s.link, m.parts),
    )
    if not m.duplicate or found.fetchone() is None:
        return False
    if part_accepted(tx, m, s.part, now):
        requeue(tx, m, 0, now)
    return True


def _doubtful(tx: Transaction, s: Attempt, m: Row) -> bool:
    """Nobody knows what came of another attempt of the same part."""
    found = tx.execute("SELECT 1 FROM submission WHERE message = ? AND part = ? AND state = 'uncertain'", (m.id, s.part))
    return bool(m.duplicate) and found.fetchone() is not None


def _refused(tx: Transaction, s: Attempt, m: Row, refusal: Refusal, now: int) -> None:
    """A definite no: never again, later, or elsewhere. While another attempt of the part is in doubt it is no end of the
    text: nobody knows, and the text is sent again only by the choice that was made already."""
    if _arrived(tx, s, m, now):
        return
    other = _doubtful(tx, s, m)
    if m.state == M.UNCERTAIN:
        if other:
            return
        doubt.settled(tx, m, "refused", policies.LATE_ANSWER, now)
    end, more = (M.UNCERTAIN, f"; an earlier attempt is in doubt{went(m)}") if other else (M.FAILED, went(m))
    reason = which_part(m, s.part) + (f"{refusal.code}: {refusal.reason}" if refusal.code else refusal.reason)
    if refusal.alarm:
        tally.alarm(tx, s.link, refusal, now)
    if refusal.class_ is RefusalClass.BUSY:
        m.attempts = max(0, m.attempts - 1)
        pause = min(refusal.retry_after * 2.0 ** min(_like_this(tx, s, refusal) - 1, 30), max(BUSY_PAUSE, refusal.retry_after))
        requeue(tx, m, now + int(1000 * min(pause, LONGEST_PAUSE)), now, reason)
        tell(tx, m, "message.retry", now, code=refusal.code, why="busy", due=m.due)
    elif refusal.tries and refusal.class_ is not RefusalClass.PERMANENT and _like_this(tx, s, refusal) >= refusal.tries:
        finish(tx, m, end, now, f"{reason}; refused like this {_times(refusal.tries)}{more}", code=refusal.code)
    elif refusal.class_ is RefusalClass.LINK:
        m.attempts = max(0, m.attempts - 1)
        requeue(tx, m, now + LINK_PAUSE * 1000, now, reason)
        tell(tx, m, "message.retry", now, code=refusal.code, why="link", due=m.due)
    elif refusal.class_ is RefusalClass.PERMANENT:
        finish(tx, m, end, now, reason + more, code=refusal.code)
    elif m.attempts >= max(tx.limits.attempts, refusal.tries):
        finish(tx, m, end, now, f"{reason}; given up after {m.attempts} tries{more}", code=refusal.code)
    else:
        requeue(tx, m, now + backoff(tx, m, refusal.retry_after), now, reason)
        tell(tx, m, "message.retry", now, code=refusal.code, why="refused", attempts=m.attempts, due=m.due)


def _like_this(tx: Transaction, s: Attempt, refusal: Refusal) -> int:
    """How often this part was refused with the same code, this time included."""
    found = tx.execute(
        "SELECT count(*) FROM submission WHERE message = ? AND part = ? AND state = 'refused' AND substr(reason, 1, ?) = ?",
        (s.message, s.part, len(refusal.code) + 1, f"{refusal.code}:"),
    )
    return int(found.fetchone()[0])


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def backoff(tx: Transaction, m: Row, retry_after: float) -> int:
    """Milliseconds until the next try: doubled after each, never less than the network asked for (a day at most)."""
    own = tx.limits.backoff * 2.0 ** min(max(m.attempts - 1, 0), 30)
    return int(1000 * max(min(own, tx.limits.backoff_ceiling), min(retry_after, LONGEST_PAUSE)))


def in_doubt(tx: Transaction, s: Attempt, m: Row, outcome: InDoubt, now: int) -> None:
    """Nobody can know. The attempt says so; the text follows the policy of its class."""
    conclude(tx, s, S.UNCERTAIN, reason=outcome.reason, open=True)
    if m.state != M.SENDING:
        return
    if _arrived(tx, s, m, now):
        return
    policy = doubt.policy_of(tx, m)
    reason = which_part(m, s.part) + outcome.reason
    if policy == policies.RETRY and m.attempts < tx.limits.attempts:
        m.duplicate = 1
        requeue(tx, m, now + backoff(tx, m, 0), now, f"{reason}; sent again, a possible duplicate")
        tell(tx, m, "message.retry", now, why="uncertain", possible_duplicate=True, attempts=m.attempts, due=m.due,
             reason=reason)  # fmt: skip
        doubt.settled(tx, m, "resend", policies.AGAIN, now)
    else:
        finish(tx, m, M.UNCERTAIN, now, reason + went(m), part=s.part, parts=m.parts, policy=policy)
    reports.match_orphans(tx, s, m, now)
    if policy == policies.ASSUME_SENT and m.state == M.UNCERTAIN:
        doubt.settled(tx, m, "sent", policies.ASSUMED, now)
        conclude(tx, s, S.ACCEPTED, reason=f"{outcome.reason}; taken as sent by policy", open=bool(m.report))
        part_accepted(tx, m, s.part, now)


def unsubmit(tx: Transaction, submission: str, reason: str, now: int) -> None:
    """See :meth:`smsgwd.queue.interface.Queue.unsubmit`. The text keeps its place in the queue."""
    s, m = load_attempt(tx, row_id(SUBMISSION, submission))
    if s.state != S.IN_FLIGHT:
        raise Conflict(f"{submission} is {s.state}; it cannot be given back")
    conclude(tx, s, S.REFUSED, reason=reason)
    if m.state == M.SENDING and not _arrived(tx, s, m, now):
        m.attempts = max(0, m.attempts - 1)
        requeue(tx, m, m.due, now, which_part(m, s.part) + reason)
        tell(tx, m, "message.retry", now, why="not sent", due=m.due)


def reroute(tx: Transaction, moves: Sequence[Move], now: int) -> int:
    """See :meth:`smsgwd.queue.interface.Queue.reroute`. A text that may not move any more is left where it is."""
    moved = 0
    for move_ in moves:
        m = load(tx, row_id(MESSAGE, move_.message))
        if m.state != M.QUEUED or m.done or m.pinned or m.link == move_.link:
            continue
        if m.duplicate and m.parts != move_.plan.parts:
            continue  # a late answer to the attempt in doubt would be taken for a part of other words
        created, token = tx.execute("SELECT created, token FROM message WHERE id = ?", (m.id,)).fetchone()
        tx.spend(created, m.link, token, m.peer, -m.parts)
        tx.spend(created, move_.link, token, m.peer, move_.plan.parts, move_.message)
        planned(tx, m, move_, now)
        why = {"why": "refused"} if move_.at_once else {}
        tx.event("message.rerouted", now, m.id, move_.link, **{"from": m.link}, **why)
        tx.hint(f"link:{move_.link}")
        moved += 1
    return moved


_PLANNED = (
    "UPDATE message SET link = ?, text = ?, encoding = ?, locking = ?, single = ?, parts = ?, cuts = ?, "
    "ref = ?, updated = ? WHERE id = ?"
)
_WAITS_HERE = "UPDATE message SET due = max(due, schedule), schedule = 0 WHERE id = ? AND schedule > ?"


def planned(tx: Transaction, m: Row, move_: Move, now: int) -> None:
    """Writes a text as the other link will send it. Parts keep the reference that they have."""
    plan = move_.plan
    ref = 0
    if plan.parts > 1:
        (ref,) = tx.execute("SELECT ref FROM message WHERE id = ?", (m.id,)).fetchone()
        ref = ref if m.parts > 1 else next_ref(tx, m.peer, m.id)
    cuts = "" if plan.parts == 1 else ",".join(map(str, plan.cuts))
    tx.execute(
        _PLANNED,
        (move_.link, plan.text, plan.alphabet.value, plan.locking, plan.single, plan.parts, cuts, ref, now, m.id),
    )
    if move_.at_once:
        tx.execute("UPDATE message SET due = 0 WHERE id = ?", (m.id,))
    if not move_.waits_there:
        tx.execute(_WAITS_HERE, (m.id, now))


def recover(tx: Transaction, now: int) -> int:
    """See :meth:`smsgwd.queue.interface.Queue.recover`."""
    found = tx.execute("SELECT id FROM submission WHERE open = 1 AND state = 'in_flight' ORDER BY +id")  # + : by the index
    open_ = found.fetchall()
    for (id_,) in open_:
        s, m = load_attempt(tx, id_)
        in_doubt(tx, s, m, InDoubt("the gateway ended while the attempt was open"), now)
    if open_:
        tx.event("daemon.recovered", now, submissions=len(open_))
    return len(open_)
