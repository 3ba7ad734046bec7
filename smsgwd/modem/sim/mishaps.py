"""The faults that happen to the simulated modem at once: what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from smsgwd.modem.sim.faults import Fault
from smsgwd.modem.sim.network import delivers

if TYPE_CHECKING:
    from smsgwd.modem.sim.engine import SimModem

_JUNK = b'\r\n\xff\xfe\xc3^BOOT:12,0,0,0,20\r\n\r\n^RSSI:21\r\n\x00\r\n*NOTE: "nobody knows",7\r\n'
#: what random bytes begin with: no text, no end of line
_NO_TEXT = b"\x00\xff\xc3"


def _clear(sim: SimModem, fault: Fault) -> None:
    sim.phone.faults.clear()
    sim.line.piece, sim.line.speed = None, None
    card = sim.phone.sim
    card.second = ""
    if not card.present:
        card.present = True
        sim.dialogue.lines(f"+CPIN: {card.state}")
    if sim.phone.stat != 1:
        sim.registration(1)


def _echo(sim: SimModem, fault: Fault) -> None:
    sim.phone.settings.echo = True


def _junk(sim: SimModem, fault: Fault) -> None:
    octets: int = fault.arguments["bytes"]
    sim.say((_NO_TEXT + sim.random.randbytes(octets))[:octets])


def _empty_notice(sim: SimModem, fault: Fault) -> None:
    memory = sim.phone.settings.memories[2]
    store = sim.phone.stores[memory]
    index = next(i for i in range(1, len(store) + 2) if i not in store)
    sim.dialogue.lines(f'+CMTI: "{memory}",{index}')


def _fill(sim: SimModem, fault: Fault) -> None:
    """Texts that nobody read, each from somebody else."""
    phone = sim.phone
    memory = phone.settings.memories[2]
    for i in range(phone.slots - len(phone.stores[memory]) - fault.arguments["left"]):
        (pdu,) = delivers(f"+1555010{i:04}", f"text {i + 1}", 0, sim.now())
        if phone.store(memory, 0, pdu) is None:
            return
        sim.note_arrival(pdu)


def _trickle(sim: SimModem, fault: Fault) -> None:
    sim.line.piece = 1


def _baud(sim: SimModem, fault: Fault) -> None:
    sim.line.speed = int(fault.arguments["speed"])


def _pin_unknown(sim: SimModem, fault: Fault) -> None:
    card = sim.phone.sim
    told = card.pin
    while card.pin == told:
        card.pin = f"{sim.random.randrange(10**8):08}"
    sim.phone.lock()
    card.tries = 3


def _sim_wants(sim: SimModem, fault: Fault) -> None:
    if fault.arguments["what"] == "puk":
        sim.phone.lock()
        sim.phone.sim.tries = 0
    else:
        sim.phone.sim.second = f"SIM {fault.arguments['what'].upper()}"


def _sim_change(sim: SimModem, fault: Fault) -> None:
    if fault.arguments["how"] == "removed":
        sim.phone.sim.present = False
        sim.dialogue.lines("+CPIN: NOT READY")
    else:
        sim.phone.new_card(sim.random.randrange(10**9))
        sim.dialogue.lines("+CPIN: NOT READY", "+CPIN: READY")


NOW: Mapping[str, Callable[[SimModem, Fault], None]] = {
    "junk-urc": lambda sim, fault: sim.say(_JUNK),
    "junk": _junk,
    "flood": lambda sim, fault: sim.say(b"x" * fault.arguments["bytes"]),
    "trickle": _trickle,
    "baud": _baud,
    "echo-back": _echo,
    "empty-notice": _empty_notice,
    "fill": _fill,
    "unregistered": lambda sim, fault: sim.registration(fault.arguments["stat"]),
    "reset": lambda sim, fault: sim.reset(),
    "pin-locked": lambda sim, fault: sim.phone.lock(),
    "pin-unknown": _pin_unknown,
    "sim-wants": _sim_wants,
    "sim-change": _sim_change,
    "unplug": lambda sim, fault: sim.unplugged(fault),
    "renamed": lambda sim, fault: sim.renamed(fault),
    "clear": _clear,
}
