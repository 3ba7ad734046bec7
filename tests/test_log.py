"""Logs: readable, one line each, and without people's data or secrets."""

import io
import json

import pytest

from smsgwd import log
from smsgwd.events import KINDS
from smsgwd.model import Event


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("refused by +15550100777 today", "refused by +155…77 today", id="number with plus"),
        pytest.param("to 00436641234567", "to 0043…67", id="number without plus"),
        pytest.param("Bearer smsgw_abcDEF-_123", "Bearer ***", id="token"),
        pytest.param("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "***", id="webhook secret"),
        pytest.param("127.0.0.1:54321 pid 1234567", "127.0.0.1:54321 pid 1234…67", id="addresses stay"),
        pytest.param("msg_4000000000c1s of /dev/ttyUSB0", "msg_4000000000c1s of /dev/ttyUSB0", id="ids stay"),
    ],
)
def test_scrub(text, wanted):
    """Phone numbers and tokens are masked wherever they stand in a line."""
    assert log.scrub(text) == wanted


def test_hidden_names_never_show():
    """A value under the name of a secret or a text is not written."""
    out = io.StringIO()
    log.set_up("debug", out)
    log.get_logger("test").info("hello", pin="1234", text="my secret", password="p", link="m1", why="from +15550100777")
    line = json.loads(out.getvalue())
    assert "1234" not in out.getvalue()
    assert "my secret" not in out.getvalue()
    assert line["link"] == "m1"
    assert line["why"] == "from +155…77"


def test_level_hides_steps():
    """At info the single steps of a text are not lines, at debug they are."""
    for level, lines in (("info", 0), ("debug", 1)):
        out = io.StringIO()
        log.set_up(level, out)
        log.write_events(log.get_logger("test"), [Event(id=1, at=0, kind="message.sending", message="msg_x")])
        assert len(out.getvalue().splitlines()) == lines


def test_events_of_the_log_are_lines_of_their_levels():
    """An event becomes a line with its words, its number and its data; what went wrong is a warning."""
    out = io.StringIO()
    log.set_up("info", out)
    found = [
        Event(id=7, at=1000, kind="message.sent", message="msg_x", link="m1", data={"part": 1, "kind": "never"}),
        Event(id=8, at=2000, kind="message.failed", data={"reason": "to +15550100777"}),
    ]
    log.write_events(log.get_logger("test"), found)
    sent, failed = map(json.loads, out.getvalue().splitlines())
    assert (sent["event"], sent["kind"], sent["event_id"], sent["message"], sent["link"], sent["part"], sent["level"]) == (
        KINDS["message.sent"], "message.sent", 7, "msg_x", "m1", 1, "info",
    )  # fmt: skip
    assert sent["at"] == "1970-01-01T00:00:01.000Z"
    assert (failed["level"], failed["reason"]) == ("warning", "to +155…77")


def test_event_kinds_of_the_log_exist():
    """The log's own lists name event kinds that exist."""
    assert set(KINDS) >= log.STEPS | log.WARNINGS


@pytest.mark.parametrize("kind", ["message.sent", "message.failed", "message.accepted"])
def test_lines_of_events_are_structlogs(kind):
    """A line that is made here has the names, the order and the masked values that structlog's own way gives it."""
    out = io.StringIO()
    log.set_up("debug", out)
    logger = log.get_logger("test")
    data = {"why": "from +15550100777\x1b", "parts": 2, "text": "hello", "list": ["+15550100777"]}
    log.write_events(logger, [Event(id=7, at=0, kind=kind, message="msg_1", link="m1", data=data)])
    level = {"message.sent": "info", "message.failed": "warning", "message.accepted": "debug"}[kind]
    fields = {"kind": kind, "event_id": 7, "at": "1970-01-01T00:00:00.000Z", "message": "msg_1", "link": "m1", **data}
    getattr(logger, level)(KINDS[kind], **fields)
    ours, theirs = ([*json.loads(line).items()] for line in out.getvalue().splitlines())
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert {k: v for k, v in ours if k != "timestamp"} == {k: v for k, v in theirs if k != "timestamp"}
    assert dict(ours)["timestamp"][:17] <= dict(theirs)["timestamp"][:17]
