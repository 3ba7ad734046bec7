"""What can go wrong in the simulated modem, on request. Pure.

A fault waits until what it concerns happens, and then happens ``count`` times, or until it is cleared when ``count`` is 0.
Those that act at once have no count. ``clear`` ends all of them. The table is also the help of ``smsgwd sim fault``; the names
F1 to F29 of the fault catalogue are made of these (see ``catalogue``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

#: a count that ends only with ``clear``
UNTIL_CLEARED = 0
#: seconds that a fault may last at most
LONGEST = 86_400.0

Argument = int | float | str


class Kind(msgspec.Struct, frozen=True):
    """One row of the table: what happens, and the arguments with their defaults."""

    what: str
    takes: Mapping[str, Argument] = {}
    #: happens when it is asked for; never waits
    at_once: bool = False


_ONCE: Mapping[str, Argument] = {"count": 1}
_LASTING: Mapping[str, Argument] = {"count": UNTIL_CLEARED}

FAULTS: Mapping[str, Kind] = {
    # sending
    "no-prompt": Kind("gives no prompt to AT+CMGS", _ONCE),
    "odd-prompt": Kind("gives the prompt twice, without its space (bare), or between two notices (in-notice)",
                       {"count": 1, "how": "twice"}),
    "refuse": Kind("refuses AT+CMGS before the prompt with an error code", {"count": 1, "kind": "cms", "code": 302}),
    "no-answer": Kind("takes the PDU and never says what became of it", _ONCE),
    "late-answer": Kind("takes the PDU and answers so many seconds late", {"count": 1, "seconds": 5.0}),
    "error": Kind("takes the PDU and refuses it with an error code", {"count": 1, "kind": "cms", "code": 38}),
    "no-reference": Kind("answers the PDU with OK alone, without +CMGS", _ONCE),
    "no-ok": Kind("answers the PDU with +CMGS, without OK", _ONCE),
    "twice-answered": Kind("answers the PDU with +CMGS and OK, twice", _ONCE),
    "stale-answer": Kind("takes the PDU and answers when the port was closed, opened again and is written to", _ONCE),
    "urc-in-answer": Kind("says a notice between +CMGS and its OK", _ONCE),
    "report-first": Kind("sends the delivery report before its own +CMGS", _ONCE),
    # receiving and storage
    "lost-notification": Kind("stores the next text without a notice", _ONCE),
    "twice-notified": Kind("gives the notice of the next text twice", _ONCE),
    "notice-without-place": Kind("says +CMTI: ,-1 for the next text", _ONCE),
    "empty-notice": Kind("gives notice of a text in an empty place now", at_once=True),
    "storage-full": Kind("stores nothing", _LASTING),
    "fill": Kind("fills the storage of received texts now, and leaves so many places", {"left": 0}, at_once=True),
    "delete-fails": Kind("refuses AT+CMGD with +CMS ERROR: 320", _ONCE),
    "delete-other": Kind("deletes another text than the one of AT+CMGD", _ONCE),
    "list-hangs": Kind("never answers AT+CMGL", _ONCE),
    # the modem, its SIM and the network
    "busy": Kind("answers what needs the SIM with SIM busy (+CMS ERROR: 314, +CME ERROR: 14)", {"count": 3}),
    "hang": Kind("takes every byte and answers nothing", _LASTING),
    "no-signal": Kind("says that it knows no signal (+CSQ: 99,99)", _LASTING),
    "signal-error": Kind("answers AT+CSQ with an error", _ONCE),
    "unregistered": Kind("changes <stat> now: 0 off, 2 searching, 3 denied, 5 roaming", {"stat": 2}, at_once=True),
    "echo-back": Kind("turns the echo on again now", at_once=True),
    "echo-stuck": Kind("echoes whatever ATE0 says", _LASTING),
    "junk-urc": Kind("says noise and unknown notices now", at_once=True),
    "junk": Kind("says so many random bytes now, among them 0x00, 0xFF and halves of UTF-8", {"bytes": 64}, at_once=True),
    "flood": Kind("says so many bytes without an end of line now", {"bytes": 65_536}, at_once=True),
    "trickle": Kind("says one byte at a time from now on", at_once=True),
    "baud": Kind("is at this speed from now on; at another one both sides read noise", {"speed": "9600"}, at_once=True),
    "reset": Kind("restarts now and forgets its settings", at_once=True),
    "pin-locked": Kind("locks the SIM now: it wants its PIN", at_once=True),
    "pin-unknown": Kind("locks the SIM now with a PIN that nobody was told, three tries left", at_once=True),
    "sim-wants": Kind("the SIM wants its puk, pin2 or puk2 now", {"what": "puk"}, at_once=True),
    "sim-change": Kind("the SIM is removed now, or swapped for another one", {"how": "removed"}, at_once=True),
    "unplug": Kind("goes away now and comes back", {"for": 3.0}, at_once=True),
    "unplug-at": Kind("goes away at the next AT+CMGS, after so many bytes of its PDU or before its answer, and comes back",
                      {"at": "answer", "for": 3.0, "count": 1, "bytes": 1}),
    "renamed": Kind("goes away now and comes back under another name: PATH-2, PATH-3, …", {"for": 3.0}, at_once=True),
    "gone-at-restart": Kind("goes away at AT+CFUN=1,1 and comes back", {"count": 1, "for": 40.0}),
    "clear": Kind("ends all faults now, and comes home to the network", at_once=True),
}  # fmt: skip

#: arguments with a closed list of values
_CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("error", "kind"): ("cms", "cme"), ("refuse", "kind"): ("cms", "cme"), ("unplug-at", "at"): ("prompt", "pdu", "answer"),
    ("odd-prompt", "how"): ("twice", "bare", "in-notice"), ("sim-wants", "what"): ("puk", "pin2", "puk2"),
    ("sim-change", "how"): ("removed", "swapped"), ("baud", "speed"): ("9600", "19200", "38400", "57600", "115200"),
}  # fmt: skip
#: arguments with a range
_RANGES: Mapping[str, tuple[float, float]] = {
    "count": (0, 1_000_000), "code": (0, 9999), "stat": (0, 10), "seconds": (0.0, LONGEST), "for": (0.0, LONGEST),
    "bytes": (1, 1_000_000), "left": (0, 255),
}  # fmt: skip


class Fault(msgspec.Struct):
    """One fault with its arguments; ``left`` uses, None = until cleared."""

    name: str
    arguments: dict[str, Any]
    left: int | None


def read_fault(name: object, given: Mapping[str, object]) -> Fault:
    """Checks a request for a fault; ValueError says what is wrong with it."""
    kind = FAULTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"{name!r} is no fault; faults: {', '.join(FAULTS)}")
    arguments: dict[str, Any] = dict(kind.takes)
    for key, value in given.items():
        if key not in arguments:
            raise ValueError(f"{name} takes no {key!r}; it takes: {', '.join(arguments) or 'nothing'}")
        arguments[key] = _argument(str(name), key, value, type(arguments[key]))
    count = arguments.get("count", 1)
    return Fault(str(name), arguments, None if count == UNTIL_CLEARED else count)


def _argument(name: str, key: str, value: object, kind: type[Argument]) -> Argument:
    if kind is str:
        if str(value) not in _CHOICES[name, key]:
            raise ValueError(f"{key} is one of: {', '.join(_CHOICES[name, key])}")
        return str(value)
    low, high = _RANGES[key]
    try:
        number = kind(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or isinstance(number, str) or not low <= number <= high:
        raise ValueError(f"{key} is a number from {low:g} to {high:g}")
    return number


def help_rows() -> list[tuple[str, str]]:
    """Name and meaning of each fault, with its arguments and their defaults."""
    rows = []
    for name, kind in FAULTS.items():
        more = " ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in kind.takes.items())
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

    def waits(self, name: str, **wanted: object) -> Fault | None:
        """The fault of this name whose arguments are ``wanted``, not used; None when none waits."""
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
