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
from typing import Any

from smsgwd.clock import Clock
from smsgwd.errors import PduError
from smsgwd.journal import Journal
from smsgwd.modem.sim.dialogue import Dialogue
from smsgwd.modem.sim.equipment import registration_line
from smsgwd.modem.sim.faults import FAULTS, Fault
from smsgwd.modem.sim.line import Line
from smsgwd.modem.sim.mishaps import NOW
from smsgwd.modem.sim.network import delivers, described, described_arrival, report
from smsgwd.modem.sim.phone import Arrival, Phone
from smsgwd.modem.sim.second import SecondPort
from smsgwd.sms.submit import Submit

#: seconds that a directly routed text waits for AT+CNMA (TS 27.005 leaves it to the maker; 15 to 20 are seen)
ACKNOWLEDGE = 15.0
#: seconds until the network comes again with a text that was refused
AGAIN = 1.0
#: seconds from a USSD code to the network's answer
USSD = 0.05
#: seconds between two +CSQ that come unasked
SIGNAL = 5.0


class SimModem:
    """One simulated modem at ``link``. ``latency`` and ``report_after`` in seconds; None = no reports of itself. ``second`` is
    the name of a second port, for status alone."""

    def __init__(
        self, phone: Phone, link: str, journal: Journal, clock: Clock, *, latency: float = 0.0,
        report_after: float | None = None, seed: int | None = None, second: str = "",
    ) -> None:  # fmt: skip
        self.phone: Phone = phone
        self.journal, self.clock = journal, clock
        self.latency, self.report_after = latency, report_after
        self.dialogue = Dialogue(phone, self)
        self.link = Path(link)
        self.line = Line(self.link, self._took, self._closed)
        self.second = SecondPort(phone, Path(second)) if second else None
        self.random = random.Random(seed)
        #: the latest text with each reference, for reports on it
        self._sent: dict[int, Submit] = {}
        #: grows with each restart: answers of an earlier life are forgotten
        self._life = 0
        #: how often it came back under another name
        self._renamed = 0
        #: answers for whoever opens the port next, and whether it was closed since
        self._stale: list[str] = []
        self._was_closed = False
        self._signal: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def plug(self) -> None:
        """The modem is there. OSError."""
        self.line.plug()
        if self.second is not None:
            try:
                self.second.line.plug()
            except OSError:
                self.line.unplug()
                raise
        if "+AUTOCSQ" in self.phone.family.own:
            self._signal = self._loop.call_later(SIGNAL, self._tell_signal)

    def unplug(self) -> None:
        """The modem is gone."""
        self.line.unplug()
        if self.second is not None:
            self.second.line.unplug()
        if self._signal is not None:
            self._signal.cancel()
        self._power_off()

    def _power_off(self) -> None:
        self._life += 1
        self._stale.clear()
        self.dialogue.drop()
        self.phone.restart()
        if self.second is not None:
            self.second.restart()

    def reseed(self, seed: int) -> None:
        """What is random from now on is the same each time."""
        self.random = random.Random(seed)

    # ---- the line --------------------------------------------------------------------------------------------------

    def _took(self, octets: bytes) -> None:
        if self.line.garbled:
            self.say(octets)
            return
        if self._was_closed and self._stale:
            stale, self._stale = self._stale, []
            self.dialogue.lines(*stale)
        self.dialogue.feed(octets)
        self._bring()

    def _closed(self) -> None:
        self._was_closed = True
        self.dialogue.drop()

    def say(self, octets: bytes) -> None:
        """See :class:`Outside`. At another speed the program reads noise."""
        self.line.say(self.random.randbytes(len(octets)) if self.line.garbled else octets)

    def _tell_signal(self) -> None:
        if self.phone.settings.tells_signal:
            self.dialogue.lines("+CSQ: 21,99" if self.phone.reachable else "+CSQ: 99,99")
        self._signal = self._loop.call_later(SIGNAL, self._tell_signal)

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
        elif faults.take("stale-answer"):
            self._stale, self._was_closed = [*self._stale, *self._result(mr)], False
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
        faults, noise = self.phone.faults, self.phone.noise
        said = f"+CMGS: {mr}" + (f',"{self.now():%y/%m/%d,%H:%M:%S}+00"' if self.phone.family.sent_time else "")
        if faults.take("no-reference"):
            return ["OK"]
        if faults.take("urc-in-answer"):
            return [said, noise or "^RSSI:21", "RING", "OK"]
        if faults.waits("no-ok") is None and faults.take("twice-answered"):
            return [said, "OK", said, "OK"]
        return [said, *([] if faults.take("no-ok") else ["OK"]), *([noise] if noise else [])]

    # ---- receiving -------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The network's time."""
        return datetime.fromtimestamp(self.clock.now() / 1000, UTC)

    def text(self, sender: str, text: str) -> int:
        """Somebody texts the phone; how many parts. ValueError."""
        pdus = delivers(sender, text, self.random.randrange(256), self.now())
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
        line = self._line_of(pdu)
        self.phone.arrive(Arrival(pdu, is_report="st" in line))
        self.journal.note("report" if "st" in line else "deliver", **line)

    def _line_of(self, pdu: str) -> dict[str, Any]:
        line: dict[str, Any] = {"from": "", "to": self.phone.sim.number, "pdu": pdu}
        with contextlib.suppress(PduError):
            line |= described_arrival(pdu)
        return line

    def note_arrival(self, pdu: str) -> None:
        """A text that is on the SIM already goes to the journal."""
        self.journal.note("deliver", **self._line_of(pdu))

    def report(self, mr: int, st: int) -> None:
        """The network's report on a text that was sent. ValueError when there was none with this reference."""
        if mr not in self._sent:
            raise ValueError(f"no text with the reference {mr} was sent")
        self._arrive(report(self._sent[mr], mr, st, self.now()))
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
            NOW[fault.name](self, fault)
            self._bring()
        else:
            self.phone.faults.add(fault)

    def registration(self, stat: int) -> None:
        """Another <stat>, told where it was asked for."""
        self.phone.stat = stat
        for name, n in self.phone.settings.registration.items():
            if n:
                self.dialogue.lines(registration_line(self.phone, name, asked=False))

    def reset(self) -> None:
        """Restarts, and says so."""
        if not self.line.plugged:
            return  # it has no power, and restarts anyway when it comes back
        self._power_off()
        state = f"+CPIN: {self.phone.sim.state}"
        self.dialogue.lines(*(state if x == "+CPIN: READY" else x for x in self.phone.family.boot or ("RDY",)))

    def restarts(self) -> None:
        """See :class:`Outside`."""
        fault = self.phone.faults.take("gone-at-restart")
        self._loop.call_soon(*((self.unplugged, fault) if fault else (self.reset,)))

    def renamed(self, fault: Fault) -> None:
        """Goes away, and comes back under another name."""
        self.unplugged(fault)
        self._renamed += 1
        self.line.path = self.link.with_name(f"{self.link.name}-{self._renamed + 1}")

    def unplugged(self, fault: Fault) -> None:
        """Goes away for a while; the phone restarts meanwhile."""
        self.unplug()
        self._loop.call_later(fault.arguments["for"], self._plug_again, self._life)

    def _plug_again(self, life: int) -> None:
        if life == self._life and not self.line.plugged:
            self.plug()

    # ---- looking ---------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The modem as the control socket tells it."""
        phone = self.phone
        return {
            "number": phone.sim.number, "link": str(self.line.path), "plugged": self.line.plugged, "online": self.line.listening,
            "registration": phone.stat, "sim": phone.sim.state, "tries": phone.sim.tries,
            "stored": {name: len(store) for name, store in phone.stores.items()}, "slots": phone.slots,
            "waiting": len(phone.waiting), "faults": phone.faults.names(), "next_mr": phone.mr + 1 & 0xFF,
        }  # fmt: skip
