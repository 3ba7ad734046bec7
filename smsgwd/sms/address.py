"""Addresses: digits or letters with type and plan (3GPP TS 23.040 section 9.1.2.5).

A TP address is a length in *useful semi-octets*, a Type-of-Address octet and up to 10 octets. Digits are semi-octets,
low one first, ``0-9 * # a b c`` for 0 to 14; 15 fills the last octet of an odd number. Letters are packed GSM-7: seven
of them are 49 bits, 13 semi-octets, and no eighth letter (which would show as ``@``) may be read from the seven bits that
are left over; a sender that rounds up to 14 semi-octets is forgiven.

The SMSC's address before a TPDU is an RP address (3GPP TS 24.011 section 8.2.5): its length counts octets.
"""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.octets import Octets

#: TS 23.040 section 9.1.2.5: 12 octets in all, 10 of them the value
MOST_SEMI_OCTETS = 20
#: TS 24.011 section 8.2.5.2: type and 10 octets of value
MOST_RP_OCTETS = 11


class TypeOfNumber(IntEnum):
    """Bits 6..4 of the Type-of-Address octet, TS 23.040 section 9.1.2.5."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6
    RESERVED = 7


class Address(msgspec.Struct, frozen=True):
    """One address as the network writes it.

    ``digits`` holds the semi-octets ``0-9 * # a b c`` without a plus sign, or the letters of an alphanumeric address.
    """

    digits: str
    ton: TypeOfNumber = TypeOfNumber.UNKNOWN
    npi: int = 1

    @property
    def text(self) -> str:
        """As people write it: a plus sign before an international number, else the digits or letters alone."""
        return "+" + self.digits if self.ton == TypeOfNumber.INTERNATIONAL and self.digits else self.digits

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads what people write: ``+15550100`` is international, ``12345`` unknown, anything else alphanumeric."""
        if _INTERNATIONAL(text):
            return cls(text[1:], TypeOfNumber.INTERNATIONAL, 1)
        if _SHORT(text):
            return cls(text, TypeOfNumber.UNKNOWN, 1)
        return cls(text, TypeOfNumber.ALPHANUMERIC, 0)

    @property
    def toa(self) -> int:
        """The Type-of-Address octet."""
        return 0x80 | self.ton << 4 | self.npi & 0x0F


_INTERNATIONAL = re.compile(r"\+[0-9]+").fullmatch
_SHORT = re.compile(r"[0-9*#]*").fullmatch
_TYPES = tuple(TypeOfNumber)

_TO_HEX = str.maketrans("*#abc", "abcde")
_FROM_HEX = str.maketrans("abcde", "*#abc", "f")
_DIGITS = re.compile(r"[0-9*#abc]*").fullmatch
_SWAPPED = bytes((o << 4 | o >> 4) & 0xFF for o in range(256))


def semi_octets(digits: str) -> bytes:
    """Digits ``0-9 * # a b c`` as semi-octets, low one first; PduError for anything else."""
    if not _DIGITS(digits):
        raise PduError("a number may hold the digits 0-9 * # a b c alone")
    text = digits.translate(_TO_HEX)
    return bytes.fromhex(text + "f" if len(text) & 1 else text).translate(_SWAPPED)


def semi_digits(octets: bytes, count: int | None = None) -> str:
    """The first ``count`` digits of semi-octets (all by default); fill (15) is left out wherever it stands."""
    return octets.translate(_SWAPPED).hex()[:count].translate(_FROM_HEX)


def encode_address(address: Address) -> bytes:
    """TP-OA, TP-DA or TP-RA: length in semi-octets, Type-of-Address, value. PduError for what does not fit."""
    if address.ton == TypeOfNumber.ALPHANUMERIC:
        septets = gsm7.encode(address.digits)
        value, count = gsm7.pack(septets), (7 * len(septets) + 3) // 4
    else:
        value, count = semi_octets(address.digits), len(address.digits)
    if count > MOST_SEMI_OCTETS:
        raise PduError("the address is too long: 20 digits or 11 letters at most")
    return bytes((count, address.toa)) + value


def read_address(octets: Octets, what: str) -> Address:
    """Reads a TP address; PduError when it is longer than the standard allows, or than the PDU."""
    count = octets.octet(what)
    toa = octets.octet(what)
    if count > MOST_SEMI_OCTETS:
        raise PduError(f"{what} has {count} semi-octets; 20 are the most")
    value = octets.take((count + 1) // 2, what)
    ton = _TYPES[toa >> 4 & 7]
    if ton is TypeOfNumber.ALPHANUMERIC:
        return Address(_letters(value, count), ton, toa & 0x0F)
    return Address(semi_digits(value, count), ton, toa & 0x0F)


def _letters(value: bytes, count: int) -> str:
    septets = gsm7.unpack(value, 4 * count // 7)
    if len(septets) and len(septets) % 8 == 0 and septets[-1] == 0:
        septets = septets[:-1]  # seven letters in seven octets: the eighth is what was left over
    return gsm7.decode(septets)


def encode_smsc(address: Address | None) -> bytes:
    """The SMSC before a TPDU: length in octets, type, digits. ``None`` is one zero octet: the modem's own."""
    if address is None:
        return b"\0"
    if address.ton == TypeOfNumber.ALPHANUMERIC:
        raise PduError("the address of an SMSC is a number")
    value = bytes((address.toa,)) + semi_octets(address.digits)
    if len(value) > MOST_RP_OCTETS:
        raise PduError("the address of the SMSC is too long: 20 digits at most")
    return bytes((len(value),)) + value


def read_smsc(octets: Octets) -> Address | None:
    """Reads the SMSC; ``None`` for length 0. A length of 1 (a type without digits) was seen in stored texts."""
    count = octets.octet("the length of the SMSC")
    if count == 0:
        return None
    if count > MOST_RP_OCTETS:
        raise PduError(f"the address of the SMSC has {count} octets; {MOST_RP_OCTETS} are the most")
    value = octets.take(count, "the address of the SMSC")
    return Address(semi_digits(value[1:]), _TYPES[value[0] >> 4 & 7], value[0] & 0x0F)
