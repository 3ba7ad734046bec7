"""[[link]] with type = "smpp": the keys of one account at a carrier's SMSC (SMPP 3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, field

from smsgwd.config.keys import OWN_NUMBER, PATH, Check, Duration, Secret, Section, entry, help_, one_of, shape
from smsgwd.config.links import LinkConfig

_OCTET = Meta(ge=0, le=255)
#: -1 stands for "by the number", or "not used"
_OPTIONAL_OCTET = Meta(ge=-1, le=255)
#: what a command_status may be made to mean (smpp/refusal.py)
ACTIONS = ("again", "later", "few", "perm", "conf", "rebind")

_HOST = shape(r"[^\s:/]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?", "{} is neither host nor host:port")
#: octets of a string in an optional parameter, without its NUL
_MOST_STRING = 1024
_SIZES = {"int1": 1, "int2": 2, "int4": 4}


def _ton_npi(value: str) -> None:
    found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", value)
    if not found or max(map(int, found.groups())) > 255:
        raise ValueError(f"{value!r} is not TON/NPI such as 3/0: two numbers up to 255")


def octets_of_value(type: str, text: str) -> bytes:
    """The value of an optional parameter by its type: a string with its NUL, octets in hex, or an unsigned integer.
    ValueError when the type cannot write it."""
    if type == "string":
        octets = text.encode()
        if 0 in octets or len(octets) > _MOST_STRING:
            raise ValueError(f"a string has at most {_MOST_STRING} octets, and no NUL")
        return octets + b"\0"
    if type == "octets":
        try:
            return bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise ValueError(f"{text[:40]!r} is not octets in hex") from None
    try:
        return int(text[:12], 0).to_bytes(_SIZES[type], "big")
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no number from 0 to {256 ** _SIZES[type] - 1}") from None


def _status(value: str) -> None:
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}", value):
        raise ValueError(f"{value!r} is no command_status such as 0x58")


class Tls(Section, frozen=True, kw_only=True):
    """`tls` as a table: whom to trust, and who we are."""

    ca: Annotated[str, help_("file of the certificates to trust; empty = those of the system")] = ""
    cert: Annotated[str, help_("file of our own certificate, where the carrier asks for one")] = ""
    key: Annotated[str, help_("file of its key; empty = in the same file")] = ""
    server_name: Annotated[str, help_("name that the certificate must have; empty = the host")] = ""
    verify: Annotated[bool, help_("false takes any certificate: anybody on the way can read and change the texts")] = True
    min_version: Annotated[str, help_("oldest version of TLS to accept"), one_of("1.2", "1.3")] = "1.2"


class DataCoding(Section, frozen=True, kw_only=True):
    """`data_coding`: the number that stands for each alphabet at this carrier."""

    gsm7: Annotated[int, help_("the default alphabet"), _OCTET] = 0
    latin1: Annotated[int, help_("Latin-1; -1 = not used"), _OPTIONAL_OCTET] = -1
    ucs2: Annotated[int, help_("UCS-2"), _OCTET] = 8
    binary: Annotated[int, help_("octets"), _OCTET] = 4


class Priorities(Section, frozen=True, kw_only=True):
    """`priority`: priority_flag by class; carriers that know none want 0 throughout."""

    bulk: Annotated[int, help_("of bulk texts"), _OCTET] = 0
    normal: Annotated[int, help_("of normal texts"), _OCTET] = 0
    alarm: Annotated[int, help_("of alarms"), _OCTET] = 1


class Parameter(Section, frozen=True, kw_only=True):
    """One of `tlv`: an optional parameter of the carrier's own. With `value` or `from` it is sent, with `name` it is read."""

    tag: Annotated[int, help_("its tag, such as 0x1400"), Meta(ge=1, le=65535)]
    type: Annotated[
        str, help_("string, octets, int1, int2 or int4"), one_of("string", "octets", "int1", "int2", "int4")
    ] = "string"
    value: Annotated[str, help_("what is sent with every text; octets in hex")] = ""
    from_: Annotated[
        str, help_("send what the message has: meta.NAME, id, class, to or from (key `from`)"),
        shape(r"|meta\.[A-Za-z0-9_.-]{1,32}|id|class|to|from", "must be meta.NAME, id, class, to or from"),
    ] = ""
    name: Annotated[str, help_("the name under which rules and webhooks see it in inbound texts")] = ""

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        type, value = table.get("type", "string"), table.get("value")
        if isinstance(value, str) and value and type in ("string", "octets", *_SIZES):
            try:
                octets_of_value(str(type), value)
            except ValueError as e:
                yield "value", str(e)


class SmppConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "smpp": one bind to an SMSC."""

    host: Annotated[str, help_("host of the SMSC"), PATH]
    port: Annotated[int, help_("TCP port of the SMSC"), Meta(ge=1, le=65535)] = 2775
    hosts: Annotated[tuple[str, ...], help_("other hosts or host:port, tried in order when one cannot be reached"), _HOST] = ()
    system_id: Annotated[str, help_("name of the account")] = ""
    password: Annotated[Secret | None, help_("password of the account")] = None
    system_type: Annotated[str, help_("system_type of the bind")] = ""
    bind: Annotated[
        str, help_("transceiver, transmitter, receiver, or pair: transmitter and receiver over two connections"),
        one_of("transceiver", "transmitter", "receiver", "pair"),
    ] = "transceiver"
    binds: Annotated[int, help_("how many sessions of the account are held at once"), Meta(ge=1, le=16)] = 1
    interface_version: Annotated[int, help_("version sent in the bind: 0x33, 0x34 or 0x50"), _OCTET] = 0x34
    address_range: Annotated[str, help_("address_range of the bind")] = ""
    bind_ton: Annotated[int, help_("addr_ton of the bind"), _OCTET] = 0
    bind_npi: Annotated[int, help_("addr_npi of the bind"), _OCTET] = 0
    tls: Annotated[bool | Tls, help_("TLS, checked against the system's certificates; or a table")] = False

    window: Annotated[int, help_("unanswered requests at most, for each session"), Meta(ge=1, le=1000)] = 10
    throughput: Annotated[float, help_("segments a second, paced; 0 = no limit"), Meta(ge=0)] = 0.0
    enquire_link: Annotated[Duration, help_("silence after which enquire_link is sent; 0s = never")] = 30
    enquire_timeout: Annotated[Duration, help_("how long its answer may take")] = 15
    inactivity: Annotated[Duration, help_("silence of the SMSC after which the session is given up; 0s = never")] = 300
    bind_timeout: Annotated[Duration, help_("how long connecting, TLS and the bind may take")] = 30
    response_timeout: Annotated[Duration, help_("how long an answer to a text may take; then it is uncertain")] = 60
    pdu_timeout: Annotated[Duration, help_("how long a PDU that has begun may take to end")] = 10
    reconnect: Annotated[Duration, help_("longest pause between two tries to connect; refused binds wait longer")] = 60

    source_ton: Annotated[int, help_("type of our address; -1 = by the number"), _OPTIONAL_OCTET] = -1
    source_npi: Annotated[int, help_("plan of our address; -1 = by the number"), _OPTIONAL_OCTET] = -1
    dest_ton: Annotated[int, help_("type of the destination; -1 = by the number"), _OPTIONAL_OCTET] = -1
    dest_npi: Annotated[int, help_("plan of the destination; -1 = by the number"), _OPTIONAL_OCTET] = -1
    short_code: Annotated[str, help_("TON/NPI of short codes; carriers disagree: 3/0, 0/0, 0/1, 6/0"), Check(_ton_npi)] = "3/0"
    plus: Annotated[bool, help_("send international numbers with +")] = False
    address_charset: Annotated[
        str, help_("character set of senders made of letters"), one_of("ascii", "latin1", "cp1252", "utf8")
    ] = "ascii"
    senders: Annotated[
        tuple[str, ...], help_("other senders that a text may name as `from`: +digits, short codes, letters"), OWN_NUMBER
    ] = ()

    default_alphabet: Annotated[
        str, help_("what data_coding 0 means at this carrier: gsm7, ascii, latin1 or utf8"),
        one_of("gsm7", "ascii", "latin1", "utf8"),
    ] = "gsm7"
    packed: Annotated[bool, help_("GSM-7 packed, eight characters in seven octets; rare")] = False
    data_coding: Annotated[DataCoding, help_("numbers of the alphabets, as a table")] = DataCoding()
    flash: Annotated[
        str, help_("how a flash text is marked: 0x10, 0xF0 or dest_addr_subunit"),
        one_of("0x10", "0xF0", "dest_addr_subunit"),
    ] = "0x10"
    segmentation: Annotated[
        str, help_("how long texts are cut: udh8, udh16, sar (sar_* parameters) or payload (message_payload, whole)"),
        one_of("udh8", "udh16", "sar", "payload"),
    ] = "udh8"

    service_type: Annotated[str, help_("service_type, 5 characters at most"), shape(r"[ -~]{0,5}", "has at most 5 characters")] = ""
    protocol_id: Annotated[int, help_("protocol_id"), _OCTET] = 0
    esm_mode: Annotated[int, help_("messaging mode of esm_class: 0 default, 3 store and forward"), Meta(ge=0, le=3)] = 0
    replace_if_present: Annotated[bool, help_("a text replaces an undelivered one of the same sender and receiver")] = False
    priority: Annotated[Priorities, help_("priority_flag by class, as a table")] = Priorities()
    time: Annotated[str, help_("how times are written: relative or absolute"), one_of("relative", "absolute")] = "relative"
    max_validity: Annotated[Duration, help_("longest validity that the carrier takes; 0s = no limit")] = 0
    smsc_schedule: Annotated[bool, help_("texts for later wait at the SMSC instead of here")] = False

    receipts: Annotated[
        str, help_("which delivery receipts are asked for: final, failure or none"), one_of("final", "failure", "none")
    ] = "final"
    intermediate: Annotated[bool, help_("ask for intermediate notifications as well")] = False
    receipt_id: Annotated[
        str, help_("how the id of a receipt is written: auto, same, hex>dec, dec>hex or string"),
        one_of("auto", "same", "hex>dec", "dec>hex", "string"),
    ] = "auto"
    receipt_parts: Annotated[
        str, help_("which parts of a long text get a receipt: all, first or last"), one_of("all", "first", "last")
    ] = "all"
    receipt_by_text: Annotated[bool, help_("take a text that looks like a receipt, and names a text of ours, for one")] = True
    user_message_reference: Annotated[
        bool, help_("send a number of ours with each text; a receipt that repeats it settles an uncertain text")
    ] = False
    query: Annotated[bool, help_("the carrier answers query_sm: `queue show --ask`, and receipts that are overdue")] = False
    cancel: Annotated[bool, help_("the carrier answers cancel_sm: `queue cancel` also after a text was taken")] = False
    replace: Annotated[bool, help_("the carrier answers replace_sm: `queue replace` also after a text was taken")] = False
    tlv: Annotated[tuple[Parameter, ...], help_("optional parameters of the carrier, one table for each")] = ()
    status: Annotated[
        dict[str, str],
        help_("what a command_status means: again, later, few, perm, conf or rebind; \"0x400\" = \"perm\""),
        entry(_status, one_of(*ACTIONS).judge),
    ] = field(default_factory=dict)

    @staticmethod
    def faults(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        tls = table.get("tls")
        if isinstance(tls, dict) and tls.get("key") and not tls.get("cert"):
            yield "tls.cert", "missing; a key alone says nothing of us"
