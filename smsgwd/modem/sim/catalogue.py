"""The fault catalogue's names F1 to F29, and what the simulated modem does for each. Pure.

A name stands for one or more faults of ``faults``, set off in their order; arguments go to those of them that take them. What
no modem can do by itself is named with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from smsgwd.faults import Catalogue, Entry, made_by
from smsgwd.modem.sim.faults import TABLE, UNTIL_CLEARED

CATALOGUE: Mapping[str, Entry] = {
    "F1": Entry("unplugged before the prompt", (("unplug-at", {"at": "prompt"}),)),
    "F2": Entry("unplugged after PDU and 0x1A", (("unplug-at", {"at": "answer"}),)),
    "F3": Entry("unplugged within the PDU, after `bytes` of it", (("unplug-at", {"at": "pdu"}),)),
    "F4": Entry("plugged in again under another name", (("renamed", {}),)),
    "F5": Entry("no prompt", (("no-prompt", {}),)),
    "F6": Entry("prompt twice, without its space, inside notices", (("odd-prompt", {}),)),
    "F7": Entry("+CMGS after the time-out", (("late-answer", {"seconds": 80.0}),)),
    "F8": Entry("three texts: OK without +CMGS, +CMGS without OK, both twice",
                (("no-reference", {}), ("no-ok", {}), ("twice-answered", {}))),
    "F9": Entry("+CMGS of an earlier text after the port was opened again", (("stale-answer", {}),)),
    "F10": Entry("+CMS ERROR or +CME ERROR, any code", (("error", {}),)),
    "F11": Entry("garbage bytes", (("junk", {}),)),
    "F12": Entry("64 KiB without an end of line, then one byte at a time", (("flood", {}), ("trickle", {}))),
    "F13": Entry("notices between +CMGS and OK", (("urc-in-answer", {}),)),
    "F14": Entry("echo in spite of ATE0, also of the PDU", (("echo-stuck", {}),)),
    "F15": Entry("+CMTI twice, and one for an empty place", (("twice-notified", {}), ("empty-notice", {}))),
    "F16": Entry("no +CMTI at all", (("lost-notification", {"count": UNTIL_CLEARED}),)),
    "F17": Entry("storage full; its places are those of `sim modem --slots`", (("fill", {}),)),
    "F18": Entry("AT+CMGD fails, and the next one deletes another text", (("delete-fails", {}), ("delete-other", {}))),
    "F19": Entry("AT+CMGL hangs", (("list-hangs", {}),)),
    "F20": Entry("SIM removed, or swapped", (("sim-change", {}),)),
    "F21": Entry("wrong PIN: whatever is tried", (("pin-unknown", {}),)),
    "F22": Entry("PUK state; PIN2 and PUK2 with `what`", (("sim-wants", {}),)),
    "F23": Entry("registration denied; searching and roaming with `stat`", (("unregistered", {"stat": 3}),)),
    "F24": Entry("AT+CSQ fails once, then knows no signal", (("signal-error", {}), ("no-signal", {}))),
    "F25": Entry("wrong speed of the line", (("baud", {}),)),
    "F26": Entry("restarts by itself and forgets its settings", (("reset", {}),)),
    "F27": Entry("AT+CFUN=1,1 takes the port away for 40 s", (("gone-at-restart", {}),)),
    "F28": Entry("another program reads the port too",
                 why="a modem cannot make a second reader: open the port with another program at the same time"),
    "F29": Entry("answers, and the network never sends", (("error", {"count": UNTIL_CLEARED, "code": 500}),)),
}  # fmt: skip

_CATALOGUE = Catalogue(TABLE, CATALOGUE)
read_faults, help_rows = _CATALOGUE.read, _CATALOGUE.help_rows

__all__ = ["CATALOGUE", "help_rows", "made_by", "read_faults"]
