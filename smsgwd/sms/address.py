"""Addresses: digits or letters with type and plan (3GPP TS 23.040 section 9.1.2.5)."""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec


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
        if re.fullmatch(r"\+[0-9]+", text):
            return cls(text[1:], TypeOfNumber.INTERNATIONAL, 1)
        if re.fullmatch(r"[0-9*#]*", text):
            return cls(text, TypeOfNumber.UNKNOWN, 1)
        return cls(text, TypeOfNumber.ALPHANUMERIC, 0)
