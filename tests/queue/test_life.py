"""The life of a text as the daemon lives it, against a plain model: turns (results and claims in one commit), reports before
and after answers and twice, what operators do, expiry, crashes and clean ends. It goes on where test_states.py ends: that
machine knows every verb alone, this one adds the network's reports and the process that dies and is started again.
"""

import tempfile

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smsgwd.model import MESSAGE, MESSAGE_TRANSITIONS, Accepted, ReportStatus, public_id, row_id
from smsgwd.queue import expiry, outbound, reports, submitting
from smsgwd.queue.interface import Settled
from smsgwd.queue.transaction import Limits
from tests.contract.making import DOUBT, NOW, PERMANENT, SECOND, draft, report
from tests.queue.storing import Store

PICK = st.integers(0, 1000)


class Life:
    """What the model knows of a text in one or two parts. Each part has its own reference, each text its own number."""

    def __init__(self, id_: str, number: str, parts: int, expires: int) -> None:
        self.id, self.number, self.parts, self.expires = id_, number, parts, expires
        self.state, self.done, self.flying, self.doubtful = "queued", 0, "", ""
        #: part -> the first final report on it
        self.reports: dict[int, str] = {}
        self.wire: list[int] = []
        self.resent = False
        #: parts that an operator called sent, so that nobody knows their references
        self.unnamed = 0

    def reference(self, part: int) -> str:
        return f"{self.number[-4:]}{part}"

    def sum_up(self) -> None:
        """A text that is sent, and what the reports on its parts make of it."""
        if self.state != "sent":
            return
        bad = [self.reports[part] for part in sorted(self.reports) if self.reports[part] != "delivered"]
        if bad:
            self.state = bad[0]
        elif len(self.reports) == self.parts:
            self.state = "delivered"


class Lives(RuleBasedStateMachine):
    """A store with one link. Every text goes to a number of its own, so that no report can mean another one."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, Life] = {}

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/q.db"
        self.now, self.before = NOW, {}
        self._open()

    def _open(self) -> None:
        self.store = Store(self.path, Limits(attempts=3))
        self.store.conn.execute("PRAGMA synchronous = OFF")  # nothing is cut off here

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def _some(self, fits) -> list[Life]:
        return [text for text in self.texts.values() if fits(text)]

    # ---- people ------------------------------------------------------------------------------------------------------

    @rule(parts=st.integers(1, 2), short=st.booleans())
    def accept(self, parts, short):
        number = f"+1555010{len(self.texts):04d}"
        expires = self.now + 90 * SECOND if short else 0
        (message,) = self.store.run(outbound.accept, [draft("abc"[:parts], parts=parts, to=number, expires=expires)], self.now)
        self.texts[message.id] = Life(message.id, number, parts, expires)

    @precondition(lambda self: self._some(lambda t: t.state in ("queued", "held") and not t.wire))
    @rule(pick=PICK, verb=st.sampled_from(["cancel", "hold", "release"]))
    def operator(self, pick, verb):
        fitting = self._some(lambda t: t.state == ("held" if verb == "release" else "queued") and not t.wire)
        if fitting:
            text = fitting[pick % len(fitting)]
            text.state = {"cancel": "cancelled", "hold": "held", "release": "queued"}[verb]
            assert self.store.run(getattr(outbound, verb), text.id, self.now).state == text.state

    @precondition(lambda self: self._some(lambda t: t.state == "uncertain"))
    @rule(pick=PICK, how=st.sampled_from(["sent", "resend", "fail"]))
    def settle(self, pick, how):
        fitting = self._some(lambda t: t.state == "uncertain")
        text = fitting[pick % len(fitting)]
        self.store.run(outbound.settle, text.id, Settled(how, "ann"), self.now)
        if how == "fail":
            text.state = "failed"
        elif how == "resend":
            text.state, text.resent = "queued", True
        else:
            text.doubtful, text.unnamed = "", text.unnamed + 1
            text.done += 1
            text.state = "sent" if text.done == text.parts else "queued"
            text.sum_up()

    # ---- the link ----------------------------------------------------------------------------------------------------

    @rule(room=st.integers(0, 3), pick=PICK, outcomes=st.lists(st.sampled_from(["yes", "yes", "doubt", "no"]), max_size=3))
    def turn(self, room, pick, outcomes):
        """Results of some that fly, and claims for the room, in one commit."""
        flying = self._some(lambda t: t.flying)
        ended = list(zip(flying[pick % (len(flying) or 1):], outcomes, strict=False))
        results = [(t.flying, self._outcome(t, kind)) for t, kind in ended]
        found = self.store.run(submitting.turn, "m1", results, room, self.now)
        for (text, kind), following in zip(ended, found.following, strict=True):
            self._ended(text, kind, following)
        for text in self._some(lambda t: t.state == "queued" and 0 < t.expires <= self.now):
            if self._state(text) == "expired":
                text.state = "expired"
        due = self._some(lambda t: t.state == "queued")
        assert len(found.claimed) == min(room, len(due))
        for segment in found.claimed:
            text = self.texts[segment.message]
            assert (text in due, segment.part) == (True, text.done + 1)
            text.state, text.flying = "sending", segment.submission
            text.wire.append(segment.part)

    def _outcome(self, text, kind):
        return {"yes": Accepted(text.reference(text.done + 1)), "doubt": DOUBT, "no": PERMANENT}[kind]

    def _ended(self, text, kind, following) -> None:
        attempt, text.flying = text.flying, ""
        part = text.done + 1
        if kind == "yes":
            text.done += 1
            text.state = "sent" if text.done == text.parts else "sending"
            if following is None and text.state == "sending":
                text.state = self.lost(text)
            elif following is not None:
                text.flying = following.submission
                text.wire.append(following.part)
            text.sum_up()
        elif kind == "doubt":
            text.state, text.doubtful = "uncertain", attempt
        else:
            text.state = "uncertain" if text.doubtful and text.wire.count(part) > 1 else "failed"

    @staticmethod
    def lost(text) -> str:
        """Why no further part goes: the report on one that went says that it is lost."""
        assert set(text.reports.values()) & {"failed", "expired"}
        return "failed"

    @staticmethod
    def told(text) -> bool:
        """A report on it can be told from that on another part that has no reference, or none yet."""
        unclear = text.unnamed and (text.flying or text.unnamed > 1 or (text.resent and text.parts > 1))
        return bool(text.done and not text.doubtful and not unclear)

    @precondition(lambda self: self._some(self.told))
    @rule(pick=PICK, status=st.sampled_from(["delivered", "delivered", "failed", "expired"]), twice=st.booleans())
    def reported(self, pick, status, twice):
        """A final report on a part that the network took; then, perhaps, the same one once more."""
        fitting = self._some(self.told)
        text = fitting[pick % len(fitting)]
        part = pick % text.done + 1
        for _ in range(1 + twice):
            said = report(text.reference(part), ReportStatus(status), to=text.number)
            matched = self.store.run(reports.record_report, "m1", said, self.now)
            assert matched
        if part not in text.reports:
            text.reports[part] = status
            text.sum_up()

    # ---- the process -------------------------------------------------------------------------------------------------

    @rule(clean=st.booleans())
    def restarted(self, clean):
        """It ends, in order or not; the next one finds what flew, and calls it uncertain."""
        if clean:
            self.store.close()
        else:
            self.store.conn.close()
        self._open()
        flying = self._some(lambda t: t.flying)
        assert self.store.run(submitting.recover, self.now) == len(flying)
        for text in flying:
            text.state, text.doubtful, text.flying = "uncertain", text.flying, ""

    @rule(seconds=st.sampled_from([1, 60]))
    def time_goes_on(self, seconds):
        self.now += seconds * SECOND
        self.store.run(expiry.expire, self.now)
        for text in self._some(lambda t: t.state in ("queued", "held") and 0 < t.expires <= self.now):
            text.state = "expired"

    # ---- what always holds -------------------------------------------------------------------------------------------

    def _state(self, text) -> str:
        return self.store.value("SELECT state FROM message WHERE id = ?", row_id(MESSAGE, text.id))

    @invariant()
    def as_the_model_says(self):
        """State and number of parts that went, for every text, also after a restart."""
        stored = {
            public_id(MESSAGE, id_): (state, done) for id_, state, done in self.store.rows("SELECT id, state, done FROM message")
        }
        assert stored == {t.id: (t.state, t.done) for t in self.texts.values()}

    @invariant()
    def once_on_the_wire(self):
        """No part goes twice unless an operator said so, and parts go in order."""
        for text in self.texts.values():
            assert text.wire == sorted(text.wire)
            assert text.resent or len(text.wire) == len(set(text.wire))

    @invariant()
    def never_backward(self):
        """P24: each state follows from the one before by the table."""
        now = {t.id: self._state(t) for t in self.texts.values()}
        for id_, before in self.before.items():
            assert now[id_] == before or now[id_] in _reachable(before), f"P24: {before} -> {now[id_]}"
        self.before = now


def _reachable(state: str) -> set[str]:
    found: set[str] = set()
    todo = [state]
    while todo:
        for following in MESSAGE_TRANSITIONS.get(todo.pop(), ()):
            if following.value not in found:
                found.add(following.value)
                todo.append(following.value)
    return found


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
