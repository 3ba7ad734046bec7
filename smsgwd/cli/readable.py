"""How times, ages, texts and states look to people.

Times are local on a terminal and ISO 8601 in UTC elsewhere, so that a pipe gets the same whatever the time zone. What a
stranger wrote in a text is never sent to a terminal as it is: control characters (escape sequences, carriage returns) and
marks that turn the writing direction are shown as ``\\x1b`` and the like.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from smsgwd.clock import isoformat

#: C0, DEL, C1, and the marks that turn or isolate the writing direction
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: colour of a state, or of the last word of an event's kind
COLOURS = {
    "delivered": "green", "sent": "green", "up": "green", "accepted": "green", "received": "green", "done": "green",
    "failed": "red", "expired": "red", "dead": "red", "refused": "red", "blocked": "red", "down": "red", "full": "red",
    "undecodable": "red",
    "uncertain": "yellow", "held": "yellow", "retry": "yellow", "high": "yellow", "partial": "yellow", "paused": "yellow",
    "suppressed": "yellow", "draining": "yellow", "starting": "yellow", "orphan": "yellow",
}  # fmt: skip


def on_terminal() -> bool:
    return sys.stdout.isatty()


def when(value: object, *, terminal: bool | None = None) -> str:
    """A time of a document (ISO 8601 text, or ms since 1970) as people read it; empty for none."""
    if value in ("", None, 0):
        return ""
    text = isoformat(value) if isinstance(value, int) else str(value)
    if not (on_terminal() if terminal is None else terminal):
        return text
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return safe(text)


def age(seconds: float) -> str:
    """``5s``, ``12m``, ``3h 20m``, ``2d 4h``: two units at most."""
    left = max(0, int(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    if not parts or (len(parts) == 1 and parts[0].endswith("m") and left):
        parts.append(f"{left}s")
    return " ".join(parts[:2])


def size(octets: float) -> str:
    """``512 B``, ``1.4 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if octets < 1024:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.1f} {unit}"
        octets /= 1024
    return f"{octets:.1f} TiB"


def safe(text: object, *, lines: bool = False) -> str:
    """A text with what could steer a terminal made visible. ``lines`` keeps line ends."""
    return _UNSAFE.sub(lambda m: m[0] if lines and m[0] == "\n" else _shown(m[0]), "" if text is None else str(text))


def _shown(character: str) -> str:
    return character.encode("unicode_escape").decode()


def short(text: object, most: int = 60) -> str:
    """One line: whole in a pipe, at most ``most`` characters on a terminal."""
    line = safe(str(text or "").replace("\r\n", " ").replace("\n", " "))
    return line if not on_terminal() or len(line) <= most else line[: most - 1] + "…"


def paint(text: str, word: str) -> str:
    """``text`` in the colour of a state or kind; plain where colours are not wanted (``NO_COLOR``) or not seen."""
    colour = COLOURS.get(word.rpartition(".")[2])
    if colour is None or os.environ.get("NO_COLOR") or not on_terminal():
        return text
    return click.style(text, fg=colour)


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """One ``name  value`` line each, aligned; empty values are left out."""
    shown = [(name, str(value)) for name, value in pairs if value not in ("", None, [], {}, ())]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *more = value.split("\n")
        click.echo(f"{name:<{width}}  {first}")
        for line in more:
            click.echo(f"{'':<{width}}  {line}")


def details(data: Mapping[str, Any], leave: Sequence[str] = ()) -> str:
    """``a=1 b=two`` of an event's data."""
    return " ".join(f"{k}={safe(v)}" for k, v in data.items() if k not in leave and v not in ("", None))


def more(document: Mapping[str, Any]) -> None:
    """Says on a terminal that a list goes on, and how to read on."""
    if document.get("next") and on_terminal():
        click.echo(f"there are more: --after {document['next']}", err=True)
