"""Builds the shim, starts programs under it, and cuts their power."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.powercut.undo import undo

SOURCE = Path(__file__).with_name("powercut.c")


def build(folder: Path) -> Path:
    """``powercut.so``; skips the test where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc) for the power-cut shim")
    made = folder / "powercut.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(made), str(SOURCE), "-ldl", "-lpthread"], check=True, timeout=60
    )
    return made


class Power:
    """The power of one folder. What runs with :attr:`env` loses what it did not sync when :meth:`cut` is called."""

    def __init__(self, shim: Path, folder: Path, log: Path) -> None:
        self.folder, self.log = folder.resolve(), log
        self.env = {**os.environ, "LD_PRELOAD": str(shim), "PC_DIR": f"{self.folder}/", "PC_LOG": str(log)}

    def cut(self, rng: random.Random | None) -> int:
        """Call it when everything that ran is dead. Returns how many writes were lost; with ``rng`` some of the oldest
        survive."""
        lost = undo(self.log, rng) if self.log.exists() else 0
        for shm in self.folder.glob("*-shm"):
            shm.unlink()
        return lost
