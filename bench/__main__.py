"""``make bench``: smsgwd beside its peers, in one run, on this machine.

    python -m bench [NAME …] [--quick] [--jasmin VENV] [--json FILE]

Each module of this folder named in ``BENCHES`` has ``run()``, which gives rows (:mod:`bench.figures`). The last line is
all of them as one JSON document, with the machine and its load before and after; ``--json`` writes it to a file as well.
Peers that are not installed are left out and named. Figures of a shared machine move by a third; ratios of one run are
the solid part. ``--quick`` takes fewer texts and one round, where a module knows of it.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import platform
import sqlite3
import sys
from pathlib import Path
from typing import Any

from bench.figures import Row, table

BENCHES = ("start", "codec", "store", "accept", "chain", "modems", "smpp_session", "smpp")


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(), "interpreter": os.path.realpath(sys.executable),
        "sqlite": sqlite3.sqlite_version, "machine": platform.machine(), "cores": os.cpu_count(),
    }  # fmt: skip


def measured(name: str, options: dict[str, Any]) -> list[Row]:
    """The rows of one module, which is given those options that it knows."""
    run = importlib.import_module(f"bench.{name}").run
    known = inspect.signature(run).parameters
    rows: list[Row] = run(**{key: value for key, value in options.items() if key in known})
    return rows


def main(arguments: list[str] | None = None) -> int:
    ap = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)} (default: all)")
    ap.add_argument("--json", metavar="FILE", type=Path, help="write the JSON document there as well")
    ap.add_argument("--quick", action="store_true", help="accept, smpp, smpp_session: fewer texts, one round")
    ap.add_argument("--jasmin", metavar="VENV", type=Path, help="smpp: beside Jasmin too, installed there by its kit")
    opt = ap.parse_args(arguments)
    unknown = set(opt.names) - set(BENCHES)
    if unknown:
        ap.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    before = os.getloadavg()[0]
    rows: list[Row] = []
    for name in opt.names or BENCHES:
        print(f"… {name}", file=sys.stderr)
        rows += [{"bench": name, **row} for row in measured(name, {"quick": opt.quick, "jasmin": opt.jasmin})]
    load = [round(before, 2), round(os.getloadavg()[0], 2)]
    print("  ".join(f"{k} {v}" for k, v in machine().items()), f" load before {load[0]}, after {load[1]}")
    print(table(rows))
    document = json.dumps({"machine": machine(), "load": load, "rows": rows}, ensure_ascii=False)
    if opt.json:
        opt.json.write_text(document + "\n")
    print(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
