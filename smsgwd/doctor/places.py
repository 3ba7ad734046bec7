"""Where an examination looks at the machine, and who looks. Tests give trees of their own."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec


class Places(msgspec.Struct, frozen=True):
    """Roots of what the kernel and systemd show."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    run: Path = Path("/run")
    by_id: Path = Path("/dev/serial/by-id")
    #: folders that udev reads rules from
    udev: tuple[Path, ...] = (
        Path("/etc/udev/rules.d"), Path("/run/udev/rules.d"), Path("/usr/lib/udev/rules.d"), Path("/lib/udev/rules.d"),
    )  # fmt: skip


class Process(NamedTuple):
    """A program that runs."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def myself() -> str:
    """The name of the user who looks."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def read(path: Path) -> str:
    """The text of a small file, without blanks around it; "" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def process(proc: Path, pid: int) -> Process:
    """A process by its number. A Python program is called by its script or module, never by its other arguments."""
    name = read(proc / str(pid) / "comm")
    words = read(proc / str(pid) / "cmdline").split("\0")
    if name.startswith("python") and len(words) > 1:
        script = words[words.index("-m") + 1] if "-m" in words[1:-1] else words[1]
        name = os.path.basename(script) if not script.startswith("-") else name
    return Process(pid, name or "a program that has gone")


def running(proc: Path, names: Iterable[str]) -> list[Process]:
    """The processes with one of these names."""
    wanted = {name[:15] for name in names}  # the kernel keeps 15 letters
    found = [path for path in proc.glob("[0-9]*") if read(path / "comm") in wanted]
    return sorted(Process(int(path.name), read(path / "comm")) for path in found)


def holders(places: Places, target: str) -> list[Process]:
    """The other processes that have a file open, as far as we may look, and those whose lock file says so."""
    pids = set()
    for descriptor in places.proc.glob("[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == target:
                pids.add(int(descriptor.parts[-3]))
        except OSError:
            continue  # it was closed meanwhile, or is not ours to see
    locked = read(places.run / "lock" / f"LCK..{os.path.basename(target)}").split()
    if locked and locked[0].isdigit() and (places.proc / locked[0]).is_dir():
        pids.add(int(locked[0]))
    return [process(places.proc, pid) for pid in sorted(pids - {os.getpid()})]


def lock_owner(proc: Path, path: str) -> int | None:
    """The process that has a flock on a file; None when there is none, or the kernel does not show it."""
    try:
        inode = os.stat(path).st_ino
    except OSError:
        return None
    for line in read(proc / "locks").splitlines():
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode) and words[4].isdigit():
            return int(words[4])
    return None
