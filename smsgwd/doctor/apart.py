"""Calls that may hang: a sick driver, a resolver, a network file system.

They run in a daemon thread each. One that does not return in its time costs its own line of the report and does not keep
the command from ending, which a thread of the event loop's own pool would.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def apart(call: Callable[[], T], seconds: float) -> T:
    """What ``call`` returns or raises; TimeoutError when that takes longer than ``seconds``."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if future.done() else result())

    def run() -> None:
        try:
            answer = call()
        except BaseException as e:  # noqa: BLE001 - it belongs to whoever waits
            failure = e
            settle(lambda: future.set_exception(failure))
        else:
            settle(lambda: future.set_result(answer))

    threading.Thread(target=run, name="apart", daemon=True).start()
    return await asyncio.wait_for(future, seconds)
