"""``[[test]]`` tables → tests of the rules: a text, and what must come of it.

``in`` is the text and who sent it when and where; ``want`` names what is to be compared. What a test leaves out is the
same on every machine: a fixed sender, and noon in UTC on Monday, 5 January 2026.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smsgwd.rules.model import Inbound, RuleTest
from smsgwd.rules.source import Source

_KEYS = ("rule", "in", "want")
_IN: dict[str, tuple[type | tuple[type, ...], Any]] = {
    "text": (str, None),
    "from": (str, "+15550100777"),
    "to": (str, ""),
    "link": (str, ""),
    "at": ((str, datetime), "2026-01-05T12:00:00+00:00"),
    "first_contact": (bool, False),
    "call": (bool, False),
    "meta": (dict, {}),
}
_WANT: dict[str, tuple[type | tuple[type, ...], Any]] = {
    "matched": (str, None),
    "replies": (int, None),
    "forward": (str, None),
}


def read_tests(source: Source) -> list[RuleTest]:
    """The tests of one file; those with mistakes are left out, and the mistakes are problems."""
    found = [_test(source, i, table) for i, table in enumerate(source.tables("test"))]
    return [test for test in found if test is not None]


def _test(source: Source, i: int, table: dict[str, Any]) -> RuleTest | None:
    before = len(source.problems)
    source.known("test", i, table, _KEYS, "key")
    if not isinstance(table.get("rule", ""), str):
        source.problem(source.line_of("test", i, "rule"), "`rule` is the id of a rule")
    given, want = (_table(source, i, table, name, known) for name, known in (("in", _IN), ("want", _WANT)))
    if isinstance(table.get("in", {}), dict) and "text" not in given:
        source.problem(source.line_of("test", i), "a test has `in` with at least a text")
    if table.get("want", {}) == {}:
        source.problem(source.line_of("test", i), "a test has `want` with at least one thing to compare")
    if not all(isinstance(text, str) for text in given.get("meta", {}).values()):
        source.problem(source.line_of("test", i, "meta"), "`in.meta` has names and texts")
    at = _milliseconds(given.get("at", _IN["at"][1]))
    if at is None:
        source.problem(source.line_of("test", i, "at"), "`at` is a time with its zone, like 2026-11-23T15:00+01:00")
    if len(source.problems) > before:
        return None
    value = {name: given.get(name, default) for name, (_, default) in _IN.items()}
    return RuleTest(
        file=str(source.path), line=source.line_of("test", i), rule=table.get("rule", ""),
        inbound=Inbound(
            message="", from_=value["from"], to=value["to"], link=value["link"], text=value["text"], at=at or 0,
            call=value["call"], meta=value["meta"],
        ),
        first_contact=value["first_contact"], **want,
    )  # fmt: skip


def _table(source: Source, i: int, table: dict[str, Any], name: str, known: dict[str, Any]) -> dict[str, Any]:
    """``in`` or ``want`` with its keys and types checked; wrong ones are left out."""
    found = table.get(name, {})
    if not isinstance(found, dict):
        source.problem(source.line_of("test", i, name), f"`{name}` is a table")
        return {}
    source.known("test", i, found, known, f"key of `{name}`")
    for key in [key for key in known if key in found]:
        kind = known[key][0]
        if not isinstance(found[key], kind) or (kind is int and isinstance(found[key], bool)):
            source.problem(source.line_of("test", i, key), f"`{name}.{key}` has the wrong type")
    return {key: value for key, value in found.items() if key in known}


def _milliseconds(at: Any) -> int | None:
    """Since 1970 UTC; None for what is no time, or one without zone, which would differ from machine to machine."""
    try:
        read = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    except ValueError:
        return None
    return int(read.timestamp() * 1000) if read.tzinfo is not None else None
