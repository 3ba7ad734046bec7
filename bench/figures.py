"""One line of the table: our figure beside the peers', the ratio, the goal.

A row is ``{what, unit, smsgwd, peers {name: figure or None}, ratio, goal}`` and, where it was measured more than once,
``spread [least, most]`` of ours. The goal must be met; ``aim``, where there is one, is what we would like. The ratio
says how many times better we are than the best peer, so that more than 1 is better whichever way the unit goes. A peer that is not installed, or did not finish, has None and is shown as absent.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

_GOAL = re.compile(r"([<≤≥]) ([0-9.]+)(×?)").fullmatch


def row(
    what: str,
    unit: str,
    ours: float,
    peers: Mapping[str, float | None] | None = None,
    goal: str = "",
    *,
    aim: str = "",
    more_is_better: bool = False,
    spread: tuple[float, float] | None = None,
) -> Row:
    """``goal`` is ``< 0.15``, ``≤ 3`` or ``≥ 200`` for our figure, ``≥ 10×`` for the ratio."""
    for limit in filter(None, (goal, aim)):
        if not _GOAL(limit):
            raise ValueError(f"a goal is written like '≥ 10×' or '≤ 3', not {limit!r}")
    peers = dict(peers or {})
    present = [figure for figure in peers.values() if figure]
    ratio = None
    if present and ours:
        ratio = ours / max(present) if more_is_better else min(present) / ours
    made: Row = {"what": what, "unit": unit, "smsgwd": ours, "peers": peers, "ratio": ratio, "goal": goal}
    return made | ({"aim": aim} if aim else {}) | ({"spread": list(spread)} if spread else {})


def medians(runs: list[list[Row]]) -> list[Row]:
    """The same rows without peers, measured several times: median and spread of each."""
    made = []
    for lines in zip(*runs, strict=True):
        first, ours = lines[0], [line["smsgwd"] for line in lines]
        spread = (min(ours), max(ours))
        made.append(row(first["what"], first["unit"], statistics.median(ours), goal=first["goal"], spread=spread))
    return made


def met(row: Row, which: str = "goal") -> bool | None:
    """Whether the goal (or the ``aim``) is met; None without one, or when there was no peer to be compared with."""
    goal = _GOAL(row.get(which, ""))
    if goal is None:
        return None
    figure = row["ratio"] if goal[3] else row["smsgwd"]
    if figure is None:
        return None
    limit = float(goal[2])
    return bool(figure >= limit if goal[1] == "≥" else figure < limit if goal[1] == "<" else figure <= limit)


def verdict(line: Row) -> str:
    """What the last column says."""
    if met(line) is False:
        return "MISSED"
    if met(line, "aim") is not None:
        return "aim met" if met(line, "aim") else "met" if line["goal"] else "aim missed"
    return "met" if met(line) else ""


def figure(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "absent"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: list[Row]) -> str:
    """All rows as text, columns under their heads; one for the aims when there are any."""
    aims = any("aim" in line for line in rows)
    cells = [("what", "unit", "smsgwd", "(spread)", "peers", "ratio", "goal", *(["aim"] if aims else []), "")]
    for line in rows:
        spread = line.get("spread")
        cells.append((
            line["what"],
            line["unit"],
            figure(line["smsgwd"]),
            f"({figure(spread[0])}–{figure(spread[1])})" if spread else "",
            "  ".join(f"{name} {figure(value)}" for name, value in line["peers"].items()) or "–",
            f"{line['ratio']:.1f}×" if line["ratio"] else "",
            line["goal"],
            *([line.get("aim", "")] if aims else []),
            verdict(line),
        ))  # fmt: skip
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "\n".join(padded)
