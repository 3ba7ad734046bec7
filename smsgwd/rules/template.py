"""Answers with fields: ``Hello {contact.name|there}, your case is {conversation}``. Pure.

A field is one of a fixed list and nothing else: no attributes, no formats, no code. ``{{`` and ``}}`` are braces. What
is put in is never looked at again, has no control characters (nor such that turn the writing direction) and at most 200
characters. A field without value and
without fallback leaves the answer unsent: a text with a hole in it is worse than none.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

#: longest value of one field
LONGEST_VALUE = 200
#: what a template may name, and what it is
FIELDS: dict[str, str] = {
    "contact.name": "the person's name, as an operator or a CRM wrote it",
    "from": "the number of the person",
    "to": "our number that was written to",
    "link": "the link it came over",
    "message": "id of the text",
    "conversation": "id of the conversation",
}

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}|]*)(?:\|([^{}]*))?\}|[{}]")


class Mistake(NamedTuple):
    """What is wrong in a template, and in which line of it (from 1)."""

    line: int
    message: str


class Field(msgspec.Struct, frozen=True):
    """A place in a template."""

    name: str
    fallback: str | None = None

    def value(self, values: Mapping[str, str]) -> str | None:
        """What goes there; None when there is neither value nor fallback."""
        return _clean(values.get(self.name, "")) or self.fallback


class Template(msgspec.Struct, frozen=True):
    """A checked template: literal texts and fields in turn."""

    pieces: tuple[str | Field, ...] = ()

    def render(self, values: Mapping[str, str]) -> str | None:
        """The text; None when a field has neither value nor fallback, or when nothing is left to send."""
        parts = [piece if isinstance(piece, str) else piece.value(values) for piece in self.pieces]
        text = "".join(part or "" for part in parts)
        return None if None in parts or not text.strip() else text

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Fields that keep the answer from being sent."""
        return tuple(p.name for p in self.pieces if isinstance(p, Field) and p.value(values) is None)

    @property
    def literal(self) -> str:
        """Everything but values: about the least that will be sent."""
        return "".join(p if isinstance(p, str) else p.fallback or "" for p in self.pieces)


#: they would turn the writing direction of the words around the value too
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _clean(value: str) -> str:
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in value if c not in _TURNING)
    return kept.strip()[:LONGEST_VALUE].rstrip()


def parse_template(text: str) -> tuple[Template, list[Mistake]]:
    """Reads a template: (what is right in it, every mistake). It is to be used only when there is no mistake."""
    pieces: list[str | Field] = []
    mistakes: list[Mistake] = []
    at, literal = 0, ""
    for found in _PIECE.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
            continue
        wrong = _wrong(found)
        if wrong:
            mistakes.append(Mistake(text.count("\n", 0, found.start()) + 1, wrong))
            continue
        pieces += [literal, Field(found[1].strip(), found[2])] if literal else [Field(found[1].strip(), found[2])]
        literal = ""
    literal += text[at:]
    if literal:
        pieces.append(literal)
    return Template(tuple(pieces)), mistakes


def _wrong(found: re.Match[str]) -> str:
    """What is wrong with one piece in braces; "" when it is right."""
    if found[0] in ("{", "}"):
        return f"a single {found[0]!r}; write {found[0] * 2!r} for the character itself"
    name = found[1].strip()[:40]
    if name in FIELDS:
        return ""
    close = difflib.get_close_matches(name, FIELDS, 1) or [field for field in FIELDS if field.endswith(f".{name}")]
    return f"{{{name}}} is no field; " + (f"did you mean {close[0]!r}?" if close else f"fields: {', '.join(FIELDS)}")
