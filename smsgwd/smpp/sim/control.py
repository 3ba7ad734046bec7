"""How people and tests speak to the simulated SMSC: JSON lines on a unix socket.

==============================================  ==================================================================
``{"do":"text","from":N,"to":N,"text":T}``      somebody texts a number of an account; ``parts``. ``as`` is udh8,
                                                udh16, sar, payload or data_sm. All but ``from`` and ``text`` may be
                                                left out
``{"do":"report","id":ID,"state":"expired"}``   a receipt on the text with this message_id; ``state`` is a
                                                message_state by name or number, delivered without one
``{"do":"alert","from":N,"to":N}``              alert_notification: the phone N can be reached again; ``heard``
``{"do":"outbind","host":H,"port":P}``          connects to an ESME that listens and asks it to bind, as
                                                ``system_id`` with ``password``; the journal says how it ended
``{"do":"fault","name":F,…}``                   see ``faults``
``{"do":"state"}``                              connections, texts, faults that wait
==============================================  ==================================================================

``system_id`` names the account where there are several. Each line is answered by one: ``{"ok":true,…}``, or
``{"ok":false,"error":"…"}`` for what makes no sense.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from smsgwd import control
from smsgwd.control import text_of
from smsgwd.smpp.sim.centre import OUR_NUMBER, Centre
from smsgwd.smpp.sim.faults import read_faults
from smsgwd.smpp.sim.outbind import Outbinds
from smsgwd.smpp.sim.settings import read_state


class Control(control.Control):
    """Requests to one SMSC."""

    def __init__(self, centre: Centre) -> None:
        super().__init__()
        self._centre = centre
        self.outbinds = Outbinds(centre)
        self._does: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "text": self._text, "report": self._report, "alert": self._alert, "outbind": self._outbind,
            "fault": self._fault, "state": lambda _: self._centre.state(),
        }  # fmt: skip

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """See :class:`smsgwd.control.Control`."""
        what = request.get("do")
        do = self._does.get(what) if isinstance(what, str) else None
        if do is None:
            raise ValueError("`do` is text, report, alert, outbind, fault or state")
        return do(request)

    def _text(self, request: dict[str, Any]) -> dict[str, Any]:
        sender, to, words = text_of(request, "from"), text_of(request, "to", OUR_NUMBER), text_of(request, "text")
        account, form = text_of(request, "system_id", ""), text_of(request, "as", "udh8")
        return {"parts": self._centre.text(sender, to, words, account, form)}

    def _report(self, request: dict[str, Any]) -> dict[str, Any]:
        self._centre.report(text_of(request, "id"), read_state(request.get("state", "delivered")))
        return {}

    def _alert(self, request: dict[str, Any]) -> dict[str, Any]:
        to, account = text_of(request, "to", OUR_NUMBER), text_of(request, "system_id", "")
        return {"heard": self._centre.alert(text_of(request, "from"), to, account)}

    def _outbind(self, request: dict[str, Any]) -> dict[str, Any]:
        port = request.get("port")
        if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65_535:
            raise ValueError("`port` is a whole number from 1 to 65535")
        account, password = text_of(request, "system_id", "smsgwd-sim"), text_of(request, "password", "")
        self.outbinds.start(text_of(request, "host", "127.0.0.1"), port, account, password)
        return {}

    def _fault(self, request: dict[str, Any]) -> dict[str, Any]:
        given = {k: v for k, v in request.items() if k not in ("do", "name")}
        for fault in read_faults(request.get("name"), given):
            self._centre.fault(fault)
        return {}


@contextlib.asynccontextmanager
async def controlled(centre: Centre, path: str) -> AsyncIterator[None]:
    """Has a control socket inside ``async with``; none for an empty path. OSError when another simulator has it, or it
    cannot be made."""
    if not path:
        yield
        return
    requests = Control(centre)
    await requests.start(path)
    try:
        yield
    finally:
        await requests.stop()
        await requests.outbinds.stop()
