"""What can go wrong in the simulated SMSC, on request, also by the names F30 to F40 of the fault catalogue. Pure.

What faults are, and how they wait, is in :mod:`smsgwd.faults`.
"""

from __future__ import annotations

from collections.abc import Mapping

from smsgwd.faults import UNTIL_CLEARED, Argument, Catalogue, Entry, Fault, Faults, Kind, Table

_ONCE: Mapping[str, Argument] = {"count": 1}
_LASTING: Mapping[str, Argument] = {"count": UNTIL_CLEARED}

FAULTS: Mapping[str, Kind] = {
    # submit_sm
    "no-answer": Kind("takes the next text and never answers it", _ONCE),
    "error": Kind("refuses the next text with a command_status", {"count": 1, "code": 0x08}),
    "slow": Kind("takes the next text and answers it so many seconds late", {"count": 1, "seconds": 5.0}),
    "drop": Kind("cuts the connection instead of answering the next text; taken=0: does not take it either",
                 {"count": 1, "taken": 1}),
    "nack": Kind("answers the next text with a generic_nack of this command_status", {"count": 1, "code": 0x03}),
    "no-id": Kind("takes the next text and names no message_id", _ONCE),
    "swallow": Kind("takes so many texts, answers none of them, and cuts the connection at the last", {"count": 1, "texts": 3}),
    "reorder": Kind("keeps the answers to so many texts and gives them the last first", {"count": 1, "texts": 3}),
    "twice-answered": Kind("answers the next text twice, the second time with another message_id", _ONCE),
    "stray-answer": Kind("before its answer, answers a sequence_number that nobody used", _ONCE),
    # receipts
    "undeliverable": Kind("reports on the next text with another message_state", {"count": 1, "state": 5}),
    "report-first": Kind("reports on the next text before its answer", _ONCE),
    "other-digits": Kind("reports on the next text with its message_id in decimal instead of hexadecimal digits, or the "
                         "other way round", _ONCE),
    "orphan-report": Kind("sends every account a receipt on a text that nobody sent now", at_once=True),
    # texts to the ESME
    "text-now": Kind("sends every account a text now", at_once=True),
    "lost-answer": Kind("loses the answer to the next text or receipt, and the line; it comes again after the next bind", _ONCE),
    # the session
    "refuse-bind": Kind("refuses the next bind with a command_status", {"count": 1, "code": 0x0D}),
    "mute": Kind("reads everything and answers nothing", _LASTING),
    "no-enquire": Kind("answers no enquire_link", _LASTING),
    "unbind": Kind("asks everybody to unbind now", at_once=True),
    "cut": Kind("cuts every connection now", at_once=True),
    "garbage": Kind("sends everybody a command_length that no PDU has now", {"length": 4}, at_once=True),
    "half": Kind("sends everybody half a PDU now, and nothing more", at_once=True),
    "drip": Kind("sends everybody a text now, one octet each so many seconds", {"seconds": 1.0}, at_once=True),
    "other-certificate": Kind("shows the certificate of `--other-tls` from now on", at_once=True),
    "clear": Kind("ends all faults now", at_once=True),
}  # fmt: skip

#: what the arguments may be
_RANGES: Mapping[str, tuple[float, float]] = {
    "count": (0, 1_000_000), "code": (1, 0xFFFFFFFF), "seconds": (0, 86_400), "taken": (0, 1), "state": (0, 9),
    "texts": (1, 1000), "length": (0, 0xFFFFFFFF),
}  # fmt: skip

CATALOGUE: Mapping[str, Entry] = {
    "F30": Entry("ESME_RTHROTTLED, then ESME_RMSGQFUL", (("error", {"code": 0x58}), ("error", {"code": 0x14}))),
    "F31": Entry("the line is lost with `texts` PDUs unanswered", (("swallow", {}),)),
    "F32": Entry("answers out of order, with an unknown sequence_number, and twice",
                 (("reorder", {}), ("stray-answer", {}), ("twice-answered", {}))),
    "F33": Entry("receipt before its answer", (("report-first", {}),)),
    "F34": Entry("receipt on an unknown text; message_id in hexadecimal against decimal digits",
                 (("orphan-report", {}), ("other-digits", {}))),
    "F35": Entry("deliver_sm twice, since its answer and the line were lost", (("lost-answer", {}),)),
    "F36": Entry("a text comes; lock the gateway's database at the same time", (("text-now", {}),)),
    "F37": Entry("command_length 0; 15 and 0x80000000 with `length`; cut short: half; an octet each second: drip",
                 (("garbage", {"length": 0}),)),
    "F38": Entry("bind refused with ESME_RINVPASWD, again and again", (("refuse-bind", {"code": 0x0E, "count": UNTIL_CLEARED}),)),
    "F39": Entry("enquire_link is not answered", (("no-enquire", {}),)),
    "F40": Entry("TLS with an expired certificate, or one of another name; make it and name it with `--other-tls`",
                 (("other-certificate", {}),)),
}  # fmt: skip

TABLE = Table(FAULTS, _RANGES)
_CATALOGUE = Catalogue(TABLE, CATALOGUE)
read_faults, read_option, catalogue_rows = _CATALOGUE.read, _CATALOGUE.read_option, _CATALOGUE.help_rows
help_rows = TABLE.help_rows

__all__ = ["CATALOGUE", "FAULTS", "Fault", "Faults", "catalogue_rows", "help_rows", "read_faults", "read_option"]
