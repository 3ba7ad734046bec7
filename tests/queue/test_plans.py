"""The statements that run for each text, as SQLite plans them: none walks through finished rows."""

import re

import pytest

from smsgwd.model import Accepted, LinkState, MessageClass, ReferenceMatch
from smsgwd.queue import asking, expiry, facts, inbound, links, looking, outbound, owing, reports, submitting
from smsgwd.queue.interface import CallResult, MessageFilter
from smsgwd.queue.question import Taken
from tests.contract.making import DOUBT, NOW, OURS, TEMPORARY, draft, part, report
from tests.queue.storing import storing

#: tables that grow with history; a whole walk through one of them is what must not happen
LARGE = ("message", "submission", "event", "inbound_part", "outbox", "consent", "report_orphan")
_WALK = re.compile(r"^SCAN (\w+)(?! .*USING (COVERING )?INDEX (message_queued|message_aside|submission_open|outbox_pending))")


def plans(store, work) -> dict[str, list[str]]:
    """statement -> the lines of its plan, for all statements that some work runs."""
    seen: list[str] = []
    store.conn.set_trace_callback(seen.append)
    work()
    store.conn.set_trace_callback(None)
    wanted = {s for s in seen if s.split()[0] in ("SELECT", "UPDATE", "DELETE")}
    return {s: [row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {s}")] for s in wanted}


def aliases(statement: str) -> dict[str, str]:
    return {a: t for t, a in re.findall(r"(?:FROM|JOIN|UPDATE) (\w+)(?: (?!WHERE|SET|ORDER|JOIN|LIMIT)(\w+))?", statement)}


def walks(found: dict[str, list[str]]) -> list[tuple[str, str]]:
    """(plan line, statement) of each walk through a large table that no partial index bounds."""
    bad = []
    for statement, lines in found.items():
        known = aliases(statement)
        for line in lines:
            scan = _WALK.match(line)
            if scan and known.get(scan[1], scan[1]) in LARGE:
                bad.append((line, statement))
    return bad


@pytest.fixture
def store(tmp_path):
    with storing(tmp_path / "q.db") as store:
        yield store


def _outbound(store):
    run = store.run
    run(outbound.accept, [draft(key="k", key_digest="d"), draft("ab", parts=2), draft(class_=MessageClass.ALARM)], NOW)
    segments = run(submitting.claim, "m1", 9, NOW)
    for segment, outcome in zip(segments, (DOUBT, Accepted("7"), TEMPORARY), strict=True):
        following = run(submitting.record_result, segment.submission, outcome, NOW)
        if following:
            run(submitting.unsubmit, following.submission, "left", NOW)
    run(reports.record_report, "m1", report("7"), NOW)
    run(reports.record_report, "m1", report("99"), NOW)
    run(reports.record_report, "m1", report("972660181", match=ReferenceMatch.AUTO, own=7), NOW)
    run(submitting.recover, NOW)


def _inbound(store):
    for number in (2, 1):
        store.run(inbound.receive, "m1", OURS["m1"], part("half", number, 2), NOW)
    came = store.run(inbound.receive, "m1", OURS["m1"], part("whole"), NOW)
    facts.peer_facts(store.conn, came.message, NOW)


def _clock(store):
    store.run(outbound.accept, [draft(expires=NOW + 1), draft(held=True, expires=NOW + 1)], NOW)
    store.run(inbound.receive, "m1", OURS["m1"], part("half", 1, 2), NOW)
    assert store.run(expiry.expire, NOW + 4_000_000) == 3


def _asking(store):
    """What carriers are asked; overdue ones are found by when they began."""
    run, conn = store.run, store.conn
    run(outbound.accept, [draft(), draft()], NOW)
    doubt, sent = run(submitting.claim, "m1", 2, NOW)
    run(submitting.record_result, doubt.submission, DOUBT, NOW)
    run(submitting.record_result, sent.submission, Accepted("7"), NOW)
    run(reports.record_report, "m1", report("99", match=ReferenceMatch.AUTO), NOW)
    asking.questions(conn, doubt.message)
    (question,) = asking.overdue(conn, "m1", NOW - 1, NOW, "", 10)
    run(asking.withdraw, sent.message, NOW)
    run(asking.withdrawn, sent.message, Taken(), NOW)
    run(asking.record_answer, question, report(), "clock", NOW)


def _looking(store):
    conn = store.conn
    looking.next_due(conn, "m1")
    looking.waiting(conn, "m1", 10)
    looking.depth(conn, NOW)
    looking.owed(conn, "support", 10, NOW)
    looking.owed_next(conn, "support")
    looking.events_after(conn, 0, 10)
    looking.events_after(conn, -10, 10)
    looking.owed(conn, "support", 10, NOW, ["out_0000000000001"])
    store.run(owing.owe_events, {"support": frozenset({"link.up"})})
    store.run(links.record_link, "m1", "modem", OURS["m1"], LinkState.UP, "registered", NOW)
    (call,) = looking.owed(conn, "support", 10, NOW)
    store.run(owing.record_calls, [CallResult(call.item.id, "done")], NOW)


@pytest.mark.parametrize("work", [_outbound, _inbound, _clock, _asking, _looking])
def test_no_walk_through_history(store, work):
    """What happens for each text, each tick and each wake-up reads live rows alone, by an index."""
    found = plans(store, lambda: work(store))
    assert len(found) >= 5
    assert walks(found) == []


def test_a_walk_would_be_seen(store):
    """The check itself: a statement without an index is found."""
    bad = "SELECT id FROM message m WHERE m.reason = 'x'"
    assert walks({bad: [row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {bad}")]}) == [("SCAN m", bad)]


def test_overdue_reads_what_began_then(store):
    """However many attempts are open, the look costs those that began between its two times."""
    found = plans(store, lambda: asking.overdue(store.conn, "m1", NOW, NOW + 1, "", 10))
    (lines,) = found.values()
    assert lines[0] == "SEARCH s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert not any("TEMP B-TREE" in line for line in lines)


def test_a_report_is_one_seek_for_each_form(store):
    """Whatever form its reference has, the attempt is found by the index of open ones, and the report that waits for one
    by its own: nothing is walked through or sorted, however long the numbers are."""
    number = "4062581461565934000241"
    by_form = plans(store, lambda: store.run(reports.record_report, "m1", report(number, match=ReferenceMatch.AUTO), NOW))
    seeks = [lines for statement, lines in by_form.items() if "s.norm = " in statement and "'accepted'" in statement]
    named = [lines for lines in seeks if lines[0] == "SEARCH s USING INDEX submission_open (link=? AND state=? AND norm=?)"]
    assert len(seeks) == len(named) == 4  # as it is, in hexadecimal, in decimal, and those without a reference
    run = store.run
    run(outbound.accept, [draft()], NOW)
    (segment,) = run(submitting.claim, "m1", 1, NOW)
    found = plans(store, lambda: run(submitting.record_result, segment.submission, Accepted("812FC7470000001B"), NOW))
    (lines,) = [lines for statement, lines in found.items() if "FROM report_orphan" in statement and "norm IN" in statement]
    assert lines[0] == "SEARCH report_orphan USING INDEX report_orphan_link (link=? AND norm=? AND rowid>?)"
    assert walks(by_form) == walks(found) == []


def test_claim_is_one_bounded_seek_for_each_priority(store):
    """The claim looks at each priority by the partial index of queued rows and sorts nothing, so that texts that are put
    off cost nothing."""
    found = plans(store, lambda: store.run(submitting.claim, "m1", 5, NOW))
    (lines,) = [lines for statement, lines in found.items() if "UNION ALL" in statement]
    seeks = [line for line in lines if line.startswith("SEARCH message ")]
    assert len(seeks) == 6
    assert all("USING INDEX message_queued (link=? AND priority=? AND due" in line for line in seeks)
    assert not any("TEMP B-TREE" in line for line in lines)


@pytest.mark.parametrize(
    ("where", "index"),
    [
        pytest.param({"state": "uncertain"}, "message_aside", id="uncertain"),
        pytest.param({"state": "failed"}, "message_aside", id="failed"),
        pytest.param({"direction": "in"}, "message_in", id="inbox"),
    ],
)
def test_lists_use_their_index(store, where, index):
    """The lists that people look at come by an index and need no sorting."""
    found = plans(store, lambda: looking.messages(store.conn, MessageFilter(**where), "", 50))
    (lines,) = [lines for statement, lines in found.items() if "FROM message m" in statement]
    assert index in lines[0]
    assert not any("TEMP B-TREE" in line for line in lines)
