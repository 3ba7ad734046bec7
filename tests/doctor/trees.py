"""Trees like /proc, /sys and /run for an examination, and ports that other programs have."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from smsgwd.clock import SystemClock
from smsgwd.doctor.places import Places

NOW = SystemClock().now()


def places(home: Path) -> Places:
    """A machine on which nothing runs and nothing is plugged in."""
    for folder in ("proc", "sys", "run", "by-id", "udev"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return Places(
        proc=home / "proc", sys=home / "sys", run=home / "run", by_id=home / "by-id", udev=(home / "udev",),
    )  # fmt: skip


def program(where: Places, pid: int, name: str, *arguments: str, opens: str = "") -> None:
    """A process; ``opens`` is a file that it has open."""
    folder = where.proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name[:15]}\n")
    (folder / "cmdline").write_text("\0".join((name, *arguments, "")))
    if opens:
        (folder / "fd" / "3").symlink_to(opens)


def usb_device(where: Places, number: str, vendor: str, product: str) -> Path:
    """A USB device."""
    folder = where.sys / "bus/usb/devices" / number
    folder.mkdir(parents=True)
    (folder / "idVendor").write_text(f"{vendor}\n")
    (folder / "idProduct").write_text(f"{product}\n")
    return folder


@contextmanager
def held(path: str):
    """Another process that has a port open; yields its pid."""
    code = "import os, sys; f = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print('has it', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "has it\n"
        try:
            yield process.pid
        finally:
            process.communicate()


def lines(checks, name: str):
    """The checks of one name."""
    return [check for check in checks if check.name == name]


_AS_NOBODY = """
import contextlib, io, os, sys
from smsgwd.cli import main

def run():
    try:
        main(sys.argv[1:])
    except SystemExit as e:
        return e.code

with contextlib.redirect_stdout(io.StringIO()):
    run()  # all that is imported late is imported now, while it may be read
os.setgroups([])
os.setegid(65534)
os.seteuid(65534)
sys.exit(run())
"""


def as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of a user without rights. Only root can start one."""
    return subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
