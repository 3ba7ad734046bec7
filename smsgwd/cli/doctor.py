"""``smsgwd doctor``: everything an operator would look at when a gateway does not work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from smsgwd.cli.base import App, app_of, json_option

if TYPE_CHECKING:
    from smsgwd.doctor.report import Check, Report

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look at everything that can keep a gateway from working, change nothing, and name what mends each failure.

    Configuration, store, daemon, ports, modems and SIMs, SMSCs, helpdesks, clock and power: one line each. A modem is
    asked while no daemon runs; with a daemon, its own facts are shown. No PIN is entered, no bind tried, no call sent.
    Ends with 0 when nothing is wrong (there may be warnings), 1 when something is, 78 when the configuration is.
    """
    import asyncio

    from smsgwd.clock import SystemClock
    from smsgwd.doctor.examination import examine
    from smsgwd.doctor.places import Places

    app = app_of(ctx)
    report = asyncio.run(examine(app.config_path, Places(), SystemClock()))
    app.show({"ok": report.ok, "checks": report.checks}, lambda: _print(app, report))
    ctx.exit(report.status)


def _print(app: App, report: Report) -> None:
    """A table on a terminal; tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        app.table((), [_cells(check) for check in report.checks])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "what", "which", "found"):
        table.add_column(column, overflow="fold", no_wrap=column in ("", "what"))
    for check in report.checks:
        level, name, subject, message, mend = _cells(check)
        found = Text(message)
        if mend:
            found.append(f"\n→ {mend}", style="bold")
        table.add_row(Text(level, style=_COLOURS[level]), Text(name), Text(subject), found)
    Console().print(table)
    counts = {level: sum(check.level == level for check in report.checks) for level in _COLOURS}
    click.echo(f"\n{counts['ok']} ok, {counts['warning']} warnings, {counts['error']} errors")


def _cells(check: Check) -> tuple[str, ...]:
    """What a modem or a daemon said may hold anything: nothing of it steers the terminal."""
    from smsgwd.cli.readable import safe

    return tuple(safe(cell) for cell in (check.level, check.name, check.subject, check.message, check.mend))
