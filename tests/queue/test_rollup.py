"""The daily counts, which are written along with each change, against a full recount of the history."""

import json
import random
from collections import Counter
from datetime import UTC, datetime

from smsgwd.errors import SmsgwdError
from smsgwd.model import Accepted, MessageClass, Refusal
from smsgwd.queue import expiry, inbound, outbound, reports, submitting
from smsgwd.queue.interface import Settled
from tests.contract.making import DAY, DOUBT, HOUR, LINK, NOW, OURS, PERMANENT, SECOND, TEMPORARY, draft, part, report
from tests.queue.storing import storing

SEED = 7
#: event -> the state that is counted with it
COUNTED = {f"message.{s}": s for s in ("sent", "delivered", "failed", "expired", "cancelled", "uncertain", "partial")}
OUTCOMES = (Accepted("7"), Accepted("8"), Accepted("9"), PERMANENT, TEMPORARY, LINK, DOUBT)


def _some_days(store) -> None:
    """Random work on two links over five days."""
    dice, now, uncertain = random.Random(SEED), NOW, []
    for step in range(400):
        now += dice.randrange(HOUR)
        link, class_ = dice.choice(("m1", "m2")), dice.choice(list(MessageClass))
        asked = draft("abc", parts=dice.choice((1, 1, 3)), link=link, class_=class_, held=dice.random() < 0.1,
                      expires=now + dice.choice((HOUR, 20 * HOUR)))  # fmt: skip
        (message,) = store.run(outbound.accept, [asked], now)
        if dice.random() < 0.1:
            store.run(outbound.cancel, message.id, now)
        for segment in store.run(submitting.claim, link, 2, now):
            while segment:
                outcome = dice.choice(OUTCOMES)
                if outcome is DOUBT:
                    uncertain.append(segment.message)
                segment = store.run(submitting.record_result, segment.submission, outcome, now)
        store.run(reports.record_report, link, report(dice.choice("789")), now)
        number = dice.randrange(1, 4)
        store.run(inbound.receive, link, OURS[link], part(f"text {step}", number, dice.choice((1, 3)), ref=step // 4), now)
        store.run(expiry.expire, now)
        if uncertain and dice.random() < 0.2:
            try:
                store.run(outbound.settle, uncertain.pop(), Settled(dice.choice(("sent", "resend", "fail")), "x"), now)
            except SmsgwdError:
                continue  # settled by a report, or sent again by policy


def _recount(store) -> Counter:
    """(day, link, direction, class, state) -> texts, from the events."""
    counts: Counter = Counter()
    for at, kind, link, data, direction, class_ in store.rows(
        "SELECT e.at, e.kind, e.link, e.data, m.direction, m.class FROM event e JOIN message m ON m.id = e.message"
    ):
        state = COUNTED.get(kind)
        if kind == "message.accepted":
            state = "accepted"
        elif kind == "message.received" and not json.loads(data).get("partial"):
            state = "received"
        if state:
            day = datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
            counts[day, link, direction, class_, state] += 1
    return counts


def test_rollup_equals_a_full_recount(tmp_path):
    """After days of random work each daily count is what a recount of all events gives, and every kind of end was
    counted at least once."""
    with storing(tmp_path / "q.db") as store:
        store.conn.execute("PRAGMA synchronous = OFF")
        _some_days(store)
        rolled = Counter({tuple(key): n for *key, n in store.rows(
            "SELECT day, link, direction, class, state, messages FROM rollup WHERE direction <> 'report'")})  # fmt: skip
        assert rolled == _recount(store)
        assert {key[4] for key in rolled} == {*COUNTED.values(), "accepted", "received"}
        assert len({key[0] for key in rolled}) >= 5
        accepted = sum(n for key, n in rolled.items() if key[4] == "accepted")
        assert accepted == store.value("SELECT count(*) FROM message WHERE direction = 'out'")


def test_what_was_rolled_back_is_not_counted(tmp_path):
    """A verb that fails leaves the counts as they were."""
    with storing(tmp_path / "q.db") as store:
        store.run(outbound.accept, [draft()], NOW)
        before = store.rows("SELECT * FROM rollup")

        def fails(tx):
            outbound.accept(tx, [draft()], NOW)
            raise LookupError("after all was written")

        try:
            store.run(fails)
        except LookupError:
            store.run(outbound.accept, [], NOW + DAY)
        assert store.rows("SELECT * FROM rollup") == before


def test_days_are_those_of_utc(tmp_path):
    """A text counts on the day of UTC on which it was accepted, a second before midnight and at midnight."""
    midnight = NOW - NOW % DAY + DAY
    with storing(tmp_path / "q.db") as store:
        for at in (midnight - SECOND, midnight, midnight + SECOND):
            store.run(outbound.accept, [draft()], at)
        assert [n for (n,) in store.rows("SELECT messages FROM rollup ORDER BY day")] == [1, 2]


def test_refusals_do_not_change_what_was_counted(tmp_path):
    """A text that goes to and fro before it fails is counted once as accepted and once as failed."""
    with storing(tmp_path / "q.db") as store:
        store.run(outbound.accept, [draft("ab", parts=2)], NOW)
        now = NOW
        for outcome in (TEMPORARY, LINK, TEMPORARY, PERMANENT):
            assert isinstance(outcome, Refusal)
            (segment,) = store.run(submitting.claim, "m1", 1, now)
            store.run(submitting.record_result, segment.submission, outcome, now)
            now += HOUR
        assert store.rows("SELECT state, messages, parts FROM rollup ORDER BY state") == [("accepted", 1, 2), ("failed", 1, 2)]
