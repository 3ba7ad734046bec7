"""How often the outbox worker tells a desk that does not take a call, and when it ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.helpdesk.interface import Never, NotNow, Taken
from smsgwd.model import OutboxItem
from smsgwd.outbox import BROKEN, LEAST_TRIES, LONGEST, POISON_TRIES, WINDOW, Circuit, verdict
from tests.helpdesk.endpoint import serving
from tests.helpdesk.worker import (
    AWAY,
    OK,
    desk,
    forwarded,
    kinds,
    later,
    owed,
    owed_done,
    recorded,
    running,
    settled,
    until,
)
from tests.store import StillClock, store


async def test_given_up_and_replayed(tmp_path):
    """After three days of tries a call is dead, with an event; a replay tells it with the same id, and later calls of the
    conversation go on."""
    clock = StillClock()
    async with serving(*[AWAY] * LEAST_TRIES, OK) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock, "first")
        await forwarded(queue, clock, "second")
        clock.move(LONGEST / 1000)
        async with running(queue, [desk(endpoint, clock)], clock):
            for tries in range(1, LEAST_TRIES + 1):
                await until(lambda tries=tries: len(endpoint.calls) == tries)
                await until(lambda tries=tries: recorded(queue, tries))
                await later(queue, clock, 3600)
            await until(lambda: len(endpoint.calls) == LEAST_TRIES + 1)
            (dead,) = (await queue.outbox("dead", "", 10)).items
            assert dead.reason == "HTTP 503, for three days"
            await queue.replay(dead.id, clock.now())
            await until(lambda: len(endpoint.calls) == LEAST_TRIES + 2)
        assert (
            await kinds(queue) == ["webhook.retry"] * (LEAST_TRIES - 1) + ["webhook.dead"] + ["webhook.delivered"] * 2
        )
    assert endpoint.ids[-1] == endpoint.ids[0] == dead.id
    assert endpoint.bodies[-2]["data"]["message"]["text"] == "second"


async def test_poison(tmp_path):
    """A call that the desk cannot take is given up after a few tries, so that its conversation goes on."""
    clock = StillClock()
    async with serving(*[(422, {}, b"")] * POISON_TRIES, OK) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock, "bad")
        await forwarded(queue, clock, "good")
        async with running(queue, [desk(endpoint, clock)], clock):
            for tries in range(1, POISON_TRIES + 1):
                await until(lambda tries=tries: recorded(queue, tries))
                await later(queue, clock, 3600)
            await until(lambda: len(endpoint.calls) == POISON_TRIES + 1)
        assert await owed(queue) == [
            ("dead", f"HTTP 422, {POISON_TRIES} times: the desk does not take this call", POISON_TRIES), ("done", "", 1),
        ]  # fmt: skip


async def test_gone(tmp_path):
    """410 is for good."""
    clock = StillClock()
    async with serving((410, {}, b"")) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock)
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: recorded(queue, 1))
        assert await owed(queue) == [("dead", "HTTP 410: the endpoint is gone", 1)]
        assert await kinds(queue) == ["webhook.dead"]


async def test_retry_after_holds_for_the_desk(tmp_path):
    """A desk that asks for a pause gets no other call meanwhile."""
    clock = StillClock()
    async with serving((429, {"Retry-After": "120"}, b""), OK) as endpoint, store(tmp_path, clock) as queue:
        await forwarded(queue, clock, "first")
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: recorded(queue, 1))
            await forwarded(queue, clock, "other", sender="+15550100888")
            await later(queue, clock, 119)
            await settled(queue)
            assert len(endpoint.calls) == 1
            await later(queue, clock, 1)
            await until(lambda: len(endpoint.calls) == 3)


async def test_broken_desk_is_probed(tmp_path):
    """After failures in a row one call at a time goes out, with a rest between; the first that is taken lets all go."""
    clock = StillClock()
    async with serving(AWAY) as endpoint, store(tmp_path, clock) as queue:
        for i in range(30):
            await forwarded(queue, clock, f"text {i}", sender=f"+155501007{i:02}")
        async with running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) >= WINDOW)
            await settled(queue)
            before = len(endpoint.calls)
            assert before < 30
            for probes in (1, 2, 3):
                await later(queue, clock, 60)
                await until(lambda probes=probes: len(endpoint.calls) == before + probes)
                await settled(queue)
                assert len(endpoint.calls) == before + probes
            endpoint.answers, endpoint.most_under_way = [OK], 0
            await later(queue, clock, 60)
            await until(lambda: owed_done(queue, 30))


@pytest.mark.parametrize(
    ("attempts", "after", "pause"),
    [
        pytest.param(0, 0, 2.0, id="first"),
        pytest.param(1, 0, 4.0, id="second"),
        pytest.param(5, 0, 64.0, id="sixth"),
        pytest.param(11, 0, 3600.0, id="an hour at most"),
        pytest.param(5000, 0, 3600.0, id="no overflow"),
        pytest.param(0, 900, 900.0, id="the desk's own pause"),
        pytest.param(11, 5, 3600.0, id="the desk's own pause is a least one"),
    ],
)
def test_pauses(attempts, after, pause):
    """Pauses double up to an hour."""
    item = OutboxItem(id="out_1", endpoint="x", kind="message.sent", at=1000, attempts=attempts)
    assert verdict(item, NotNow("HTTP 503", after), 1000, lambda: 1.0) == (
        "retry",
        "HTTP 503",
        1000 + int(1000 * pause),
    )


@settings(max_examples=40, deadline=None)
@given(
    shares=st.lists(st.floats(0, 1), max_size=20).map(lambda shares: [*shares, 1.0]),
    after=st.sampled_from([0.0, 0.0, 30.0, 3600.0]),
    late=st.integers(0, 10 * 86_400_000),
)
def test_tries_end(shares, after, late):
    """Whatever the jitter and the desk say: tries are never closer than a second, never further apart than an hour, go on
    for three days, and end soon after."""
    now = 1_800_000_000_000
    item, start, count = OutboxItem(id="out_1", endpoint="x", kind="message.sent", at=now), now, 0
    now += late
    while True:
        share = shares[count % len(shares)]
        result, _, due = verdict(item, NotNow("HTTP 503", after), now, lambda share=share: share)
        count += 1
        if result == "dead":
            break
        assert 1000 <= due - now <= 3_600_000
        now, item = due, OutboxItem(id="out_1", endpoint="x", kind="message.sent", at=start, attempts=count)
    assert count >= LEAST_TRIES
    assert now - start >= LONGEST
    assert now - start <= max(LONGEST, late) + (LEAST_TRIES + 1) * 3_600_000


# ---- circuit -------------------------------------------------------------------------------------------------------


def circuit(clock, failures: int) -> Circuit:
    made = Circuit(clock, lambda: 1.0)
    for _ in range(failures):
        made.note(NotNow("HTTP 503"))
    return made


@pytest.mark.parametrize(
    ("failures", "rest"),
    [
        pytest.param(BROKEN - 1, 0.0, id="not yet"),
        pytest.param(BROKEN, 2.0, id="broken"),
        pytest.param(BROKEN + 1, 4.0, id="doubles"),
        pytest.param(BROKEN + 9, 60.0, id="a minute at most"),
        pytest.param(BROKEN + 5000, 60.0, id="no overflow"),
    ],
)
def test_rests(failures, rest):
    """A broken desk rests between probes; then there is room for one."""
    clock = StillClock()
    made = circuit(clock, failures)
    assert made.rest() == pytest.approx(rest)
    assert made.room(0) == (0 if rest else WINDOW)
    clock.move(rest)
    assert (made.room(0), made.room(1)) == ((1, 0) if rest else (WINDOW, WINDOW - 1))


@pytest.mark.parametrize(
    ("delivery", "failures"),
    [
        pytest.param(Taken(), 0, id="taken"),
        pytest.param(NotNow("HTTP 422", poison=True), 0, id="a desk that finds one call wrong is there"),
        pytest.param(NotNow("HTTP 503"), BROKEN + 1, id="away"),
        pytest.param(Never("HTTP 410: the endpoint is gone"), BROKEN + 1, id="gone"),
    ],
)
def test_circuit_closes(delivery, failures):
    """What counts as a failure of the desk as a whole."""
    made = circuit(StillClock(), BROKEN)
    made.note(delivery)
    assert made.failures == failures
