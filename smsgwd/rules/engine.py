"""Rules, a text and what the store knows in; everything that follows out. Pure, and the same for the same input.

Stages, in this order: screening (our own text come back is answered by nobody), consent (STOP, START, HELP), then the
rules by priority. STOP counts even where screening would end it. The first rule that matches wins unless it says
``continue``. A text gets one automatic answer at most; what the guard holds back is part of the decision, with the reason,
and the rest of the rule still happens: a loop must not keep a ticket from the desk.
"""

from __future__ import annotations

from smsgwd.model import ConsentChange, PeerFacts
from smsgwd.rules.conditions import View
from smsgwd.rules.consent import consent_of
from smsgwd.rules.guard import is_echo, never_answered, not_by_rule
from smsgwd.rules.model import Action, ConsentTexts, Decision, GuardLimits, Inbound, Reply, Rule, RuleSet, Verdict
from smsgwd.rules.text import Words, words


def decide(
    rules: RuleSet,
    inbound: Inbound,
    facts: PeerFacts,
    limits: GuardLimits,
    consent_texts: ConsentTexts,
    *,
    explain: bool = False,
) -> Decision:
    """The whole decision on one inbound text. ``explain`` adds a verdict on each rule, which takes longer."""
    found = words(inbound.text)
    change, answer = consent_of(inbound, found, facts.contact.consent, consent_texts)
    if is_echo(inbound, facts) and (change is None or change.action != "opt_out"):
        return Decision(stage="screening", suppressed=(("everything", "it is our own last text"),))
    silent = never_answered(inbound, facts, limits)
    if change is not None and change.action != "probable":
        return _consent(change, answer, silent)
    if change is not None:
        silent = silent or "it may be an opt-out; a person has to look"
    walk = _Walk(inbound, facts, limits, silent)
    return walk.run(rules, view_of(inbound, found, facts), change, explain)


def _consent(change: ConsentChange, answer: str, silent: str) -> Decision:
    if not answer:
        return Decision(stage="consent", consent=change)
    if silent:
        return Decision(stage="consent", consent=change, suppressed=((f"answer to {change.action}", silent),))
    return Decision(stage="consent", consent=change, replies=(Reply(answer),))


def view_of(inbound: Inbound, found: Words, facts: PeerFacts) -> View:
    """What the conditions see."""
    return View(
        words=found,
        from_=inbound.from_,
        link=inbound.link,
        at=inbound.at,
        first_contact=facts.first_contact,
        tags=frozenset(facts.conversation.tags + facts.contact.tags),
        call=inbound.call,
        meta=inbound.meta,
    )


def matches(rule: Rule, view: View) -> bool:
    """All of ``all``, one of ``any`` if there are some, none of ``none``. Plain loops: this runs for each rule."""
    for condition in rule.all:
        if not condition.holds(view):
            return False
    for condition in rule.none:
        if condition.holds(view):
            return False
    for condition in rule.any:
        if condition.holds(view):
            return True
    return not rule.any


def why_not(rule: Rule, view: View) -> str:
    """The first thing that keeps a rule from matching, for people; "" when it matches."""
    for condition in rule.all:
        if not condition.holds(view):
            return f"not {condition}"
    if rule.any and not any(condition.holds(view) for condition in rule.any):
        return f"none of: {', '.join(map(str, rule.any))}"
    for condition in rule.none:
        if condition.holds(view):
            return f"but {condition}"
    return ""


class _Walk:
    """One walk over the rules, gathering what they ask for."""

    def __init__(self, inbound: Inbound, facts: PeerFacts, limits: GuardLimits, silent: str) -> None:
        self.inbound, self.facts, self.limits, self.silent = inbound, facts, limits, silent
        self.replies: list[Reply] = []
        self.forwards: list[str] = []
        self.tags: list[str] = []
        self.suppressed: list[tuple[str, str]] = []

    def run(self, rules: RuleSet, view: View, change: ConsentChange | None, explain: bool) -> Decision:
        matched: list[str] = []
        verdicts: list[Verdict] = []
        ended = ""
        for rule in rules.rules:
            if view.call and not rule.about_calls:
                if explain:
                    verdicts.append(Verdict(rule.id, False, "it is a call, and the rule does not say `call = true`"))
                continue
            if ended or not matches(rule, view):
                if explain:
                    verdicts.append(Verdict(rule.id, False, ended or why_not(rule, view)))
                continue
            matched.append(rule.id)
            verdicts.append(Verdict(rule.id, True, ""))
            for action in rule.then:
                self._do(rule, action)
            if not rule.continue_ or any(action.stop for action in rule.then):
                ended = f"not asked: {rule.id} ended it"
                if not explain:
                    break
        return Decision(
            replies=tuple(self.replies), forwards=tuple(dict.fromkeys(self.forwards)),
            tags=tuple(dict.fromkeys(self.tags)), consent=change, rules=tuple(matched),
            suppressed=tuple(self.suppressed), verdicts=tuple(verdicts) if explain else (),
        )  # fmt: skip

    def _do(self, rule: Rule, action: Action) -> None:
        if action.forward:
            self.forwards.append(action.forward)
        self.tags.extend(action.tags)
        if action.reply is not None:
            why = self.silent or not_by_rule(rule.id, self.facts, self.limits, len(self.replies))
            text = None if why else action.reply.render(self._values())
            if text is None:
                why = why or f"no value for {', '.join(action.reply.missing(self._values())) or 'any field'}"
                self.suppressed.append((f"reply of {rule.id}", why))
            else:
                self.replies.append(Reply(text, rule.id))

    def _values(self) -> dict[str, str]:
        return {
            "contact.name": self.facts.contact.name,
            "from": self.inbound.from_,
            "to": self.inbound.to,
            "link": self.inbound.link,
            "message": self.inbound.message,
            "conversation": self.facts.conversation.id,
        }
