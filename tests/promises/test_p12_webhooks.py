"""P12: webhooks arrive at least once, signed, under one id; a desk that is dead delays no other.

Bad HTTP, redirects, certificates, sizes, pauses and ends are in tests/helpdesk and tests/test_outbox_tries.py.
"""

from smsgwd.helpdesk.signing import key_of, verify
from tests.helpdesk.endpoint import SECRET, serving
from tests.helpdesk.worker import AWAY, OK, desk, forwarded, later, running, settled, until
from tests.store import StillClock, store


async def test_p12_one_id_over_tries_and_restarts(tmp_path):
    """A desk that is away, a restart of the gateway between two tries: the same id and body each time, each with a signature
    of its own time."""
    clock = StillClock()
    async with serving(AWAY, AWAY, OK) as endpoint:
        for tries in range(1, 4):
            async with store(tmp_path, clock) as queue:
                if tries == 1:
                    await forwarded(queue, clock, "My internet is down")
                async with running(queue, [desk(endpoint, clock)], clock):
                    await until(lambda tries=tries: len(endpoint.calls) == tries)
                    await settled(queue)
            clock.move(3600)
    assert len(set(endpoint.ids)) == 1
    assert len({body for _, body in endpoint.calls}) == 1
    for headers, body in endpoint.calls:
        at = int(headers["webhook-timestamp"])
        assert verify(key_of(SECRET), headers["webhook-id"], str(at), headers["webhook-signature"], body, at)
    assert len({headers["webhook-timestamp"] for headers, _ in endpoint.calls}) == 3


async def test_p12_taken_but_the_answer_was_lost(tmp_path):
    """The gateway dies after the desk took the call and before it was recorded: it is told again, under the same id."""
    clock = StillClock()
    async with serving() as endpoint:
        endpoint.gate.clear()
        async with store(tmp_path, clock) as queue:
            await forwarded(queue, clock, "My internet is down")
            async with running(queue, [desk(endpoint, clock)], clock) as task:
                await until(lambda: endpoint.calls)
                task.cancel()
        endpoint.gate.set()
        async with store(tmp_path, clock) as queue, running(queue, [desk(endpoint, clock)], clock):
            await until(lambda: len(endpoint.calls) == 2)
    assert len(set(endpoint.ids)) == 1


async def test_p12_a_dead_desk_delays_no_other(tmp_path):
    """One desk never answers: the other gets all its calls meanwhile."""
    clock = StillClock()
    async with serving() as dead, serving() as good, store(tmp_path, clock) as queue:
        dead.gate.clear()
        desks = [desk(dead, clock, "dead"), desk(good, clock, "good")]
        async with running(queue, desks, clock):
            for n in range(20):
                await forwarded(queue, clock, f"text {n}", sender=f"+155501007{n:02}", desks=("dead", "good"))
            await until(lambda: len(good.calls) == 20)
            assert len(set(good.ids)) == 20
            assert dead.under_way >= 1
            dead.gate.set()
            await later(queue, clock, 60)
            await until(lambda: len(set(dead.ids)) == 20)
