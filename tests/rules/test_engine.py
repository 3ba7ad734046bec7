"""The order of rules, what they gather, and that nothing breaks the decision."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.rules.engine import decide
from smsgwd.rules.model import GuardLimits, RuleSet
from tests.rules.making import TEXTS, asked, facts, inbound, load


def rule(id_: str, then: str, when: str = "", more: str = "") -> str:
    return f'[[rule]]\nid = "{id_}"\n{more}\n{when}\nthen = [ {then} ]\n'


@pytest.mark.parametrize(
    ("files", "matched"),
    [
        pytest.param([rule("a", "{tag='x'}") + rule("b", "{tag='y'}")], ["a"], id="the first wins"),
        pytest.param([rule("a", "{tag='x'}") + rule("b", "{tag='y'}", more="priority = 1")], ["b"], id="priority"),
        pytest.param([rule("a", "{tag='x'}", more="priority = -1"), rule("b", "{tag='y'}")], ["b"], id="negative priority"),
        pytest.param([rule("z", "{tag='x'}"), rule("a", "{tag='y'}")], ["z"], id="file before id"),
        pytest.param([rule("a", "{tag='x'}", more="continue = true") + rule("b", "{tag='y'}")], ["a", "b"], id="continue"),
        pytest.param(
            [rule("a", "{tag='x'}, {stop=true}", more="continue = true") + rule("b", "{tag='y'}")], ["a"], id="stop"
        ),
        pytest.param([rule("a", "{tag='x'}", more="enabled = false") + rule("b", "{tag='y'}")], ["b"], id="disabled"),
        pytest.param([rule("a", "{tag='x'}", when="when.any = [{keyword='no'}]")], [], id="none matches"),
        pytest.param([], [], id="no rules"),
    ],
)
def test_order(tmp_path, files, matched):
    """Priority, then file name, then place; the first match ends it unless it continues."""
    assert list(asked(load(tmp_path, *files), "hello").rules) == matched


@pytest.mark.parametrize(
    ("when", "why"),
    [
        pytest.param("when.all = [{keyword='hello'}, {keyword='bye'}]", "not keyword bye", id="all"),
        pytest.param("when.any = [{keyword='x'}, {exact='y'}]", "none of: keyword x, exact y", id="any"),
        pytest.param("when.none = [{tag='vip'}]", "but tag vip", id="none"),
        pytest.param("when.all = [{keyword='hello'}]\nwhen.any = [{keyword='a'}, {keyword='you'}]", "", id="all and any"),
        pytest.param("when = { all = [{keyword='hello'}], none = [{keyword='bye'}] }", "", id="all and none"),
        pytest.param("when.any = []", "", id="an empty block is true"),
    ],
)
def test_verdict(tmp_path, when, why):
    """A rule says the first thing that kept it from matching."""
    (verdict,) = asked(load(tmp_path, rule("a", "{tag='x'}", when)), "hello you").verdicts
    assert (verdict.matched, verdict.why) == (not why, why)


def test_rules_behind_the_match_are_told(tmp_path):
    """A rule that was not asked says who ended it."""
    decision = asked(load(tmp_path, rule("a", "{tag='x'}") + rule("b", "{tag='y'}")), "hello")
    assert [(v.rule, v.matched, v.why) for v in decision.verdicts] == [
        ("a", True, ""),
        ("b", False, "not asked: a ended it"),
    ]


def test_explaining_changes_nothing(tmp_path):
    """The decision is the same with and without verdicts."""
    rules = load(tmp_path, rule("a", "{reply='Hi'}", "when.any=[{keyword='x'}]"), rule("b", "{reply='Ho'}, {tag='t'}"))
    plain = decide(rules, inbound("hello"), facts(), GuardLimits(), TEXTS)
    told = decide(rules, inbound("hello"), facts(), GuardLimits(), TEXTS, explain=True)
    assert plain.verdicts == ()
    assert (plain.replies, plain.tags, plain.rules) == (told.replies, told.tags, told.rules)
    assert len(told.verdicts) == 2


def test_one_answer_and_all_else(tmp_path):
    """Of two rules that answer, the first does; forwards and tags of both are taken once."""
    then = "{reply='%s'}, {forward='support'}, {tag=['t', '%s']}"
    rules = load(tmp_path, rule("a", then % ("one", "u"), more="continue = true"), rule("b", then % ("two", "v")))
    decision = asked(rules, "hello")
    assert [(r.text, r.rule) for r in decision.replies] == [("one", "a")]
    assert decision.suppressed == (("reply of b", "one answer to a text is enough"),)
    assert (decision.forwards, decision.tags) == (("support",), ("t", "u", "v"))


def test_fields_of_an_answer(tmp_path):
    """An answer gets what is known; where a value is missing it is not sent, and the rest of the rule happens."""
    then = "{reply='{contact.name}: {from} to {to} by {link}, {conversation} {message}'}, {forward='support'}"
    rules = load(tmp_path, rule("a", then))
    known = asked(rules, "hello", known=facts(name="Ada"))
    assert known.replies[0].text == "Ada: +15550100777 to +15550100100 by m1, cnv_1 msg_1"
    unknown = asked(rules, "hello")
    assert unknown.suppressed == (("reply of a", "no value for contact.name"),)
    assert (unknown.replies, unknown.forwards) == ((), ("support",))


def test_probable_opt_out_goes_to_people(tmp_path):
    """A text that may be an opt-out is recorded and forwarded, but not answered."""
    decision = asked(load(tmp_path, rule("a", "{reply='Hi'}, {forward='support'}")), "stop 12345")
    assert decision.consent is not None
    assert (decision.consent.action, decision.replies, decision.forwards) == ("probable", (), ("support",))
    assert decision.suppressed[0][1].startswith("it may be an opt-out")


def test_rules_never_see_stop(tmp_path):
    """Consent comes before the rules: a rule on the word STOP does not get it."""
    decision = asked(load(tmp_path, rule("a", "{reply='no'}", "when.any=[{keyword='stop'}]", "priority = 9999")), "STOP")
    assert (decision.stage, decision.rules, [r.text for r in decision.replies]) == ("consent", (), ["stopped"])


@pytest.fixture(scope="module")
def every_condition(tmp_path_factory) -> RuleSet:
    conditions = (
        "keyword='hello'", "phrase=['no internet', 'città']", "exact='yes'", "from_prefix='+1555'", "link='m1'",
        "tag='vip'", "first_contact=true", "hours='Mon-Fri 08:00-17:00', tz='Europe/Vienna'",
    )  # fmt: skip
    rules = [
        rule(f"r{i}-{block}", f"{{reply='{{contact.name|x}}'}}, {{tag='{i}'}}", f"when.{block} = [{{{c}}}]", "continue = true")
        for i, c in enumerate(conditions)
        for block in ("all", "any", "none")
    ]
    return load(tmp_path_factory.mktemp("every"), "".join(rules))


@given(
    text=st.text(max_size=200), sender=st.text(alphabet="+0123456789AB \n", max_size=18), name=st.text(max_size=30),
    last=st.none() | st.text(max_size=200), counts=st.tuples(*[st.integers(0, 100)] * 3), flags=st.tuples(*[st.booleans()] * 3),
    at=st.integers(0, 4102444800000),
)  # fmt: skip
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_raises(every_condition, text, sender, name, last, counts, flags, at):
    """Whatever comes in: a decision, the same each time, with one answer at most and none without a reason."""
    given_ = inbound(text, from_=sender, at=at, service=flags[0], flash=flags[1], stored=flags[2])
    known = facts(name=name, last_outbound=last, identical_1h=counts[0], replies_24h=counts[1], replies_1m=counts[2])
    first = decide(every_condition, given_, known, GuardLimits(), TEXTS)
    assert decide(every_condition, given_, known, GuardLimits(), TEXTS) == first
    assert len(first.replies) <= 1
    if any(flags):
        assert not first.replies
