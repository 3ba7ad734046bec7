"""``tlv`` of the configuration: optional parameters of a carrier's own (section 3.2.4), both ways. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smsgwd.config.smpp import Parameter, octets_of_value
from smsgwd.errors import PduError
from smsgwd.model import Segment
from smsgwd.smpp.consts import Tag
from smsgwd.smpp.fields import Tlv

#: of one inbound text: parameters that are kept, and octets of each
MOST_PARAMETERS, MOST_VALUE = 32, 255

_NAMED = frozenset(int(tag) for tag in Tag)
_META = "meta."


# ---- out -----------------------------------------------------------------------------------------------------------


class Sent:
    """What one link sends with every text."""

    def __init__(self, parameters: Sequence[Parameter], number: str) -> None:
        """``number``: the link's own, the sender of texts that name none."""
        self._made = [(p, _getter(p, number)) for p in parameters if p.value or p.from_]

    def __bool__(self) -> bool:
        return bool(self._made)

    def of(self, segment: Segment) -> list[Tlv]:
        """The parameters of a segment, in the order of the configuration. One whose text is not there (a name that the
        caller did not give, and no ``value``) is left out. PduError for what its type cannot write."""
        found = []
        for parameter, get in self._made:
            text = get(segment) or parameter.value
            if text:
                found.append(Tlv(parameter.tag, octets_of(parameter, text)))
        return found


def _getter(parameter: Parameter, number: str) -> Callable[[Segment], str]:
    source = parameter.from_
    if source.startswith(_META):
        name = source.removeprefix(_META)
        return lambda segment: segment.meta.get(name, "")
    if source == "from":
        return lambda segment: segment.sender or number
    return _FIELDS.get(source, lambda segment: "")


_FIELDS: dict[str, Callable[[Segment], str]] = {
    "id": lambda segment: segment.message,
    "class": lambda segment: segment.class_.value,
    "to": lambda segment: segment.to.text,
}


def octets_of(parameter: Parameter, text: str) -> bytes:
    """A value by its type. PduError for what that cannot write."""
    try:
        return octets_of_value(parameter.type, text)
    except ValueError:
        raise PduError(f"the optional parameter 0x{parameter.tag:04X} cannot be written as {parameter.type}") from None


# ---- in ------------------------------------------------------------------------------------------------------------


class Kept:
    """What is kept of the parameters of an inbound text: those that the configuration names, and those that the standard
    does not have."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._named = {p.tag: p for p in parameters if p.name}

    def of(self, tlvs: Sequence[Tlv]) -> dict[str, str]:
        """Name of the configuration, or ``0x1401`` -> value. Of one that stands twice the first counts."""
        found: dict[str, str] = {}
        for tlv in tlvs:
            parameter = self._named.get(tlv.tag)
            if parameter is None and tlv.tag in _NAMED:
                continue
            value = tlv.value[:MOST_VALUE]
            if parameter is None:
                found.setdefault(f"0x{tlv.tag:04X}", value.hex())
            else:
                found.setdefault(parameter.name, _shown(parameter, value))
            if len(found) == MOST_PARAMETERS:
                break
        return found


def _shown(parameter: Parameter, value: bytes) -> str:
    if parameter.type == "string":
        text = value.split(b"\0")[0]
        try:
            return text.decode()
        except UnicodeDecodeError:
            return text.decode("latin-1")
    if parameter.type == "octets":
        return value.hex()
    return str(int.from_bytes(value[:8], "big"))
