"""``smsgwd token``: API tokens."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option, local_time


@click.group()
def token() -> None:
    """API tokens: create, list, revoke."""


@token.command()
@click.option("--scope", "scopes", multiple=True, required=True, metavar="SCOPE",
              help="messages:send messages:read inbox:read conversations:reply contacts:write consent:write admin; "
                   "may be given more than once.")  # fmt: skip
@click.option("--segments-per-day", type=click.IntRange(1), metavar="N", help="Most segments in a day (UTC).")
@click.option("--segments-per-month", type=click.IntRange(1), metavar="N", help="Most segments in a month (UTC).")
@click.option("--cost-per-day", type=click.FloatRange(0, min_open=True), metavar="X", help="Most money in a day (UTC).")
@click.option("--cost-per-month", type=click.FloatRange(0, min_open=True), metavar="X", help="Most money in a month (UTC).")
@json_option
@click.pass_context
def create(ctx: click.Context, /, scopes: tuple[str, ...], **caps: float | None) -> None:
    """Create a token. It is shown this once; the store keeps its digest alone."""
    app = app_of(ctx)
    asked = {name: cap for name, cap in caps.items() if cap is not None}
    made = app.door.call("POST", "/v1/tokens", body={"scopes": list(scopes), **asked})
    app.show(made, lambda: click.echo(made["token"]))


@token.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context) -> None:
    """All tokens, newest first, without their secrets."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/tokens")
    rows = [
        (t["id"], local_time(t["created"]), " ".join(t["scopes"]), " ".join(f"{k}={v:g}" for k, v in t["caps"].items()),
         f"revoked {local_time(t['revoked'])}" if t["revoked"] else "")
        for t in found["items"]
    ]
    app.show(found, lambda: app.table(["id", "created", "scopes", "caps", ""], rows, "no tokens"))


@token.command()
@click.argument("id")
@json_option
@click.pass_context
def revoke(ctx: click.Context, id: str) -> None:
    """From now on the token opens nothing."""
    app = app_of(ctx)
    found = app.door.call("DELETE", f"/v1/tokens/{id}")
    app.show(found, lambda: click.echo(f"{found['id']} revoked"))
