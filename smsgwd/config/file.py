"""Reads the configuration file: TOML beside the structs of the configuration.

:func:`load` returns a :class:`Config`, or raises ConfigError with *every* mistake, each with the file and the path of the
key, and a suggestion for a key that was misspelt. Secrets are read here too: a string, or a table with one of
``credential``, ``file``, ``env``.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from smsgwd.config import Config
from smsgwd.config.keys import DURATION, SIZE, Check, Secret, Section, key_of, parse_duration, parse_size
from smsgwd.config.links import LinkConfig, ModemConfig
from smsgwd.config.smpp import SmppConfig
from smsgwd.errors import ConfigError, Problem

_LINK_TYPES: dict[str, type[ModemConfig] | type[SmppConfig]] = {"modem": ModemConfig, "smpp": SmppConfig}
#: types of Python and msgspec as the words of TOML
_TOML_KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "a table",
    "dict": "a table", "array": "a list", "list": "a list",
}  # fmt: skip


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
        for key, reason in kind.faults(table):
            self.problem(_join(path, key), reason)
        return kind(**values) if len(self.problems) == before else None

    def value(self, hint: Any, value: Any, path: str) -> Any:
        plain = _unannotated(hint)
        if DURATION in getattr(hint, "__metadata__", ()):
            return self.parsed(parse_duration, value, path)
        if SIZE in getattr(hint, "__metadata__", ()):
            return self.parsed(parse_size, value, path)
        if Secret in _union(plain):
            return self.secret(value, path)
        section = next((kind for kind in _union(plain) if isinstance(kind, type) and issubclass(kind, Section)), None)
        if section is not None and (section is plain or isinstance(value, dict)):
            return self.section(section, value, path)
        if get_origin(plain) is tuple:
            item = _union(_unannotated(get_args(plain)[0]))[0]
            if not isinstance(value, list):
                self.problem(path, f"must be a list, not {_kind(value)}")
                return ()
            kind = LinkConfig if issubclass(item, LinkConfig) else item
            if issubclass(kind, Section):
                return tuple(self.section(kind, v, f"{path}[{i}]") for i, v in enumerate(value))
        return self.plain(hint, value, path)

    def plain(self, hint: Any, value: Any, path: str) -> Any:
        """A text, a number, a truth, or a list of texts: its type and bounds, then the checks of its key."""
        try:
            converted = msgspec.convert(value, hint)
        except msgspec.ValidationError as e:
            message, _, item = str(e).partition(" - at `$")
            self.problem(path + item.rstrip("`"), _in_words(message))
            return None
        for check in getattr(hint, "__metadata__", ()):
            for where, item in _items(converted, path) if isinstance(check, Check) else ():
                try:
                    check.judge(item)
                except ValueError as e:
                    self.problem(where, str(e))
        return converted

    def parsed(self, parse: Callable[[str], int], value: Any, path: str) -> int:
        """A number that is written with its unit."""
        try:
            return parse(value if isinstance(value, str) else f"{value}?")
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


def _items(value: Any, path: str) -> list[tuple[str, Any]]:
    """What a check looks at: each item of a list, each ``key=value`` of a table, or the value."""
    if isinstance(value, tuple):
        return [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return [(_join(path, key), f"{key}={item}") for key, item in value.items()]
    return [(path, value)]


def _unannotated(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _union(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _kind(value: Any) -> str:
    return _TOML_KINDS.get(type(value).__name__, "a date or time")


def _in_words(message: str) -> str:
    """What msgspec says of a wrong value, in the words of TOML: "must be a whole number, not text"."""
    found = re.fullmatch(r"Expected `(\w+)`(?:, got `(\w+)`| (>=|<=) (\S+))", message)
    if not found:
        return message
    wanted, got, which, bound = found.groups()
    if got:
        return f"must be {_TOML_KINDS.get(wanted, wanted)}, not {_TOML_KINDS.get(got, got)}"
    return f"must be {float(bound):g} or {'more' if which == '>=' else 'less'}"


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
    for section in ("link", "helpdesk"):
        _check_names(section, document.get(section), reader)
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


def _check_names(section: str, tables: Any, reader: _Reader) -> None:
    """A name belongs to one link, and to one desk."""
    seen = set()
    for i, table in enumerate(tables if isinstance(tables, list) else []):
        name = table.get("name") if isinstance(table, dict) else None
        if isinstance(name, str):
            if name in seen:
                reader.problem(f"{section}[{i}].name", f"{name!r} is used twice")
            seen.add(name)
