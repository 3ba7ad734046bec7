"""STOP, START and HELP: built in, before all rules."""

import os
import subprocess
import sys

import pytest

from smsgwd.rules.consent import HELP, START, STOP
from smsgwd.rules.model import RuleSet
from tests.rules.making import PERSON, asked, facts


@pytest.mark.parametrize(
    ("text", "action"),
    [
        pytest.param("STOP", "opt_out", id="stop"),
        pytest.param("Stop.", "opt_out", id="stop with a dot"),
        pytest.param("«STOP»", "opt_out", id="stop in quotes"),
        pytest.param("stop 🙏", "opt_out", id="stop with an emoji"),
        pytest.param("Unsubscribe ❤️", "opt_out", id="emoji with variation selector"),
        pytest.param("ＳＴＯＰ", "opt_out", id="full-width stop"),
        pytest.param("stop all", "opt_out", id="stop all"),
        pytest.param("OPT-OUT", "opt_out", id="opt-out"),
        pytest.param("Arrêt", "opt_out", id="French with accent"),
        pytest.param("ARRET", "opt_out", id="French without accent"),
        pytest.param("arrêté", "opt_out", id="accents do not matter"),
        pytest.param("BAJA", "opt_out", id="Spanish"),
        pytest.param("basta!", "opt_out", id="Italian"),
        pytest.param("Abmelden", "opt_out", id="German"),
        pytest.param("sair", "opt_out", id="Portuguese"),
        pytest.param("afmelden", "opt_out", id="Dutch"),
        pytest.param("rezygnuję", "opt_out", id="Polish"),
        pytest.param("start", "opt_in", id="start"),
        pytest.param("Unstop!", "opt_in", id="unstop"),
        pytest.param("help?", "help", id="help"),
        pytest.param("Info", "help", id="info"),
        pytest.param("AIDE", "help", id="aide"),
        pytest.param("STOP 12345", "probable", id="stop and more"),
        pytest.param("stop, please", "probable", id="stop and please"),
        pytest.param("please stop texting me", "probable", id="stop texting"),
        pytest.param("I opt out of this", "probable", id="opt out within"),
        pytest.param("Arrêtez", None, id="another word of French"),
        pytest.param("arrêt immédiat", "probable", id="French and more"),
        pytest.param("sotp", "probable", id="typing slip"),
        pytest.param("No more messages!!", "probable", id="no more messages"),
        pytest.param("sorry, wrong number", "probable", id="wrong number"),
        pytest.param("don't stop", None, id="don't stop"),
        pytest.param("bus stop?", None, id="bus stop"),
        pytest.param("the line has stopped", None, id="stopped"),
        pytest.param("cancel my order", None, id="cancel and more"),
        pytest.param("end of month", None, id="end and more"),
        pytest.param("I need help", None, id="help and more"),
        pytest.param("yes", None, id="yes answers no question"),
        pytest.param("", None, id="empty"),
        pytest.param("🙏", None, id="emoji alone"),
    ],
)
def test_action(text, action):
    """The whole text is a word of the list: full effect. More than that is at most probable."""
    change = asked(RuleSet(), text).consent
    assert (change.action if change else None) == action
    if change:
        assert (change.number, change.message) == (PERSON, "msg_1")
        assert change.method == ("free_text" if action == "probable" else "keyword")


@pytest.mark.parametrize(
    ("text", "before", "answers"),
    [
        pytest.param("STOP", "none", ["stopped"], id="first stop"),
        pytest.param("STOP", "opted_in", ["stopped"], id="stop of a subscriber"),
        pytest.param("STOP", "opted_out", [], id="second stop is not confirmed again"),
        pytest.param("START", "opted_out", ["started"], id="start after stop"),
        pytest.param("START", "opted_in", [], id="start of a subscriber"),
        pytest.param("HELP", "opted_out", ["helped"], id="help is for everybody"),
        pytest.param("stop it now", "none", [], id="probable gets no answer"),
    ],
)
def test_answer(text, before, answers):
    """One confirmation, and only where something changes; help always."""
    decision = asked(RuleSet(), text, known=facts(consent=before))
    assert [reply.text for reply in decision.replies] == answers
    assert all(reply.rule == "" for reply in decision.replies)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"replies_24h": 1000}, id="per sender"),
        pytest.param({"replies_1m": 1000}, id="global"),
        pytest.param({"consent": "opted_in", "rule_replies_10m": {"": 1000}}, id="per rule"),
    ],
)
def test_confirmed_whatever_the_limits(known):
    """The limits of automatic answers do not hold back the confirmation of STOP."""
    assert [r.text for r in asked(RuleSet(), "STOP", known=facts(**known)).replies] == ["stopped"]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"from_": "CARRIER"}, id="name as sender"),
        pytest.param({"from_": "72345"}, id="short code"),
        pytest.param({"flash": True}, id="flash"),
        pytest.param({"service": True}, id="service"),
        pytest.param({"stored": True}, id="found late: a late confirmation is not allowed"),
    ],
)
def test_recorded_but_not_confirmed(more):
    """Where no answer may go, the opt-out stands all the same, and why it was not confirmed is told."""
    decision = asked(RuleSet(), "STOP", **more)
    assert decision.consent is not None
    assert decision.consent.action == "opt_out"
    assert not decision.replies
    assert decision.suppressed[0][0] == "answer to opt_out"


def test_stop_counts_even_as_an_echo():
    """A STOP that happens to be our own last text is an opt-out."""
    ours = "«««««««««« STOP »»»»»»»»»»"
    decision = asked(RuleSet(), ours, known=facts(last_outbound=ours))
    assert (decision.stage, decision.consent and decision.consent.action) == ("consent", "opt_out")


def test_lists_do_not_overlap():
    """No word means two things."""
    assert not STOP & START
    assert not STOP & HELP
    assert not START & HELP


def test_what_matched_is_the_same_in_every_run():
    """What goes into the ledger does not depend on the hash seed of the process."""
    code = (
        "from tests.rules.making import *; from smsgwd.rules.model import RuleSet;"
        "print(asked(RuleSet(), 'leave me alone, no more texts, wrong number, remove me').consent.matched)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True, timeout=60,
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert found == {"remove me\n"}


def test_matched_is_bounded():
    """A text that goes into the ledger as a keyword is cut."""
    change = asked(RuleSet(), "stop" + " !" * 500).consent
    assert change is not None
    assert len(change.matched) <= 60
