"""One command at a time: what is written to the port, and what is waited for.

The parser sorts the bytes; this module knows time. Everything unsolicited goes to a bounded queue for the link and wakes
it. A command that is not answered in its time is followed by the first step of recovery, :meth:`Channel.resync`: ESC, a
pause, ``AT``. A modem that answers then is in step again and the command alone has failed; one that does not is dead, and
LinkError says so.

AT+CMGS, its prompt, the PDU and the result are one transaction in two calls, :meth:`Channel.prompt` and
:meth:`Channel.hand_over`, because all turns on what lies between: before the PDU nothing was sent whatever happens;
after its last octet nobody knows until the modem tells.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from smsgwd.errors import CommandError, LinkError, Uncertain
from smsgwd.modem import commands
from smsgwd.modem.at import AtEvent, Expectation, Final, Line, Parser, Unsolicited
from smsgwd.modem.causes import command_error
from smsgwd.modem.commands import Command
from smsgwd.modem.port import Port, open_port
from smsgwd.modem.profile import Profile

#: unsolicited codes that wait for the link; more are dropped, the poll of the storage finds their texts
MOST_UNSOLICITED = 1000
ESC, SUB = b"\x1b", b"\x1a"
#: quiet after a resync, so that a late answer is not taken for the next command's
_QUIET = 0.1


class ModemSilent(LinkError):
    """The port is open, and the modem answers nothing."""


class Channel:
    """The dialogue with one open modem."""

    def __init__(self, profile: Profile, wake: Callable[[], None]) -> None:
        self.profile, self._wake = profile, wake
        self._parser = Parser(profile.urc, profile.final)
        self.unsolicited: deque[Unsolicited] = deque(maxlen=MOST_UNSOLICITED)
        self._answers: deque[AtEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._port: Port | None = None
        self._lost = ""

    async def open(self, path: str, baudrate: int) -> None:
        """Opens the port and ends a half-typed text that another program left, without sending it."""
        self._port = await open_port(path, baudrate, self._received, self._gone, rtscts=self.profile.rtscts)
        await asyncio.sleep(self.profile.settle)
        self._parser.feed(b"\r\n")
        self._forget()
        await self._port.write(ESC + b"\r")

    def adopt(self, profile: Profile) -> None:
        """From now on the modem is known to be of this family. Between two commands."""
        self.profile = profile
        self._parser = Parser(profile.urc, profile.final)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
        self._gone("closed")

    def check(self) -> None:
        """LinkError when the port is gone."""
        if self._lost:
            raise LinkError(self._lost)

    # ---- commands --------------------------------------------------------------------------------------------------

    async def ask(self, command: Command) -> list[Line]:
        """The lines that answer a command. CommandError when the modem refuses it or does not answer it, LinkError when
        the modem is dead."""
        await self._write(command, prompt=False)
        lines: list[Line] = []
        try:
            async with asyncio.timeout(command.timeout * self.profile.stretch):
                while True:
                    event = await self._next()
                    if isinstance(event, Line):
                        lines.append(event)
                        if self.profile.pin_ok_missing and command is commands.PIN_STATE:
                            await self._tail()
                            return lines
                    elif isinstance(event, Final):
                        break
        except TimeoutError:
            if command is not commands.AT:
                await self.resync()
            raise CommandError("", -1, f"no answer to {command} in {command.timeout:g} s") from None
        if not event.ok:
            raise command_error(event.text)
        return lines

    async def attempt(self, command: Command) -> list[Line] | None:
        """The same for a command that a modem may lack: None when it refuses."""
        try:
            return await self.ask(command)
        except CommandError:
            return None

    async def first(self, command: Command) -> str:
        """The first line of an answer; "" when the modem refuses or says nothing."""
        lines = await self.attempt(command)
        return lines[0].text if lines else ""

    async def prompt(self, octets: int) -> None:
        """AT+CMGS up to its prompt. CommandError: refused, or no prompt came; nothing was sent."""
        await self._write(commands.send(octets), prompt=True)
        try:
            async with asyncio.timeout(self.profile.prompt):
                event = await self._next()
                while isinstance(event, Line):
                    event = await self._next()
        except TimeoutError:
            await self.resync()
            raise CommandError("", -1, "no prompt") from None
        if isinstance(event, Final):
            raise command_error(event.text)

    async def hand_over(self, pdu: str) -> str:
        """The PDU, and TP-MR as the modem tells it ("" when it tells none).

        CommandError with the modem's refusal; Uncertain when it says nothing in time or goes away; LinkError when the
        port did not take the last octet (nothing was sent).
        """
        self._parser.expect(Expectation(pdu, "+CMGS:"))
        await self._port_write(pdu.encode("ascii") + SUB)
        try:
            async with asyncio.timeout(self.profile.answer):
                return await self.result()
        except TimeoutError:
            raise Uncertain(f"the modem did not answer in {self.profile.answer:g} s") from None
        except LinkError as e:
            raise Uncertain(f"the modem went away before it answered: {e}") from None

    async def result(self) -> str:
        """Waits for the result of the PDU that was handed over; the caller sets the time."""
        event = await self._next()
        while not isinstance(event, Line | Final):
            event = await self._next()
        if isinstance(event, Final):
            if event.ok:
                return ""
            raise command_error(event.text)
        reference = commands.reference(event.text)
        await self._tail()
        return reference

    async def _tail(self) -> None:
        """The OK after +CMGS, which some modems send late or never."""
        try:
            async with asyncio.timeout(self.profile.tail):
                while not isinstance(await self._next(), Final):
                    pass
        except (TimeoutError, LinkError):
            self._parser.done()

    async def resync(self) -> None:
        """ESC (never a lone 0x1A: it would send what was typed), a pause, AT. LinkError when nothing answers."""
        self._parser.done()
        await self._port_write(ESC + b"\r")
        await asyncio.sleep(self.profile.drain)
        await self.probe()

    async def probe(self) -> None:
        """``AT`` until it is answered; LinkError after the profile's number of tries."""
        for _ in range(self.profile.probes):
            self._forget()
            if await self.attempt(commands.AT) is not None:
                await asyncio.sleep(min(_QUIET, self.profile.drain))
                self._forget()
                return
        raise ModemSilent("the modem does not answer")

    async def blurt(self, command: Command) -> None:
        """Writes a command and waits for nothing: the modem may be past answering. LinkError when the port is gone."""
        await self._port_write(command.text.encode("ascii") + b"\r")

    # ---- underneath ------------------------------------------------------------------------------------------------

    async def _write(self, command: Command, *, prompt: bool) -> None:
        self._forget()
        if command.text.startswith(self.profile.never):
            raise CommandError("", -1, f"{command} is not sent to a {self.profile.name}")
        self._parser.expect(Expectation(command.text, command.prefix, command.bare, command.pdus, prompt))
        await self._port_write(command.text.encode("ascii") + b"\r")

    async def _port_write(self, octets: bytes) -> None:
        self.check()
        assert self._port is not None
        await self._port.write(octets)

    def _forget(self) -> None:
        self._answers.clear()

    def _received(self, octets: bytes) -> None:
        woken = False
        for event in self._parser.feed(octets):
            if isinstance(event, Unsolicited):
                self.unsolicited.append(event)
                woken = True
            else:
                self._answers.append(event)
        if self._answers and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if woken:
            self._wake()

    def _gone(self, why: str) -> None:
        self._lost = self._lost or why
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._wake()

    async def _next(self) -> AtEvent:
        while not self._answers:
            self.check()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._answers.popleft()
