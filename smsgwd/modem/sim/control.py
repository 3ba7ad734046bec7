"""How people and tests speak to the simulated modem: JSON lines on a unix socket, or in a script.

=====================================  =========================================================================
``{"do":"text","from":N,"text":T}``    somebody texts the phone; ``parts``
``{"do":"pdu","pdu":HEX}``             this PDU comes, SMSC included, whatever it is
``{"do":"report","mr":N,"st":0}``      the network reports on the text with this reference; ``st`` is TP-ST
``{"do":"fault","name":F,…}``          see ``faults`` and ``catalogue``; ``seed`` for what is random from now on
``{"do":"state"}``                     number, storages, registration, faults that wait
=====================================  =========================================================================

Each line is answered by one: ``{"ok":true,…}``, or ``{"ok":false,"error":"…"}`` for what makes no sense.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smsgwd import control
from smsgwd.clock import Clock
from smsgwd.control import text_of
from smsgwd.modem.sim.catalogue import read_faults
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.faults import LONGEST


class Control(control.Control):
    """Requests to one modem."""

    def __init__(self, modem: SimModem) -> None:
        super().__init__()
        self.modem = modem

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """See :class:`smsgwd.control.Control`."""
        what = request.get("do")
        if what == "text":
            return {"parts": self.modem.text(text_of(request, "from"), text_of(request, "text"))}
        if what == "pdu":
            self.modem.pdu(text_of(request, "pdu"))
        elif what == "report":
            self.modem.report(_octet(request, "mr"), _octet(request, "st", 0))
        elif what == "fault":
            self._fault(request)
        elif what == "state":
            return self.modem.state()
        else:
            raise ValueError("`do` is text, pdu, report, fault or state")
        return {}

    def _fault(self, request: dict[str, Any]) -> None:
        more = {k: v for k, v in request.items() if k not in ("do", "name", "after", "seed")}
        faults = read_faults(request.get("name"), more)
        if (seed := request.get("seed")) is not None:
            try:
                self.modem.reseed(int(seed) if isinstance(seed, str) and len(seed) < 20 else _integer(seed))
            except ValueError:
                raise ValueError("`seed` is a whole number") from None
        for fault in faults:
            self.modem.fault(fault)

    async def play(self, script: list[dict[str, Any]], clock: Clock) -> None:
        """Does the requests of a script, each ``after`` so many seconds; a bad one goes to the journal and the next follows."""
        for request in script:
            await clock.sleep(request["after"])
            answer = self.answer(json.dumps(request).encode())
            if not answer["ok"]:
                do = str(request.get("do")).encode("ascii", "backslashreplace").decode()
                self.modem.journal.note("script", error=answer["error"], do=do)


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("no whole number")
    return value


def _octet(request: dict[str, Any], key: str, default: int | None = None) -> int:
    value = request.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFF:
        raise ValueError(f"`{key}` is a number from 0 to 255")
    return value


def read_script(path: str) -> list[dict[str, Any]]:
    """The requests of a script, ``after`` always set. ValueError with the line that is wrong; OSError."""
    script = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise ValueError(f"{path}, line {number}: not a JSON object")
        after = request.setdefault("after", 0)
        if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after <= LONGEST:
            raise ValueError(f"{path}, line {number}: `after` is a number of seconds")
        script.append(request)
    return script
