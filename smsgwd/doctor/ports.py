"""A serial port before it is opened: is it there, may we use it, who has it?

:func:`look` looks, :func:`judge` says what that means.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import stat
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from smsgwd.doctor.apart import apart
from smsgwd.doctor.places import Places, Process, holders, myself
from smsgwd.doctor.report import Check, error, warning, well
from smsgwd.modem.usb import Found, UsbPort

#: seconds that opening a port may take
TIMEOUT = 5.0
#: the user of the service, and the group that its unit gives it besides
SERVICE, UNIT_GROUP = "smsgwd", "dialout"
#: the kernel's running numbers: names that move
_MOVING = re.compile(r"/dev/tty(?:USB|ACM)[0-9]+").fullmatch
#: what ends a program that is known to hold modems
_MENDS = {
    "ModemManager": "install hardware/61-smsgwd-modems.rules to /etc/udev/rules.d; or: sudo systemctl mask --now ModemManager",
    "brltty": "sudo apt remove brltty",
    "gammu-smsd": "sudo systemctl disable --now gammu-smsd",
    "smsd": "sudo systemctl disable --now smstools",
    "bearerbox": "sudo systemctl disable --now kannel",
    "pppd": "end the dial-up connection: sudo poff -a",
    "agetty": "sudo systemctl disable --now serial-getty@{port}",
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What looking at a port found."""

    path: str
    #: what the name leads to; "" when it is not there
    target: str = ""
    character: bool = True
    mode: int = 0o660
    user: str = "root"
    group: str = "dialout"
    #: whoever looks may read and write it
    allowed: bool = True
    #: the service's user may; None when that is not known
    service: bool | None = None
    holders: tuple[Process, ...] = ()
    #: its name under /dev/serial/by-id, "" when it has none
    by_id: str = ""
    #: the names under /dev/serial/by-id that are there now
    others: tuple[str, ...] = ()


def look(path: str, places: Places) -> Seen:
    """Looks without opening."""
    names = sorted(places.by_id.glob("*"))
    try:
        found = os.stat(path)
    except OSError:
        return Seen(path=path, others=tuple(map(str, names)))
    target = os.path.realpath(path)
    by_id = next((str(name) for name in names if os.path.realpath(name) == target), "")
    return Seen(
        path=path, target=target, character=stat.S_ISCHR(found.st_mode), mode=stat.S_IMODE(found.st_mode),
        user=_user(found.st_uid), group=_group(found.st_gid),
        allowed=os.access(path, os.R_OK | os.W_OK, effective_ids=True), service=_service(found),
        holders=tuple(holders(places, target)), by_id=by_id, others=tuple(map(str, names)),
    )  # fmt: skip


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _service(found: os.stat_result) -> bool | None:
    """Whether the service's user may use a file, by its groups and the one that its unit adds."""
    try:
        user = pwd.getpwnam(SERVICE)
    except KeyError:
        return None
    if found.st_uid == user.pw_uid:
        return found.st_mode & 0o600 == 0o600
    groups = {_group(gid) for gid in os.getgrouplist(SERVICE, user.pw_gid)} | {UNIT_GROUP}
    bits = 0o060 if _group(found.st_gid) in groups else 0o006
    return found.st_mode & bits == bits


def judge(name: str, seen: Seen, ours: int | None) -> list[Check]:
    """The lines about the port of link ``name``; ``ours`` is the daemon's process. Those that are errors forbid to open it."""
    if not seen.target:
        return [_missing(name, seen)]
    if not seen.character:
        return [error("port", name, f"{seen.path} is no serial port", f"ls -l {seen.path}; set `port`")]
    checks = []
    strangers = [holder for holder in seen.holders if holder.pid != ours]
    if not seen.allowed:
        checks.append(_forbidden(name, seen, myself()))
    elif os.geteuid() == 0 and seen.service is False:
        checks.append(msgspec.structs.replace(_forbidden(name, seen, SERVICE), level=warning("", "", "").level))
    for holder in strangers:
        checks.append(error("port", name, f"{seen.path}: in use by {holder}", _ending(holder, seen.target)))
    if _MOVING(seen.path):
        checks.append(_moving(name, seen))
    if not checks:
        has_it = "the daemon has it" if seen.holders else "free"
        where = seen.path if seen.path == seen.target else f"{seen.path} → {seen.target}"
        checks.append(well("port", name, f"{where}, {seen.user}:{seen.group} {seen.mode:04o}, {has_it}"))
    return checks


def _missing(name: str, seen: Seen) -> Check:
    if len(seen.others) == 1:
        return error("port", name, f"{seen.path} is not there; {seen.others[0]} is", f'port = "{seen.others[0]}"')
    there = f"; there are {', '.join(seen.others)}" if seen.others else ""
    return error("port", name, f"{seen.path} is not there{there}", "plug the modem in; ls -l /dev/serial/by-id/; sudo dmesg")


def _forbidden(name: str, seen: Seen, user: str) -> Check:
    said = f"{seen.path}: no permission for {user}: it is {seen.user}:{seen.group}, mode {seen.mode:04o}"
    if seen.mode & 0o060 == 0o060 and seen.group != "root":
        again = ", then log in again" if user != SERVICE else ", then: sudo systemctl restart smsgwd"
        return error("port", name, said, f"sudo usermod -aG {seen.group} {user}{again}")
    return error("port", name, said, f"a udev rule with GROUP=\"dialout\", MODE=\"0660\"; until the next plugging: "
                 f"sudo chgrp dialout {seen.target} && sudo chmod 0660 {seen.target}")  # fmt: skip


def _ending(holder: Process, target: str) -> str:
    known = _MENDS.get(holder.name)
    return known.format(port=Path(target).name) if known else f"end it: sudo kill {holder.pid}"


def _moving(name: str, seen: Seen) -> Check:
    said = f"{seen.path} is whatever was plugged in first"
    if seen.by_id:
        return warning("port", name, said, f'port = "{seen.by_id}"')
    return warning("port", name, said, "name it by /dev/serial/by-path/…, or the modem by `imei`")


def misplaced(
    name: str, seen: Seen, all_ports: Sequence[UsbPort], at_ports: Sequence[Found], names: Mapping[str, str]
) -> list[Check]:
    """A port of a known modem that is not its AT port. ``names``: device → its name under /dev/serial/by-id."""
    own = next((port for port in all_ports if port.device == seen.target), None)
    found = [each for each in at_ports if own is not None and each.port.path == own.path]
    if not found or any(port is not None and port.device == seen.target for each in found for port in (each.port, each.second)):
        return []
    right = names.get(found[0].port.device, found[0].port.device)
    said = f"{seen.path} is another port of this modem ({found[0].profile.name}); {right} takes AT commands"
    return [error("port", name, said, f'port = "{right}"')]


async def refusal(path: str) -> str:
    """Why a port that looks free cannot be opened; "" when it can. It is closed again."""
    try:
        return await apart(lambda: _open(path), TIMEOUT)
    except TimeoutError:
        return f"opening takes longer than {TIMEOUT:g} s"


def _open(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        if e.errno == errno.EBUSY:
            return "in use by another program; as root, doctor names it"
        if e.errno in (errno.EACCES, errno.EPERM):
            return "devices are not allowed here (DeviceAllow of a unit, --device of a container)"
        return f"cannot be opened: {e.strerror}"
    try:
        termios.tcgetattr(descriptor)
    except termios.error:
        return "is no serial port"
    finally:
        os.close(descriptor)
    return ""
