"""Every error code has one row, and says what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.model import RefusalClass
from smsgwd.modem.causes import Unknown, cause_of, command_error

P, T, L, U = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK, Unknown.UNKNOWN


@pytest.mark.parametrize(
    ("final", "code", "class_"),
    [
        pytest.param("+CMS ERROR: 21", ("CMS", 21), P, id="rejected"),
        pytest.param("+CMS ERROR: 28", ("CMS", 28), L, id="our SIM is unknown"),
        pytest.param("+CMS ERROR: 38", ("CMS", 38), T, id="network out of order"),
        pytest.param("+CMS ERROR: 77", ("CMS", 77), T, id="other RP causes count as 41"),
        pytest.param("+CMS ERROR: 304", ("CMS", 304), P, id="invalid PDU"),
        pytest.param("+CMS ERROR: 331", ("CMS", 331), L, id="no network"),
        pytest.param("+CMS ERROR: 332", ("CMS", 332), U, id="network time-out"),
        pytest.param("+CMS ERROR: 500", ("CMS", 500), U, id="unknown"),
        pytest.param("+CMS ERROR: 515", ("CMS", 515), U, id="a maker's own"),
        pytest.param("+CME ERROR: 10", ("CME", 10), L, id="no SIM"),
        pytest.param("+CME ERROR: 14", ("CME", 14), T, id="SIM busy"),
        pytest.param("+CME ERROR: 43", ("CME", 43), L, id="personalisation"),
        pytest.param("+CME ERROR: SIM not inserted", ("CME", 10), L, id="verbal"),
        pytest.param("+CME ERROR: SIM PIN required", ("CME", 11), L, id="verbal, PIN"),
        pytest.param("+CMS ERROR: Network timeout", ("CMS", 332), U, id="verbal, CMS"),
        pytest.param("+CMS ERROR: something new", ("CMS", -1), U, id="verbal, unknown"),
        pytest.param("ERROR", ("", -1), U, id="plain"),
    ],
)
def test_classes(final, code, class_):
    """Number or words, the class is that of the table."""
    error = command_error(final)
    assert (error.kind, error.code) == code
    assert cause_of(error).class_ is class_


@given(st.sampled_from(["CMS", "CME"]), st.integers(0, 99999))
def test_every_number_has_a_row(kind, code):
    """No number is without a name and a class; refusals that may be tried again say when."""
    cause = cause_of(command_error(f"+{kind} ERROR: {code}"))
    assert cause.name
    if cause.class_ in (T, L):
        assert cause.pause > 0
