"""The files of a store, without SQLite: making them safe, and putting another database in the place of one.

A restore makes the new database under ``PATH.restoring``, whole and safe. From the moment that it has this name it is the
truth: :func:`finish` moves the old database (with its write-ahead log, which must never meet the new one) to
``PATH.before-restore-TIME`` and the new one to PATH. A power cut in between leaves the name, and the next opening finishes
what was begun. TIME is that of the new file, so that it stays the same however often it is tried.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from smsgwd.errors import StoreUnavailable


@contextlib.contextmanager
def worded(path: str) -> Iterator[None]:
    """Turns errors of the system into ours."""
    try:
        yield
    except OSError as e:
        raise StoreUnavailable(f"{path}: {e.strerror}") from None


def sync(path: str) -> None:
    """Makes a file safe. Nobody in this process may have it open through SQLite: closing it here would drop its locks."""
    with worded(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_folder(path: str) -> None:
    """Makes the names in the folder of a file safe."""
    sync(os.path.dirname(os.path.abspath(path)))


def new_file(path: str) -> None:
    """An empty file that only its owner may read."""
    with worded(path):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def give_to_owner(path: str, like: str) -> None:
    """Who works as root leaves files that belong to whom the store belongs to."""
    if os.geteuid() == 0:
        owner = os.stat(like if os.path.exists(like) else os.path.dirname(os.path.abspath(like)))
        os.chown(path, owner.st_uid, owner.st_gid)


def restoring(path: str) -> str:
    """The name of a new database that is to take the place of one."""
    return f"{path}.restoring"


def finish(path: str) -> str:
    """Puts the new database in its place, if there is one; returns where the old one is ("" for none). The lock must be
    held, and nobody may have the database open."""
    new = restoring(path)
    if not os.path.exists(new):
        return ""
    with worded(path):
        time = datetime.fromtimestamp(int(os.stat(new).st_mtime), UTC)
        old = f"{path}.before-restore-{time:%Y%m%dT%H%M%SZ}"
        if os.path.exists(f"{path}-wal"):
            if os.path.getsize(f"{path}-wal"):
                os.replace(f"{path}-wal", f"{old}-wal")
            else:
                os.unlink(f"{path}-wal")  # a reader made it
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}-shm")  # SQLite makes it anew from the log
        if os.path.exists(path):
            os.replace(path, old)
        sync_folder(path)
        os.replace(new, path)
        sync_folder(path)
    return old if os.path.exists(old) else ""
