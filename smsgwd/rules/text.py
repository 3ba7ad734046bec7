"""The words of a text, as conditions see them. Pure.

Zero-width and control characters and variation selectors (the tail of ``❤️``) are removed, the rest is brought to
NFKC_Casefold (Unicode section 3.13), and punctuation, apostrophes and emoji separate. A word is a run of letters, marks and
digits of any script. Words are compared without diacritics on both sides, so that a rule with ``città`` is met by
``citta``, which is how most people write it on a phone, and the other way round. Signs that make another letter in their
script (the virama and nukta of India, the voicing of kana) are no diacritics and stay.
"""

from __future__ import annotations

import unicodedata

import msgspec

#: letters that people write without their stroke or dot, but that Unicode does not take apart
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i"})
#: canonical combining classes of nukta, kana voicing and virama
_PART_OF_LETTER = (0, 7, 8, 9)
#: these look like letters (category Lm), but are written where others write an apostrophe
_APOSTROPHES = str.maketrans({"\u02bc": "'", "\u02bb": "'"})


class Words(msgspec.Struct, frozen=True):
    """A text cut in words."""

    #: case folded, with diacritics
    exact: tuple[str, ...]
    #: without them, which is what conditions compare
    plain: tuple[str, ...]
    #: the same as a set
    bag: frozenset[str]

    def has(self, word: str) -> bool:
        """``word`` is a plain word of it."""
        return word in self.bag

    def has_phrase(self, phrase: tuple[str, ...]) -> bool:
        """The plain words of ``phrase`` follow each other in it."""
        if phrase[0] not in self.bag:
            return False
        size = len(phrase)
        return any(self.plain[i : i + size] == phrase for i in range(len(self.plain) - size + 1))


def words(text: str) -> Words:
    """The words of a text. Never fails; words joined by spaces give the same words again."""
    folded = _fold("".join(c for c in text if not _invisible(c))).translate(_APOSTROPHES)
    plain = _cut(without_marks(folded))
    return Words(_cut(folded), plain, frozenset(plain))


def without_marks(text: str) -> str:
    """Without diacritics: ``arrêt`` -> ``arret``, ``złoty`` -> ``zloty``."""
    taken_apart = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in taken_apart if unicodedata.combining(c) in _PART_OF_LETTER)
    return unicodedata.normalize("NFKC", kept).translate(_STROKES)


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def _invisible(c: str) -> bool:
    """Format and control characters that are no space, variation selectors, and marks that enclose (``1️⃣`` is 1)."""
    if c <= "~":
        return c < " " and not c.isspace()
    if "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef":
        return True
    return unicodedata.category(c) in ("Cf", "Cc", "Me") and not c.isspace()


def _cut(text: str) -> tuple[str, ...]:
    """Runs of letters, marks and digits; a mark without a letter before it is none."""
    out: list[str] = []
    inside = False
    for c in text:
        kind = unicodedata.category(c)[0]
        inside = kind in "LN" or (inside and kind == "M")
        out.append(c if inside else " ")
    return tuple("".join(out).split())
