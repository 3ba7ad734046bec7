"""How the simulated SMSC answers a text that it has taken: at once, late, out of order, twice, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from smsgwd.smpp.bodies import MessageResp
from smsgwd.smpp.consts import LAST_SEQUENCE, CommandStatus
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.stream import Stream

#: answers that are late on purpose, on one connection
MOST_LATE = 10_000
#: seconds that answers are kept for others to come before them
KEPT = 0.5

#: (command_id, sequence_number, message_id)
_Answer = tuple[int, int, str]


class Answers:
    """The answers of one connection."""

    def __init__(self, centre: Centre, stream: Stream) -> None:
        self._centre, self._stream = centre, stream
        self._timers: set[asyncio.TimerHandle] = set()
        self._kept: list[_Answer] = []
        self._swallowed = 0

    def __len__(self) -> int:
        """Texts without an answer that will have one."""
        return len(self._timers) + len(self._kept)

    @property
    def full(self) -> CommandStatus | None:
        """Why a submission is one too many; None when it is not."""
        settings = self._centre.settings
        if settings.window and len(self) >= settings.window:
            throttled = settings.window_status == "throttled"
            return CommandStatus.ESME_RTHROTTLED if throttled else CommandStatus.ESME_RMSGQFUL
        return CommandStatus.ESME_RMSGQFUL if len(self) >= MOST_LATE else None

    def accept(self, command: int, sequence: int, message_id: str) -> None:
        """A text was taken."""
        faults, answer = self._centre.faults, (command, sequence, message_id)
        if (swallow := faults.waits("swallow")) is not None:
            self._swallowed += 1
            if self._swallowed >= swallow["texts"]:
                faults.take("swallow")
                self._swallowed = 0
                self._stream.cut()
        elif faults.take("no-answer"):
            return
        elif (slow := faults.take("slow")) is not None:
            self._late(slow["seconds"], lambda: self._say(answer))
        elif (reorder := faults.waits("reorder")) is not None:
            self._keep(answer, reorder["texts"])
        elif self._centre.settings.delay:
            self._late(self._centre.settings.delay, lambda: self._say(answer))
        else:
            self._say(answer)

    def end(self) -> None:
        """Nothing more is answered."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._kept.clear()

    def _say(self, answer: _Answer) -> None:
        command, sequence, message_id = answer
        faults = self._centre.faults
        if faults.take("stray-answer"):
            self._stream.say(command, 0, sequence % LAST_SEQUENCE ^ 0x40000000, MessageResp(b"stray"))
        named = b"" if faults.take("no-id") else message_id.encode("ascii")
        self._stream.say(command, CommandStatus.ESME_ROK, sequence, MessageResp(named))
        if faults.take("twice-answered"):
            self._stream.say(command, CommandStatus.ESME_ROK, sequence, MessageResp(b"again"))

    def _late(self, seconds: float, do: Callable[[], None]) -> None:
        def late() -> None:
            self._timers.discard(timer)
            do()
            self._stream.flush()

        timer = self._stream.loop.call_later(seconds, late)
        self._timers.add(timer)

    def _keep(self, answer: _Answer, most: int) -> None:
        """Until there are so many, or no more come."""
        self._kept.append(answer)
        if len(self._kept) >= most:
            self._centre.faults.take("reorder")
            self._give()
        elif len(self._kept) == 1:
            self._stream.loop.call_later(KEPT, self._give)

    def _give(self) -> None:
        while self._kept:
            self._say(self._kept.pop())
