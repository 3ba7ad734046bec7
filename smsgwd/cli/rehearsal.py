"""Rules without a daemon: facts made by hand in, the decision as a document out. For ``rules try`` and ``rules test``."""

from __future__ import annotations

from typing import Any

import msgspec

from smsgwd.config import Config
from smsgwd.model import ConsentState, Contact, Conversation, PeerFacts
from smsgwd.rules.engine import decide
from smsgwd.rules.model import ConsentTexts, Decision, GuardLimits, Inbound, RuleSet
from smsgwd.sms.split import split


def facts_of(
    inbound: Inbound, *, name: str = "", tags: tuple[str, ...] = (), first_contact: bool = False, opted_out: bool = False
) -> PeerFacts:
    """A person as described, in a new conversation, with nothing counted against them."""
    consent = ConsentState.OPTED_OUT if opted_out else ConsentState.NONE
    return PeerFacts(
        contact=Contact(number=inbound.from_, name=name, tags=tags, consent=consent),
        conversation=Conversation(
            id="cnv_try", contact=inbound.from_, link=inbound.link, number=inbound.to, state="open", opened=inbound.at,
            updated=inbound.at,
        ),
        first_contact=first_contact,
    )  # fmt: skip


def limits_of(config: Config) -> GuardLimits:
    loops = config.loops
    return GuardLimits(
        per_rule=loops.per_rule, per_sender=loops.per_sender, global_=loops.global_, identical=loops.identical,
        own_numbers=tuple(link.number for link in config.link if link.number), country=config.gateway.country,
    )  # fmt: skip


def _decide(rules: RuleSet, inbound: Inbound, facts: PeerFacts, limits: GuardLimits, config: Config) -> Decision:
    texts = ConsentTexts(config.consent.stop_reply, config.consent.start_reply, config.consent.help_reply)
    return decide(rules, inbound, facts, limits, texts, explain=True)


def rehearse(rules: RuleSet, inbound: Inbound, facts: PeerFacts, limits: GuardLimits, config: Config) -> dict[str, Any]:
    """The decision, with what each answer would take."""
    decision = _decide(rules, inbound, facts, limits, config)
    document: dict[str, Any] = msgspec.to_builtins(decision)
    document["consent"] = decision.consent.action if decision.consent else None
    for reply in document["replies"]:
        plan = split(reply["text"])
        reply |= {"segments": len(plan.cuts), "encoding": plan.alphabet.value}
    return document


def run_tests(rules: RuleSet, config: Config) -> list[dict[str, Any]]:
    """Each ``[[test]]`` block, and what was not as wanted."""
    results = []
    for test in rules.tests:
        facts = facts_of(test.inbound, first_contact=test.first_contact)
        decision = _decide(rules, test.inbound, facts, limits_of(config), config)
        got = (decision.rules[0] if decision.rules else "", len(decision.replies), ", ".join(decision.forwards))
        wanted = (test.matched, test.replies, test.forward)
        names = ("matched", "replies", "forward")
        wrong = [
            f"{name} is {g!r}, wanted {w!r}" for name, g, w in zip(names, got, wanted, strict=True) if w is not None and g != w
        ]
        results.append({"rule": test.rule, "where": f"{test.file}:{test.line}", "ok": not wrong, "why": "; ".join(wrong)})
    return results
