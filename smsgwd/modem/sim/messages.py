"""Commands about texts: storages, notices, modes (TS 27.005). Pure. See ``equipment`` for the form of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping

from smsgwd.errors import PduError
from smsgwd.modem.sim.equipment import Command, Lines, number, one_of, texts
from smsgwd.modem.sim.network import tpdu_octets
from smsgwd.modem.sim.phone import Phone, Slot
from smsgwd.modem.sim.refused import WRONG, Refused
from smsgwd.modem.sim.text_mode import STATES, shown, stat_of

#: AT+CMGD: which <stat> a <delflag> leaves (TS 27.005 section 3.5.4)
_KEPT_BY_FLAG = {1: (0, 2, 3), 2: (0, 2), 3: (0,), 4: ()}


def _numbers(value: str) -> list[int]:
    """Integers between commas; one that is left out is 0."""
    found = [number(x.strip() or "0") for x in value.split(",")]
    known = [x for x in found if x is not None]
    if len(known) < len(found):
        raise Refused("CMS", 302)
    return known


def _cmgf(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        phone.settings.text_mode = bool(one_of((0, 1), value or "0"))
    return {"read": [f"+CMGF: {int(phone.settings.text_mode)}"], "test": ["+CMGF: (0,1)"]}.get(form, [])


def _csms(phone: Phone, form: str, value: str) -> Lines:
    settings, takes = phone.settings, phone.family.csms
    if form == "set":
        wanted = number(value)
        if wanted is None or wanted not in takes:
            raise Refused("CMS", 303)
        settings.csms = wanted
        return ["+CSMS: 1,1,1"]
    return [f"+CSMS: {settings.csms},1,1,1"] if form == "read" else [f"+CSMS: ({','.join(map(str, takes))})"]


def _csca(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        centre, *kind = texts(value)
        type_ = number(kind[0] if kind else "145")
        if not re.fullmatch(r"\+?[0-9]{1,20}", centre) or type_ is None or type_ > 0xFF:
            raise Refused("CMS", 305)
        phone.service_centre = (centre, type_)
        return []
    return ['+CSCA: "{}",{}'.format(*phone.service_centre)] if form == "read" else []


def _csmp_values(value: str, now: tuple[int, ...]) -> list[int]:
    """The parameters that are given; one that is left out keeps its value."""
    given = [number(x) if x else old for x, old in zip(texts(value), now, strict=False)]
    if any(x is None for x in given):
        raise Refused("CMS", 305)
    return [x for x in given if x is not None]


def _csmp(phone: Phone, form: str, value: str) -> Lines:
    settings = phone.settings
    if form == "set":
        given = _csmp_values(value, settings.csmp)
        first, validity, pid, dcs = (*given, *settings.csmp[len(given) :])
        if max(first, validity, pid, dcs) > 0xFF:
            raise Refused("CMS", 305)
        settings.csmp = (first, validity, pid, dcs)
    return [f"+CSMP: {','.join(map(str, settings.csmp))}"] if form == "read" else []


def _csdh(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        phone.settings.csdh = bool(one_of((0, 1), value or "0"))
    return {"read": [f"+CSDH: {int(phone.settings.csdh)}"], "test": ["+CSDH: (0,1)"]}.get(form, [])


def _cnmi(phone: Phone, form: str, value: str) -> Lines:
    settings, family = phone.settings, phone.family
    ranges = ((0, 1, 2), family.mt, (0, 2), family.ds_listed, (0, 1))
    if form != "set":
        listed = ",".join(f"({','.join(map(str, values))})" for values in ranges)
        return ["+CNMI: " + (listed if form == "test" else ",".join(map(str, settings.cnmi)))]
    given = _numbers(value) if value else []
    if len(given) > 5 or any(x not in ranges[i] for i, x in enumerate(given)):
        raise Refused("CMS", 302)
    wanted = given + settings.cnmi[len(given) :]
    if wanted[3] not in family.ds:
        raise Refused("CMS", 303)
    settings.cnmi = wanted
    return []


def _cnma(phone: Phone, form: str, value: str) -> Lines:
    if form == "test":
        return ["+CNMA: (0-2)"]
    if form == "read":
        raise WRONG
    verdict = one_of((0, 1, 2), texts(value)[0] or "0")
    if not phone.settings.csms or not phone.acknowledged(kept=verdict == 2):
        raise Refused("CMS", 340)
    return []


def _used(phone: Phone, memory: str) -> str:
    return f"{len(phone.stores[memory])},{phone.slots}"


def _cpms(phone: Phone, form: str, value: str) -> Lines:
    memories = phone.settings.memories
    if form == "test":
        read, rest = ([f'"{m}"' for m in phone.stores if m != without] for without in ("", "SR"))
        return [f"+CPMS: ({','.join(read)}),({','.join(rest)}),({','.join(rest)})"]
    if form == "read":
        return ["+CPMS: " + ",".join(f'"{m}",{_used(phone, m)}' for m in memories)]
    wanted = [x.upper() for x in texts(value)]
    if len(wanted) > 3 or any(x not in phone.stores for x in wanted) or "SR" in wanted[1:]:
        raise Refused("CMS", 302)
    memories[: len(wanted)] = wanted
    return ["+CPMS: " + ",".join(_used(phone, m) for m in memories)]


def _store(phone: Phone) -> dict[int, Slot]:
    return phone.stores[phone.settings.memories[0]]


def _shown(phone: Phone, slot: Slot, before: str, *, listed: bool = False) -> str:
    """The head, ``before`` in front of its fields, and the PDU or text of a stored one; ``listed`` for +CMGL."""
    settings = phone.settings
    if settings.text_mode:
        try:
            state = STATES[slot.stat]
            fields, text = shown(slot.pdu, settings.cscs, full=settings.csdh, state=state, listed=listed)
        except PduError:
            raise Refused("CMS", 320) from None
        return f"{before}{fields}\r\n{text}"
    return f"{before}{slot.stat if phone.family.shows_stat else ''},,{tpdu_octets(slot.pdu)}\r\n{slot.pdu}"


def _read(slot: Slot) -> None:
    slot.stat = 1 if slot.stat == 0 else slot.stat


def _cmgl(phone: Phone, form: str, value: str) -> Lines:
    text_mode = phone.settings.text_mode
    if form == "test":
        return ["+CMGL: (" + (",".join(f'"{x}"' for x in STATES) if text_mode else "0-4") + ")"]
    wanted = stat_of(value.strip('"') or STATES[0]) if text_mode else number(value or "0")
    if wanted is None or wanted > 4:
        raise Refused("CMS", 302)
    lines = []
    for index, slot in sorted(_store(phone).items()):
        if wanted in (4, slot.stat):
            lines.append(_shown(phone, slot, f"+CMGL: {index},", listed=True))
            _read(slot)
    return lines


def _index(phone: Phone, value: str) -> int:
    index = number(value)
    if index is None or not 0 < index <= phone.slots:
        raise Refused("CMS", 321)
    return index


def _cmgr(phone: Phone, form: str, value: str) -> Lines:
    if form != "set":
        return []
    slot = _store(phone).get(_index(phone, texts(value)[0]))
    if slot is None:
        if phone.family.empty_is_error:
            raise Refused("CMS", 321)
        return []  # OK alone, as many modems do
    line = _shown(phone, slot, "+CMGR: ")
    _read(slot)
    return [line]


def _cmgd(phone: Phone, form: str, value: str) -> Lines:
    memory, store = phone.settings.memories[0], _store(phone)
    if form != "set":
        return [f"+CMGD: ({','.join(map(str, sorted(store)))}),(0-4)"]
    if phone.faults.take("delete-fails"):
        raise Refused("CMS", 320)
    index, *flags = _numbers(value)
    if flags and flags[0]:
        if flags[0] not in _KEPT_BY_FLAG:
            raise WRONG
        for i in [i for i, slot in store.items() if slot.stat not in _KEPT_BY_FLAG[flags[0]]]:
            phone.delete(memory, i)
    else:
        _delete_one(phone, memory, _index(phone, str(index)))
    return []


def _delete_one(phone: Phone, memory: str, index: int) -> None:
    others = sorted(set(phone.stores[memory]) - {index})
    phone.delete(memory, others[0] if others and phone.faults.take("delete-other") else index)


MESSAGES: Mapping[str, Command] = {
    "+CMGF": _cmgf, "+CSMS": _csms, "+CSCA": _csca, "+CSMP": _csmp, "+CSDH": _csdh, "+CNMI": _cnmi, "+CNMA": _cnma,
    "+CPMS": _cpms, "+CMGL": _cmgl, "+CMGR": _cmgr, "+CMGD": _cmgd,
    "+CSAS": lambda phone, form, value: [],
    "+CRES": lambda phone, form, value: [],
    "+CMMS": lambda phone, form, value: {"read": ["+CMMS: 0"], "test": ["+CMMS: (0-2)"]}.get(form, []),
}  # fmt: skip

#: what touches the SIM, and is refused while it is busy
TOUCHES_SIM = frozenset({"+CMGL", "+CMGR", "+CMGD", "+CPMS", "+CMGS", "+CMGW"})
