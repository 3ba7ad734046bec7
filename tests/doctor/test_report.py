"""What a report says of itself, and what it never shows."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.doctor.report import Report, error, hidden, short, warning, well


@pytest.mark.parametrize(
    ("checks", "misconfigured", "ok", "status"),
    [
        pytest.param((), False, True, 0, id="nothing"),
        pytest.param((well("clock", "", "set"),), False, True, 0, id="all well"),
        pytest.param((warning("clock", "", "not set", "set it"),), False, True, 0, id="a warning"),
        pytest.param((well("a", "", "b"), error("disk", "/", "full", "make room")), False, False, 1, id="an error"),
        pytest.param((error("configuration", "f", "wrong", "edit f"),), True, False, 78, id="wrong on paper"),
    ],
)
def test_exit_status(checks, misconfigured, ok, status):
    """0 while nothing is wrong, warnings or not; 1 with an error; 78 when the configuration is wrong."""
    report = Report(checks, misconfigured)
    assert (report.ok, report.status) == (ok, status)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("IMEI 861121778331597, not", "IMEI …1597, not", id="imei"),
        pytest.param("to +15550100777.", "to …0777.", id="number"),
        pytest.param('"+43664"', '"…3664"', id="short number"),
        pytest.param("/dev/serial/by-id/usb-Acme_0123456789-if02", "/dev/serial/by-id/usb-Acme_0123456789-if02", id="path"),
        pytest.param("pid 4194304, 30 s", "pid 4194304, 30 s", id="pid"),
        pytest.param("revision 11.126.15.00", "revision 11.126.15.00", id="firmware"),
    ],
)
def test_numbers_are_cut(text, shown):
    """Numbers of people, IMEIs and ICCIDs end up with four digits; paths, pids and versions stay."""
    assert hidden(text) == shown


@settings(max_examples=100)
@given(st.text(alphabet="0123456789+ ,.:a", max_size=60))
def test_no_whole_number_is_left(text):
    """Whatever the words: no number of eight digits or more stands alone afterwards, and hiding twice is hiding once."""
    shown = hidden(text)
    assert not re.search(r"(?<![\w/.…-])[0-9]{8,}(?![\w/-])", shown)
    assert hidden(shown) == shown


@given(st.text(alphabet="0123456789", max_size=22))
def test_short_shows_four_digits_at_most(number):
    """At most four digits, and never all of them."""
    shown = short(number).removeprefix("…")
    assert len(shown) <= 4
    assert number.endswith(shown)
    assert not number or shown != number
