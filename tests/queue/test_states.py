"""No text moves backward: random verbs against the store and against a small model of it, side by side."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smsgwd.errors import Conflict
from smsgwd.model import (
    MESSAGE,
    MESSAGE_TRANSITIONS,
    SUBMISSION,
    SUBMISSION_TRANSITIONS,
    Accepted,
    MessageClass,
    public_id,
    row_id,
)
from smsgwd.queue import expiry, outbound, states, submitting
from smsgwd.queue.interface import Settled
from smsgwd.queue.transaction import Limits
from tests.contract.making import DOUBT, LINK, NOW, PERMANENT, SECOND, TEMPORARY, draft
from tests.queue.storing import Store

TRIES = 3
OVER = ("failed", "expired", "cancelled")
PICK = st.integers(0, 1000)


def flying(text) -> bool:
    return bool(text.flying)


def doubtful(text) -> bool:
    """An answer may come late, and no second attempt is in flight (test_late.py has those)."""
    return bool(text.doubtful) and not text.flying


class Text:
    """What the model knows of a text."""

    def __init__(self, id_, parts, alarm, expires, state) -> None:
        self.id, self.parts, self.alarm, self.expires, self.state = id_, parts, alarm, expires, state
        self.done = self.tries = self.due = 0
        self.flying = ""  # the attempt in flight
        self.doubtful: dict[str, int] = {}  # attempts that nobody knows of, and their part
        self.again = False  # may be sent twice, by policy or by an operator
        self.wire: list[int] = []  # parts as they were handed to a link

    def take(self, segment) -> None:
        assert segment.part == self.done + 1
        self.state, self.flying = "sending", segment.submission
        self.wire.append(segment.part)


class Texts(RuleBasedStateMachine):
    """A queue with one link; time goes forward."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, Text] = {}

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "q.db", Limits(attempts=TRIES))
        self.store.conn.execute("PRAGMA synchronous = OFF")  # nothing is cut off here
        self.now, self.before = NOW, {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def _one(self, pick: int, fits=lambda text: True) -> Text:
        fitting = [t for t in self.texts.values() if fits(t)]
        return fitting[pick % len(fitting)]

    # ---- verbs -----------------------------------------------------------------------------------------------------

    @rule(parts=st.integers(1, 3), alarm=st.booleans(), held=st.booleans(), short=st.booleans())
    def accept(self, parts, alarm, held, short):
        expires = self.now + 90 * SECOND if short else 0
        class_ = MessageClass.ALARM if alarm else MessageClass.NORMAL
        asked = draft("abc"[:parts], parts=parts, class_=class_, held=held, expires=expires)
        (message,) = self.store.run(outbound.accept, [asked], self.now)
        self.texts[message.id] = Text(message.id, parts, alarm, expires, "held" if held else "queued")

    @rule(limit=st.integers(1, 3))
    def claim(self, limit):
        segments = self.store.run(submitting.claim, "m1", limit, self.now)
        for text in self.texts.values():
            if text.state == "queued" and 0 < text.expires <= self.now and self._state(text) == "expired":
                text.state = "expired"
        due = [t for t in self.texts.values() if t.state == "queued" and t.due <= self.now]
        assert len(segments) == min(limit, len(due))
        assert [s.class_ for s in segments] == sorted(s.class_ for s in segments)  # alarm before normal
        for segment in segments:
            text = self.texts[segment.message]
            assert text in due
            text.tries += 1
            text.take(segment)

    @precondition(lambda self: any(map(flying, self.texts.values())))
    @rule(pick=PICK)
    def give_back(self, pick):
        text = self._one(pick, flying)
        self.store.run(submitting.unsubmit, text.flying, "left", self.now)
        text.wire.pop()
        text.flying, text.state, text.tries = "", "queued", text.tries - 1

    @precondition(lambda self: any(map(flying, self.texts.values())))
    @rule(pick=PICK, outcome=st.sampled_from([Accepted("7"), Accepted("7"), PERMANENT, TEMPORARY, LINK, DOUBT, DOUBT]))
    def result(self, pick, outcome):
        text = self._one(pick, flying)
        attempt, text.flying = text.flying, ""
        following = self.store.run(submitting.record_result, attempt, outcome, self.now)
        if isinstance(outcome, Accepted):
            text.done += 1
            if text.done == text.parts:
                text.state = "sent"
            else:
                text.take(following)
            return
        assert following is None
        if outcome is DOUBT:
            text.doubtful[attempt] = text.done + 1
            retried = text.alarm and text.tries < TRIES
            text.again |= retried
            text.state = "queued" if retried else "uncertain"
            text.due = self.now + 30 * SECOND * 2 ** (text.tries - 1)
        else:
            self._refused(text, outcome)

    def _refused(self, text, outcome):
        doubt = text.done + 1 in text.doubtful.values()
        if doubt and text.state == "uncertain":
            return
        if outcome is PERMANENT or (outcome is TEMPORARY and text.tries >= TRIES):
            text.state = "uncertain" if doubt else "failed"
        elif outcome is LINK:
            text.state, text.tries, text.due = "queued", text.tries - 1, self.now + 30 * SECOND
        else:
            text.state, text.due = "queued", self.now + 30 * SECOND * 2 ** (text.tries - 1)

    @precondition(lambda self: any(map(doubtful, self.texts.values())))
    @rule(pick=PICK, outcome=st.sampled_from([Accepted("8"), PERMANENT, TEMPORARY, LINK, DOUBT]))
    def late(self, pick, outcome):
        """An answer to an attempt that was called uncertain."""
        text = self._one(pick, doubtful)
        attempt, part = next(iter(text.doubtful.items()))
        assert self.store.run(submitting.record_result, attempt, outcome, self.now) is None
        if outcome is DOUBT:
            return
        del text.doubtful[attempt]
        if isinstance(outcome, Accepted):
            if part == text.done + 1 and text.state in ("uncertain", "queued", "held"):
                text.done += 1
                if text.done == text.parts:
                    text.state = "sent"
                elif text.state == "uncertain":
                    text.state, text.due = "queued", 0
        elif text.state == "uncertain":
            self._refused(text, outcome)

    @precondition(lambda self: self.texts)
    @rule(pick=PICK, verb=st.sampled_from(["cancel", "hold", "release"]))
    def operator(self, pick, verb):
        text = self._one(pick)
        known = text.done or text.doubtful
        if verb == "cancel":
            allowed, then = text.state in ("queued", "held") and not known, "cancelled"
        else:
            allowed, then = {"hold": (text.state == "queued", "held"), "release": (text.state == "held", "queued")}[verb]
        self._ask(getattr(outbound, verb), text, allowed, then)

    @precondition(lambda self: any(t.state == "uncertain" for t in self.texts.values()))
    @rule(pick=PICK, strict=st.booleans(), how=st.sampled_from(["sent", "resend", "fail"]))
    def settle(self, pick, strict, how):
        text = self._one(pick, lambda t: t.state == "uncertain" or not strict)
        whole = text.done + 1 == text.parts
        then = {"sent": "sent" if whole else "queued", "resend": "queued", "fail": "failed"}[how]
        if self._ask(outbound.settle, text, text.state == "uncertain", then, Settled(how, "ann")):
            text.due = 0
            text.again |= how == "resend"
            if how == "sent":
                text.done += 1
                newest = max(a for a, part in text.doubtful.items() if part == text.done)
                del text.doubtful[newest]

    def _ask(self, verb, text, allowed, then, *more) -> bool:
        if allowed:
            text.state = then
            assert self.store.run(verb, text.id, *more, self.now).state == then
        else:
            with pytest.raises(Conflict):
                self.store.run(verb, text.id, *more, self.now)
        return allowed

    @precondition(lambda self: self.texts)
    @rule(pick=PICK)
    def again(self, pick):
        """retry: now for one in back-off, as a new text for one that is over."""
        text = self._one(pick)
        if text.state not in ("queued", *OVER):
            with pytest.raises(Conflict):
                self.store.run(outbound.retry, text.id, self.now)
            return
        message = self.store.run(outbound.retry, text.id, self.now)
        if text.state == "queued":
            text.due = 0
        else:
            left = 90 * SECOND + self.now if text.expires else 0
            self.texts[message.id] = Text(message.id, text.parts, text.alarm, left, "queued")

    @rule(chance=st.integers(0, 3))
    def recover(self, chance):
        """The daemon starts again; rarely, so that attempts come to an end of their own too."""
        if chance:
            return
        open_ = [t for t in self.texts.values() if t.flying]
        assert self.store.run(submitting.recover, self.now) == len(open_)
        for text in open_:
            text.doubtful[text.flying], text.flying = text.done + 1, ""
            text.again |= text.alarm and text.tries < TRIES
            text.state = "queued" if text.alarm and text.tries < TRIES else "uncertain"
            text.due = self.now + 30 * SECOND * 2 ** (text.tries - 1)

    @rule(seconds=st.sampled_from([1, 30, 60]))
    def time_goes_on(self, seconds):
        self.now += seconds * SECOND
        self.store.run(expiry.expire, self.now)
        for text in self.texts.values():
            if text.state in ("queued", "held") and 0 < text.expires <= self.now:
                text.state = "expired"

    # ---- what always holds -----------------------------------------------------------------------------------------

    def _state(self, text) -> str:
        return self.store.value("SELECT state FROM message WHERE id = ?", row_id(MESSAGE, text.id))

    @invariant()
    def as_the_model_says(self):
        """State, parts that went and tries are those of the model, for every text."""
        stored = {
            public_id(MESSAGE, id_): (state, done, tries)
            for id_, state, done, tries in self.store.rows("SELECT id, state, done, attempts FROM message")
        }
        assert stored == {t.id: (t.state, t.done, t.tries) for t in self.texts.values()}

    @invariant()
    def at_most_one_in_flight(self):
        """A text is being sent exactly while one attempt of it is in flight."""
        found = self.store.rows("SELECT message, id FROM submission WHERE state = 'in_flight' AND open = 1")
        wanted = {(t.id, t.flying) for t in self.texts.values() if t.state == "sending"}
        assert {(public_id(MESSAGE, m), public_id(SUBMISSION, s)) for m, s in found} == wanted
        assert len(found) == len(wanted)

    @invariant()
    def nothing_twice_unless_chosen(self):
        """A part whose attempt is in doubt or was taken goes again only where policy or operator said so."""
        once = "SELECT count(*) FROM submission WHERE message = ? AND state <> 'refused' GROUP BY part"
        for text in self.texts.values():
            if not text.again:
                assert all(n == 1 for (n,) in self.store.rows(once, row_id(MESSAGE, text.id)))

    @invariant()
    def never_backward(self):
        """Each state can be reached from the one before by the transition table; an end stays the end."""
        now = {t.id: self._state(t) for t in self.texts.values()}
        for id_, before in self.before.items():
            assert now[id_] in _reachable(before), (before, now[id_])
        self.before = now


def _reachable(state: str) -> set[str]:
    found, todo = {state}, [state]
    while todo:
        for following in MESSAGE_TRANSITIONS.get(todo.pop(), ()):
            if following.value not in found:
                found.add(following.value)
                todo.append(following.value)
    return found


TestTexts = Texts.TestCase
TestTexts.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize(
    ("table", "transitions"), [("message", MESSAGE_TRANSITIONS), ("submission", SUBMISSION_TRANSITIONS)]
)
def test_trigger_knows_the_table(tmp_path, table, transitions):
    """Every change of state that is not in the transition table is refused by the database itself, whoever asks."""
    store = Store(tmp_path / "q.db")
    store.run(outbound.accept, [draft()], NOW)
    store.run(submitting.claim, "m1", 1, NOW)
    all_states = sorted({s.value for s in type(next(iter(transitions)))})
    for before in all_states:
        for after in all_states:
            store.conn.execute("BEGIN IMMEDIATE")
            trigger = store.value("SELECT sql FROM sqlite_master WHERE name = ?", f"{table}_forward")
            store.conn.execute(f"DROP TRIGGER {table}_forward")
            store.conn.execute(f"UPDATE {table} SET state = ?", (before,))
            store.conn.execute(trigger)
            try:
                store.conn.execute(f"UPDATE {table} SET state = ?", (after,))
                done = True
            except sqlite3.IntegrityError as e:
                done = "this change of state is not in the table" not in str(e)
            if store.conn.in_transaction:
                store.conn.execute("ROLLBACK")
            assert done == (before == after or after in transitions.get(before, ())), (before, after)
    store.close()


def test_verbs_assert_the_table_too(tmp_path):
    """The one function that changes a state refuses what is not in the table before it writes."""
    store = Store(tmp_path / "q.db")
    (message,) = store.run(outbound.accept, [draft()], NOW)
    store.run(outbound.cancel, message.id, NOW)
    with pytest.raises(AssertionError, match="cancelled -> queued"):
        store.run(lambda tx: states.move(tx, states.load(tx, row_id(MESSAGE, message.id)), states.M.QUEUED, NOW))
    store.close()
