"""A disk that forgets what was not synced: an SQLite VFS in memory, for power-cut tests.

Writes go to a "page cache"; only ``xSync`` makes them durable. A cut can strike at any write, truncate, sync or delete,
also in the middle of a COMMIT or of a checkpoint. What it leaves of the writes that were not synced is chosen by a mode:

``none``    nothing survives;
``prefix``  the first k of them survive, k random for each file;
``random``  each one survives with probability 1/2 (reordering);
``torn``    each 512-byte sector of each one survives with probability 1/2.

Two ways to use it. :meth:`PowerDisk.outage` runs a block until the power goes at a random operation. Or the disk keeps a
journal of its operations (:attr:`PowerDisk.journal`) while the block runs undisturbed, and :class:`Replay` afterwards gives
the disk as any cut at any operation would have left it: one run gives thousands of cuts. In both, everything follows from
one ``random.Random(seed)``.

Limits: deletes are durable at once; the medium is assumed to honour a sync; there is no shared memory, so WAL needs
``locking_mode=EXCLUSIVE``, that is, one connection at a time. The VFS is visible only to apsw's own copy of SQLite.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

MODES = ("none", "prefix", "random", "torn")
SECTOR = 512
POWERSAFE_OVERWRITE = 0x1000  # what SQLite's own unix VFS reports

#: a write that is not durable yet: where, and what; None truncates there
Pending = tuple[int, bytes | None]


class PowerOff(Exception):
    """Raised by every input or output after the power has gone."""


class Node:
    """One file: what readers see, what is durable, and the writes in between."""

    __slots__ = ("cache", "durable", "pending")

    def __init__(self, durable: bytes | None = None) -> None:
        self.cache = bytearray(durable or b"")
        #: None: never synced, may vanish in a cut
        self.durable = durable
        self.pending: list[Pending] = []

    def write(self, offset: int, octets: bytes | None) -> None:
        """To the cache; None truncates."""
        apply(self.cache, offset, octets)
        self.pending.append((offset, octets))

    def sync(self) -> None:
        self.durable, self.pending = bytes(self.cache), []


class Op(NamedTuple):
    """One operation that changed a file or made it durable. ``what`` is write (``octets`` None truncates), sync, delete
    or open (of a file that was not there)."""

    what: str
    path: str
    offset: int = 0
    octets: bytes | None = None


def apply(image: bytearray, offset: int, octets: bytes | None) -> None:
    """One write, or truncation, on the bytes of a file."""
    if octets is None:
        del image[offset:]
        return
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(octets)] = octets


def left(files: Mapping[str, Node], rng: random.Random, mode: str) -> dict[str, bytes]:
    """The files as a cut at this moment leaves them."""
    after: dict[str, bytes] = {}
    for path, node in files.items():
        image, survived = bytearray(node.durable or b""), False
        for offset, octets in _survivors(node.pending, rng, mode):
            apply(image, offset, octets)
            survived = True
        if node.durable is None and not survived and rng.random() < 0.5:
            continue  # the new file itself never reached the disk
        after[path] = bytes(image)
    return after


def _survivors(pending: Sequence[Pending], rng: random.Random, mode: str) -> Iterator[Pending]:
    if mode == "none":
        return
    if mode == "prefix":
        yield from pending[: rng.randrange(len(pending) + 1)]
        return
    for offset, octets in pending:
        if mode == "random" or octets is None:
            if rng.random() < 0.5:
                yield offset, octets
        else:
            for i in range(0, len(octets), SECTOR):
                if rng.random() < 0.5:
                    yield offset + i, octets[i : i + SECTOR]


class PowerDisk(apsw.VFS):
    """A named VFS with a power switch.

    >>> disk, rng = PowerDisk(), random.Random(1)
    >>> with disk.outage(rng, mode="torn"):
    ...     con = disk.connect("/q.db", synchronous="FULL")
    ...     while True:
    ...         ...  # BEGIN IMMEDIATE, work, COMMIT, then note the ack
    >>> con = disk.connect("/q.db")  # power is back: compare with the acks
    """

    def __init__(self, name: str = "powercut", *, characteristics: int = POWERSAFE_OVERWRITE) -> None:
        self.vfs_name, self.characteristics = name, characteristics
        self.files: dict[str, Node] = {}
        self.powered = True
        #: a handle that was opened before a cut is dead after it
        self.generation = 0
        self.ops = 0
        self.fuse: int | None = None
        #: all operations since the last :meth:`load`
        self.journal: list[Op] = []
        self._open: list[apsw.Connection] = []
        super().__init__(name, "")

    # ---- what a test calls -----------------------------------------------------------------------------------------

    def open(self, path: str) -> apsw.Connection:
        """A connection without any settings."""
        con = apsw.Connection(path, vfs=self.vfs_name)
        self._open.append(con)
        return con

    def connect(
        self, path: str, *, synchronous: str = "FULL", journal: str = "WAL", checkpoint: int = 40
    ) -> apsw.Connection:
        """Opens a database; ``checkpoint`` is wal_autocheckpoint, in pages."""
        con = self.open(path)
        for pragma in (
            "locking_mode=EXCLUSIVE",
            f"journal_mode={journal}",
            f"synchronous={synchronous}",
            f"wal_autocheckpoint={checkpoint}",
        ):
            list(con.execute("PRAGMA " + pragma))
        return con

    def load(self, files: Mapping[str, bytes]) -> None:
        """From now on the disk holds these files, all durable, and the journal begins anew."""
        self.files = {path: Node(octets) for path, octets in files.items()}
        self.journal.clear()

    def settle(self) -> None:
        """Makes everything that was written so far durable (the state before the test)."""
        for node in self.files.values():
            node.sync()

    @contextlib.contextmanager
    def outage(self, rng: random.Random, *, mode: str = "torn", ops: tuple[int, int] = (10, 600)) -> Iterator[None]:
        """Runs the block until the power goes at a random operation, then brings it back.

        An exception that arrives while the power is still on is a real failure and is passed on; everything after the cut
        is swallowed.
        """
        self.ops, self.fuse = 0, rng.randrange(*ops)
        with _expect_power_off():
            try:
                yield
            except (PowerOff, apsw.Error):
                if self.powered:
                    raise
            self.cut(rng, mode)

    def cut(self, rng: random.Random, mode: str) -> None:
        """Cuts the power now and brings it back; open connections are dead."""
        if mode not in MODES:
            raise ValueError(mode)
        self.powered = False
        for con in self._open:
            with contextlib.suppress(PowerOff, apsw.Error):
                con.close(True)
        self._open.clear()
        self.load(left(self.files, rng, mode))
        self.generation += 1
        self.fuse, self.ops, self.powered = None, 0, True

    # ---- what SQLite calls -----------------------------------------------------------------------------------------

    def tick(self, generation: int, op: Op) -> None:
        """An operation is about to happen."""
        if not self.powered or generation != self.generation:
            raise PowerOff
        self.ops += 1
        if self.fuse is not None and self.ops >= self.fuse:
            self.powered = False
            raise PowerOff
        self.journal.append(op)

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path not in self.files:
            self.files[path] = Node()
            self.journal.append(Op("open", path))
        return _File(self, path)

    def xDelete(self, name: str, syncdir: bool) -> None:
        self.tick(self.generation, Op("delete", name))
        self.files.pop(name, None)

    def xAccess(self, name: str, flags: int) -> bool:
        node = self.files.get(name)
        return node is not None and (node.durable is not None or bool(node.cache))

    def xFullPathname(self, name: str) -> str:
        return name


class _File:
    """One open handle. Has no xShm* methods, hence the exclusive locking mode."""

    def __init__(self, disk: PowerDisk, path: str) -> None:
        self.disk, self.path, self.node, self.generation = disk, path, disk.files[path], disk.generation

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self.node.cache[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        octets = bytes(data)
        self.disk.tick(self.generation, Op("write", self.path, offset, octets))
        self.node.write(offset, octets)

    def xTruncate(self, size: int) -> None:
        self.disk.tick(self.generation, Op("write", self.path, size, None))
        self.node.write(size, None)

    def xSync(self, flags: int) -> None:
        self.disk.tick(self.generation, Op("sync", self.path))
        self.node.sync()

    def xFileSize(self) -> int:
        return len(self.node.cache)

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return self.disk.characteristics

    def xLock(self, level: int) -> None: ...

    def xUnlock(self, level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xClose(self) -> None: ...


class Replay:
    """The disk as it was after each operation of a journal."""

    def __init__(self, start: Mapping[str, bytes], journal: Sequence[Op]) -> None:
        self.files = {path: Node(octets) for path, octets in start.items()}
        self._journal, self.done = journal, 0

    def to(self, done: int) -> None:
        """Goes on until so many operations have happened; there is no way back."""
        assert done >= self.done
        for op in self._journal[self.done : done]:
            if op.what == "write":
                self.files[op.path].write(op.offset, op.octets)
            elif op.what == "sync":
                self.files[op.path].sync()
            elif op.what == "delete":
                self.files.pop(op.path, None)
            else:
                self.files[op.path] = Node()
        self.done = done


@contextlib.contextmanager
def _expect_power_off() -> Iterator[None]:
    """Keeps PowerOff inside SQLite's call-backs from being printed."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, PowerOff):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
