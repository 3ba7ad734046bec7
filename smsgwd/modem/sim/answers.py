"""The table of commands: what the simulated modem answers (TS 27.005, TS 27.007, V.250). Pure.

Each method answers one command and returns the lines of its answer, or raises :class:`Refused`. ``form`` is ``set`` (``=``
or nothing), ``read`` (``?``) or ``test`` (``=?``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from smsgwd import __version__
from smsgwd.modem.sim.network import tpdu_octets
from smsgwd.modem.sim.phone import Phone, Slot


class Refused(Exception):
    """``+CMS ERROR: n`` or ``+CME ERROR: n``."""

    def __init__(self, kind: str, code: int) -> None:
        self.kind, self.code = kind, code
        super().__init__(f"+{kind} ERROR: {code}")


Lines = list[str]
_NO_SUCH = Refused("CME", 4)


def _texts(value: str) -> list[str]:
    return [x.strip(' "') for x in value.split(",")]


class Answers:
    """Answers for one phone."""

    def __init__(self, phone: Phone, model: str) -> None:
        self.phone, self.model = phone, model

    def answer(self, name: str, form: str, value: str) -> Lines:
        """The lines before the final result; Refused instead of OK."""
        if name in self._FIXED:
            return [] if form == "test" else [self._FIXED[name](self)]
        method = self._TABLE.get(name)
        if name in self._SWITCHES:
            return {"read": [f"{name}: 0"], "test": [f"{name}: (0-2)"]}.get(form, [])
        if method is None:
            raise _NO_SUCH
        if self.phone.locked and name not in self._WITHOUT_SIM:
            raise Refused("CME", 11 if self.phone.tries else 12)
        return method(self, form, value)

    # ---- the phone -------------------------------------------------------------------------------------------------

    def cmee(self, form: str, value: str) -> Lines:
        if form == "test":
            return ["+CMEE: (0,1)"]
        if form == "read":
            return [f"+CMEE: {self.phone.settings.cmee}"]
        if value not in ("0", "1"):
            raise _NO_SUCH
        self.phone.settings.cmee = int(value)
        return []

    def cpin(self, form: str, value: str) -> Lines:
        phone = self.phone
        if form == "test":
            return []
        if form == "read":
            return ["+CPIN: " + ("READY" if not phone.locked else "SIM PIN" if phone.tries else "SIM PUK")]
        if not phone.locked:
            raise Refused("CME", 3)
        if not phone.tries:
            raise Refused("CME", 12)
        if value.strip('"') != phone.pin:
            phone.tries -= 1
            raise Refused("CME", 16 if phone.tries else 12)
        phone.locked, phone.tries = False, 3
        return []

    def cpinr(self, form: str, value: str) -> Lines:
        return [f"+CPINR: SIM PIN,{self.phone.tries},3"]

    def cfun(self, form: str, value: str) -> Lines:
        return {"read": ["+CFUN: 1"], "test": ["+CFUN: (0,1,4),(0,1)"]}.get(form, [])

    def cscs(self, form: str, value: str) -> Lines:
        return {"read": ['+CSCS: "GSM"'], "test": ['+CSCS: ("GSM","IRA","UCS2")']}.get(form, [])

    def registration(self, name: str, form: str, value: str) -> Lines:
        if form == "test":
            return [f"+{name}: (0-2)"]
        if form == "read":
            return [self.registration_line(name, asked=True)]
        if value not in ("", "0", "1", "2"):
            raise _NO_SUCH
        self.phone.settings.registration[name] = int(value or 0)
        return []

    def registration_line(self, name: str, *, asked: bool) -> str:
        """``+CREG: n,stat[,lac,ci]`` as an answer, ``+CREG: stat[,lac,ci]`` unasked."""
        n = self.phone.settings.registration[name]
        cell = ',"00C3","0000A1B2"' if n == 2 and self.phone.stat in (1, 5) else ""
        return f"+{name}: {f'{n},' if asked else ''}{self.phone.stat}{cell}"

    def cops(self, form: str, value: str) -> Lines:
        settings = self.phone.settings
        if form == "test":
            return ['+COPS: (2,"Simnet","Sim","00101",7),,(0-4),(0-2)']
        if form == "read":
            return [f'+COPS: 0,{settings.cops},"{("Simnet", "Sim", "00101")[settings.cops]}"']
        if re.fullmatch(r"3,[0-2]", value):
            settings.cops = int(value[2])
        return []

    def csq(self, form: str, value: str) -> Lines:
        return ["+CSQ: (0-31,99),(0-7,99)"] if form == "test" else ["+CSQ: 21,99"]

    # ---- texts -----------------------------------------------------------------------------------------------------

    def cmgf(self, form: str, value: str) -> Lines:
        if form == "set" and value not in ("", "0"):
            raise Refused("CMS", 303)
        return {"read": ["+CMGF: 0"], "test": ["+CMGF: (0)"]}.get(form, [])

    def csms(self, form: str, value: str) -> Lines:
        settings = self.phone.settings
        if form == "test":
            return ["+CSMS: (0,1)"]
        if form == "read":
            return [f"+CSMS: {settings.csms},1,1,1"]
        if value not in ("0", "1"):
            raise Refused("CMS", 303)
        settings.csms = int(value)
        return ["+CSMS: 1,1,1"]

    def csca(self, form: str, value: str) -> Lines:
        if form == "read":
            number, type_ = self.phone.service_centre
            return [f'+CSCA: "{number}",{type_}']
        if form == "set":
            found = re.fullmatch(r'"?(\+?[0-9]+)"?(?:,([0-9]+))?', value)
            if not found:
                raise Refused("CMS", 305)
            self.phone.service_centre = (found[1], int(found[2] or 145))
        return []

    def cnmi(self, form: str, value: str) -> Lines:
        settings = self.phone.settings
        if form == "test":
            return ["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)"]
        if form == "read":
            return ["+CNMI: " + ",".join(map(str, settings.cnmi))]
        given = [int(x) if x.strip().isdigit() else 0 for x in value.split(",")]
        if len(given) > 5 or any(x > 3 for x in given):
            raise Refused("CMS", 302)
        settings.cnmi = (given + [0] * 5)[:5]
        return []

    def cnma(self, form: str, value: str) -> Lines:
        if form == "test":
            return ["+CNMA: (0-2)"]
        if not self.phone.acknowledged():
            raise Refused("CMS", 340)
        return []

    def _used(self, memory: str) -> str:
        return f"{len(self.phone.stores[memory])},{self.phone.slots}"

    def cpms(self, form: str, value: str) -> Lines:
        memories = self.phone.settings.memories
        if form == "test":
            return ["+CPMS: " + ",".join(['("SM","ME")'] * 3)]
        if form == "read":
            return ["+CPMS: " + ",".join(f'"{m}",{self._used(m)}' for m in memories)]
        wanted = [x.upper() for x in _texts(value)]
        if not 1 <= len(wanted) <= 3 or any(x not in self.phone.stores for x in wanted):
            raise Refused("CMS", 302)
        memories[: len(wanted)] = wanted
        return ["+CPMS: " + ",".join(map(self._used, memories))]

    @property
    def _store(self) -> dict[int, Slot]:
        return self.phone.stores[self.phone.settings.memories[0]]

    def cmgl(self, form: str, value: str) -> Lines:
        if form == "test":
            return ["+CMGL: (0-4)"]
        wanted = int(value) if value.isdigit() else 0
        lines = []
        for index, slot in sorted(self._store.items()):
            if wanted in (4, slot.stat):
                lines.append(f"+CMGL: {index},{slot.stat},,{tpdu_octets(slot.pdu)}\r\n{slot.pdu}")
                slot.stat = 1 if slot.stat == 0 else slot.stat
        return lines

    def cmgr(self, form: str, value: str) -> Lines:
        if form == "test":
            return []
        index = _texts(value)[0]
        if not index.isdigit() or int(index) > self.phone.slots:
            raise Refused("CMS", 321)
        slot = self._store.get(int(index))
        if slot is None:
            return []  # an empty slot is OK alone, as many modems do
        line = f"+CMGR: {slot.stat},,{tpdu_octets(slot.pdu)}\r\n{slot.pdu}"
        slot.stat = 1 if slot.stat == 0 else slot.stat
        return [line]

    def cmgd(self, form: str, value: str) -> Lines:
        store = self._store
        if form == "test":
            return [f"+CMGD: ({','.join(map(str, sorted(store)))}),(0-4)"]
        numbers = [int(x) for x in _texts(value) if x.isdigit()]
        if not numbers:
            raise Refused("CMS", 321)
        if len(numbers) > 1 and numbers[1]:
            keep = {1: (0, 2, 3), 2: (0, 2), 3: (0,), 4: ()}.get(numbers[1], (0, 1, 2, 3))
            for index in [i for i, slot in store.items() if slot.stat not in keep]:
                del store[index]
            return []
        if numbers[0] > self.phone.slots:
            raise Refused("CMS", 321)
        store.pop(numbers[0], None)
        return []

    # ---- the tables ------------------------------------------------------------------------------------------------

    _FIXED: ClassVar[dict[str, Callable[[Answers], str]]] = {
        "+CGMI": lambda self: "smsgwd",
        "+GMI": lambda self: "smsgwd",
        "+CGMM": lambda self: self.model,
        "+GMM": lambda self: self.model,
        "+CGMR": lambda self: f"simulated {__version__}",
        "+GMR": lambda self: f"simulated {__version__}",
        "+CGSN": lambda self: self.phone.imei,
        "+GSN": lambda self: self.phone.imei,
        "+CPAS": lambda self: "+CPAS: 0",
        "+CBC": lambda self: "+CBC: 0,100",
    }
    #: settings that are taken and change nothing here
    _SWITCHES = frozenset(
        {"+CLIP", "+CVHU", "+CRC", "+CSSN", "+CCWA", "+CUSD", "+CSDH", "+CMMS", "+CGSMS", "+CSAS", "+CRES"}
    )
    _WITHOUT_SIM = frozenset({"+CMEE", "+CPIN", "+CPINR", "+CFUN", "+CSCS", "+CREG", "+CGREG", "+CEREG"})
    _TABLE: ClassVar[dict[str, Callable[[Answers, str, str], Lines]]] = {
        "+CMEE": cmee, "+CPIN": cpin, "+CPINR": cpinr, "+CFUN": cfun, "+CSCS": cscs, "+COPS": cops, "+CSQ": csq,
        "+CMGF": cmgf, "+CSMS": csms, "+CSCA": csca, "+CNMI": cnmi, "+CNMA": cnma, "+CPMS": cpms, "+CMGL": cmgl,
        "+CMGR": cmgr, "+CMGD": cmgd,
        "+CREG": lambda self, form, value: self.registration("CREG", form, value),
        "+CGREG": lambda self, form, value: self.registration("CGREG", form, value),
        "+CEREG": lambda self, form, value: self.registration("CEREG", form, value),
        "+CIMI": lambda self, form, value: [] if form == "test" else [self.phone.imsi],
        "+CCID": lambda self, form, value: [f"+CCID: {self.phone.iccid}"],
        "+CESQ": lambda self, form, value: ["+CESQ: 99,99,255,255,20,60"],
        "+CGATT": lambda self, form, value: ["+CGATT: 1"] if form == "read" else [],
        "+CCLK": lambda self, form, value: ['+CCLK: "26/01/31,12:00:00+00"'] if form == "read" else [],
        "+CNUM": lambda self, form, value: [] if form == "test" else [f'+CNUM: ,"{self.phone.number}",145'],
        "+CLCK": lambda self, form, value: ['+CLCK: ("SC","PN")'] if form == "test" else ["+CLCK: 0"],
        "+CPBS": lambda self, form, value: {"test": ['+CPBS: ("SM","ON")'], "read": ['+CPBS: "SM",0,250']}.get(form, []),
        "+CSMP": lambda self, form, value: ["+CSMP: 17,167,0,0"] if form == "read" else [],
    }  # fmt: skip
