"""The store: its folder, its file system, its space, and the database itself.

The database is opened so that nothing is written beside it. With ``mode=ro`` SQLite makes ``-wal`` and ``-shm`` files where
a daemon that ended well has left none, and leaves them there, owned by whoever looked; so such a database is opened as
``immutable``, which is right because nobody else has it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from smsgwd.clock import isoformat
from smsgwd.doctor.apart import apart
from smsgwd.doctor.places import Places, myself, read
from smsgwd.doctor.report import Check, error, warning, well
from smsgwd.errors import SmsgwdError, StoreUnusable
from smsgwd.queue import migrations
from smsgwd.queue.opening import SMALL, explained

#: seconds for all looks at the store
TIMEOUT = 15.0
#: free bytes of its file system
TOO_LITTLE, LITTLE = 50 << 20, 500 << 20
#: a write-ahead log of this size says that checkpoints fail
LARGE_LOG = 64 << 20
#: file systems whose locks or syncs do not hold what SQLite needs, and those that forget
_FAR = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone"})
_FORGETFUL = frozenset({"tmpfs", "ramfs", "overlay", "aufs"})


async def examine(path: str, places: Places, now: int, *, served: bool) -> list[Check]:
    """``served``: a daemon has the database. ``now`` in ms."""
    try:
        return await apart(lambda: _examine(path, places, now, served), TIMEOUT)
    except TimeoutError:
        why = f"looking at it takes longer than {TIMEOUT:g} s"
        return [error("database", path, why, f"check the disk: sudo dmesg, df {os.path.dirname(path)}")]


def _examine(path: str, places: Places, now: int, served: bool) -> list[Check]:
    folder = os.path.dirname(os.path.abspath(path))
    try:
        mode = os.stat(folder).st_mode
    except PermissionError:
        return [_unseen("folder", folder)]
    except OSError as e:
        made = f"sudo install -d -o smsgwd -g smsgwd -m 0700 {folder}"
        return [error("folder", folder, f"{e.strerror}: the database cannot be made", made)]
    if not stat.S_ISDIR(mode):
        return [error("folder", folder, "is no folder", f"move {folder} away, or change `database`")]
    return [_folder(folder, mode, served), _space(folder), *_file_system(folder, places), *_database(path, now, served)]


def _unseen(name: str, subject: str) -> Check:
    return warning(name, subject, f"{myself()} may not look at it", "sudo smsgwd doctor")


def _folder(folder: str, mode: int, served: bool) -> Check:
    if not served and not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return error("folder", folder, f"{myself()} may not write into it", f"sudo -u smsgwd smsgwd doctor; or: sudo chown smsgwd {folder}")
    if mode & 0o007:
        return warning("folder", folder, f"anybody may look into it (mode {mode & 0o777:04o})", f"sudo chmod 0700 {folder}")
    return well("folder", folder, "writable" if not served else "the daemon has it")


def _space(folder: str) -> Check:
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    said = f"{free >> 20} MiB free"
    if free < TOO_LITTLE:
        return error("disk", folder, said, f"make room: df -h {folder}")
    if free < LITTLE:
        return warning("disk", folder, said, f"make room: df -h {folder}")
    return well("disk", folder, said)


def file_system(folder: str, mounts: str) -> str:
    """The type of the file system that a folder lies on, by the lines of /proc/mounts; "" when none fits."""
    best, kind = "", ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        point = words[1].replace("\\040", " ")
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, words[2]
    return kind


def _file_system(folder: str, places: Places) -> list[Check]:
    kind = file_system(os.path.realpath(folder), read(places.proc / "mounts"))
    if kind in _FAR:
        return [error("file system", folder, f"{kind}: a database on it gets damaged", "put `database` on a local disk")]
    if kind in _FORGETFUL:
        return [warning("file system", folder, f"{kind}: all is gone with the container or the next start",
                        "put `database` on a disk or a volume")]  # fmt: skip
    return []


def _database(path: str, now: int, served: bool) -> list[Check]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return [well("database", path, "not there yet; the first start makes it")]
    except OSError:
        return [_unseen("database", path)]
    if not os.access(path, os.R_OK, effective_ids=True):
        return [_unseen("database", path)]
    checks: list[Check] = []
    if found.st_mode & 0o077:
        checks.append(warning("database", path, f"others may read the texts (mode {found.st_mode & 0o777:04o})",
                              f"sudo chmod 0600 {path}"))  # fmt: skip
    log = Path(f"{path}-wal")
    behind = log.stat().st_size if log.exists() else 0
    if behind > LARGE_LOG:
        checks.append(warning("database", path, f"its write-ahead log has {behind >> 20} MiB", "sudo systemctl restart smsgwd"))
    try:
        checks += _inside(path, now, small=found.st_size + behind <= SMALL, alone=not served and not log.exists())
    except StoreUnusable as e:
        checks.append(error("database", path, str(e).removeprefix(f"{path}: "), "restore a backup: smsgwd db restore FILE --hold; or install the smsgwd that it is of"))
    except SmsgwdError as e:
        checks.append(error("database", path, str(e).removeprefix(f"{path}: "), f"ls -l {path}*"))
    return checks


def _inside(path: str, now: int, *, small: bool, alone: bool) -> list[Check]:
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    with explained(path):
        conn = sqlite3.connect(f"file:{quoted}?{'immutable=1' if alone else 'mode=ro'}", uri=True, timeout=2.0)
        try:
            missing = migrations.check(conn, path)
            have = len(migrations.applied(conn))
            if not have:
                return [well("database", path, "new; the first start fills it")]
            if small:
                (state,) = conn.execute("PRAGMA quick_check(1)").fetchone()
                if state != "ok":
                    return [error("database", path, "it is damaged", "restore a backup: sudo -u smsgwd smsgwd db restore FILE --hold")]
            newest = conn.execute("SELECT at FROM event ORDER BY id DESC LIMIT 1").fetchone()
        finally:
            conn.close()
    said = f"opens, schema {have}" + (", read through" if small else "")
    if missing:
        said += f"; the next start brings it to schema {have + len(missing)}"
    checks = [well("database", path, said)]
    if newest and newest[0] > now + 60_000:
        checks.append(error("clock", "", f"it is before the newest event of the database ({isoformat(newest[0])})",
                            "sudo timedatectl set-ntp true"))  # fmt: skip
    return checks
