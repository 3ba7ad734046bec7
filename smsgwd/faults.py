"""What can go wrong in a simulator, on request: the rows of a table, their arguments, and the faults that wait. Pure.

A fault waits until what it concerns happens, and then happens ``count`` times, or until it is cleared when ``count`` is 0.
Those that act at once have no count. ``clear`` ends all of them. A table is also the help of its simulator; the names of the
fault catalogue (F1, F2, …) each stand for one or more rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

#: a count that ends only with ``clear``
UNTIL_CLEARED = 0

Argument = int | float | str
Step = tuple[str, Mapping[str, Argument]]


class Kind(msgspec.Struct, frozen=True):
    """One row of a table: what happens, and the arguments with their defaults, whose types theirs are."""

    what: str
    takes: Mapping[str, Argument] = {}
    #: happens when it is asked for; never waits
    at_once: bool = False


class Entry(msgspec.Struct, frozen=True):
    """One line of the catalogue: what goes wrong, and the faults that make it; ``why`` a simulator alone cannot."""

    what: str
    steps: tuple[Step, ...] = ()
    why: str = ""


class Fault(msgspec.Struct):
    """One fault with its arguments; ``left`` uses, None = until cleared."""

    name: str
    arguments: dict[str, Any]
    left: int | None

    def __getitem__(self, key: str) -> Any:
        return self.arguments[key]


class Table:
    """``ranges``: lowest and highest value of an argument. ``choices``: the values of a text, by fault and argument."""

    def __init__(
        self, kinds: Mapping[str, Kind], ranges: Mapping[str, tuple[float, float]],
        choices: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
    ) -> None:  # fmt: skip
        self.kinds = kinds
        self._ranges, self._choices = ranges, choices or {}

    def read(self, name: object, given: Mapping[str, object]) -> Fault:
        """Checks a request for a fault; ValueError says what is wrong with it."""
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise ValueError(f"{name!r} is no fault; faults: {', '.join(self.kinds)}")
        arguments: dict[str, Any] = dict(kind.takes)
        for key, value in given.items():
            if key not in arguments:
                raise ValueError(f"{name} takes no {key!r}; it takes: {', '.join(arguments) or 'nothing'}")
            arguments[key] = self._argument(str(name), key, value, type(arguments[key]))
        count = arguments.get("count", 1)
        return Fault(str(name), arguments, None if count == UNTIL_CLEARED else count)

    def _argument(self, name: str, key: str, value: object, kind: type[Argument]) -> Argument:
        if kind is str:
            choices = self._choices[name, key]
            if str(value) not in choices:
                raise ValueError(f"{key} is one of: {', '.join(choices)}")
            return str(value)
        low, high = self._ranges[key]
        number = _number(value)
        if number is None or not low <= number <= high or (kind is int and number != int(number)):
            what = "whole number" if kind is int else "number"
            raise ValueError(f"{key} is a {what} from {low:g} to {high:g}")
        return kind(number)

    def help_rows(self) -> list[tuple[str, str]]:
        """Name and meaning of each fault, with its arguments and their defaults."""
        rows = []
        for name, kind in self.kinds.items():
            more = " ".join(typed(kind.takes))
            rows.append((name, kind.what + (f" [{more}]" if more else "")))
        return rows


class Catalogue:
    """The names of the fault catalogue, made of a table's rows. Arguments go to those rows that take them."""

    def __init__(self, table: Table, entries: Mapping[str, Entry]) -> None:
        self._table, self._entries = table, entries

    def read(self, name: object, given: Mapping[str, object]) -> list[Fault]:
        """The faults of a name of the catalogue, or the one fault of that name. ValueError says what is wrong."""
        entry = self._entries.get(name.upper()) if isinstance(name, str) else None
        if entry is None:
            return [self._table.read(name, given)]
        if entry.why:
            raise ValueError(f"{str(name).upper()} ({entry.what}): {entry.why}")
        kinds = self._table.kinds
        taken = {key for step, _ in entry.steps for key in kinds[step].takes}
        for key in given:
            if key not in taken:
                raise ValueError(
                    f"{str(name).upper()} takes no {key!r}; it takes: {', '.join(sorted(taken)) or 'nothing'}"
                )
        return [
            self._table.read(step, {**fixed, **{k: v for k, v in given.items() if k in kinds[step].takes}})
            for step, fixed in entry.steps
        ]

    def read_option(self, text: str) -> list[Fault]:
        """A fault as the command line writes it: ``error:code=0x58:count=2``. ValueError."""
        name, *more = text.split(":")
        given: dict[str, object] = {}
        for argument in more:
            key, equals, value = argument.partition("=")
            if not equals or key in given:
                raise ValueError(f"{argument!r} is not like count=2")
            given[key] = value
        return self.read(name, given)

    def help_rows(self) -> list[tuple[str, str]]:
        """Each name of the catalogue, what goes wrong, and how it is made."""
        return [(name, f"{entry.what} [{made_by(entry)}]") for name, entry in self._entries.items()]


class Faults:
    """The faults that wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def __contains__(self, name: str) -> bool:
        return any(fault.name == name for fault in self._waiting)

    def waits(self, name: str, **wanted: object) -> Fault | None:
        """The fault of this name whose arguments are ``wanted``, not used; None when none waits."""
        if not self._waiting:
            return None
        return next(
            (x for x in self._waiting if x.name == name and all(x.arguments[k] == v for k, v in wanted.items())), None
        )

    def take(self, name: str, **wanted: object) -> Fault | None:
        """One use of that fault; None when none waits."""
        fault = self.waits(name, **wanted)
        if fault is not None and fault.left is not None:
            fault.left -= 1
            if not fault.left:
                self._waiting.remove(fault)
        return fault

    def use(self, name: str, times: int) -> None:
        """So many uses of a fault of this name."""
        for _ in range(times):
            self.take(name)

    def clear(self) -> None:
        self._waiting.clear()

    def names(self) -> list[str]:
        return [fault.name for fault in self._waiting]


def made_by(entry: Entry) -> str:
    """The faults that make it, as they would be typed; or why there is none."""
    steps = (" ".join([step, *typed(fixed)]) for step, fixed in entry.steps)
    return ", ".join(steps) or f"not by a simulator alone: {entry.why}"


def typed(arguments: Mapping[str, Argument]) -> list[str]:
    """``key=value`` of each argument."""
    return [f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in arguments.items()]


def _number(value: object) -> float | None:
    """A number, or its digits; text may be hexadecimal with 0x, as a command_status is written."""
    try:
        if isinstance(value, str):
            return int(value, 16) if value[:2].lower() == "0x" else float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    return None
