"""Ordinary programs that know nothing of the shim and are killed while they write; each line is an acknowledgement.

``python -m tests.powercut.victims KIND PATH [SYNCHRONOUS]``
"""

import itertools
import os
import sqlite3
import sys


def sqlite(path: str, synchronous: str) -> None:
    """Five rows a commit, some of them marked as sent: "number state" for each."""
    con = sqlite3.connect(path, isolation_level=None)
    con.execute(f"PRAGMA synchronous={synchronous}")
    numbers = itertools.count(1)
    while True:
        done = []
        con.execute("BEGIN IMMEDIATE")
        for n in itertools.islice(numbers, 5):
            con.execute("INSERT INTO q VALUES(?, ?, 0)", (n, "x" * 140))
            done.append((n, 0))
        for (n,) in con.execute("SELECT id FROM q WHERE state = 0 LIMIT 3").fetchall():
            con.execute("UPDATE q SET state = 1 WHERE id = ?", (n,))
            done.append((n, 1))
        con.execute("COMMIT")
        os.write(1, b"".join(b"%d %d\n" % d for d in done))


def append(path: str, sync: bool) -> None:
    """A line at the end of a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for n in itertools.count():
        os.write(descriptor, b"%d\n" % n)
        if sync:
            os.fsync(descriptor)
        os.write(1, b"%d\n" % n)


def replace(path: str, sync: bool) -> None:
    """The whole file, by rename."""
    for n in itertools.count():
        descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"<%d %s>" % (n, b"y" * 500))
        if sync:
            os.fsync(descriptor)
        os.close(descriptor)
        os.rename(path + ".new", path)
        os.write(1, b"%d\n" % n)


KINDS = {
    "sqlite": sqlite,
    "append": lambda path: append(path, False),
    "append+fsync": lambda path: append(path, True),
    "replace": lambda path: replace(path, False),
    "replace+fsync": lambda path: replace(path, True),
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
