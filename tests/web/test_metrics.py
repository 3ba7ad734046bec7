"""The page for Prometheus: its format, its numbers, and what is not on it."""

import re

import pytest

from smsgwd.model import LinkState
from smsgwd.web.metrics import _family, metrics
from tests.store import StillClock, gateway, inbound, store

_SAMPLE = re.compile(r'(smsgwd_[a-z_]+)(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9]+(\.[0-9]+)?')


async def test_every_line_is_a_sample_of_a_family(tmp_path):
    """Each family has its HELP and TYPE before its samples; no sample names a person or a text."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        await queue.record_link("m1", "modem", "+15550100100", LinkState.UP, "home network", clock.now())
        await queue.accept([gate.draft(_request("a secret"))], clock.now())
        await queue.receive("m1", "+15550100100", inbound("another secret"), clock.now())
        await queue.owe_events({"support": frozenset({"message.received"})})
        clock.move(90)
        page = await metrics(gate)
    families = re.findall(r"# TYPE (\S+) (?:gauge|counter)", page)
    samples = [line for line in page.splitlines() if not line.startswith("#")]
    assert len(families) == len(set(families)) == page.count("# HELP ")
    for line in samples:
        found = _SAMPLE.fullmatch(line)
        assert found, line
        assert found[1] in families
    for wanted in (
        'smsgwd_link_up{link="m1",type="modem"} 1', 'smsgwd_queue_messages{link="m1",state="queued"} 1',
        'smsgwd_queue_oldest_seconds{link="m1",state="queued"} 90', 'smsgwd_outbox_items{state="pending"} 1',
        'smsgwd_outbox_items{state="dead"} 0',
    ):  # fmt: skip
        assert wanted in samples
    assert re.search(r"^smsgwd_events_total [1-9]", page, re.MULTILINE)
    for private in ("secret", "5550100777"):
        assert private not in page


def _request(text: str):
    from smsgwd.gateway import SendRequest

    return SendRequest(to="+15550100777", text=text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(12_345_678, "12345678", id="millions in full"),
        pytest.param(True, "1", id="yes"),
        pytest.param(0.25, "0.25", id="fraction"),
        pytest.param(3.0, "3", id="whole"),
    ],
)
def test_numbers(value, written):
    """Counts are not rounded."""
    assert _family("smsgwd_x", "gauge", "X.", [({}, value)])[-1] == f"smsgwd_x {written}"


def test_labels_are_escaped():
    """A name with quotes, backslashes or line ends breaks no line."""
    assert _family("x", "gauge", "X.", [({"link": 'a"b\\c\nd'}, 1)])[-1] == 'x{link="a\\"b\\\\c\\nd"} 1'
