"""What is allowed in a rule set and yet hardly meant: found without any text. Pure.

Unlike a mistake, a warning keeps nothing from being loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from smsgwd.errors import Problem
from smsgwd.rules.conditions import Exact
from smsgwd.rules.consent import HELP, START, STOP
from smsgwd.rules.model import Rule, RuleSet
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.gsm7 import try_encode
from smsgwd.sms.split import split


def warnings(rules: RuleSet) -> list[Problem]:
    """One for each doubt, in the order of the rules."""
    return [*_unreachable(rules.rules), *(w for rule in rules.rules for w in [*_taken(rule), *_dear(rule)])]


def _warning(rule: Rule, message: str) -> Problem:
    return Problem(rule.file, f"line {rule.line}", f"rule {rule.id!r} {message}", "warning")


def _unreachable(rules: tuple[Rule, ...]) -> Iterator[Problem]:
    """Rules behind one that has no condition and does not continue."""
    for i, rule in enumerate(rules):
        ends = not rule.continue_ or any(action.stop for action in rule.then)
        if ends and not (rule.any or rule.all or rule.none):
            for later in rules[i + 1 :]:
                yield _warning(later, f"is never asked: {rule.id!r} before it always matches")
            return


def _taken(rule: Rule) -> Iterator[Problem]:
    """Conditions on the whole text that the consent stage answers first."""
    for condition in (*rule.all, *rule.any):
        if isinstance(condition, Exact):
            for phrase in sorted(condition.phrases & (STOP | START | HELP)):
                yield _warning(rule, f"never sees {' '.join(phrase)!r}: STOP, START and HELP are answered before all rules")


def _dear(rule: Rule) -> Iterator[Problem]:
    """Answers whose letters make a second part that plain ones would not need."""
    for action in rule.then:
        if action.reply is None:
            continue
        plan = split(action.reply.literal)
        if plan.alphabet is Alphabet.UCS2 and plan.parts > 1:
            letters = " ".join(dict.fromkeys(c for c in action.reply.literal if try_encode(c) is None))
            yield _warning(rule, f"answers in {plan.parts} parts, because these are not in the GSM alphabet: {letters}")
