"""Alphabets and data_coding of one link (SMPP 3.4 section 5.2.19, TS 23.038), both ways. Pure.

data_coding 0 is "the SMSC's default", which the standard does not fix: ``default_alphabet`` says what it is at this
carrier. A text that was planned as GSM-7 is written in Latin-1 where ``data_coding.latin1`` is set and all of it fits, else
in the default alphabet, and as UCS-2 where that lacks a character and the text is short enough (a text that was planned
before the configuration changed); :mod:`smsgwd.planning` plans so that the last is seldom needed.

In: octets that the default alphabet does not have show a carrier with another default; they are read as Latin-1. The
model knows GSM-7, UCS-2 and data; all other character sets are handed on as UCS-2.
"""

from __future__ import annotations

from enum import StrEnum

from smsgwd.config import SmppConfig
from smsgwd.errors import PduError
from smsgwd.model import Segment
from smsgwd.sms import gsm7
from smsgwd.sms.encoding import Alphabet, decode_dcs, encode_ucs2
from smsgwd.sms.userdata import MOST_OCTETS, payload_of

_LATIN1, _GSM7, _UTF16 = "latin-1", "gsm7", "utf-16-be"
#: data_coding -> Python's codec
_CODECS = {
    0x01: _LATIN1, 0x03: _LATIN1, 0x05: "shift_jis", 0x06: "iso8859-5", 0x07: "iso8859-8", 0x0A: "iso2022_jp",
    0x0D: "iso2022_jp_1", 0x0E: "euc_kr",
}  # fmt: skip
_DATA = frozenset({0x02, 0x04, 0x09})
#: octets of the header of a part, at most
_HEADER = 7


class Kind(StrEnum):
    """How the octets of a text are written."""

    DEFAULT = "default alphabet"
    LATIN1 = "Latin-1"
    UCS2 = "UCS-2"
    DATA = "data"


# ---- out -----------------------------------------------------------------------------------------------------------


class Written:
    """How one link writes texts."""

    def __init__(self, config: SmppConfig) -> None:
        self._default = config.default_alphabet
        self._latin1 = config.data_coding.latin1 >= 0
        self._plain = self._default == _GSM7 and not self._latin1
        coding = config.data_coding
        plain = {
            Kind.DEFAULT: coding.gsm7, Kind.LATIN1: coding.latin1, Kind.UCS2: coding.ucs2, Kind.DATA: coding.binary,
        }  # fmt: skip
        flash = dict(plain)
        if config.flash != "dest_addr_subunit":
            # a class stands beside the alphabets of TS 23.038 alone; the group 0xF0 has no UCS-2
            group = int(config.flash, 16)
            flash |= {Kind.DEFAULT: group, Kind.DATA: group | 0x04, Kind.UCS2: 0x18}
        #: data_coding by kind and flash
        self.data_coding = {(kind, False): number for kind, number in plain.items()}
        self.data_coding |= {(kind, True): number for kind, number in flash.items()}
        self._flash_latin1 = config.flash == "dest_addr_subunit"

    def write(self, segment: Segment) -> tuple[Kind, bytes]:
        """The kind, and the octets of the text (septets one an octet). PduError for what cannot be written."""
        alphabet = segment.alphabet
        if alphabet is Alphabet.UCS2:
            return Kind.UCS2, encode_ucs2(segment.text)
        if alphabet is Alphabet.DATA:
            return Kind.DATA, payload_of(segment.text, alphabet)
        if self._plain:
            return Kind.DEFAULT, gsm7.encode(segment.text, segment.locking, segment.single)
        return self._chosen(segment)

    def _chosen(self, segment: Segment) -> tuple[Kind, bytes]:
        national = segment.locking or segment.single
        latin1 = _encoded(segment.text, _LATIN1) if self._latin1 and not national else None
        if latin1 is not None and (self._flash_latin1 or not segment.flash):
            return Kind.LATIN1, latin1
        if self._default == _GSM7:
            return Kind.DEFAULT, gsm7.encode(segment.text, segment.locking, segment.single)
        octets = _encoded(segment.text, self._default)
        if octets is not None:
            return Kind.DEFAULT, octets
        octets = encode_ucs2(segment.text)
        if len(octets) <= MOST_OCTETS - (_HEADER if segment.parts > 1 else 0):
            return Kind.UCS2, octets
        if latin1 is not None:  # better not as a flash than not at all
            return Kind.LATIN1, latin1
        raise PduError(f"the text has characters that {self._default} lacks, and is too long for UCS-2")


def _encoded(text: str, codec: str) -> bytes | None:
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return None


# ---- in ------------------------------------------------------------------------------------------------------------


class Read:
    """How one link's texts are read."""

    def __init__(self, config: SmppConfig) -> None:
        self._default, self._packed = config.default_alphabet, config.packed
        self._alphabets = [_alphabet_of(number) for number in range(256)]
        coding = config.data_coding
        self._alphabets[coding.binary] = Alphabet.DATA
        if coding.latin1 >= 0:
            self._alphabets[coding.latin1] = _LATIN1
        self._alphabets[coding.ucs2] = Alphabet.UCS2
        self._alphabets[coding.gsm7] = Alphabet.GSM7

    def payload(self, data_coding: int, octets: bytes, header: int, joined: bool) -> tuple[Alphabet, bytes]:
        """The payload as the model has it: septets one an octet, UTF-16BE, or octets.

        ``header`` is how many octets of user data header stood before; ``joined``: it is one part of several.
        """
        kind = self._alphabets[data_coding & 0xFF]
        if kind is Alphabet.DATA:
            return Alphabet.DATA, octets
        if kind is Alphabet.UCS2:
            return Alphabet.UCS2, octets if joined else _even(octets)
        if kind is not Alphabet.GSM7:
            return _as_ucs2(octets, kind)
        if self._default != _GSM7:
            return _as_ucs2(octets, self._default)
        if self._packed:
            return Alphabet.GSM7, _unpacked(octets, header)
        return (Alphabet.GSM7, octets) if octets.isascii() else _as_ucs2(octets, _LATIN1)


def by_gsm(data_coding: int) -> bool:
    """Values that carriers take from TS 23.038: message waiting and classes; 0x10 to 0x1F by custom."""
    return data_coding >= 0xC0 or 0x10 <= data_coding < 0x20


def is_reserved(data_coding: int) -> bool:
    """Values that the standard reserves; they are read as 0."""
    return data_coding in (0x0B, 0x0C, 0x0F) or 0x20 <= data_coding < 0xC0


def _alphabet_of(data_coding: int) -> str:
    """An Alphabet, or the name of a codec."""
    if by_gsm(data_coding):
        return decode_dcs(data_coding).alphabet
    if data_coding == 0x08:
        return Alphabet.UCS2
    if data_coding in _DATA:
        return Alphabet.DATA
    return _CODECS.get(data_coding, Alphabet.GSM7)


def _even(octets: bytes) -> bytes:
    """An odd octet at the end is shown as U+FFFD: half a character is missing."""
    if len(octets) % 2 == 0:
        return octets
    return octets[:-1] + (b"\xfd\xff" if octets.startswith(b"\xff\xfe") else b"\xff\xfd")


def _as_ucs2(octets: bytes, codec: str) -> tuple[Alphabet, bytes]:
    try:
        text = octets.decode(codec)
    except UnicodeDecodeError:
        wrong = codec in ("ascii", "utf8")
        text = octets.decode(_LATIN1) if wrong else octets.decode(codec, "replace")
    return Alphabet.UCS2, text.encode(_UTF16, "replace")


def _unpacked(octets: bytes, header: int) -> bytes:
    """Septets after ``header`` octets. When the last could be fill (sm_length counts octets, so nobody knows) and is 0, it
    is left out: texts seldom end with ``@``."""
    fill = -8 * header % 7
    bits = 8 * len(octets) - fill
    septets = gsm7.unpack(octets, bits // 7, fill) if bits > 0 else b""
    return septets[:-1] if bits % 7 == 0 and septets.endswith(b"\0") else septets
