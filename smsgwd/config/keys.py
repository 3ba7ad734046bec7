"""What a key of the configuration is made of: its help, its bounds, the check of its value, and secrets.

A key is ``Annotated`` with its help, with bounds of msgspec, and with a :class:`Check` where the type alone does not say
enough; for a list the check looks at each item, for a table at each ``key=value``. So every key is judged for itself,
however wrong the rest of the file is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from smsgwd.events import WEBHOOK_KINDS
from smsgwd.sms.national import LANGUAGES


class Secret:
    """A value that never shows itself: not in repr, str, JSON or pickles. :meth:`reveal` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


DURATION = Meta(extra={"written": "a number with s, m, h, d or w: 90d"})
#: seconds
Duration = Annotated[int, DURATION]


SIZE = Meta(extra={"written": "a number with K, M or G: 64M; 0 = none"})
#: bytes
Size = Annotated[int, SIZE]


def help_(text: str) -> Any:
    return Meta(description=text)


# ---- what values must be -------------------------------------------------------------------------------------------

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: str) -> int:
    """``"90d"`` -> 7776000 seconds; ValueError with the reason otherwise."""
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 30s, 10m, 12h, 90d")
    return int(found[1]) * _UNITS[found[2]]


def parse_size(text: str) -> int:
    """``"64M"`` -> 67108864 bytes; ValueError with the reason otherwise."""
    found = re.fullmatch(r"([0-9]{1,9})([KMG])|0", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size such as 256K, 64M, 2G, or 0 for none")
    return int(found[1]) << {"K": 10, "M": 20, "G": 30}[found[2]] if found[1] else 0


def parse_rate(text: str) -> float:
    """``"10/m"`` -> segments a second; 0.0 for an empty text (no limit); ValueError otherwise."""
    if not text:
        return 0.0
    found = re.fullmatch(r"([0-9]{1,6})/([smhd])", text.strip())
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a rate such as 1/s, 10/m, 500/h")
    return int(found[1]) / _UNITS[found[2]]


def parse_burst(text: str) -> tuple[int, int]:
    """``"5/15m"`` -> (5, 900): so many in so many seconds; ValueError otherwise."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{0,4})([smhd])", text.strip())
    if not found or int(found[1]) == 0 or (found[2] and int(found[2]) == 0):
        raise ValueError(f"{text!r} is not a limit such as 1/m, 5/15m, 20/3h")
    return int(found[1]), int(found[2] or 1) * _UNITS[found[3]]


class Check(NamedTuple):
    """What a value must be besides its type: ``judge`` raises ValueError with the reason."""

    judge: Callable[[str], object]


def shape(pattern: str, reason: str) -> Check:
    """A check by a regular expression; ``{}`` in the reason is the value."""

    def judge(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(reason.format(repr(value)))

    return Check(judge)


def one_of(*names: str) -> Check:
    def judge(value: str) -> None:
        if value not in names:
            raise ValueError(f"{value!r} is not known; known: {', '.join(filter(None, names))}")

    return Check(judge)


def near(value: str, known: Collection[str], what: str) -> None:
    if value not in known:
        close = difflib.get_close_matches(value, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
        raise ValueError(f"{value!r} is {what}; {hint}")


def check_country(value: str) -> None:
    if not re.fullmatch("[A-Z]{2}", value):
        raise ValueError("must be two capital letters, such as US")
    from phonenumbers import SUPPORTED_REGIONS

    if value not in SUPPORTED_REGIONS:
        raise ValueError(f"{value!r} is no country whose numbers are known")


def check_allowed(value: str) -> None:
    if re.fullmatch("[A-Z]{2}", value):
        check_country(value)
    elif not re.fullmatch(r"\+[0-9]{1,15}", value):
        raise ValueError(f"{value!r} is neither a country (US) nor a prefix (+1)")


def check_listen(value: str) -> None:
    found = re.fullmatch(r"(?:[^\s:]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})", value)
    if value and (not found or int(found[1]) > 65535):
        raise ValueError("must be host:port, such as 127.0.0.1:8480")


def check_pattern(value: str) -> None:
    try:
        groups = re.compile(value).groups
    except re.error as e:
        raise ValueError(f"is no regular expression: {e}") from None
    if groups < 1:
        raise ValueError("must have a group (…) around the amount")


def check_clock(value: str) -> None:
    if value and not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"{value!r} is not a time of day such as 21:00")


def check_zone(value: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is no time zone such as Europe/Vienna") from None


def entry(check_key: Callable[[str], object], check_value: Callable[[str], object]) -> Check:
    """A check of one ``key=value`` of a table."""

    def judge(item: str) -> None:
        key, _, value = item.partition("=")
        check_key(key)
        check_value(value)

    return Check(judge)


#: what is done about a text of which nobody knows whether it was sent; both words for sending again are understood
UNCERTAIN = one_of("hold", "retry", "resend", "assume-sent")
NAME = shape(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", "{}: letters, digits, . _ - only, 32 at most")
OWN_NUMBER = shape(
    r"|\+[0-9]{3,15}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", "must be +digits, a short code, or up to 11 letters"
)
PREFIX = shape(r"\+[0-9]{0,15}", "{} is not a prefix such as +1")
BURST = Check(parse_burst)
CLOCK = Check(check_clock)
ZONE = Check(check_zone)
OPTIONAL_ZONE = Check(lambda value: check_zone(value or "UTC"))
PATH = shape(r"(?s).+", "must not be empty")
IMEI = shape(r"|[0-9]{15}", "must be 15 digits")
ICCID = shape(r"|[0-9]{19,20}", "must be 19 or 20 digits")
DOMAIN = one_of("", "packet", "circuit", "packet-preferred", "circuit-preferred")
USSD_CODE = shape(r"[*#0-9]{1,30}", "{} is no USSD code such as *100#")
BALANCE_CODE = shape(r"|[*#0-9]{1,30}", "{} is no USSD code such as *100#")
SMSC = shape(r"|\+[0-9]{5,20}", "must be the number with +")
LISTEN = Check(check_listen)
URL = shape(r"https?://[^\s/@]+(/\S*)?", "must be an http or https address without user and password")
LANGUAGE = Check(lambda value: near(value, LANGUAGES, "no language with a national table"))
WEBHOOK_KIND = Check(lambda value: near(value, WEBHOOK_KINDS, "no kind of webhook"))


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the sections; unknown keys are errors."""

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        """What is wrong between the keys of a table: (key, reason)."""
        return ()


def key_of(field: str) -> str:
    """The TOML key of a struct field: Python's reserved words carry an underscore there."""
    return field.rstrip("_")
