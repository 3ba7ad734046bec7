"""How long the command line takes to begin: CPU of ``smsgwd --help``, median of 15 runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from typing import Any


def cpu_of(command: list[str]) -> float:
    """User and system seconds of one run."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def run() -> list[dict[str, Any]]:
    ours = statistics.median(cpu_of([sys.executable, "-m", "smsgwd", "--help"]) for _ in range(15))
    bare = statistics.median(cpu_of([sys.executable, "-c", "import click"]) for _ in range(15))
    return [
        {"what": "smsgwd --help, CPU", "unit": "s", "smsgwd": round(ours, 3), "peers": {"import click": round(bare, 3)},
         "ratio": None, "goal": "< 0.15"},
    ]  # fmt: skip
