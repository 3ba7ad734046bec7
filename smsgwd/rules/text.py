"""The words of a text, as conditions see them. Pure.

NFKC, case folded, typographic quotes as ASCII, zero-width and control characters removed, punctuation and emoji as
separators. A word is a run of letters, marks and digits of any script. A second form without diacritics is matched as
well, so that ``città`` finds ``citta`` and the other way round.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import msgspec

_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})


class Words(msgspec.Struct, frozen=True):
    """A text cut in words."""

    #: case folded, with diacritics
    exact: tuple[str, ...]
    #: without them
    plain: tuple[str, ...]

    def has(self, word: str) -> bool:
        return word in self.exact or word in self.plain

    def has_phrase(self, phrase: tuple[str, ...]) -> bool:
        """The words of ``phrase`` follow each other."""
        return _within(phrase, self.exact) or _within(phrase, self.plain)

    def is_phrase(self, phrase: tuple[str, ...]) -> bool:
        """The text is these words and nothing else."""
        return phrase in (self.exact, self.plain)


def _within(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(words[i : i + size] == phrase for i in range(len(words) - size + 1))


@lru_cache(maxsize=4096)
def words(text: str) -> Words:
    """The words of a text. Never fails; the same words again give the same words."""
    folded = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    folded = unicodedata.normalize("NFKC", folded)
    return Words(_cut(folded), _cut(without_marks(folded)))


def without_marks(text: str) -> str:
    """Without diacritics: ``arrêt`` -> ``arret``."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _cut(text: str) -> tuple[str, ...]:
    """Letters, marks and digits make words; format and control characters vanish; an apostrophe inside a word stays out
    of it (``don't`` is ``dont``); all else separates."""
    out: list[str] = []
    for c in text:
        category = unicodedata.category(c)
        if category[0] in "LMN":
            out.append(c)
        elif (c != "'" and category not in ("Cf", "Cc", "Cs", "Co", "Cn")) or c in "\n\r\t":
            out.append(" ")
    return tuple("".join(out).split())
