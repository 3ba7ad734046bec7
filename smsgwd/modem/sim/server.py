"""The simulated modem's pty, control socket, journal and clock.

The far end of the pty is not held open here, so that output is dropped while no program has the port open, as a real port
does it; that no program has it shows as an error on reading, and a look every ``LOOK`` seconds sees the next one come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import random
import select
import tty
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smsgwd.clock import Clock
from smsgwd.errors import PduError
from smsgwd.journal import Journal
from smsgwd.modem.sim.dialogue import Dialogue
from smsgwd.modem.sim.faults import AT_ONCE, Fault, read_fault
from smsgwd.modem.sim.network import delivers, described, report
from smsgwd.modem.sim.phone import Arrival, Phone
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.submit import Submit
from smsgwd.sms.tpdu import decode_hex

#: seconds between two looks whether a program has opened the port
LOOK = 0.02
#: seconds that a directly routed text waits for AT+CNMA (TS 27.005 leaves it to the maker; 15 to 20 are seen)
ACKNOWLEDGE = 15.0
#: texts that were sent and may be reported on
MOST_SENT = 1000
#: bytes of one control line
LONGEST_LINE = 1 << 20
_JUNK = b"\r\n\xff\xfe^BOOT:12,0,0,0,20\r\n\r\n^RSSI:21\r\n\x00"


class Options:
    """How the phone behaves."""

    def __init__(self, *, latency: float = 0.0, report_after: float | None = None, seed: int | None = None) -> None:
        self.latency, self.report_after = latency, report_after
        self.random = random.Random(seed)


class SimModem:
    """One simulated modem at ``link``."""

    def __init__(self, phone: Phone, model: str, link: str, journal: Journal, clock: Clock, options: Options) -> None:
        self.phone, self.link, self.journal, self.clock, self.options = phone, Path(link), journal, clock, options
        self.dialogue = Dialogue(phone, model, self._say, self._submitted)
        self._master = -1
        self._online = False
        self._sent: dict[int, Submit] = {}
        self._loop = asyncio.get_running_loop()

    # ---- the pty ---------------------------------------------------------------------------------------------------

    def plug(self) -> None:
        """Makes the pty and links it. OSError when the link cannot be made."""
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        name = os.ttyname(slave)
        os.close(slave)
        if self.link.exists() and not self.link.is_symlink():
            raise FileExistsError(17, "exists and is no link", str(self.link))
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self.link)
        self._loop.add_reader(self._master, self._read)

    def unplug(self) -> None:
        """The device goes away: whoever has it open reads an end."""
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        os.close(self._master)
        self._master, self._online = -1, False
        self.link.unlink(missing_ok=True)
        self.dialogue.drop()

    def _read(self) -> None:
        try:
            octets = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError:  # no program has the port open
            self._loop.remove_reader(self._master)
            self._online = False
            self.dialogue.drop()
            self._loop.call_later(LOOK, self._look, self._master)
            return
        self._online = True
        self.dialogue.feed(octets)
        self._bring()

    def _look(self, master: int) -> None:
        """Has a program opened the port?"""
        if master != self._master:
            return
        poll = select.poll()
        poll.register(master, select.POLLIN)
        if any(flags & select.POLLHUP for _, flags in poll.poll(0)):
            self._loop.call_later(LOOK, self._look, master)
        else:
            self._online = True
            self._loop.add_reader(master, self._read)
            self._bring()

    def _say(self, octets: bytes) -> None:
        """Bytes for the program; what it does not take is dropped, as a line without flow control does."""
        if self._online and self._master >= 0:
            with contextlib.suppress(OSError):
                os.write(self._master, octets)

    # ---- sending ---------------------------------------------------------------------------------------------------

    def _submitted(self, submit: Submit, pdu: str) -> None:
        """A PDU was handed over: on the network now, the answer after the latency."""
        faults = self.phone.faults
        if error := faults.take("error"):
            code = f"+{error.arguments['kind'].upper()} ERROR: {error.arguments['code']}"
            self.journal.note("refused", pdu=pdu, code=code, **described(submit))
            self._later(self.options.latency, lambda: self.dialogue.finish(code))
            return
        mr = self.phone.next_mr()
        self.journal.note("submit", mr=mr, **{"from": self.phone.number}, pdu=pdu, **described(submit))
        self._sent[mr] = submit
        while len(self._sent) > MOST_SENT:
            del self._sent[next(iter(self._sent))]
        if faults.take("no-answer"):
            self.dialogue.finish()
            return
        late = faults.take("late-answer")
        if faults.take("report-first"):
            self.report(mr, 0)
        wait = self.options.latency + (float(late.arguments["seconds"]) if late else 0.0)
        if late:
            self.dialogue.finish()
            self._later(wait, lambda: self.dialogue.lines(f"+CMGS: {mr}", "OK"))
        else:
            self._later(wait, lambda: self.dialogue.finish(f"+CMGS: {mr}", "OK"))
        if self.options.report_after is not None and submit.tp_srr:
            self._later(wait + self.options.report_after, lambda: self.report(mr, 0))

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, what)
        else:
            what()

    # ---- receiving -------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() / 1000, UTC)

    def text(self, sender: str, text: str) -> int:
        """Somebody texts the phone; how many parts. ValueError."""
        pdus = delivers(sender, text, self.options.random.randrange(256), self._now())
        for pdu in pdus:
            self._arrive(Arrival(pdu), sender=sender)
        return len(pdus)

    def pdu(self, pdu: str) -> None:
        """A PDU as it is, SMSC included. ValueError when it is not hexadecimal."""
        bytes.fromhex(pdu)
        self._arrive(Arrival(pdu.upper()), sender="")

    def report(self, mr: int, st: int) -> None:
        """The network's report on a text that was sent. ValueError when there was none with this reference."""
        if mr not in self._sent:
            raise ValueError(f"no text with the reference {mr} was sent")
        pdu = report(self._sent[mr], mr, st, self._now())
        self.journal.note("report", mr=mr, st=st, pdu=pdu, to=self._sent[mr].tp_da.text)
        self.phone.arrive(Arrival(pdu, is_report=True))
        self._bring()

    def _arrive(self, arrival: Arrival, sender: str) -> None:
        line: dict[str, Any] = {"from": sender, "to": self.phone.number, "pdu": arrival.pdu}
        with contextlib.suppress(PduError):
            read = decode_hex(arrival.pdu, "mt")
            if isinstance(read, Deliver):
                concat = read.concat
                line |= {"from": read.tp_oa.text, "text": read.text, "ref": concat.ref if concat else None,
                         "part": concat.part if concat else 1, "parts": concat.parts if concat else 1}  # fmt: skip
        self.phone.arrive(arrival)
        self.journal.note("deliver", **line)
        self._bring()

    def _bring(self) -> None:
        """What waits for the phone comes, while a program listens."""
        if not self._online:
            return
        lines = self.phone.take_waiting()
        if lines:
            self.dialogue.lines(*lines)
        if self.phone.unacknowledged is not None:
            waits = self.phone.unacknowledged
            self._loop.call_later(ACKNOWLEDGE, lambda: self._expired(waits))

    def _expired(self, arrival: Arrival) -> None:
        if self.phone.unacknowledged is arrival:
            self.phone.acknowledgement_is_late()

    # ---- faults ----------------------------------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        self.journal.note("fault", name=fault.name)
        if fault.name not in AT_ONCE:
            self.phone.faults.add(fault)
            return
        if fault.name == "junk-urc":
            self._say(_JUNK)
        elif fault.name == "echo-back":
            self.phone.settings.echo = True
        elif fault.name == "registration":
            self._register(int(fault.arguments["stat"]))
        elif fault.name == "reset":
            self._reset()
        elif fault.name == "pin-locked":
            self.phone.locked = True
            self.phone.pin = self.phone.pin or "0000"
        elif fault.name == "unplug":
            self._away(float(fault.arguments["seconds"]))
        elif fault.name == "clear":
            self.phone.faults.clear()
        self._bring()

    def _register(self, stat: int) -> None:
        self.phone.stat = stat
        for name, n in self.phone.settings.registration.items():
            if n:
                self.dialogue.lines(self.dialogue.answers.registration_line(name, asked=False))

    def _reset(self) -> None:
        self.dialogue.drop()
        self.phone.restart()
        self.dialogue.lines("RDY", "+CFUN: 1", "SMS Ready")

    def _away(self, seconds: float) -> None:
        self.unplug()
        self.phone.restart()
        self._loop.call_later(seconds, self.plug)

    # ---- control ---------------------------------------------------------------------------------------------------

    def control(self, line: bytes) -> dict[str, Any]:
        """One request of the control socket and its answer; a bad one answers ``{"error": …}``."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("not a JSON object")
            return {"ok": True, **self.do(request)}
        except (ValueError, TypeError, KeyError) as e:
            why = f"{e.args[0]!r} is missing" if isinstance(e, KeyError) else str(e)
            return {"ok": False, "error": why}

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """``text``, ``pdu``, ``report``, ``fault`` or ``state``. ValueError, TypeError, KeyError for a bad request."""
        what = request.get("do")
        if what == "text":
            return {"parts": self.text(str(request["from"]), str(request["text"]))}
        if what == "pdu":
            self.pdu(str(request["pdu"]))
        elif what == "report":
            self.report(int(request["mr"]), int(request.get("st", 0)))
        elif what == "fault":
            more = {k: v for k, v in request.items() if k not in ("do", "name", "after")}
            self.fault(read_fault(str(request["name"]), more))
        elif what == "state":
            return self.state()
        else:
            raise ValueError("`do` is text, pdu, report, fault or state")
        return {}

    def state(self) -> dict[str, Any]:
        phone = self.phone
        return {
            "number": phone.number, "online": self._online, "registration": phone.stat, "locked": phone.locked,
            "tries": phone.tries, "stored": {name: len(store) for name, store in phone.stores.items()},
            "slots": phone.slots, "waiting": len(phone.waiting), "faults": phone.faults.names(), "next_mr": phone.mr + 1 & 255,
        }  # fmt: skip

    async def serve_control(self, path: str, stop: asyncio.Event) -> None:
        """The control socket until ``stop``."""

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
                while line := await reader.readline():
                    writer.write(json.dumps(self.control(line)).encode() + b"\n")
                    await writer.drain()
            writer.close()

        Path(path).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(client, path, limit=LONGEST_LINE)
        try:
            await stop.wait()
        finally:
            server.close()
            Path(path).unlink(missing_ok=True)

    async def play(self, script: list[dict[str, Any]]) -> None:
        """A script: requests as of the control socket, each ``after`` so many seconds."""
        for request in script:
            await self.clock.sleep(float(request.get("after", 0)))
            answer = self.control(json.dumps(request).encode())
            if not answer["ok"]:
                self.journal.note("script", error=answer["error"])


def read_script(path: str) -> list[dict[str, Any]]:
    """JSON lines of a script. ValueError with the line that is none; OSError."""
    script = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            script.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            raise ValueError(f"{path}: line {number}: not a JSON object") from None
    return script
