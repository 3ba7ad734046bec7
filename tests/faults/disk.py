"""Disks that fail: a small file system, and a shim under the real daemon (``eio.c``); the daemon beside a simulated modem."""

import errno
import json
import mmap
import os
import shutil
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.story.programs import ask, end, link_up, modem, until, write_config

SOURCE = Path(__file__).parent / "eio.c"
_FIELDS = ("write", "sync", "before", "failed_writes", "failed_syncs", "later_syncs")


class Control:
    """The mapped file through which the shim is told; its fields are those of ``eio.c``."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 4 * len(_FIELDS))

    def __getitem__(self, field: str) -> int:
        return struct.unpack_from("i", self._map, 4 * _FIELDS.index(field))[0]

    def __setitem__(self, field: str, value: int) -> None:
        struct.pack_into("i", self._map, 4 * _FIELDS.index(field), value)

    def close(self) -> None:
        self._map.close()
        self._file.close()


def control() -> Control:
    """For a program that runs under the shim itself."""
    return Control(Path(os.environ["FAULT_CONTROL"]))


class FailingDisk(Control):
    """What the shim does to the files of a folder."""

    def __init__(self, folder: Path, built: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler to build the shim with")
        self.folder, self.library, control = folder, built / "eio.so", built / "eio.control"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-ldl"], check=True, capture_output=True)
        control.write_bytes(bytes(4 * len(_FIELDS)))
        super().__init__(control)
        self.environ = {
            **os.environ, "LD_PRELOAD": str(self.library), "FAULT_CONTROL": str(control), "FAULT_FOLDER": str(folder)
        }  # fmt: skip


@contextmanager
def failing_disk(home: Path):
    """A folder ``home/store`` whose files fail when the test says so."""
    (home / "store").mkdir()
    disk = FailingDisk(home / "store", home)
    try:
        yield disk
    finally:
        disk.close()


@contextmanager
def small_disk(folder: Path, size: str = "2m"):
    """A file system of so many bytes on a folder; skips where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def _started(home: Path, config: Path, environ: dict[str, str] | None):
    """A daemon of its own process, its link up."""
    with (home / "daemon.log").open("ab") as out:
        before = out.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "smsgwd", "--config", str(config), "run"], stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, env=environ or dict(os.environ),
        )  # fmt: skip
    running = Running(home, config, process)
    try:
        until(lambda: '"ready"' in running.text()[before:] or process.poll() is not None, 20, "the daemon is ready")
        assert process.poll() is None, running.text()
        link_up(config)
        yield running
    finally:
        end(process)


class Running:
    """A daemon of its own process."""

    def __init__(self, home: Path, config: Path, process: subprocess.Popen) -> None:
        self.home, self.config, self.process = home, config, process

    def text(self) -> str:
        """All that it has said."""
        return (self.home / "daemon.log").read_text()

    def again(self, environ: dict[str, str] | None = None):
        """Another daemon after this one has ended."""
        return _started(self.home, self.config, environ)

    def ends(self, seconds: float = 20) -> int:
        return self.process.wait(seconds)


@contextmanager
def daemon_on(home: Path, database: Path, more: str = "", environ: dict[str, str] | None = None):
    """The real daemon on a simulated modem, its link up, its database where the test wants it; what it says is in
    ``home/daemon.log``."""
    config = write_config(home, more)
    config.write_text(config.read_text().replace(f"{home}/smsgwd.db", str(database)))
    with modem(home), _started(home, config, environ) as running:
        yield running


def send(config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """``smsgwd send`` to somebody, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "smsgwd", "--config", str(config), "--json", "send", "--to", "+15550100777", *more],
        capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def text_in(home: Path, text: str, sender: str = "+15550100555") -> None:
    """Somebody texts the simulated modem."""
    done = subprocess.run(
        [sys.executable, "-m", "smsgwd", "sim", "text", "--control", str(home / "m1.ctl"), "--from", sender, text],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def on_sim(home: Path) -> int:
    """How many texts lie in the modem's storage."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(home / "m1.ctl"))
        s.sendall(b'{"do":"state"}\n')
        return sum(json.loads(s.makefile().readline())["stored"].values())


__all__ = ["ask", "daemon_on", "errno", "failing_disk", "on_sim", "send", "small_disk", "text_in", "until"]
