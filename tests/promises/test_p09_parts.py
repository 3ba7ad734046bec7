"""P9: parts in any order, copies ignored; what never becomes whole is delivered as partial, and nothing is dropped.

255 parts, headers that lie and 100,000 senders are in tests/faults/test_f60_headers.py and test_f61_never_complete.py.
"""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.queue import expiry, inbound
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import HOUR, NOW, OURS, events, part
from tests.queue.storing import storing
from tests.store import StillClock


async def test_p09_255_parts(tmp_path):
    """The largest set, in any order, parts twice in between, over a restart in the middle: one text, whole."""
    numbers = [*range(1, 256), *random.Random(9).choices(range(1, 256), k=60)]
    random.Random(10).shuffle(numbers)
    for half in (numbers[:150], numbers[150:]):
        async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
            for n in half:
                await queue.receive("m1", OURS["m1"], part(f"{n:03},", n, 255), NOW)
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        (event,) = await events(queue, "message.received")
        assert (await queue.message(event.message)).text == "".join(f"{n:03}," for n in range(1, 256))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 4), st.sampled_from([1, 2]), st.sampled_from(["m1", "m2"])), max_size=25
    )
)
def test_p09_nothing_is_dropped(tmp_path_factory, came):
    """Any parts, part 0 and parts beyond the total among them: after the time-out every payload that came is in a text,
    each once for each set, and none is in two."""
    with storing(tmp_path_factory.mktemp("p09") / "q.db") as store:
        for place, (number, of, ref, link) in enumerate(came):
            store.run(inbound.receive, link, OURS[link], part(f"<{place}>", number, of, ref=ref), NOW)
        while store.run(expiry.expire, NOW + 2 * HOUR):
            pass
        texts = [text for (text,) in store.rows("SELECT text FROM message WHERE direction = 'in'")]
        for place, row in enumerate(came):
            holding = [text for text in texts if f"<{place}>" in text]
            twice = [other for other in came[:place] if other == row]
            assert len(holding) == (1 if not twice or row[1] <= 1 else len(holding))
            assert len(holding) <= 1 or twice
        assert store.value("SELECT count(*) FROM inbound_part WHERE message IS NULL") == 0
