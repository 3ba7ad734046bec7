"""The simulated modem put together: line, dialogue and phone on one side, network, journal and clock on the other.

A PDU is on the network, and in the journal, when it was taken; its ``+CMGS`` follows after the latency. A restart or a
pulled plug forgets the answers that are still due, a program that closes the port does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from smsgwd.clock import Clock
from smsgwd.errors import PduError
from smsgwd.journal import Journal
from smsgwd.modem.sim.dialogue import Dialogue
from smsgwd.modem.sim.equipment import registration_line
from smsgwd.modem.sim.faults import FAULTS, Fault
from smsgwd.modem.sim.line import Line
from smsgwd.modem.sim.network import delivers, described, described_arrival, report
from smsgwd.modem.sim.phone import Arrival, Phone
from smsgwd.sms.submit import Submit

#: seconds that a directly routed text waits for AT+CNMA (TS 27.005 leaves it to the maker; 15 to 20 are seen)
ACKNOWLEDGE = 15.0
#: seconds until the network comes again with a text that was refused
AGAIN = 1.0
#: seconds from a USSD code to the network's answer
USSD = 0.05
_JUNK = b'\r\n\xff\xfe\xc3^BOOT:12,0,0,0,20\r\n\r\n^RSSI:21\r\n\x00\r\n*NOTE: "nobody knows",7\r\n'


class SimModem:
    """One simulated modem at ``link``. ``latency`` and ``report_after`` in seconds; None = no reports of itself."""

    def __init__(
        self, phone: Phone, link: str, journal: Journal, clock: Clock, *, latency: float = 0.0,
        report_after: float | None = None, seed: int | None = None,
    ) -> None:  # fmt: skip
        self.phone, self.journal, self.clock = phone, journal, clock
        self.latency, self.report_after = latency, report_after
        self.dialogue = Dialogue(phone, self)
        self.line = Line(Path(link), self._took, self.dialogue.drop)
        self._random = random.Random(seed)
        #: the latest text with each reference, for reports on it
        self._sent: dict[int, Submit] = {}
        #: grows with each restart: answers of an earlier life are forgotten
        self._life = 0
        self._loop = asyncio.get_running_loop()

    def plug(self) -> None:
        """The modem is there. OSError."""
        self.line.plug()

    def unplug(self) -> None:
        """The modem is gone."""
        self.line.unplug()
        self._power_off()

    def _power_off(self) -> None:
        self._life += 1
        self.dialogue.drop()
        self.phone.restart()

    # ---- the line --------------------------------------------------------------------------------------------------

    def _took(self, octets: bytes) -> None:
        self.dialogue.feed(octets)
        self._bring()

    def say(self, octets: bytes) -> None:
        """See :class:`Outside`."""
        self.line.say(octets)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        """Does it then, unless the modem restarted."""
        life = self._life

        def due() -> None:
            if life == self._life:
                what()

        if seconds > 0:
            self._loop.call_later(seconds, due)
        else:
            what()

    # ---- sending ---------------------------------------------------------------------------------------------------

    def submitted(self, submit: Submit, pdu: str) -> None:
        """A PDU was handed over: on the network now, the answer after the latency."""
        token, faults = self.dialogue.token, self.phone.faults
        if error := faults.take("error"):
            code = f"+{error.arguments['kind'].upper()} ERROR: {error.arguments['code']}"
            self.journal.note("refused", pdu=pdu, code=code, **described(submit))
            self._later(self.latency, lambda: self.dialogue.finish(token, code))
            return
        mr = self.phone.next_mr()
        self.journal.note("submit", mr=mr, **{"from": self.phone.sim.number}, pdu=pdu, **described(submit))
        self._sent[mr] = submit
        self._answer(token, mr)
        if self.report_after is not None and submit.tp_srr:  # whatever the program hears of its text
            self._loop.call_later(self.latency + self.report_after, self._report_of_itself, mr)

    def _answer(self, token: int, mr: int) -> None:
        faults = self.phone.faults
        if fault := faults.take("unplug-at", at="answer"):
            self.unplugged(fault)
        elif faults.take("no-answer"):
            self.dialogue.finish(token)
        else:
            if faults.take("report-first"):
                self.report(mr, 0)
            self._answer_later(token, mr)

    def _answer_later(self, token: int, mr: int) -> None:
        answer = self._result(mr)
        late = self.phone.faults.take("late-answer")
        if late:
            self.dialogue.finish(token)
            self._later(self.latency + late.arguments["seconds"], lambda: self.dialogue.lines(*answer))
        else:
            self._later(self.latency, lambda: self.dialogue.finish(token, *answer))

    def _result(self, mr: int) -> list[str]:
        faults, noise = self.phone.faults, self.phone.family.noise
        if faults.take("no-reference"):
            return ["OK"]
        if faults.take("urc-in-answer"):
            return [f"+CMGS: {mr}", noise or "^RSSI:21", "RING", "OK"]
        return [f"+CMGS: {mr}", *([] if faults.take("no-ok") else ["OK"]), *([noise] if noise else [])]

    # ---- receiving -------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() / 1000, UTC)

    def text(self, sender: str, text: str) -> int:
        """Somebody texts the phone; how many parts. ValueError."""
        pdus = delivers(sender, text, self._random.randrange(256), self._now())
        for pdu in pdus:
            self._arrive(pdu)
        self._bring()
        return len(pdus)

    def pdu(self, pdu: str) -> None:
        """A PDU as it is, SMSC included. ValueError when it is not hexadecimal."""
        try:
            octets = bytes.fromhex(pdu)
        except ValueError:
            octets = b""
        if not octets:
            raise ValueError("`pdu` is not written in pairs of hexadecimal digits")
        self._arrive(octets.hex().upper())
        self._bring()

    def _arrive(self, pdu: str) -> None:
        line: dict[str, Any] = {"from": "", "to": self.phone.sim.number, "pdu": pdu}
        with contextlib.suppress(PduError):
            line |= described_arrival(pdu)
        self.phone.arrive(Arrival(pdu, is_report="st" in line))
        self.journal.note("report" if "st" in line else "deliver", **line)

    def report(self, mr: int, st: int) -> None:
        """The network's report on a text that was sent. ValueError when there was none with this reference."""
        if mr not in self._sent:
            raise ValueError(f"no text with the reference {mr} was sent")
        self._arrive(report(self._sent[mr], mr, st, self._now()))
        self._bring()

    def _report_of_itself(self, mr: int) -> None:
        try:
            self.report(mr, 0)
        except ValueError as e:  # too much waits for the phone already
            self.journal.note("lost", mr=mr, error=str(e))

    def _bring(self) -> None:
        """What waits for the phone comes; what the phone did is written down."""
        waited = self.phone.unacknowledged
        if lines := self.phone.take_waiting(listening=self.line.listening):
            self.dialogue.lines(*lines)
        for kind, fields in self.phone.happened:
            self.journal.note(kind, **fields)
            if fields.get("kept"):
                self._loop.call_later(AGAIN, self._again)
        self.phone.happened.clear()
        waits = self.phone.unacknowledged
        if waits is not None and waits is not waited:
            self._loop.call_later(ACKNOWLEDGE, self._expired, waits)

    def _again(self) -> None:
        self.phone.resume()
        self._bring()

    def _expired(self, arrival: Arrival) -> None:
        if self.phone.unacknowledged is arrival:
            self.journal.note("unacknowledged", pdu=arrival.pdu)
            self.phone.acknowledgement_is_late()
            self._bring()

    def ussd(self, answer: str) -> None:
        """See :class:`Outside`."""
        self._later(USSD, lambda: self.dialogue.lines(answer))

    # ---- faults ----------------------------------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        """Something goes wrong, now or when its time comes."""
        self.journal.note("fault", name=fault.name)
        if FAULTS[fault.name].at_once:
            self._NOW[fault.name](self, fault)
            self._bring()
        else:
            self.phone.faults.add(fault)

    def _registration(self, stat: int) -> None:
        self.phone.stat = stat
        for name, n in self.phone.settings.registration.items():
            if n:
                self.dialogue.lines(registration_line(self.phone, name, asked=False))

    def _clear(self, fault: Fault) -> None:
        self.phone.faults.clear()
        if self.phone.stat != 1:
            self._registration(1)

    def _echo(self, fault: Fault) -> None:
        self.phone.settings.echo = True

    def _reset(self, fault: Fault | None = None) -> None:
        if not self.line.plugged:
            return  # it has no power, and restarts anyway when it comes back
        self._power_off()
        self.dialogue.lines(*(self.phone.family.boot or ("RDY",)))

    def restarts(self) -> None:
        """See :class:`Outside`."""
        self._loop.call_soon(self._reset)

    def unplugged(self, fault: Fault) -> None:
        """Goes away for a while; the phone restarts meanwhile."""
        self.unplug()
        self._loop.call_later(fault.arguments["for"], self._plug_again, self._life)

    def _plug_again(self, life: int) -> None:
        if life == self._life and not self.line.plugged:
            self.line.plug()

    _NOW: ClassVar[dict[str, Callable[[SimModem, Fault], None]]] = {
        "junk-urc": lambda self, fault: self.say(_JUNK),
        "echo-back": _echo,
        "unregistered": lambda self, fault: self._registration(fault.arguments["stat"]),
        "reset": _reset,
        "pin-locked": lambda self, fault: self.phone.lock(),
        "unplug": unplugged,
        "clear": _clear,
    }

    # ---- looking ---------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The modem as the control socket tells it."""
        phone = self.phone
        return {
            "number": phone.sim.number, "plugged": self.line.plugged, "online": self.line.listening,
            "registration": phone.stat, "sim": phone.sim.state, "tries": phone.sim.tries,
            "stored": {name: len(store) for name, store in phone.stores.items()}, "slots": phone.slots,
            "waiting": len(phone.waiting), "faults": phone.faults.names(), "next_mr": phone.mr + 1 & 0xFF,
        }  # fmt: skip
