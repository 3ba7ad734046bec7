"""The newest events in memory: the same that the database tells, and nothing that is not on disk."""

import asyncio

import pytest

from smsgwd.clock import SystemClock
from smsgwd.model import Event
from smsgwd.queue import looking, recent
from smsgwd.queue.recent import Committed, Recent
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft


def filled(first: int, last: int) -> Recent:
    kept = Recent()
    kept.extend([Committed(n, NOW, "link.up" if n % 2 else "link.down", None, "m1", {"n": n}) for n in range(first, last + 1)])
    return kept


@pytest.mark.parametrize(
    ("after", "limit", "kind", "wanted"),
    [
        pytest.param(9, 100, "", [10, 11, 12, 13], id="all that is kept"),
        pytest.param(11, 100, "", [12, 13], id="the later ones"),
        pytest.param(9, 2, "", [10, 11], id="no more than asked for"),
        pytest.param(9, 1, "link.up", [11], id="of one kind"),
        pytest.param(13, 100, "", [], id="nothing new"),
        pytest.param(99, 100, "", [], id="beyond the newest"),
        pytest.param(8, 100, "", None, id="older than what is kept"),
        pytest.param(-1, 100, "", None, id="the newest, counted from the end"),
    ],
)
def test_after(after, limit, kind, wanted):
    """Events behind a number; the database has to answer what lies before the oldest that is kept."""
    found = filled(10, 13).after(after, limit, kind)
    assert (None if found is None else [e.id for e in found]) == wanted


def test_nothing_is_known_at_the_start():
    """Before the first commit the database has to answer."""
    assert Recent().after(0, 10, "") is None


def test_bounded(monkeypatch):
    """One commit with more events than are kept leaves the newest."""
    kept = filled(1, recent.CAPACITY + 10)
    assert kept.after(9, 1, "") is None
    assert [e.id for e in kept.after(recent.CAPACITY + 8, 10, "")] == [recent.CAPACITY + 9, recent.CAPACITY + 10]


async def test_same_as_the_database(tmp_path):
    """What is told from memory is what the database tells, event by event, over a restart too; an event of a verb that
    failed is in neither."""
    for round_ in range(2):
        async with open_queue(tmp_path / "q.db", clock=SystemClock()) as queue:
            await asyncio.gather(*(queue.accept([draft(f"text {n}")], NOW) for n in range(3)))
            with pytest.raises(Exception, match="there is no message"):
                await queue.cancel("msg_0000000000000", NOW)
            await queue.record_event("link.notice", NOW, {"what": "odd", "n": 1, "share": 0.5, "no": None}, link="m1")
            told = await queue.events_after(round_ * 4, 100)
            assert told == await queue._look(looking.events_after, round_ * 4, 100)
            assert [e.kind for e in told] == ["message.accepted"] * 3 + ["link.notice"]
            assert told[-1] == Event(
                id=round_ * 4 + 4, at=NOW, kind="link.notice", link="m1", data={"what": "odd", "n": 1, "share": 0.5, "no": None}
            )
