"""What keeps two robots from talking to each other. Pure.

Robots answer robots: a carrier's notice, another gateway, our own second modem. One rule that answers everything and one
such partner empty a prepaid card in a night. So some senders are never answered by a rule, and all answers are counted.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

import phonenumbers

from smsgwd.model import ConsentState, PeerFacts
from smsgwd.rules.model import GuardLimits, Inbound

#: numbers of so few digits are services, with + or without
SHORT_CODE = 6
#: so much of our own text at the start of an inbound one is an echo ...
ECHO = 140
#: ... unless it is so short that a person says the same of their own accord ("ok" to our "ok")
SHORTEST_ECHO = 20


def is_echo(inbound: Inbound, facts: PeerFacts) -> bool:
    """The text is our own last one, come back."""
    last = (facts.last_outbound or "").strip()[:ECHO]
    return len(last) >= SHORTEST_ECHO and inbound.text.strip()[:ECHO] == last


def never_answered(inbound: Inbound, facts: PeerFacts, limits: GuardLimits) -> str:
    """Why nothing at all may be answered to this text, not even by the consent stage; "" when it may."""
    why = _not_to_sender(inbound.from_, limits)
    if why:
        return why
    if inbound.service:
        return "it is no text for a person"
    if inbound.flash:
        return "it is a flash text"
    if inbound.stored:
        return "it lay on the SIM for long"
    if facts.identical_1h + 1 >= limits.identical:
        return f"loops.identical: the same words {facts.identical_1h + 1} times in an hour"
    return ""


def _not_to_sender(number: str, limits: GuardLimits) -> str:
    if not re.fullmatch(r"\+?[0-9]+", number):
        return "the sender is no number"
    if len(number.lstrip("+")) <= SHORT_CODE:
        return "the sender is a short code"
    sender, type_ = _read(number, limits.country)
    if sender in {_read(own, limits.country)[0] for own in limits.own_numbers}:
        return "the sender is a number of our own"
    if type_ == phonenumbers.PhoneNumberType.PREMIUM_RATE:
        return "the sender is a premium number"
    return ""


def not_by_rule(rule: str, facts: PeerFacts, limits: GuardLimits, given: int) -> str:
    """Why this rule may not answer now; "" when it may. ``given`` answers were decided for this text already."""
    if given:
        return "one answer to a text is enough"
    if facts.contact.consent is ConsentState.OPTED_OUT:
        return "the person opted out"
    if facts.rule_replies_10m.get(rule, 0) >= limits.per_rule:
        return f"loops.per_rule: {limits.per_rule} in 10 minutes"
    if facts.replies_24h >= limits.per_sender:
        return f"loops.per_sender: {limits.per_sender} in 24 hours"
    if facts.replies_1m >= limits.global_:
        return f"loops.global: {limits.global_} in a minute"
    return ""


@lru_cache(maxsize=256)
def _read(number: str, country: str) -> tuple[str, int]:
    """(E.164 of a number in whatever form it was written, its PhoneNumberType), so that 0039…, 39… and +39… are one.

    A form that gives a valid number is taken before one that only has the right length; numbers that nobody knows (those
    for examples, new ranges) are compared by their digits in the end.
    """
    read = []
    for text in (number, f"+{number.lstrip('+').removeprefix('00')}"):
        with suppress(phonenumbers.NumberParseException):
            read.append(phonenumbers.parse(text, country))
    for good in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for parsed in filter(good, read):
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            return e164, phonenumbers.number_type(parsed)
    return number.lstrip("+").removeprefix("00"), phonenumbers.PhoneNumberType.UNKNOWN
