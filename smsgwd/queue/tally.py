"""What the store knows of the reports of each link: how their references are written, and how many matched nothing.

Where a link leaves it to us how a report writes its reference, each match says which :class:`Step` found it. Twenty
matches by one step make it the link's mode: the steps that only numbers allow are not tried any more then, unless it is
one of them. Matches beyond twenty are kept up to forty, and each orphan takes one away: a carrier that changes its ways is
forgotten after a while.

Every report is counted in the rollup, with the direction ``report`` and the state ``came`` (and ``dropped``, for an
orphan that was kept in vain). The orphans of today are the rows that are still there: one whose text's answer came a
moment later is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from smsgwd.model import ReferenceMatch, Refusal
from smsgwd.queue.ids import floor_id
from smsgwd.queue.references import STEPS, TEXTUAL, Step
from smsgwd.queue.transaction import Transaction

#: matches by one step, and no other, that make it the link's mode; and how many count at most
ENOUGH, MOST = 20, 40
#: share of a day's reports that may match nothing, and how many orphans are needed to say so
SHARE, FEWEST = 0.01, 3
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
#: milliseconds between two looks at the orphans; and how long one may wait for the answer of its text
_LOOK, _YOUNG = 10 * _MINUTE, _MINUTE

_MODE, _ORPHANS, _LOOKED, _ALARM = "receipts ", "orphans ", "orphans", "alarm "


Execute = Callable[..., sqlite3.Cursor]


class Mode(msgspec.Struct, frozen=True):
    """How the reports of a link were matched of late: the step, and how often in a row."""

    step: str = ""
    count: int = 0

    @property
    def learned(self) -> str:
        """The step, when it is the link's mode; else nothing."""
        return self.step if self.count >= ENOUGH else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        if not self.learned:
            return STEPS[ReferenceMatch.AUTO]
        step = Step(self.step)
        return TEXTUAL if step in TEXTUAL else (step,)


def _kept(execute: Execute, name: str) -> str:
    found = execute("SELECT value FROM store WHERE name = ?", (name,)).fetchone()
    return found[0] if found else ""


def _keep(tx: Transaction, name: str, value: str) -> None:
    tx.apart("INSERT OR REPLACE INTO store (name, value) VALUES (?, ?)", (name, value))


def mode(execute: Execute, link: str) -> Mode:
    """What was learned of a link. ``execute`` may look past what was deferred."""
    step, _, count = _kept(execute, _MODE + link).partition(" ")
    return Mode(step, int(count)) if count else Mode()


def mode_of(tx: Transaction, link: str) -> Mode:
    """As :func:`mode`, for verbs."""
    name = f"mode {link}"
    if name not in tx.facts:
        tx.facts[name] = mode(tx.apart, link)
    known: Mode = tx.facts[name]
    return known


def _learn(tx: Transaction, link: str, step: str, count: int) -> None:
    _keep(tx, _MODE + link, f"{step} {count}")
    tx.facts.pop(f"mode {link}", None)


def matched(tx: Transaction, link: str, before: Mode, step: Step) -> None:
    """A report was matched by a step."""
    count = before.count + 1 if step == before.step else 1
    if count <= MOST:
        _learn(tx, link, step, count)


def missed(tx: Transaction, link: str, before: Mode) -> None:
    """A report matched nothing, although the link has a mode."""
    if before.learned:
        _learn(tx, link, before.step, before.count - 1)


def count(tx: Transaction, now: int, link: str, state: str, reports: int = 1) -> None:
    """Counts reports of a link."""
    for _ in range(reports):
        tx.count(now, link, "report", "", state, 0)


def facts(conn: sqlite3.Connection) -> dict[str, dict[str, str | int | float | None]]:
    """link -> what people see of its reports: those of the last 7 days that something was counted on, the orphans that
    are kept now, and the mode that was learned."""
    counted = conn.execute(
        "SELECT link, state, sum(messages) FROM rollup "
        "WHERE day >= (SELECT date(max(day), '-6 days') FROM rollup) AND direction = 'report' GROUP BY link, state"
    ).fetchall()
    reports, dropped = {}, {}
    for link, state, n in counted:
        if state == "came":
            reports[link] = n
        else:
            dropped[link] = n
    orphans = dict(conn.execute("SELECT link, count(*) FROM report_orphan GROUP BY link").fetchall())
    found: dict[str, dict[str, str | int | float | None]] = {}
    for link in reports.keys() | orphans.keys() | dropped.keys():
        lost = orphans.get(link, 0)
        share = 100 * lost / max(reports.get(link, 0), lost, 1)
        found[link] = {"reports": reports.get(link, 0), "orphans": lost, "orphan_share": f"{share:.1f} %"}
        if link in dropped:
            found[link]["orphans_dropped"] = dropped[link]
        if learned := mode(conn.execute, link).learned:
            found[link]["receipt_id"] = f"{learned} (learned)"
    return found


def look(tx: Transaction, now: int) -> None:
    """Alarms, once a day for each link, when more of its reports than a hundredth matched no text of ours."""
    last = int(_kept(tx.apart, _LOOKED) or 0)
    if last <= now < last + _LOOK:
        return
    day = datetime.fromtimestamp(now // 1000, UTC).date().isoformat()
    found = tx.execute(
        "SELECT link, count(*) FROM report_orphan WHERE id BETWEEN ? AND ? GROUP BY +link",
        (floor_id(now - now % _DAY), floor_id(now - _YOUNG)),
    ).fetchall()
    if found:
        _keep(tx, _LOOKED, str(now))
    for link, orphans in found:
        reports = tx.execute(
            "SELECT coalesce(sum(messages), 0) FROM rollup WHERE day = ? AND link = ? AND direction = 'report' "
            "AND state = 'came'",
            (day, link),
        ).fetchone()[0]
        if orphans < FEWEST or orphans <= SHARE * reports or _kept(tx.apart, _ORPHANS + link) == day:
            continue
        _keep(tx, _ORPHANS + link, day)
        what = "delivery reports match no text of ours: is receipt_id right, does another program use the account?"
        tx.event("link.alarm", now, None, link, what=what, orphans=orphans, reports=reports)


def alarm(tx: Transaction, link: str, refusal: Refusal, now: int) -> None:
    """A refusal that tells of a mistake of ours: an operator is told, once an hour for each code, from the time on that
    the refusal names."""
    name = f"{_ALARM}{link} {refusal.code}"
    began, _, said = _kept(tx.apart, name).partition(" ")
    since, times = (int(began), int(said)) if said and 0 <= now - int(began) < _HOUR else (now, 0)
    if times >= refusal.alarm:
        return
    _keep(tx, name, f"{since} {times + 1}")
    if times + 1 == refusal.alarm:
        tx.event("link.alarm", now, None, link, what=refusal.reason, code=refusal.code)
