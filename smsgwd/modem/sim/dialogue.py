"""The modem's side of an AT dialogue: bytes in, answers out. Sans-IO.

A command line is ``AT``, basic commands (``E0``, ``V1``, ``Z``) and extended ones apart by ``;``; its answer is the lines of
all, then one final result. AT+CMGS opens a prompt; what follows up to 0x1A is a PDU, up to ESC it is dropped. The PDU goes
to ``submitted``; whoever was given it says later what became of it (:meth:`Dialogue.finish`), and until then commands wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smsgwd.errors import PduError
from smsgwd.modem.sim.answers import Answers, Refused
from smsgwd.modem.sim.network import read_submit
from smsgwd.modem.sim.phone import Phone
from smsgwd.sms.submit import Submit

#: bytes of unfinished input; more are dropped
MOST_INPUT = 8192
_BASIC = re.compile(r"(?i)S\d+(?:=\d*|\?)?|D.*|&?[A-Z]\d*|.", re.S)
_EXTENDED = re.compile(r'(?:[^;"]|"[^"]*"?)*')


class Dialogue:
    """One open line. ``say`` gets bytes for the port, ``submitted`` a text for the network and its PDU in hex."""

    def __init__(
        self, phone: Phone, model: str, say: Callable[[bytes], None], submitted: Callable[[Submit, str], None]
    ) -> None:
        self.phone, self.answers, self.say, self.submitted = phone, Answers(phone, model), say, submitted
        self._input = b""
        #: octets that AT+CMGS announced, while the prompt is open
        self._announced: int | None = None
        self._busy = False

    def feed(self, octets: bytes) -> None:
        """Takes what came from the port and answers it."""
        self._input = (self._input + octets)[-MOST_INPUT:]
        while not self._busy and self._step():
            pass

    def lines(self, *lines: str) -> None:
        """Says lines, each between CR LF and CR LF."""
        self.say(b"".join(f"\r\n{line}\r\n".encode("latin-1", "replace") for line in lines))

    def finish(self, *lines: str) -> None:
        """The result of the PDU that was handed on; no lines = the modem stays silent about it."""
        self._busy = False
        if lines:
            self.lines(*lines)
        self.feed(b"")

    def drop(self) -> None:
        """The line was closed, or the modem restarted: what was half typed is gone."""
        self._input, self._announced, self._busy = b"", None, False

    # ---- input -----------------------------------------------------------------------------------------------------

    def _step(self) -> bool:
        """One PDU or one command line; False when the input holds no whole one."""
        if self._announced is not None:
            return self._pdu(self._announced)
        self._input = self._input.lstrip(b"\n\x1a\x1b")
        line, cr, rest = self._input.partition(b"\r")
        if not cr:
            return False
        self._input = rest
        if self.phone.settings.echo:
            self.say(line + b"\r")
        text = line.decode("latin-1").strip("\n \x00\x1a\x1b")
        if self.phone.faults.take("hang"):
            return True
        if text[:2].upper() == "AT":
            self._command_line(text[2:].strip())
        return True

    def _pdu(self, octets: int) -> bool:
        found = re.search(rb"[\x1a\x1b]", self._input)
        if not found:
            return False
        body, self._input = self._input[: found.start()], self._input[found.end() :]
        self._announced = None
        if found[0] == b"\x1b":
            self.lines("OK")
            return True
        if self.phone.settings.echo:
            self.say(body)
        pdu = re.sub(rb"\s", b"", body).decode("latin-1").upper()
        try:
            submit = read_submit(pdu, octets)
        except PduError:
            self.lines("+CMS ERROR: 304")
            return True
        self._busy = True
        self.submitted(submit, pdu)
        return True

    # ---- commands --------------------------------------------------------------------------------------------------

    def _command_line(self, rest: str) -> None:
        lines: list[str] = []
        try:
            while rest:
                pattern = _EXTENDED if rest[0] in "+^*$#%_" else _BASIC
                found = pattern.match(rest)
                assert found is not None
                part = found[0]
                rest = rest[len(part) :].lstrip("; ")
                answer = self._command(part) if pattern is _EXTENDED else self._basic(part)
                if answer is None:
                    return
                lines += answer
        except Refused as e:
            if lines:
                self.lines(*lines)
            self.lines("ERROR" if e.kind == "CME" and not self.phone.settings.cmee else str(e))
            return
        self.lines(*lines, "OK")

    def _basic(self, part: str) -> list[str]:
        upper = part.upper()
        if upper.startswith("E"):
            self.phone.settings.echo = upper != "E0"
        elif upper.startswith(("Z", "&F")):
            settings = self.phone.settings
            settings.cmee, settings.cnmi = 0, [0, 0, 0, 0, 0]
        elif upper.startswith("I"):
            return ["smsgwd", self.answers.model, "simulated"]
        return []

    def _command(self, part: str) -> list[str] | None:
        """Lines of one extended command; None when a prompt is open or nothing is to be said."""
        name, _, value = part.partition("=")
        form = "test" if value.strip() == "?" else "read" if name.endswith("?") else "set"
        name = name.rstrip("?").strip().upper()
        if name == "+CMGS" and form == "set":
            self._prompt(value.strip())
            return None
        return self.answers.answer(name, form, value.strip())

    def _prompt(self, value: str) -> None:
        phone = self.phone
        if not value.isdigit() or not 1 <= int(value) <= 164:
            raise Refused("CMS", 304)
        if phone.locked:
            raise Refused("CMS", 311)
        if fault := phone.faults.take("refuse"):
            raise Refused(fault.arguments["kind"].upper(), fault.arguments["code"])
        if phone.stat not in (1, 5):
            raise Refused("CMS", 331)
        if phone.faults.take("no-prompt"):
            return
        self._announced = int(value)
        self.say(b"\r\n> ")
