"""What an examination says: checks, one line each, and what mends those that are not well.

``error`` is what keeps texts from going or coming now, or makes them get lost. ``warning`` is what will, or may. Both name
what mends them: a command where there is one, else what a person has to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

#: numbers of people, IMEIs, ICCIDs; parts of a path or of a name are none
_WHOLE = re.compile(r"(?<![\w/.-])(?:\+[0-9]{5,}|[0-9]{8,})(?![\w/-])")


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Check(msgspec.Struct, frozen=True):
    """One line. ``name`` says what was looked at (a closed list, in README.md), ``subject`` which one of them."""

    name: str
    subject: str
    level: Level
    message: str
    #: the command, or the deed, that sets it right; empty when all is well
    mend: str = ""


class Report(msgspec.Struct, frozen=True):
    """All lines of an examination."""

    checks: tuple[Check, ...]
    #: the configuration, a rule or a template does not read
    misconfigured: bool = False

    @property
    def ok(self) -> bool:
        return not any(check.level is Level.ERROR for check in self.checks)

    @property
    def status(self) -> int:
        """Exit status: 0 nothing is wrong (there may be warnings), 1 something is, 78 the configuration is."""
        return 78 if self.misconfigured else 0 if self.ok else 1


def well(name: str, subject: str, message: str) -> Check:
    return Check(name, subject, Level.OK, message)


def warning(name: str, subject: str, message: str, mend: str = "") -> Check:
    return Check(name, subject, Level.WARNING, message, mend)


def error(name: str, subject: str, message: str, mend: str) -> Check:
    return Check(name, subject, Level.ERROR, message, mend)


def hidden(text: str) -> str:
    """A text of the gateway or of a modem with whole numbers cut to their last four digits."""
    return _WHOLE.sub(lambda found: short(found[0]), text)


def short(number: str) -> str:
    """The last four digits of a number, an IMEI or an ICCID; all of what has no more than that is left out."""
    return f"…{number[-4:]}" if len(number) > 4 else "…"


def listed(parts: Iterable[object]) -> str:
    """What is known, with commas between."""
    return ", ".join(str(part) for part in parts if part not in (None, ""))
