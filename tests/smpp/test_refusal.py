"""What a command_status means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.config.smpp import ACTIONS as CONFIGURABLE
from smsgwd.model import RefusalClass
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.refusal import ACTIONS, Statuses, bind_refusal, printable, submit_refusal

_P, _T, _L, _B = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK, RefusalClass.BUSY
#: permanent, and an operator is told at once
CONF = {
    0x01, 0x06, 0x07, 0x15, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51, 0x54, 0x55, 0x61, 0x62, 0x63,
    *range(0xC0, 0xC5), *range(0x100, 0x107),
}  # fmt: skip
PERM = {0x0A, 0x0B, 0x0C, 0x65, 0x66}
REBIND = {0x02, 0x03, 0x04, 0x05}
AGAIN = {0x58}
STATUSES = Statuses()


@pytest.mark.parametrize("status", sorted(CONF), ids=hex)
def test_our_mistake(status):
    """Never again for this text, and an operator is told."""
    refusal = submit_refusal(status)
    assert (refusal.class_, refusal.alarm) == (_P, 1)


@pytest.mark.parametrize(("status", "alarm"), [(0x0A, 2), (0x0B, 0), (0x0C, 0), (0x65, 0), (0x66, 0)])
def test_this_text_never(status, alarm):
    """Never again; that our own address is refused is told when it repeats."""
    refusal = submit_refusal(status)
    assert (refusal.class_, refusal.alarm) == (_P, alarm)


@pytest.mark.parametrize(("status", "tries"), [(0x02, 2), (0x03, 2), (0x04, 0), (0x05, 0)])
def test_bound_anew(status, tries):
    """The session is closed and the text goes again; what our PDU may be to blame for fails the second time."""
    verdict = STATUSES.verdict(status)
    assert verdict.rebind
    assert (verdict.refusal.class_, verdict.refusal.tries) == (_L, tries)


def test_too_fast():
    """Again on the same link after a second."""
    refusal = submit_refusal(0x58)
    assert (refusal.class_, refusal.retry_after) == (_B, 1)


@pytest.mark.parametrize(
    ("status", "pause", "tries", "run"),
    [
        pytest.param(0x08, 30, 20, 0, id="system error"), pytest.param(0x14, 30, 0, 10, id="queue full"),
        pytest.param(0x45, 60, 2, 10, id="submit failed"), pytest.param(0x64, 30, 0, 10, id="receiver, for now"),
        pytest.param(0xFE, 30, 0, 10, id="delivery failure"), pytest.param(0xFF, 30, 0, 10, id="unknown error"),
        pytest.param(0x400, 30, 5, 10, id="vendor 400"), pytest.param(0x432, 30, 5, 10, id="vendor 432"),
        pytest.param(0x4A, 30, 5, 10, id="old number"), pytest.param(0x16, 30, 5, 10, id="reserved 16"),
        pytest.param(0x9F, 30, 5, 10, id="reserved 9F"), pytest.param(0x107, 30, 5, 10, id="broadcast only"),
        pytest.param(0x67, 30, 5, 10, id="of query_sm"), pytest.param(0xFFFFFFFF, 30, 5, 10, id="the last number"),
    ],
)  # fmt: skip
def test_for_now(status, pause, tries, run):
    """Again after a pause, so often; a carrier's own status too. Most of them are about one number: the link rests only
    after ten in a row."""
    refusal = submit_refusal(status)
    assert (refusal.class_, refusal.retry_after, refusal.tries, refusal.run) == (_T, pause, tries, run)


@given(st.integers(1, 0xFFFFFFFF), st.booleans())
def test_any_status(status, nack):
    """Every number has a class, a code and a sentence; what is not in the tables is for now."""
    refusal = STATUSES.verdict(status, nack=nack).refusal
    assert refusal.code == f"ESME 0x{status:02X}"
    assert refusal.reason.endswith(")")
    if status not in CONF | PERM | REBIND | AGAIN:
        assert refusal.class_ is _T
        assert refusal.retry_after >= 1


def test_a_generic_nack_of_the_command():
    """The SMSC knows no submit_sm at all: that is our configuration, and no rebind helps."""
    verdict = STATUSES.verdict(0x03, nack=True)
    assert (verdict.refusal.class_, verdict.refusal.alarm, verdict.rebind) == (_P, 1, False)
    assert STATUSES.verdict(0x58, nack=True) == STATUSES.verdict(0x58)


# ---- a link's own meanings -----------------------------------------------------------------------------------------


def test_every_action_of_the_configuration():
    """What the configuration may say is what there is."""
    assert set(CONFIGURABLE) == set(ACTIONS)


@pytest.mark.parametrize("number", ["0x400", "0X400", "1024"])
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_own_meanings(number, action):
    """By a number in hexadecimal or decimal; the words stay."""
    verdict = Statuses({number: action}).verdict(0x400)
    wanted = ACTIONS[action]
    assert (verdict.refusal.class_, verdict.refusal.retry_after, verdict.refusal.tries, verdict.refusal.alarm) == (
        wanted.class_, wanted.pause, wanted.tries, wanted.alarm,
    )  # fmt: skip
    assert verdict.rebind is (action == "rebind")
    assert verdict.refusal.reason == "the SMSC refuses it with a status of its own (status 0x400)"


def test_own_meanings_of_known_statuses():
    """They win over the table; what they name as it was keeps its pause and tries; other statuses are as always."""
    own = Statuses({"0x0B": "later", "0x08": "later", "88": "perm", "0x14": "few"})
    assert own.verdict(0x14).refusal.tries == 2
    assert own.verdict(0x0B).refusal.class_ is _T
    assert own.verdict(0x08).refusal.tries == 20
    assert own.verdict(0x58).refusal.class_ is _P
    assert own.verdict(0x45) == STATUSES.verdict(0x45)


# ---- additional_status_info_text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(b"no credit\0", "no credit", id="with its NUL"), pytest.param(b"no credit", "no credit", id="without"),
        pytest.param(b" a \r\n\tb ", "a b", id="lines"), pytest.param(b"\x1b[2Jx\x07", "[2Jx", id="escapes"),
        pytest.param(b"caf\xe9", "caf", id="not ASCII"), pytest.param(b"x" * 500, "x" * 80, id="long"),
        pytest.param(b"\0junk", "", id="nothing"),
    ],
)  # fmt: skip
def test_what_the_smsc_says(said, words):
    """Printable, on one line, bounded; at the end of the reason."""
    assert printable(said) == words
    plain = submit_refusal(0x45).reason
    assert STATUSES.verdict(0x45, said).refusal.reason == (f"{plain}: {words}" if words else plain)


@given(st.binary(max_size=400))
def test_what_any_smsc_says(said):
    """Any octets: short, and nothing that a terminal would act on."""
    words = printable(said)
    assert len(words) <= 80
    assert words.isascii()
    assert words.isprintable()


# ---- bind ----------------------------------------------------------------------------------------------------------


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
