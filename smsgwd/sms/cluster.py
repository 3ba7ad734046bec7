"""Where a text may be cut without harm to what a person sees as one character.

A reasonable part of the grapheme cluster rules (Unicode Standard Annex 29), with nothing but :mod:`unicodedata`: no cut
before combining marks, variation selectors, joiners, emoji modifiers and tags, nor after a zero width joiner, nor between
CR and LF, nor inside a pair of regional indicators (a flag), nor inside a Hangul syllable of conjoining letters. A Python
string holds whole code points, so surrogate pairs are never in question.
"""

from __future__ import annotations

import unicodedata

ZWJ, ZWNJ = "\u200d", "\u200c"


def _extends(character: str) -> bool:
    """It belongs to what stands before it."""
    if character < "\u0300":
        return False
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")  # variation selectors are Mn
        or character in (ZWJ, ZWNJ)
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags of regional flags
    )


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _conjoining(before: str, after: str) -> bool:
    """Hangul letters of one syllable: a vowel after a leading consonant, a trailing consonant after a vowel."""
    if "\u1160" <= after <= "\u11ff":
        return "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return False


def breaks_at(text: str, at: int) -> bool:
    """True when ``text`` may be cut before offset ``at`` (0 < at < len)."""
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    if before < "\u0300" and after < "\u0300":
        return True
    if _extends(after) or before == ZWJ or _conjoining(before, after):
        return False
    if _regional(before) and _regional(after):
        start = at - 1
        while start and _regional(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 0
    return True


def cut_before(text: str, start: int, at: int) -> int:
    """The last good place to cut in ``start < place <= at``; ``at`` itself when the cluster is larger than that."""
    if at >= len(text):
        return at
    place = at
    while place > start and not breaks_at(text, place):
        place -= 1
    return place if place > start else at


def clusters(text: str) -> list[str]:
    """The text in characters as a person sees them."""
    found, start = [], 0
    for at in range(1, len(text) + 1):
        if at == len(text) or breaks_at(text, at):
            found.append(text[start:at])
            start = at
    return found
