"""Structs from TOML tables, with every mistake told at once: the file and the path of the key.

:func:`values_of` walks one table beside one struct and gives what the table names, by the field names of Python; what it
does not name is left out, so that tables can be laid over each other before the struct is built. Keys are the struct's
encoded names. A bound of a value (:class:`msgspec.Meta`) carries in its description what the value must be.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from smsgwd.errors import Problem

_KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "a table",
    "dict": "a table", "array": "a list", "list": "a list",
}  # fmt: skip


def document(text: str, file: str, problems: list[Problem]) -> dict[str, Any]:
    """The tables of one file; empty when it is not TOML, which is a problem."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        problems.append(Problem(file, "", f"not TOML: {e}"))
        return {}


def documents(folder: str, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files ``*.toml`` of a folder in the order of their names; a folder that is not there has none."""
    try:
        files = sorted(f for f in Path(folder).iterdir() if f.suffix == ".toml")
    except FileNotFoundError:
        return
    except OSError as e:
        problems.append(Problem(folder, "", f"cannot be read: {e.strerror}"))
        return
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            why = e.strerror if isinstance(e, OSError) else "not UTF-8"
            problems.append(Problem(str(file), "", f"cannot be read: {why}"))
            continue
        yield str(file), document(text, str(file), problems)


def values_of(kind: type[msgspec.Struct], table: Any, file: str, path: str, problems: list[Problem]) -> dict[str, Any]:
    """What a table names, converted; each key that is unknown, missing or wrong becomes a problem."""
    if not isinstance(table, dict):
        problems.append(Problem(file, path, f"must be a table, not {_KINDS.get(type(table).__name__, 'a date')}"))
        return {}
    hints = _hints(kind)
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    for key in table:
        if key not in fields:
            close = difflib.get_close_matches(key, fields, 1)
            why = "unknown key" + (f"; did you mean {close[0]!r}?" if close else "")
            problems.append(Problem(file, f"{path}.{key}", why))
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if key not in table:
            if field.required:
                problems.append(Problem(file, f"{path}.{key}", "missing"))
            continue
        before = len(problems)
        value = _value(hints[field.name], table[key], file, f"{path}.{key}", problems)
        if len(problems) == before:
            values[field.name] = value
    return values


@lru_cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _value(hint: Any, value: Any, file: str, path: str, problems: list[Problem]) -> Any:
    kind = _struct_in(hint)
    if kind is not None and get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_struct(kind, item, file, f"{path}[{i}]", problems) for i, item in enumerate(value))
    if kind is not None and get_origin(hint) is not tuple:
        return _struct(kind, value, file, path, problems)
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as e:
        message, _, item = str(e).partition(" - at `$")
        problems.append(Problem(file, path + item.rstrip("`"), _in_words(message, hint, inside=bool(item))))
        return None


def _struct(kind: type[msgspec.Struct], table: Any, file: str, path: str, problems: list[Problem]) -> Any:
    before = len(problems)
    values = values_of(kind, table, file, path, problems)
    return kind(**values) if len(problems) == before else None


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The struct of ``Kind``, ``Kind | None`` and ``tuple[Kind, ...]``."""
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def _in_words(message: str, hint: Any, *, inside: bool) -> str:
    """What msgspec says of a wrong value, in the words of TOML. ``inside``: of an item of a list or table."""
    found = re.fullmatch(r"Expected `([\w |]+)`, got `(\w+)`", message)
    if found:
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in found[1].split(" | "))
        return f"must be {wanted}, not {_KINDS.get(found[2], found[2])}"
    bounds = list(_bounds(hint))
    return f"must be {bounds[-1] if inside else bounds[0]}" if bounds else message


def _bounds(hint: Any) -> Iterator[str]:
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, msgspec.Meta) and mark.description:
            yield mark.description
    if get_origin(hint) is Literal:
        yield " or ".join(map(str, get_args(hint)))
        return
    for part in get_args(hint):
        yield from _bounds(part)
