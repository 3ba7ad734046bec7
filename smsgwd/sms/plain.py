"""Plain letters for those that GSM-7 lacks: typographic quotes and dashes, spaces, accents, ligatures.

Only what the tables at hand cannot write is changed, and only where the plain form says the same: ``“”`` become ``"``,
``é`` stays (GSM-7 has it), ``ê`` becomes ``e``, ``…`` three dots. Greek small letters become capitals, with the Latin
letters of the same shape, which is what GSM-7 has Greek capitals for. Cyrillic, emoji and the like have no plain form and
stay as they are.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from smsgwd.sms import gsm7

_SAME = {
    "'": "‘’‚‛′ʼʻˈ`´",
    '"': "“”„‟″«»",
    "<": "‹",
    ">": "›",
    "-": "‐‑‒–—―−⁃",
    "...": "…",
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t",
    "": "\u00ad\u200b\u2060\ufeff",
    "\n": "\u0085\u2028\u2029\v",
    "*": "•·∙●▪◦",
    "/": "⁄∕",
    "x": "×",
    "o": "º",
    "a": "ª",
    "u": "µ",
    "(c)": "©",
    "(r)": "®",
    "deg": "°",
    "i": "ı",
    "oe": "œ",
    "OE": "Œ",
    "l": "ł",
    "L": "Ł",
    "d": "đð",
    "D": "ĐÐ",
    "h": "ħ",
    "H": "Ħ",
    "t": "ŧ",
    "T": "Ŧ",
    "n": "ŋ",
    "N": "Ŋ",
    "th": "þ",
    "Th": "Þ",
    "SS": "ẞ",
    "Rs": "₹",
}
_PLAIN = {character: simple for simple, characters in _SAME.items() for character in characters}
_PLAIN |= dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))


def plain(text: str, locking: int = 0, single: int = 0) -> str:
    """The text with plain forms for what these tables cannot write; what has none stays."""
    if gsm7.try_encode(text, locking, single) is not None:
        return text
    return "".join([_plain(c, locking, single) for c in unicodedata.normalize("NFC", text)])


@lru_cache(maxsize=4096)
def _plain(character: str, locking: int, single: int) -> str:
    if gsm7.try_encode(character, locking, single) is not None:
        return character
    base = _base(character)
    candidates = [_PLAIN.get(character), base, "".join(_PLAIN.get(c, c) for c in base)]
    if "Ͱ" <= character <= "Ͽ" or "ἀ" <= character <= "῾":
        capital = _base(character).upper()
        candidates = [_PLAIN.get(capital, capital)]
    for simple in candidates:
        if simple is not None and gsm7.try_encode(simple, locking, single) is not None:
            return simple
    return character


def _base(character: str) -> str:
    """Without accents, compatibility forms resolved."""
    parts = unicodedata.normalize("NFKD", character)
    return "".join(c for c in parts if unicodedata.category(c) != "Mn")
