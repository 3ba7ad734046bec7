"""PDUs of SMPP 3.4: octets to structs and back. Pure.

A PDU is a header of 16 octets and a body. The body's struct (:mod:`smsgwd.smpp.bodies`) is its field list: one walk over
the annotations makes the steps that both :func:`pack` and :func:`unpack` take. Neighbouring C-strings and integers are one
step: a bytes format writes them all at once, and a pattern reads them. What does not fit there is written or read field by
field, and so the one that is wrong is found.

What is written is checked (lengths, ranges, no NUL inside a C-string): a PduError then is our own mistake. What is read
is taken as it comes, as far as the octets allow:

* a C-string may be longer than the standard allows; integers may have any value;
* optional parameters are kept in order, unknown ones too; a cut or stray end of them is dropped;
* a response may lack its body, or end anywhere: what is missing has its default (carriers do both, also with status 0);
* a *request* whose mandatory fields do not fit its octets is a PduError. The caller still has the octets.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any, Protocol, get_args, get_type_hints

import msgspec

from smsgwd.errors import PduError
from smsgwd.smpp.bodies import BODIES, Body
from smsgwd.smpp.consts import HEADER_SIZE, LARGEST_PDU, RESPONSE, command_name
from smsgwd.smpp.fields import CString, Form, Octet, Tlv

_HEADER = struct.Struct(">IIII")
_TLV = struct.Struct(">HH")
#: a C-string, possessive: what follows it cannot be looked for inside
_STRING = rb"([^\0]*+)\0"


class Header(msgspec.Struct, frozen=True):
    """The first 16 octets, section 3.2. ``length`` counts the header."""

    length: int
    command_id: int
    status: int
    sequence: int


class Pdu(msgspec.Struct, frozen=True):
    """One PDU. Numbers are plain integers: :mod:`smsgwd.smpp.consts` has their names."""

    command_id: int
    status: int
    sequence: int
    body: Body


def unpack_header(octets: bytes | bytearray, at: int = 0) -> Header:
    """The header at ``at``; PduError when there are fewer than 16 octets, or when command_length is below 16 or above
    LARGEST_PDU (nothing behind such a header can be found, and none of it should be waited for)."""
    if len(octets) - at < HEADER_SIZE:
        raise PduError(f"a PDU header has 16 octets, not {len(octets) - at}")
    header = Header(*_HEADER.unpack_from(octets, at))
    if not HEADER_SIZE <= header.length <= LARGEST_PDU:
        raise PduError(f"command_length {header.length} is not between {HEADER_SIZE} and {LARGEST_PDU}")
    return header


# ---- steps ---------------------------------------------------------------------------------------------------------


class _Step(Protocol):
    def pack(self, values: tuple[Any, ...]) -> bytes: ...

    def unpack(self, octets: bytes, at: int, lenient: bool, values: list[Any]) -> int: ...


class _Run:
    """C-strings and integers without a gap: the fields from ``first`` on."""

    def __init__(self, first: int, names: Sequence[str], forms: Sequence[CString | Octet]) -> None:
        self.first, self.last, self.names, self.forms = first, first + len(forms), names, forms
        strings = [isinstance(form, CString) for form in forms]
        self.format = b"".join(b"%b\0" if string else b"%c" for string in strings)
        self.sizes = [(at, form.size) for at, form in enumerate(forms) if isinstance(form, CString)]
        pattern, self.are_strings = b"", []
        for string, some in groupby(strings):
            count = len([*some])
            pattern += _STRING * count if string else b"(%b)" % (b"." * count)
            self.are_strings += [True] * count if string else [False]
        self.pattern = re.compile(pattern, re.DOTALL)

    def pack(self, values: tuple[Any, ...]) -> bytes:
        mine = values[self.first : self.last]
        for at, size in self.sizes:
            if len(mine[at]) >= size or 0 in mine[at]:
                return self._pack_each(mine)
        try:
            return self.format % mine
        except (OverflowError, TypeError):
            return self._pack_each(mine)

    def _pack_each(self, mine: tuple[Any, ...]) -> bytes:
        """Raises for the first field that does not fit."""
        return b"".join(f.pack(value, name) for f, value, name in zip(self.forms, mine, self.names, strict=True))

    def unpack(self, octets: bytes, at: int, lenient: bool, values: list[Any]) -> int:
        found = self.pattern.match(octets, at)
        if found is None:
            return self._unpack_each(octets, at, lenient, values)
        for is_string, group in zip(self.are_strings, found.groups(), strict=True):
            if is_string:
                values.append(group)
            else:
                values += group  # its octets as integers
        return found.end()

    def _unpack_each(self, octets: bytes, at: int, lenient: bool, values: list[Any]) -> int:
        """Takes what is there; raises where it ends."""
        for form in self.forms:
            value, at = form.unpack(octets, at, lenient)
            values.append(value)
        return at


class _Field:
    """One field of another form."""

    def __init__(self, index: int, name: str, form: Form) -> None:
        self.index, self.name, self.form = index, name, form

    def pack(self, values: tuple[Any, ...]) -> bytes:
        return self.form.pack(values[self.index], self.name)

    def unpack(self, octets: bytes, at: int, lenient: bool, values: list[Any]) -> int:
        value, end = self.form.unpack(octets, at, lenient)
        values.append(value)
        return end


@cache
def _steps(kind: type[Body]) -> tuple[_Step, ...]:
    """The steps of one body, from its annotations."""
    hints = get_type_hints(kind, include_extras=True)
    names = [f.name for f in msgspec.structs.fields(kind)][:-1]  # the last is tlvs
    forms = [get_args(hints[name])[1] for name in names]
    steps: list[_Step] = []
    at = 0
    for plain, some in groupby(forms, lambda form: isinstance(form, CString | Octet)):
        many = [*some]
        if plain:
            steps.append(_Run(at, names[at : at + len(many)], many))
        else:
            steps += [_Field(at + n, names[at + n], form) for n, form in enumerate(many)]
        at += len(many)
    return tuple(steps)


# ---- writing -------------------------------------------------------------------------------------------------------


def pack(command_id: int, status: int, sequence: int, body: Body) -> bytes:
    """The octets of one PDU. PduError when the body is not that of the command, or a field does not fit."""
    if BODIES.get(command_id) is not type(body):
        raise PduError(f"{command_name(command_id)} has no body {type(body).__name__}")
    octets = pack_body(body)
    length = HEADER_SIZE + len(octets)
    if length > LARGEST_PDU:
        raise PduError(f"a PDU of {length} octets is too long")
    try:
        return _HEADER.pack(length, command_id, status, sequence) + octets
    except struct.error:
        raise PduError(f"status {status} or sequence number {sequence} does not fit in 4 octets") from None


def pack_body(body: Body) -> bytes:
    """The octets behind the header."""
    values = msgspec.structs.astuple(body)
    parts = [step.pack(values) for step in _steps(type(body))]
    for tlv in values[-1]:
        if not 0 <= tlv.tag <= 0xFFFF or len(tlv.value) > 0xFFFF:
            raise PduError("an optional parameter has a tag of 16 bits and at most 65535 octets")
        parts.append(_TLV.pack(tlv.tag, len(tlv.value)) + tlv.value)
    return b"".join(parts)


# ---- reading -------------------------------------------------------------------------------------------------------


def unpack(octets: bytes) -> Pdu:
    """One whole PDU, command_length octets; PduError when it is none, or a command that the standard does not have."""
    header = unpack_header(octets)
    if header.length != len(octets):
        raise PduError(f"command_length is {header.length}, but there are {len(octets)} octets")
    return Pdu(header.command_id, header.status, header.sequence, unpack_body(header, octets))


def unpack_body(header: Header, octets: bytes) -> Body:
    """The body of a whole PDU whose header has been read; PduError as :func:`unpack`."""
    kind = BODIES.get(header.command_id)
    if kind is None:
        raise PduError(f"{command_name(header.command_id)} is unknown")
    lenient = header.command_id >= RESPONSE
    values: list[Any] = []
    at = HEADER_SIZE
    try:
        for step in _steps(kind):
            at = step.unpack(octets, at, lenient, values)
    except PduError:
        if not lenient:
            raise
        return kind(*values)
    return kind(*values, unpack_tlvs(octets, at))


def unpack_tlvs(octets: bytes, at: int = 0) -> tuple[Tlv, ...]:
    """Optional parameters up to the end; a cut one, or fewer than four stray octets, end the list."""
    found = []
    while at + 4 <= len(octets):
        tag, length = _TLV.unpack_from(octets, at)
        at += 4
        if at + length > len(octets):
            break
        found.append(Tlv(tag, octets[at : at + length]))
        at += length
    return tuple(found)
