"""Conditions, as frozen structs that answer yes or no to a :class:`View`. Pure.

:data:`READERS` is the list of what a rule file may say; each reader checks its value and raises ValueError with a line
for people. A new condition is a struct, a reader, and a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from smsgwd.rules.text import Words, words


class View(msgspec.Struct, frozen=True):
    """What conditions may look at."""

    words: Words
    from_: str
    to: str
    link: str
    at: int
    first_contact: bool
    #: of the conversation and of the contact
    tags: frozenset[str] = frozenset()


class Condition(Protocol):
    """One condition of a rule."""

    def holds(self, view: View) -> bool: ...

    def __str__(self) -> str:
        """As in the rule file, for people."""
        ...


class Keyword(msgspec.Struct, frozen=True):
    """Any of these words stands anywhere in the text."""

    words: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return any(view.words.has(word) for word in self.words)

    def __str__(self) -> str:
        return f"keyword {' | '.join(self.words)}"


class Phrase(msgspec.Struct, frozen=True):
    """Any of these phrases stands in the text, word after word."""

    phrases: tuple[tuple[str, ...], ...]

    def holds(self, view: View) -> bool:
        return any(view.words.has_phrase(phrase) for phrase in self.phrases)

    def __str__(self) -> str:
        return f"phrase {' | '.join(' '.join(p) for p in self.phrases)}"


class Exact(msgspec.Struct, frozen=True):
    """The whole text is one of these."""

    phrases: tuple[tuple[str, ...], ...]

    def holds(self, view: View) -> bool:
        return any(view.words.is_phrase(phrase) for phrase in self.phrases)

    def __str__(self) -> str:
        return f"exact {' | '.join(' '.join(p) for p in self.phrases)}"


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
    """It came in these hours of the week, in a time zone (that of the machine where none is named)."""

    spans: tuple[Span, ...]
    text: str
    zone: tzinfo | None = None

    def holds(self, view: View) -> bool:
        utc = datetime.fromtimestamp(view.at / 1000, UTC)
        here = utc.astimezone(self.zone)
        return any(span.covers(here.weekday(), here.hour * 60 + here.minute) for span in self.spans)

    def __str__(self) -> str:
        return f"hours {self.text}" + (f" in {self.zone}" if self.zone else "")


# ---- reading -------------------------------------------------------------------------------------------------------

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]?[0-9]|2[0-4]):([0-5][0-9])"
_SPAN = re.compile(rf"(?:(?P<days>[A-Za-z,-]+)\s+)?{_TIME}\s*-\s*{_TIME}")


def _texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts, none of them empty."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(x, str) and x.strip() for x in items):
        raise ValueError("must be a text or a list of texts")
    return tuple(items)


def _phrases(value: Any) -> tuple[tuple[str, ...], ...]:
    found = tuple(words(text).exact for text in _texts(value))
    if not all(found):
        raise ValueError("holds no word")
    return found


def _keyword(value: Any, table: Mapping[str, Any]) -> Condition:
    found = _phrases(value)
    if any(len(p) != 1 for p in found):
        raise ValueError("takes single words; use phrase for several")
    return Keyword(tuple(p[0] for p in found))


def _from_prefix(value: Any, table: Mapping[str, Any]) -> Condition:
    found = _texts(value)
    if not all(re.fullmatch(r"\+?[0-9]{1,15}", p) for p in found):
        raise ValueError("must be the beginning of a number, such as +1555")
    return FromPrefix(found)


def _first_contact(value: Any, table: Mapping[str, Any]) -> Condition:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return FirstContact(value)


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        try:
            a = _DAYS.index(first[:3])
            b = _DAYS.index(last[:3]) if dash else a
        except ValueError:
            raise ValueError(f"{part!r} is no day; days are Mon Tue Wed Thu Fri Sat Sun") from None
        days |= {d % 7 for d in range(a, b + 1 if b >= a else b + 8)}
    return frozenset(days)


def _hours(value: Any, table: Mapping[str, Any]) -> Condition:
    spans = []
    for text in _texts(value):
        for part in re.split(r"\s*;\s*", text.strip()):
            found = _SPAN.fullmatch(part)
            if not found:
                raise ValueError(f"{part!r} is not like 'Mon-Fri 08:00-17:00'")
            start, end = (int(found[i]) * 60 + int(found[i + 1]) for i in (2, 4))
            if start == end or max(start, end) > 1440:
                raise ValueError(f"{part!r} covers no time of the day")
            spans.append(Span(_days(found["days"]), start, end))
    zone = table.get("tz")
    try:
        made = ZoneInfo(zone) if zone is not None else None
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"{zone!r} is no time zone such as Europe/Vienna") from None
    return Hours(tuple(spans), "; ".join(_texts(value)), made)


#: condition -> (reads it, further keys that its table may have)
READERS: dict[str, tuple[Callable[[Any, Mapping[str, Any]], Condition], tuple[str, ...]]] = {
    "keyword": (_keyword, ()),
    "phrase": (lambda value, table: Phrase(_phrases(value)), ()),
    "exact": (lambda value, table: Exact(_phrases(value)), ()),
    "from_prefix": (_from_prefix, ()),
    "link": (lambda value, table: OnLink(_texts(value)), ()),
    "tag": (lambda value, table: Tagged(_texts(value)), ()),
    "first_contact": (_first_contact, ()),
    "hours": (_hours, ("tz",)),
}
