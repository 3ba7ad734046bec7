"""The bytes of a modem, sorted: a sans-IO parser for AT dialogues (3GPP TS 27.007 section 4, TS 27.005, V.250).

Feed it what came from the port; it returns what that means. It is told which command is pending (:meth:`Parser.expect`),
because only then can a line be sorted. A line is, first match wins:

1. the PDU that belongs to the ``+CMT``, ``+CDS``, ``+CBM``, ``+CMGR`` or ``+CMGL`` line before it
2. an unsolicited code that is not what the pending command is answered with
3. a final result; only as a whole line, so that a text ``OKAY`` or ``ERROR in text`` is none
4. a line with the prefix that the pending command is answered with
5. the bare answer of a command such as ``AT+CGMI``
6. unknown

``+CREG: 2,1`` answers the query, ``+CREG: 1,"00C3"`` comes unasked: they are told apart by the type of the second
field. Nothing is lost: an unsolicited code inside a reply is returned as one, in its place. Echo is dropped, lines may
end with CR LF, CR CR LF or LF, NUL is skipped, bytes are read as latin-1 because modems write noise at power-up.
"""

from __future__ import annotations

import re

import msgspec

#: octets of one line; longer ones are dropped to their end and counted
LONGEST_LINE = 4096

_IGNORED = bytes((0x00, 0x1A, 0x1B))
_HEX = re.compile(r"[0-9A-Fa-f]{2,}").fullmatch


class Expectation(msgspec.Struct, frozen=True):
    """What the pending command may be answered with."""

    #: as written, for its echo
    sent: str
    #: prefix of its lines, ``+CMGR:``; empty when it has none
    prefix: str = ""
    #: lines without a prefix are its answer
    bare: bool = False
    #: each of its lines is followed by a PDU
    pdus: bool = False
    #: a prompt may come
    prompt: bool = False


class Prompt(msgspec.Struct, frozen=True):
    """``>``: the modem waits for a PDU."""


class Line(msgspec.Struct, frozen=True):
    """A line of the pending command's answer, with the PDU that followed it ("" when there was none)."""

    text: str
    pdu: str = ""


class Final(msgspec.Struct, frozen=True):
    """The end of an answer."""

    text: str

    @property
    def ok(self) -> bool:
        return self.text == "OK" or self.text.startswith("CONNECT")


class Unsolicited(msgspec.Struct, frozen=True):
    """A code that came unasked, with its PDU where it has one."""

    text: str
    pdu: str = ""
    #: False for a line that no table knows
    known: bool = True


AtEvent = Prompt | Line | Final | Unsolicited

#: unsolicited codes by what stands before the colon, or the whole line
_CODES = frozenset(
    {
        "+CMTI", "+CDSI", "+CMT", "+CDS", "+CBM", "+CBMI", "+CMGS",  # a +CMGS that nobody waits for is a late one
        "RING", "+CRING", "+CLIP", "+CCWA", "+CREG", "+CGREG", "+CEREG", "+CUSD", "+CUSATP", "+CPIN", "+CSQ", "+CIEV",
        "+CGEV", "+CTZV", "+CTZE", "+CTZU", "+CFUN", "+CMEE", "+CSSI", "+CSSU", "+CALV",
        "RDY", "SMS Ready", "Call Ready", "SMS READY", "CALL READY", "SMS DONE", "PB DONE", "NORMAL POWER DOWN",
        "POWERED DOWN", "UNDER-VOLTAGE WARNNING", "OVER-VOLTAGE WARNNING", "+QIND", "+QUSIM", "+PBREADY", "APP RDY",
        "NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE",
    }
)  # fmt: skip
#: makers' own codes begin so
_MAKERS = ("^", "%", "*", "$", "#")
#: these are followed by a line with a PDU
_WITH_PDU = frozenset({"+CMT", "+CDS", "+CBM"})
_REGISTRATION = frozenset({"+CREG", "+CGREG", "+CEREG"})

#: NO CARRIER and its like end commands that dial, of which we have none: they tell of somebody else's call
_FINALS = frozenset({"OK", "ERROR", "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORTED", "NA"})
_FINAL_PREFIXES = ("+CME ERROR:", "+CMS ERROR:", "MODEM ERROR:", "CONNECT")
#: lines that a quoted text of +CUSD may have; a quote that is still open then was never meant as one
_MOST_QUOTED = 12


class Parser:
    """Bytes in, events out. Holds at most one line."""

    def __init__(self, codes: tuple[str, ...] = (), finals: tuple[str, ...] = ()) -> None:
        """``codes``: how further unsolicited lines of a family begin; ``finals``: its further final results."""
        self._own_codes, self._finals = codes, _FINALS | set(finals)
        self._buffer = bytearray()
        self._pending: Expectation | None = None
        #: a header whose PDU is still to come
        self._header: Line | Unsolicited | None = None
        #: lines of a +CUSD whose quoted text is not at its end yet
        self._quoted: list[str] = []
        self._skipping = False
        #: lines that were too long, and final results that nobody waited for
        self.dropped = 0

    def expect(self, expectation: Expectation) -> None:
        """A command goes out now."""
        self._pending = expectation
        if isinstance(self._header, Line):
            self._header = None

    def done(self) -> None:
        """The pending command is given up; what still comes of it is sorted as unsolicited or dropped."""
        self._pending = None

    def feed(self, octets: bytes) -> list[AtEvent]:
        """Everything that the octets complete, in order."""
        self._buffer += octets.translate(None, _IGNORED)
        events: list[AtEvent] = []
        while True:
            self._look_for_prompt(events)
            end = self._buffer.find(b"\n")
            cr = self._buffer.find(b"\r", 0, end if end >= 0 else None)
            if cr >= 0:  # a modem may send CR, hold, and send LF with the next line
                end = cr
            if end < 0:
                break
            line = bytes(self._buffer[:end]).decode("latin-1").strip(" ")
            del self._buffer[: end + 1]
            if self._skipping:
                self._skipping = False
            elif line:
                self._sort(line, events)
        if len(self._buffer) > LONGEST_LINE:
            self._buffer.clear()
            if not self._skipping:
                self.dropped += 1
            self._skipping = True
        return events

    def _look_for_prompt(self, events: list[AtEvent]) -> None:
        """A prompt has no line end: it is a ``>`` where a line begins, while one is awaited. A code may follow it at
        once, so only the prompt itself is taken."""
        pending = self._pending
        if pending is None or not pending.prompt or self._skipping:
            return
        start = len(self._buffer) - len(self._buffer.lstrip(b" \r\n"))
        if self._buffer[start : start + 1] == b">":
            del self._buffer[: start + 1]
            self._pending = msgspec.structs.replace(pending, prompt=False)
            events.append(Prompt())

    def _sort(self, line: str, events: list[AtEvent]) -> None:
        pending = self._pending
        if pending is not None and line == pending.sent:
            return
        if self._quoted or (line.startswith("+CUSD:") and line.count('"') == 1):
            self._quote(line, events)
            return
        if self._header is not None and self._belongs(line, events):
            return
        name = line.partition(":")[0]
        answered = pending is not None and bool(pending.prefix) and line.startswith(pending.prefix)
        if self._is_code(name, line, answered):
            self._open(Unsolicited(line), name in _WITH_PDU, events)
        elif line in self._finals or line.startswith(_FINAL_PREFIXES):
            self._final(line, events)
        elif answered:
            assert pending is not None
            self._open(Line(line), pending.pdus, events)
        elif pending is not None and pending.bare:
            events.append(Line(line))
        else:
            events.append(Unsolicited(line, known=False))

    def _quote(self, line: str, events: list[AtEvent]) -> None:
        """Joins the lines of a quoted text. An answer that ends in between ends it too."""
        ends = line in self._finals or line.startswith(_FINAL_PREFIXES)
        if not ends:
            self._quoted.append(line)
        if ends or ('"' in line and len(self._quoted) > 1) or len(self._quoted) >= _MOST_QUOTED:
            events.append(Unsolicited("\n".join(self._quoted)))
            self._quoted = []
        if ends:
            self._final(line, events)

    def _belongs(self, line: str, events: list[AtEvent]) -> bool:
        """Gives the open header its PDU. A line that is no PDU leaves it open, unless the answer ends."""
        header = self._header
        assert header is not None
        if _HEX(line):
            self._header = None
            events.append(msgspec.structs.replace(header, pdu=line))
            return True
        if line in self._finals or line.startswith(_FINAL_PREFIXES) or line.partition(":")[0] in _WITH_PDU:
            self._header = None
            events.append(header)
        return False

    def _is_code(self, name: str, line: str, answered: bool) -> bool:
        if answered:
            if name in _REGISTRATION:
                return _comes_unasked(line)
            return False
        return name in _CODES or line.startswith(_MAKERS) or (bool(self._own_codes) and line.startswith(self._own_codes))

    def _open(self, event: Line | Unsolicited, with_pdu: bool, events: list[AtEvent]) -> None:
        if with_pdu:
            self._header = event
        else:
            events.append(event)

    def _final(self, line: str, events: list[AtEvent]) -> None:
        if self._pending is None:
            self.dropped += 1
            return
        self._pending = None
        events.append(Final(line))


def _comes_unasked(line: str) -> bool:
    """``+CREG: 1,"00C3",…`` or ``+CREG: 1``; the answer to the query is ``+CREG: 2,1,"00C3",…``."""
    fields = line.partition(":")[2].split(",")
    return len(fields) == 1 or not fields[1].strip().isdigit()
