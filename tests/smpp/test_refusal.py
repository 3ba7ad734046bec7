"""What a command_status means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.model import RefusalClass
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.refusal import bind_refusal, submit_refusal

_P, _T, _L = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK
PERMANENT = {
    0x01, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x15, 0x40, 0x42, 0x43, 0x48, 0x49, 0x50, 0x51, 0x54, 0x61, 0x62, 0x63, 0x65,
    0x66, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, *range(0x100, 0x107),
}  # fmt: skip
LINK = {0x02, 0x04, 0x05}


@pytest.mark.parametrize("status", sorted(PERMANENT), ids=hex)
def test_permanent(status):
    """Never again for this text."""
    assert submit_refusal(status).class_ is _P


@pytest.mark.parametrize("status", sorted(LINK), ids=hex)
def test_the_links_fault(status):
    """The text goes elsewhere or waits."""
    assert submit_refusal(status).class_ is _L


@pytest.mark.parametrize(
    ("status", "pause"),
    [(0x08, 30), (0x14, 30), (0x45, 60), (0x58, 1), (0x64, 30), (0xFE, 30), (0xFF, 30), (0x400, 30), (0x432, 30), (0x4A, 30)],
)
def test_for_now(status, pause):
    """Again after a pause; a carrier's own status too."""
    refusal = submit_refusal(status)
    assert (refusal.class_, refusal.retry_after) == (_T, pause)


@given(st.integers(1, 0xFFFFFFFF))
def test_any_status(status):
    """Every number has a class, a code and a sentence; what is not in the tables is for now."""
    refusal = submit_refusal(status)
    assert refusal.code == f"ESME 0x{status:02X}"
    assert refusal.reason.endswith(")")
    if status not in PERMANENT | LINK:
        assert refusal.class_ is _T
        assert refusal.retry_after >= 1


@pytest.mark.parametrize(
    ("status", "words", "pause"),
    [
        (CommandStatus.ESME_RALYBND, "bound already", 30), (CommandStatus.ESME_RINVPASWD, "wrong password", 300),
        (CommandStatus.ESME_RINVSYSID, "unknown system_id", 300), (CommandStatus.ESME_RINVSYSTYP, "wrong system_type", 300),
        (CommandStatus.ESME_RSYSERR, "system error", 1), (CommandStatus.ESME_RBINDFAIL, "no reason", 10),
        (0x400, "status 0x400", 10),
    ],
)  # fmt: skip
def test_refused_binds(status, words, pause):
    """In words, with a pause that fits: nobody knocks every second with a wrong password."""
    said, least = bind_refusal(status)
    assert words in said
    assert least == pause
