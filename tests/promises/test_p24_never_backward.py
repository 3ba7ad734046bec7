"""P24: no message moves backward. The table says what may follow what; an assertion and a trigger hold it.

Random histories against a plain model are in tests/queue/test_life.py and tests/queue/test_states.py.
"""

import itertools
import sqlite3

import pytest

from smsgwd.errors import Conflict
from smsgwd.model import MESSAGE_TRANSITIONS, TERMINAL, Accepted, MessageState, ReportStatus
from smsgwd.queue import outbound
from smsgwd.queue.interface import Settled
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import DOUBT, HOUR, NOW, PERMANENT, TEMPORARY, accept, claim, draft, report, state
from tests.queue.storing import storing
from tests.store import StillClock


async def _delivered(queue):
    message = await accept(queue)
    attempt = (await claim(queue)).submission
    await queue.record_result(attempt, Accepted("7"), NOW)
    await queue.record_report("m1", report("7"), NOW)
    return message, attempt


async def _failed(queue):
    message = await accept(queue)
    attempt = (await claim(queue)).submission
    await queue.record_result(attempt, PERMANENT, NOW)
    return message, attempt


async def _cancelled(queue):
    message = await accept(queue)
    attempt = (await claim(queue)).submission
    await queue.record_result(attempt, TEMPORARY, NOW)
    await queue.cancel(message.id, NOW)
    return message, attempt


async def _expired(queue):
    message = await accept(queue, expires=NOW + HOUR)
    attempt = (await claim(queue)).submission
    await queue.record_result(attempt, TEMPORARY, NOW)
    await queue.expire(NOW + 2 * HOUR)
    return message, attempt


@pytest.mark.parametrize("end", [_delivered, _failed, _cancelled, _expired])
async def test_p24_an_end_is_an_end(tmp_path, end):
    """Whatever a person, a link, a report or a restart does to a text that is over: it stays as it is."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        message, attempt = await end(queue)
        ended = await state(queue, message)
        assert ended in TERMINAL
        for verb in (queue.cancel, queue.hold, queue.release):
            with pytest.raises(Conflict):
                await verb(message.id, NOW)
        for how in ("sent", "resend", "fail"):
            with pytest.raises(Conflict):
                await queue.settle(message.id, Settled(how, "ann"), NOW)
        for outcome in (Accepted("8"), PERMANENT, TEMPORARY, DOUBT):
            await queue.record_result(attempt, outcome, NOW)
        for status in ReportStatus:
            await queue.record_report("m1", report("7", status), NOW)
        await queue.recover(NOW)
        await queue.expire(NOW + 10 * HOUR)
        assert await state(queue, message) == ended
        assert await queue.claim("m1", 10, NOW + 10 * HOUR) == []


def test_p24_no_statement_can(tmp_path):
    """SQL written elsewhere: the trigger refuses each change that is not in the table, and no other."""
    with storing(tmp_path / "q.db") as store:
        store.run(outbound.accept, [draft()], NOW)
        for before, after in itertools.permutations(MessageState, 2):
            store.conn.execute("BEGIN")
            (trigger,) = store.conn.execute("SELECT sql FROM sqlite_master WHERE name = 'message_forward'").fetchone()
            store.conn.execute("DROP TRIGGER message_forward")
            store.conn.execute("UPDATE message SET state = ?", (before.value,))
            store.conn.execute(trigger)
            if after in MESSAGE_TRANSITIONS.get(before, ()):
                assert store.conn.execute("UPDATE message SET state = ?", (after.value,)).rowcount == 1
            else:
                with pytest.raises(sqlite3.IntegrityError, match="not in the table"):
                    store.conn.execute("UPDATE message SET state = ?", (after.value,))
            store.conn.execute("ROLLBACK")
