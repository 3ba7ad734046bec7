"""Hypothesis strategies for the bodies of all PDUs, by their own field lists."""

from typing import get_args, get_type_hints

import msgspec
from hypothesis import strategies as st

from smsgwd.smpp.bodies import BODIES, Body
from smsgwd.smpp.fields import Counted, CString, Destination, Destinations, Octet, Tlv, Unsuccess

octet = st.integers(0, 255)
tlvs = st.lists(st.builds(Tlv, st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=4).map(tuple)
sequences = st.integers(0, 0xFFFFFFFF)


def c_octets(size: int):
    """What a C-octet string of ``size`` octets with its NUL may hold."""
    return st.lists(st.integers(1, 255), max_size=size - 1).map(bytes)


_destinations = st.lists(
    st.builds(Destination, c_octets(21), octet, octet) | st.builds(Destination, c_octets(21), st.none()), max_size=5
).map(tuple)
_unsuccesses = st.lists(
    st.builds(Unsuccess, octet, octet, c_octets(21), st.integers(0, 0xFFFFFFFF)), max_size=5
).map(tuple)  # fmt: skip


def _values(form):
    match form:
        case Octet():
            return octet
        case CString(size=size):
            return c_octets(size)
        case Counted(size=size):
            return st.binary(max_size=size)
        case Destinations():
            return _destinations
        case _:
            return _unsuccesses


def bodies_of(kind: type[Body]):
    """Bodies of one kind whose every field is legal."""
    hints = get_type_hints(kind, include_extras=True)
    names = [f.name for f in msgspec.structs.fields(kind) if f.name != "tlvs"]
    return st.builds(kind, **{name: _values(get_args(hints[name])[1]) for name in names}, tlvs=tlvs)


@st.composite
def pdus(draw, commands=tuple(BODIES)):
    """(command_id, status, sequence, body)."""
    command = draw(st.sampled_from(list(commands)))
    return command, draw(st.integers(0, 0xFFFFFFFF)), draw(sequences), draw(bodies_of(BODIES[command]))
