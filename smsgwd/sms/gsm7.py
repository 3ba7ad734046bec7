"""The GSM 7-bit alphabet (3GPP TS 23.038 section 6.2) and its packing into octets (section 6.1.2.1).

A text becomes *septets*, one an octet, and septets are packed eight to seven octets.

Encoding uses the two fast paths that CPython has in C. Text in Latin-1 goes through ``bytes.translate``; other text
through the ``charmap`` codec, whose compiled map needs NUL in its first place, so the character of code 0 gets the spare
code 0x9B there. In both an extension character is first one octet, 0x80 | code, and becomes ESC + code at the end, and
only if there is one. The codec's exception is the check of the character set.

Packing takes all septets as one integer and merges neighbours in all lanes at once: 7 + 7 bits in each 16-bit lane,
14 + 14 in each 32-bit lane, 28 + 28 in each 64-bit lane; then every eighth octet is empty and is deleted by a stride.
Unpacking is the reverse: an empty octet after every seven, then the halves of all lanes move apart. Fill bits after a user
data header are one shift of the whole.

Decoding never fails. An extension code without a character gives the character of the locking table, as the standard
wants; ESC ESC (reserved for a further table) gives a space; an ESC at the end is dropped; an octet above 0x7F, which only
a careless SMSC can send, gives U+FFFD.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from smsgwd.errors import PduError
from smsgwd.sms.national import BASIC, EXTENSION, LOCKING, SINGLE

ESC = 0x1B
_NONE = "\ufffe"  # what charmap_build takes for "no character"
_ZERO = 0x9B  # spare code of the character whose real code is 0 (0x80 | ESC is no extension code)
_BAD = 0x80 | 0x00  # marks, in the Latin-1 path, what the alphabet lacks (code 0 has no extension in the default table)


# ---- alphabet ------------------------------------------------------------------------------------------------------


def tables(locking: int = 0, single: int = 0) -> tuple[str, dict[int, str]]:
    """The 128 characters of a locking table and the extension characters by code. An unknown language identifier
    means the default table, TS 23.038 section 6.2.1.2.5."""
    return LOCKING.get(locking, BASIC), SINGLE.get(single, EXTENSION)


@lru_cache(maxsize=256)
def _decoding(locking: int, single: int) -> str:
    """256 characters: the locking table, then what ESC + code gives, with its fall-backs."""
    basic, extension = tables(locking, single)
    basic = basic.replace(_NONE, "\ufffd")
    upper = [extension.get(code, basic[code]) for code in range(128)]
    upper[ESC] = " "
    return basic + "".join(upper)


@lru_cache(maxsize=256)
def _encoding(locking: int, single: int) -> Any:
    """The compiled map of the ``charmap`` codec: code, or 0x80 | code of an extension character, by character."""
    basic, extension = tables(locking, single)
    table = [_NONE] * 256
    table[0] = "\0"
    table[_ZERO] = basic[0]
    seen = {_NONE, basic[0]}
    for code in [*range(1, ESC), *range(ESC + 1, 128)]:
        if basic[code] not in seen:
            seen.add(basic[code])
            table[code] = basic[code]
    for code, character in extension.items():
        if character not in seen:
            seen.add(character)
            table[0x80 | code] = character
    return codecs.charmap_build("".join(table))


def _latin1() -> bytes:
    table = bytearray([_BAD]) * 256
    for code, character in EXTENSION.items():
        if ord(character) < 256:
            table[ord(character)] = 0x80 | code
    for code, character in enumerate(BASIC):
        if ord(character) < 256 and code != ESC:
            table[ord(character)] = code
    return bytes(table)


_LATIN1 = _latin1()
_FOREIGN = 0x80  # marks, on the way back, what is not in Latin-1 (the Greek capitals and the euro sign)
_LOWER = bytes(range(128))
_PAIRS = [bytes([ESC, code]) for code in range(128)]
_PAIRS[_ZERO & 0x7F] = b"\0"
_SINGLES = [bytes([0x80 | code]) for code in range(128)]


def _expand(marked: bytes) -> bytes:
    """ESC + code for each octet above 0x7F, and code 0 for its spare."""
    for code in set(marked.translate(None, _LOWER)):
        marked = marked.replace(_SINGLES[code & 0x7F], _PAIRS[code & 0x7F])
    return marked


def encode(text: str, locking: int = 0, single: int = 0) -> bytes:
    """Septets, one an octet. PduError (with the place, never the character) for what the tables lack."""
    septets = try_encode(text, locking, single)
    if septets is None:
        place = next(i for i, c in enumerate(text) if try_encode(c, locking, single) is None)
        raise PduError(f"the character at offset {place} is not in the GSM 7-bit alphabet")
    return septets


def try_encode(text: str, locking: int = 0, single: int = 0) -> bytes | None:
    """The same, but None for a text that the tables cannot write."""
    if not locking and not single:
        try:
            marked = text.encode("latin-1").translate(_LATIN1)
        except UnicodeEncodeError:
            pass
        else:
            if marked.isascii():
                return marked
            return None if _BAD in marked else _expand(marked)
    try:
        marked = codecs.charmap_encode(text, "strict", _encoding(locking, single))[0]
    except UnicodeEncodeError:
        return None
    if 0 in marked:  # a NUL in the text
        return None
    return marked if marked.isascii() else _expand(marked)


_PLAIN = bytes(ord(c) if ord(c) < 256 else _FOREIGN for c in _decoding(0, 0))
_ESCAPE = re.compile(rb"\x1b(.?)", re.DOTALL)
_NOT_SEPTET = re.compile(rb"[\x80-\xff]")


def _mark(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return _SINGLES[code[0]] if code else b""


def decode(septets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of septets (one an octet). Never fails; see the head of this file."""
    if not septets.isascii():
        return "\ufffd".join(decode(run, locking, single) for run in _NOT_SEPTET.split(septets))
    if ESC in septets:
        septets = _ESCAPE.sub(_mark, septets)
    if not locking and not single:
        plain = septets.translate(_PLAIN)
        if _FOREIGN not in plain:
            return plain.decode("latin-1")
    text: str = codecs.charmap_decode(septets, "strict", _decoding(locking, single))[0]
    return text


# ---- packing -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _masks(lanes: int) -> tuple[int, int, int, int, int, int]:
    """For ``lanes`` groups of eight septets: the low and high half of each 16-, 32- and 64-bit lane."""
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * lanes, "little")
    return (
        ones * 0x007F007F007F007F,
        ones * 0x7F007F007F007F00,
        ones * 0x00003FFF00003FFF,
        ones * 0x3FFF00003FFF0000,
        ones * 0x000000000FFFFFFF,
        ones * 0x0FFFFFFF00000000,
    )


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Septets (one an octet, each < 0x80) into octets, least significant bit first, after ``fill`` zero bits (0..6)."""
    count = len(septets)
    lanes = (count + 7) // 8
    a1, b1, a2, b2, a3, b3 = _masks(lanes)
    x = int.from_bytes(septets, "little")
    x = (x & a1) | (x & b1) >> 1
    x = (x & a2) | (x & b2) >> 2
    x = (x & a3) | (x & b3) >> 4
    octets = bytearray(x.to_bytes(8 * lanes, "little"))
    del octets[7::8]
    size = (7 * count + fill + 7) // 8
    if fill:
        return (int.from_bytes(octets, "little") << fill).to_bytes(7 * lanes + 1, "little")[:size]
    return bytes(octets[:size])


@lru_cache(maxsize=64)
def _spread(lanes: int) -> tuple[Callable[[bytes], tuple[bytes, ...]], int, int, int]:
    """For ``lanes`` groups of seven octets: what cuts them apart, and the high half of each 64-, 32- and 16-bit lane
    before it moves up."""
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * lanes, "little")
    cut = struct.Struct("7s" * lanes).unpack
    return cut, ones * 0x00FFFFFFF0000000, ones * 0x0FFFC0000FFFC000, ones * 0x3F803F803F803F80


def unpack(octets: bytes, count: int, fill: int = 0) -> bytes:
    """``count`` septets, one an octet, from packed octets after ``fill`` bits; fewer where the octets end before."""
    count = max(0, min(count, (8 * len(octets) - fill) // 7))
    if fill:
        octets = (int.from_bytes(octets, "little") >> fill).to_bytes(len(octets), "little")
    lanes = (count + 7) // 8
    if len(octets) != 7 * lanes:
        octets = octets[: 7 * lanes].ljust(7 * lanes, b"\0")
    cut, high64, high32, high16 = _spread(lanes)
    x = int.from_bytes(b"\0".join(cut(octets)), "little")
    # to shift the high half by n bits is to add it another 2**n - 1 times
    x += (x & high64) * 15
    x += (x & high32) * 3
    x += x & high16
    return x.to_bytes(8 * lanes, "little")[:count]
