"""Runs a script of the reference kit against the simulated modem: ``../shared/peers`` shares no code with this project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.story.programs import journal, modem

KIT = Path(__file__).resolve().parents[3] / "shared" / "peers"
#: daemons of the administrator live there, and are not in everybody's PATH
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def needs(script: str, *programs: str) -> None:
    """Skips the test with the reason when the kit or a program is not there."""
    if not (KIT / script).exists():
        pytest.skip(f"the reference kit ../shared/peers/{script} is not here")
    for program in programs:
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"{program} is not installed")


def run(script: str, home: Path, *options: str, limit: float = 100) -> list[dict]:
    """The lines that a script prints, which must succeed, run on a simulated modem at ``home/m1``."""
    with modem(home):
        done = subprocess.run(
            [sys.executable, str(KIT / script), str(home / "m1"), str(home / "work"), *options],
            capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL, env={**os.environ, "PATH": PATH},
        )  # fmt: skip
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert steps, done.stderr
    assert done.returncode == 0, (done.stderr, [step for step in steps if not step.get("ok")])
    return steps


def sent(home: Path) -> list[dict]:
    """What the journal says was sent: each line without its time and its PDU."""
    return [{k: line[k] for k in ("mr", "from", "to", "text", "part", "parts")} for line in journal(home, "submit")]
