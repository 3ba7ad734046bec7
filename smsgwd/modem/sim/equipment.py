"""Commands about the modem, its SIM and the network (TS 27.007, V.250). Pure.

A command is a function of the phone, the form (``set`` with ``=`` or nothing, ``read`` with ``?``, ``test`` with ``=?``) and
the value; it returns the lines before ``OK``, or raises :class:`Refused`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from smsgwd import __version__
from smsgwd.modem.sim.phone import Phone
from smsgwd.modem.sim.refused import NO_SUCH, WRONG, Refused

Lines = list[str]
Command = Callable[[Phone, str, str], Lines]

OPERATOR = ("Simnet", "Sim", "00101")
CHARACTER_SETS = ("GSM", "IRA", "UCS2")
#: what a USSD code is answered with
USSD_TEXT = "Balance 12.34"


def number(text: str) -> int | None:
    """What one to nine digits say; None for anything else, the superscript digits of Latin-1 too."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def one_of(values: tuple[int, ...], value: str) -> int:
    """A number that is one of ``values``."""
    found = number(value)
    if found is None or found not in values:
        raise WRONG
    return found


def texts(value: str) -> list[str]:
    """The parts between commas, without quotes and blanks."""
    return [x.strip(' "') for x in value.split(",")]


def _cmee(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        phone.settings.cmee = one_of((0, 1, 2), value)
    return {"read": [f"+CMEE: {phone.settings.cmee}"], "test": ["+CMEE: (0-2)"]}.get(form, [])


def _cpin(phone: Phone, form: str, value: str) -> Lines:
    sim = phone.sim
    if form != "set":
        return [f"+CPIN: {sim.state}"] if form == "read" else []
    if not sim.locked:
        raise Refused("CME", 3)
    if not sim.tries:
        raise Refused("CME", 12)
    pin = value.strip('"')
    if number(pin) is None or not 4 <= len(pin) <= 8:
        raise WRONG  # the card is not asked, so that it costs no try
    if not sim.unlock(pin):
        raise Refused("CME", 16 if sim.tries else 12)
    return []


def _cpinr(phone: Phone, form: str, value: str) -> Lines:
    return [] if form == "test" else [f"+CPINR: SIM PIN,{phone.sim.tries},3"]


def _cfun(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        phone.power = one_of((0, 1, 4), texts(value)[0])
    return {"read": [f"+CFUN: {phone.power}"], "test": ["+CFUN: (0,1,4),(0,1)"]}.get(form, [])


def _cscs(phone: Phone, form: str, value: str) -> Lines:
    if form == "set":
        wanted = value.strip('"').upper()
        if wanted not in CHARACTER_SETS:
            raise WRONG
        phone.settings.cscs = wanted
    listed = ",".join(f'"{x}"' for x in CHARACTER_SETS)
    return {"read": [f'+CSCS: "{phone.settings.cscs}"'], "test": [f"+CSCS: ({listed})"]}.get(form, [])


def _registration(name: str) -> Command:
    def command(phone: Phone, form: str, value: str) -> Lines:
        if form == "set":
            phone.settings.registration[name] = one_of((0, 1, 2), value or "0")
        return {"read": [registration_line(phone, name, asked=True)], "test": [f"+{name}: (0-2)"]}.get(form, [])

    return command


def registration_line(phone: Phone, name: str, *, asked: bool) -> str:
    """``+CREG: n,stat[,lac,ci]`` as an answer, ``+CREG: stat[,lac,ci]`` unasked."""
    n = phone.settings.registration[name]
    stat = phone.registered_as(name)
    cell = ',"00C3","0000A1B2"' if n == 2 and stat in (1, 5) else ""
    return f"+{name}: {f'{n},' if asked else ''}{stat}{cell}"


def _cops(phone: Phone, form: str, value: str) -> Lines:
    settings = phone.settings
    if form == "set" and (found := re.fullmatch(r"3,([0-2])", value)):
        settings.cops = int(found[1])
    there = f'0,{settings.cops},"{OPERATOR[settings.cops]}"' if phone.reachable else "0"
    listed = ",".join(f'"{x}"' for x in OPERATOR)
    return {"read": [f"+COPS: {there}"], "test": [f"+COPS: (2,{listed},7),,(0-4),(0-2)"]}.get(form, [])


def _csq(phone: Phone, form: str, value: str) -> Lines:
    if form == "test":
        return ["+CSQ: (0-31,99),(0-7,99)"]
    if phone.faults.take("signal-error"):
        raise Refused("CME", 100)
    return ["+CSQ: 99,99" if phone.faults.take("no-signal") or not phone.reachable else "+CSQ: 21,99"]


def _cesq(phone: Phone, form: str, value: str) -> Lines:
    if form == "test":
        return ["+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-255),(0-34,255),(0-97,255)"]
    known = not phone.faults.take("no-signal") and phone.reachable
    return ["+CESQ: 99,99,255,255,20,60" if known else "+CESQ: 99,99,255,255,255,255"]


def _kept(name: str, test: str, start: str = "0") -> Command:
    """A value that is kept, can be read back, and changes nothing here."""

    def command(phone: Phone, form: str, value: str) -> Lines:
        if form == "set":
            phone.settings.kept[name] = value or start
        return {"read": [f"{name}: {phone.settings.kept.get(name, start)}"], "test": [f"{name}: {test}"]}.get(form, [])

    return command


def _says(line: Callable[[Phone], str]) -> Command:
    """The same line for AT+X and AT+X?."""
    return lambda phone, form, value: [] if form == "test" else [line(phone)]


def _clck(phone: Phone, form: str, value: str) -> Lines:
    if form == "test":
        return ['+CLCK: ("SC","PN")']
    return [f"+CLCK: {int(bool(phone.sim.pin))}"] if texts(value)[:2] == ["SC", "2"] else ["+CLCK: 0"]


def _cpbs(phone: Phone, form: str, value: str) -> Lines:
    return {"test": ['+CPBS: ("SM","ON")'], "read": ['+CPBS: "SM",0,250']}.get(form, [])


def _done(phone: Phone, form: str, value: str) -> Lines:
    if form == "read":
        raise NO_SUCH
    return []


EQUIPMENT: Mapping[str, Command] = {
    "+CGMI": _says(lambda phone: phone.family.maker),
    "+GMI": _says(lambda phone: phone.family.maker),
    "+CGMM": _says(lambda phone: phone.family.model),
    "+GMM": _says(lambda phone: phone.family.model),
    "+CGMR": _says(lambda phone: f"simulated {__version__}"),
    "+GMR": _says(lambda phone: f"simulated {__version__}"),
    "+CGSN": _says(lambda phone: phone.imei),
    "+GSN": _says(lambda phone: phone.imei),
    "+CIMI": _says(lambda phone: phone.sim.imsi),
    "+CCID": _says(lambda phone: f"+CCID: {phone.sim.iccid}"),
    "+QCCID": _says(lambda phone: f"+QCCID: {phone.sim.iccid}"),
    "+CNUM": _says(lambda phone: f'+CNUM: ,"{phone.sim.number}",145'),
    "+CPAS": _says(lambda phone: "+CPAS: 0"),
    "+CBC": _says(lambda phone: "+CBC: 0,100"),
    "+CGATT": _says(lambda phone: f"+CGATT: {int(phone.reachable)}"),
    "+CCLK": _says(lambda phone: '+CCLK: "26/01/31,12:00:00+00"'),
    "+CMEE": _cmee, "+CPIN": _cpin, "+CPINR": _cpinr, "+CFUN": _cfun, "+CSCS": _cscs, "+COPS": _cops, "+CSQ": _csq,
    "+CESQ": _cesq, "+CLCK": _clck, "+CPBS": _cpbs, "+CHUP": _done,
    "+CREG": _registration("CREG"), "+CGREG": _registration("CGREG"), "+CEREG": _registration("CEREG"),
    "+CLIP": _kept("+CLIP", "(0,1)"), "+CRC": _kept("+CRC", "(0,1)"), "+CVHU": _kept("+CVHU", "(0-2)"),
    "+CSSN": _kept("+CSSN", "(0,1),(0,1)", "0,0"), "+CCWA": _kept("+CCWA", "(0,1)"),
    "+CGSMS": _kept("+CGSMS", "(0-3)", "3"), "+CUSD": _kept("+CUSD", "(0-2)"),
}  # fmt: skip

#: what works while the SIM waits for its PIN
WITHOUT_SIM = frozenset({
    "+CGMI", "+GMI", "+CGMM", "+GMM", "+CGMR", "+GMR", "+CGSN", "+GSN", "+CPAS", "+CBC", "+CCLK", "+CMEE", "+CPIN", "+CPINR",
    "+CFUN", "+CSCS", "+CREG", "+CGREG", "+CEREG", "+CSQ", "+CESQ", "+CCID", "+QCCID", "+CLAC", "+CLCK", "+CMGF",
})  # fmt: skip
#: of those, what asks the card all the same
ASKS_CARD = frozenset({"+CCID", "+QCCID", "+CPIN", "+CPINR", "+CLCK"})
