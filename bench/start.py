"""How long the command line takes to begin: CPU of ``smsgwd --help``, median of ``ROUNDS`` runs.

``python -c "import click"`` runs in turn with it. It is no peer: it is what Python and the command line library take
before a line of ours runs, so it is the floor.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from bench.figures import Row, row

ROUNDS = 15


def cpu_of(command: list[str]) -> float:
    """User and system seconds of one run."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def run(rounds: int = ROUNDS) -> list[Row]:
    ours, floor = [], []
    for _ in range(rounds):
        ours.append(cpu_of([sys.executable, "-m", "smsgwd", "--help"]))
        floor.append(cpu_of([sys.executable, "-c", "import click"]))
    return [
        row("smsgwd --help, CPU", "s", statistics.median(ours), goal="< 0.15", spread=(min(ours), max(ours))),
        row("the floor: import click, CPU", "s", statistics.median(floor), spread=(min(floor), max(floor))),
    ]
