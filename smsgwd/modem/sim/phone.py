"""The phone behind the dialogue: SIM, storages, settings, and what the network brings. Pure; the caller says when.

What comes from the network goes the way that AT+CNMI asks for: into the storage with a notice (+CMTI, +CDSI), or directly
(+CMT, +CDS), which has to be acknowledged when AT+CSMS=1. What finds no room, or comes while another waits for its
acknowledgement, stays with the network. While no program listens, texts go into the storage without a notice, and reports
that would go out directly wait.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Any

import msgspec

from smsgwd.errors import PduError
from smsgwd.modem.sim.families import Family
from smsgwd.modem.sim.faults import Faults
from smsgwd.modem.sim.network import SERVICE_CENTRE, message_class, tpdu_octets
from smsgwd.modem.sim.text_mode import shown

#: what may wait in the network for the phone
MOST_WAITING = 10_000
#: values of <stat> in +CREG with which texts go: home, roaming, and "SMS only" (TS 27.007 section 7.2)
REGISTERED = frozenset({1, 5, 6, 7})
#: tries of a PIN
TRIES = 3


class Slot(msgspec.Struct):
    """A stored PDU; ``stat`` 0 unread, 1 read, 2 unsent, 3 sent (TS 27.005 section 3.1)."""

    stat: int
    pdu: str


class Settings(msgspec.Struct):
    """What AT commands change, and ATZ or a restart forgets."""

    echo: bool = True
    #: +CMEE: 0 ERROR, 1 numbers, 2 words
    cmee: int = 0
    #: +CMGF: text mode
    text_mode: bool = False
    cscs: str = "GSM"
    #: +CSMP: first octet, validity, TP-PID, TP-DCS of texts that are sent in text mode
    csmp: tuple[int, int, int, int] = (17, 167, 0, 0)
    #: +CSDH: text mode shows all fields
    csdh: bool = False
    csms: int = 0
    #: the maker's notices are off
    quiet: bool = False
    #: +CSQ comes unasked
    tells_signal: bool = False
    cnmi: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0, 0, 0])
    #: +COPS: format of the operator's name
    cops: int = 0
    registration: dict[str, int] = msgspec.field(default_factory=lambda: {"CREG": 0, "CGREG": 0, "CEREG": 0})
    #: +CPMS: <mem1> read and delete, <mem2> write, <mem3> received
    memories: list[str] = msgspec.field(default_factory=lambda: ["SM", "SM", "SM"])
    #: commands whose value is kept and changes nothing here
    kept: dict[str, str] = msgspec.field(default_factory=dict)


class Arrival(msgspec.Struct):
    """A PDU from the network: a text, or a report on one of ours."""

    pdu: str
    is_report: bool = False
    #: it went out directly before, and nobody acknowledged it
    tried: bool = False


class Sim(msgspec.Struct):
    """The card: who we are, and its lock."""

    number: str
    pin: str = ""
    locked: bool = False
    tries: int = TRIES
    imsi: str = ""
    iccid: str = ""
    #: it is in the modem
    present: bool = True
    #: PIN2 or PUK2, when it wants that one: no text needs it
    second: str = ""

    @property
    def state(self) -> str:
        """As ``AT+CPIN?`` tells it."""
        if not self.locked:
            return self.second or "READY"
        return "SIM PIN" if self.tries else "SIM PUK"

    def unlock(self, pin: str) -> bool:
        """Tries a PIN; a wrong one costs a try, the last one locks the card for good."""
        if pin != self.pin:
            self.tries -= 1
            return False
        self.locked, self.tries = False, TRIES
        return True


class Phone:
    """One phone with its SIM."""

    def __init__(
        self, number: str, *, family: Family | None = None, slots: int = 50, pin: str = "", serial: int = 1
    ) -> None:
        self.family = family if family is not None else Family()
        self.slots = slots
        self.sim = Sim(
            number, pin, bool(pin), imsi=f"310150{serial % 10**9:09}", iccid=_luhn(f"891501000{serial % 10**9:09}")
        )
        self.imei = _luhn(f"8611210{serial % 10**7:07}")
        self.faults = Faults()
        self.settings = self.fresh_settings()
        self.stores: dict[str, dict[int, Slot]] = {name: {} for name in self.family.memories}
        self.waiting: deque[Arrival] = deque()
        self.unacknowledged: Arrival | None = None
        #: a text was refused: the network waits before it comes again
        self.paused = False
        #: lines for the journal, taken by whoever keeps it: kind and fields
        self.happened: list[tuple[str, dict[str, Any]]] = []
        self.stat = 1
        #: +CFUN: 0 off, 1 on, 4 flight mode
        self.power = 1
        self.service_centre = (SERVICE_CENTRE, 145)
        self.mr = 0

    def fresh_settings(self) -> Settings:
        """As after power-up."""
        return Settings(cmee=self.family.cmee, tells_signal=self.family.tells_signal)

    def restart(self) -> None:
        """Everything but the card and the storages is as after power-up."""
        self.settings, self.power = self.fresh_settings(), 1
        self.sim.locked = bool(self.sim.pin)
        self._back_to_the_network()

    def lock(self) -> None:
        """The card wants its PIN; one that had none gets 0000."""
        self.sim.pin = self.sim.pin or "0000"
        self.sim.locked = True

    def new_card(self, serial: int) -> None:
        """Another card is in the modem: empty, without a PIN, with the same number."""
        self.sim = Sim(self.sim.number, imsi=f"310150{serial:09}", iccid=_luhn(f"891501000{serial:09}"))
        self.stores["SM"].clear()

    @property
    def reachable(self) -> bool:
        """Texts can come and go."""
        return self.power == 1 and self.stat in REGISTERED and not self.sim.locked and self.sim.present

    def registered_as(self, name: str) -> int:
        """<stat> as CREG, CGREG or CEREG tells it."""
        if self.power != 1:
            return 0
        if self.family.lte_only and self.stat in REGISTERED and name != "CEREG":
            return 3 if name == "CREG" else 0
        return self.stat

    @property
    def noise(self) -> str:
        """The notice of a talkative family, unless it was told to be quiet."""
        return "" if self.settings.quiet else self.family.noise

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

    def take_waiting(self, *, listening: bool) -> list[str]:
        """Brings what waits, as far as it goes: the unsolicited lines that tell of it. ``listening``: a program has the
        port open."""
        lines: list[str] = []
        stays: list[Arrival] = []
        while self.waiting and self.unacknowledged is None and self.reachable and not self.paused:
            arrival = self.waiting.popleft()
            told = self._bring(arrival, listening)
            if told is None:
                stays.append(arrival)
            else:
                lines += told
        self.waiting.extendleft(reversed(stays))
        return lines

    def _bring(self, arrival: Arrival, listening: bool) -> list[str] | None:
        """The lines that tell of it; None when it has to wait."""
        mode = self.settings.cnmi[3 if arrival.is_report else 1]
        if self._goes_past_the_storage(arrival, mode):
            if listening:
                return self._direct(arrival)
            if arrival.is_report:
                return None
        elif arrival.is_report and mode == 0:
            return None if arrival.tried else []  # nobody asks for reports: a phone drops them
        memory = (arrival.is_report and self.family.report_memory) or self.settings.memories[2]
        index = self.store(memory, 0, arrival.pdu)
        if index is None:
            return None
        if not listening or mode == 0 or self.faults.take("lost-notification"):
            return []
        where = ",-1" if self.faults.take("notice-without-place") else f'"{memory}",{index}'
        notice = f"{'+CDSI' if arrival.is_report else '+CMTI'}: {where}"
        return [notice] * (2 if self.faults.take("twice-notified") else 1)

    def _goes_past_the_storage(self, arrival: Arrival, mode: int) -> bool:
        """As TS 27.005 section 3.4.1 has it: <ds> = 1; <mt> = 2 but for class 2, <mt> = 3 for class 3 alone."""
        if arrival.is_report or mode < 2:
            return arrival.is_report and mode == 1
        class_ = message_class(arrival.pdu)
        return class_ == 3 if mode == 3 else class_ != 2

    def _direct(self, arrival: Arrival) -> list[str]:
        """+CMT, +CDS: to the program, past the storage."""
        if self.settings.csms:
            self.unacknowledged = arrival
        name = "+CDS: " if arrival.is_report else "+CMT: "
        if self.settings.text_mode:
            with contextlib.suppress(PduError):
                fields, text = shown(arrival.pdu, self.settings.cscs, full=self.settings.csdh)
                return [f"{name}{fields}" + ("" if arrival.is_report else f"\r\n{text}")]
        alpha = "" if arrival.is_report else ","
        return [f"{name}{alpha}{tpdu_octets(arrival.pdu)}\r\n{arrival.pdu}"]

    def acknowledged(self, *, kept: bool = False) -> bool:
        """AT+CNMA; False when nothing waits for it. ``kept``: RP-ERROR, the network keeps it and comes again."""
        if self.unacknowledged is None:
            return False
        self.happened.append(("acknowledge", {"pdu": self.unacknowledged.pdu, "kept": kept}))
        if kept:
            self._back_to_the_network()
            self.paused = True
        self.unacknowledged = None
        return True

    def resume(self) -> None:
        """The network comes again after a refusal."""
        self.paused = False

    def acknowledgement_is_late(self) -> None:
        """Nobody acknowledged: directly routed codes are turned off (TS 27.005 section 3.4.1) and the network keeps it."""
        if self.unacknowledged is not None:
            self._back_to_the_network()
            self.settings.cnmi[1] = self.settings.cnmi[3] = 0

    def _back_to_the_network(self) -> None:
        if self.unacknowledged is not None:
            self.unacknowledged.tried = True
            self.waiting.appendleft(self.unacknowledged)
            self.unacknowledged = None

    def store(self, memory: str, stat: int, pdu: str) -> int | None:
        """Puts a PDU into the first free place and returns its index; None when there is no room."""
        store = self.stores[memory]
        if len(store) >= self.slots or self.faults.take("storage-full"):
            return None
        index = next(i for i in range(1, self.slots + 1) if i not in store)
        store[index] = Slot(stat, pdu)
        return index

    def delete(self, memory: str, index: int) -> None:
        """Empties a place; an empty one stays so."""
        slot = self.stores[memory].pop(index, None)
        if slot is not None:
            self.happened.append(("delete", {"memory": memory, "index": index, "pdu": slot.pdu}))


def _luhn(digits: str) -> str:
    """The digits with their check digit (ISO/IEC 7812-1)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        value = int(c) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)
