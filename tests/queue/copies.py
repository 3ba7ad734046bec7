"""Copies of a database, and back from them, without a word."""

from smsgwd.clock import SystemClock
from smsgwd.queue.care.copying import backup
from smsgwd.queue.care.restoring import restore
from tests.contract.making import NOW
from tests.store import StillClock


def copied(database, target, *, force: bool = False):
    return backup(str(database), str(target), force=force, clock=SystemClock(), progress=lambda what, share: None)


def put_back(source, path, progress=lambda what, share: None):
    return restore(str(source), str(path), clock=StillClock(NOW), progress=progress)
