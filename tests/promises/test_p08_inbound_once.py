"""P8: an inbound text is stored once, however often the modem brings it; the row counts how often it came."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from smsgwd.queue.sqlite import open_queue
from tests.contract.making import DAY, HOUR, NOW, OURS, events, part
from tests.store import StillClock

#: when its service centre took the text
SCTS = datetime(2027, 1, 15, 8, tzinfo=UTC)


def seen(path) -> list[int]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return [n for (n,) in conn.execute("SELECT seen FROM inbound_part ORDER BY id")]


@pytest.mark.parametrize(
    ("later", "dated"),
    [
        pytest.param(0, False, id="at once"),
        pytest.param(HOUR, False, id="after hours"),
        pytest.param(7 * DAY // 2, False, id="in 7 days"),
        pytest.param(180 * DAY, True, id="in a year, a PDU with its time: a SIM that gives nothing up"),
    ],
)
async def test_p08_the_same_pdu_again(tmp_path, later, dated):
    """Listed again (a failed CMGD, another look, a restart): acknowledged as before, one text, one more in the count."""
    for n in range(3):
        async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
            came = await queue.receive("m1", OURS["m1"], part("Hi", sent_at=SCTS if dated else None), NOW + n * later)
            assert came.duplicate is (n > 0)
            assert len(await events(queue, "message.received")) == 1
    assert seen(tmp_path / "q.db") == [3]


@pytest.mark.parametrize(
    ("link", "raw", "same"),
    [
        pytest.param("m1", b"pdu with SCTS 1", True, id="same SIM, same PDU"),
        pytest.param("m1", b"pdu with SCTS 2", False, id="same words at another time"),
        pytest.param("m2", b"pdu with SCTS 1", False, id="another SIM"),
    ],
)
async def test_p08_what_is_the_same(tmp_path, link, raw, same):
    """The SIM and the whole PDU, with the time of its service centre."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        await queue.receive("m1", OURS["m1"], part("Hi", raw=b"pdu with SCTS 1"), NOW)
        assert (await queue.receive(link, OURS[link], part("Hi", raw=raw), NOW)).duplicate is same
    assert seen(tmp_path / "q.db") == ([2] if same else [1, 1])
