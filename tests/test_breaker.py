"""When a link should rest."""

import pytest

from smsgwd.breaker import FIRST_REST, LONGEST_REST, RUN, Breaker
from smsgwd.model import Accepted, InDoubt, Refusal, RefusalClass

BUSY = Refusal("CMS 42", RefusalClass.TEMPORARY, "congestion")
NETWORK = Refusal("CMS 17", RefusalClass.TEMPORARY, "network failure")
BARRED = Refusal("CMS 8", RefusalClass.LINK, "barred", 300.0)
SILENCE = InDoubt("the modem did not answer in 75 s")


@pytest.mark.parametrize("outcome", [BUSY, SILENCE], ids=["temporary", "silence"])
def test_a_run_over_different_numbers(outcome):
    """The same failure over three numbers is the link's; over one number it is not, however often."""
    breaker = Breaker()
    assert all(breaker.note("+15550100001", outcome, 0.0) is None for _ in range(10))
    assert breaker.note("+15550100002", outcome, 0.0) is None
    rest = breaker.note("+15550100003", outcome, 0.0)
    assert rest is not None
    assert rest.seconds == FIRST_REST
    assert outcome.reason in rest.why
    assert (breaker.resting(1.0), breaker.resting(FIRST_REST)) == (FIRST_REST - 1.0, 0.0)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Refusal("ESME 0x58", RefusalClass.TEMPORARY, "too fast", 1.0), id="too fast"),
        pytest.param(Refusal("ESME 0x58", RefusalClass.BUSY, "too fast", 60.0), id="far too fast"),
        pytest.param(Refusal("CMS 314", RefusalClass.TEMPORARY, "SIM busy", 2.0), id="a busy SIM"),
        pytest.param(Refusal("ESME 0x0B", RefusalClass.PERMANENT, "refuses the destination"), id="bad numbers"),
    ],
)
def test_what_is_no_fault_of_the_link(outcome):
    """A whole window that is throttled, or a list of bad numbers, is no reason to rest; nor does it hide a run."""
    breaker = Breaker()
    assert all(breaker.note(f"+1555010{i:04}", outcome, 0.0) is None for i in range(100))
    for i in range(RUN - 1):
        assert breaker.note(f"+1555010000{i}", BUSY, 0.0) is None
        assert breaker.note(f"+1555010001{i}", outcome, 0.0) is None
    assert breaker.note("+15550100099", BUSY, 0.0) is not None


def test_a_refusal_that_is_mostly_about_its_number():
    """It says how many of its kind make the link rest."""
    breaker, full = Breaker(), Refusal("ESME 0x14", RefusalClass.TEMPORARY, "queue full", 30.0, run=10)
    assert all(breaker.note(f"+1555010000{i}", full, 0.0) is None for i in range(9))
    assert breaker.note("+15550100009", full, 0.0) is not None


def test_success_ends_a_run():
    """A text that goes out between, or another failure, begins the count anew."""
    breaker = Breaker()
    for i in range(RUN - 1):
        assert breaker.note(f"+1555010000{i}", BUSY, 0.0) is None
    assert breaker.note("+15550100008", Accepted("1"), 0.0) is None
    for i in range(RUN - 1):
        assert breaker.note(f"+1555010000{i}", BUSY, 0.0) is None
    assert breaker.note("+15550100009", NETWORK, 0.0) is None
    assert not breaker.on_trial


def test_a_fault_of_the_link_at_once():
    """A refusal that names the link needs no run; its own pause counts."""
    rest = Breaker().note("+15550100001", BARRED, 0.0)
    assert rest is not None
    assert rest.seconds == 300.0


def test_trials():
    """After each rest one text is the trial: each failure doubles the rest, to a bound; success ends it all."""
    breaker, now, rests = Breaker(), 0.0, []
    breaker.note("+15550100001", BARRED, now)
    for _ in range(6):
        now += breaker.resting(now)
        assert breaker.on_trial
        assert breaker.resting(now) == 0.0
        rest = breaker.note("+15550100001", BUSY, now)
        assert rest is not None
        rests.append(rest.seconds)
    assert rests == [600.0, LONGEST_REST, *[LONGEST_REST] * 4]
    now += breaker.resting(now)
    assert breaker.note("+15550100001", Accepted(""), now) is None
    assert not breaker.on_trial
    assert breaker.note("+15550100001", BUSY, now) is None
