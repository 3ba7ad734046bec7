"""What verbs need of the rows of texts and attempts, and those that the writer knows without reading them.

A text is read when a link takes it, for its result, and again for its report, mostly within seconds. So the writer keeps
what it wrote itself, from acceptance to the last report (:class:`Known`), and reads only what it does not find there.

What is kept is never other than the row. A verb that has a row gets the kept object, or else reads; what it changes it
writes, and whoever writes a row without holding the object kept of it ends that. Statements of another kind
(:func:`reach`) end it for the rows that they may have changed, and what was kept is gone whenever a verb fails or a commit
is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

#: attempts that are kept, and texts
MOST = 2_000
#: texts that a link will take, or of whose attempts something is to be heard
_ON_THE_WAY = frozenset({"queued", "sending", "sent"})

#: what a link sends: text, cuts, encoding, locking, single, ref, flash, ours, schedule, meta
Wire = tuple[Any, ...]
WIRE = "m.text, m.cuts, m.encoding, m.locking, m.single, m.ref, m.flash, m.ours, m.schedule, m.meta"


class Row(msgspec.Struct, gc=False):
    """What the verbs need of a ``message`` row. :func:`smsgwd.queue.states.move` keeps it up to date."""

    id: int
    direction: str
    state: str
    link: str
    peer: str
    class_: str
    parts: int
    done: int
    attempts: int
    due: int
    expires: int
    report: int
    duplicate: int
    pinned: int
    origin: str
    callback: str
    reason: str
    #: its words, where they were read with it
    wire: Wire | None = None


COLUMNS = (
    "m.id, m.direction, m.state, m.link, m.peer, m.class, m.parts, m.done, m.attempts, m.due, m.expires, m.report, "
    "m.duplicate, m.pinned, m.origin, m.callback, m.reason"
)
#: how many columns those are
ROW = COLUMNS.count(",") + 1


class Attempt(msgspec.Struct, gc=False):
    """A ``submission`` row."""

    id: int
    message: int
    link: str
    part: int
    state: str
    reference: str
    report: str
    open: int


ATTEMPT_COLUMNS = "s.id, s.message, s.link, s.part, s.state, s.reference, s.report, s.open"
#: how many of a joined row's columns are the attempt's
WIDTH = len(Attempt.__struct_fields__)

_WRITES = re.compile(r"\s*(UPDATE|DELETE FROM|REPLACE INTO|INSERT OR REPLACE INTO) (message|submission)\b")


@lru_cache(maxsize=256)
def reach(sql: str) -> str:
    """Which rows of texts and attempts a statement may change: "" none, "one" that its last parameter names, or "all"."""
    if not _WRITES.match(sql):
        return ""
    return "one" if sql.endswith(" WHERE id = ?") else "all"


class Known:
    """Rows as the writer left them."""

    __slots__ = ("attempts", "texts")

    def __init__(self) -> None:
        self.texts: dict[int, Row] = {}
        self.attempts: dict[int, Attempt] = {}

    def keep(self, m: Row) -> None:
        """A text, as it is written now."""
        if len(self.texts) >= MOST:
            self.clear()
        self.texts[m.id] = m

    def keep_attempt(self, s: Attempt, m: Row) -> None:
        """A new attempt of a text, as they are written now."""
        if len(self.attempts) >= MOST:
            self.clear()
        self.attempts[s.id] = s
        self.keep(m)

    def pair(self, attempt: int) -> tuple[Attempt, Row] | None:
        """An attempt with its text."""
        s = self.attempts.get(attempt)
        m = self.texts.get(s.message) if s is not None else None
        return None if s is None or m is None else (s, m)

    def wrote(self, m: Row) -> None:
        """A text was written as this object says."""
        if m.state not in _ON_THE_WAY or self.texts.get(m.id) is not m:
            self.texts.pop(m.id, None)
        elif m.state == "sent":
            m.wire = None

    def wrote_attempt(self, s: Attempt) -> None:
        """An attempt was written as this object says."""
        if not s.open or self.attempts.get(s.id) is not s:
            self.attempts.pop(s.id, None)

    def ran(self, reached: str, args: Sequence[Any]) -> None:
        """A statement ran that may have written these rows (:func:`reach`)."""
        if reached == "one":
            self.texts.pop(args[-1], None)
            self.attempts.pop(args[-1], None)
        else:
            self.clear()

    def clear(self) -> None:
        self.texts.clear()
        self.attempts.clear()
