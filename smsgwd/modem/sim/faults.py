"""What can go wrong in the simulated modem, on request. Pure.

The table is also the help of ``smsgwd sim fault``; the names F1 to F29 of the fault catalogue are made of its rows (see
``catalogue``). What faults are, and how they wait, is in :mod:`smsgwd.faults`.
"""

from __future__ import annotations

from collections.abc import Mapping

from smsgwd.faults import UNTIL_CLEARED, Argument, Fault, Faults, Kind, Table

#: seconds that a fault may last at most
LONGEST = 86_400.0

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

TABLE = Table(FAULTS, _RANGES, _CHOICES)
read_fault, help_rows = TABLE.read, TABLE.help_rows

__all__ = ["FAULTS", "LONGEST", "TABLE", "UNTIL_CLEARED", "Argument", "Fault", "Faults", "help_rows", "read_fault"]
