"""Answers with fields: ``Hello {contact.name|there}, your case is {conversation}``. Pure.

A field is one of a fixed list and nothing else: no attributes, no formats, no code. ``{{`` and ``}}`` are braces. What
is put in is never looked at again, has no control characters and at most 200 characters. A field without value and
without fallback leaves the answer unsent: a text with a hole in it is worse than none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

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


class Field(msgspec.Struct, frozen=True):
    """A place in a template."""

    name: str
    fallback: str | None = None


class Template(msgspec.Struct, frozen=True):
    """A checked template: literal texts and fields in turn."""

    pieces: tuple[str | Field, ...]
    #: what it was read from: ``template:outage``, or empty for a text that stands in the rule
    name: str = ""

    def render(self, values: Mapping[str, str]) -> str | None:
        """The text; None when a field has neither value nor fallback."""
        out = []
        for piece in self.pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            value = _clean(values.get(piece.name, "")) or piece.fallback
            if value is None:
                return None
            out.append(value)
        return "".join(out)

    @property
    def literal(self) -> str:
        """Everything but the fields: the least that will be sent."""
        return "".join(p if isinstance(p, str) else p.fallback or "" for p in self.pieces)

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields that must have a value."""
        return tuple(p.name for p in self.pieces if isinstance(p, Field) and p.fallback is None)


def _clean(value: str) -> str:
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in value)
    return kept.strip()[:LONGEST_VALUE]


def parse_template(text: str, name: str = "") -> Template:
    """Reads a template; ValueError says what is wrong with it."""
    pieces: list[str | Field] = []
    at, literal = 0, ""
    for found in _PIECE.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
            continue
        if found[0] in ("{", "}"):
            raise ValueError(f"a single {found[0]!r}; write {found[0] * 2!r} for the character itself")
        if found[1] not in FIELDS:
            raise ValueError(f"{{{found[1]}}} is no field; fields: {', '.join(FIELDS)}")
        if literal:
            pieces.append(literal)
        pieces.append(Field(found[1], found[2]))
        literal = ""
    literal += text[at:]
    if literal:
        pieces.append(literal)
    return Template(tuple(pieces), name)
