"""How one modem family differs, as data: rows of ``profiles.toml``.

``generic`` is what the standards say, with time-outs that real modems were seen to need. A row names only what differs.
Times are seconds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

import msgspec

from smsgwd.errors import ConfigError, Problem


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family. Where a field is not named in a row, the value here holds."""

    name: str = "generic"
    #: simulated | corpus | hardware
    proof: str = "simulated"
    #: further lines of the set-up, and those of them that may fail
    init: tuple[str, ...] = ()
    may_fail: tuple[str, ...] = ()
    #: storages to try, best first
    memories: tuple[str, ...] = ("SM", "ME")
    #: asks for the ICCID
    iccid: str = "AT+CCID"
    #: the first AT: how often, one second each
    probes: int = 3
    #: factor of every command's own time-out
    stretch: float = 1.0
    #: read and drop this long after opening
    settle: float = 0.2
    #: after ESC, before the modem is asked whether it lives
    drain: float = 1.0
    #: until the prompt of AT+CMGS
    prompt: float = 10.0
    #: until its result; then the outcome is uncertain
    answer: float = 75.0
    #: longest answer time ever seen; nothing is written before it is over
    silence: float = 120.0
    #: from +CMGS to its OK
    tail: float = 5.0
    #: from one look at storage, registration and signal to the next
    poll: float = 60.0
    #: between two tries while the SIM or the network is not ready
    retry: float = 5.0
    #: how long a SIM may be busy or a modem without registration before the port is opened anew
    patience: float = 30.0
    #: AT+CMMS between the parts of a text
    cmms: bool = False
    #: how USSD codes are written: text, ucs2 or packed
    ussd: str = "text"
    #: what brings a silent modem back: none or cfun
    reset: str = "none"
    #: maker's +CMS ERROR codes from 512 on: permanent, temporary, link, unknown, busy
    cms: dict[str, str] = {}


def profiles(folder: str = "") -> dict[str, Profile]:
    """All rows by name."""
    text = resources.files("smsgwd.modem").joinpath("profiles.toml").read_text(encoding="utf-8")
    rows = {name: {**row, "name": name} for name, row in tomllib.loads(text).items()}
    return msgspec.convert(rows, dict[str, Profile])


def find_profile(name: str, folder: str = "") -> Profile:
    """The row of a name; ``auto`` is ``generic`` until a family is recognised. ConfigError for an unknown name."""
    rows = profiles(folder)
    if name == "auto":
        return rows["generic"]
    if name not in rows:
        known = ", ".join(["auto", *sorted(rows)])
        raise ConfigError([Problem("profiles.toml", "profile", f"{name!r} is not known; known: {known}")])
    return rows[name]


def recognise(maker: str, model: str, current: Profile, rows: Mapping[str, Profile]) -> Profile:
    """The family that a modem says it is of; the current one when none fits."""
    return current
