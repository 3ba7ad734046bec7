"""``smsgwd audit``: what operators did, and whether somebody changed that since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from smsgwd.cli.base import app_of, json_option

#: seconds that following a chain may take
PATIENCE = 3600.0


@click.group()
def audit() -> None:
    """What operators did, as a chain that shows every change: verify, export."""


def _anchor(text: str) -> str:
    """``SEQ:HASH`` itself, or from the file that an earlier ``audit verify --json`` or ``audit export`` wrote."""
    import json

    path = Path(text)
    if not path.is_file():
        return text
    lines = path.read_text().strip().splitlines()
    try:
        last = json.loads(lines[-1])
        return f"{last['seq']}:{last['hash']}"
    except (IndexError, KeyError, TypeError, ValueError):
        raise click.BadParameter(f"{text}: its last line is no JSON with seq and hash") from None


@audit.command()
@click.option("--anchor", default="", metavar="SEQ:HASH|FILE", help="An earlier head: shows a chain that was cut or written anew.")
@json_option
@click.pass_context
def verify(ctx: click.Context, anchor: str) -> None:
    """Follow the chain from its first entry to its last.

    Ends with 0 when all entries fit, and with 1 when one was changed, taken out or put in: the first such entry is named. A
    chain alone does not show that its end was cut off: keep what this command prints (seq and hash) elsewhere, and give it
    as --anchor."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/audit/state", {"anchor": _anchor(anchor)}, timeout=PATIENCE)
    if found["ok"]:
        erased = f", {found['erased']} with what was personal erased" if found["erased"] else ""
        app.show(found, lambda: click.echo(f"whole: {found['entries']} entries{erased}; head {found['seq']}:{found['hash']}"))
        return
    app.show(found, lambda: None)
    click.echo(f"smsgwd: the audit chain is broken at entry {found['broken']}: {found['why']}", err=True)
    ctx.exit(1)


@audit.command()
@click.option("--since", default="", metavar="T", help="Only what was done from this time on: 2026-01-31, 2026-01-31T09:30+01:00.")
@json_option
@click.pass_context
def export(ctx: click.Context, since: str) -> None:
    """All entries, one JSON object a line, oldest first; what is personal in them is what is still kept."""
    app = app_of(ctx)
    query: dict[str, Any] = {"since": since, "limit": 1000}
    while True:
        page = app.door.call("GET", "/v1/audit", query)
        for entry in page["items"]:
            app.line(entry)
        if page["next"] is None:
            return
        query["after"] = page["next"]
