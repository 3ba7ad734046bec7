"""outbind (section 4.1.7): the SMSC connects to an ESME that listens, and asks it to bind as a receiver."""

from __future__ import annotations

import asyncio

from smsgwd.errors import PduError
from smsgwd.smpp.bodies import Outbind
from smsgwd.smpp.pdu import pack_body
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.connection import Connection

#: seconds to connect
PATIENCE = 10.0


class Outbinds:
    """The connections that are being made."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, host: str, port: int, system_id: str, password: str) -> None:
        """Begins one; the journal says how it ended. ValueError for names that no PDU holds."""
        body = Outbind(system_id.encode(), password.encode())
        try:
            pack_body(body)
        except PduError as e:
            raise ValueError(str(e)) from None
        task = asyncio.get_running_loop().create_task(self._connect(host, port, body), name=f"outbind to {host}:{port}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Gives up those that are not connected yet."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, host: str, port: int, body: Outbind) -> None:
        error = ""
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().create_connection(lambda: Connection(self._centre, body), host, port)
        except OSError as e:  # a TimeoutError is one
            error = e.strerror or str(e) or "no connection"
        self._centre.journal.note("outbind", host=host, port=port, error=error)
