"""Whose fault a permanent refusal is."""

from smsgwd.model import Refusal, RefusalClass
from smsgwd.modem.doubt import DOUBTS, PROVEN, Doubt

PERMANENT = Refusal("CMS 21", RefusalClass.PERMANENT, "rejected")
BUSY = Refusal("CMS 42", RefusalClass.TEMPORARY, "congestion")


def test_a_sim_that_sends_is_believed():
    """After a text that went out, a permanent refusal condemns the next, for ten minutes."""
    doubt = Doubt()
    doubt.sent(1000.0)
    assert doubt.believed("msg_1", PERMANENT, 1000.0 + PROVEN - 1) is PERMANENT
    assert doubt.believed("msg_2", PERMANENT, 1000.0 + PROVEN + 1).class_ is RefusalClass.TEMPORARY


def test_a_sim_that_never_sent_is_not_believed_for_ever():
    """The same text is tried again a few times, and fails then; each text has doubts of its own."""
    doubt = Doubt()
    classes = [doubt.believed("msg_1", PERMANENT, float(i)).class_ for i in range(DOUBTS + 1)]
    assert classes == [RefusalClass.TEMPORARY] * DOUBTS + [RefusalClass.PERMANENT]
    assert doubt.believed("msg_2", PERMANENT, 9.0).class_ is RefusalClass.TEMPORARY


def test_other_refusals_are_taken_as_they_are():
    """Only permanent ones are doubted."""
    assert Doubt().believed("msg_1", BUSY, 0.0) is BUSY


def test_what_is_remembered_is_bounded():
    """A SIM that refuses everything for days fills no memory."""
    doubt = Doubt()
    for i in range(5000):
        doubt.believed(f"msg_{i}", PERMANENT, 0.0)
    assert len(doubt._doubts) <= 1000
