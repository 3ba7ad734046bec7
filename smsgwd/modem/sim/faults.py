"""What can go wrong in the simulated modem, on request. Pure.

A fault waits until what it concerns happens, and then happens ``count`` times; a few act at once. ``clear`` ends all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

#: name -> (what it does, the arguments it takes with their defaults)
FAULTS: dict[str, tuple[str, dict[str, float | str]]] = {
    "no-answer": ("takes the PDU and never says what became of it", {"count": 1}),
    "late-answer": ("answers the PDU so many seconds late", {"count": 1, "seconds": 5.0}),
    "no-prompt": ("gives no prompt to AT+CMGS", {"count": 1}),
    "error": ("refuses the PDU with an error code", {"count": 1, "kind": "cms", "code": 38}),
    "refuse": ("refuses AT+CMGS before the prompt with an error code", {"count": 1, "kind": "cms", "code": 302}),
    "report-first": ("sends the delivery report before its own +CMGS", {"count": 1}),
    "lost-notification": ("stores the next text without a notice", {"count": 1}),
    "storage-full": ("stores nothing until cleared", {"count": 1_000_000}),
    "hang": ("answers nothing at all until cleared", {"count": 1_000_000}),
    "junk-urc": ("says some noise now", {}),
    "echo-back": ("turns the echo on again now", {}),
    "registration": ("changes the registration now: 1 home, 2 searching, 3 denied, 5 roaming", {"stat": 2}),
    "reset": ("restarts now and forgets its settings", {}),
    "pin-locked": ("locks the SIM now: it wants its PIN", {}),
    "unplug": ("goes away now and comes back", {"seconds": 3.0}),
    "clear": ("ends all faults now", {}),
}
#: those that act when they are asked for
AT_ONCE = frozenset({"junk-urc", "echo-back", "registration", "reset", "pin-locked", "unplug", "clear"})


class Fault(msgspec.Struct):
    """One fault that waits."""

    name: str
    arguments: dict[str, Any]
    left: int


def read_fault(name: str, given: Mapping[str, Any]) -> Fault:
    """Checks a request for a fault; ValueError says what is wrong with it."""
    if name not in FAULTS:
        raise ValueError(f"{name!r} is no fault; faults: {', '.join(FAULTS)}")
    known = FAULTS[name][1]
    arguments: dict[str, Any] = dict(known)
    for key, value in given.items():
        if key not in known:
            takes = ", ".join(known) or "none"
            raise ValueError(f"{name} takes no argument {key!r}; it takes: {takes}")
        kind = type(known[key])
        try:
            arguments[key] = kind(value)
        except (TypeError, ValueError):
            raise ValueError(f"{key} is no {'number' if kind is not str else 'text'}") from None
    if arguments.get("kind", "cms") not in ("cms", "cme"):
        raise ValueError("kind is cms or cme")
    return Fault(name, arguments, int(arguments.get("count", 1)))


class Faults:
    """The faults that wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def take(self, name: str) -> Fault | None:
        """One use of a fault of this name; None when none waits."""
        for fault in self._waiting:
            if fault.name == name:
                fault.left -= 1
                if fault.left <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._waiting.clear()

    def names(self) -> list[str]:
        return [fault.name for fault in self._waiting]
