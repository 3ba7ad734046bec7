"""The phone behind the dialogue: SIM, storages, settings, and what the network brings. Pure; the caller says when.

What comes from the network goes the way that AT+CNMI asks for: into the storage with a notice (+CMTI, +CDSI), or directly
(+CMT, +CDS), which has to be acknowledged when AT+CSMS=1. What finds no room, or comes while another waits for its
acknowledgement, stays with the network.
"""

from __future__ import annotations

from collections import deque

import msgspec

from smsgwd.modem.sim.faults import Faults
from smsgwd.modem.sim.network import SERVICE_CENTRE, tpdu_octets

#: what may wait in the network for the phone
MOST_WAITING = 10_000


class Slot(msgspec.Struct):
    """A stored PDU; ``stat`` 0 unread, 1 read, 2 unsent, 3 sent (TS 27.005 section 3.1)."""

    stat: int
    pdu: str


class Settings(msgspec.Struct):
    """What AT commands change, and a restart forgets."""

    echo: bool = True
    cmee: int = 0
    csms: int = 0
    cnmi: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0, 0, 0])
    cops: int = 0
    registration: dict[str, int] = msgspec.field(default_factory=lambda: {"CREG": 0, "CGREG": 0, "CEREG": 0})
    memories: list[str] = msgspec.field(default_factory=lambda: ["SM", "SM", "SM"])


class Arrival(msgspec.Struct):
    """A PDU from the network: a text, or a report on one of ours."""

    pdu: str
    is_report: bool = False


class Phone:
    """One phone with its SIM."""

    def __init__(self, number: str, *, slots: int = 50, pin: str = "", serial: int = 1) -> None:
        self.number, self.slots, self.pin = number, slots, pin
        self.faults = Faults()
        self.settings = Settings()
        self.stores: dict[str, dict[int, Slot]] = {"SM": {}, "ME": {}}
        self.waiting: deque[Arrival] = deque()
        self.unacknowledged: Arrival | None = None
        self.stat = 1
        self.locked, self.tries = bool(pin), 3
        self.service_centre = (SERVICE_CENTRE, 145)
        self.mr = 0
        self.imei = _luhn(f"8611210{serial % 10**7:07}")
        self.imsi = f"310150{serial % 10**9:09}"
        self.iccid = _luhn(f"891501000{serial % 10**9:09}")

    def restart(self) -> None:
        """Everything but the SIM is as after power-up."""
        self.settings = Settings()
        self.locked = bool(self.pin)
        if self.unacknowledged is not None:
            self.waiting.appendleft(self.unacknowledged)
            self.unacknowledged = None

    # ---- sending ---------------------------------------------------------------------------------------------------

    def next_mr(self) -> int:
        """TP-MR of the next text."""
        self.mr = self.mr + 1 & 0xFF
        return self.mr

    # ---- receiving -------------------------------------------------------------------------------------------------

    def arrive(self, arrival: Arrival) -> None:
        """The network has something for this phone. ValueError when too much waits already."""
        if len(self.waiting) >= MOST_WAITING:
            raise ValueError(f"{MOST_WAITING} PDUs wait for the phone already")
        self.waiting.append(arrival)

    def take_waiting(self) -> list[str]:
        """Brings what waits, as far as it goes: the unsolicited lines that tell of it."""
        lines: list[str] = []
        while self.waiting and self.unacknowledged is None and self.stat in (1, 5) and not self.locked:
            arrival = self.waiting[0]
            told = self._bring(arrival)
            if told is None:
                break
            self.waiting.popleft()
            lines += told
        return lines

    def _bring(self, arrival: Arrival) -> list[str] | None:
        """The lines that tell of it; None when there is no room."""
        mt, ds = self.settings.cnmi[1], self.settings.cnmi[3]
        if (ds if arrival.is_report else mt) in ((1,) if arrival.is_report else (2, 3)):
            if self.settings.csms:
                self.unacknowledged = arrival
            head = f"+CDS: {tpdu_octets(arrival.pdu)}" if arrival.is_report else f"+CMT: ,{tpdu_octets(arrival.pdu)}"
            return [f"{head}\r\n{arrival.pdu}"]
        if arrival.is_report and ds == 0:
            return []  # nobody asked for reports
        index = self._store(arrival.pdu)
        if index is None:
            return None
        if self.faults.take("lost-notification") or (not arrival.is_report and mt == 0):
            return []
        return [f'{"+CDSI" if arrival.is_report else "+CMTI"}: "{self.settings.memories[2]}",{index}']

    def acknowledged(self) -> bool:
        """AT+CNMA; False when nothing waits for it."""
        was, self.unacknowledged = self.unacknowledged, None
        return was is not None

    def acknowledgement_is_late(self) -> None:
        """Nobody acknowledged: directly routed codes are turned off (TS 27.005 section 3.4.1) and the network keeps it."""
        if self.unacknowledged is not None:
            self.waiting.appendleft(self.unacknowledged)
            self.unacknowledged = None
            self.settings.cnmi[1] = self.settings.cnmi[3] = 0

    def _store(self, pdu: str) -> int | None:
        store = self.stores[self.settings.memories[2]]
        if self.faults.take("storage-full"):
            return None
        for index in range(1, self.slots + 1):
            if index not in store:
                store[index] = Slot(0, pdu)
                return index
        return None


def _luhn(digits: str) -> str:
    """The digits with their check digit (ISO/IEC 7812-1)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        value = int(c) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)
