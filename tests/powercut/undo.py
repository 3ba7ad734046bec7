"""Turns the disk of a killed program into the disk after a power cut.

``powercut.so`` has kept the bytes that each write replaced; :func:`undo` writes them back, newest first, for every write
that no sync covered. Call it after ``kill -9`` and before anything opens the files again. For SQLite remove the ``-shm``
file too: it is memory, and would be gone.
"""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

#: op, unused, path length, data length, offset, size; the layout of ``struct record`` in powercut.c
RECORD = struct.Struct("=cBHIqq")

#: a write: its place in the log, offset, size of the file before, bytes before
Write = tuple[int, int, int, bytes]


def undo(log: Path, rng: random.Random | None = None) -> int:
    """Takes back the writes that were not synced; returns how many were taken back.

    Without ``rng`` nothing un-synced survives. With it, of each file a random number of the oldest un-synced writes
    survive, as if the kernel had begun to write them out. The log is removed.
    """
    count = 0
    for path, writes in _read(log.read_bytes()).items():
        if not os.path.exists(path):
            continue
        keep = rng.randrange(len(writes) + 1) if rng else 0
        descriptor = os.open(path, os.O_RDWR)
        try:
            for _, offset, size, before in reversed(writes[keep:]):
                if before:
                    os.pwrite(descriptor, before, offset)
                os.ftruncate(descriptor, size)
                count += 1
        finally:
            os.close(descriptor)
    log.unlink()
    return count


def _read(octets: bytes) -> dict[str, list[Write]]:
    """Un-synced writes of each path, oldest first."""
    pending: dict[str, list[Write]] = {}
    at = 0
    while at + RECORD.size <= len(octets):
        op, _, path_length, length, offset, size = RECORD.unpack_from(octets, at)
        body = at + RECORD.size
        end = body + path_length + length
        if end > len(octets):
            break  # the kill struck while the log was being written: the write itself did not happen
        path, payload = os.fsdecode(octets[body : body + path_length]), octets[body + path_length : end]
        if op == b"W":
            pending.setdefault(path, []).append((at, offset, size, payload))
        elif op == b"S":
            pending[path] = [write for write in pending.get(path, ()) if write[0] >= offset]
        elif op == b"D":
            pending.pop(path, None)
        elif op == b"M":
            pending[os.fsdecode(payload)] = pending.pop(path, [])
        at = end
    return pending
