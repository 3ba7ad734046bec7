"""How the fields of SMPP PDUs stand on the wire (section 3.1). Pure.

A form is the annotation of a field in :mod:`smsgwd.smpp.bodies`. ``pack`` checks what we write; ``unpack`` takes what
comes, as far as the octets allow, and raises PduError beyond. ``lenient`` is set for responses, which carriers cut short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from smsgwd.errors import PduError


class Tlv(msgspec.Struct, frozen=True):
    """One optional parameter, section 3.2.4: tag, length, value."""

    tag: int
    value: bytes


class Form(Protocol):
    """How one field stands on the wire."""

    def pack(self, value: Any, name: str) -> bytes: ...

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[Any, int]: ...


class Octet(msgspec.Struct, frozen=True):
    """An unsigned integer of one octet."""

    def pack(self, value: int, name: str) -> bytes:
        return _numbers((value,), 1, name)

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[int, int]:
        return _octet(octets, at)


class CString(msgspec.Struct, frozen=True):
    """A C-octet string; ``size`` counts its NUL."""

    size: int

    def pack(self, value: bytes, name: str) -> bytes:
        if len(value) >= self.size:
            raise PduError(f"{name} has at most {self.size - 1} octets, not {len(value)}")
        if 0 in value:
            raise PduError(f"{name} contains a NUL")
        return value + b"\0"

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[bytes, int]:
        end = octets.find(b"\0", at)
        if end >= 0:
            return octets[at:end], end + 1
        if lenient:
            return octets[at:], len(octets)
        raise PduError(f"a C-octet string at octet {at} has no end")


class Counted(msgspec.Struct, frozen=True):
    """sm_length and short_message, sections 5.2.21 and 5.2.22."""

    size: int = 254

    def pack(self, value: bytes, name: str) -> bytes:
        if len(value) > self.size:
            raise PduError(f"{name} has at most {self.size} octets, not {len(value)}")
        return bytes((len(value),)) + value

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[bytes, int]:
        if at >= len(octets):
            raise PduError("sm_length is missing")
        end = at + 1 + octets[at]
        if end > len(octets):
            raise PduError(f"sm_length is {octets[at]}, but {len(octets) - at - 1} octets follow")
        return octets[at + 1 : end], end


class Destination(msgspec.Struct, frozen=True):
    """One dest_address of submit_multi, section 4.5.1.1: an SME address, or a distribution list (``ton`` is None)."""

    address: bytes
    ton: int | None = 0
    npi: int = 0


class Destinations(msgspec.Struct, frozen=True):
    """number_of_dests and the dest_address list."""

    def pack(self, value: Sequence[Destination], name: str) -> bytes:
        out = [bytes((len(value),))] if len(value) < 255 else []
        if not out:
            raise PduError(f"{name} has at most 254 entries")
        for d in value:
            out.append(b"\2" if d.ton is None else b"\1" + _numbers((d.ton, d.npi), 1, name))
            out.append(CString(21).pack(d.address, name))
        return b"".join(out)

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[tuple[Destination, ...], int]:
        count, at = _octet(octets, at)
        found = []
        for _ in range(count):
            flag, at = _octet(octets, at)
            if flag not in (1, 2):
                raise PduError(f"dest_flag {flag} is neither 1 nor 2")
            ton: int | None = None
            npi = 0
            if flag == 1:
                ton, at = _octet(octets, at)
                npi, at = _octet(octets, at)
            address, at = CString(21).unpack(octets, at, False)
            found.append(Destination(address, ton, npi))
        return tuple(found), at


class Unsuccess(msgspec.Struct, frozen=True):
    """One unsuccess_sme of submit_multi_resp, section 4.5.2.1."""

    ton: int
    npi: int
    address: bytes
    status: int


class Unsuccesses(msgspec.Struct, frozen=True):
    """no_unsuccess and the unsuccess_sme list."""

    def pack(self, value: Sequence[Unsuccess], name: str) -> bytes:
        if len(value) > 255:
            raise PduError(f"{name} has at most 255 entries")
        out = [bytes((len(value),))]
        for u in value:
            out += [_numbers((u.ton, u.npi), 1, name), CString(21).pack(u.address, name), _numbers((u.status,), 4, name)]
        return b"".join(out)

    def unpack(self, octets: bytes, at: int, lenient: bool) -> tuple[tuple[Unsuccess, ...], int]:
        found: list[Unsuccess] = []
        count, at = _octet(octets, at)
        while len(found) < count and at < len(octets):
            ton, at = _octet(octets, at)
            npi, at = _octet(octets, at)
            address, at = CString(21).unpack(octets, at, False)
            if at + 4 > len(octets):
                raise PduError("error_status_code is cut short")
            found.append(Unsuccess(ton, npi, address, int.from_bytes(octets[at : at + 4], "big")))
            at += 4
        return tuple(found), at


def _numbers(values: Sequence[int], size: int, name: str) -> bytes:
    """Unsigned integers of ``size`` octets each."""
    try:
        return b"".join(value.to_bytes(size, "big") for value in values)
    except OverflowError:
        raise PduError(f"a number in {name} does not fit in {size} octet{'s' if size > 1 else ''}") from None


def _octet(octets: bytes, at: int) -> tuple[int, int]:
    if at >= len(octets):
        raise PduError(f"the PDU ends at octet {at}, where a field should begin")
    return octets[at], at + 1
