"""Alphabets and TP-DCS (3GPP TS 23.038 section 4).

======== ================================================================================
bits 7–4 group
======== ================================================================================
00xx     general: bit 5 compressed, bit 4 "bits 1–0 are a class", bits 3–2 alphabet
01xx     the same, to be deleted when read
1000–1011 reserved: read as the default alphabet
1100     message waiting, text may be discarded; GSM-7
1101     message waiting, text is stored; GSM-7
1110     message waiting, text is stored; UCS-2
1111     class: bit 2 alphabet (GSM-7 or 8-bit), bits 1–0 class
======== ================================================================================

Reserved codings are the default alphabet without class ("the same as codepoint 00000000"). Compressed text (section 5)
is kept as raw data: nobody sends it, and half a decompressor is worse than none.

UCS-2 is read and written as UTF-16, big-endian, as every handset does; what is not valid becomes U+FFFD.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Alphabet(StrEnum):
    """The three ways user data is written, TS 23.038 section 4."""

    GSM7 = "gsm7"
    #: 8-bit data, never shown as text
    DATA = "data"
    UCS2 = "ucs2"


class Waiting(msgspec.Struct, frozen=True):
    """A message waiting indication of the groups 1100 to 1110."""

    #: voicemail | fax | email | other
    kind: str
    #: False switches the indicator off
    active: bool
    #: False: the text may be discarded
    store: bool


class DataCoding(msgspec.Struct, frozen=True):
    """What one TP-DCS octet says."""

    dcs: int
    alphabet: Alphabet
    #: 0 flash, 1 ME, 2 SIM, 3 TE; None when it names none
    message_class: int | None = None
    compressed: bool = False
    #: group 01xx: delete when read
    transient: bool = False
    waiting: Waiting | None = None


_GENERAL = (Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2, None)
_WAITING = ("voicemail", "fax", "email", "other")


def _general(dcs: int) -> DataCoding:
    alphabet = _GENERAL[dcs >> 2 & 3]
    transient = bool(dcs & 0x40)
    message_class = dcs & 3 if dcs & 0x10 else None
    if dcs & 0x20:
        return DataCoding(dcs, Alphabet.DATA, message_class, compressed=True, transient=transient)
    if alphabet is None:
        return DataCoding(dcs, Alphabet.GSM7, transient=transient)
    return DataCoding(dcs, alphabet, message_class, transient=transient)


def _coding(dcs: int) -> DataCoding:
    group = dcs >> 4
    if group < 0x8:
        return _general(dcs)
    if group == 0xF:
        return DataCoding(dcs, Alphabet.DATA if dcs & 4 else Alphabet.GSM7, dcs & 3)
    if group < 0xC:
        return DataCoding(dcs, Alphabet.GSM7)
    waiting = Waiting(_WAITING[dcs & 3], bool(dcs & 8), group != 0xC)
    return DataCoding(dcs, Alphabet.UCS2 if group == 0xE else Alphabet.GSM7, waiting=waiting)


_CODINGS = tuple(_coding(dcs) for dcs in range(256))
_WRITTEN = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}


def decode_dcs(dcs: int) -> DataCoding:
    """What an octet 0..255 says; never fails."""
    return _CODINGS[dcs & 0xFF]


def encode_dcs(alphabet: Alphabet, message_class: int | None = None) -> int:
    """The octet of the general group: 00, 04, 08 without class, 10–1B with one. Class 0 is a flash text."""
    return _WRITTEN[alphabet] | (0 if message_class is None else 0x10 | message_class & 3)


def encode_ucs2(text: str) -> bytes:
    """UTF-16BE without byte order mark; a lone surrogate becomes U+FFFD."""
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError:
        return storable(text).encode("utf-16-be")


def decode_ucs2(octets: bytes) -> str:
    """The text of UTF-16BE octets. Lone surrogates become U+FFFD, an odd octet at the end is dropped, a byte order mark
    at the start is obeyed and left out."""
    octets = octets[: len(octets) & ~1]
    if octets[:2] == b"\xff\xfe":  # U+FFFE is no character: the sender wrote little-endian
        return octets[2:].decode("utf-16-le", "replace")
    if octets[:2] == b"\xfe\xff":
        octets = octets[2:]
    return octets.decode("utf-16-be", "replace")


def storable(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates as U+FFFD, so that it is valid Unicode."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
