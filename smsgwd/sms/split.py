"""From a text to parts: which alphabet, and where to cut (3GPP TS 23.040 section 9.2.3.24.1).

A part holds 140 octets. A header costs 6 octets with concatenation (8-bit reference) and 3 for each national table; then
septets begin at a septet border. So GSM-7 has 160 septets alone and 153 in a set, UCS-2 70 and 67 units.

The choice is what needs fewest parts; among equals the exact text before plain letters (``transliterate``), and what
every phone reads before the national tables: GSM-7 with the default tables · UCS-2 · GSM-7 with the national tables that
the caller allows · the same two GSM-7 choices with plain letters.

* ``alphabet=UCS2`` and ``DATA`` are taken as they are (data: each character 0 to 255 is one octet).
* ``alphabet=GSM7`` keeps to GSM-7: what its tables lack is written by plain letters where there are some, else by one
  ``?`` for each character that a person sees.
* Lone surrogates are replaced by U+FFFD first: they can be neither sent nor stored.

Where GSM-7 is not written as such but in other character sets (``charsets``: an SMSC whose default is Latin-1), a GSM-7
plan needs a text that one of them can write whole; its length counts in septets all the same, as that is how it goes on
the air.

A cut never falls inside ESC + code or a surrogate pair, and inside what a person sees as one character only where that
alone is larger than a part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate

import msgspec

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.cluster import clusters, cut_before
from smsgwd.sms.encoding import Alphabet, encode_ucs2, storable
from smsgwd.sms.national import LANGUAGES, LOCKING, SINGLE
from smsgwd.sms.plain import plain
from smsgwd.sms.userdata import MOST_OCTETS

_CONCAT8, _CONCAT16, _TABLE = 5, 6, 3  # octets of an information element


class Plan(msgspec.Struct, frozen=True):
    """How a text will be sent."""

    #: as it will be sent, after transliteration and substitution
    text: str
    alphabet: Alphabet
    #: national language identifiers, 0 = default table
    locking: int = 0
    single: int = 0
    #: offset of each part in ``text``, in code points; the first is 0
    cuts: tuple[int, ...] = (0,)
    #: septets, 16-bit units or octets of each part
    units: tuple[int, ...] = (0,)
    #: how many of them one part may hold
    capacity: int = 160

    @property
    def parts(self) -> int:
        return len(self.cuts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each part."""
        ends = (*self.cuts[1:], len(self.text))
        return tuple(self.text[a:b] for a, b in zip(self.cuts, ends, strict=True))


@lru_cache(maxsize=256)
def capacity(alphabet: Alphabet, concat: int = 0, locking: int = 0, single: int = 0) -> int:
    """Units (septets, 16-bit units, octets) that one part holds; ``concat`` is the size of the concatenation element,
    0 for a text in one part, 5 with an 8-bit reference, 6 with a 16-bit one."""
    elements = concat + _TABLE * bool(locking) + _TABLE * bool(single)
    octets = MOST_OCTETS - (elements + 1 if elements else 0)
    if alphabet is Alphabet.GSM7:
        return octets * 8 // 7
    return octets // 2 if alphabet is Alphabet.UCS2 else octets


def split(
    text: str,
    *,
    alphabet: Alphabet | None = None,
    national: Sequence[str] = (),
    transliterate: bool = False,
    wide_ref: bool = False,
    charsets: Sequence[str] = (),
) -> Plan:
    """Chooses alphabet and cuts; see the head of this file.

    ``national`` names languages (``tr``, ``es``, ``pt`` …) whose tables may be used where that saves parts; ``wide_ref``
    leaves room for a 16-bit reference; ``charsets`` are Python's names of the character sets, one of which must be able to
    write a GSM-7 text, and then no national table is used. The number of parts is not limited here (the standard's limit is 255). PduError for
    an unknown language, and for DATA with a character above 255.
    """
    if alphabet is None or alphabet is Alphabet.GSM7:
        septets = gsm7.try_encode(text)
        if septets is not None and len(septets) <= 160 and (not charsets or _writable(text, charsets)):
            return Plan(text, Alphabet.GSM7, 0, 0, (0,), (len(septets),), 160)
    text = _valid(text)
    concat = _CONCAT16 if wide_ref else _CONCAT8
    if alphabet is Alphabet.DATA:
        return _data(text, concat)
    if alphabet is Alphabet.UCS2:
        return _ucs2(text, concat)
    languages = [_language(name) for name in national]
    if charsets:
        return _in_charsets(text, concat, charsets, forced=alphabet is Alphabet.GSM7, transliterate=transliterate)
    if alphabet is Alphabet.GSM7:
        return _forced(text, concat, languages)
    return _best(text, concat, languages, transliterate)


def _valid(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return storable(text)
    return text


def _language(name: str) -> int:
    try:
        return LANGUAGES[name]
    except KeyError:
        raise PduError(f"no national language table is called {name!r}; known: {' '.join(LANGUAGES)}") from None


def _best(text: str, concat: int, languages: Sequence[int], transliterate: bool) -> Plan:
    """The first of the plans with fewest parts."""
    plans = [_gsm7(text, concat), _ucs2(text, concat), *_national(text, concat, languages)]
    if transliterate:
        plans += [_gsm7(plain(text), concat), *_national(text, concat, languages, plain)]
    return min((plan for plan in plans if plan is not None), key=lambda plan: plan.parts)


def _forced(text: str, concat: int, languages: Sequence[int]) -> Plan:
    """GSM-7 whatever the text is; the national tables are used for what the default ones lack, or to save parts."""
    plans = [_gsm7(text, concat), *_national(text, concat, languages)]
    fitting = [plan for plan in plans if plan is not None]
    if not fitting:
        substituted = _gsm7("".join(_substitute(c) for c in clusters(plain(text))), concat)
        assert substituted is not None
        return substituted
    return min(fitting, key=lambda plan: plan.parts)


def _in_charsets(text: str, concat: int, charsets: Sequence[str], *, forced: bool, transliterate: bool) -> Plan:
    """Like :func:`_best` and :func:`_forced`, with GSM-7 texts that one of the character sets can write."""
    candidates = [text, plain(text)] if transliterate or forced else [text]
    plans = [_gsm7(written, concat) for written in candidates if _writable(written, charsets)]
    if not forced:
        plans.insert(1 if plans and _writable(text, charsets) else 0, _ucs2(text, concat))
    fitting = [plan for plan in plans if plan is not None]
    if fitting:
        return fitting[0] if forced else min(fitting, key=lambda plan: plan.parts)
    written = "".join(c if _writable(c, charsets) else "?" for c in map(_substitute, clusters(plain(text))))
    substituted = _gsm7(written, concat)
    assert substituted is not None
    return substituted


def _writable(text: str, charsets: Sequence[str]) -> bool:
    """One of the character sets has all characters."""
    for charset in charsets:
        try:
            text.encode(charset)
        except UnicodeEncodeError:
            continue
        return True
    return False


def _substitute(cluster: str) -> str:
    """One character as a person sees it, in the default tables."""
    return cluster if gsm7.try_encode(cluster) is not None else "?"


def _national(
    text: str, concat: int, languages: Sequence[int], simplify: Callable[[str, int, int], str] | None = None
) -> list[Plan | None]:
    """Plans with a single shift table, with a locking one, and with both, for each language."""
    plans = []
    for language in languages:
        pairs = ((0, language), (language, 0), (language, language))
        for locking, single in pairs:
            if (locking and locking not in LOCKING) or (single and single not in SINGLE):
                continue
            written = simplify(text, locking, single) if simplify else text
            plans.append(_gsm7(written, concat, locking, single))
    return plans


# ---- cutting -------------------------------------------------------------------------------------------------------


def _gsm7(text: str, concat: int, locking: int = 0, single: int = 0) -> Plan | None:
    """None when the tables lack a character."""
    septets = gsm7.try_encode(text, locking, single)
    if septets is None:
        return None
    whole = capacity(Alphabet.GSM7, 0, locking, single)
    if len(septets) <= whole:
        return Plan(text, Alphabet.GSM7, locking, single, (0,), (len(septets),), whole)
    room = capacity(Alphabet.GSM7, concat, locking, single)
    ends = _ends_of_septets(septets) if len(septets) > len(text) else range(1, len(text) + 1)
    cuts, units = _cut(text, ends, room)
    return Plan(text, Alphabet.GSM7, locking, single, cuts, units, room)


def _ends_of_septets(septets: bytes) -> list[int]:
    """For each character, the number of septets up to its end."""
    widths, escaped = [], False
    for septet in septets:
        if septet == gsm7.ESC and not escaped:
            escaped = True
        else:
            widths.append(2 if escaped else 1)
            escaped = False
    return list(accumulate(widths))


def _ucs2(text: str, concat: int) -> Plan:
    size = len(encode_ucs2(text)) // 2
    whole = capacity(Alphabet.UCS2)
    if size <= whole:
        return Plan(text, Alphabet.UCS2, 0, 0, (0,), (size,), whole)
    room = capacity(Alphabet.UCS2, concat)
    ends: Sequence[int] = range(1, len(text) + 1)
    if size > len(text):
        ends = list(accumulate(1 if c < "\U00010000" else 2 for c in text))
    cuts, units = _cut(text, ends, room)
    return Plan(text, Alphabet.UCS2, 0, 0, cuts, units, room)


def _data(text: str, concat: int) -> Plan:
    if text and max(text) > "\xff":
        raise PduError("data is given as characters 0 to 255, one an octet")
    whole = capacity(Alphabet.DATA)
    if len(text) <= whole:
        return Plan(text, Alphabet.DATA, 0, 0, (0,), (len(text),), whole)
    room = capacity(Alphabet.DATA, concat)
    cuts = tuple(range(0, len(text), room))
    units = tuple(min(room, len(text) - at) for at in cuts)
    return Plan(text, Alphabet.DATA, 0, 0, cuts, units, room)


def _cut(text: str, ends: Sequence[int], room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Cuts greedily; ``ends[i]`` is the number of units up to the end of character i. Returns offsets and units."""
    cuts, units, start, used = [0], [], 0, 0
    while ends[-1] - used > room:
        start = cut_before(text, start, bisect_right(ends, used + room))
        units.append(ends[start - 1] - used)
        used = ends[start - 1]
        cuts.append(start)
    units.append(ends[-1] - used)
    return tuple(cuts), tuple(units)
