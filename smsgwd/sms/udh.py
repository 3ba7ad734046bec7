"""The user data header: information elements before the text (3GPP TS 23.040 section 9.2.3.24).

One octet of length (UDHL), then elements of identifier, length and value. When the elements do not fill the header
exactly, "the whole user data header shall be ignored": they are kept for the eye, ``malformed`` is set, and no meaning is
read from them. The text still begins after UDHL. Of an element that stands twice the last one counts.

A concatenation whose part is 0 or above the total, or whose total is 0, shall be ignored (section 9.2.3.24.1):
``concat`` is None then, and ``bad_concat`` tells that there was one.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from smsgwd.errors import PduError


class Iei(IntEnum):
    """Information element identifiers that are read here, TS 23.040 section 9.2.3.24."""

    CONCAT8 = 0x00
    #: special SMS message indication
    INDICATION = 0x01
    PORT8 = 0x04
    PORT16 = 0x05
    CONCAT16 = 0x08
    NATIONAL_SINGLE = 0x24
    NATIONAL_LOCKING = 0x25


class Concat(msgspec.Struct, frozen=True):
    """One part of a longer text: 1 <= part <= parts <= 255."""

    ref: int
    #: 8 or 16
    ref_bits: int
    part: int
    parts: int

    @property
    def valid(self) -> bool:
        return 1 <= self.part <= self.parts


class Ports(msgspec.Struct, frozen=True):
    """Application ports, section 9.2.3.24.3 and .4."""

    destination: int
    source: int
    bits: int


class Element(msgspec.Struct, frozen=True):
    """One information element."""

    iei: int
    value: bytes


class UserDataHeader(msgspec.Struct, frozen=True):
    """All elements in order; unknown ones are kept."""

    elements: tuple[Element, ...] = ()
    #: the lengths lie: the elements mean nothing
    malformed: bool = False

    def find(self, iei: int, length: int) -> bytes | None:
        """The value of the last element of that kind and length."""
        if self.malformed:
            return None
        return next((e.value for e in reversed(self.elements) if e.iei == iei and len(e.value) == length), None)

    @property
    def concat_as_sent(self) -> Concat | None:
        """The concatenation element, also when its numbers make no sense."""
        for element in () if self.malformed else reversed(self.elements):
            if element.iei == Iei.CONCAT8 and len(element.value) == 3:
                ref, parts, part = element.value
                return Concat(ref, 8, part, parts)
            if element.iei == Iei.CONCAT16 and len(element.value) == 4:
                high, low, parts, part = element.value
                return Concat(high << 8 | low, 16, part, parts)
        return None

    @property
    def concat(self) -> Concat | None:
        found = self.concat_as_sent
        return found if found is not None and found.valid else None

    @property
    def bad_concat(self) -> bool:
        """There is a concatenation element, and it shall be ignored."""
        found = self.concat_as_sent
        return found is not None and not found.valid

    @property
    def ports(self) -> Ports | None:
        if value := self.find(Iei.PORT16, 4):
            return Ports(value[0] << 8 | value[1], value[2] << 8 | value[3], 16)
        if value := self.find(Iei.PORT8, 2):
            return Ports(value[0], value[1], 8)
        return None

    @property
    def locking(self) -> int:
        """National language of the locking shift table; 0 = default."""
        value = self.find(Iei.NATIONAL_LOCKING, 1)
        return value[0] if value else 0

    @property
    def single(self) -> int:
        """National language of the single shift table; 0 = default."""
        value = self.find(Iei.NATIONAL_SINGLE, 1)
        return value[0] if value else 0

    @property
    def for_machines(self) -> bool:
        """Application ports, message indications or (U)SIM security headers (0x70–0x7F): no text of a person."""
        if self.malformed:
            return False
        kinds = {element.iei for element in self.elements}
        return bool(kinds & {Iei.INDICATION, Iei.PORT8, Iei.PORT16} or kinds & set(range(0x70, 0x80)))

    def encode(self) -> bytes:
        """UDHL and the elements; nothing at all without elements. PduError beyond 139 octets."""
        body = b"".join(bytes((e.iei, len(e.value))) + e.value for e in self.elements)
        if len(body) > 139:
            raise PduError("the user data header does not fit in 140 octets")
        return bytes((len(body),)) + body if body else b""


NO_HEADER = UserDataHeader()


def header_of(*, concat: Concat | None = None, locking: int = 0, single: int = 0) -> UserDataHeader:
    """The header of an outgoing part: concatenation first, then the national tables."""
    elements = []
    if concat is not None and concat.ref_bits == 8:
        elements.append(Element(Iei.CONCAT8, bytes((concat.ref & 0xFF, concat.parts, concat.part))))
    elif concat is not None:
        elements.append(Element(Iei.CONCAT16, concat.ref.to_bytes(2, "big") + bytes((concat.parts, concat.part))))
    if single:
        elements.append(Element(Iei.NATIONAL_SINGLE, bytes((single,))))
    if locking:
        elements.append(Element(Iei.NATIONAL_LOCKING, bytes((locking,))))
    return UserDataHeader(tuple(elements))


def decode_header(user_data: bytes) -> tuple[UserDataHeader, int]:
    """The header at the start of the user data, and how many octets it takes with UDHL.

    PduError when UDHL is larger than the user data.
    """
    if not user_data:
        raise PduError("the user data header is missing")
    end = 1 + user_data[0]
    if end > len(user_data):
        raise PduError("the user data header is longer than the user data")
    elements, at = [], 1
    while at + 2 <= end and at + 2 + user_data[at + 1] <= end:
        after = at + 2 + user_data[at + 1]
        elements.append(Element(user_data[at], user_data[at + 2 : after]))
        at = after
    return UserDataHeader(tuple(elements), malformed=at != end), end
