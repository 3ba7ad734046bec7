"""Commands of the makers: tries of the PIN in nine dialects, notices on and off, signal. Pure.

A modem knows those that its family names (``Family.own``). See ``equipment`` for the form of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smsgwd.modem.sim.equipment import Command, Lines, one_of, texts
from smsgwd.modem.sim.phone import Phone
from smsgwd.modem.sim.refused import NO_SUCH

#: tries of a PUK
_PUK = 10


def _tries(form: str, line: Callable[[int], str]) -> Command:
    """A command that tells the tries left, in its one form; its AT+X=? is OK alone."""

    def command(phone: Phone, asked: str, value: str) -> Lines:
        if asked == form:
            return [line(phone.sim.tries)]
        if asked == "test":
            return []
        raise NO_SUCH

    return command


def _huawei_cpin(phone: Phone, form: str, value: str) -> Lines:
    """``^CPIN: <code>,[<times>],<puk>,<pin>,<puk2>,<pin2>``; <times> is of what is wanted, and empty when nothing is."""
    if form != "read":
        raise NO_SUCH
    sim = phone.sim
    times = {"READY": "", "SIM PUK": str(_PUK)}.get(sim.state, str(sim.tries))
    return [f"^CPIN: {sim.state},{times},{_PUK},{sim.tries},{_PUK},3"]


def _quectel_pinc(phone: Phone, form: str, value: str) -> Lines:
    if form == "test":
        return ['+QPINC: ("SC","P2")']
    lines = {"SC": f'+QPINC: "SC",{phone.sim.tries},{_PUK}', "P2": f'+QPINC: "P2",3,{_PUK}'}
    wanted = value.strip('"').upper()
    if form == "set" and wanted:
        if wanted not in lines:
            raise NO_SUCH
        return [lines[wanted]]
    return list(lines.values())


def _quiet(name: str) -> Command:
    """``AT^CURC=0`` and its like: no notices of the maker."""

    def command(phone: Phone, form: str, value: str) -> Lines:
        if form == "set":
            phone.settings.quiet = not one_of(tuple(range(256)), value)
        return {"read": [f"{name}: {int(not phone.settings.quiet)}"], "test": [f"{name}: (0,1)"]}.get(form, [])

    return command


def _autocsq(phone: Phone, form: str, value: str) -> Lines:
    """``AT+AUTOCSQ=<auto>[,<mode>]``: +CSQ unasked."""
    settings = phone.settings
    if form == "set":
        auto, *_ = texts(value)
        settings.tells_signal = bool(one_of((0, 1), auto))
    return {"read": [f"+AUTOCSQ: {int(settings.tells_signal)},0"], "test": ["+AUTOCSQ: (0-1),(0-1)"]}.get(form, [])


def _says(known: str, unknown: str) -> Command:
    """A line about the signal, and the one without any."""
    return lambda phone, form, value: [] if form == "test" else [known if phone.reachable else unknown]


MAKERS: Mapping[str, Command] = {
    "^CPIN": _huawei_cpin,
    "^CURC": _quiet("^CURC"),
    "^HCSQ": _says('^HCSQ: "LTE",50,45,80,20', '^HCSQ: "NOSERVICE"'),
    "+SPIC": _tries("set", lambda n: f"+SPIC: {n},{_PUK},3,{_PUK}"),
    "+AUTOCSQ": _autocsq,
    "+QPINC": _quectel_pinc,
    "+QCSQ": _says('+QCSQ: "LTE",-69,-97,130,-10', '+QCSQ: "NOSERVICE"'),
    "+ZPINPUK": _tries("test", lambda n: f"+ZPINPUK: {n},{_PUK}"),
    "+ZPAS": _says('+ZPAS: "HSPA","CS_PS"', '+ZPAS: "No Service","CS_PS"'),
    "+CPINC": _tries("set", lambda n: f"+CPINC: {n},3,{_PUK},{_PUK}"),
    "+WIND": _quiet("+WIND"),
    "#PCT": _tries("set", lambda n: f"#PCT: {n}"),
    "+UPINCNT": _tries("set", lambda n: f"+UPINCNT: {n},3,{_PUK},{_PUK}"),
}

#: those that work while the SIM waits for its PIN
WITHOUT_SIM = frozenset(MAKERS)
