"""The configuration: one struct per section, and beside each key its help and what its value must be.

========= ==========================================================
keys      what a key is made of: help, bounds, checks, secrets
links     [[link]]: what all links have, and a modem's own
smpp      [[link]] with type = "smpp"
file      reads these structs from TOML, and tells every mistake
========= ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, field

from smsgwd.config.keys import (
    BURST,
    CLOCK,
    LISTEN,
    NAME,
    OPTIONAL_ZONE,
    PATH,
    PREFIX,
    UNCERTAIN,
    URL,
    WEBHOOK_KIND,
    ZONE,
    Check,
    Duration,
    Secret,
    Section,
    Size,
    check_allowed,
    check_country,
    check_zone,
    entry,
    help_,
    key_of,
    one_of,
    parse_burst,
    parse_duration,
    parse_rate,
    shape,
)
from smsgwd.config.links import LinkConfig, ModemConfig
from smsgwd.config.smpp import SmppConfig, Tls

__all__ = [
    "DEFAULT_PATH", "Api", "Config", "Consent", "Doors", "Gateway", "Helpdesk", "Limits", "LinkConfig", "Loops",
    "ModemConfig", "Quiet", "Retention", "Secret", "Section", "SmppConfig", "Store", "Tls", "Uncertain", "key_of", "parse_burst",
    "parse_duration", "parse_rate",
]  # fmt: skip

DEFAULT_PATH = "/etc/smsgwd/smsgwd.toml"


class Gateway(Section, frozen=True, kw_only=True):
    """[gateway]: the daemon itself."""

    name: Annotated[str, help_("shown in logs, metrics and webhooks")] = "smsgwd"
    database: Annotated[str, help_("the SQLite file; its folder must be writable"), PATH] = "/var/lib/smsgwd/smsgwd.db"
    socket: Annotated[str, help_("unix socket of the command line"), PATH] = "/run/smsgwd/smsgwd.sock"
    country: Annotated[
        str, help_("two letters; numbers without + are read as national numbers of it"), Check(check_country)
    ] = "US"
    allow: Annotated[
        tuple[str, ...],
        help_("countries or +prefixes that may be written to; empty = `country` alone"),
        Check(check_allowed),
    ] = ()
    timezone: Annotated[
        str, help_("time zone of times that name none (`at`): Europe/Vienna; empty = that of the machine"), OPTIONAL_ZONE
    ] = ""
    modems: Annotated[str, help_("folder of modem profiles of your own (*.toml); they come before ours")] = (
        "/etc/smsgwd/modems.d"
    )
    rules: Annotated[str, help_("folder of rule files (*.toml)")] = "/etc/smsgwd/rules.d"
    templates: Annotated[str, help_("folder of answer templates (*.txt)")] = "/etc/smsgwd/templates"


class Api(Section, frozen=True, kw_only=True):
    """[api]: HTTP for programs."""

    listen: Annotated[str, help_("host:port; empty = the unix socket alone"), LISTEN] = ""


class Helpdesk(Section, frozen=True, kw_only=True):
    """[[helpdesk]]: who gets conversations as tickets, and other events by webhook."""

    name: Annotated[str, help_("a short name, unique; rules forward to it"), NAME]
    type: Annotated[str, help_("webhook"), one_of("webhook")] = "webhook"
    url: Annotated[str, help_("http or https address that takes the calls"), URL]
    secret: Annotated[Secret | None, help_("key of the Standard Webhooks signature, whsec_… or any text")] = None
    events: Annotated[tuple[str, ...], help_("event kinds sent besides forwarded conversations"), WEBHOOK_KIND] = (
        "message.sent", "message.delivered", "message.failed", "message.uncertain",
    )  # fmt: skip


class Retention(Section, frozen=True, kw_only=True):
    """[retention]: how long things are kept."""

    text: Annotated[
        Duration, help_("words of texts, what came raw of them, and idempotency keys (these for a week at least)")
    ] = 90 * 86400
    metadata: Annotated[
        Duration, help_("rows of texts with their attempts, conversations, calls that were given up; two weeks at least")
    ] = 400 * 86400
    events: Annotated[Duration, help_("events, and calls that a helpdesk took")] = 90 * 86400


class Limits(Section, frozen=True, kw_only=True):
    """[limits]: caps that protect purse and people."""

    segments: Annotated[int, help_("most segments of one text"), Meta(ge=1, le=255)] = 10
    queue_rows: Annotated[
        int, help_("texts that may wait to be sent over all links; more are refused (507); 0 = no limit"), Meta(ge=0)
    ] = 1_000_000
    attempts: Annotated[int, help_("tries of a text that is refused for now"), Meta(ge=1, le=100)] = 8
    validity: Annotated[Duration, help_("how long a text may wait before it expires")] = 2 * 86400
    currency: Annotated[str, help_("currency of all prices"), shape("[A-Z]{3}", "must be three capital letters, such as EUR")] = "EUR"
    per_number: Annotated[
        tuple[str, ...], help_("automatic texts to one number: so many in so long"), BURST
    ] = ("1/m", "5/15m", "12/h", "20/3h")
    premium: Annotated[
        tuple[str, ...], help_("prefixes of premium numbers that may be written to all the same"), PREFIX
    ] = ()
    short_codes: Annotated[
        tuple[str, ...], help_("short codes that may be written to"), shape("[0-9]{3,8}", "{} is no short code of 3 to 8 digits")
    ] = ()
    neighbours: Annotated[
        int, help_("different numbers of one block of a hundred within an hour; more is refused as pumping; 0 = no limit"),
        Meta(ge=0),
    ] = 20


class Store(Section, frozen=True, kw_only=True):
    """[store]: the room of the database, and its care."""

    free: Annotated[Size, help_("free space of its disk below which new texts are refused, so that all else still has room")] = (
        50 << 20
    )
    reserve: Annotated[Size, help_("a file beside the database that is given up on a full disk, for what is on its way")] = 1 << 20
    largest: Annotated[Size, help_("size of the database from which on new texts are refused; 0 = none")] = 0
    log: Annotated[Size, help_("size of the write-ahead log from which on the event store.log is told")] = 64 << 20
    check: Annotated[Duration, help_("how often the database is read through while the gateway runs; 0s = never")] = 7 * 86400


class Quiet(Section, frozen=True, kw_only=True):
    """[quiet]: hours in which people are left alone; a text that falls into them waits for their end."""

    from_: Annotated[str, help_("when quiet begins, in the recipient's time zone: 21:00 (key `from`); empty = never"), CLOCK] = ""
    until: Annotated[str, help_("when it ends: 08:00"), CLOCK] = ""
    classes: Annotated[
        tuple[str, ...], help_("bulk, normal, alarm: what waits"), one_of("bulk", "normal", "alarm")
    ] = ("bulk",)
    zone: Annotated[str, help_("time zone of numbers whose own is not known: Europe/Vienna"), ZONE] = "UTC"
    zones: Annotated[
        dict[str, str], help_("time zone by prefix, longest first, where a number's own is not right"),
        entry(PREFIX.judge, check_zone),
    ] = field(default_factory=dict)

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        if bool(table.get("from")) != bool(table.get("until")):
            yield "until" if table.get("from") else "from", "missing; quiet hours have a beginning and an end"


class Uncertain(Section, frozen=True, kw_only=True):
    """[uncertain]: what is done, by class, about a text of which nobody knows whether it was sent."""

    bulk: Annotated[str, help_("hold (wait for a late answer, a report or you), retry (send again, a possible duplicate) or "
                               "assume-sent"), UNCERTAIN] = "hold"  # fmt: skip
    normal: Annotated[str, help_("the same for class normal"), UNCERTAIN] = "hold"
    alarm: Annotated[str, help_("the same for class alarm: twice is better than never"), UNCERTAIN] = "retry"

    @property
    def policies(self) -> dict[str, str]:
        """class -> hold, retry or assume-sent."""
        named = {"bulk": self.bulk, "normal": self.normal, "alarm": self.alarm}
        return {class_: "retry" if word == "resend" else word for class_, word in named.items()}


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
    store: Store = Store()
    quiet: Quiet = Quiet()
    uncertain: Uncertain = Uncertain()
    loops: Loops = Loops()
    consent: Consent = Consent()
    doors: Doors = Doors()
