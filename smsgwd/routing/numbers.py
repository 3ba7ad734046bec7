"""What is known of a number by its digits alone; remembered, because the question costs more than all the rest."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from smsgwd.errors import RequestRefused

#: numbers that are remembered
_MOST = 20_000
_PREMIUM = phonenumbers.PhoneNumberType.PREMIUM_RATE


class Facts(NamedTuple):
    """The countries that a number may lie in (one when it is known, else all of its calling code), and whether calls and
    texts to it cost more than others."""

    countries: tuple[str, ...]
    premium: bool


@lru_cache(maxsize=_MOST)
def facts_of(number: str) -> Facts:
    """Of an E.164 number; nothing for what has no calling code."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Facts((), False)
    known = phonenumbers.region_code_for_number(parsed)
    if known and known != "001":
        return Facts((known,), phonenumbers.number_type(parsed) == _PREMIUM)
    return Facts(tuple(phonenumbers.region_codes_for_country_code(parsed.country_code or 0)), False)


def countries_of(number: str) -> tuple[str, ...]:
    """The countries that an E.164 number may lie in."""
    return facts_of(number).countries


@lru_cache(maxsize=_MOST)
def normal_number(text: str, country: str) -> str:
    """E.164 with a plus sign. RequestRefused("invalid-number") for what is no number.

    ``+`` and 7 to 15 digits are taken as they are; without ``+`` they are read as a national number of ``country``.
    """
    bare = re.sub(r"[ ()./-]", "", text)
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", bare):
        return bare
    if not re.fullmatch(r"[0-9]{3,15}", bare):
        raise RequestRefused("invalid-number", "this is not a phone number: + and 7 to 15 digits, or a national number")
    if bare.startswith("00"):
        return normal_number("+" + bare[2:], country)
    try:
        number = phonenumbers.parse(bare, country)
    except phonenumbers.NumberParseException:
        raise RequestRefused("invalid-number", f"this is not a national number of {country}") from None
    if not phonenumbers.is_possible_number(number):
        raise RequestRefused("invalid-number", f"this is not a possible number of {country}; write it with + instead")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
