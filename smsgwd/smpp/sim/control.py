"""How people and tests speak to the simulated SMSC: JSON lines on a unix socket.

==============================================  ==================================================================
``{"do":"text","from":N,"to":N,"text":T}``      somebody texts a number of an account; ``parts``. ``to`` and
                                                ``system_id`` may be left out
``{"do":"report","id":ID,"state":"expired"}``   a receipt on the text with this message_id; ``state`` is a
                                                message_state by name or number, delivered without one
``{"do":"fault","name":F,…}``                   see ``faults``
``{"do":"state"}``                              connections, texts, faults that wait
==============================================  ==================================================================

Each line is answered by one: ``{"ok":true,…}``, or ``{"ok":false,"error":"…"}`` for what makes no sense.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from smsgwd import control
from smsgwd.control import text_of
from smsgwd.smpp.consts import MessageState
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.faults import read_fault

#: the number that is texted when a request names none
OUR_NUMBER = "+15550100200"


class Control(control.Control):
    """Requests to one SMSC."""

    def __init__(self, centre: Centre) -> None:
        super().__init__()
        self._centre = centre

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """See :class:`smsgwd.control.Control`."""
        what = request.get("do")
        if what == "text":
            to, account = text_of(request, "to", OUR_NUMBER), text_of(request, "system_id", "")
            return {"parts": self._centre.text(text_of(request, "from"), to, text_of(request, "text"), account)}
        if what == "report":
            self._centre.report(text_of(request, "id"), _state(request.get("state", "delivered")))
        elif what == "fault":
            self._centre.fault(
                read_fault(request.get("name"), {k: v for k, v in request.items() if k not in ("do", "name")})
            )
        elif what == "state":
            return self._centre.state()
        else:
            raise ValueError("`do` is text, report, fault or state")
        return {}


def _state(value: object) -> MessageState:
    names = {state.name.lower(): state for state in MessageState}
    if isinstance(value, str) and value.lower() in names:
        return names[value.lower()]
    if isinstance(value, int) and value in set(MessageState):
        return MessageState(value)
    raise ValueError(f"`state` is one of: {', '.join(names)}")


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
