"""``make fuzz SECONDS=60``: coverage-guided fuzzing (atheris, libFuzzer) of everything that reads foreign bytes.

    python -m fuzz [--seconds N] [TARGET …]

Each target runs in a process of its own for its share of the time. A finding is printed with its traceback, its input is
kept as ``crash-…`` in the folder that is named, and the exit status is 1. ``--replay FILE TARGET`` runs one input.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.targets import TARGETS

#: seconds over its share after which a target is killed
GRACE = 60


def seeds(folder: Path) -> None:
    """What the fuzzer begins with: our own vectors, a dialogue, and a call."""
    from tests.sms.vectors import V

    for name, pdu in V.items():
        (folder / name).write_bytes(bytes.fromhex(pdu))
    (folder / "dialogue").write_bytes(
        b'\x02AT+CMGL=4\r\r\n+CMGL: 1,1,,24\r\n07919134466405F0\r\n\r\n+CMTI: "SM",3\r\nRING\r\n+CUSD: 0,"a\r\nb",15\r\nOK\r\n> '
    )
    (folder / "call").write_bytes(
        b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        b"Idempotency-Key: k\r\nAuthorization: Bearer x\r\n\r\n{}"
    )


def run(target: str, seconds: int, findings: Path) -> tuple[int, int]:
    """(inputs tried, exit status) of one target in a process of its own."""
    with tempfile.TemporaryDirectory() as corpus:
        seeds(Path(corpus))
        done = subprocess.run(
            [sys.executable, "-m", "fuzz.one", target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024",
             "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={findings}/", corpus],
            capture_output=True, timeout=seconds + GRACE, check=False,
        )  # fmt: skip
    said = done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    if done.returncode:
        print(said[-6000:], file=sys.stderr)
    found = re.search(r"number_of_executed_units:\s*([0-9]+)", said)
    return int(found[1]) if found else 0, done.returncode


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)} (default: all)")
    ap.add_argument("--seconds", type=int, default=60, help="for all targets together (default 60)")
    ap.add_argument("--replay", type=Path, metavar="FILE", help="run one input on one TARGET")
    opt = ap.parse_args()
    names = opt.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        ap.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if opt.replay:
        TARGETS[names[0]](opt.replay.read_bytes())
        return 0
    findings = Path(tempfile.mkdtemp(prefix="smsgwd-fuzz-"))
    bad = 0
    for name in names:
        inputs, status = run(name, max(opt.seconds // len(names), 1), findings)
        bad += bool(status) or not inputs
        verdict = "a finding" if status else "nothing unexpected" if inputs else "nothing was run"
        print(f"{name:<10} {inputs:>10,} inputs  {verdict}")
    if bad:
        print(f"inputs are kept in {findings}")
    else:
        findings.rmdir()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
