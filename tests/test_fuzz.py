"""The targets of `make fuzz`, on a few inputs each: they run, and a broken reader is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import targets
from fuzz.targets import TARGETS
from tests.sms.vectors import V

#: inputs that were findings once
ONCE = [
    pytest.param("at-lines", b'\\CMGL: \x96\r\nb",15', id="a quote before the only comma"),
    pytest.param("at-lines", b"+CUSD: \xb2,x,\xb3", id="digits that are none in ASCII"),
]


@pytest.mark.parametrize("name", TARGETS)
@given(octets=st.binary(max_size=300))
@settings(max_examples=60)
def test_any_octets(name, octets):
    """No target raises."""
    TARGETS[name](octets)


@pytest.mark.parametrize("name", TARGETS)
def test_vectors(name):
    """Nor on PDUs with a meaning."""
    for pdu in V.values():
        TARGETS[name](bytes.fromhex(pdu))


@pytest.mark.parametrize(("name", "octets"), ONCE)
def test_what_was_found(name, octets):
    """Findings stay mended."""
    TARGETS[name](octets)


def test_a_broken_reader_is_found(monkeypatch):
    """An error that is not the documented one comes out of the target."""

    def broken(*_):
        raise IndexError

    monkeypatch.setattr(targets, "decode_header", broken)
    with pytest.raises(IndexError):
        targets.header(b"\x00")
