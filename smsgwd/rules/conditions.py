"""Conditions, as frozen structs that answer yes or no to a :class:`View`. Pure.

:data:`READERS` is the list of what a rule file may say; each reader checks its value and raises ValueError with a line
for people. A new condition is a struct, a reader, and a row. ``str()`` of a condition is what stands in the rule file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from smsgwd.rules.text import Words, words


class View:
    """What conditions may look at: one inbound text. ``at`` is in milliseconds since 1970 UTC."""

    __slots__ = ("_week", "at", "call", "first_contact", "from_", "link", "meta", "tags", "words")

    def __init__(
        self, *, words: Words, from_: str, link: str, at: int, first_contact: bool, tags: frozenset[str] = frozenset(),
        call: bool = False, meta: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.words, self.from_, self.link, self.at = words, from_, link, at
        #: it is a voice call, not a text
        self.call = call
        self.first_contact = first_contact
        #: of the conversation and of the contact
        self.tags = tags
        #: the carrier's optional parameters
        self.meta = meta or {}
        self._week: dict[tzinfo | None, tuple[int, int]] = {}

    def week(self, zone: tzinfo | None) -> tuple[int, int]:
        """(day of the week, minute of the day) of ``at`` in a zone; worked out once, as many rules ask."""
        found = self._week.get(zone)
        if found is None:
            here = datetime.fromtimestamp(self.at / 1000, UTC).astimezone(zone)
            found = self._week[zone] = (here.weekday(), here.hour * 60 + here.minute)
        return found


class Condition(Protocol):
    """One condition of a rule."""

    def holds(self, view: View) -> bool: ...

    def __str__(self) -> str:
        """As in the rule file, for people."""
        ...


class Keyword(msgspec.Struct, frozen=True):
    """Any of these words stands anywhere in the text."""

    words: frozenset[str]
    written: str

    def holds(self, view: View) -> bool:
        return not self.words.isdisjoint(view.words.bag)

    def __str__(self) -> str:
        return f"keyword {self.written}"


class Phrase(msgspec.Struct, frozen=True):
    """Any of these phrases stands in the text, word after word."""

    phrases: tuple[tuple[str, ...], ...]
    written: str

    def holds(self, view: View) -> bool:
        return any(view.words.has_phrase(phrase) for phrase in self.phrases)

    def __str__(self) -> str:
        return f"phrase {self.written}"


class Exact(msgspec.Struct, frozen=True):
    """The whole text is one of these."""

    phrases: frozenset[tuple[str, ...]]
    written: str

    def holds(self, view: View) -> bool:
        return view.words.plain in self.phrases

    def __str__(self) -> str:
        return f"exact {self.written}"


class FromPrefix(msgspec.Struct, frozen=True):
    """The sender's number begins so."""

    prefixes: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return view.from_.startswith(self.prefixes)

    def __str__(self) -> str:
        return f"from_prefix {' | '.join(self.prefixes)}"


class OnLink(msgspec.Struct, frozen=True):
    """It came over one of these links."""

    names: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return view.link in self.names

    def __str__(self) -> str:
        return f"link {' | '.join(self.names)}"


class Tagged(msgspec.Struct, frozen=True):
    """The conversation or the person has one of these tags."""

    tags: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return not view.tags.isdisjoint(self.tags)

    def __str__(self) -> str:
        return f"tag {' | '.join(self.tags)}"


class FirstContact(msgspec.Struct, frozen=True):
    """The person never wrote before, or did."""

    wanted: bool

    def holds(self, view: View) -> bool:
        return view.first_contact is self.wanted

    def __str__(self) -> str:
        return f"first_contact {str(self.wanted).lower()}"


class Called(msgspec.Struct, frozen=True):
    """It was a voice call. A call is shown to no rule without this condition."""

    wanted: bool

    def holds(self, view: View) -> bool:
        return view.call is self.wanted

    def __str__(self) -> str:
        return f"call {str(self.wanted).lower()}"


class Meta(msgspec.Struct, frozen=True):
    """The carrier's optional parameters have one of these values, each of them."""

    values: tuple[tuple[str, tuple[str, ...]], ...]

    def holds(self, view: View) -> bool:
        return all(view.meta.get(name) in values for name, values in self.values)

    def __str__(self) -> str:
        return "meta " + " and ".join(f"{name} = {' | '.join(values)}" for name, values in self.values)


class Span(msgspec.Struct, frozen=True):
    """Days (0 = Monday) and minutes of the day; an end before the start lies on the next day."""

    days: frozenset[int]
    start: int
    end: int

    def covers(self, day: int, minute: int) -> bool:
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


class Hours(msgspec.Struct, frozen=True):
    """It came in these hours of the week by the wall clock of a zone (that of the machine where none is named)."""

    spans: tuple[Span, ...]
    written: str
    zone: tzinfo | None = None

    def holds(self, view: View) -> bool:
        day, minute = view.week(self.zone)
        # a list, because a generator for one span costs more than the span
        return True in [span.covers(day, minute) for span in self.spans]

    def __str__(self) -> str:
        return f"hours {self.written}" + (f" in {self.zone}" if self.zone else "")


# ---- reading -------------------------------------------------------------------------------------------------------

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"([01]?[0-9]|2[0-4]):([0-5][0-9])"
_SPAN = re.compile(rf"(?:(?P<days>[A-Za-z,-]+)\s+)?{_TIME}\s*-\s*{_TIME}")


def _texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts, none of them empty."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(x, str) and x.strip() for x in items):
        raise ValueError("must be a text or a list of texts")
    return tuple(items)


def _phrases(value: Any) -> tuple[tuple[tuple[str, ...], ...], str]:
    """Phrases as plain words, and as they were written."""
    texts = _texts(value)
    found = tuple(words(text).plain for text in texts)
    if not all(found):
        raise ValueError("has a text without letters and digits")
    return found, " | ".join(texts)


def _keyword(value: Any, table: Mapping[str, Any]) -> Condition:
    found, written = _phrases(value)
    if any(len(phrase) != 1 for phrase in found):
        raise ValueError("takes single words; use phrase for several")
    return Keyword(frozenset(phrase[0] for phrase in found), written)


def _exact(value: Any, table: Mapping[str, Any]) -> Condition:
    found, written = _phrases(value)
    return Exact(frozenset(found), written)


def _from_prefix(value: Any, table: Mapping[str, Any]) -> Condition:
    found = _texts(value)
    if not all(re.fullmatch(r"\+?[0-9]{1,15}", p) for p in found):
        raise ValueError("must be the beginning of a number, such as +1555")
    return FromPrefix(found)


def _first_contact(value: Any, table: Mapping[str, Any]) -> Condition:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return FirstContact(value)


def _call(value: Any, table: Mapping[str, Any]) -> Condition:
    if value is not True:
        raise ValueError("must be true; without it a rule is about texts")
    return Called(value)


def _meta(value: Any, table: Mapping[str, Any]) -> Condition:
    if not isinstance(value, dict) or not value:
        raise ValueError('must be a table of names and values, such as { operator = "26201" }')
    return Meta(tuple((name, _texts(values)) for name, values in value.items()))


def _day(name: str) -> int:
    """``Mon`` or ``monday`` -> 0."""
    for i, day in enumerate(_DAYS):
        if name.lower() in (day, day[:3]):
            return i
    raise ValueError(f"{name!r} is no day; days are Mon Tue Wed Thu Fri Sat Sun")


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        a = _day(first)
        b = _day(last) if dash else a
        days |= {d % 7 for d in range(a, b + 1 if b >= a else b + 8)}
    return frozenset(days)


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not like 'Mon-Fri 08:00-17:00'")
    start, end = (int(found[i]) * 60 + int(found[i + 1]) for i in (2, 4))
    if start == end or start >= 1440 or end > 1440:
        raise ValueError(f"{text!r} covers no time of the day")
    return Span(_days(found["days"]), start, end)


def _hours(value: Any, table: Mapping[str, Any]) -> Condition:
    texts = _texts(value)
    spans = tuple(_span(part) for text in texts for part in re.split(r"\s*;\s*", text.strip()))
    name = table.get("tz")
    try:
        zone = ZoneInfo(name) if name is not None else None
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"has a `tz` of {name!r}, which is no time zone such as Europe/Vienna") from None
    return Hours(spans, "; ".join(texts), zone)


#: condition -> (reads it, further keys that its table may have)
READERS: dict[str, tuple[Callable[[Any, Mapping[str, Any]], Condition], tuple[str, ...]]] = {
    "keyword": (_keyword, ()),
    "phrase": (lambda value, table: Phrase(*_phrases(value)), ()),
    "exact": (_exact, ()),
    "from_prefix": (_from_prefix, ()),
    "link": (lambda value, table: OnLink(_texts(value)), ()),
    "tag": (lambda value, table: Tagged(_texts(value)), ()),
    "first_contact": (_first_contact, ()),
    "call": (_call, ()),
    "meta": (_meta, ()),
    "hours": (_hours, ("tz",)),
}
