"""``smsgwd inbox``: inbound texts."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option, local_time, page_options, pairs, shortened


@click.group()
def inbox() -> None:
    """Inbound texts: list, show."""


@inbox.command("list")
@click.option("--from", "from_", default="", metavar="NUMBER", help="Only those of this person.")
@click.option("--link", default="", metavar="NAME", help="Only those that came over this link.")
@page_options
@json_option
@click.pass_context
def list_(ctx: click.Context, from_: str, link: str, limit: int, after: str) -> None:
    """Texts, newest first."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/inbox", {"from": from_, "link": link, "limit": limit, "after": after})
    rows = [(m["id"], local_time(m["created"]), m["from"], m["link"], shortened(m["text"], 70)) for m in found["items"]]
    app.show(found, lambda: app.table(["id", "received", "from", "link", "text"], rows, "no texts"))


@inbox.command()
@click.argument("id")
@json_option
@click.pass_context
def show(ctx: click.Context, id: str) -> None:
    """One text."""
    app = app_of(ctx)
    m = app.door.call("GET", f"/v1/inbox/{id}")
    rows = [
        ("id", m["id"]), ("from", m["from"]), ("to", m["to"]), ("link", m["link"]), ("state", m["state"]),
        ("received", local_time(m["created"])), ("encoding", m["encoding"]), ("parts", m["parts"]),
        ("conversation", m["conversation"]), ("reason", m["reason"]), ("text", shortened(m["text"], 4000)),
    ]  # fmt: skip
    app.show(m, lambda: pairs(rows))
