"""The configuration: one struct per section, and beside each key its help and what its value must be.

``config_file.py`` reads these structs from TOML. A key is ``Annotated`` with its help, with bounds of msgspec, and with a
:class:`Check` where the type alone does not say enough; for a list the check looks at each item. So every key is judged
for itself, however wrong the rest of the file is. Secrets are kept in :class:`Secret`, which never shows itself.
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

DEFAULT_PATH = "/etc/smsgwd/smsgwd.toml"


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


def parse_rate(text: str) -> float:
    """``"10/m"`` -> segments a second; 0.0 for an empty text (no limit); ValueError otherwise."""
    if not text:
        return 0.0
    found = re.fullmatch(r"([0-9]{1,6})/([smhd])", text.strip())
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a rate such as 1/s, 10/m, 500/h")
    return int(found[1]) / _UNITS[found[2]]


class Check(NamedTuple):
    """What a value must be besides its type: ``judge`` raises ValueError with the reason."""

    judge: Callable[[str], object]


def _shape(pattern: str, reason: str) -> Check:
    """A check by a regular expression; ``{}`` in the reason is the value."""

    def judge(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(reason.format(repr(value)))

    return Check(judge)


def _one_of(*names: str) -> Check:
    def judge(value: str) -> None:
        if value not in names:
            raise ValueError(f"{value!r} is not known; known: {', '.join(filter(None, names))}")

    return Check(judge)


def _near(value: str, known: Collection[str], what: str) -> None:
    if value not in known:
        close = difflib.get_close_matches(value, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
        raise ValueError(f"{value!r} is {what}; {hint}")


def _country(value: str) -> None:
    if not re.fullmatch("[A-Z]{2}", value):
        raise ValueError("must be two capital letters, such as US")
    from phonenumbers import SUPPORTED_REGIONS

    if value not in SUPPORTED_REGIONS:
        raise ValueError(f"{value!r} is no country whose numbers are known")


def _allowed(value: str) -> None:
    if re.fullmatch("[A-Z]{2}", value):
        _country(value)
    elif not re.fullmatch(r"\+[0-9]{1,15}", value):
        raise ValueError(f"{value!r} is neither a country (US) nor a prefix (+1)")


def _listen(value: str) -> None:
    found = re.fullmatch(r"(?:[^\s:]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})", value)
    if value and (not found or int(found[1]) > 65535):
        raise ValueError("must be host:port, such as 127.0.0.1:8480")


def _pattern(value: str) -> None:
    try:
        groups = re.compile(value).groups
    except re.error as e:
        raise ValueError(f"is no regular expression: {e}") from None
    if groups < 1:
        raise ValueError("must have a group (…) around the amount")


_NAME = _shape(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", "{}: letters, digits, . _ - only, 32 at most")
_OWN_NUMBER = _shape(
    r"|\+[0-9]{3,15}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", "must be +digits, a short code, or up to 11 letters"
)
_PREFIX = _shape(r"\+[0-9]{0,15}", "{} is not a prefix such as +1")
_PATH = _shape(r"(?s).+", "must not be empty")
_IMEI = _shape(r"|[0-9]{15}", "must be 15 digits")
_ICCID = _shape(r"|[0-9]{19,20}", "must be 19 or 20 digits")
_DOMAIN = _one_of("", "packet", "circuit", "packet-preferred", "circuit-preferred")
_USSD_CODE = _shape(r"[*#0-9]{1,30}", "{} is no USSD code such as *100#")
_BALANCE_CODE = _shape(r"|[*#0-9]{1,30}", "{} is no USSD code such as *100#")
_SMSC = _shape(r"|\+[0-9]{5,20}", "must be the number with +")
_LISTEN = Check(_listen)
_URL = _shape(r"https?://[^\s/@]+(/\S*)?", "must be an http or https address without user and password")
_LANGUAGE = Check(lambda value: _near(value, LANGUAGES, "no language with a national table"))
_WEBHOOK_KIND = Check(lambda value: _near(value, WEBHOOK_KINDS, "no kind of webhook"))


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the sections; unknown keys are errors."""

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        """What is wrong between the keys of a table: (key, reason)."""
        return ()


class Gateway(Section, frozen=True, kw_only=True):
    """[gateway]: the daemon itself."""

    name: Annotated[str, help_("shown in logs, metrics and webhooks")] = "smsgwd"
    database: Annotated[str, help_("the SQLite file; its folder must be writable"), _PATH] = "/var/lib/smsgwd/smsgwd.db"
    socket: Annotated[str, help_("unix socket of the command line"), _PATH] = "/run/smsgwd/smsgwd.sock"
    country: Annotated[
        str, help_("two letters; numbers without + are read as national numbers of it"), Check(_country)
    ] = "US"
    allow: Annotated[
        tuple[str, ...],
        help_("countries or +prefixes that may be written to; empty = `country` alone"),
        Check(_allowed),
    ] = ()
    modems: Annotated[str, help_("folder of modem profiles of your own (*.toml); they come before ours")] = (
        "/etc/smsgwd/modems.d"
    )
    rules: Annotated[str, help_("folder of rule files (*.toml)")] = "/etc/smsgwd/rules.d"
    templates: Annotated[str, help_("folder of answer templates (*.txt)")] = "/etc/smsgwd/templates"


class LinkConfig(Section, frozen=True, kw_only=True):
    """[[link]]: what a modem and an SMPP bind have in common."""

    name: Annotated[str, help_("a short name, unique"), _NAME]
    type: Annotated[str, help_("modem or smpp")]
    number: Annotated[str, help_("our own number on this link, with +"), _OWN_NUMBER] = ""
    enabled: Annotated[bool, help_("false leaves the link out")] = True
    prefixes: Annotated[tuple[str, ...], help_("number prefixes with + that it may carry; empty = all"), _PREFIX] = ()
    weight: Annotated[int, help_("share of the traffic among links that fit equally well"), Meta(ge=0, le=1000)] = 10
    classes: Annotated[
        tuple[str, ...],
        help_("bulk, normal, alarm: what it may carry; empty = all"),
        _one_of("bulk", "normal", "alarm"),
    ] = ()
    failover: Annotated[
        bool, help_("its texts may move to other links while it is away, or rests after a run of failures")
    ] = True
    rate: Annotated[str, help_("most segments per time: 10/m, 1/s, 500/h; empty = no limit"), Check(parse_rate)] = ""
    national: Annotated[
        tuple[str, ...], help_("national language tables to use where they save parts: tr, es, pt"), _LANGUAGE
    ] = ()
    transliterate: Annotated[bool, help_("write letters that GSM-7 lacks by plain ones where that saves parts")] = False


class ModemConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "modem": a GSM modem with its SIM."""

    port: Annotated[str, help_("serial port, best by its name under /dev/serial/by-id")] = ""
    imei: Annotated[str, help_("instead of a port: the modem with this IMEI, wherever it is plugged in"), _IMEI] = ""
    iccid: Annotated[str, help_("instead of a port: the modem with this SIM; no other SIM is used"), _ICCID] = ""
    baudrate: Annotated[int, help_("speed of a real serial line; USB ignores it"), Meta(ge=300, le=4000000)] = 115200
    pin: Annotated[Secret | None, help_("SIM PIN; tried once")] = None
    profile: Annotated[str, help_("modem family, or auto")] = "auto"
    smsc: Annotated[str, help_("SMSC number, when the SIM has none"), _SMSC] = ""
    roaming: Annotated[bool, help_("send when registered as roaming")] = True
    sms_domain: Annotated[
        str, help_("how texts go on the air, where the operator needs it (AT+CGSMS); empty = as the modem is"), _DOMAIN
    ] = ""
    hangup: Annotated[bool, help_("hang up calls that come in")] = False
    ussd: Annotated[tuple[str, ...], help_("codes that `smsgwd ussd` may send; they can cost money"), _USSD_CODE] = ()
    balance: Annotated[str, help_("USSD code that asks for a prepaid SIM's balance; empty = never"), _BALANCE_CODE] = ""
    balance_every: Annotated[Duration, help_("how often the balance is asked for")] = 86400
    balance_pattern: Annotated[
        str, help_("regular expression for the amount in the answer, in its first group"), Check(_pattern)
    ] = r"([0-9]+(?:[.,][0-9]+)?)"
    reset_command: Annotated[
        tuple[str, ...],
        help_("program and arguments that switch the modem's power off and on; the last step of recovery"),
    ] = ()

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        if not any(table.get(key) for key in ("port", "imei", "iccid")):
            yield "port", "missing; name the modem by port, imei or iccid"


class SmppConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "smpp": one bind to an SMSC."""

    host: Annotated[str, help_("host of the SMSC"), _PATH]
    port: Annotated[int, help_("TCP port of the SMSC"), Meta(ge=1, le=65535)] = 2775
    system_id: Annotated[str, help_("name of the account")] = ""
    password: Annotated[Secret | None, help_("password of the account")] = None
    system_type: Annotated[str, help_("system_type of the bind")] = ""
    bind: Annotated[
        str, help_("transceiver, transmitter or receiver"), _one_of("transceiver", "transmitter", "receiver")
    ] = "transceiver"
    window: Annotated[int, help_("unanswered requests at most"), Meta(ge=1, le=1000)] = 10
    throughput: Annotated[float, help_("segments a second, paced; 0 = no limit"), Meta(ge=0)] = 0.0
    tls: Annotated[bool, help_("TLS, checked against the system's certificates")] = False


class Api(Section, frozen=True, kw_only=True):
    """[api]: HTTP for programs."""

    listen: Annotated[str, help_("host:port; empty = the unix socket alone"), _LISTEN] = ""


class Helpdesk(Section, frozen=True, kw_only=True):
    """[[helpdesk]]: who gets conversations as tickets, and other events by webhook."""

    name: Annotated[str, help_("a short name, unique; rules forward to it"), _NAME]
    type: Annotated[str, help_("webhook"), _one_of("webhook")] = "webhook"
    url: Annotated[str, help_("http or https address that takes the calls"), _URL]
    secret: Annotated[Secret | None, help_("key of the Standard Webhooks signature, whsec_… or any text")] = None
    events: Annotated[tuple[str, ...], help_("event kinds sent besides forwarded conversations"), _WEBHOOK_KIND] = (
        "message.sent", "message.delivered", "message.failed", "message.uncertain",
    )  # fmt: skip


class Retention(Section, frozen=True, kw_only=True):
    """[retention]: how long things are kept."""

    text: Annotated[Duration, help_("texts of messages")] = 90 * 86400
    metadata: Annotated[Duration, help_("rows of messages, events and calls")] = 400 * 86400


class Limits(Section, frozen=True, kw_only=True):
    """[limits]: caps that protect purse and people."""

    segments: Annotated[int, help_("most segments of one text"), Meta(ge=1, le=255)] = 10
    attempts: Annotated[int, help_("tries of a text that is refused for now"), Meta(ge=1, le=100)] = 8
    validity: Annotated[Duration, help_("how long a text may wait before it expires")] = 2 * 86400


class Loops(Section, frozen=True, kw_only=True):
    """[loops]: what keeps two robots from talking to each other."""

    per_rule: Annotated[int, help_("automatic answers per sender and rule in 10 minutes"), Meta(ge=0)] = 1
    per_sender: Annotated[int, help_("automatic answers per sender in 24 hours"), Meta(ge=0)] = 5
    global_: Annotated[int, help_("automatic answers to anybody in a minute (key `global`)"), Meta(ge=0)] = 60
    identical: Annotated[int, help_("the same words of one sender in an hour, then no answers"), Meta(ge=1)] = 3


class Consent(Section, frozen=True, kw_only=True):
    """[consent]: the words that the built-in stage sends. Sender name and contact belong in them."""

    stop_reply: Annotated[str, help_("one confirmation after STOP")] = (
        "You will get no more texts from us. Text START to get them again."
    )
    start_reply: Annotated[str, help_("answer to START")] = "You will get texts from us again. Text STOP to end."
    help_reply: Annotated[str, help_("answer to HELP")] = "This is our text service. Text STOP to end."


class Doors(Section, frozen=True, kw_only=True):
    """[doors]: compatibility doors, all off unless named."""


class Config(Section, frozen=True, kw_only=True):
    """The whole file."""

    @property
    def profiles(self) -> list[tuple[str, str]]:
        """(link, profile) of each modem."""
        return [(link.name, link.profile) for link in self.link if isinstance(link, ModemConfig)]

    gateway: Gateway = Gateway()
    link: tuple[ModemConfig | SmppConfig, ...] = ()
    api: Api = Api()
    helpdesk: tuple[Helpdesk, ...] = ()
    retention: Retention = Retention()
    limits: Limits = Limits()
    loops: Loops = Loops()
    consent: Consent = Consent()
    doors: Doors = Doors()


def key_of(field: str) -> str:
    """The TOML key of a struct field: Python's reserved words carry an underscore there."""
    return field.rstrip("_")
