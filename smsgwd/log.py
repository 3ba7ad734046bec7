"""Logs: JSON lines on stdout for journald, readable lines on a terminal; an event of the store becomes one line.

Redaction is the last step before a line is written: values under names that hold secrets or texts are replaced, and
anything in a line that looks like a phone number or an API token is masked. Code does not log such values in the first
place; this is the net under it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, TextIO

import msgspec
import structlog

from smsgwd.clock import isoformat
from smsgwd.events import KINDS, masked
from smsgwd.logsink import LogSink
from smsgwd.model import Event

#: names whose values are never shown
HIDDEN = frozenset({"text", "pin", "password", "secret", "token", "authorization", "pdu", "body"})
_NUMBER = re.compile(r"(?<![\w:./-])\+?[0-9]{7,15}(?![\w:./-])")
_TOKEN = re.compile(r"smsgw_[A-Za-z0-9_-]+|whsec_[A-Za-z0-9+/=]+")

#: events that are a line only when everything is logged: the ordinary steps of each text
STEPS = frozenset({"message.accepted", "message.sending", "part.accepted", "message.part", "webhook.delivered"})
WARNINGS = frozenset(
    {
        "message.failed", "message.expired", "message.uncertain", "message.undecodable", "message.partial", "report.orphan",
        "webhook.retry", "webhook.dead", "link.down", "link.alarm", "storage.high", "storage.full", "pin.refused", "pin.blocked",
        "daemon.recovered", "config.refused", "store.low", "store.log", "store.damaged", "store.restored",
    }
)  # fmt: skip


#: names whose values are our own words, ids and times: there is nothing to look for in them
_PLAIN = frozenset({"timestamp", "level", "part", "kind", "at", "message", "link"})
_LEVELS = {name: logging.getLevelNamesMapping()[name.upper()] for name in ("debug", "info", "warning")}
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
#: where JSON lines go, and structlog's last step that makes them; None while lines are for people
_octets: Any = None
_renderer: Any = None
#: the least level that is written
_least = logging.INFO


def redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog step that hides what must not be shown."""
    for key, value in line.items():
        if key in HIDDEN:
            line[key] = "***"
        elif isinstance(value, str) and key not in _PLAIN:
            line[key] = scrub(value)
        elif isinstance(value, list):
            line[key] = [scrub(item) if isinstance(item, str) else item for item in value]
    return line


def scrub(text: str) -> str:
    """Masks tokens and phone numbers inside a text, and shows control characters as ``\\x1b`` and the like: a line of the
    log stays one line, and steers no terminal."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return _NUMBER.sub(lambda m: masked(m[0]), _TOKEN.sub("***", text))


def _json(line: Any, **how: Any) -> str:
    """As json.dumps, a good deal faster; what is no JSON is written as text."""
    return msgspec.json.encode(line, enc_hook=str).decode()


#: where the lines of this process go, if not straight to a stream
_sink: LogSink | None = None


@contextlib.contextmanager
def sink(stream: TextIO) -> Iterator[LogSink]:
    """A way to a stream that nothing can hold up the program by (:mod:`smsgwd.logsink`)."""
    global _sink
    _sink = LogSink(stream)
    try:
        yield _sink
    finally:
        _sink.close()


def lost() -> int:
    """Lines that could not be written."""
    return _sink.lost if _sink is not None else 0


def set_up(level: str = "info", stream: Any = None) -> None:
    """Sets up logging for this process. ``level``: debug shows every step of every text."""
    global _least, _octets, _renderer
    _least = logging.getLevelNamesMapping()[level.upper()]
    stream = stream or sys.stdout
    people = stream.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer(_json)
    _octets, _renderer = (None, None) if people else (stream, renderer)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if people else "iso", utc=not people),
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_least),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def get_logger(part: str) -> Any:
    """A logger whose lines carry the name of the part of the program."""
    return structlog.get_logger(part=part)


def write_events(logger: Any, events: Iterable[Event]) -> None:
    """Writes one line for each event, in order. Steps that the level hides cost nothing.

    JSON lines are made here, as structlog makes them (a test compares), and written together: its way costs twice as much
    for each, and every text has one.
    """
    bound = logger.bind()
    lines: list[str] = []
    stamp = _stamp(None, "", {})
    ours = _renderer is not None and structlog.get_config()["processors"][-1] is _renderer
    for event in events:
        level = "debug" if event.kind in STEPS else "warning" if event.kind in WARNINGS else "info"
        if _LEVELS[level] < _least:
            continue
        fields: dict[str, Any] = {"kind": event.kind, "event_id": event.id, "at": isoformat(event.at)}
        fields |= {name: value for name, value in (("message", event.message), ("link", event.link)) if value}
        fields |= {k: v for k, v in event.data.items() if k not in fields}
        what = KINDS.get(event.kind, event.kind)
        if not ours:
            getattr(bound, level)(what, **fields)
        else:
            line = {**structlog.get_context(bound), **fields, "event": what, "level": level, **stamp}
            lines.append(_json(redact(None, level, line)))
    if lines:
        print("\n".join(lines), file=_octets, flush=True)
