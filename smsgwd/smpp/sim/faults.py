"""What can go wrong in the simulated SMSC, on request. Pure.

A fault waits until what it concerns happens, and then happens ``count`` times, or until it is cleared when ``count`` is 0.
Those that act at once have no count. ``clear`` ends all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

#: a count that ends only with ``clear``
UNTIL_CLEARED = 0


class Kind(msgspec.Struct, frozen=True):
    """One row of the table: what happens, and the arguments with their defaults."""

    what: str
    takes: Mapping[str, float] = {}
    #: happens when it is asked for; never waits
    at_once: bool = False


_ONCE: Mapping[str, float] = {"count": 1}

FAULTS: Mapping[str, Kind] = {
    # submit_sm
    "no-answer": Kind("takes the next text and never answers it", _ONCE),
    "error": Kind("refuses the next text with a command_status", {"count": 1, "code": 0x08}),
    "slow": Kind("takes the next text and answers it so many seconds late", {"count": 1, "seconds": 5.0}),
    "drop": Kind("cuts the connection instead of answering the next text; taken=0: does not take it either",
                 {"count": 1, "taken": 1}),
    "nack": Kind("answers the next text with a generic_nack of this command_status", {"count": 1, "code": 0x03}),
    "no-id": Kind("takes the next text and names no message_id", _ONCE),
    "undeliverable": Kind("reports on the next text with another message_state", {"count": 1, "state": 5}),
    "report-first": Kind("reports on the next text before its answer", _ONCE),
    # the session
    "refuse-bind": Kind("refuses the next bind with a command_status", {"count": 1, "code": 0x0D}),
    "mute": Kind("reads everything and answers nothing", {"count": UNTIL_CLEARED}),
    "unbind": Kind("asks everybody to unbind now", at_once=True),
    "cut": Kind("cuts every connection now", at_once=True),
    "garbage": Kind("sends everybody what is no PDU now", at_once=True),
    "clear": Kind("ends all faults now", at_once=True),
}  # fmt: skip

#: what the arguments may be
_RANGES: Mapping[str, tuple[float, float]] = {
    "count": (0, 1_000_000), "code": (1, 0xFFFFFFFF), "seconds": (0, 86_400), "taken": (0, 1), "state": (0, 9),
}  # fmt: skip


class Fault(msgspec.Struct):
    """One fault with its arguments; ``left`` uses, None = until cleared."""

    name: str
    arguments: dict[str, float]
    left: int | None

    def __getitem__(self, key: str) -> float:
        return self.arguments[key]


def read_fault(name: object, given: Mapping[str, object]) -> Fault:
    """Checks a request for a fault; ValueError says what is wrong with it."""
    kind = FAULTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"{name!r} is no fault; faults: {', '.join(FAULTS)}")
    arguments = dict(kind.takes)
    for key, value in given.items():
        if key not in arguments:
            raise ValueError(f"{name} takes no {key!r}; it takes: {', '.join(arguments) or 'nothing'}")
        arguments[key] = _number(key, value)
    count = arguments.get("count", 1)
    return Fault(str(name), arguments, None if count == UNTIL_CLEARED else int(count))


def read_option(text: str) -> Fault:
    """A fault as the command line writes it: ``error:code=0x58:count=2``. ValueError."""
    name, *more = text.split(":")
    given: dict[str, object] = {}
    for argument in more:
        key, equals, value = argument.partition("=")
        if not equals or key in given:
            raise ValueError(f"{argument!r} is not like count=2")
        given[key] = value
    return read_fault(name, given)


def _number(key: str, value: object) -> float:
    """A number; text may be hexadecimal with 0x, as a command_status is written."""
    low, high = _RANGES[key]
    number: float | None = None
    try:
        if isinstance(value, str):
            number = int(value, 16) if value[:2].lower() == "0x" else float(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = value
    except ValueError:
        number = None
    if number is None or not low <= number <= high or (key != "seconds" and number != int(number)):
        kind = "number" if key == "seconds" else "whole number"
        raise ValueError(f"{key} is a {kind} from {low:g} to {high:g}")
    return number


def help_rows() -> list[tuple[str, str]]:
    """Name and meaning of each fault, with its arguments and their defaults."""
    rows = []
    for name, kind in FAULTS.items():
        more = " ".join(f"{key}={value:g}" for key, value in kind.takes.items())
        rows.append((name, kind.what + (f" [{more}]" if more else "")))
    return rows


class Faults:
    """The faults that wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def __contains__(self, name: str) -> bool:
        return any(fault.name == name for fault in self._waiting)

    def take(self, name: str) -> Fault | None:
        """One use of the oldest fault of this name; None when none waits."""
        fault = next((f for f in self._waiting if f.name == name), None)
        if fault is not None and fault.left is not None:
            fault.left -= 1
            if not fault.left:
                self._waiting.remove(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def names(self) -> list[str]:
        return [fault.name for fault in self._waiting]
