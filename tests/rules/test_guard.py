"""The loop guard: who is never answered, and what is counted."""

import pytest

from smsgwd.rules.model import GuardLimits
from tests.rules.making import asked, facts, load

RULE = '[[rule]]\nid = "all"\nthen = [ { reply = "Hello" }, { forward = "support" }, { tag = "seen" } ]\n'
US = GuardLimits(own_numbers=("+15550100100", "+12125550123"), country="US")
IT = GuardLimits(own_numbers=("+393331234567",), country="IT")


@pytest.fixture
def rules(tmp_path):
    return load(tmp_path, RULE)


@pytest.mark.parametrize(
    ("sender", "limits", "why"),
    [
        pytest.param("AMAZON", US, "the sender is no number", id="alphanumeric"),
        pytest.param("", US, "the sender is no number", id="hidden"),
        pytest.param("+1555\n", US, "the sender is no number", id="line end"),
        pytest.param("72345", US, "the sender is a short code", id="short code"),
        pytest.param("+723456", US, "the sender is a short code", id="short code with plus"),
        pytest.param("+19005551234", US, "the sender is a premium number", id="premium US"),
        pytest.param("899123456", IT, "the sender is a premium number", id="premium IT, national"),
        pytest.param("+15550100100", US, "the sender is a number of our own", id="own"),
        pytest.param("15550100100", US, "the sender is a number of our own", id="own without plus"),
        pytest.param("01115550100100", US, "the sender is a number of our own", id="own with 011"),
        pytest.param("0015550100100", US, "the sender is a number of our own", id="own with 00 where that is unusual"),
        pytest.param("5550100100", US, "the sender is a number of our own", id="own, national"),
        pytest.param("2125550123", US, "the sender is a number of our own", id="second own, national"),
        pytest.param("00393331234567", IT, "the sender is a number of our own", id="own with 00"),
        pytest.param("393331234567", IT, "the sender is a number of our own", id="own with 39"),
        pytest.param("3331234567", IT, "the sender is a number of our own", id="own, Italian national"),
        pytest.param("+15550100777", US, "", id="a person"),
        pytest.param("+4366412345678", US, "", id="a person abroad"),
        pytest.param("+393331234568", IT, "", id="the number next to ours"),
    ],
)
def test_senders(rules, sender, limits, why):
    """Services and our own numbers, however written, get no answer; the desk gets the text all the same."""
    decision = asked(rules, "hello", from_=sender, limits=limits)
    assert [why for _, why in decision.suppressed] == ([why] if why else [])
    assert len(decision.replies) == (0 if why else 1)
    assert (decision.forwards, decision.tags) == (("support",), ("seen",))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        pytest.param({"service": True}, "it is no text for a person", id="service"),
        pytest.param({"flash": True}, "it is a flash text", id="flash"),
        pytest.param({"stored": True}, "it lay on the SIM for long", id="stored"),
    ],
)
def test_kinds_of_text(rules, more, why):
    """Texts that nobody wrote now are not answered, but forwarded."""
    decision = asked(rules, "hello", **more)
    assert decision.suppressed == (("reply of all", why),)
    assert not decision.replies
    assert decision.forwards == ("support",)


@pytest.mark.parametrize(
    ("known", "limits", "answered"),
    [
        pytest.param({}, GuardLimits(), True, id="nothing counted"),
        pytest.param({"rule_replies_10m": {"all": 1}}, GuardLimits(), False, id="per rule reached"),
        pytest.param({"rule_replies_10m": {"other": 9}}, GuardLimits(), True, id="another rule's count"),
        pytest.param({"rule_replies_10m": {"all": 1}}, GuardLimits(per_rule=2), True, id="per rule raised"),
        pytest.param({}, GuardLimits(per_rule=0), False, id="per rule 0 = never"),
        pytest.param({"replies_24h": 4}, GuardLimits(), True, id="below per sender"),
        pytest.param({"replies_24h": 5}, GuardLimits(), False, id="per sender reached"),
        pytest.param({"replies_1m": 59}, GuardLimits(), True, id="below global"),
        pytest.param({"replies_1m": 60}, GuardLimits(), False, id="global reached"),
        pytest.param({"identical_1h": 1}, GuardLimits(), True, id="same words twice"),
        pytest.param({"identical_1h": 2}, GuardLimits(), False, id="same words the third time"),
        pytest.param({"consent": "opted_out"}, GuardLimits(), False, id="opted out"),
        pytest.param({"consent": "opted_in"}, GuardLimits(), True, id="opted in"),
    ],
)
def test_limits(rules, known, limits, answered):
    """Each limit holds back the answer and nothing else."""
    decision = asked(rules, "hello", known=facts(**known), limits=limits)
    assert bool(decision.replies) is answered
    assert bool(decision.suppressed) is not answered
    assert decision.forwards == ("support",)


@pytest.mark.parametrize(
    ("ours", "theirs", "stage"),
    [
        pytest.param("Thank you, we call you back.", "Thank you, we call you back.", "screening", id="echo"),
        pytest.param("Thank you, we call you back.", " Thank you, we call you back.\n", "screening", id="echo with spaces"),
        pytest.param("x" * 140 + "our end", "x" * 140 + "their end", "screening", id="the first 140 characters"),
        pytest.param("Thank you, we call you back.", "Thank you, we call you", "rules", id="a part of ours"),
        pytest.param("ok", "ok", "rules", id="a person says the same"),
        pytest.param(None, "hello", "rules", id="we never wrote"),
        pytest.param("", "", "rules", id="both empty"),
    ],
)
def test_echo(rules, ours, theirs, stage):
    """Our own text come back is for nobody; short words that people say by themselves are no echo."""
    decision = asked(rules, theirs, known=facts(last_outbound=ours))
    assert decision.stage == stage
    assert bool(decision.forwards) is (stage == "rules")


def test_two_gateways_fall_silent(rules):
    """Two gateways that answer everything, wired to each other: one answer each in ten minutes, then nothing."""
    sent = {"a": 0, "b": 0}
    text, to = "hello", "a"
    for _ in range(20):
        known = facts(rule_replies_10m={"all": sent[to]}, replies_24h=sent[to])
        replies = asked(rules, text, known=known).replies
        if not replies:
            break
        sent[to] += 1
        text, to = replies[0].text, "b" if to == "a" else "a"
    assert sent == {"a": 1, "b": 1}
