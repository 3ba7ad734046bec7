"""[[link]]: what a modem and an SMPP bind have in common, and a modem's own keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, field

from smsgwd.config.keys import (
    BALANCE_CODE,
    DOMAIN,
    ICCID,
    IMEI,
    LANGUAGE,
    NAME,
    OWN_NUMBER,
    PREFIX,
    SMSC,
    USSD_CODE,
    Check,
    Duration,
    Secret,
    Section,
    check_country,
    check_pattern,
    entry,
    help_,
    one_of,
    parse_rate,
)


def _price(value: str) -> None:
    if float(value) < 0:
        raise ValueError("a price is 0 or more")


class LinkConfig(Section, frozen=True, kw_only=True):
    """[[link]]: what a modem and an SMPP bind have in common."""

    name: Annotated[str, help_("a short name, unique"), NAME]
    type: Annotated[str, help_("modem or smpp")]
    number: Annotated[str, help_("our own number on this link, with +"), OWN_NUMBER] = ""
    enabled: Annotated[bool, help_("false leaves the link out")] = True
    prefixes: Annotated[tuple[str, ...], help_("number prefixes with + that it may carry; empty = all"), PREFIX] = ()
    denied: Annotated[tuple[str, ...], help_("number prefixes with + that it may not carry"), PREFIX] = ()
    countries: Annotated[
        tuple[str, ...], help_("countries whose numbers it may carry; empty = all"), Check(check_country)
    ] = ()
    cost: Annotated[float, help_("price of one segment, in limits.currency; the cheapest link that fits wins"), Meta(ge=0)] = 0.0
    costs: Annotated[
        dict[str, float], help_("price of one segment by prefix, longest first, where it differs from `cost`"),
        entry(PREFIX.judge, _price),
    ] = field(default_factory=dict)
    weight: Annotated[int, help_("share of the traffic among links that fit equally well"), Meta(ge=0, le=1000)] = 10
    classes: Annotated[
        tuple[str, ...],
        help_("bulk, normal, alarm: what it may carry; empty = all"),
        one_of("bulk", "normal", "alarm"),
    ] = ()
    failover: Annotated[
        bool, help_("its texts may move to other links while it is away, or rests after a run of failures")
    ] = True
    rate: Annotated[str, help_("most segments per time: 10/m, 1/s, 500/h; empty = no limit"), Check(parse_rate)] = ""
    prefix_rates: Annotated[
        dict[str, str], help_("most segments per time to numbers of a prefix"), entry(PREFIX.judge, parse_rate)
    ] = field(default_factory=dict)
    backlog: Annotated[
        int, help_("texts that may wait for this link; more are refused for now (429); 0 = no limit"), Meta(ge=0)
    ] = 0
    segments_per_day: Annotated[int, help_("most segments in a day (UTC); 0 = no limit"), Meta(ge=0)] = 0
    segments_per_month: Annotated[int, help_("most segments in a month (UTC); 0 = no limit"), Meta(ge=0)] = 0
    cost_per_day: Annotated[float, help_("most money in a day (UTC); 0 = no limit"), Meta(ge=0)] = 0.0
    cost_per_month: Annotated[float, help_("most money in a month (UTC); 0 = no limit"), Meta(ge=0)] = 0.0
    national: Annotated[
        tuple[str, ...], help_("national language tables to use where they save parts: tr, es, pt"), LANGUAGE
    ] = ()
    transliterate: Annotated[bool, help_("write letters that GSM-7 lacks by plain ones where that saves parts")] = False


class ModemConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "modem": a GSM modem with its SIM."""

    port: Annotated[str, help_("serial port, best by its name under /dev/serial/by-id")] = ""
    imei: Annotated[str, help_("instead of a port: the modem with this IMEI, wherever it is plugged in"), IMEI] = ""
    iccid: Annotated[str, help_("instead of a port: the modem with this SIM; no other SIM is used"), ICCID] = ""
    baudrate: Annotated[int, help_("speed of a real serial line; USB ignores it"), Meta(ge=300, le=4000000)] = 115200
    pin: Annotated[Secret | None, help_("SIM PIN; tried once")] = None
    profile: Annotated[str, help_("modem family, or auto")] = "auto"
    smsc: Annotated[str, help_("SMSC number, when the SIM has none"), SMSC] = ""
    roaming: Annotated[bool, help_("send when registered as roaming")] = True
    sms_domain: Annotated[
        str, help_("how texts go on the air, where the operator needs it (AT+CGSMS); empty = as the modem is"), DOMAIN
    ] = ""
    hangup: Annotated[bool, help_("hang up calls that come in")] = False
    ussd: Annotated[tuple[str, ...], help_("codes that `smsgwd ussd` may send; they can cost money"), USSD_CODE] = ()
    balance: Annotated[str, help_("USSD code that asks for a prepaid SIM's balance; empty = never"), BALANCE_CODE] = ""
    balance_every: Annotated[Duration, help_("how often the balance is asked for")] = 86400
    balance_pattern: Annotated[
        str, help_("regular expression for the amount in the answer, in its first group"), Check(check_pattern)
    ] = r"([0-9]+(?:[.,][0-9]+)?)"
    reset_command: Annotated[
        tuple[str, ...],
        help_("program and arguments that switch the modem's power off and on; the last step of recovery"),
    ] = ()

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        if not any(table.get(key) for key in ("port", "imei", "iccid")):
            yield "port", "missing; name the modem by port, imei or iccid"
