"""One simulated SMSC: accounts, connections, faults, journal, control socket.

Each connection reads PDUs one by one and answers in order. Texts that are submitted go to the journal before they are
answered; a receipt follows after the set time to a connection of the same account that receives. What is for an account
with no receiver waits, bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smsgwd.clock import Clock
from smsgwd.errors import PduError
from smsgwd.journal import Journal
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, BindResp, Body, DataSm, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import HEADER_SIZE, RESPONSE, CommandId, CommandStatus, MessageState, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.sim.texts import delivers, described, receipt

_C, _E = CommandId, CommandStatus
#: seconds that a connection may stay silent in the middle of a PDU, without a bind, and until an enquire_link
PDU_TIME, BIND_TIME, ENQUIRE = 10.0, 30.0, 60.0
#: deliveries that wait for a receiver, texts that may be reported on, unanswered deliveries of one connection
MOST_WAITING, MOST_SENT, WINDOW = 10_000, 10_000, 100
LONGEST_LINE = 1 << 20

#: name -> (what it does, arguments with their defaults)
FAULTS: dict[str, tuple[str, dict[str, float]]] = {
    "no-answer": ("never answers the next submit_sm", {"count": 1}),
    "error": ("refuses the next submit_sm with a command_status", {"count": 1, "code": 0x08}),
    "slow": ("answers the next submit_sm so many seconds late", {"count": 1, "seconds": 5.0}),
    "drop": ("cuts the connection instead of answering the next submit_sm", {"count": 1}),
    "refuse-bind": ("refuses the next bind with a command_status", {"count": 1, "code": 0x0D}),
    "clear": ("ends all faults", {}),
}
_BINDS = {
    _C.BIND_TRANSMITTER: (True, False), _C.BIND_RECEIVER: (False, True), _C.BIND_TRANSCEIVER: (True, True),
}  # fmt: skip


class Centre:
    """The SMSC. ``rate``: submissions a second that an account may make; 0 = no limit."""

    def __init__(
        self, journal: Journal, clock: Clock, *, system_id: str = "", password: str = "",
        report_after: float | None = None, rate: float = 0.0,
    ) -> None:  # fmt: skip
        self.journal, self.clock, self.report_after, self.rate = journal, clock, report_after, rate
        self.system_id, self.password = system_id, password
        self.connections: set[Connection] = set()
        #: set when a connection ends
        self.left = asyncio.Event()
        self.waiting: deque[ShortMessage] = deque(maxlen=MOST_WAITING)
        self._faults: list[tuple[str, dict[str, float]]] = []
        self._sent: dict[str, ShortMessage | DataSm] = {}
        self._last_id = int(clock.now())
        self._times: deque[float] = deque()

    # ---- accounts --------------------------------------------------------------------------------------------------

    def admit(self, bind: Bind) -> int:
        """The command_status of a bind."""
        if fault := self.take("refuse-bind"):
            return int(fault["code"])
        if self.system_id and not hmac.compare_digest(bind.system_id, self.system_id.encode()):
            return _E.ESME_RINVSYSID
        if self.password and not hmac.compare_digest(bind.password, self.password.encode()):
            return _E.ESME_RINVPASWD
        return _E.ESME_ROK

    def throttled(self) -> bool:
        """This submission is one too many in a second."""
        if not self.rate:
            return False
        now = self.clock.monotonic()
        while self._times and now - self._times[0] >= 1.0:
            self._times.popleft()
        if len(self._times) >= self.rate:
            return True
        self._times.append(now)
        return False

    # ---- texts -----------------------------------------------------------------------------------------------------

    def accept(self, body: ShortMessage | DataSm) -> str:
        """Takes a text; its message_id."""
        self._last_id += 1
        message_id = f"{self._last_id:x}"
        self.journal.note("submit", id=message_id, **described(body))
        self._sent[message_id] = body
        while len(self._sent) > MOST_SENT:
            del self._sent[next(iter(self._sent))]
        if self.report_after is not None and body.registered_delivery & 3:
            asyncio.get_running_loop().call_later(self.report_after, self.report, message_id, MessageState.DELIVERED)
        return message_id

    def report(self, message_id: str, state: MessageState) -> None:
        """A receipt on a text. ValueError for an unknown id."""
        body = self._sent.get(message_id)
        if not isinstance(body, ShortMessage):
            raise ValueError(f"no text {message_id} was submitted")
        now = datetime.fromtimestamp(self.clock.now() / 1000, UTC)
        self.journal.note("report", id=message_id, state=state.name.lower())
        self.deliver(receipt(body, message_id, state, now))

    def text(self, sender: str, to: str, text: str) -> int:
        """Somebody texts a number of this account; how many parts. ValueError."""
        bodies = delivers(sender, to, text, random.randrange(256))
        for body in bodies:
            self.journal.note("deliver", **described(body))
            self.deliver(body)
        return len(bodies)

    def deliver(self, body: ShortMessage) -> None:
        """To a receiver, now or when one binds."""
        self.waiting.append(body)
        self.bring()

    def bring(self) -> None:
        for connection in self.connections:
            while self.waiting and connection.receives and connection.room:
                connection.deliver(self.waiting.popleft())

    # ---- faults and control ----------------------------------------------------------------------------------------

    def take(self, name: str) -> dict[str, float] | None:
        """One use of a fault; None when none of this name waits."""
        for i, (known, arguments) in enumerate(self._faults):
            if known == name:
                arguments["count"] -= 1
                if arguments["count"] <= 0:
                    del self._faults[i]
                return arguments
        return None

    def fault(self, name: str, given: dict[str, Any]) -> None:
        """ValueError says what is wrong with the request."""
        if name not in FAULTS:
            raise ValueError(f"{name!r} is no fault; faults: {', '.join(FAULTS)}")
        if name == "clear":
            self._faults.clear()
            return
        known = FAULTS[name][1]
        if unknown := [key for key in given if key not in known]:
            raise ValueError(f"{name} takes no argument {unknown[0]!r}; it takes: {', '.join(known)}")
        arguments = {key: float(int(value, 0) if isinstance(value, str) and value[:2] == "0x" else float(value))
                     for key, value in given.items()}  # fmt: skip
        self._faults.append((name, {**known, **arguments}))

    def control(self, line: bytes) -> dict[str, Any]:
        """One request of the control socket and its answer."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("not a JSON object")
            return {"ok": True, **self._do(request)}
        except (ValueError, TypeError, KeyError) as e:
            return {"ok": False, "error": f"{e.args[0]!r} is missing" if isinstance(e, KeyError) else str(e)}

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("do"):
            case "text":
                to = str(request.get("to") or "+15550100200")
                return {"parts": self.text(str(request["from"]), to, str(request["text"]))}
            case "report":
                self.report(str(request["id"]), MessageState(int(request.get("state", MessageState.DELIVERED))))
            case "fault":
                more = {k: v for k, v in request.items() if k not in ("do", "name")}
                self.fault(str(request["name"]), more)
            case "state":
                return {"connections": len(self.connections), "waiting": len(self.waiting), "submitted": len(self._sent)}
            case _:
                raise ValueError("`do` is text, report, fault or state")
        return {}

    async def serve_control(self, path: str, stop: asyncio.Event) -> None:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, ValueError):
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

    async def serve(self, host: str, port: int, stop: asyncio.Event, listening: Callable[[str], None]) -> None:
        """Until ``stop``, then unbinds everybody. ``listening`` is told HOST:PORT. OSError when the port cannot be had."""

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Connection(self, reader, writer).run()

        server = await asyncio.start_server(client, host, port)
        bound = server.sockets[0].getsockname()
        listening(f"{bound[0]}:{bound[1]}")
        try:
            await stop.wait()
        finally:
            server.close()
            for connection in list(self.connections):
                connection.unbind()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    while self.connections:
                        self.left.clear()
                        await self.left.wait()
            for connection in list(self.connections):
                connection.cut()


class Connection:
    """One ESME."""

    def __init__(self, centre: Centre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.centre, self._reader, self._writer = centre, reader, writer
        self.sends = self.receives = False
        self._bound = self._ended = False
        self._sequence = 0
        self._unanswered: set[int] = set()

    @property
    def room(self) -> bool:
        return len(self._unanswered) < WINDOW

    async def run(self) -> None:
        """Until the peer leaves, unbinds, or sends what is no PDU."""
        self.centre.connections.add(self)
        try:
            while not self._ended:
                frame = await self._frame()
                if frame is None:
                    break
                await self._take(frame)
                await self._writer.drain()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the peer left; what it had not answered is lost to it, as on a real line
        except PduError:
            self._write(_C.GENERIC_NACK, _E.ESME_RINVCMDLEN, 0, Empty())
        finally:
            self.centre.connections.discard(self)
            self.centre.left.set()
            self._writer.close()

    async def _frame(self) -> bytes | None:
        """One PDU; None when the peer is gone or silent for too long. PduError for a length that is none."""
        for patience in (ENQUIRE if self._bound else BIND_TIME, ENQUIRE):
            try:
                async with asyncio.timeout(patience):
                    head = await self._reader.readexactly(HEADER_SIZE)
            except TimeoutError:
                if not self._bound:
                    return None
                self._request(_C.ENQUIRE_LINK, Empty())
                continue
            header = pdu.unpack_header(head)
            async with asyncio.timeout(PDU_TIME):
                return head + await self._reader.readexactly(header.length - HEADER_SIZE)
        return None

    async def _take(self, frame: bytes) -> None:
        header = pdu.unpack_header(frame)
        if header.command_id & RESPONSE:
            self._unanswered.discard(header.sequence)
            self.centre.bring()
            return
        try:
            body = pdu.unpack(frame).body
        except PduError:
            known = header.command_id in set(CommandId)
            status = _E.ESME_RINVMSGLEN if known else _E.ESME_RINVCMDID
            self._write(_C.GENERIC_NACK, status, header.sequence, Empty())
            return
        if isinstance(body, Bind):
            self._bind(header, body)
        elif header.command_id == _C.ENQUIRE_LINK:
            self._write(_C.ENQUIRE_LINK_RESP, _E.ESME_ROK, header.sequence, Empty())
        elif header.command_id == _C.UNBIND:
            self._write(_C.UNBIND_RESP, _E.ESME_ROK, header.sequence, Empty())
            self._ended = True
        elif header.command_id in (_C.SUBMIT_SM, _C.DATA_SM) and isinstance(body, ShortMessage | DataSm):
            await self._submit(header, body)
        else:
            self._write(_C.GENERIC_NACK, _E.ESME_RINVCMDID, header.sequence, Empty())

    def _bind(self, header: pdu.Header, bind: Bind) -> None:
        status = _E.ESME_RALYBND if self._bound else self.centre.admit(bind)
        version = Tlv(Tag.SC_INTERFACE_VERSION, b"\x34")
        self._write(header.command_id | RESPONSE, status, header.sequence, BindResp(b"smsgwd-sim", (version,)))
        if status == _E.ESME_ROK:
            self._bound = True
            self.sends, self.receives = _BINDS[CommandId(header.command_id)]
            self.centre.bring()

    async def _submit(self, header: pdu.Header, body: ShortMessage | DataSm) -> None:
        centre, answer = self.centre, header.command_id | RESPONSE
        if not self.sends:
            self._write(answer, _E.ESME_RINVBNDSTS, header.sequence, MessageResp())
            return
        if centre.throttled():
            self._write(answer, _E.ESME_RTHROTTLED, header.sequence, MessageResp())
            return
        if error := centre.take("error"):
            self._write(answer, int(error["code"]), header.sequence, MessageResp())
            return
        message_id = centre.accept(body)
        if centre.take("no-answer"):
            return
        if centre.take("drop"):
            self.cut()
            return
        if slow := centre.take("slow"):
            await centre.clock.sleep(slow["seconds"])
        self._write(answer, _E.ESME_ROK, header.sequence, MessageResp(message_id.encode("ascii")))

    # ---- writing ---------------------------------------------------------------------------------------------------

    def deliver(self, body: ShortMessage) -> None:
        self._unanswered.add(self._request(_C.DELIVER_SM, body))

    def unbind(self) -> None:
        if self._bound:
            self._request(_C.UNBIND, Empty())
        self._ended = True
        self._reader.feed_eof()

    def cut(self) -> None:
        self._ended = True
        self._writer.transport.abort()

    def _request(self, command: CommandId, body: Body) -> int:
        self._sequence += 1
        self._write(command, _E.ESME_ROK, self._sequence, body)
        return self._sequence

    def _write(self, command: int, status: int, sequence: int, body: Body) -> None:
        if not self._writer.is_closing():
            self._writer.write(pdu.pack(command, status, sequence, body))
