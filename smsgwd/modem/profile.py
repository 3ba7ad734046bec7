"""How one modem family differs, as data: the rows of ``profiles.toml``, and the site's own in a folder.

``generic`` is what the standards say, with time-outs that real modems were seen to need. A row names only what differs;
what it leaves out is as in ``generic``. A site's row with the name of one of ours changes the keys that it names, one with
a new name is a family more; both come before ours. Times are seconds.

A family is chosen by, in this order: the ``profile`` of the configuration, the names that the modem gives itself
(+CGMI and +CGMM), its USB id. The id alone is weak evidence: 1e0e:9001 covers three families.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, field

from smsgwd.errors import ConfigError, Problem
from smsgwd.modem import commands
from smsgwd.modem.rows import document, documents, values_of

_Text = Annotated[str, Meta(min_length=1, pattern=r"\S", description="a text that is not empty")]
_Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*\Z", description="small letters, digits and hyphens")]
_UsbId = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}\Z", description="vendor:product in small hex digits, such as 2c7c:0125")
]
#: one number of two hex digits, or several; checked below, because msgspec 0.22 frees a pattern inside a union too often
_Some = str | tuple[str, ...]
_At = Annotated[str, Meta(pattern=r"^AT[!-~ ]{0,120}\Z", description="an AT command")]
_MaybeAt = Annotated[str, Meta(pattern=r"^(AT[!-~ ]{0,120})?\Z", description="an AT command, or empty")]
_Memory = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", description="two capital letters")]
_Seconds = Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")]
_Speed = Annotated[int, Meta(ge=300, le=4000000, description="a speed from 300 to 4000000")]
_Tries = Annotated[int, Meta(ge=1, le=60, description="a number from 1 to 60")]
_Small = Annotated[int, Meta(ge=0, le=3, description="a number from 0 to 3")]
_Setting = Annotated[tuple[_Small, ...], Meta(min_length=1, max_length=5, description="one to five numbers from 0 to 3")]
#: ``documents``: read, and never seen at work
Proof = Literal["documents", "simulated", "corpus", "hardware"]


_HEX = re.compile(r"[0-9a-f]{2}").fullmatch


def _tuple(some: str | tuple[str, ...]) -> tuple[str, ...]:
    return (some,) if isinstance(some, str) else some


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of a device's ports: by the number of its USB interface, or by class, subclass and protocol of it."""

    interface: _Some = ()
    class_: _Some = field(default=(), name="class")
    subclass: _Some = ()
    protocol: _Some = ()

    def fits(self, interface: str, class_: str, subclass: str, protocol: str) -> bool:
        """Whether an interface is meant; what the place does not name is the same to it."""
        pairs = ((self.interface, interface), (self.class_, class_), (self.subclass, subclass), (self.protocol, protocol))
        return all(not wanted or has in _tuple(wanted) for wanted, has in pairs)

    @property
    def numbers(self) -> tuple[str, ...]:
        return _tuple(self.interface)

    def misspelt(self) -> list[str]:
        """Numbers that are not two small hex digits."""
        values = (self.interface, self.class_, self.subclass, self.protocol)
        return [n for value in values for n in _tuple(value) if not _HEX(n)]


class AtPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The port that takes AT commands, and the interface numbers of others that do."""

    second: _Some = ()

    @property
    def seconds(self) -> tuple[str, ...]:
        return _tuple(self.second)

    def misspelt(self) -> list[str]:
        return super().misspelt() + [n for n in self.seconds if not _HEX(n)]


class OtherPlace(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A port that speaks something else, and is never opened."""

    what: Literal["qcdm", "nmea", "ppp", "audio", "ignore"]


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Devices with the same order of ports."""

    usb: tuple[_UsbId, ...]
    at: AtPlace
    other: tuple[OtherPlace, ...] = ()


class Quirk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a device was seen, or is said, to do otherwise."""

    device: _Text
    firmware: _Text
    symptom: _Text
    #: what we do about it; empty: nothing yet
    effect: str = ""
    source: str = ""
    proof: Proof = "documents"


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family. Where a field is not named in a row, the value of ``generic`` holds."""

    name: _Name = "generic"
    title: str = ""
    #: how far its behaviour is known
    proof: Proof = "documents"
    #: somebody has reported that it works on hardware: device, firmware, date in ``report``
    tried: bool = False
    report: str = ""
    sources: tuple[_Text, ...] = ()
    quirks: tuple[Quirk, ...] = field(default=(), name="quirk")

    #: how it is found: USB ids with their AT port, further ids with another order of ports, start of +CGMI in small
    #: letters, shell patterns of +CGMM
    usb: tuple[_UsbId, ...] = ()
    at: AtPlace | None = None
    other: tuple[OtherPlace, ...] = ()
    layouts: tuple[Layout, ...] = field(default=(), name="layout")
    maker: str = ""
    model: tuple[_Text, ...] = ()

    #: further speeds of a real serial line
    speeds: tuple[_Speed, ...] = ()
    rtscts: bool = False
    #: so long a modem may be deaf after it has appeared
    ready_delay: _Seconds = 0.0
    #: further lines of the set-up, and those of them that may fail
    init: tuple[_At, ...] = ()
    may_fail: tuple[_At, ...] = ()
    #: starts of further unsolicited lines, and further final results
    urc: tuple[_Text, ...] = ()
    final: tuple[_Text, ...] = ()
    #: storages to try, best first
    memories: Annotated[tuple[_Memory, ...], Meta(min_length=1, description="at least one storage")] = field(
        default=("SM", "ME"), name="storage"
    )
    #: AT+CNMI settings to try, best first
    cnmi: tuple[_Setting, ...] = commands.NOTIFICATIONS
    #: texts come by +CMT and are acknowledged by AT+CNMA
    routed: bool = False
    #: no other command that touches the SIM while a text is sent
    sim_exclusive: bool = False
    #: no OK follows the line of AT+CPIN?
    pin_ok_missing: bool = False
    #: asks how many tries the PIN has left, for the ICCID, for the signal
    pin_tries: _MaybeAt = ""
    iccid: _At = field(default="AT+CCID", name="ccid")
    signal: _At = "AT+CSQ"
    #: must not be sent at all
    never: tuple[_At, ...] = ()
    #: the first AT: how often, one second each
    probes: _Tries = field(default=3, name="probe_tries")
    #: factor of every command's own time-out
    stretch: Annotated[float, Meta(ge=0.01, le=100, description="a factor from 0.01 to 100")] = 1.0
    #: read and drop this long after opening
    settle: _Seconds = 0.2
    #: after ESC, before the modem is asked whether it lives
    drain: _Seconds = 1.0
    #: until the prompt of AT+CMGS
    prompt: _Seconds = 10.0
    #: until its result; then the outcome is uncertain
    answer: _Seconds = field(default=75.0, name="cmgs_timeout")
    #: longest answer time ever seen; nothing is written before it is over
    silence: _Seconds = field(default=120.0, name="longest_answer")
    #: from +CMGS to its OK
    tail: _Seconds = 5.0
    #: from one look at storage, registration and signal to the next
    poll: _Seconds = 60.0
    #: between two tries while the SIM or the network is not ready
    retry: _Seconds = 5.0
    #: how long a SIM may be busy or a modem without registration before the port is opened anew
    patience: _Seconds = 30.0
    #: AT+CMMS between the parts of a text
    cmms: bool = False
    #: how USSD codes are written
    ussd: Literal["text", "ucs2", "packed"] = "text"
    #: what brings a silent modem back
    reset: Literal["none", "cfun"] = "none"
    #: what +CMS ERROR codes mean: makers' own from 512 on, and the two that say that nobody answered the modem (332, 500)
    cms: dict[str, Literal["permanent", "temporary", "link", "unknown", "busy"]] = {}

    @property
    def devices(self) -> tuple[Layout, ...]:
        """All USB devices of the family by their order of ports."""
        first = (Layout(usb=self.usb, at=self.at, other=self.other),) if self.usb and self.at else ()
        return first + self.layouts

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong between its keys: (key, reason)."""
        if self.name == "auto":
            yield "name", "'auto' is taken"
        if bool(self.usb) is not bool(self.at):
            yield ("at", "missing; which port takes AT?") if self.usb else ("usb", "missing; which devices?")
        for layout in self.devices:
            yield from _faults_of(layout)
        for line in self.may_fail:
            if line not in self.init:
                yield "may_fail", f"{line} is not in init"
        for line in (*self.init, self.pin_tries, self.iccid, self.signal):
            if line in self.never:
                yield "never", f"{line} is sent by this profile"
        for code in self.cms:
            if not (code.isascii() and code.isdigit() and (512 <= int(code) <= 99999 or code in ("332", "500"))):
                yield f"cms.{code}", "must be a code from 512 on, 332 or 500"
        if self.silence < self.answer:
            yield "longest_answer", "must not be less than cmgs_timeout"
        if self.tried is not (self.proof == "hardware") or self.tried is not bool(self.report):
            yield "tried", 'tried = true, proof = "hardware" and a report go together'


def _faults_of(layout: Layout) -> Iterator[tuple[str, str]]:
    at = layout.at
    for key, place in (("at", at), *(("other", other) for other in layout.other)):
        for number in place.misspelt():
            yield key, f"{number!r} is not two small hex digits"
    if not at.numbers and not at.class_:
        yield "at", "must name an interface, or a class"
    others = {n for other in layout.other for n in other.numbers}
    for n in (*at.numbers, *at.seconds):
        if n in others:
            yield "other", f"interface {n} is an AT port of {layout.usb[0] if layout.usb else 'the row'}"


# ---- reading -------------------------------------------------------------------------------------------------------

#: these belong to one family and are not inherited from ``generic``
_OWN = frozenset(
    "name title proof tried report sources quirks usb at other layouts maker model".split()  # noqa: SIM905
)


class _Row(NamedTuple):
    file: str
    path: str
    values: dict[str, Any]
    #: some of its keys had problems of their own
    misread: bool


def profiles(folder: str = "") -> dict[str, Profile]:
    """All rows by name, the site's first. ConfigError with every problem in them."""
    problems: list[Problem] = []
    site = [row for file, tables in documents(folder, problems) for row in _rows(file, tables, problems)] if folder else []
    rows = _built(_ours(), site, problems)
    if problems:
        raise ConfigError(problems)
    return rows


@lru_cache
def _ours() -> tuple[_Row, ...]:
    problems: list[Problem] = []
    text = resources.files("smsgwd.modem").joinpath("profiles.toml").read_text(encoding="utf-8")
    rows = _rows("profiles.toml", document(text, "profiles.toml", problems), problems)
    if problems:
        raise ConfigError(problems)
    return tuple(rows)


def _rows(file: str, tables: Mapping[str, Any], problems: list[Problem]) -> list[_Row]:
    problems += [Problem(file, key, "unknown key; rows are [[profile]]") for key in tables if key != "profile"]
    found = tables.get("profile", [])
    if not isinstance(found, list):
        problems.append(Problem(file, "profile", "must be a list of tables: [[profile]]"))
        return []
    rows = []
    for i, table in enumerate(found):
        path, before = f"profile[{i}]", len(problems)
        if isinstance(table, dict) and "name" not in table:
            problems.append(Problem(file, f"{path}.name", "missing"))
        values = values_of(Profile, table, file, path, problems)
        if "name" in values:
            rows.append(_Row(file, path, values, misread=len(problems) > before))
    return rows


def _built(ours: tuple[_Row, ...], site: list[_Row], problems: list[Problem]) -> dict[str, Profile]:
    """Each name's tables laid over each other: generic, ours, the site's."""
    layers = [_by_name(ours, problems), _by_name(site, problems)]
    common = {k: v for layer in layers if "generic" in layer for k, v in layer["generic"].values.items() if k not in _OWN}
    built: dict[str, Profile] = {}
    for name in dict.fromkeys([*layers[1], *layers[0]]):
        own = [layer[name] for layer in layers if name in layer]
        built[name] = profile = Profile(**(common | {k: v for row in own for k, v in row.values.items()}))
        if not any(row.misread for row in own):  # what could not be read seems to be missing
            problems += [Problem(own[-1].file, f"{own[-1].path}.{key}", why) for key, why in profile.faults()]
    for layer in layers:
        problems += _claimed_twice({name: built[name] for name in layer}, layer)
    return built


def _by_name(rows: tuple[_Row, ...] | list[_Row], problems: list[Problem]) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for row in rows:
        name = row.values["name"]
        if name in found:
            problems.append(Problem(row.file, f"{row.path}.name", f"{name!r} is used twice"))
        found.setdefault(name, row)
    return found


def _claimed_twice(profiles: Mapping[str, Profile], rows: Mapping[str, _Row]) -> Iterator[Problem]:
    """A USB id may stand in two places only if the interfaces tell them apart."""
    seen: list[tuple[str, frozenset[str], str]] = []
    for name, profile in profiles.items():
        for layout in profile.devices:
            numbers = frozenset(layout.at.numbers)
            for usb in layout.usb:
                for other in (o for u, n, o in seen if u == usb and not (n and numbers and n.isdisjoint(numbers))):
                    yield Problem(rows[name].file, f"{rows[name].path}.usb", f"{usb} belongs to {other} too")
                seen.append((usb, numbers, name))


# ---- choosing ------------------------------------------------------------------------------------------------------


def find_profile(name: str, folder: str = "") -> Profile:
    """The row of a name; ``auto`` is ``generic`` until a family is recognised. ConfigError for an unknown name."""
    rows = profiles(folder)
    if name == "auto":
        return rows["generic"]
    if name not in rows:
        known = ", ".join(["auto", *sorted(rows)])
        raise ConfigError([Problem("profiles.toml", "profile", f"{name!r} is not known; known: {known}")])
    return rows[name]


def profile_problems(links: Iterable[tuple[str, str]], folder: str, file: str) -> list[Problem]:
    """What is wrong with the profiles that links name, given as (link, profile): mistakes of the site's rows, each once,
    and names that no row has, with the configuration ``file`` and the link."""
    found: list[Problem] = []
    for link, name in links:
        try:
            find_profile(name, folder)
        except ConfigError as e:
            here = f"link {link}: profile"
            told = [p._replace(file=file, path=here) if p.path == "profile" else p for p in e.problems]
            found += [p for p in told if p not in found]
    return found


def profile_for(usb_id: str, interface: str, maker: str, model: str, rows: Mapping[str, Profile]) -> Profile:
    """The family of a modem by what is known of it ("" = not known): its own names, then its USB id, else ``generic``."""
    return _by_model(maker, model, rows) or _by_usb(usb_id, interface, rows) or rows["generic"]


def recognise(maker: str, model: str, current: Profile, rows: Mapping[str, Profile]) -> Profile:
    """The family that a modem says it is of; the current one when none fits."""
    return _by_model(maker, model, rows) or current


def _by_model(maker: str, model: str, rows: Mapping[str, Profile]) -> Profile | None:
    """The row whose pattern says most: LE910C1-EUX* comes before LE910C1*."""
    maker, model = maker.strip().lower(), model.strip().lower()
    fitting = [
        (len(pattern.strip("*?")), row)
        for row in rows.values()
        if maker.startswith(row.maker)
        for pattern in row.model
        if model and fnmatchcase(model, pattern.lower())
    ]
    return max(fitting, key=lambda x: x[0])[1] if fitting else None


def _by_usb(usb_id: str, interface: str, rows: Mapping[str, Profile]) -> Profile | None:
    """The row of an id; where two have it, the one whose AT port the interface is."""
    fitting = [(layout, row) for row in rows.values() for layout in row.devices if usb_id in layout.usb]
    exact = [row for layout, row in fitting if interface in (*layout.at.numbers, *layout.at.seconds)]
    return next(iter([*exact, *(row for _, row in fitting)]), None)
