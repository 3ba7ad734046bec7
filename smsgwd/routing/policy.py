"""Who may be written to at all: countries, premium numbers, short codes. A stolen token is turned into money abroad, or
at a number that pays its owner for each text."""

from __future__ import annotations

import re

import msgspec

from smsgwd.errors import RequestRefused
from smsgwd.routing.answers import NoRoute
from smsgwd.routing.numbers import facts_of, normal_number


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration allows."""

    country: str = "US"
    #: countries and +prefixes; empty = ``country`` alone
    allow: tuple[str, ...] = ()
    #: prefixes of premium numbers that may be written to all the same
    premium: tuple[str, ...] = ()
    short_codes: tuple[str, ...] = ()


def recipient(text: str, policy: Policy) -> str:
    """A recipient as people write it -> E.164 with a plus sign, or a short code that is listed. RequestRefused."""
    if text in policy.short_codes:
        return text
    try:
        return normal_number(text, policy.country)
    except RequestRefused:
        if re.fullmatch(r"[0-9]{3,6}", text):
            raise RequestRefused(
                "short-code-not-allowed", "this is a short code, which can cost money; add it to limits.short_codes"
            ) from None
        raise


def allowed(to: str, policy: Policy) -> NoRoute | None:
    """The refusal of a recipient in a country that is not allowed; None when it is."""
    if to in policy.short_codes:
        return None
    countries = policy.allow or (policy.country,)
    for country in countries:
        if country[0] == "+" and to.startswith(country):
            return None
    places = facts_of(to).countries
    if not places:
        return NoRoute("invalid-number", "this number has no country calling code that exists")
    if not any(place in countries for place in places):
        return NoRoute(
            "country-not-allowed", f"numbers in {places[0]} are not allowed; add it to gateway.allow to write there"
        )
    return None


def affordable(to: str, policy: Policy) -> NoRoute | None:
    """The refusal of a premium number that is not listed; None for all others."""
    if not to.startswith("+") or not facts_of(to).premium or (policy.premium and to.startswith(policy.premium)):
        return None
    return NoRoute("premium-not-allowed", "this is a premium number; add its prefix to limits.premium to write there")
