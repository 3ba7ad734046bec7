"""The configuration: one struct per section, the help of each key beside it.

:func:`load` reads TOML and returns :class:`Config`, or raises ConfigError with *every* mistake, each with the file and
the path of the key, and a suggestion for a key that was misspelt. Secrets are read here too (a string, or a table with
one of ``credential``, ``file``, ``env``) and kept in :class:`Secret`, which never shows itself.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from smsgwd.errors import ConfigError, Problem
from smsgwd.events import WEBHOOK_KINDS

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


_DURATION = Meta(extra={"written": "a number with s, m, h, d or w: 90d"})
#: seconds
Duration = Annotated[int, _DURATION]


def help_(text: str) -> Any:
    return Meta(description=text)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the sections; unknown keys are errors."""


class Gateway(Section, frozen=True, kw_only=True):
    """[gateway]: the daemon itself."""

    name: Annotated[str, help_("shown in logs, metrics and webhooks")] = "smsgwd"
    database: Annotated[str, help_("the SQLite file; its folder must be writable")] = "/var/lib/smsgwd/smsgwd.db"
    socket: Annotated[str, help_("unix socket of the command line")] = "/run/smsgwd/smsgwd.sock"
    country: Annotated[str, help_("two letters; numbers without + are read as national numbers of it")] = "US"
    allow: Annotated[
        tuple[str, ...], help_("countries or +prefixes that may be written to; empty = `country` alone")
    ] = ()
    rules: Annotated[str, help_("folder of rule files (*.toml)")] = "/etc/smsgwd/rules.d"
    templates: Annotated[str, help_("folder of answer templates (*.txt)")] = "/etc/smsgwd/templates"


class LinkConfig(Section, frozen=True, kw_only=True):
    """[[link]]: what a modem and an SMPP bind have in common."""

    name: Annotated[str, help_("a short name, unique")]
    type: Annotated[str, help_("modem or smpp")]
    number: Annotated[str, help_("our own number on this link, with +")] = ""
    enabled: Annotated[bool, help_("false leaves the link out")] = True
    prefixes: Annotated[tuple[str, ...], help_("number prefixes with + that it may carry; empty = all")] = ()
    weight: Annotated[int, help_("share of the traffic among links that fit equally well"), Meta(ge=0, le=1000)] = 10
    classes: Annotated[tuple[str, ...], help_("bulk, normal, alarm: what it may carry; empty = all")] = ()
    rate: Annotated[str, help_("most segments per time: 10/m, 1/s, 500/h; empty = no limit")] = ""
    national: Annotated[
        tuple[str, ...], help_("national language tables to use where they save parts: tr, es, pt")
    ] = ()
    transliterate: Annotated[bool, help_("write letters that GSM-7 lacks by plain ones where that saves parts")] = False


class ModemConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "modem": a GSM modem with its SIM."""

    port: Annotated[str, help_("serial port, best by its name under /dev/serial/by-id")]
    baudrate: Annotated[int, help_("speed of a real serial line; USB ignores it"), Meta(ge=300, le=4000000)] = 115200
    pin: Annotated[Secret | None, help_("SIM PIN; tried once")] = None
    profile: Annotated[str, help_("modem family, or auto")] = "auto"
    smsc: Annotated[str, help_("SMSC number, when the SIM has none")] = ""
    roaming: Annotated[bool, help_("send when registered as roaming")] = True


class SmppConfig(LinkConfig, frozen=True, kw_only=True):
    """[[link]] with type = "smpp": one bind to an SMSC."""

    host: Annotated[str, help_("host of the SMSC")]
    port: Annotated[int, help_("TCP port of the SMSC"), Meta(ge=1, le=65535)] = 2775
    system_id: Annotated[str, help_("name of the account")] = ""
    password: Annotated[Secret | None, help_("password of the account")] = None
    system_type: Annotated[str, help_("system_type of the bind")] = ""
    bind: Annotated[str, help_("transceiver, transmitter or receiver")] = "transceiver"
    window: Annotated[int, help_("unanswered requests at most"), Meta(ge=1, le=1000)] = 10
    throughput: Annotated[float, help_("segments a second, paced; 0 = no limit"), Meta(ge=0)] = 0.0
    tls: Annotated[bool, help_("TLS, checked against the system's certificates")] = False


class Api(Section, frozen=True, kw_only=True):
    """[api]: HTTP for programs."""

    listen: Annotated[str, help_("host:port; empty = the unix socket alone")] = ""


class Helpdesk(Section, frozen=True, kw_only=True):
    """[[helpdesk]]: who gets conversations as tickets, and other events by webhook."""

    name: Annotated[str, help_("a short name, unique; rules forward to it")]
    type: Annotated[str, help_("webhook")] = "webhook"
    url: Annotated[str, help_("http or https address that takes the calls")]
    secret: Annotated[Secret | None, help_("key of the Standard Webhooks signature, whsec_… or any text")] = None
    events: Annotated[tuple[str, ...], help_("event kinds sent besides forwarded conversations")] = (
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

    gateway: Gateway = Gateway()
    link: tuple[ModemConfig | SmppConfig, ...] = ()
    api: Api = Api()
    helpdesk: tuple[Helpdesk, ...] = ()
    retention: Retention = Retention()
    limits: Limits = Limits()
    loops: Loops = Loops()
    consent: Consent = Consent()
    doors: Doors = Doors()


# ---- reading -------------------------------------------------------------------------------------------------------

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LINK_TYPES: dict[str, type[ModemConfig] | type[SmppConfig]] = {"modem": ModemConfig, "smpp": SmppConfig}


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


def key_of(field: str) -> str:
    """The TOML key of a struct field: Python's reserved words carry an underscore there."""
    return field.rstrip("_")


class _Reader:
    """Walks a TOML document beside the structs and gathers every problem."""

    def __init__(self, file: str, environ: Mapping[str, str], reveal: bool) -> None:
        self.file, self.environ, self.reveal = file, environ, reveal
        self.problems: list[Problem] = []

    def problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(self.file, path, message))

    def section(self, kind: type[Any], table: Any, path: str) -> Any:
        """One struct from one table; None when it cannot be built (the reasons are in ``problems``)."""
        if not isinstance(table, dict):
            self.problem(path, f"must be a table, not {_kind(table)}")
            return None
        if kind is LinkConfig:
            if table.get("type") not in _LINK_TYPES:
                self.problem(f"{path}.type", 'must be "modem" or "smpp"')
                return None
            kind = _LINK_TYPES[table["type"]]
        hints = get_type_hints(kind, include_extras=True)
        fields = {key_of(f.name): f for f in msgspec.structs.fields(kind)}
        before = len(self.problems)
        for unknown in [k for k in table if k not in fields]:
            close = difflib.get_close_matches(unknown, fields, 1)
            self.problem(_join(path, unknown), "unknown key" + (f"; did you mean {close[0]!r}?" if close else ""))
        values = {}
        for key, field in fields.items():
            if key in table:
                values[field.name] = self.value(hints[field.name], table[key], _join(path, key))
            elif field.required:
                self.problem(_join(path, key), "missing")
        return kind(**values) if len(self.problems) == before else None

    def value(self, hint: Any, value: Any, path: str) -> Any:
        plain = _unannotated(hint)
        if _DURATION in getattr(hint, "__metadata__", ()):
            return self.duration(value, path)
        if Secret in _union(plain):
            return self.secret(value, path)
        if isinstance(plain, type) and issubclass(plain, Section):
            return self.section(plain, value, path)
        if get_origin(plain) is tuple:
            item = _union(_unannotated(get_args(plain)[0]))[0]
            if not isinstance(value, list):
                self.problem(path, f"must be a list, not {_kind(value)}")
                return ()
            kind = LinkConfig if issubclass(item, LinkConfig) else item
            if issubclass(kind, Section):
                return tuple(self.section(kind, v, f"{path}[{i}]") for i, v in enumerate(value))
        try:
            return msgspec.convert(value, hint)
        except msgspec.ValidationError as e:
            self.problem(path, str(e))
            return None

    def duration(self, value: Any, path: str) -> int:
        try:
            return parse_duration(value if isinstance(value, str) else f"{value}?")
        except ValueError as e:
            self.problem(path, str(e))
            return 0

    def secret(self, value: Any, path: str) -> Secret | None:
        """A string, or a table with one of credential, file, env. The value itself is never part of a message."""
        if isinstance(value, str):
            return Secret(value)
        if not isinstance(value, dict) or len(value) != 1 or not {"credential", "file", "env"} >= set(value):
            self.problem(path, "must be a string, or a table with one of credential, file, env")
            return None
        ((how, name),) = value.items()
        if not isinstance(name, str) or not name:
            self.problem(path, f"{how} must be a name")
            return None
        if not self.reveal:
            return Secret("")
        if how == "env":
            if name not in self.environ:
                self.problem(path, f"the environment has no {name}")
                return None
            return Secret(self.environ[name])
        folder = self.environ.get("CREDENTIALS_DIRECTORY", "/etc/smsgwd/credentials")
        names = [Path(name)] if how == "file" else [Path(folder, name), Path(folder, f"smsgwd_{name}")]
        for file in names:
            try:
                return Secret(file.read_text().rstrip("\n"))
            except OSError as e:
                why = e.strerror
        self.problem(path, f"{names[0]}: {why}")
        return None


def _unannotated(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _union(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _kind(value: Any) -> str:
    return {dict: "a table", list: "a list", str: "a string", bool: "true or false"}.get(type(value), "a number")


def parse(
    text: str, file: str = "smsgwd.toml", environ: Mapping[str, str] | None = None, *, reveal: bool = True
) -> Config:
    """Reads a configuration from TOML text. ``reveal=False`` leaves secrets that lie elsewhere unread."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError([Problem(file, "", f"not TOML: {e}")]) from None
    reader = _Reader(file, os.environ if environ is None else environ, reveal)
    config = reader.section(Config, document, "")
    if config is not None:
        _check(config, reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    assert isinstance(config, Config)
    return config


def load(path: str | Path, environ: Mapping[str, str] | None = None, *, reveal: bool = True) -> Config:
    """Reads a configuration file; ConfigError with every mistake, also when the file cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "not UTF-8"
        raise ConfigError([Problem(str(path), "", f"cannot be read: {why}")]) from None
    return parse(text, str(path), environ, reveal=reveal)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


def _check(config: Config, reader: _Reader) -> None:
    """What one key alone cannot tell."""
    _check_names("link", [x.name for x in config.link], reader)
    _check_names("helpdesk", [x.name for x in config.helpdesk], reader)
    if not re.fullmatch(r"[A-Z]{2}", config.gateway.country):
        reader.problem("gateway.country", "must be two capital letters, such as US")
    for i, allowed in enumerate(config.gateway.allow):
        if not re.fullmatch(r"[A-Z]{2}|\+[0-9]{1,15}", allowed):
            reader.problem(f"gateway.allow[{i}]", f"{allowed!r} is neither a country (US) nor a prefix (+1)")
    for i, link in enumerate(config.link):
        _check_link(f"link[{i}]", link, reader)
    for i, desk in enumerate(config.helpdesk):
        if desk.type != "webhook":
            reader.problem(f"helpdesk[{i}].type", f"{desk.type!r} is not known; known: webhook")
        if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", desk.url):
            reader.problem(f"helpdesk[{i}].url", "must be an http or https address without user and password")
        for kind in sorted(set(desk.events) - WEBHOOK_KINDS):
            close = difflib.get_close_matches(kind, WEBHOOK_KINDS, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(WEBHOOK_KINDS))}"
            reader.problem(f"helpdesk[{i}].events", f"{kind!r} is no kind of webhook; {hint}")
    if config.api.listen and not re.fullmatch(r"[^\s:]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}", config.api.listen):
        reader.problem("api.listen", "must be host:port, such as 127.0.0.1:8480")


def _check_names(section: str, names: list[str], reader: _Reader) -> None:
    for i, name in enumerate(names):
        if not _NAME.fullmatch(name):
            reader.problem(f"{section}[{i}].name", f"{name!r}: letters, digits, . _ - only, 32 at most")
        elif name in names[:i]:
            reader.problem(f"{section}[{i}].name", f"{name!r} is used twice")


def _check_link(path: str, link: LinkConfig, reader: _Reader) -> None:
    if link.number and not re.fullmatch(r"\+[0-9]{3,15}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", link.number):
        reader.problem(f"{path}.number", "must be +digits, a short code, or up to 11 letters")
    for i, prefix in enumerate(link.prefixes):
        if not re.fullmatch(r"\+[0-9]{0,15}", prefix):
            reader.problem(f"{path}.prefixes[{i}]", f"{prefix!r} is not a prefix such as +1")
    for i, name in enumerate(link.classes):
        if name not in ("bulk", "normal", "alarm"):
            reader.problem(f"{path}.classes[{i}]", f"{name!r} is none of bulk, normal, alarm")
    try:
        parse_rate(link.rate)
    except ValueError as e:
        reader.problem(f"{path}.rate", str(e))
    if isinstance(link, SmppConfig) and link.bind not in ("transceiver", "transmitter", "receiver"):
        reader.problem(f"{path}.bind", f"{link.bind!r} is none of transceiver, transmitter, receiver")
