"""What keeps two robots from talking to each other. Pure.

Robots answer robots: a carrier's notice, another gateway, our own second modem. One rule that answers everything and one
such partner empty a prepaid card in a night. So some senders are never answered by a rule, and all answers are counted.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from smsgwd.model import ConsentState, PeerFacts
from smsgwd.rules.model import GuardLimits, Inbound

#: numbers of so few digits are services
SHORT_CODE = 6
#: so much of our own text at the start of an inbound one is an echo
ECHO = 140


def is_echo(inbound: Inbound, facts: PeerFacts) -> bool:
    """The text is our own last one, come back."""
    last = (facts.last_outbound or "").strip()[:ECHO]
    return bool(last) and inbound.text.strip()[:ECHO] == last


def never_answered(inbound: Inbound, facts: PeerFacts, limits: GuardLimits) -> str:
    """Why nothing at all may be answered to this text, not even by the consent stage; "" when it may."""
    if not re.fullmatch(r"\+?[0-9]+", inbound.from_):
        return "the sender is no number"
    if not inbound.from_.startswith("+") and len(inbound.from_) <= SHORT_CODE:
        return "the sender is a short code"
    if _bare(inbound.from_, limits.country) in {_bare(n, limits.country) for n in limits.own_numbers}:
        return "the sender is a number of our own"
    if inbound.service:
        return "it is no text for a person"
    if facts.identical_1h + 1 >= limits.identical:
        return f"loops.identical: the same words {facts.identical_1h + 1} times in an hour"
    return ""


def not_by_rule(rule: str, inbound: Inbound, facts: PeerFacts, limits: GuardLimits, given: int) -> str:
    """Why this rule may not answer now; "" when it may. ``given`` answers were decided for this text already."""
    if given:
        return "one answer to a text is enough"
    if inbound.flash:
        return "it is a flash text"
    if inbound.stored:
        return "it lay on the SIM for long"
    if facts.contact.consent is ConsentState.OPTED_OUT:
        return "the person opted out"
    if facts.rule_replies_10m.get(rule, 0) >= limits.per_rule:
        return f"loops.per_rule: {limits.per_rule} in 10 minutes"
    if facts.replies_24h >= limits.per_sender:
        return f"loops.per_sender: {limits.per_sender} in 24 hours"
    if facts.replies_1m >= limits.global_:
        return f"loops.global: {limits.global_} in a minute"
    return ""


@lru_cache(maxsize=4096)
def _bare(number: str, country: str) -> str:
    """E.164 of a number in whatever form it was written, so that 0039…, 39… and +39… are one."""
    for text in (number, f"+{number.lstrip('+')}"):
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number.lstrip("+").removeprefix("00")
