"""An event loop without a clock of its own: time jumps to the next timer when nothing is ready.

It is asyncio's own loop with another selector: instead of waiting for the kernel it moves the time. Nothing outside can
wake it, so there are no sockets and no threads (what would run in one runs at once), and a signal is delivered by
:meth:`VirtualLoop.deliver`.

The order of everything is that of the program alone. Three things would make it depend on where objects lie in memory or
on the hash of strings, and each is taken away: timers that are due at the same moment run in the order in which they
were set, and tasks and futures have their number for a hash, so that a set of them has one order.

A program that spins does not hang the test: so many turns at one moment (:data:`MOST_TURNS`) end it with
:class:`Spinning`; and so does one where nothing is ready and nothing will ever be (:class:`Stuck`).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from asyncio import base_events
from collections.abc import Callable
from typing import Any

#: turns of the loop without any time passing
MOST_TURNS = 20_000


class Spinning(AssertionError):
    """The program is busy for ever at one moment."""


class Stuck(AssertionError):
    """Nothing is ready, and no timer is set: the program waits for what cannot come."""


class _Numbered:
    """Hash by number: the order of a set does not depend on addresses."""

    def __hash__(self) -> int:
        return self._number  # type: ignore[attr-defined,no-any-return]


class NumberedTask(_Numbered, asyncio.Task):
    def __init__(self, *args: Any, **named: Any) -> None:
        self._number = named["loop"].number()
        super().__init__(*args, **named)


class NumberedFuture(_Numbered, asyncio.Future):
    def __init__(self, loop: VirtualLoop) -> None:
        self._number = loop.number()
        super().__init__(loop=loop)


class _Timer(asyncio.TimerHandle):
    """Of two timers for one moment the one that was set first is first."""

    __slots__ = ("_order",)

    def __init__(self, order: int, *args: Any) -> None:
        super().__init__(*args)
        self._order = order

    def __lt__(self, other: _Timer) -> bool:  # type: ignore[override]
        return (self._when, self._order) < (other._when, other._order)

    def __hash__(self) -> int:
        return self._order


class _Jump:
    """In the place of a selector: no file is ever ready, and waiting is a jump."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        self._loop.passed(timeout)
        return []


class VirtualLoop(base_events.BaseEventLoop):
    """``began``: the time at which it starts, in seconds."""

    def __init__(self, began: float = 0.0) -> None:
        super().__init__()
        self._now, self._turns = began, 0
        self._order = itertools.count()
        self._selector = _Jump(self)
        self._clock_resolution = 1e-6  # below it two moments are one; floats of a year tell more apart
        self._handlers: dict[int, Callable[[], None]] = {}
        #: messages of the loop about what nobody has caught
        self.complaints: list[str] = []
        self.set_exception_handler(lambda _, context: self.complaints.append(str(context.get("exception") or context["message"])))
        self.set_task_factory(lambda loop, coro, **named: NumberedTask(coro, loop=loop, **named))

    def number(self) -> int:
        return next(self._order)

    def time(self) -> float:
        return self._now

    def passed(self, timeout: float | None) -> None:
        """Nothing is ready for so long: 0 = something is, None = no timer is set."""
        if timeout is None:
            raise Stuck(f"nothing is ready at {self._now:.3f}, and no timer is set")
        if timeout > 0:
            before, self._turns = self._now, 0
            # the very moment of the timer: what is left of a sum of floats would be another jump
            self._now = max(self._scheduled[0]._when, before) if self._scheduled else before + timeout
            return
        if self._scheduled and self._now < self._scheduled[0]._when < self._now + self._clock_resolution:
            self._now = self._scheduled[0]._when  # it runs in this turn: then it is not before its time either
        self._turns += 1
        if self._turns > MOST_TURNS:
            self._turns = 0
            raise Spinning(f"{MOST_TURNS} turns at {self._now:.3f}")

    def create_future(self) -> asyncio.Future[Any]:
        return NumberedFuture(self)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.TimerHandle:
        self._check_closed()
        if not math.isfinite(when):
            raise ValueError(f"{when} is no time")
        timer = _Timer(self.number(), when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._now + max(delay, 0.0), callback, *args, context=context)

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    # ---- what a loop has besides -----------------------------------------------------------------------------------

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Nobody waits in the kernel."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """What a thread would do is done at once; who waits for it hears of it in the next turn."""
        future = self.create_future()
        try:
            self.call_soon(self._heard, future, func(*args), None)
        except Exception as e:  # noqa: BLE001 - whatever it is, who waits gets it
            self.call_soon(self._heard, future, None, e)
        return future

    @staticmethod
    def _heard(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        if not future.done():
            future.set_result(result) if error is None else future.set_exception(error)

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:
        self._handlers[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self._handlers.pop(sig, None) is not None

    def deliver(self, sig: int) -> bool:
        """A signal comes; False when nobody handles it."""
        handler = self._handlers.get(sig)
        if handler is not None:
            self.call_soon(handler)
        return handler is not None
