"""``smsgwd db purge``: forgetting what is old, now instead of within the hour."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option

#: seconds that a purge of a large store may take
PATIENCE = 3600.0


@click.command()
@click.option("--older-than", default="", metavar="D", help="All that is older than this (30d), where the configuration keeps it longer.")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@json_option
@click.pass_context
def purge(ctx: click.Context, older_than: str, dry_run: bool) -> None:
    """Forget what is older than [retention] of the configuration says, or than --older-than.

    The daemon may run: it does this itself once an hour. Texts lose their words first and their rows later; what waits, is on
    its way, in doubt, or awaits a report is left. Daily counts, consent and the audit chain stay."""
    app = app_of(ctx)
    body = {"older_than": older_than, "dry_run": dry_run}
    found = app.door.call("POST", "/v1/purge", body=body, timeout=PATIENCE)
    told = ", ".join(f"{n} {name}" for name, n in sorted(found["counts"].items())) or "nothing"
    app.show(found, lambda: click.echo(f"{'would go' if dry_run else 'gone'}: {told}"))
