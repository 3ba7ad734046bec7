"""What must hold, at each moment and at the end. Each message of an error begins with the promise that was broken."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from smsgwd.gateway import SendRequest
from smsgwd.model import (
    MESSAGE,
    MESSAGE_TRANSITIONS,
    SUBMISSION_TRANSITIONS,
    InboundSegment,
    Message,
    Segment,
    Submission,
    public_id,
    row_id,
)
from smsgwd.queue import looking

if TYPE_CHECKING:
    from tests.simulation.history import History


class Checks:
    """What was promised to whom, and the questions whether it was kept."""

    def __init__(self, history: History) -> None:
        self.history = history
        #: id of each text that somebody was told is accepted -> what was asked for, where it is known
        self.accepted: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        #: what an operator decided about a text in doubt, committed or not
        self._decisions: dict[str, Counter[str]] = {}
        #: words of each inbound text -> its segments, and whether one never comes
        self._texted: dict[str, tuple[list[InboundSegment], bool]] = {}
        self._links: dict[str, tuple[str, int]] = {}
        #: the clock was wrong at some time
        self.stepped = False

    # ---- what is told to people --------------------------------------------------------------------------------------

    def was_accepted(self, message: Message, request: SendRequest | None) -> None:
        text = request.text if request else message.text or ""
        self.accepted.setdefault(message.id, text)
        if request and request.key:
            known = self._keys.setdefault(request.key, message.id)
            assert known == message.id, f"P2: {request.key} is {known}, and {message.id}"

    def decided(self, message: str, how: str) -> None:
        self._decisions.setdefault(message, Counter())[how] += 1

    def was_texted(self, words: str, segments: list[InboundSegment], now: float) -> None:
        self._texted[words] = segments, len(segments) < segments[0].parts

    # ---- looking -----------------------------------------------------------------------------------------------------

    def _conn(self) -> sqlite3.Connection:
        """What is committed, seen by somebody else."""
        return sqlite3.connect(f"file:{self.history.path}?mode=ro", uri=True, isolation_level=None)

    def _row(self, conn: sqlite3.Connection, message: str, columns: str) -> tuple[Any, ...]:
        found = conn.execute(f"SELECT {columns} FROM message WHERE id = ?", (row_id(MESSAGE, message),)).fetchone()
        assert found is not None, f"P1: {message} is not there"
        return tuple(found)

    # ---- on the wire -------------------------------------------------------------------------------------------------

    def before(self, link: str, segment: Segment) -> None:
        """A segment is about to be on the wire."""
        conn = self._conn()
        try:
            attempts = looking.submissions(conn, segment.message)
            class_, duplicate = self._row(conn, segment.message, "class, duplicate")
            self._intent(link, segment, attempts)
            self._once(segment, attempts, class_, duplicate)
            self._in_order(link, segment, attempts)
            self._replies(conn, segment)
        finally:
            conn.close()

    def _intent(self, link: str, segment: Segment, attempts: list[Submission]) -> None:
        mine = [s for s in attempts if s.id == segment.submission]
        assert len(mine) == 1, f"P3: {segment.submission} is on the wire and not on disk"
        (s,) = mine
        assert (s.state, s.part, s.link) == ("in_flight", segment.part, link), f"P3: {s} is on the wire of {link}"

    def _once(self, segment: Segment, attempts: list[Submission], class_: str, duplicate: int) -> None:
        others = [s for s in attempts if s.part == segment.part and s.id != segment.submission]
        doubtful = [s for s in others if s.state != "refused"]
        tries = [t for t in self.history.network.tries if (t.message, t.part) == (segment.message, segment.part)]
        assert not any(s.state == "in_flight" for s in others), f"P4: two attempts of {segment.message} at once"
        if not doubtful and not any(t.taken for t in tries):
            return
        chosen = class_ == "alarm" or self._decisions.get(segment.message, Counter())["resend"]
        assert chosen, f"P4: {segment.message} part {segment.part} goes out again: {[s.state for s in others]}"
        assert duplicate, f"P4: {segment.message} goes out again and is not marked"

    def _in_order(self, link: str, segment: Segment, attempts: list[Submission]) -> None:
        went = {s.part for s in attempts if s.state == "accepted"}
        missing = set(range(1, segment.part)) - went
        assert not missing, f"P10: part {segment.part} of {segment.message} goes before {sorted(missing)}"
        if segment.message not in self._links:  # an earlier part that never went was called sent by an operator
            assert segment.part == 1 or self._decisions[segment.message]["sent"], f"P10: {segment.message} begins with a later part"
        elif segment.part > 1:
            assert self._links[segment.message] == (link, segment.ref), f"P10: {segment.message} changed link or reference"
        self._links[segment.message] = link, segment.ref

    def _replies(self, conn: sqlite3.Connection, segment: Segment) -> None:
        """Agents' answers of one conversation go in the order in which they were accepted."""
        origin, conversation, id_ = self._row(conn, segment.message, "origin, conversation, id")
        if origin != "desk":
            return
        earlier = conn.execute(
            "SELECT id FROM message WHERE conversation = ? AND origin = 'desk' AND direction = 'out' AND id < ? "
            "AND state IN ('queued', 'sending')", (conversation, id_),
        ).fetchall()  # fmt: skip
        assert not earlier, f"order: {segment.message} goes before {[public_id(MESSAGE, row) for (row,) in earlier]}"

    # ---- after a life ------------------------------------------------------------------------------------------------

    def after_a_life(self, lived: list[tuple[str, int, str, str]], clean: bool) -> None:
        """Everything that was promised is there, nothing went backward, and a clean stop left nothing open."""
        for noun, id_, before, after in lived:
            table: Any = MESSAGE_TRANSITIONS if noun == "message" else SUBMISSION_TRANSITIONS
            assert after in table.get(before, ()), f"P24: {noun} {id_}: {before} -> {after}"
        conn = self._conn()
        try:
            for id_, text in self.accepted.items():
                assert self._row(conn, id_, "text")[0] == text, f"P1: {id_} is not what was accepted"
            if clean:
                open_ = conn.execute("SELECT count(*) FROM submission WHERE state = 'in_flight'").fetchone()[0]
                assert open_ == 0, f"P15: {open_} attempts are open after a clean stop"
            known = {row_id("sub", t.submission) for t in self.history.network.tries}
            on_disk = {row[0] for row in conn.execute("SELECT id FROM submission")}
            assert known <= on_disk, f"P3: {known - on_disk} were on the wire"
        finally:
            conn.close()

    def nothing_waits(self) -> bool:
        conn = self._conn()
        try:
            (waits,) = conn.execute(
                "SELECT (SELECT count(*) FROM message WHERE state IN ('queued', 'sending')) "
                "+ (SELECT count(*) FROM outbox WHERE state = 'pending') "
                "+ (SELECT count(*) FROM inbound_part WHERE message IS NULL) "
                "+ (SELECT count(*) FROM event WHERE kind = 'message.received' "
                "AND id > coalesce((SELECT event FROM cursor WHERE name = 'react'), 0))"
            ).fetchone()
            return bool(waits == 0) and not any(self.history.network.waiting.values())
        finally:
            conn.close()

    # ---- at the end --------------------------------------------------------------------------------------------------

    def at_the_end(self) -> bytes:
        """Compares the books; returns what the digest is made of."""
        conn = self._conn()
        try:
            assert not any(self.history.network.waiting.values()), "P7: the network still holds something for us"
            for (id_,) in conn.execute("SELECT id FROM message WHERE direction = 'out' ORDER BY id").fetchall():
                self._outbound(conn, public_id(MESSAGE, id_))
            self._inbound(conn)
            self._calls(conn)
            return self._everything(conn)
        finally:
            conn.close()

    def _outbound(self, conn: sqlite3.Connection, id_: str) -> None:
        state, class_, parts, reason = self._row(conn, id_, "state, class, parts, reason")
        ended = ("sent", "delivered", "failed", "expired", "cancelled", "uncertain", "held")
        assert state in ended, f"end: {id_} is {state} after all was calm: {reason}"
        tries = [t for t in self.history.network.tries if t.message == id_]
        decisions = self._decisions.get(id_, Counter())
        taken = Counter(t.part for t in tries if t.taken)
        if class_ != "alarm":
            most = 1 + decisions["resend"]
            assert all(n <= most for n in taken.values()), f"P4: {id_} is {max(taken.values())} times on the air"
        # the report on another text to the same person, of which nobody knew either, may speak of this one
        peers = {t.to for t in tries}
        other = any(t.taken and not t.answered and t.to in peers and t.message != id_ for t in self.history.network.tries)
        if state in ("sent", "delivered") and not decisions["sent"]:
            missing = set(range(1, parts + 1)) - set(taken)
            assert not missing or other, f"P5: {id_} is {state}, and the network never got {sorted(missing)}"
        if state == "failed" and not decisions["fail"]:
            known = any(t.refused or {"failed", "expired"} & set(t.reports) for t in tries)
            assert known or other, f"P6: {id_} is failed ({reason}), and nobody said no"
        if state == "cancelled":
            assert not taken or decisions, f"P4: {id_} is cancelled, and the network has it"
        if state == "held":
            raise AssertionError(f"end: {id_} is held, and was released")

    def _inbound(self, conn: sqlite3.Connection) -> None:
        stored = Counter(row[0] for row in conn.execute("SELECT text FROM message WHERE direction = 'in'"))
        for words, (segments, partial) in self._texted.items():
            pieces = {s.part: s.payload.decode("ascii") for s in segments}
            wanted = "".join(pieces[part] for part in sorted(pieces)) if partial else words
            if self.stepped:  # a week by a clock that jumps is no week: copies may count as new, sets be apart
                everything = "".join(sorted(stored))
                assert all(piece in everything for piece in pieces.values()), f"P7: {wanted!r} is lost"
            else:
                assert stored[wanted] == 1, f"P8: {wanted!r} is {stored[wanted]} times in the store"
        twice = conn.execute(
            "SELECT answers, count(*) FROM message WHERE rule <> '' GROUP BY answers HAVING count(*) > 1"
        ).fetchall()
        assert not twice, f"P11: more than one automatic answer: {twice}"

    def _calls(self, conn: sqlite3.Connection) -> None:
        """Every event that a desk wants was owed once, and told until it was taken or dead."""
        rows = conn.execute("SELECT id, endpoint, kind, state, json_extract(data, '$.event') FROM outbox").fetchall()
        for id_, endpoint, kind, state, _ in rows:
            public, book = public_id("out", id_), self.history.books[endpoint]
            assert state in ("done", "dead"), f"P12: {public} ({kind}) is {state} after all was calm"
            assert state == "dead" or public in book.taken, f"P12: {public} is done, and {endpoint} never took it"
        from tests.simulation.parts import config

        for desk in config()[0].helpdesk:
            owed = Counter(event for _, endpoint, kind, _, event in rows if endpoint == desk.name and kind in desk.events)
            marks = ",".join("?" * len(desk.events))
            events = conn.execute(f"SELECT id FROM event WHERE kind IN ({marks})", desk.events).fetchall()
            assert set(owed.values()) <= {1}, f"P12: {desk.name} is owed an event twice"
            # retention takes away what a first start in 1970 has left, once the clock is right
            assert self.stepped or owed.keys() == {row[0] for row in events}, f"P12: {desk.name} is not owed each event"
        tickets = conn.execute("SELECT count(*) FROM ticket GROUP BY conversation, endpoint HAVING count(*) > 1").fetchall()
        assert not tickets, "P12: a conversation has two tickets"

    def _everything(self, conn: sqlite3.Connection) -> bytes:
        tables = ("message", "submission", "event", "outbox", "conversation", "inbound_part")
        rows = [conn.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in tables]
        return msgspec.msgpack.encode(rows)
