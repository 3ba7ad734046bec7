"""``smsgwd conversations``: threads with people."""

from __future__ import annotations

from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, local_time, page_options, pairs, shortened


@click.group()
def conversations() -> None:
    """Threads with people: list, show, reply, close."""


@conversations.command("list")
@click.option("--state", type=click.Choice(["open", "closed"]), default=None, help="Only these.")
@page_options
@json_option
@click.pass_context
def list_(ctx: click.Context, state: str | None, limit: int, after: str) -> None:
    """Conversations, newest first."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/conversations", {"state": state, "limit": limit, "after": after})
    rows = [
        (c["id"], local_time(c["updated"]), c["state"], c["contact"], c["link"], _tickets(c), ", ".join(c["tags"]))
        for c in found["items"]
    ]
    columns = ["id", "updated", "state", "contact", "link", "tickets", "tags"]
    app.show(found, lambda: app.table(columns, rows, "no conversations"))


def _tickets(conversation: dict[str, Any]) -> str:
    return ", ".join(f"{desk} {ticket}" for desk, ticket in conversation["tickets"].items())


@conversations.command()
@click.argument("id")
@json_option
@click.pass_context
def show(ctx: click.Context, id: str) -> None:
    """One conversation with its newest texts."""
    app = app_of(ctx)
    found = app.door.call("GET", f"/v1/conversations/{id}")

    def human() -> None:
        pairs(
            [
                ("id", found["id"]), ("contact", found["contact"]), ("state", found["state"]), ("link", found["link"]),
                ("opened", local_time(found["opened"])), ("tickets", _tickets(found)), ("tags", ", ".join(found["tags"])),
            ]
        )  # fmt: skip
        click.echo()
        for m in found["messages"]:
            arrow = "←" if m["direction"] == "in" else "→"
            click.echo(f"{local_time(m['created'])}  {arrow} {m['state']:<10} {shortened(m['text'], 2000)}")

    app.show(found, human)


@conversations.command()
@click.argument("id")
@click.argument("text")
@click.option("--author", default="", help="Who answers.")
@click.option("--key", default="", help="Idempotency key: the same key never sends twice.")
@json_option
@click.pass_context
def reply(ctx: click.Context, id: str, text: str, author: str, key: str) -> None:
    """Answer the person, from the number that they wrote to."""
    app = app_of(ctx)
    sent = app.door.call("POST", f"/v1/conversations/{id}/reply", body={"text": text, "author": author, "key": key})
    app.show(sent, lambda: click.echo(sent["id"]))


@conversations.command()
@click.argument("id")
@json_option
@click.pass_context
def close(ctx: click.Context, id: str) -> None:
    """Close it; the person's next text opens a new one."""
    app = app_of(ctx)
    found = app.door.call("POST", f"/v1/conversations/{id}/close")
    app.show(found, lambda: click.echo(f"{found['id']} {found['state']}"))
