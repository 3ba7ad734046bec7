"""``make bench``: smsgwd beside its peers, in one run, on this machine.

    python -m bench [NAME …] [--json FILE]

Each module of this folder named in ``BENCHES`` has ``run() -> list[Row as dict]``: what, unit, smsgwd, peers {name:
figure}, ratio (ours to the best peer, > 1 is better), goal. Peers that are not installed are left out and named. Figures
of a shared machine move by a third; ratios of one run are the solid part.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import sys
from typing import Any

BENCHES = ("start", "codec", "store", "chain")


def table(rows: list[dict[str, Any]]) -> None:
    head = ("what", "unit", "smsgwd", "peers", "ratio", "goal")
    cells = [head] + [
        (
            row["what"],
            row["unit"],
            _figure(row["smsgwd"]),
            "  ".join(f"{name} {_figure(value)}" for name, value in row.get("peers", {}).items()) or "–",
            f"{row['ratio']:.1f}×" if row.get("ratio") else "",
            row.get("goal", ""),
        )
        for row in rows
    ]
    widths = [max(len(str(line[i])) for line in cells) for i in range(len(head))]
    for line in cells:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _figure(value: Any) -> str:
    if value is None:
        return "absent"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", help=f"which: {', '.join(BENCHES)} (default: all)")
    ap.add_argument("--json", metavar="FILE", help="write the rows there as well")
    opt = ap.parse_args()
    unknown = set(opt.names) - set(BENCHES)
    if unknown:
        ap.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    machine = {
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "machine": platform.machine(),
        "cores": os.cpu_count(),
    }  # fmt: skip
    print("  ".join(f"{k} {v}" for k, v in machine.items()))
    rows: list[dict[str, Any]] = []
    for name in opt.names or BENCHES:
        print(f"… {name}", file=sys.stderr)
        rows += [{"bench": name, **row} for row in importlib.import_module(f"bench.{name}").run()]
    table(rows)
    document = {"machine": machine, "rows": rows}
    if opt.json:
        with open(opt.json, "w") as f:
            json.dump(document, f, indent=1)
    else:
        print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
