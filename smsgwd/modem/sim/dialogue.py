"""The modem's side of an AT dialogue: bytes in, answers out. Sans-IO.

A command line is ``AT``, basic commands (``E0``, ``V1``, ``Z``) and extended ones apart by ``;``; its answer is the lines of
all, then one final result (V.250 section 5). AT+CMGS opens a prompt; what follows up to 0x1A is a PDU or, in text mode, a
text, and up to ESC it is dropped. A PDU goes to :meth:`Outside.submitted`, which says later what became of it
(:meth:`Dialogue.finish`); until then commands wait.
"""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from smsgwd import __version__
from smsgwd.errors import PduError
from smsgwd.modem.sim.equipment import ASKS_CARD, EQUIPMENT, USSD_TEXT, WITHOUT_SIM, Command, number, one_of, texts
from smsgwd.modem.sim.faults import Fault
from smsgwd.modem.sim.makers import MAKERS
from smsgwd.modem.sim.messages import MESSAGES, TOUCHES_SIM
from smsgwd.modem.sim.network import read_submit
from smsgwd.modem.sim.phone import Phone
from smsgwd.modem.sim.refused import NO_SUCH, NOT_HERE, Refused
from smsgwd.modem.sim.text_mode import written
from smsgwd.sms.submit import Submit
from smsgwd.sms.tpdu import with_smsc

#: bytes of unfinished input; the oldest above it are dropped
MOST_INPUT = 8192
_BASIC = re.compile(r"(?i)S\d+(?:=\d*|\?)?|D.*|&?[A-Z]\d*|.", re.S)
_EXTENDED = re.compile(r'(?:[^;"]|"[^"]*"?)*')
#: the longest TPDU of a text: 164 octets
_LONGEST_TPDU = 164
_TABLE = {**EQUIPMENT, **MESSAGES}
#: what a port for status alone does not take: commands about texts, and those that change the modem
_TEXTS = frozenset({*MESSAGES, "+CMGS", "+CMGW"})
_CHANGES = frozenset({"+CPIN", "+CFUN", "+CUSD", "+CHUP"})
#: the prompt, and the ways in which ``odd-prompt`` gives it
_PROMPT = b"\r\n> "
_ODD_PROMPTS = {
    "twice": _PROMPT * 2, "bare": b"\r\n>", "in-notice": b'\r\n+CMTI: "SM"\r\n> \r\n^RSSI:21\r\n',
}  # fmt: skip
Lines = list[str]


class Outside(Protocol):
    """What the dialogue needs of the world."""

    def say(self, octets: bytes) -> None:
        """Bytes for the port."""
        ...

    def submitted(self, submit: Submit, pdu: str) -> None:
        """A text for the network, and its PDU in hex. Somebody calls :meth:`Dialogue.finish` in the end."""
        ...

    def ussd(self, answer: str) -> None:
        """The network answers a USSD code with this line."""
        ...

    def restarts(self) -> None:
        """AT+CFUN=1,1."""
        ...

    def unplugged(self, fault: Fault) -> None:
        """The fault ``unplug-at`` came to its place."""
        ...


class Prompt(msgspec.Struct, frozen=True):
    """An open prompt. ``command`` +CMGS or +CMGW; ``octets`` of the TPDU in PDU mode, ``number`` in text mode."""

    command: str
    octets: int = 0
    number: str = ""
    stat: int = 2


class Dialogue:
    """One open line. ``status_only``: a port that knows no texts and changes nothing."""

    def __init__(self, phone: Phone, outside: Outside, *, status_only: bool = False) -> None:
        self.phone, self.outside = phone, outside
        self._status_only = status_only
        self._input = b""
        self._prompt: Prompt | None = None
        #: the number of the PDU whose result is awaited, 0 = none
        self._busy = 0
        self._pdus = 0

    def feed(self, octets: bytes) -> None:
        """Takes what came from the port and answers it."""
        if "hang" in self.phone.faults:
            self._input = b""
            self.phone.faults.use("hang", len(re.findall(rb"[\r\x1a]", octets)))
            return
        self._input = (self._input + octets)[-MOST_INPUT:]
        while not self._busy and self._input and self._step():
            pass

    def lines(self, *lines: str) -> None:
        """Says lines, each between CR LF and CR LF."""
        if "hang" not in self.phone.faults:
            self.outside.say(b"".join(f"\r\n{line}\r\n".encode("latin-1", "replace") for line in lines))

    def finish(self, token: int, *lines: str) -> None:
        """The result of the PDU ``token``; without lines the modem stays silent about it. One that comes late, to a line
        that was closed and opened again, is said all the same: that is what modems do."""
        if lines:
            self.lines(*lines)
        if token == self._busy:
            self._busy = 0
            self.feed(b"")

    @property
    def token(self) -> int:
        """The PDU that is waited for; 0 = none."""
        return self._busy

    def drop(self) -> None:
        """The line was closed, or the modem restarted: what was half typed is gone."""
        self._input, self._prompt, self._busy = b"", None, 0

    # ---- input -----------------------------------------------------------------------------------------------------

    def _step(self) -> bool:
        """One PDU or one command line; False when the input holds no whole one."""
        if self._prompt is not None:
            return self._after_prompt(self._prompt)
        self._input = self._input.lstrip(b"\n\x1a\x1b\x00")
        line, cr, rest = self._input.partition(b"\r")
        if not cr:
            return False
        self._input = rest
        if self._echoes:
            self.outside.say(line + b"\r")
        text = line.decode("latin-1").strip("\n \x00\x1a\x1b")
        if text[:2].upper() == "AT":
            self._command_line(text[2:].strip())
        return True

    @property
    def _echoes(self) -> bool:
        return self.phone.settings.echo or "echo-stuck" in self.phone.faults

    def _after_prompt(self, prompt: Prompt) -> bool:
        found = re.search(rb"[\x1a\x1b]", self._input)
        fault = self.phone.faults.waits("unplug-at", at="pdu") if prompt.command == "+CMGS" else None
        if fault and (found or len(self._input) >= fault.arguments["bytes"]):
            self.phone.faults.take("unplug-at", at="pdu")
            self.outside.unplugged(fault)
            return False
        if not found:
            return False
        body, self._input = self._input[: found.start()], self._input[found.end() :]
        self._prompt = None
        if found[0] == b"\x1b":
            self.lines("OK")
            return True
        if self._echoes:
            self.outside.say(body)
        try:
            submit, pdu = self._typed(prompt, body)
        except (PduError, UnicodeDecodeError):
            self.lines(f"+CMS ERROR: {305 if self.phone.settings.text_mode else 304}")
            return True
        if prompt.command == "+CMGW":
            self._keep(prompt, pdu)
            return True
        self._pdus += 1
        self._busy = self._pdus
        self.outside.submitted(submit, pdu)
        return True

    def _typed(self, prompt: Prompt, body: bytes) -> tuple[Submit, str]:
        settings = self.phone.settings
        if settings.text_mode:
            text = body.removeprefix(b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            submit = written(prompt.number, text, settings.cscs, settings.csmp)
            return submit, with_smsc(submit).hex().upper()
        pdu = re.sub(rb"[\s\x00]", b"", body).decode("latin-1").upper()
        return read_submit(pdu, prompt.octets), pdu

    def _keep(self, prompt: Prompt, pdu: str) -> None:
        """AT+CMGW: into the storage."""
        index = self.phone.store(self.phone.settings.memories[1], prompt.stat, pdu)
        self.lines(*(["+CMS ERROR: 322"] if index is None else [f"+CMGW: {index}", "OK"]))

    # ---- commands --------------------------------------------------------------------------------------------------

    def _command_line(self, rest: str) -> None:
        lines: Lines = []
        final = "OK"
        try:
            while rest:
                pattern = _EXTENDED if rest[0] in "+^*$#%_" else _BASIC
                found = pattern.match(rest)
                assert found is not None
                part = found[0]
                rest = rest[len(part) :].lstrip("; ")
                answer = self._extended(part) if pattern is _EXTENDED else self._basic(part)
                if answer is None:
                    return
                lines += answer
        except Refused as e:
            final = (e is NO_SUCH and self.phone.family.unknown) or e.line(self.phone.settings.cmee)
        if not self.phone.family.ok_after_cpin and final == "OK" and any(line.startswith("+CPIN:") for line in lines):
            self.lines(*lines)
        else:
            self.lines(*lines, final)

    def _basic(self, part: str) -> Lines:
        upper = part.upper()
        if upper.startswith("E"):
            self.phone.settings.echo = upper not in ("E", "E0")
        elif upper.startswith(("Z", "&F")):
            self.phone.settings = self.phone.fresh_settings()
        elif upper.startswith("I"):
            return [self.phone.family.maker, self.phone.family.model, f"simulated {__version__}"]
        return []

    def _extended(self, part: str) -> Lines | None:
        """Lines of one extended command; None when nothing more is to be said now."""
        name, equals, value = part.partition("=")
        value = value.strip()
        form = "test" if value == "?" else "read" if name.endswith("?") and not equals else "set"
        name = name.rstrip("?").strip().upper()
        if self._status_only and (name in _TEXTS or (form == "set" and name in _CHANGES)):
            raise NOT_HERE
        self._sim_allows(name)
        if name in TOUCHES_SIM or (name == "+CPIN" and form == "read"):
            self._sim_is_free(name)
        if form == "set" and name in ("+CMGS", "+CMGW"):
            self._open_prompt(name, value)
            return None
        if name == "+CMGL" and form == "set" and self.phone.faults.take("list-hangs"):
            return None
        return self._answer(name, form, value)

    def _answer(self, name: str, form: str, value: str) -> Lines:
        if name == "+CLAC":
            known = {*_TABLE, *self.phone.family.own, "+CLAC", "+CMGS", "+CMGW"}
            return sorted(known - set(self.phone.family.lacks)) if form == "set" else []
        if name in ("+CMGS", "+CMGW") and form == "test":
            return []
        lines = self._command(name)(self.phone, form, value)
        if form == "set" and name == "+CUSD" and len(texts(value)) > 1:
            self.outside.ussd(f'+CUSD: 0,"{self._in_character_set(USSD_TEXT)}",15')
        elif form == "set" and name == "+CFUN" and texts(value) == ["1", "1"]:
            self.outside.restarts()
        return lines

    def _command(self, name: str) -> Command:
        """The command of this name; a family has some of its own, and lacks some."""
        family = self.phone.family
        command = MAKERS.get(name) if name in family.own else None if name in family.lacks else _TABLE.get(name)
        if command is None:
            raise NO_SUCH
        return command

    def _sim_allows(self, name: str) -> None:
        sim, free = self.phone.sim, name in WITHOUT_SIM or name in MAKERS
        if not sim.present and (not free or name in ASKS_CARD):
            raise Refused("CMS", 310) if name in _TEXTS else Refused("CME", 10)
        if sim.locked and not free:
            raise Refused("CME", 11 if sim.tries else 12)

    def _in_character_set(self, text: str) -> str:
        return text.encode("utf-16-be").hex().upper() if self.phone.settings.cscs == "UCS2" else text

    def _sim_is_free(self, name: str) -> None:
        if self.phone.faults.take("busy"):
            raise Refused("CME", 14) if name == "+CPIN" else Refused("CMS", 314)

    def _open_prompt(self, command: str, value: str) -> None:
        faults = self.phone.faults
        prompt = self._prompt_of(command, value)
        if command == "+CMGS":
            if fault := faults.take("unplug-at", at="prompt"):
                self.outside.unplugged(fault)
                return
            if fault := faults.take("refuse"):
                raise Refused(fault.arguments["kind"], fault.arguments["code"])
            if not self.phone.reachable:
                raise Refused("CMS", 331)
            if faults.take("no-prompt"):
                return
        self._prompt = prompt
        odd = faults.take("odd-prompt") if command == "+CMGS" else None
        self.outside.say(_ODD_PROMPTS[odd.arguments["how"]] if odd else _PROMPT)

    def _prompt_of(self, command: str, value: str) -> Prompt:
        first, *more = texts(value)
        if self.phone.settings.text_mode:
            if not first and command == "+CMGS":
                raise Refused("CMS", 305)
            return Prompt(command, number=first)
        octets = number(first)
        if octets is None or not 1 <= octets <= _LONGEST_TPDU:
            raise Refused("CMS", 304)
        stat = 2
        if command == "+CMGW" and more:
            stat = one_of((0, 1, 2, 3), more[0])
        return Prompt(command, octets, stat=stat)
