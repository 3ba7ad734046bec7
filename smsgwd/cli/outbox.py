"""``smsgwd outbox``: calls owed to helpdesks."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option, let_go, local_time, page_options, pairs


@click.group()
def outbox() -> None:
    """Calls owed to helpdesks: list, show, replay."""


@outbox.command("list")
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@click.option("--pending", is_flag=True, help="Only those that wait.")
@page_options
@json_option
@click.pass_context
def list_(ctx: click.Context, dead: bool, pending: bool, limit: int, after: str) -> None:
    """Calls, newest first."""
    app = app_of(ctx)
    state = "dead" if dead else "pending" if pending else ""
    found = app.door.call("GET", "/v1/outbox", {"state": state, "limit": limit, "after": after})
    rows = [
        (o["id"], local_time(o["at"]), o["endpoint"], o["kind"], o["state"], o["attempts"], local_time(o["due"]), o["reason"])
        for o in found["items"]
    ]
    columns = ["id", "at", "endpoint", "kind", "state", "tries", "due", "reason"]
    app.show(found, lambda: app.table(columns, rows, "nothing is owed"))


@outbox.command()
@click.argument("id")
@json_option
@click.pass_context
def show(ctx: click.Context, id: str) -> None:
    """One call."""
    app = app_of(ctx)
    o = app.door.call("GET", f"/v1/outbox/{id}")
    rows = [
        ("id", o["id"]), ("endpoint", o["endpoint"]), ("kind", o["kind"]), ("state", o["state"]),
        ("reason", o["reason"]), ("tries", o["attempts"]), ("at", local_time(o["at"])), ("due", local_time(o["due"])),
        ("message", o["message"]), ("conversation", o["conversation"]),
    ]  # fmt: skip
    app.show(o, lambda: pairs(rows))


@outbox.command()
@click.argument("id", required=False)
@click.option("--restored", is_flag=True, help="All calls that `smsgwd db restore` put aside.")
@json_option
@click.pass_context
def replay(ctx: click.Context, id: str | None, restored: bool) -> None:
    """Try a call again that was given up."""
    app = app_of(ctx)
    if (id is None) is not restored:
        raise click.UsageError("name one call, or say --restored for all that a restore put aside")
    if id is None:
        let_go(app, "replay", "wait for their turn", "calls")
        return
    found = app.door.call("POST", f"/v1/outbox/{id}/replay")
    app.show(found, lambda: click.echo(f"{found['id']} {found['state']}"))
